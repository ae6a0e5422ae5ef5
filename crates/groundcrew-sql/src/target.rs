//! Which database the configuration names, before anything is tried.

use groundcrew_config::{Environment, Secret};

use crate::{SqlConfig, UrlError};

/// A database that was chosen; its URL has passed every check that needs no driver.
#[derive(Debug)]
pub(crate) enum Target {
    /// A URL that begins with `sqlite:`, or nothing for the default file.
    #[cfg_attr(
        all(not(feature = "sqlite"), not(test)),
        expect(dead_code, reason = "only the driver needs it")
    )]
    Sqlite { url: Option<Secret<String>>, origin: String },
    /// A URL that begins with `postgres:` or `postgresql:`.
    #[cfg_attr(
        all(not(feature = "postgres"), not(test)),
        expect(dead_code, reason = "only the driver needs it")
    )]
    Postgres { url: Secret<String>, origin: String },
}

const RIGHT_POSTGRES: &str =
    "postgres://user@host:5432/name, with the password in DATABASE_PASSWORD (database.password)";
const RIGHT_ANY: &str = "postgres://user@host:5432/name or sqlite:data/app.db";

/// What may stand behind the `?` of a Postgres URL. The driver would log the others, value and all.
const PARAMETERS: [&str; 19] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
    "options[…]",
];

/// Decides which database is meant; refuses what nobody chose in production.
pub(crate) fn resolve(
    config: &SqlConfig,
    service: &str,
    environment: Environment,
) -> Result<Target, UrlError> {
    let chosen = config.url.as_ref().filter(|url| !(environment.is_production() && url.is_default()));
    let Some(url) = chosen else {
        return if environment.is_production() {
            Err(UrlError::NotChosen { service: service.to_owned() })
        } else {
            Ok(Target::Sqlite { url: None, origin: "default".to_owned() })
        };
    };
    let (text, origin) = (url.expose(), url.origin().to_string());
    let malformed = |problem: &str, right| UrlError::Malformed {
        origin: origin.clone(),
        problem: problem.to_owned(),
        right,
    };
    if text.trim() != text {
        return Err(malformed("it begins or ends with white space", RIGHT_ANY));
    }
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("sqlite:") {
        return Ok(Target::Sqlite { url: Some((**url).clone()), origin });
    }
    if lower.starts_with("postgres://") || lower.starts_with("postgresql://") {
        return match postgres_problem(text) {
            Some(problem) => Err(malformed(&problem, RIGHT_POSTGRES)),
            None => Ok(Target::Postgres { url: (**url).clone(), origin }),
        };
    }
    match scheme(text) {
        Some(scheme) => Err(UrlError::UnknownScheme { origin, scheme: scheme.to_owned() }),
        None => Err(malformed("it does not begin with a scheme", RIGHT_ANY)),
    }
}

/// What of the configuration is wrong before anything is tried, for those who only read it.
pub(crate) fn check(config: &SqlConfig, environment: Environment) -> Result<(), UrlError> {
    resolve(config, "app", environment)?;
    #[cfg(feature = "postgres")]
    if let Some(direct) = &config.direct_url {
        check_direct(direct.expose(), &direct.origin().to_string())?;
    }
    Ok(())
}

/// Refuses a direct URL that is not one of Postgres, or whose password stands where it would be shown.
#[cfg(feature = "postgres")]
pub(crate) fn check_direct(text: &str, origin: &str) -> Result<(), UrlError> {
    let lower = text.to_ascii_lowercase();
    let known = lower.starts_with("postgres://") || lower.starts_with("postgresql://");
    let problem = if known {
        postgres_problem(text)
    } else {
        Some("database.direct_url must be one of Postgres".to_owned())
    };
    problem.map_or(Ok(()), |problem| {
        Err(UrlError::Malformed { origin: origin.to_owned(), problem, right: RIGHT_POSTGRES })
    })
}

/// The scheme, if what stands before `://` looks like one. Anything else may be a secret in the wrong place.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    let plain = scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c));
    (plain && !scheme.is_empty() && scheme.len() <= 20).then_some(scheme)
}

/// What is wrong with a Postgres URL. A password with a character that ends the authority would turn up in
/// the host, the port or the name of the database, and so in messages: such a URL is not parsed at all.
fn postgres_problem(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = &rest[..rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len())];
    let behind = &rest[authority.len()..];
    let (path, query) = behind.split_once('?').unwrap_or((behind, ""));
    if path.contains(['@', '#', '\\'])
        || query.contains('#')
        || (query.contains('@') && !authority.contains('@'))
    {
        let words = "a `/`, `?`, `#`, `\\` or `@` in the password must be percent-encoded, or better";
        return Some(format!("{words}, set the password apart"));
    }
    if rest.chars().any(char::is_control) {
        return Some("it contains a control character".to_owned());
    }
    let unknown = query
        .split('&')
        .filter_map(|pair| pair.split('=').next())
        .find(|key| !key.is_empty() && !PARAMETERS.contains(key) && !key.starts_with("options["));
    unknown.map(|_| format!("it has a parameter that is not one of {}", PARAMETERS.join(", ")))
}

