//! Directories with one file per key.

mod support;

use support::{folder, load, loader, problems, read, write};

#[test]
fn a_file_may_be_named_by_variable_alias_or_key() {
    for name in ["PORT", "SUMMARY_BOT__HTTP__PORT", "http.port"] {
        let folder = folder();
        write(folder.path(), &format!("mount/{name}"), "6000\n");
        assert_eq!(read(loader(&folder)).http.port, 6000, "{name}");
    }
}

#[test]
fn a_file_that_bears_the_key_itself_is_exact() {
    let folder = folder();
    write(folder.path(), "config.toml", "[labels]\nRed-Team = 'a'");
    write(folder.path(), "mount/labels.Red_Team", "b");
    let labels = read(loader(&folder)).labels;
    let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(labels, ["Red-Team=a", "Red_Team=b"]);
}

#[test]
fn the_origin_is_the_file() {
    let folder = folder();
    write(folder.path(), "mount/PORT", "6000");
    let origin = load(loader(&folder)).expect("right").origin("http.port").expect("set").to_string();
    assert_eq!(origin, format!("file {}", folder.path().join("mount/PORT").display()));
}

#[test]
fn a_file_may_name_the_file_with_the_value_and_both_are_the_origin() {
    let folder = folder();
    let secret = folder.path().join("secret");
    write(folder.path(), "secret", "hush\n");
    write(folder.path(), "mount/JWT_SECRET_FILE", format!("{}\n", secret.display()));
    let origin = load(loader(&folder)).expect("right").origin("jwt_secret").expect("set").to_string();
    let named_in = folder.path().join("mount/JWT_SECRET_FILE");
    assert_eq!(origin, format!("file {} -> {}", named_in.display(), secret.display()));
}

#[test]
fn unknown_files_are_warned_about_and_not_shown() {
    let folder = folder();
    write(folder.path(), "mount/JWT_SECERT", "canary");
    let loaded = load(loader(&folder)).expect("a warning only");
    let warning = loaded.warnings().first().expect("one").to_string();
    assert!(warning.ends_with("ignored: no key of this service; did you mean JWT_SECRET?"), "{warning}");
    assert!(!warning.contains("canary"));
}

#[test]
fn two_files_for_one_key_are_a_problem() {
    let folder = folder();
    write(folder.path(), "mount/PORT", "1");
    write(folder.path(), "mount/WEBHOOK_PORT", "2");
    let text = problems(loader(&folder)).join("\n");
    assert!(text.contains("PORT and WEBHOOK_PORT are set to different values"), "{text}");
}

#[test]
fn a_file_that_is_not_utf8_is_a_problem() {
    let folder = folder();
    write(folder.path(), "mount/JWT_SECRET", [0xff, 0xfe]);
    let text = problems(loader(&folder)).join("\n");
    assert!(text.contains("JWT_SECRET): the file is not UTF-8 text"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_link_to_nowhere_is_a_problem_where_a_key_is_meant_and_a_warning_elsewhere() {
    let folder = folder();
    let link = |name: &str| {
        let path = folder.path().join("mount").join(name);
        std::os::unix::fs::symlink("nowhere", &path).expect("a link");
        path
    };
    std::fs::create_dir_all(folder.path().join("mount/lost+found")).expect("a folder, which is no key");
    let stray = link("STRAY");
    let loaded = load(loader(&folder)).expect("a warning only");
    let warnings: Vec<_> = loaded.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains(&format!("(file {}): ignored", stray.display())), "{warnings:?}");
    let secret = link("JWT_SECRET");
    let problems = problems(loader(&folder));
    let words = format!("jwt_secret (file {}): cannot read the file: ", secret.display());
    assert!(problems.len() == 1 && problems[0].starts_with(&words), "{problems:?}");
}

#[cfg(unix)]
#[test]
fn the_links_of_a_kubernetes_mount_are_followed_and_its_own_folders_skipped() {
    let folder = folder();
    write(folder.path(), "mount/..2026_11_21/PORT", "6000\n");
    write(folder.path(), "mount/..2026_11_21/config.toml", "greeting = 'mounted'");
    let mount = folder.path().join("mount");
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, mount.join(name)).expect("a link");
    write(folder.path(), "mount/..stray", "skipped by its name alone");
    link("..2026_11_21", "..data");
    link("..data/PORT", "PORT");
    link("..data/config.toml", "config.toml");
    let loaded = load(loader(&folder)).expect("right");
    let config: support::Config = loaded.read().expect("right");
    assert_eq!((config.http.port, config.greeting.as_str()), (6000, "mounted"));
    assert!(loaded.warnings().is_empty());
}
