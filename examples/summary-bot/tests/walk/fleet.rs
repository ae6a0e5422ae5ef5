//! Three processes of the bot, and everything that they run on.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use groundcrew_testkit::models::Models;
use groundcrew_testkit::postgres::{Database, Postgres};
use groundcrew_testkit::process::{Service, ServiceProcess, Signal};
use groundcrew_testkit::rabbitmq::{RabbitMq, Vhost};
use groundcrew_testkit::redis::Redis;
use groundcrew_testkit_discord::{
    Discord, Fire, Interaction, InteractionRecord, Limits, Options, Permissions, Snowflake,
};
use tempfile::TempDir;

/// Longer than anything here should take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Discord's.
const ACKNOWLEDGED: Duration = Duration::from_secs(3);
const REPLICAS: usize = 3;

/// What people said in the hall.
pub(crate) const SAID: [&str; 6] = [
    "The ARM build is broken since the compiler update on Monday.",
    "Which version of the compiler is on the build machine now?",
    "It is version 14.2, and the linker refuses the new relocations.",
    "We decided to pin the old compiler until the release is out.",
    "I will pin the compiler and rebuild the ARM packages by Friday.",
    "Good, then the release goes out on Monday as planned.",
];

/// The processes, and where they are.
pub(crate) struct Fleet {
    pub(crate) discord: Discord,
    pub(crate) models: Models,
    pub(crate) guild: Snowflake,
    pub(crate) category: Snowflake,
    pub(crate) hall: Snowflake,
    pub(crate) yard: Snowflake,
    pub(crate) ada: Snowflake,
    pub(crate) ben: Snowflake,
    pub(crate) admin: Snowflake,
    pub(crate) said: Vec<Snowflake>,
    pub(crate) replicas: Vec<Replica>,
    more: Vec<(String, String)>,
    folder: TempDir,
    database: Database,
    vhost: Vhost,
    redis: Redis,
    _servers: (Postgres, RabbitMq),
}

/// One process.
pub(crate) struct Replica {
    pub(crate) process: ServiceProcess,
    pub(crate) address: SocketAddr,
}

// === impl Fleet ===

impl Fleet {
    /// Three replicas, of which one has the session, and the commands are registered.
    pub(crate) async fn start(more: &[(&str, &str)]) -> Self {
        let mut fleet = Self::grounded(more).await;
        fleet.take_off().await;
        fleet.settled().await;
        fleet
    }

    /// Everything but the replicas.
    pub(crate) async fn grounded(more: &[(&str, &str)]) -> Self {
        let options =
            Options { identify_every: Duration::ZERO, limits: Limits::none(), ..Options::default() };
        let discord = Discord::start_with(options).await.expect("a local Discord");
        let models = Models::start().await.expect("a local model");
        let postgres = Postgres::start().await.expect("a Postgres");
        let database = postgres.database().await.expect("a database");
        let redis = Redis::private().await.expect("a Redis");
        let rabbitmq = RabbitMq::start().await.expect("a RabbitMQ");
        let vhost = rabbitmq.vhost().await.expect("a virtual host");

        let guild = discord.guild("Ground crew").create();
        let category =
            discord.channel(guild, "Field").kind(groundcrew_testkit_discord::ChannelKind::Category).create();
        let hall = discord.channel(guild, "hall").category(category).create();
        let yard = discord.channel(guild, "yard").category(category).create();
        let (ada, ben) = (discord.member(guild, "ada").create(), discord.member(guild, "ben").create());
        let keys = discord.role(guild, "keys").permissions(Permissions::MANAGE_GUILD).create();
        let admin = discord.member(guild, "grace").role(keys).create();
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut fleet = Self {
            discord,
            models,
            guild,
            category,
            hall,
            yard,
            ada,
            ben,
            admin,
            said: Vec::new(),
            replicas: Vec::new(),
            more,
            folder: TempDir::new().expect("a folder"),
            database,
            vhost,
            redis,
            _servers: (postgres, rabbitmq),
        };
        fleet.said = fleet.talk(hall);
        fleet.talk(yard);
        fleet
    }

    /// What people said in a channel, a minute apart.
    pub(crate) fn talk(&self, channel: Snowflake) -> Vec<Snowflake> {
        let count = SAID.len() as u64;
        SAID.iter()
            .zip(0_u64..)
            .map(|(text, index)| {
                let author = if index % 2 == 0 { self.ada } else { self.ben };
                let ago = Duration::from_secs(60 * (count - index));
                self.discord.message(channel, author, text).ago(ago).send()
            })
            .collect()
    }

