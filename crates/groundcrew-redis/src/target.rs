//! Which server the configuration names, before anything is tried.

use std::fmt;

use deadpool_redis::redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use deadpool_redis::redis::{Client, ConnectionInfo, IntoConnectionInfo};

use groundcrew_config::Environment;

use crate::{RedisConfig, UrlError};

/// A server that was chosen; its URL has passed every check.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) client: Client,
    /// What may be shown: host, port and database.
    pub(crate) shown: String,
}

const RIGHT: &str = "write redis://host:6379/0, rediss:// for an encrypted connection or unix:///path";
const ONE_SERVER: &str = "this crate talks to one server; give the address of the primary, or of what stands \
                          before it, as redis://host:6379/0";

impl fmt::Debug for Target {
    /// Without the client, which holds the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Decides which server is meant; `None` when nothing is configured.
pub(crate) fn resolve(config: &RedisConfig) -> Result<Option<Target>, UrlError> {
    let Some(url) = &config.url else { return Ok(None) };
    let (text, origin) = (url.expose().as_str(), url.origin().to_string());
    let malformed = |problem: String| UrlError::Malformed { origin: origin.clone(), problem };
    if text.trim() != text || text.chars().any(char::is_control) {
        return Err(malformed("it contains white space or a control character".into()));
    }
    let kind = Kind::of(text, &origin)?;
    if let Some(problem) = kind.problem(text) {
        return Err(malformed(problem));
    }
    // The driver's words name what is wrong, and nothing of the URL but a number or a protocol's name.
    let info = text.into_connection_info().map_err(|error| malformed(error.to_string()))?;
    let info = with_settings(info, config);
    let shown = match info.redis_settings().db() {
        0 => info.addr().to_string(),
        db => format!("{}/{db}", info.addr()),
    };
    let client = Client::open(info).map_err(|error| malformed(error.to_string()))?;
    Ok(Some(Target { client, shown }))
}

/// As [`resolve`]; also refuses what nobody chose in production.
pub(crate) fn chosen(config: &RedisConfig, environment: Environment) -> Result<Option<Target>, UrlError> {
    match resolve(config)? {
        None if environment.is_production() && !config.in_process => Err(UrlError::NotChosen),
        target => Ok(target),
    }
}

/// What of the configuration is wrong before anything is tried, for those who only read it.
pub(crate) fn check(config: &RedisConfig, environment: Environment) -> Result<(), UrlError> {
    chosen(config, environment).map(drop)
}

fn with_settings(info: ConnectionInfo, config: &RedisConfig) -> ConnectionInfo {
    let keepalive = TcpKeepalive::new().with_time(config.tcp_keepalive);
    #[cfg(not(target_os = "openbsd"))]
    let keepalive = keepalive.with_interval(config.tcp_keepalive / 3);
    let tcp = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(config.tcp_user_timeout);
    let mut redis = info.redis_settings().clone().set_lib_name("groundcrew-redis", env!("CARGO_PKG_VERSION"));
    if let Some(password) = &config.password {
        redis = redis.set_password(password.expose());
    }
    info.set_tcp_settings(tcp).set_redis_settings(redis)
}

/// What the scheme says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tcp,
    Unix,
}

impl Kind {
    fn of(text: &str, origin: &str) -> Result<Self, UrlError> {
        let Some(scheme) = scheme(text) else {
            let problem = "it does not begin with a scheme".to_owned();
            return Err(UrlError::Malformed { origin: origin.to_owned(), problem });
        };
        let unknown =
            |hint| UrlError::UnknownScheme { origin: origin.to_owned(), scheme: scheme.to_owned(), hint };
        match scheme.to_ascii_lowercase().as_str() {
            "redis" | "valkey" => Ok(Self::Tcp),
            "rediss" | "valkeys" if cfg!(feature = "tls") => Ok(Self::Tcp),
            "rediss" | "valkeys" => Err(unknown("turn on the feature `tls` of groundcrew-redis")),
            "unix" | "redis+unix" | "valkey+unix" => Ok(Self::Unix),
            other if other.contains("sentinel") || other.contains("cluster") => Err(unknown(ONE_SERVER)),
            _ => Err(unknown(RIGHT)),
        }
    }

