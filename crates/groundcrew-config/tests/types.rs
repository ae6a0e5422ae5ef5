//! Values of every kind, from files and from text.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use groundcrew_config::{ByteSize, FromConfig, Loader, Problems, Sourced, defaults};

/// One of each.
#[derive(Debug, FromConfig, PartialEq)]
#[config(default_impl)]
struct Everything {
    #[config(default = true)]
    flag: bool,
    #[config(default = -3)]
    signed: i64,
    #[config(default = 0.5, range = 0.0..1.0)]
    ratio: f64,
    #[config(default = "10MiB")]
    body: ByteSize,
    #[config(default = Duration::from_millis(250), range = Duration::from_millis(1)..)]
    wait: Duration,
    #[config(default = "/tmp/x")]
    path: PathBuf,
    #[config(default = "127.0.0.1:80")]
    address: SocketAddr,
    workers: Option<NonZeroU16>,
    #[config(default = "sqlite:x.db")]
    url: Sourced<String>,
    #[config(default = "a,b")]
    names: Vec<String>,
    #[config(default)]
    peers: Vec<Peer>,
    #[config(default)]
    upstreams: BTreeMap<String, Peer>,
    #[config(name = "type", default = "x")]
    kind: String,
}

/// Someone to talk to.
#[derive(Debug, FromConfig, PartialEq)]
struct Peer {
    /// Where.
    host: String,
    /// Its weight.
    #[config(default = 1, unit = "shares")]
    weight: u8,
}

fn from_toml(text: &str) -> Result<Everything, Problems> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("config.toml"), text).expect("a file");
    Loader::new("x").root(folder.path()).load(&Everything::shape())?.read()
}

fn from_variables(variables: &[(&str, &str)]) -> Result<Everything, Problems> {
    Loader::new("x").root("/nowhere").variables(variables.iter().copied()).load(&Everything::shape())?.read()
}

#[test]
fn defaults_need_no_loader() {
    let everything = Everything::default();
    assert_eq!(everything, defaults().expect("all have one"));
    assert_eq!(everything.body, ByteSize(10 << 20));
    assert_eq!(everything.wait, Duration::from_millis(250));
    assert_eq!(everything.names, ["a", "b"]);
    assert!(everything.url.is_default() && everything.url.starts_with("sqlite:"));
}

#[test]
fn every_type_is_read_from_toml() {
    let text = "flag = false\nsigned = -16\nratio = 0.25\nbody = '64 KB'\nwait = '1h30m'\npath = 'd'\n\
                address = '[::1]:5000'\nworkers = 4\nurl = 'u'\nnames = []\ntype = 'y'\n\
                [[peers]]\nhost = 'a'\n[[peers]]\nhost = 'b'\nweight = 2\n[upstreams.Main]\nhost = 'c'\n";
    let everything = from_toml(text).expect("right");
    assert!(!everything.flag && everything.names.is_empty());
    assert_eq!((everything.signed, everything.body), (-16, ByteSize(64_000)));
    assert_eq!(everything.wait, Duration::from_mins(90));
    assert_eq!(everything.address.port(), 5000);
    assert_eq!(everything.workers.map(NonZeroU16::get), Some(4));
    assert_eq!(everything.peers.iter().map(|peer| peer.weight).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(everything.upstreams["Main"].host, "c");
    assert!(!everything.url.is_default());
    assert_eq!(everything.kind, "y");
}

#[test]
fn every_type_is_read_from_text() {
    let variables = [
        ("X__FLAG", "off"),
        ("X__SIGNED", "-7"),
        ("X__RATIO", "0.75"),
        ("X__BODY", "1024"),
        ("X__WAIT", "2s"),
        ("X__WORKERS", " 8 "),
        ("X__NAMES", "x"),
        ("X__TYPE", "z"),
        ("X__UPSTREAMS__MAIN__HOST", "h"),
    ];
    let everything = from_variables(&variables).expect("right");
    assert!(!everything.flag);
    assert_eq!((everything.signed, everything.body), (-7, ByteSize(1024)));
    assert_eq!(everything.workers.map(NonZeroU16::get), Some(8));
    assert_eq!(everything.upstreams["main"].host, "h");
    assert_eq!(everything.kind, "z");
}

#[test]
fn what_is_out_of_range_is_refused_in_words() {
    let text =
        from_variables(&[("X__RATIO", "1"), ("X__WAIT", "0s"), ("X__WORKERS", "0")]).expect_err("wrong");
    let text = text.to_string();
    assert!(
        text.contains("x.ratio")
            || text.contains("ratio (env X__RATIO): \"1\" is not at least 0 and below 1")
    );
    assert!(text.contains("wait (env X__WAIT): \"0s\" is not at least 1ms"), "{text}");
    assert!(text.contains("\"0\" is not a whole number from 1 to 65535"), "{text}");
}

#[test]
fn keys_of_list_items_and_map_entries_are_checked() {
    let text =
        from_toml("[[peers]]\nhots = 'a'\n[upstreams.main]\nhost = 'c'\nweight = 300").expect_err("wrong");
    let text = text.to_string();
    assert!(text.contains("peers[0].hots (") && text.contains("did you mean `peers[0].host`?"), "{text}");
    assert!(text.contains("peers[0].host: missing"), "{text}");
    assert!(text.contains("upstreams.main.weight (") && text.contains("\"300\" is not"), "{text}");
}

#[test]
fn a_list_of_sections_cannot_be_set_as_text() {
    let text = from_variables(&[("X__PEERS", "a")]).expect_err("wrong").to_string();
    assert!(text.contains("X__PEERS"), "{text}");
}