    pub(crate) async fn take_off(&mut self) {
        for _ in self.replicas.len()..REPLICAS {
            let replica = self.replica(self.database.url());
            self.replicas.push(replica);
        }
        for replica in &mut self.replicas {
            replica.process.wait_ready(replica.address, PATIENCE).await.expect("ready");
        }
    }

    /// A process on this database, and on the Redis and RabbitMQ of all.
    pub(crate) fn replica(&self, database: &str) -> Replica {
        // Handed over, so that nobody else takes the port meanwhile; when the replica dies, it is closed.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut service = Service::new(env!("CARGO_BIN_EXE_summary-bot"))
            .args(["--set", "admin.port=0"])
            .listener(&listener)
            .expect("handed over")
            .env("DATABASE_URL", database)
            .env("REDIS_URL", self.redis.url())
            .env("RABBITMQ_URL", self.vhost.url())
            .env("DISCORD_TOKEN", self.discord.token())
            .env("DISCORD_API_URL", self.discord.api())
            .env("OPENAI_BASE_URL", self.models.url())
            .env("OPENAI_API_KEY", "local")
            .current_dir(self.folder.path());
        // More than a person would do in an hour.
        for limit in ["per_user", "per_guild"] {
            service = service.args(["--set", &format!("discord_limits.{limit}=1000")]);
        }
        for (name, value) in &self.more {
            let value = value.replace("{models}", &self.models.url());
            service = service.args(["--set", &format!("{name}={value}")]);
        }
        Replica { process: service.start().expect("a replica"), address }
    }

    /// Waits until one session is connected and the commands are known.
    pub(crate) async fn settled(&self) {
        self.discord.connected(1, PATIENCE).await.expect("a session");
        self.registered().await;
    }

    pub(crate) async fn registered(&self) {
        let known = |discord: &Discord| !discord.commands(None).is_empty();
        self.discord.until("the commands are registered", PATIENCE, known).await.expect("commands");
    }

    /// The replica that has the session, by what it logged last.
    pub(crate) fn leader(&self) -> usize {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let leads = |replica: &Replica| {
                let lines = replica.process.lines();
                let last = lines.iter().rev().find(|line| line.text.contains("the session with Discord is"));
                last.is_some_and(|line| line.text.contains("is ready"))
            };
            if let Some(leader) = self.replicas.iter().position(leads) {
                return leader;
            }
            assert!(Instant::now() < deadline, "nobody leads");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills one with -9.
    pub(crate) async fn kill(&mut self, index: usize) {
        let mut replica = self.replicas.remove(index);
        replica.process.signal(Signal::Kill).expect("it runs");
        replica.process.wait_exit(PATIENCE).await.expect("it is gone");
    }

    /// Ada uses a command in the hall.
    pub(crate) fn asks(&self, command: &str) -> Fire {
        self.discord.command(command).by(self.ada).in_channel(self.hall)
    }

    /// Somebody does something, and it is answered as it has to be.
    pub(crate) async fn answered(&self, what: &str, fire: Fire) -> Interaction {
        let interaction = fire.fire().unwrap_or_else(|error| panic!("{what}: {error}"));
        self.settle(what, &interaction).await;
        interaction
    }

    /// Waits for the answer, and looks whether it is as it has to be.
    pub(crate) async fn settle(&self, what: &str, interaction: &Interaction) -> InteractionRecord {
        let answered = |record: &InteractionRecord| record.answered;
        let record = interaction.until(what, PATIENCE, answered).await;
        let record = record.unwrap_or_else(|error| panic!("{what}: {error}\n{}", self.logs()));
        let after = record.acknowledged_after().expect("acknowledged");
        assert!(after < ACKNOWLEDGED, "{what}: {after:?}");
        assert!(record.answered_once(), "{what}: {record:?}");
        assert!(record.received.len() <= 1, "{what}: {record:?}");
        record
    }

    /// All end as they are told, and have said nothing that frightens.
    pub(crate) async fn land(mut self) {
        for replica in &mut self.replicas {
            replica.process.signal(Signal::Term).expect("it runs");
        }
        for replica in &mut self.replicas {
            let status = replica.process.wait_exit(PATIENCE).await.expect("it ends");
            assert!(status.success(), "{}", replica.process);
        }
    }

    /// What the replicas have logged that matters.
    pub(crate) fn logs(&self) -> String {
        let mut logs = String::new();
        for replica in &self.replicas {
            for line in replica.process.lines() {
                if line.text.contains("WARN") || line.text.contains("ERROR") {
                    logs.push_str(&format!("{}: {}\n", replica.address.port(), line.text));
                }
            }
        }
        logs
    }
}
