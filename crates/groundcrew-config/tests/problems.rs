//! What is wrong: all of it at once, with its place and what would be right.

mod support;

use groundcrew_config::{FromConfig, Loader, defaults};
use support::{folder, load, loader, problems, with_variables, write};

fn problems_of_file(text: &str) -> Vec<String> {
    let folder = folder();
    write(folder.path(), "config.toml", text);
    let path = format!("{}/", folder.path().display());
    problems(loader(&folder)).into_iter().map(|line| line.replace(&path, "")).collect()
}

#[test]
fn all_problems_come_at_once_each_with_its_line() {
    let text = "colour = 1\n\n[http]\nprot = 1\nport = 0\nidle_timeout = 75\n[database]\n";
    let found = problems_of_file(text);
    let starts = [
        "colour (config.toml:1): unknown key; known here: `environment`, `http`,",
        "http.prot (config.toml:4): unknown key; did you mean `http.port`?",
        "http.port (config.toml:5): \"0\" is not from 1 to 65535",
        "http.idle_timeout (config.toml:6): found a number, expected a duration with a unit (ms, s, m, h or d)",
        "database.url: missing: set DATABASE_URL or POSTGRES_URL or SUMMARY_BOT__DATABASE__URL, or `database.url` in",
    ];
    for start in starts {
        assert!(found.iter().any(|line| line.starts_with(start)), "{start}\n{found:#?}");
    }
    assert_eq!(found.len(), starts.len(), "{found:#?}");
}

#[test]
fn a_number_in_quotes_and_a_string_without_are_told_apart() {
    assert_eq!(
        problems_of_file("greeting = 1\n[http]\nport = '1'"),
        [
            "http.port (config.toml:3): found a string, expected a whole number from 0 to 65535, without quotes",
            "greeting (config.toml:1): found a number, expected a string, in quotes",
        ]
    );
}

#[test]
fn a_list_of_the_wrong_things_names_each_item() {
    let found = problems_of_file("[http]\norigins = [\"a\", 1,\n  true]");
    assert_eq!(
        found,
        [
            "http.origins[1] (config.toml:2): found a number, expected a string, in quotes",
            "http.origins[2] (config.toml:3): found a boolean, expected a string, in quotes",
        ]
    );
}

#[test]
fn a_section_that_is_a_value_is_a_problem() {
    let found = problems_of_file("http = 1");
    assert!(
        found[0].starts_with("http (config.toml:1): found a number, expected a section with the keys `host`")
    );
}

#[test]
fn a_key_in_the_wrong_section_is_pointed_to_the_right_one() {
    assert_eq!(
        problems_of_file("[http]\nmax_connections = 1"),
        ["http.max_connections (config.toml:2): unknown key; did you mean `database.max_connections`?"]
    );
    assert_eq!(
        problems_of_file("PORT = 1"),
        ["PORT (config.toml:1): unknown key; did you mean `http.port`?"]
    );
}

#[test]
fn a_file_that_is_not_toml_says_where_and_hides_its_text() {
    let found = problems_of_file("greeting = 'x'\njwt_secret = canary\nport = = 1\n");
    assert!(found[0].starts_with("config.toml (config.toml:2): not TOML: "), "{found:?}");
    assert!(found.iter().any(|line| line.contains("config.toml:3")), "{found:?}");
    assert!(!found.join("\n").contains("canary"), "{found:?}");
}

#[test]
fn a_broken_file_does_not_make_its_keys_missing() {
    let folder = folder();
    let needs_a_url = [("SUMMARY_BOT__DATABASE__MAX_CONNECTIONS", "1")];
    let found = problems(loader(&folder).variables(needs_a_url)).join("\n");
    assert!(found.contains("database.url: missing"), "{found}");
    write(folder.path(), "config.toml", "[database]\nurl = ");
    let found = problems(loader(&folder).variables(needs_a_url)).join("\n");
    assert!(found.contains("not TOML") && !found.contains("missing"), "{found}");
}

#[test]
fn a_file_that_is_not_utf8_says_in_which_line() {
    let folder = folder();
    write(folder.path(), "config.toml", b"a = 1\nb = \"\xff\"");
    assert!(problems(loader(&folder))[0].ends_with("config.toml:2): the file is not UTF-8 text"));
}

