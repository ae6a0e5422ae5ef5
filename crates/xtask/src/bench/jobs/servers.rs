//! The servers of the job benchmark: private ones, and something empty in them for every run.

use anyhow::anyhow;
use groundcrew_testkit::postgres::{Database, Postgres};
use groundcrew_testkit::rabbitmq::{RabbitMq, Vhost};
use std::path::PathBuf;
use tokio::runtime::Runtime;

/// Which servers a contender needs.
#[derive(Clone, Copy)]
pub(super) enum Needs {
    Broker,
    Postgres,
    /// The broker, and Postgres in the variable `BENCH_DATABASE_URL`.
    Both,
    /// A file of its own.
    File,
}

/// What runs for as long as the benchmark does.
pub(super) struct Servers {
    postgres: Postgres,
    rabbitmq: RabbitMq,
    runtime: Runtime,
}

/// Something empty for one run; it goes away with this value.
#[derive(Default)]
pub(super) struct Scratch {
    vhost: Option<Vhost>,
    database: Option<Database>,
    file: Option<(PathBuf, String)>,
}

// === impl Servers ===

impl Servers {
    pub(super) fn start() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (postgres, rabbitmq) =
            runtime.block_on(async { anyhow::Ok((Postgres::start().await?, RabbitMq::private().await?)) })?;
        Ok(Self { postgres, rabbitmq, runtime })
    }

    pub(super) fn scratch(&self, needs: Needs) -> anyhow::Result<Scratch> {
        let mut scratch = Scratch::default();
        if matches!(needs, Needs::Broker | Needs::Both) {
            scratch.vhost = Some(self.runtime.block_on(self.rabbitmq.vhost())?);
        }
        if matches!(needs, Needs::Postgres | Needs::Both) {
            scratch.database = Some(self.runtime.block_on(self.postgres.database())?);
        }
        if matches!(needs, Needs::File) {
            let path = std::env::temp_dir().join(format!("groundcrew-bench-{}.db", std::process::id()));
            let url = format!("sqlite:{}", path.to_str().ok_or_else(|| anyhow!("an odd temporary folder"))?);
            scratch.file = Some((path, url));
        }
        Ok(scratch)
    }
}

// === impl Scratch ===

impl Scratch {
    pub(super) fn url(&self) -> &str {
        let file = self.file.as_ref().map(|(_, url)| url.as_str());
        let database = self.database.as_ref().map(Database::url);
        self.vhost.as_ref().map(Vhost::url).or(database).or(file).unwrap_or_default()
    }

    pub(super) fn environment(&self) -> Option<(&'static str, &str)> {
        Some(("BENCH_DATABASE_URL", self.database.as_ref()?.url()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            if let Some((path, _)) = &self.file {
                let mut name = path.clone().into_os_string();
                name.push(suffix);
                let _ = std::fs::remove_file(name);
            }
        }
    }
}
