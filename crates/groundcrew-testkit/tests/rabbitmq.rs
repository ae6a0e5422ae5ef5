//! A real RabbitMQ, spoken to by lapin.
#![cfg(all(unix, feature = "rabbitmq"))]

use groundcrew_testkit::port::Port;
use groundcrew_testkit::rabbitmq::{Error, Queue, RabbitMq, Vhost};
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions, QueueDeclareOptions,
    QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

const SOON: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(10);
const DURABLE: &str = "durable";

async fn private() -> RabbitMq {
    RabbitMq::private().await.expect("it starts")
}

async fn connect(url: &str) -> Connection {
    let connecting = Connection::connect(url, ConnectionProperties::default());
    tokio::time::timeout(SOON, connecting).await.expect("in time").expect("it lets us in")
}

async fn confirming(connection: &Connection) -> Channel {
    let channel = connection.create_channel().await.expect("it is open");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("it confirms");
    channel
}

async fn declare(channel: &Channel, name: &str, kind: &str) {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString(LongString::from(kind)));
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.into(), options, arguments).await.expect("it is declared");
}

async fn publish(channel: &Channel, queue: &str) {
    assert!(offer(channel, queue).await);
}

/// Whether the broker took it.
async fn offer(channel: &Channel, queue: &str) -> bool {
    let properties = BasicProperties::default().with_delivery_mode(2);
    let options = BasicPublishOptions::default();
    let confirm = channel.basic_publish("".into(), queue.into(), options, b"message", properties).await;
    let confirmed = tokio::time::timeout(SOON, confirm.expect("it is open")).await.expect("in time");
    confirmed.expect("it is open").is_ack()
}