#[test]
fn a_setting_without_an_equals_sign_or_key_is_a_problem() {
    let found = problems(with_variables(&[]).set("http.port").set("http.prot=1").set("http=1").set("PORT=1"));
    assert_eq!(
        found,
        [
            "http.port (--set): expected `key=value`, as in `--set http.port=5000`",
            "http.prot (--set): unknown key; did you mean `http.port`?",
            "http (--set): `http` is a section: set one of its keys, as `http.<key>`",
            "PORT (--set): PORT is a variable; its key is `http.port`",
        ]
    );
}

#[test]
fn the_display_counts_and_lists() {
    let text = load(with_variables(&[("PORT", "x")])).expect_err("wrong").to_string();
    assert_eq!(
        text,
        "1 problem in the configuration:\n  http.port (env PORT): \"x\" is not a whole number from 0 to 65535"
    );
}

#[test]
fn warnings_stand_beside_problems() {
    let text =
        load(with_variables(&[("PORT", "x"), ("WEBHOOK_PORT", "tcp://1.1.1.1:1")])).expect_err("wrong");
    assert_eq!(text.warnings().len(), 1);
    assert!(text.to_string().contains("\n  warning: http.port (env WEBHOOK_PORT): ignored"));
}

/// A pair that must fit.
#[derive(Debug, FromConfig)]
#[config(validate = ordered)]
struct Bounds {
    /// The lower one.
    #[config(default = 1)]
    low: u32,
    /// The upper one.
    #[config(range = 1..=9)]
    high: Option<u32>,
}

fn ordered(bounds: &Bounds) -> Result<(), String> {
    let ordered = bounds.high.is_none_or(|high| bounds.low <= high);
    if ordered { Ok(()) } else { Err("`low` must not be above `high`".into()) }
}

#[test]
fn a_section_can_check_itself() {
    let loaded = Loader::new("x").variables([("X__LOW", "5"), ("X__HIGH", "2")]).load(&Bounds::shape());
    assert!(loaded.expect_err("wrong").to_string().contains("`low` must not be above `high`"));
    let loaded = Loader::new("x").variables([("X__HIGH", "10")]).load(&Bounds::shape());
    assert!(loaded.expect_err("wrong").to_string().contains("\"10\" is not from 1 to 9"));
}

/// A price that is a joke outside of production.
#[derive(Debug, FromConfig)]
#[config(validate_in = earnest)]
struct Price {
    /// What it costs.
    #[config(default = 0)]
    cents: u32,
}

fn earnest(price: &Price, environment: groundcrew_config::Environment) -> Result<(), &'static str> {
    if environment.is_production() && price.cents == 0 { Err("nothing is free") } else { Ok(()) }
}

#[test]
fn a_section_can_be_wrong_in_one_environment_only() {
    let loaded = |name| Loader::new("x").variables([("ENVIRONMENT", name)]).load(&Price::shape());
    assert_eq!(loaded("staging").expect("right").read::<Price>().expect("right").cents, 0);
    assert!(loaded("production").expect_err("wrong").to_string().contains("nothing is free"));
}

#[test]
fn defaults_of_a_type_with_a_required_key_name_the_key() {
    let problems = defaults::<support::SqlConfig>().expect_err("the URL has no default");
    assert!(problems.to_string().contains("url: missing, and it has no default"));
}

#[test]
fn a_required_secret_may_not_be_empty() {
    #[derive(Debug, FromConfig)]
    struct Signing {
        /// Signs.
        #[config(alias = "SIGNING_KEY")]
        signing_key: groundcrew_config::Secret<String>,
    }
    let error = Loader::new("parcels").variables([("SIGNING_KEY", "")]).load(&Signing::shape()).unwrap_err();
    assert!(error.to_string().contains("signing_key (env SIGNING_KEY): is empty"), "{error}");
    let loaded = Loader::new("parcels").variables([("SIGNING_KEY", "k")]).load(&Signing::shape()).unwrap();
    assert_eq!(loaded.read::<Signing>().unwrap().signing_key.expose(), "k");
}

#[test]
fn a_value_that_remembers_its_origin_has_a_range_too() {
    let variables = [("GUILD_7_TEMPERATURE", "2.5"), ("SUMMARY_BOT__GUILDS__7__LEAST", "0")];
    let text = problems(with_variables(&variables)).join("\n");
    assert!(text.contains("guilds.7.temperature (env GUILD_7_TEMPERATURE): \"2.5\" is not from 0"), "{text}");
    assert!(text.contains("guilds.7.least"), "{text}");
}
