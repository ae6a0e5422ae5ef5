//! Atom feeds.

use serde_json::json;

use crate::service::{Fixture, conversation};

fn make(bot: &Fixture, guild: &str, title: &str) {
    let mut body: serde_json::Value = serde_json::from_str(&conversation(&json!({}))).expect("JSON");
    body["guild_id"] = guild.into();
    body["title"] = title.into();
    let json = [("content-type", "application/json")];
    assert_eq!(bot.call("POST", "/summarize", &json, body.to_string().as_bytes()).status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_holds_the_summaries_of_its_server_and_no_markup_of_theirs() {
    let bot = Fixture::start().await;
    make(&bot, "1", "<b>&amp; bold</b>");
    make(&bot, "2", "elsewhere");
    let feed = bot.call("GET", "/api/v1/feeds/1/all.atom", &[], b"");
    assert_eq!((feed.status, feed.header("content-type")), (200, Some("application/atom+xml")));
    assert!(feed.body.contains("<title>&lt;b&gt;&amp;amp; bold&lt;/b&gt;</title>"), "{}", feed.body);
    assert!(!feed.body.contains("elsewhere") && feed.body.matches("<entry").count() == 1, "{}", feed.body);
    for required in ["<id>urn:uuid:", "<updated>", "<author><name>", "rel=\"self\"", "xml:lang=\"en\""] {
        assert!(feed.body.contains(required), "{required}: {}", feed.body);
    }
    assert!(bot.get("/api/v1/feeds/all.atom").body.contains("elsewhere"));
    assert_eq!(bot.get("/api/v1/feeds/1/3.atom").body.matches("<entry").count(), 0);
    for path in ["/api/v1/feeds/1/3", "/api/v1/feeds/x/all.atom", "/api/v1/feeds/1/x.atom"] {
        assert_eq!(bot.get(path).status, 404, "{path}");
    }
    assert_eq!(bot.get("/api/v1/feeds/1/all.atom?cursor=x").status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_knows_it_is_told_so_until_it_changes() {
    let bot = Fixture::start().await;
    make(&bot, "1", "first");
    let path = "/api/v1/feeds/1/all.atom";
    let tag = bot.get(path).header("etag").expect("a tag").to_owned();
    let known = format!("\"other\", W/{tag}");
    let unchanged = bot.call("GET", path, &[("if-none-match", &known)], b"");
    assert_eq!((unchanged.status, unchanged.body.as_str()), (304, ""));
    make(&bot, "1", "second");
    let changed = bot.call("GET", path, &[("if-none-match", &known)], b"");
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_feed_goes_on_at_its_link() {
    let bot = Fixture::start().await;
    for n in 0..21 {
        make(&bot, "1", &format!("number-{n}"));
    }
    let first = bot.get("/api/v1/feeds/1/all.atom").body;
    let next = first.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
    let last = bot.get(next.expect("a next page")).body;
    assert_eq!((first.matches("<entry").count(), last.matches("<entry").count()), (20, 1));
    assert!(last.contains("number-0<") && !last.contains("rel=\"next\""), "{last}");
}