/// What a queue holds settles a moment after a confirm, a close or a start.
async fn until(vhost: &Vhost, name: &str, holds: impl Fn(&Queue) -> bool) -> Queue {
    let deadline = Instant::now() + SOON;
    loop {
        match vhost.queue(name).await {
            Ok(Some(queue)) if holds(&queue) => return queue,
            other if Instant::now() > deadline => panic!("it does not come to hold that: {other:?}"),
            _ => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}

async fn ends(connection: &Connection) -> bool {
    let end = async {
        while connection.status().connected() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(SOON, end).await.is_ok()
}

#[tokio::test]
async fn a_virtual_host_is_empty_and_its_user_may_enter_no_other() {
    let rabbitmq = RabbitMq::start().await.expect("it starts");
    let one = rabbitmq.vhost().await.expect("it is created");
    let other = rabbitmq.vhost().await.expect("it is created");
    let connection = connect(one.url()).await;
    declare(&confirming(&connection).await, "here", "classic").await;
    assert_eq!(one.queues().await.expect("it answers").len(), 1);
    assert_eq!(other.queues().await.expect("it answers"), Vec::new());
    let foreign = one.url().rsplit_once('/').expect("it has a path").0.to_owned() + "/" + other.name();
    assert!(Connection::connect(&foreign, ConnectionProperties::default()).await.is_err());
}

#[tokio::test]
async fn messages_waiting_and_delivered_are_counted_as_they_are_now() {
    let rabbitmq = RabbitMq::start().await.expect("it starts");
    let vhost = rabbitmq.vhost().await.expect("it is created");
    let connection = connect(vhost.url()).await;
    let channel = confirming(&connection).await;
    for kind in ["classic", "quorum"] {
        declare(&channel, kind, kind).await;
        publish(&channel, kind).await;
        publish(&channel, kind).await;
        assert_eq!(vhost.queue_depth(kind).await.expect("it answers"), 2);
        let consumer = confirming(&connection).await;
        consumer.basic_qos(1, BasicQosOptions::default()).await.expect("it is open");
        let consuming = consumer.basic_consume(
            kind.into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let _consumer = consuming.await.expect("it consumes");
        let queue = until(&vhost, kind, |queue| queue.unacknowledged == 1).await;
        assert_eq!((queue.kind.as_str(), queue.ready, queue.depth(), queue.consumers), (kind, 1, 2, 1));
    }
}

#[tokio::test]
async fn a_deleted_queue_is_gone_and_one_that_is_not_there_has_no_messages() {
    let rabbitmq = RabbitMq::start().await.expect("it starts");
    let vhost = rabbitmq.vhost().await.expect("it is created");
    let connection = connect(vhost.url()).await;
    declare(&confirming(&connection).await, "queue", "quorum").await;
    vhost.limit_queues(1).await.expect("it answers");
    assert!(vhost.delete_queue("queue").await.expect("it answers"));
    assert!(!vhost.delete_queue("queue").await.expect("it answers"));
    assert_eq!(vhost.queue("queue").await.expect("it answers"), None);
    assert_eq!(vhost.queue_depth("queue").await.expect("it answers"), 0);
}

#[tokio::test]
async fn a_limited_queue_refuses_what_is_too_much_until_some_is_gone() {
    let rabbitmq = RabbitMq::start().await.expect("it starts");
    let vhost = rabbitmq.vhost().await.expect("it is created");
    vhost.limit_queues(1).await.expect("it answers");
    let connection = connect(vhost.url()).await;
    let channel = confirming(&connection).await;
    declare(&channel, DURABLE, "quorum").await;
    let refuses = async || !offer(&channel, DURABLE).await;
    // A quorum queue tells its publishers that it is full once it is.
    let deadline = Instant::now() + SOON;
    while !refuses().await {
        assert!(Instant::now() < deadline, "it takes everything");
    }
    channel.queue_purge(DURABLE.into(), QueuePurgeOptions::default()).await.expect("it is emptied");
    while refuses().await {
        assert!(Instant::now() < deadline, "it takes nothing any more");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

#[tokio::test]
async fn closing_the_connections_of_a_virtual_host_spares_the_others() {
    let rabbitmq = RabbitMq::start().await.expect("it starts");
    let one = rabbitmq.vhost().await.expect("it is created");
    let other = rabbitmq.vhost().await.expect("it is created");
    let (closed, spared) = (connect(one.url()).await, connect(other.url()).await);
    assert_eq!(one.close_connections().await.expect("it answers"), 1);
    assert!(ends(&closed).await);
    declare(&confirming(&spared).await, "still", "classic").await;
}

/// One broker for all faults: each leaves it as it was.
#[tokio::test]
async fn faults_come_and_go() {
    let mut rabbitmq = private().await;
    let vhost = rabbitmq.vhost().await.expect("it is created");
    let connection = connect(vhost.url()).await;
    let channel = confirming(&connection).await;
    declare(&channel, DURABLE, "quorum").await;
    publish(&channel, DURABLE).await;

    rabbitmq.memory_alarm().await.expect("it answers");
    let publishing = tokio::time::timeout(Duration::from_millis(300), publish(&channel, DURABLE)).await;
    assert!(publishing.is_err(), "a publisher is blocked");
    rabbitmq.clear_memory_alarm().await.expect("it answers");
    until(&vhost, DURABLE, |queue| queue.depth() == 2).await;

    rabbitmq.pause().expect("it runs");
    let publishing = tokio::time::timeout(Duration::from_millis(300), publish(&channel, DURABLE)).await;
    assert!(publishing.is_err(), "a paused broker confirms nothing");
    rabbitmq.resume().expect("it is paused");
    until(&vhost, DURABLE, |queue| queue.depth() == 3).await;

    assert_eq!(rabbitmq.close_all_connections().await.expect("it answers"), 1);
    assert!(ends(&connection).await);

    rabbitmq.kill().expect("it is ours");
    let port = rabbitmq.port().expect("it is ours");
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    assert!(matches!(rabbitmq.pause(), Err(Error::NotRunning)));
    rabbitmq.restart().await.expect("it starts again");
    until(&vhost, DURABLE, |queue| queue.depth() == 3).await;
    connect(vhost.url()).await;
    rabbitmq.restart().await.expect("it starts again");
    until(&vhost, DURABLE, |queue| queue.depth() == 3).await;
}

const HOLD: &str = "TESTKIT_HOLD_A_BROKER";

/// Run by the next test as a process of its own; by itself it does nothing.
#[tokio::test]
async fn holds_a_broker_when_told_to() {
    if std::env::var_os(HOLD).is_none() {
        return;
    }
    let rabbitmq = private().await;
    println!("port {}", rabbitmq.port().expect("it is ours"));
    std::future::pending::<()>().await;
}

const SHARE: &str = "TESTKIT_SHARE_A_BROKER";

/// Run by the next test as a process of its own; by itself it does nothing.
#[tokio::test]
async fn uses_a_broker_that_is_not_its_own_when_told_to() {
    if std::env::var_os(SHARE).is_none() {
        return;
    }
    let mut rabbitmq = RabbitMq::start().await.expect("it is there");
    assert!(matches!(rabbitmq.kill(), Err(Error::NotOurs)));
    assert!(matches!(rabbitmq.memory_alarm().await, Err(Error::NotOurs)));
    let vhost = rabbitmq.vhost().await.expect("it is created");
    declare(&confirming(&connect(vhost.url()).await).await, "queue", "quorum").await;
    assert_eq!(vhost.queues().await.expect("it answers")[0].kind, "quorum");
    assert!(vhost.delete_queue("queue").await.expect("it answers"));
    assert!(!vhost.delete_queue("queue").await.expect("it answers"));
    let url = vhost.url().to_owned();
    drop(vhost);
    assert!(Connection::connect(&url, ConnectionProperties::default()).await.is_err());
}

#[tokio::test]
async fn another_process_can_use_it_and_breaks_nothing_and_tidies_up() {
    let rabbitmq = private().await;
    let mut command = Command::new(std::env::current_exe().expect("we run"));
    command.args(["--exact", "uses_a_broker_that_is_not_its_own_when_told_to"]).env(SHARE, "1");
    let output = command.envs(rabbitmq.environment()).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[tokio::test]
async fn a_broker_of_somebody_else_is_used_through_its_management_api() {
    let management = Port::free().expect("a port");
    let port = management.number();
    let setup = RabbitMq::setup().plugin("rabbitmq_management").setting("management.tcp.ip", "127.0.0.1");
    let setup = setup.setting("management.tcp.port", port.to_string());
    let rabbitmq = setup.start().await.expect("it starts");
    let mut command = Command::new(std::env::current_exe().expect("we run"));
    command.args(["--exact", "uses_a_broker_that_is_not_its_own_when_told_to"]).env(SHARE, "1");
    command.env("TEST_RABBITMQ_URL", rabbitmq.url()).env_remove("TEST_RABBITMQ_CONTROL");
    command.env("TEST_RABBITMQ_MANAGEMENT_URL", format!("http://guest:guest@127.0.0.1:{port}"));
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The broker's folder, found by the setting that names its port.
fn folder_of(port: u16) -> Option<std::path::PathBuf> {
    let root = std::env::var("RABBITMQ_ROOT").unwrap_or_default();
    let folders = std::fs::read_dir(root + "/tmp").expect("it is there").flatten();
    let line = format!("listeners.tcp.1 = 127.0.0.1:{port}\n");
    folders.map(|entry| entry.path()).find(|folder| {
        std::fs::read_to_string(folder.join("rabbitmq.conf")).is_ok_and(|settings| settings.contains(&line))
    })
}

#[tokio::test]
async fn a_test_that_is_killed_leaves_neither_broker_nor_folder_nor_epmd() {
    let mut command = Command::new(std::env::current_exe().expect("we run"));
    command.args(["--exact", "holds_a_broker_when_told_to", "--nocapture"]);
    let mut holder = command.env(HOLD, "1").stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(holder.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    let port: u16 =
        lines.find_map(|line| line.split("port ").nth(1)?.parse().ok()).expect("it says its port");
    let folder = folder_of(port);
    holder.kill().expect("it runs");
    holder.wait().expect("it was killed");
    let folder = folder.expect("it has one");
    let gone = async {
        while Path::new(&folder).exists() || TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    assert!(tokio::time::timeout(SOON, gone).await.is_ok(), "{} is still there", folder.display());
    assert!(!processes_in(&folder), "a process still works in its folder");
}

/// The broker and all that it started have the folder in their environment.
fn processes_in(folder: &Path) -> bool {
    let name = folder.file_name().expect("it has one").to_string_lossy().into_owned();
    let processes = std::fs::read_dir("/proc").expect("this is Linux").flatten();
    processes.into_iter().any(|process| {
        std::fs::read(process.path().join("environ"))
            .is_ok_and(|environ| String::from_utf8_lossy(&environ).contains(&name))
    })
}