#[cfg(test)]
mod tests {
    use groundcrew_config::Sourced;
    use proptest::prelude::*;

    use super::*;

    fn resolved(url: &str) -> Result<Target, UrlError> {
        resolve(&SqlConfig::of(url), "parcels", Environment::Production)
    }

    #[test]
    fn nothing_configured_is_a_file_named_after_the_service_outside_of_production() {
        let target = resolve(&SqlConfig::default(), "parcels", Environment::Development);
        assert!(matches!(target, Ok(Target::Sqlite { url: None, .. })));
    }

    #[test]
    fn nothing_configured_is_refused_in_production_with_the_variable_and_the_way_to_choose_sqlite() {
        let error =
            resolve(&SqlConfig::default(), "parcels", Environment::Production).unwrap_err().to_string();
        assert!(error.contains("DATABASE_URL"), "{error}");
        assert!(error.contains("DATABASE_PASSWORD"), "{error}");
        assert!(error.contains("DATABASE_URL=sqlite:/data/parcels.db"), "{error}");
    }

    #[test]
    fn a_sqlite_url_that_is_only_a_default_is_refused_in_production() {
        let url = Some(Sourced::from(Secret::new("sqlite:parcels.db".to_owned())));
        let config = SqlConfig { url, ..SqlConfig::default() };
        assert!(resolve(&config, "parcels", Environment::Staging).is_ok());
        assert!(matches!(
            resolve(&config, "parcels", Environment::Production),
            Err(UrlError::NotChosen { .. })
        ));
    }

    #[test]
    fn a_sqlite_url_that_was_set_is_the_explicit_choice() {
        assert!(matches!(resolved("sqlite:/data/parcels.db"), Ok(Target::Sqlite { url: Some(_), .. })));
    }

    #[test]
    fn a_configuration_that_would_be_refused_at_the_start_does_not_load() {
        use groundcrew_config::{FromConfig, Loader};

        let problems = |variables: &[(&str, &str)]| {
            let mut loader = Loader::new("parcels").container(false).root("/nonexistent");
            loader = loader.mount("/nonexistent").variables(variables.iter().copied());
            loader.load(&SqlConfig::shape()).err().map(|problems| problems.to_string())
        };
        assert_eq!(problems(&[]), None);
        assert!(problems(&[("ENVIRONMENT", "production")]).unwrap().contains("DATABASE_URL"));
        let malformed = problems(&[("DATABASE_URL", "mysql://user:hunter2@host/db")]).unwrap();
        assert!(malformed.contains("env DATABASE_URL") && !malformed.contains("hunter2"), "{malformed}");
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_direct_url_that_would_be_refused_at_the_start_does_not_load() {
        use groundcrew_config::{FromConfig, Loader};

        let problems = |direct_url: &str| {
            let loader = Loader::new("parcels").container(false).root("/nonexistent").mount("/nonexistent");
            let pooler = ("DATABASE_URL", "postgres://user@pooler/db");
            let loader = loader.variables([pooler, ("DATABASE_DIRECT_URL", direct_url)]);
            loader.load(&SqlConfig::shape()).err().map(|problems| problems.to_string())
        };
        assert_eq!(problems("postgres://user:hunter2@host/db"), None);
        for wrong in ["sqlite:hunter2.db", "postgres://user:hunter2/3@host/db"] {
            let malformed = problems(wrong).expect("refused");
            assert!(malformed.contains("env DATABASE_DIRECT_URL"), "{malformed}");
            assert!(!malformed.contains("hunter2"), "{malformed}");
        }
    }

    #[test]
    fn an_unknown_scheme_is_named_with_what_is_right() {
        let error = resolved("mysql://user:hunter2@host/db").unwrap_err().to_string();
        assert!(error.contains("`mysql:`") && error.contains("postgres://"), "{error}");
        assert!(!error.contains("hunter2"));
    }

    #[test]
    fn a_text_without_a_scheme_is_not_repeated() {
        let error = resolved("user:hunter2@host/db").unwrap_err().to_string();
        assert!(error.contains("does not begin with a scheme"), "{error}");
        assert!(!error.contains("hunter2") && !error.contains("user:"));
    }

    #[test]
    fn a_parameter_that_the_driver_would_log_is_refused_without_its_value() {
        let error = resolved("postgres://user@host/db?pasword=hunter2").unwrap_err().to_string();
        assert!(error.contains("password"), "{error}");
        assert!(!error.contains("hunter2"));
    }

    proptest! {
        #[test]
        fn an_unescaped_password_is_refused_or_left_in_the_authority(password in "[!-~]{8,24}") {
            let url = format!("postgres://user:{password}@host/name");
            match resolved(&url) {
                Ok(Target::Postgres { url, .. }) => {
                    let rest = url.expose().strip_prefix("postgres://").expect("its scheme");
                    prop_assert_eq!(rest.find('/'), Some(format!("user:{password}@host").len()));
                }
                Ok(target) => prop_assert!(false, "{:?}", target),
                Err(error) => prop_assert!(!error.to_string().contains(&password)),
            }
        }
    }
}
