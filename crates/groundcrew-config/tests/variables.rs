//! Variables: names, aliases, files, exact text.

mod support;

use std::ffi::OsString;

use proptest::prelude::*;
use support::{Level, folder, load, loader, problems, read, with_variables, write};

#[test]
fn the_prefix_is_the_service_and_two_underscores_nest() {
    let config =
        read(with_variables(&[("SUMMARY_BOT__HTTP__IDLE_TIMEOUT", "30s"), ("OTHER__HTTP__PORT", "1")]));
    assert_eq!((config.http.idle_timeout.as_secs(), config.http.port), (30, 5000));
}

#[test]
fn every_alias_sets_its_key() {
    for name in ["WEBHOOK_PORT", "PORT", "SUMMARY_BOT__HTTP__PORT"] {
        assert_eq!(read(with_variables(&[(name, "6001")])).http.port, 6001, "{name}");
    }
}

#[test]
fn choices_are_read_in_any_case() {
    assert_eq!(read(with_variables(&[("LOG_LEVEL", "ERROR")])).level, Level::Error);
    assert_eq!(read(with_variables(&[("LOG_LEVEL", "very_loud")])).level, Level::VeryLoud);
}

#[test]
fn lists_are_separated_by_commas() {
    let config =
        read(with_variables(&[("SUMMARY_BOT__HTTP__ORIGINS", "https://a.example, https://b.example,")]));
    assert_eq!(config.http.origins, ["https://a.example", "https://b.example"]);
}

#[test]
fn a_map_takes_any_name() {
    let config = read(with_variables(&[("SUMMARY_BOT__LABELS__TEAM", "Red")]));
    assert_eq!(config.labels.get("team").map(String::as_str), Some("Red"));
}

#[test]
fn a_variable_means_the_name_that_a_layer_below_has_however_that_is_spelt() {
    let folder = folder();
    write(folder.path(), "config.toml", "[guilds.Red-Team]\nmodel = 'a'\nenabled_channels = ['3']");
    write(folder.path(), "mount/SUMMARY_BOT__GUILDS__RED_TEAM__TEMPERATURE", "1");
    let guilds = read(loader(&folder).variables([("SUMMARY_BOT__GUILDS__RED_TEAM__MODEL", "b")])).guilds;
    assert_eq!(guilds.keys().collect::<Vec<_>>(), ["Red-Team"]);
    let guild = &guilds["Red-Team"];
    assert_eq!(guild.model.as_ref().expect("set").as_str(), "b");
    assert!(guild.temperature.is_some() && guild.enabled_channels.is_some());
}

#[test]
fn a_variable_that_fits_two_names_is_a_problem_and_a_setting_is_exact() {
    let folder = folder();
    write(folder.path(), "config.toml", "[labels]\nRed-Team = 'a'\nred_team = 'b'");
    let text = problems(loader(&folder).variables([("SUMMARY_BOT__LABELS__RED_TEAM", "c")])).join("\n");
    let words = "labels.red_team (env SUMMARY_BOT__LABELS__RED_TEAM): fits `Red-Team` and `red_team`: ";
    assert!(text.starts_with(words), "{text}");
    let labels = read(loader(&folder).set("labels.red_team=c").set("labels.Red_Team=d")).labels;
    let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(labels, ["Red-Team=a", "Red_Team=d", "red_team=c"]);
}

#[test]
fn an_alias_with_a_name_in_it_sets_a_key_of_that_name() {
    let config = read(with_variables(&[
        ("GUILD_7_MODEL", "small"),
        ("GUILD_8_CLAUDE_MODEL", "large"),
        ("GUILD_8_ENABLED_CHANNELS", "1, 2"),
    ]));
    let model = config.guilds["7"].model.as_ref().expect("set");
    assert_eq!((model.as_str(), model.origin().to_string()), ("small", "env GUILD_7_MODEL".to_owned()));
    assert_eq!(config.guilds["8"].model.as_ref().expect("set").as_str(), "large");
    assert_eq!(config.guilds["8"].enabled_channels.as_deref(), Some(&["1".to_owned(), "2".to_owned()][..]));
}

