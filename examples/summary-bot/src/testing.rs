//! Both databases, for tests of what is stored.

use groundcrew::Crew;
use groundcrew::cache::CacheConfig;
use groundcrew::jobs::{Jobs, JobsConfig, Publisher};
use groundcrew::sql::{Database, SqlConfig};
use groundcrew_testkit::postgres::Postgres;
use tempfile::TempDir;
use uuid::Uuid;

use crate::caretaker::Caretaker;
use crate::document::Document;
use crate::plans::{Parts, Plans, SchedulesConfig};
use crate::retention::RetentionConfig;
use crate::settings::{GuildConfig, Settings};
use crate::store::{MIGRATIONS, Store};
use crate::{Asked, Collector, Filter, Options, Origin, summarize};

/// A database of one kind, migrated.
pub(crate) struct Ground {
    pub(crate) name: &'static str,
    pub(crate) crew: Crew,
    pub(crate) database: Database,
    pub(crate) store: Store,
    pub(crate) plans: Plans,
    pub(crate) publisher: Publisher,
    _folder: Option<TempDir>,
    _postgres: Option<(Postgres, groundcrew_testkit::postgres::Database)>,
}

/// Two people about a pump. Their ids stand before their names.
const LOG: &str = r#"[
    {"id": "11", "author": {"id": "100000000000000001", "name": "Anna"}, "content": "The pump is broken again, Ben, and the water is cold since Monday."},
    {"id": "12", "author": {"id": "100000000000000002", "name": "Ben"}, "content": "I'll order a new pump by Friday, the old pump cannot be repaired."},
    {"id": "13", "author": {"id": "100000000000000001", "name": "Anna"}, "content": "We decided that the pump is paid from the repair budget."}
]"#;
pub(crate) const ANNA: &str = "100000000000000001";
pub(crate) const BEN: &str = "100000000000000002";

/// One of each kind.
pub(crate) async fn grounds() -> [Ground; 2] {
    let folder = tempfile::tempdir().expect("a folder");
    let file = format!("sqlite:{}", folder.path().join("bot.db").display());
    let postgres = Postgres::start().await.expect("a server");
    let database = postgres.database().await.expect("a database");
    let url = database.url().to_owned();
    [
        ground("sqlite", &file, Some(folder), None).await,
        ground("postgres", &url, None, Some((postgres, database))).await,
    ]
}

async fn ground(
    name: &'static str,
    url: &str,
    folder: Option<TempDir>,
    postgres: Option<(Postgres, groundcrew_testkit::postgres::Database)>,
) -> Ground {
    let crew = Crew::builder("summary-bot", "1.0.0").build();
    let database = SqlConfig::of(url).connect(&crew).await.expect("a database");
    database.migrate(&crew, MIGRATIONS).await.expect("migrated");
    let jobs: Jobs<()> = JobsConfig::default().connect(&crew, &database).await.expect("jobs");
    let store = Store::new(database.clone(), jobs.publisher());
    let config = SchedulesConfig::default();
    let plans = Plans::new(Parts {
        store: store.clone(),
        timetable: Plans::timetable(&config, &crew, &jobs.publisher()).expect("a timetable"),
        publisher: jobs.publisher(),
        config,
        mailer: None,
    });
    let publisher = jobs.publisher();
    Ground { name, crew, database, store, plans, publisher, _folder: folder, _postgres: postgres }
}

// === impl Ground ===

impl Ground {
    /// Settings of another replica each time: with a cache of its own.
    pub(crate) fn settings(&self, all: GuildConfig, guilds: &[(&str, GuildConfig)]) -> Settings {
        let crew = Crew::builder("summary-bot", "1.0.0").build();
        let cache = CacheConfig::default().named("guilds").build(&crew).expect("a cache");
        let guilds = guilds.iter().map(|(id, config)| ((*id).to_owned(), config.clone())).collect();
        Settings::new(self.store.clone(), cache, all, guilds)
    }

    pub(crate) fn caretaker(&self, days: u32, settings: Settings) -> Caretaker {
        let documents = CacheConfig::default().named("documents").build(&self.crew).expect("a cache");
        Caretaker {
            store: self.store.clone(),
            documents,
            settings,
            retention: RetentionConfig { days },
            plans: self.plans.clone(),
            accounts: None,
        }
    }

    /// A stored summary from there.
    pub(crate) async fn made(&self, origin: Origin) -> Document {
        let mut document = document(origin);
        document.id = Uuid::now_v7();
        let json = serde_json::to_string(&document).expect("JSON");
        self.store.insert(&document, json).await.expect("stored");
        document
    }
}

pub(crate) fn document(origin: Origin) -> Document {
    let mut collector = Collector::new(Filter::default());
    crate::read::read(LOG.as_bytes(), "", &mut |message| collector.push(message)).expect("a conversation");
    let conversation = collector.finish();
    let summary = summarize(&conversation, &Options { min_messages: 1, ..Options::default() });
    Document::new(Some("The pump"), Asked::default(), &conversation, summary).from(origin)
}

/// From a channel of a server, asked for by somebody.
pub(crate) fn origin(guild: &str, by: &str, private: bool) -> Origin {
    Origin {
        guild_id: Some(guild.to_owned()),
        channel_id: Some("200000000000000001".to_owned()),
        channels: Vec::new(),
        requested_by: Some(by.to_owned()),
        private,
    }
}
