//! A canary in every secret, and no output that shows it.

mod support;

use groundcrew_config::{FromConfig, Secret, reference};
use support::{Config, folder, load, loader, write};

const CANARY: &str = "c4n4ry";

#[test]
fn a_secret_prints_nothing() {
    let secret = Secret::new(CANARY.to_owned());
    assert_eq!(format!("{secret} {secret:?} {secret:#?}"), "[redacted] [redacted] [redacted]");
    assert_eq!(secret.expose(), CANARY);
}

#[test]
fn no_output_of_a_right_configuration_shows_a_secret() {
    let folder = folder();
    write(
        folder.path(),
        "config.toml",
        format!("jwt_secret = '{CANARY}1'\n[database]\nurl = 'postgres://u:{CANARY}@h/d'"),
    );
    write(folder.path(), "mount/DATABASE_PASSWORD", CANARY);
    let loaded = load(loader(&folder).variables([("JWT_SECRET", CANARY)])).expect("right");
    let config: Config = loaded.read().expect("right");
    assert_eq!(config.jwt_secret.as_ref().expect("set").expose(), CANARY);
    let explanation = loaded.explain();
    let outputs = [
        explanation.to_string(),
        explanation.to_json(),
        format!("{:?}", config.jwt_secret),
        format!("{loaded:?}{:?}", loaded.warnings()),
        format!("{explanation:?}"),
    ];
    for output in outputs {
        assert!(!output.contains(CANARY), "{output}");
    }
}

/// Secrets of every kind.
#[allow(dead_code, reason = "only its problems are read")]
#[derive(Debug, FromConfig)]
struct Secrets {
    /// A secret number.
    #[config(alias = "PIN")]
    pin: Option<Secret<u32>>,
    /// A plain type in a key that is secret.
    #[config(secret, range = 1..=9)]
    level: Option<u8>,
    /// Several.
    #[config(default = "c4n4ry")]
    keys: Secret<Vec<u16>>,
    /// Several more.
    #[config(default)]
    tokens: Vec<Secret<u8>>,
    /// Plain.
    #[config(default = 1)]
    port: u16,
}

#[test]
fn no_problem_shows_a_secret_or_the_value_of_an_unknown_key() {
    let variables = [
        ("PIN", CANARY),
        ("X__LEVEL", CANARY),
        ("X__KEYS", CANARY),
        ("X__TOKENS", CANARY),
        ("X__PIM", CANARY),
        ("X__UNKNOWN", CANARY),
    ];
    let folder = folder();
    write(
        folder.path(),
        "config.toml",
        format!("pin = '{CANARY}'\nsecert = '{CANARY}'\n[port]\na = '{CANARY}'"),
    );
    let problems =
        loader(&folder).set(format!("nothing={CANARY}")).load(&Secrets::shape()).expect_err("wrong");
    assert!(!format!("{problems}{problems:?}").contains(CANARY), "{problems}");
    let problems = groundcrew_config::Loader::new("x").variables(variables).load(&Secrets::shape());
    let problems = problems.expect_err("wrong");
    assert_eq!(problems.iter().count(), 6, "{problems}");
    assert!(!format!("{problems}{problems:?}").contains(CANARY), "{problems}");
}

#[test]
fn a_setting_that_is_no_pair_shows_the_names_in_it_and_nothing_else() {
    let shown = |setting: String| {
        let text = load(loader(&folder()).set(setting)).expect_err("no pair").to_string();
        assert!(!text.contains(CANARY), "{text}");
        assert!(text.contains("expected `key=value`"), "{text}");
        text
    };
    for separator in [":", " ", ".", ": ", "/"] {
        let text = shown(format!("database.password{separator}{CANARY}"));
        assert!(text.contains("\n  database.password (--set)"), "{text}");
    }
    assert!(shown(format!("database.password:{CANARY}==")).contains("database.password (--set)"));
    assert!(shown(format!("labels.{CANARY}")).contains("labels (--set)"));
    assert!(shown(format!("labels/{CANARY}=")).contains("labels (--set)"));
    assert!(shown(CANARY.to_owned()).contains("setting 1 (--set)"));
}

#[test]
fn a_secret_in_the_place_of_its_files_name_is_not_shown() {
    let key = format!("-----BEGIN KEY-----\n{CANARY}\n-----END KEY-----\n");
    for secret in [CANARY.to_owned(), key, format!("/{CANARY}\n{CANARY}")] {
        let folder = folder();
        let variable = loader(&folder).variables([("JWT_SECRET_FILE", &secret)]);
        let text = load(variable).expect_err("no such file").to_string();
        assert!(text.contains("jwt_secret (env JWT_SECRET_FILE): cannot read the file"), "{text}");
        assert!(text.contains("which goes into JWT_SECRET") && !text.contains(CANARY), "{text}");
        write(folder.path(), "mount/JWT_SECRET_FILE", &secret);
        let text = load(loader(&folder)).expect_err("no such file").to_string();
        assert!(text.contains("mount/JWT_SECRET_FILE): cannot read the file"), "{text}");
        assert!(!text.contains(CANARY), "{text}");
    }
}

#[test]
fn a_conflict_of_two_secrets_names_both_and_shows_none() {
    let folder = folder();
    let variables = [("JWT_SECRET", CANARY.to_owned()), ("SUMMARY_BOT__JWT_SECRET", format!("{CANARY}2"))];
    let text = load(loader(&folder).variables(variables)).expect_err("different").to_string();
    assert!(text.contains("JWT_SECRET and SUMMARY_BOT__JWT_SECRET"), "{text}");
    assert!(!text.contains(CANARY), "{text}");
}

#[test]
fn the_reference_does_not_show_the_default_of_a_secret() {
    let reference = reference(&Secrets::shape(), "x");
    for output in [reference.toml(), reference.markdown(), reference.json_schema()] {
        assert!(!output.contains(CANARY), "{output}");
    }
}

#[test]
fn a_value_that_is_not_secret_is_shown_as_a_control() {
    let folder = folder();
    let text = load(loader(&folder).variables([("PORT", CANARY)])).expect_err("wrong").to_string();
    assert!(text.contains(CANARY));
}
