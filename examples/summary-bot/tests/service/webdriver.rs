//! A real browser, driven by the W3C WebDriver protocol over plain HTTP.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{http, wait_for};

/// What to do where there is no browser.
const INSTALL: &str = "install it with `apt-get install -y chromium chromium-driver` (or set CHROMEDRIVER)";

/// The key under which WebDriver hides an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Headless Chromium that can reach nothing but this machine.
pub struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    profile: TempDir,
}

/// An element of the page.
pub struct Element<'a> {
    browser: &'a Browser,
    id: String,
}

impl Browser {
    pub fn open() -> Self {
        let program = std::env::var_os("CHROMEDRIVER").unwrap_or_else(|| "chromedriver".into());
        let driver =
            Command::new(&program).arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut driver = driver
            .unwrap_or_else(|error| panic!("no ChromeDriver ({}: {error}): {INSTALL}", program.display()));
        let output = BufReader::new(driver.stdout.take().expect("its output is ours"));
        let port = output.lines().map_while(Result::ok).find_map(|line| {
            line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
        });
        let port: u16 = port.expect("ChromeDriver says its port");
        let profile = TempDir::new().expect("a folder");
        let mut browser =
            Self { driver, address: ([127, 0, 0, 1], port).into(), session: String::new(), profile };
        browser.session = browser.begin();
        browser
    }

    fn begin(&self) -> String {
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--no-default-browser-check",
            "--window-size=1100,1400",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            &profile,
        ];
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        });
        let answer = self.send("POST", "/session", &json!({"capabilities": {"alwaysMatch": capabilities}}));
        let session = answer["sessionId"].as_str();
        session.unwrap_or_else(|| panic!("no Chromium: {INSTALL}; ChromeDriver says {answer}")).to_owned()
    }

    pub fn go(&self, url: &str) {
        self.command("POST", "/url", &json!({"url": url}));
    }

    pub fn reload(&self) {
        self.command("POST", "/refresh", &json!({}));
    }

    /// Runs a script in the page; what it returns.
    pub fn run(&self, script: &str) -> Value {
        self.command("POST", "/execute/sync", &json!({"script": script, "args": []}))
    }

    /// The first element that this selector finds, as soon as it is there and to be seen.
    pub fn find(&self, selector: &str) -> Element<'_> {
        wait_for(selector, || self.all(selector).into_iter().find(Element::is_shown))
    }

    pub fn all(&self, selector: &str) -> Vec<Element<'_>> {
        let found = self.command("POST", "/elements", &json!({"using": "css selector", "value": selector}));
        let ids = found.as_array().into_iter().flatten().filter_map(|it| it[ELEMENT].as_str());
        ids.map(|id| Element { browser: self, id: id.to_owned() }).collect()
    }

    /// Presses keys, as WebDriver spells them (`\u{e007}` is Enter), where the focus is.
    pub fn press(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]
            })
            .collect();
        self.command(
            "POST",
            "/actions",
            &json!({"actions": [{"type": "key", "id": "keys", "actions": strokes}]}),
        );
    }

    pub fn resize(&self, width: u32, height: u32) {
        self.command("POST", "/window/rect", &json!({"width": width, "height": height}));
    }

    /// What the page wrote to its console since it was asked last, violations of the policy included.
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.command("POST", "/se/log", &json!({"type": "browser"}));
        let entries = entries.as_array().into_iter().flatten();
        entries.filter_map(|entry| entry["message"].as_str().map(str::to_owned)).collect()
    }

    /// The address of every request that pages sent since it was asked last.
    pub fn requests(&self) -> Vec<String> {
        let entries = self.command("POST", "/se/log", &json!({"type": "performance"}));
        let messages = entries.as_array().into_iter().flatten().filter_map(|entry| {
            let message: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            Some(message["message"].clone())
        });
        let sent = messages.filter(|message| message["method"] == "Network.requestWillBeSent");
        sent.filter_map(|message| message["params"]["request"]["url"].as_str().map(str::to_owned)).collect()
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        self.send(method, &format!("/session/{}{path}", self.session), body)
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let json = [("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = http::call(self.address, method, path, &json, body.as_bytes());
        let value = answer.json()["value"].clone();
        assert!(answer.status < 400, "{method} {path}: {}", value["message"]);
        value
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let path = format!("/session/{}", self.session);
            let _closed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                http::call(self.address, "DELETE", &path, &[], b"")
            }));
        }
        let _gone = self.driver.kill().and_then(|()| self.driver.wait());
    }
}

impl Element<'_> {
    pub fn click(&self) {
        self.command("POST", "/click", &json!({}));
    }

    pub fn text(&self) -> String {
        self.command("GET", "/text", &Value::Null).as_str().unwrap_or_default().to_owned()
    }

    /// Types text; into a file input, the path of a file.
    pub fn enter(&self, text: &str) {
        self.command("POST", "/value", &json!({"text": text}));
    }

    pub fn choose_file(&self, path: &Path) {
        self.enter(&path.display().to_string());
    }

    pub fn is_shown(&self) -> bool {
        // It may vanish between two questions.
        let path = format!("/session/{}/element/{}/displayed", self.browser.session, self.id);
        let answer = http::call(self.browser.address, "GET", &path, &[], b"");
        answer.json()["value"] == true
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        self.browser.command(method, &format!("/element/{}{path}", self.id), body)
    }
}
