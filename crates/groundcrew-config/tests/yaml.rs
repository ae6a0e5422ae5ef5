//! `config.yaml`, and what happens without the feature.

mod support;

use support::{folder, loader, problems, write};

#[cfg(not(feature = "yaml"))]
#[test]
fn without_the_feature_a_yaml_file_is_a_problem_that_names_it() {
    let folder = folder();
    write(folder.path(), "config.yaml", "greeting: hi");
    assert!(
        problems(loader(&folder))[0].contains("this build does not read YAML: turn on the feature `yaml`")
    );
}

#[cfg(feature = "yaml")]
mod with_the_feature {
    use proptest::prelude::*;

    use super::support::{load, read};
    use super::*;

    #[test]
    fn values_have_their_line_and_stay_exact_text() {
        let folder = folder();
        let text = "# a comment\ngreeting: 1.10\nmotto: ~\nhttp:\n  port: 3001\n  origins:\n    - a\n    - \"0123\"\n";
        write(folder.path(), "config.yaml", text);
        let config = read(loader(&folder));
        assert_eq!((config.greeting.as_str(), config.motto, config.http.port), ("1.10", None, 3001));
        assert_eq!(config.http.origins, ["a", "0123"]);
        let origin = load(loader(&folder)).expect("right").origin("http.port").expect("set").to_string();
        assert!(origin.ends_with("config.yaml:5"), "{origin}");
    }

    #[test]
    fn problems_have_their_line() {
        let folder = folder();
        write(folder.path(), "config.yaml", "http:\n  prot: 1\n  port: \"1\"\n");
        let text = problems(loader(&folder)).join("\n");
        assert!(text.contains("config.yaml:2): unknown key; did you mean `http.port`?"), "{text}");
        assert!(text.contains("config.yaml:3): found a string, expected a whole number"), "{text}");
    }

    #[test]
    fn a_key_that_appears_twice_is_a_problem() {
        let folder = folder();
        write(folder.path(), "config.yml", "greeting: a\ngreeting: b\n");
        assert!(
            problems(loader(&folder))[0]
                .contains("config.yml:2): not YAML: the key `greeting` appears twice")
        );
    }

    #[test]
    fn endless_nesting_is_refused() {
        let folder = folder();
        write(folder.path(), "config.yaml", "[".repeat(100_000));
        assert!(problems(loader(&folder))[0].contains("not YAML"));
    }

    #[test]
    fn an_anchor_can_be_repeated() {
        let folder = folder();
        write(folder.path(), "config.yaml", "greeting: &g hi\nmotto: *g\n");
        assert_eq!(read(loader(&folder)).motto.as_deref(), Some("hi"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text: String) {
            let folder = folder();
            write(folder.path(), "config.yaml", text);
            drop(load(loader(&folder)));
        }
    }
}
