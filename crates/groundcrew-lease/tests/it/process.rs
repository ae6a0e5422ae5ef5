//! A replica that is a process of its own, to be killed and stopped: this test binary, called again.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use groundcrew_lease::LeaseStatus;
use groundcrew_runtime::Crew;

use crate::ledger::{Ledger, Line};
use crate::support::crew;

const URL: &str = "GROUNDCREW_TEST_LEASE_URL";

/// It ends with this value.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Runs for the lease in that database; what it believes goes into the ledger.
    pub(crate) fn start(url: &str, ledger: &Ledger) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command.args(["--exact", "process::replica", "--ignored", "--nocapture"]);
        let mut child = command.env(URL, url).stdout(Stdio::piped()).spawn().expect("it starts");
        let (lines, ledger) = (BufReader::new(child.stdout.take().expect("a pipe")), ledger.clone());
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let Some((at, epoch)) = line.strip_prefix("leads ").and_then(|line| line.split_once(' '))
                else {
                    continue;
                };
                if let (Ok(at), Ok(epoch)) = (at.parse(), epoch.parse()) {
                    ledger.push(Line { at, epoch });
                }
            }
        });
        Self { child }
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("an exit code");
    }

    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill").success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have been killed already.
        let _dead = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "not a test: the replica of other tests"]
async fn replica() {
    // With `--long` it is called by nobody's test.
    let Ok(url) = std::env::var(URL) else { return };
    let (crew, unused) = (crew(), Ledger::default());
    let status = run(&url, &crew, &unused).await;
    std::thread::spawn(move || {
        loop {
            let at = crate::ledger::now();
            if let Some(epoch) = status.epoch() {
                let mut out = std::io::stdout().lock();
                if writeln!(out, "leads {at} {epoch}").and_then(|()| out.flush()).is_err() {
                    std::process::exit(0); // the test is gone
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    tokio::time::sleep(Duration::from_secs(110)).await;
}

async fn run(url: &str, crew: &Crew, unused: &Ledger) -> LeaseStatus {
    #[cfg(feature = "kubernetes")]
    if url.starts_with("kubernetes ") {
        return crate::kubernetes::replica(url, crew, unused);
    }
    if url.starts_with("sqlite:") {
        crate::sqlite::replica(url, crew, unused).await
    } else {
        crate::postgres::replica(url, crew, unused).await
    }
}
