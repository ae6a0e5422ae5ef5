//! The reference is made of the types, and what it says is true.

mod support;

use groundcrew_config::{FromConfig, reference};
use support::{Config, folder, loader, read, write};

#[test]
fn the_sample_as_it_stands_changes_nothing() {
    let folder = folder();
    write(folder.path(), "config.toml", reference(&Config::shape(), "summary-bot").toml());
    let config = read(loader(&folder));
    assert!(config.database.is_none());
    assert_eq!(config.http.port, 5000);
}

#[test]
fn the_sample_with_its_defaults_uncommented_still_loads() {
    let folder = folder();
    let sample = reference(&Config::shape(), "summary-bot").toml();
    let bare: Vec<_> = sample.lines().filter_map(|line| line.strip_prefix("# ")).collect();
    // The one required key of the optional section that is now there.
    let text = bare.join("\n").replace("<name>", "any").replace("[database]", "[database]\nurl = 'sqlite:x'");
    write(folder.path(), "config.toml", text);
    assert_eq!(read(loader(&folder)).http.idle_timeout.as_secs(), 75, "{sample}");
}

#[test]
fn the_sample_documents_every_key() {
    let sample = reference(&Config::shape(), "summary-bot").toml();
    let port = "## Port of the listener.\n## WEBHOOK_PORT, PORT, SUMMARY_BOT__HTTP__PORT\n# port = 5000\n";
    assert!(sample.contains(port), "{sample}");
    assert!(sample.contains("## Where the data is.\n# [database]\n"), "{sample}");
}

#[test]
fn the_table_has_every_variable_with_its_aliases_and_default() {
    let table = reference(&Config::shape(), "summary-bot").markdown();
    for row in [
        "| `SUMMARY_BOT__ENVIRONMENT` | `ENVIRONMENT`, `NODE_ENV` | `environment` |",
        "| `SUMMARY_BOT__HTTP__PORT` | `WEBHOOK_PORT`, `PORT` | `http.port` | a whole number, from 1 to 65535 | `5000` | Port of the listener. |",
        "| `SUMMARY_BOT__DATABASE__URL` | `DATABASE_URL`, `POSTGRES_URL` | `database.url` | a string | **required** |",
        "| `SUMMARY_BOT__GUILDS__<NAME>__MODEL` | `GUILD_<NAME>_MODEL`, `GUILD_<NAME>_CLAUDE_MODEL` | `guilds.*.model` |",
        "| `SUMMARY_BOT__JWT_SECRET` | `JWT_SECRET` | `jwt_secret` | a string, secret | unset | Signs tokens. |",
    ] {
        assert!(table.contains(row), "{row}\n{table}");
    }
}

#[test]
fn the_schema_describes_files() {
    let text = reference(&Config::shape(), "summary-bot").json_schema();
    let schema: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let http = &schema["properties"]["http"]["properties"];
    assert_eq!(http["port"]["type"], "integer");
    assert_eq!(http["port"]["default"], 5000);
    assert_eq!(schema["properties"]["level"]["enum"], serde_json::json!(["error", "info", "very-loud"]));
    assert_eq!(schema["properties"]["jwt_secret"]["writeOnly"], true);
    assert_eq!(schema["additionalProperties"], false);
}