#[test]
fn an_alias_with_a_name_in_it_goes_with_the_file_and_is_laid_over_it() {
    let folder = folder();
    write(folder.path(), "config.toml", "[guilds.7]\nmodel = 'file'\nenabled_channels = ['3']");
    let config = read(loader(&folder).variables([("GUILD_7_MODEL", "variable")]));
    assert_eq!(config.guilds["7"].model.as_ref().expect("set").as_str(), "variable");
    assert_eq!(config.guilds["7"].enabled_channels.as_deref(), Some(&["3".to_owned()][..]));
}

#[test]
fn two_aliases_with_a_name_in_them_and_different_values_are_a_problem() {
    let text = problems(with_variables(&[("GUILD_7_MODEL", "a"), ("GUILD_7_CLAUDE_MODEL", "b")])).join("\n");
    assert!(text.starts_with("guilds.7.model") && text.contains("set to different values"), "{text}");
}

#[test]
fn what_is_nearly_such_an_alias_earns_a_warning_and_anything_else_does_not() {
    let variables = [("GUILD_7_MODLE", "a"), ("GUILD_HALL", "b"), ("GUILD_7_COLOUR_OF_THE_DOOR", "c")];
    let loaded = load(with_variables(&variables)).expect("ignored");
    let warnings: Vec<_> = loaded.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["GUILD_7_MODLE (env GUILD_7_MODLE): ignored; did you mean GUILD_7_MODEL?"]);
}

#[test]
fn two_names_with_different_values_are_a_problem_that_names_both() {
    let text = problems(with_variables(&[("PORT", "1"), ("SUMMARY_BOT__HTTP__PORT", "2")])).join("\n");
    assert!(text.contains("PORT and SUMMARY_BOT__HTTP__PORT are set to different values"), "{text}");
    assert_eq!(read(with_variables(&[("PORT", "1"), ("SUMMARY_BOT__HTTP__PORT", "1")])).http.port, 1);
}

#[test]
fn two_names_in_different_layers_follow_the_order_of_layers() {
    let folder = folder();
    write(folder.path(), "mount/WEBHOOK_PORT", "1");
    assert_eq!(read(loader(&folder).variables([("PORT", "2")])).http.port, 2);
}

#[test]
fn an_empty_variable_leaves_an_optional_key_unset() {
    let empty = [("JWT_SECRET", ""), ("PORT", ""), ("DATABASE_URL", ""), ("SUMMARY_BOT__MOTTO", "")];
    let config = read(with_variables(&empty));
    assert!(config.jwt_secret.is_none() && config.database.is_none() && config.motto.is_none());
    assert_eq!(config.http.port, 5000);
}

#[test]
fn an_empty_variable_covers_nothing() {
    let folder = folder();
    write(folder.path(), "config.toml", "motto = 'from the file'");
    let config = read(loader(&folder).variables([("SUMMARY_BOT__MOTTO", "")]));
    assert_eq!(config.motto.as_deref(), Some("from the file"));
}

#[test]
fn a_variable_can_name_a_file_and_one_newline_is_dropped() {
    let folder = folder();
    write(folder.path(), "secret", "two\n\n");
    let path = folder.path().join("secret");
    for name in ["JWT_SECRET_FILE", "SUMMARY_BOT__JWT_SECRET_FILE"] {
        let loaded = load(loader(&folder).variables([(name, path.as_os_str())])).expect("right");
        let config: support::Config = loaded.read().expect("right");
        assert_eq!(config.jwt_secret.expect("set").expose(), "two\n");
        let origin = loaded.origin("jwt_secret").expect("set").to_string();
        assert_eq!(origin, format!("env {name} -> {}", path.display()));
    }
}

#[test]
fn a_variable_can_name_a_file_for_an_entry_of_a_map_too() {
    let folder = folder();
    write(folder.path(), "secret", "Red\n");
    let path = folder.path().join("secret").display().to_string();
    let variables = [("SUMMARY_BOT__LABELS__TEAM_FILE", path.as_str()), ("SUMMARY_BOT__LABELS__FILE", "x")];
    let labels = read(loader(&folder).variables(variables)).labels;
    let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(labels, ["file=x", "team=Red"]);
}

