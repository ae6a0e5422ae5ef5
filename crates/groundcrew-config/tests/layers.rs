//! The order of the layers, and where each is looked for.

mod support;

use groundcrew_config::{Environment, Origin};
use support::{folder, load, loader, problems, read, with_variables, write};

#[test]
fn without_any_layer_the_defaults_hold() {
    let config = read(with_variables(&[]));
    assert_eq!(config.http.port, 5000);
    assert_eq!(config.http.idle_timeout.as_secs(), 75);
    assert_eq!(config.greeting, "hello");
    assert!(config.database.is_none() && config.jwt_secret.is_none() && config.http.origins.is_empty());
}

#[test]
fn each_layer_covers_the_one_below() {
    let folder = folder();
    let layers: [&dyn Fn(); 4] = [
        &|| write(folder.path(), "config.toml", "[http]\nport = 1"),
        &|| write(folder.path(), "config.staging.toml", "[http]\nport = 2"),
        &|| write(folder.path(), "mount/PORT", "3"),
        &|| {},
    ];
    let environment = [("ENVIRONMENT", "staging")];
    for (index, layer) in layers.iter().enumerate().take(3) {
        layer();
        let config = read(loader(&folder).variables(environment));
        assert_eq!(usize::from(config.http.port), index + 1);
    }
    let upper = || loader(&folder).variables(environment).variables([("SUMMARY_BOT__HTTP__PORT", "4")]);
    assert_eq!(read(upper()).http.port, 4);
    assert_eq!(read(upper().set("http.port=5")).http.port, 5);
}

#[test]
fn a_file_in_the_mount_covers_the_one_in_the_working_directory() {
    let folder = folder();
    write(folder.path(), "config.toml", "greeting = 'here'\nmotto = 'kept'");
    write(folder.path(), "mount/config.toml", "greeting = 'mounted'");
    let config = read(loader(&folder));
    assert_eq!(config.greeting, "mounted");
    assert_eq!(config.motto.as_deref(), Some("kept"));
}

#[test]
fn config_names_a_file_and_its_environment_sibling() {
    let folder = folder();
    write(folder.path(), "elsewhere/app.toml", "greeting = 'a'\nmotto = 'a'");
    write(folder.path(), "elsewhere/app.testing.toml", "motto = 'b'");
    write(folder.path(), "config.toml", "greeting = 'not read'");
    let named = loader(&folder).config_path(folder.path().join("elsewhere/app.toml"));
    let config = read(named.variables([("ENVIRONMENT", "testing")]));
    assert_eq!((config.greeting.as_str(), config.motto.as_deref()), ("a", Some("b")));
}

#[test]
fn config_names_a_directory_with_files_and_keys() {
    let folder = folder();
    write(folder.path(), "etc/config.toml", "greeting = 'file'");
    write(folder.path(), "etc/WEBHOOK_PORT", "6000\n");
    let config = read(loader(&folder).config_path(folder.path().join("etc")));
    assert_eq!((config.greeting.as_str(), config.http.port), ("file", 6000));
}

#[test]
fn a_config_path_that_does_not_exist_is_a_problem() {
    let problems = problems(with_variables(&[]).config_path("/nowhere/config.toml"));
    assert_eq!(problems, ["config: --config names /nowhere/config.toml, which does not exist"]);
}

#[cfg(unix)]
#[test]
fn a_configuration_file_that_is_a_link_to_nowhere_or_to_itself_is_a_problem() {
    for (name, to, words) in [
        ("config.toml", "nowhere", "cannot read the file: "),
        ("config.production.toml", "nowhere", "cannot read the file: "),
        ("config.toml", "config.toml", "cannot look at the file: "),
    ] {
        let folder = folder();
        let path = folder.path().join(name);
        std::os::unix::fs::symlink(to, &path).expect("a link");
        let found = problems(loader(&folder).variables([("ENVIRONMENT", "production")]));
        let start = format!("{}: {words}", path.display());
        assert!(found.len() == 1 && found[0].starts_with(&start), "{start} {found:?}");
    }
    let folder = folder();
    std::os::unix::fs::symlink("app.toml", folder.path().join("app.toml")).expect("a link");
    let found = problems(loader(&folder).config_path(folder.path().join("app.toml")));
    assert!(found[0].contains("app.toml, which cannot be looked at: "), "{found:?}");
}

