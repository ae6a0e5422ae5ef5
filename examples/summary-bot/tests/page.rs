//! The page at `/` in a real headless browser.

mod service;

use serde_json::json;
use service::webdriver::Browser;
use service::{Bot, config, wait_for};
use tempfile::TempDir;

struct Visit {
    browser: Browser,
    bot: Bot,
    folder: TempDir,
}

impl Visit {
    async fn begin() -> Self {
        Self::begin_at("/").await
    }

    async fn begin_at(path: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let bot = Bot::start(config(&folder.path().join("bot.db"))).await;
        let visit = Self { browser: Browser::open(), bot, folder };
        visit.browser.go(&visit.url(path));
        visit
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.bot.address)
    }

    /// Nothing was blocked or failed, and nothing was asked of anybody but us.
    fn end(self) {
        assert_eq!(self.browser.complaints(), Vec::<String>::new());
        let own = self.url("/");
        let requests = self.browser.requests();
        assert!(requests.iter().any(|url| url.starts_with(&own)), "the log of requests works: {requests:?}");
        for url in requests {
            let local =
                url.starts_with(&own) || ["data:", "about:", "chrome:"].iter().any(|it| url.starts_with(it));
            assert!(local, "a request left the machine: {url}");
        }
    }

    fn paste(&self, text: &str) {
        let script = format!("document.getElementById('text').value = {}", json!(text));
        self.browser.run(&script);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_summarises_the_sample_follows_a_citation_and_deletes_it() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    wait_for("the empty list", || browser.find("#none").text().contains("None yet").then_some(()));
    browser.find("#sample").click();
    wait_for("the sample", || {
        browser.run("return document.getElementById('text').value.length > 1000").as_bool().filter(|is| *is)
    });
    browser.find("#length option[value=brief]").click();
    browser.find("#submit").click();

    assert_eq!(browser.find("#result-title").text(), "#release-planning");
    assert!(browser.find("#summary-text").text().split_whitespace().count() > 20);
    assert!(browser.find("#result").text().contains("Action items"));
    assert!(browser.find("#earlier li").text().contains("33 messages by 4 people"));

    // A citation shows the message that it stands for.
    let cited = browser.run("return document.querySelector('#summary-text .cite').dataset.message");
    browser.find("#summary-text .cite").click();
    let message = browser.find("#message blockquote").text();
    let export: serde_json::Value = serde_json::from_str(service::SAMPLE).expect("JSON");
    let messages = export["messages"].as_array().expect("messages");
    let original = messages.iter().find(|it| it["id"] == cited).expect("the cited message");
    assert_eq!(message, original["content"].as_str().expect("text"));
    browser.press("\u{e00c}");
    wait_for("the dialog to close", || {
        browser.run("return !document.getElementById('message').open").as_bool().filter(|is| *is)
    });

    // It is still there after a reload, since its address names it.
    browser.reload();
    assert_eq!(browser.find("#result-title").text(), "#release-planning");

    // Once asks, twice deletes.
    browser.find("#result button[aria-label^=Delete]").click();
    assert_eq!(browser.find("#result button[aria-label^=Delete]").text(), "Really delete?");
    assert_eq!(visit.bot.get(service::SUMMARIES).json()["items"].as_array().map(Vec::len), Some(1));
    browser.find("#result button[aria-label^=Delete]").click();
    browser.find("#none");
    assert_eq!(visit.bot.get(service::SUMMARIES).json()["items"], json!([]));
    assert_eq!(browser.run("return document.getElementById('result').hidden"), true);
    visit.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_wrote_never_becomes_markup() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    let attack = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";
    let messages: Vec<_> = (0..6)
        .map(|n| json!({"author": format!("mallory{n} {attack}"), "content": format!("We decided to ship release {n} with {attack} on Friday.")}))
        .collect();
    visit.paste(&json!({"title": attack, "messages": messages}).to_string());
    browser.find("#submit").click();
    assert!(browser.find("#result-title").text().contains("<img src=x"));
    browser.find("#summary-text .cite").click();
    assert!(browser.find("#message blockquote").text().contains("<script>"));
    assert_eq!(
        browser.run("return document.querySelectorAll('main img, main script, dialog img').length"),
        0
    );
    assert_ne!(browser.run("return document.title"), "owned");
    visit.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_chosen_by_keyboard_and_named_in_the_list() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    let file = visit.folder.path().join("night shift.log");
    let lines =
        (0..8).map(|n| format!("[14:0{n}] <anna{n}> The pump number {n} lost its pressure again tonight.\n"));
    std::fs::write(&file, lines.collect::<String>()).expect("written");
    let input = browser.all("#file").into_iter().next().expect("the input");
    input.choose_file(&file);
    assert!(browser.find("#chosen-name").text().starts_with("night shift.log"));
    // From the button on, Enter is enough.
    browser.run("document.getElementById('submit').focus()");
    browser.press("\u{e007}");
    assert_eq!(browser.find("#result-title").text(), "night shift.log");
    assert_eq!(
        browser.run("return document.activeElement.id"),
        "result",
        "screen readers go on at the summary"
    );
    visit.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_may_be_dropped_and_taken_back() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    let drop = "const transfer = new DataTransfer();
        transfer.items.add(new File([arguments], 'dropped.json'));
        document.getElementById('text').dispatchEvent(new DragEvent('drop', {dataTransfer: transfer, bubbles: true, cancelable: true}))";
    browser.run(&drop.replace("arguments", &json!(service::SAMPLE).to_string()));
    assert!(browser.find("#chosen-name").text().starts_with("dropped.json ("));
    browser.find("#submit").click();
    assert_eq!(browser.find("#result-title").text(), "#release-planning");
    browser.find("#unchoose").click();
    assert_eq!(browser.run("return document.getElementById('chosen').hidden"), true);
    browser.find("#submit").click();
    assert_eq!(browser.find("#problem").text(), "Paste a conversation, or choose a file.");
    visit.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_where_it_is_noticed() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    browser.find("#submit").click();
    assert_eq!(browser.find("#problem").text(), "Paste a conversation, or choose a file.");
    visit.paste("{\"messages\": [\n  {\"author\": \"anna\", }\n]}");
    browser.find("#submit").click();
    wait_for("the place of the error", || {
        browser.find("#problem").text().starts_with("line 2, column").then_some(())
    });
    assert_eq!(browser.run("return document.getElementById('problem').getAttribute('role')"), "alert");
    // Chromium itself notes the status 400; nothing else may stand there.
    let complaints = browser.complaints();
    assert!(complaints.iter().all(|line| line.contains("status of 400")), "{complaints:?}");
    visit.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_fits_a_phone_and_everything_has_a_name() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    browser.resize(360, 740);
    browser.find("#sample").click();
    wait_for("the sample", || {
        browser.run("return document.getElementById('text').value.length > 1000").as_bool().filter(|is| *is)
    });
    browser.find("#submit").click();
    browser.find("#result-title");
    let wider =
        browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth");
    assert_eq!(wider, 0, "the page scrolls sideways");
    let nameless = browser.run(
        "return [...document.querySelectorAll('button, a, input, select, textarea')]
            .filter((it) => !(it.getAttribute('aria-label') || it.textContent.trim() || (it.labels && it.labels.length)))
            .map((it) => it.outerHTML)",
    );
    assert_eq!(nameless, json!([]));
    visit.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_shows_every_operation_and_schema() {
    let visit = Visit::begin_at("/docs#Summary").await;
    let browser = &visit.browser;
    browser.find("#create_summary");
    let document = visit.bot.get("/openapi.json").json();
    for name in document["components"]["schemas"].as_object().expect("schemas").keys() {
        assert_eq!(browser.all(&format!("details#{name}")).len(), 1, "{name}");
    }
    for operation in ["list_summaries", "get_summary", "delete_summary"] {
        assert!(browser.find(&format!("#{operation}")).text().contains("/api/v1/summaries"), "{operation}");
    }
    assert!(browser.find("#get_job").text().contains("/api/v1/jobs"));
    assert_eq!(
        browser.run("return document.getElementById('Summary').open"),
        true,
        "the address opens a schema"
    );
    visit.end();
}

/// Closed but for those who sign in.
fn with_sign_in(config: &mut summary_bot::Config, discord: &groundcrew_testkit_discord::Discord) {
    let secret = |text: String| Some(groundcrew::config::Secret::new(text));
    config.discord.api_url = discord.api();
    config.discord.token = secret(discord.token());
    config.sign_in.client_id = Some(discord.application_id().to_string());
    config.sign_in.client_secret = secret(discord.client_secret());
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_with_discord_and_out_again() {
    let discord = groundcrew_testkit_discord::Discord::start().await.expect("a local Discord");
    let guild = discord.guild("Ground crew").create();
    let ada = discord.member(guild, "ada").create();
    let folder = TempDir::new().expect("a folder");
    let mut config = config(&folder.path().join("bot.db"));
    with_sign_in(&mut config, &discord);
    let bot = Bot::start(config).await;
    let browser = Browser::open();
    browser.go(&format!("http://{}/", bot.address));
    let shown = |id: &str| browser.run(&format!("return !document.getElementById('{id}').hidden"));
    wait_for("the way in", || shown("sign-in").as_bool().filter(|is| *is));
    assert_eq!((shown("inside"), shown("sign-out")), (json!(false), json!(false)));

    discord.refuse_sign_in();
    browser.find("#sign-in").click();
    wait_for("the reason", || browser.find("#closed").text().contains("did not agree").then_some(()));

    discord.sign_in_as(ada);
    browser.find("#sign-in").click();
    wait_for("who it is", || (browser.find("#who").text() == "ada").then_some(()));
    assert_eq!((shown("inside"), shown("sign-in")), (json!(true), json!(false)));
    browser.find("#sample").click();
    wait_for("the sample", || {
        browser.run("return document.getElementById('text').value.length > 1000").as_bool().filter(|is| *is)
    });
    browser.find("#submit").click();
    assert_eq!(browser.find("#result-title").text(), "#release-planning");
    browser.reload();
    wait_for("the list", || (browser.all("#earlier li").len() == 1).then_some(()));
    assert_eq!(browser.run("return document.cookie"), "", "no script reads the session");

    browser.find("#sign-out").click();
    wait_for("the way in", || shown("sign-in").as_bool().filter(|is| *is));
    assert_eq!((browser.all("#earlier li").len(), shown("result")), (0, json!(false)));
    assert_eq!(browser.complaints(), Vec::<String>::new());
    drop(browser);
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_the_schedules_and_the_usage_of_the_servers_where_they_may() {
    let discord = groundcrew_testkit_discord::Discord::start().await.expect("a local Discord");
    let (open, closed) = (discord.guild("Ground crew").create(), discord.guild("Hangar").create());
    let hall = discord.channel(open, "hall").create();
    let ada = discord.member(open, "ada").create();
    discord.join(closed, ada).create();
    let folder = TempDir::new().expect("a folder");
    let mut config = config(&folder.path().join("bot.db"));
    with_sign_in(&mut config, &discord);
    config.guilds.entry(closed.to_string()).or_default().require_permissions = Some(true.into());
    let bot = Bot::start(config).await;
    let key = ["create", "test", "--scopes", "*"].map(str::to_owned).to_vec();
    let key = bot.crew.operate("keys", key).await.expect("a key");
    let key: serde_json::Value = serde_json::from_str(&key).expect("JSON");
    let bearer = format!("Bearer {}", key["secret"].as_str().expect("a secret"));
    for (guild, name) in [(open, "the week"), (closed, "the secret")] {
        let body = json!({
            "name": name, "guild_id": guild.to_string(), "channels": [hall.to_string()],
            "timing": {"kind": "weekly"}, "destinations": [{"channel": hall.to_string()}],
        });
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let made = bot.call("POST", "/api/v1/schedules", &headers, body.to_string().as_bytes());
        assert_eq!(made.status, 201, "{}", made.body);
    }
    let pool = service::file(&folder).await;
    let day = jiff::Timestamp::now().to_string()[..10].to_owned();
    for guild in [open, closed] {
        let insert = sqlx::query(
            "INSERT INTO model_usage VALUES ($1, 0, $2, $1, 'large', 'written', 1, 1200, 34, 5600)",
        );
        insert.bind(guild.to_string()).bind(&day).execute(&pool).await.expect("inserted");
    }
    pool.close().await;

    discord.sign_in_as(ada);
    let browser = Browser::open();
    browser.go(&format!("http://{}/", bot.address));
    browser.find("#sign-in").click();
    wait_for("the schedule", || browser.find("#schedules").text().contains("the week").then_some(()));
    assert!(browser.find("#usage").text().contains("1,234"), "{}", browser.find("#usage").text());
    // By a script: the list is drawn anew at any time.
    let press = |words: &str| {
        browser.run(&format!("document.querySelector(\"[aria-label='{words} the week']\").click()"));
    };
    press("Run now");
    wait_for("the run", || (browser.find("#told").text() == "Run now: the week").then_some(()));
    // That takes an admin, and it is said so.
    press("Pause");
    wait_for("the refusal", || browser.find("#told").text().contains("“admin”").then_some(()));

    browser.find(&format!("#server option[value='{closed}']")).click();
    wait_for("nothing", || browser.find("#schedules").text().contains("shows you nothing").then_some(()));
    assert!(!browser.find("#usage").text().contains("1,234"));
    assert!(!browser.find("body").text().contains("the secret"));
    drop(browser);
    bot.land().await;
}

/// The control of every other test here: the browser would say so.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_elsewhere_is_blocked_and_noticed() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    browser.run("fetch('http://127.0.0.1:9/').catch(() => {}); const it = document.createElement('script'); it.textContent = 'document.title = 1'; document.body.append(it)");
    let complaints =
        wait_for("the complaints", || Some(browser.complaints()).filter(|lines| !lines.is_empty()));
    assert!(complaints.iter().any(|line| line.contains("Content Security Policy")), "{complaints:?}");
    assert_ne!(browser.run("return document.title"), "1");
    browser.go("data:text/html,<img src='http://127.0.0.1:9/pixel'>");
    let seen = wait_for("the request", || browser.requests().into_iter().find(|url| url.ends_with("/pixel")));
    assert_eq!(seen, "http://127.0.0.1:9/pixel");
}