#[test]
fn a_variable_and_its_file_together_are_a_problem() {
    let folder = folder();
    write(folder.path(), "secret", "same");
    let path = folder.path().join("secret").display().to_string();
    let both = [("JWT_SECRET", "same"), ("JWT_SECRET_FILE", path.as_str())];
    let text = problems(loader(&folder).variables(both)).join("\n");
    assert!(text.contains("JWT_SECRET and JWT_SECRET_FILE are both set: keep one"), "{text}");
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_with_its_path() {
    let text = problems(with_variables(&[("JWT_SECRET_FILE", "/nowhere")])).join("\n");
    assert!(text.starts_with("jwt_secret (env JWT_SECRET_FILE -> /nowhere): cannot read the file"), "{text}");
}

#[test]
fn a_service_link_is_ignored_with_a_warning() {
    let loaded = load(with_variables(&[("PORT", "tcp://10.0.0.1:80")])).expect("ignored");
    assert_eq!(loaded.read::<support::Config>().expect("right").http.port, 5000);
    let warning = loaded.warnings().first().expect("one warning").to_string();
    assert!(warning.starts_with("http.port (env PORT): ignored: Kubernetes set it"), "{warning}");
}

#[test]
fn a_string_may_look_like_a_service_link() {
    assert_eq!(read(with_variables(&[("SUMMARY_BOT__GREETING", "tcp://x")])).greeting, "tcp://x");
}

#[test]
fn an_unknown_prefixed_variable_is_a_problem_with_what_was_meant() {
    assert_eq!(
        problems(with_variables(&[("SUMMARY_BOT__HTTP__PROT", "canary")])),
        ["SUMMARY_BOT__HTTP__PROT (env SUMMARY_BOT__HTTP__PROT): unknown variable; did you mean \
          SUMMARY_BOT__HTTP__PORT?"]
    );
}

#[test]
fn a_section_cannot_be_set_as_a_whole() {
    let text = problems(with_variables(&[("SUMMARY_BOT__HTTP", "x")])).join("\n");
    assert!(text.contains("`http` is a section: set one of its keys, as SUMMARY_BOT__HTTP__<KEY>"), "{text}");
}

#[test]
fn single_underscores_earn_a_warning() {
    let loaded = load(with_variables(&[("SUMMARY_BOT_HTTP_PORT", "1")])).expect("ignored");
    let warning = loaded.warnings().first().expect("one warning").to_string();
    assert!(warning.ends_with("did you mean SUMMARY_BOT__HTTP__PORT?"), "{warning}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf8_is_a_problem() {
    use std::os::unix::ffi::OsStringExt as _;
    let folder = folder();
    let value = OsString::from_vec(vec![0x66, 0xff]);
    let loader = loader(&folder).variables([(OsString::from("SUMMARY_BOT__GREETING"), value)]);
    assert_eq!(problems(loader), ["greeting (env SUMMARY_BOT__GREETING): the variable is not UTF-8 text"]);
}

#[test]
fn numbers_quotes_and_spaces_stay_as_they_are() {
    for text in ["0123", "1.10", "\"quoted\"", "  spaces  ", "true", "[1, 2]", "a,b", "null", "line\n"] {
        assert_eq!(read(with_variables(&[("SUMMARY_BOT__GREETING", text)])).greeting, text);
        assert_eq!(read(with_variables(&[]).set(format!("greeting={text}"))).greeting, text);
    }
}

proptest! {
    #[test]
    fn any_text_arrives_byte_for_byte(text in "[^\\x00]+") {
        let config = read(with_variables(&[("SUMMARY_BOT__GREETING", &text), ("JWT_SECRET", &text)]));
        prop_assert_eq!(&config.greeting, &text);
        let secret = config.jwt_secret.expect("set");
        prop_assert_eq!(secret.expose(), &text);
    }

    #[test]
    fn any_string_survives_toml(text: String) {
        let folder = folder();
        let json = serde_json::to_string(&text).expect("a string").replace('\u{7f}', "\\u007f");
        write(folder.path(), "config.toml", format!("greeting = {json}"));
        prop_assert_eq!(read(loader(&folder)).greeting, text);
    }

    #[test]
    fn a_file_of_any_text_loses_one_newline(text in "[^\\x00]+") {
        let folder = folder();
        write(folder.path(), "mount/SUMMARY_BOT__GREETING", format!("{text}x\n"));
        prop_assert_eq!(read(loader(&folder)).greeting, format!("{text}x"));
    }
}