/// Rights do not bind everybody; what lies below a file can be looked at by nobody.
#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_searched_is_passed_over_unless_a_file_in_it_is_named() {
    let folder = folder();
    write(folder.path(), "closed", "");
    let closed = folder.path().join("closed");
    let found = problems(loader(&folder).root(&closed));
    assert!(found.is_empty(), "{found:?}");
    let path = closed.join("app.toml");
    let found = problems(loader(&folder).config_path(&path));
    let words = format!("config: --config names {}, which cannot be looked at: ", path.display());
    assert!(found.len() == 1 && found[0].starts_with(&words), "{found:?}");
}

#[test]
fn two_formats_of_one_file_are_a_problem_that_names_both() {
    let folder = folder();
    write(folder.path(), "config.toml", "");
    write(folder.path(), "config.yaml", "");
    let text = problems(loader(&folder)).join("\n");
    assert!(text.contains("config.toml") && text.contains("config.yaml both exist: keep one"), "{text}");
}

#[test]
fn the_later_of_two_settings_wins() {
    assert_eq!(read(with_variables(&[]).set("http.port=1").set("http.port=2")).http.port, 2);
}

#[test]
fn the_environment_comes_from_set_then_variables_then_the_directory() {
    let folder = folder();
    write(folder.path(), "mount/ENVIRONMENT", "testing\n");
    let environment = |loader| load(loader).expect("right").environment();
    assert_eq!(environment(loader(&folder)), Environment::Testing);
    let variable = || loader(&folder).variables([("ENVIRONMENT", "staging")]);
    assert_eq!(environment(variable()), Environment::Staging);
    assert_eq!(environment(variable().set("environment=production")), Environment::Production);
    assert_eq!(environment(with_variables(&[])), Environment::Development);
    assert_eq!(environment(with_variables(&[("ENVIRONMENT", "")])), Environment::Development);
}

#[test]
fn the_environment_is_never_read_from_a_file() {
    let folder = folder();
    write(folder.path(), "config.toml", "environment = 'production'");
    let text = problems(loader(&folder)).join("\n");
    assert!(
        text.starts_with("environment (") && text.contains("config.toml:1): not read from files"),
        "{text}"
    );
}

#[test]
fn an_unknown_environment_is_a_problem_that_lists_the_four() {
    let text = problems(with_variables(&[("ENVIRONMENT", "prodution")])).join("\n");
    assert_eq!(
        text,
        "environment (env ENVIRONMENT): \"prodution\" is not one of `development`, `testing`, `staging`, \
         `production`; did you mean `production`?"
    );
}

#[test]
fn a_listener_is_open_in_a_container_and_in_production_only() {
    let host = |loader| read(loader).http.host.to_string();
    assert_eq!(host(with_variables(&[])), "127.0.0.1");
    assert_eq!(host(with_variables(&[]).container(true)), "0.0.0.0");
    assert_eq!(host(with_variables(&[("ENVIRONMENT", "production")])), "0.0.0.0");
    assert_eq!(host(with_variables(&[("SUMMARY_BOT__HTTP__HOST", "10.0.0.1")]).container(true)), "10.0.0.1");
}

#[test]
fn an_optional_section_is_there_when_one_of_its_keys_is() {
    let config = read(with_variables(&[("DATABASE_URL", "sqlite:x.db")]));
    let database = config.database.expect("its URL is set");
    assert_eq!((database.url.as_str(), database.max_connections), ("sqlite:x.db", 10));
    assert_eq!(database.url.origin(), &Origin::Variable { name: "DATABASE_URL".into() });
}

#[test]
fn a_caller_can_ask_who_set_a_key() {
    let loaded = load(with_variables(&[("DATABASE_URL", "sqlite:x.db")])).expect("right");
    assert_eq!(loaded.origin("database.url"), Some(Origin::Variable { name: "DATABASE_URL".into() }));
    assert_eq!(loaded.origin("database"), loaded.origin("database.url"));
    assert_eq!((loaded.origin("http.port"), loaded.origin("environment")), (None, None));
}
