//! `explain-config` names the right origin for every value.

mod support;

use groundcrew_config::FromConfig;
use support::{Config, folder, load, loader, with_variables, write};

#[test]
fn every_value_has_its_origin_and_what_it_shadowed() {
    let folder = folder();
    write(
        folder.path(),
        "config.toml",
        "greeting = 'file'\nmotto = 'file'\n\n[http]\nport = 1\n\n[labels]\nteam = 'red'",
    );
    write(folder.path(), "config.testing.toml", "greeting = 'testing'");
    write(folder.path(), "mount/PORT", "2");
    write(folder.path(), "secret", "hush");
    let secret = folder.path().join("secret").display().to_string();
    let variables = [("ENVIRONMENT", "testing"), ("WEBHOOK_PORT", "3"), ("JWT_SECRET_FILE", secret.as_str())];
    let loaded = load(loader(&folder).variables(variables).set("http.port=4")).expect("right");
    let root = format!("{}/", folder.path().display());

    let json: serde_json::Value = serde_json::from_str(&loaded.explain().to_json()).expect("JSON");
    let line = |key: &str| {
        let row = json.as_array().expect("rows").iter().find(|row| row["key"] == key).expect("the key");
        let shadowed = row["shadowed"].as_array().expect("a list").iter();
        let shadowed: Vec<_> = shadowed.map(|one| format!("{} {}", one["value"], one["origin"])).collect();
        format!("{} {} <- {}", row["value"], row["origin"], shadowed.join("; "))
            .replace(&root, "")
            .replace('"', "")
    };
    assert_eq!(line("http.port"), "4 --set <- 3 env WEBHOOK_PORT; 2 file mount/PORT; 1 config.toml:5");
    assert_eq!(line("greeting"), "testing config.testing.toml:1 <- file config.toml:1");
    assert_eq!(line("motto"), "file config.toml:2 <- ");
    assert_eq!(line("labels.team"), "red config.toml:8 <- ");
    assert_eq!(line("environment"), "testing env ENVIRONMENT <- ");
    assert_eq!(line("jwt_secret"), "[redacted] env JWT_SECRET_FILE -> secret <- ");
    assert_eq!(line("http.idle_timeout"), "75s default <- ");
    assert_eq!(line("http.host"), "127.0.0.1 default <- ");
    assert_eq!(line("database.url"), "null default <- ");
}

#[test]
fn the_table_has_a_line_for_each_key_and_each_shadowed_value() {
    let folder = folder();
    write(folder.path(), "config.toml", "[http]\nport = 1");
    let loaded = load(loader(&folder).variables([("PORT", "2")])).expect("right");
    let table = loaded.explain().to_string().replace(&format!("{}/", folder.path().display()), "");
    let words = |line: &str| line.split_whitespace().map(String::from).collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = table.lines().map(words).collect();
    let at = lines.iter().position(|line| line == "http.port 2 env PORT").expect("the key's line");
    assert_eq!(lines[at + 1], "over 1 config.toml:2");
    assert!(lines.contains(&"motto (unset) default".to_owned()));
}

#[test]
fn a_wrong_configuration_is_explained_too() {
    let (explanation, problems) = with_variables(&[("PORT", "http")]).explain(&Config::shape());
    assert!(explanation.to_string().contains("env PORT"), "{explanation}");
    assert!(problems.expect("the port is no number").to_string().contains("http.port (env PORT)"));
    let (_, problems) = with_variables(&[]).explain(&Config::shape());
    assert!(problems.is_none());
}