    /// The driver would take a part of an unescaped password for the host, the database or a parameter, and
    /// ignores parameters that it does not know: such a URL is not parsed at all.
    fn problem(self, url: &str) -> Option<String> {
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        let authority = &rest[..rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len())];
        let behind = &rest[authority.len()..];
        let (path, query) = behind.split_once('?').unwrap_or((behind, ""));
        if path.contains(['#', '\\']) || query.contains('#') || behind.contains('@') {
            let words = "a `/`, `?`, `#`, `\\` or `@` in the password must be percent-encoded, or better";
            return Some(format!("{words}, set the password apart; what begins with `#` is not supported"));
        }
        if self == Self::Tcp {
            let database = path.trim_matches('/');
            if !database.bytes().all(|byte| byte.is_ascii_digit()) {
                return Some("the path is not the number of a database".to_owned());
            }
        }
        let known: &[&str] =
            if self == Self::Tcp { &["protocol"] } else { &["db", "user", "pass", "protocol"] };
        let unknown = query
            .split('&')
            .filter_map(|pair| pair.split('=').next())
            .any(|key| !key.is_empty() && !known.contains(&key));
        unknown.then(|| format!("it has a parameter that is not one of {}", known.join(", ")))
    }
}

/// The scheme, if what stands before `://` looks like one. Anything else may be a secret in the wrong place.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    let plain = scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c));
    (plain && !scheme.is_empty() && scheme.len() <= 20).then_some(scheme)
}

#[cfg(test)]
mod tests {
    use groundcrew_config::Secret;
    use proptest::prelude::*;

    use super::*;

    fn resolved(url: &str) -> Result<Target, UrlError> {
        resolve(&RedisConfig::of(url)).map(|target| target.expect("a URL is set"))
    }

    #[test]
    fn the_target_shows_host_port_and_database_and_no_password() {
        let target = resolved("redis://user:hunter2@host:1234/3").expect("a right URL");
        assert_eq!(format!("{target:?}"), "host:1234/3");
        assert_eq!(resolved("redis://host").expect("a right URL").shown, "host:6379");
    }

    #[test]
    fn a_configuration_that_would_be_refused_at_the_start_does_not_load() {
        use groundcrew_config::{FromConfig, Loader};

        let problems = |variables: &[(&str, &str)]| {
            let mut loader = Loader::new("parcels").container(false).root("/nonexistent");
            loader = loader.mount("/nonexistent").variables(variables.iter().copied());
            loader.load(&RedisConfig::shape()).err().map(|problems| problems.to_string())
        };
        assert_eq!(problems(&[]), None);
        assert_eq!(problems(&[("ENVIRONMENT", "production"), ("PARCELS__IN_PROCESS", "true")]), None);
        assert!(problems(&[("ENVIRONMENT", "production")]).unwrap().contains("redis.in_process"));
        let malformed = problems(&[("REDIS_URL", "user:hunter2@host")]).unwrap();
        assert!(malformed.contains("env REDIS_URL") && !malformed.contains("hunter2"), "{malformed}");
    }

    #[test]
    fn a_password_of_its_own_wins_over_the_one_in_the_url() {
        let password = Some(Secret::new("own".to_owned()));
        let config = RedisConfig { password, ..RedisConfig::of("redis://:other@host") };
        let target = resolve(&config).expect("a right URL").expect("set");
        assert_eq!(target.client.get_connection_info().redis_settings().password(), Some("own"));
    }

    // Field note: half-open sockets need keepalive and user_timeout.
    #[test]
    fn every_connection_has_keepalive_and_a_user_timeout() {
        let target = resolved("redis://host").expect("a right URL");
        let tcp = target.client.get_connection_info().tcp_settings();
        assert!(tcp.nodelay() && tcp.keepalive().is_some());
        #[cfg(target_os = "linux")]
        assert_eq!(tcp.user_timeout(), Some(std::time::Duration::from_secs(5)));
        let naive = "redis://host".into_connection_info().expect("a right URL");
        assert!(naive.tcp_settings().keepalive().is_none(), "the library sets none by itself");
    }

    #[test]
    fn sentinel_and_cluster_are_named_as_out_of_scope() {
        for url in ["redis-sentinel://:hunter2@host/0", "redis+cluster://host"] {
            let error = resolved(url).unwrap_err().to_string();
            assert!(error.contains("one server") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_text_without_a_scheme_is_not_repeated() {
        let error = resolved("user:hunter2@host").unwrap_err().to_string();
        assert!(error.contains("does not begin with a scheme") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_parameter_that_the_driver_would_ignore_is_refused() {
        let error = resolved("redis://host?db=2").unwrap_err().to_string();
        assert!(error.contains("not one of protocol"), "{error}");
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn an_encrypted_connection_names_the_feature_that_is_missing() {
        let error = resolved("rediss://host").unwrap_err().to_string();
        assert!(error.contains("feature `tls`"), "{error}");
    }

    proptest! {
        #[test]
        fn an_unescaped_password_is_refused_or_left_in_the_authority(password in "[!-~]{8,24}") {
            match resolved(&format!("redis://user:{password}@host/0")) {
                Ok(target) => prop_assert_eq!(&*target.shown, "host:6379"),
                Err(error) => prop_assert!(!error.to_string().contains(&password)),
            }
        }
    }
}
