//! Which broker the configuration names, before anything is tried.

use std::fmt;

use groundcrew_config::{Secret, Sourced};
use lapin::tcp::OwnedTLSConfig;
use lapin::uri::{AMQPScheme, AMQPUri};

use crate::{AmqpConfig, UrlError};

/// A broker that was chosen: everything it takes to connect.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) uri: AMQPUri,
    pub(crate) tls: OwnedTLSConfig,
    /// What may be shown of it: never the password.
    pub(crate) shown: String,
}

impl fmt::Debug for Target {
    /// Without the URI, which holds the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.shown).finish()
    }
}

/// Decides which broker is meant; certificates are read.
pub(crate) fn resolve(config: &AmqpConfig) -> Result<Target, UrlError> {
    let uri = uri(config, config.url.as_ref().ok_or(UrlError::NotConfigured)?)?;
    let shown = format!(
        "{}@{}:{}/{}",
        uri.authority.userinfo.username,
        uri.authority.host,
        uri.authority.port,
        uri.vhost.trim_start_matches('/')
    );
    let tls = OwnedTLSConfig { identity: None, cert_chain: certificates(config)? };
    Ok(Target { uri, tls, shown })
}

/// What of the configuration is wrong before anything is tried, for those who only read it. That no broker is
/// configured is right for a service that works without.
pub(crate) fn check(config: &AmqpConfig) -> Result<(), UrlError> {
    config.url.as_ref().map_or(Ok(()), |url| uri(config, url).map(drop))
}

/// Takes the URL apart; refuses what could put a password where it would be shown.
fn uri(config: &AmqpConfig, url: &Sourced<Secret<String>>) -> Result<AMQPUri, UrlError> {
    let (text, origin) = (url.expose(), url.origin().to_string());
    let malformed =
        |problem: &str| UrlError::Malformed { origin: origin.clone(), problem: problem.to_owned() };
    if let Some(problem) = problem(text) {
        return Err(malformed(problem));
    }
    // The library's words may repeat a part of the URL.
    let mut uri: AMQPUri = text.parse().map_err(|_| malformed("it is no valid URL"))?;
    if let Some(password) = &config.password {
        password.expose().clone_into(&mut uri.authority.userinfo.password);
    }
    if let Some(address) = ipv6(text) {
        // The library would take `localhost` instead.
        address.clone_into(&mut uri.authority.host);
    }
    if uri.vhost.is_empty() {
        "/".clone_into(&mut uri.vhost);
    }
    if uri.vhost.len() > 255 {
        return Err(malformed("its virtual host is longer than 255 bytes"));
    }
    let seconds = config.heartbeat.as_secs().max(1);
    uri.query.heartbeat.get_or_insert(u16::try_from(seconds).unwrap_or(u16::MAX));
    if uri.scheme == AMQPScheme::AMQPS && !cfg!(feature = "tls") {
        // The library would connect all the same, without encryption.
        return Err(UrlError::WithoutTls { origin });
    }
    Ok(uri)
}

/// The address between brackets, if the host is one.
fn ipv6(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.strip_prefix('[')?.split_once(']').map(|(address, _)| address)
}

fn certificates(config: &AmqpConfig) -> Result<Option<String>, UrlError> {
    let Some(path) = &config.ca_file else { return Ok(None) };
    let wrong = |problem: String| UrlError::CaFile { path: path.clone(), problem };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    if !text.contains("-----BEGIN CERTIFICATE-----") {
        return Err(wrong("it holds no certificate in PEM format".to_owned()));
    }
    Ok(Some(text))
}

/// A password with a character that ends the authority would turn up in the host or the virtual host.
fn problem(url: &str) -> Option<&'static str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Some("it does not begin with amqp:// or amqps://");
    };
    if !matches!(scheme, "amqp" | "amqps") {
        return Some("it does not begin with amqp:// or amqps://");
    }
    if rest.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Some("it contains white space or a control character");
    }
    let authority = &rest[..rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len())];
    if rest[authority.len()..].contains(['@', '#', '\\']) || authority.matches('@').count() > 1 {
        return Some(
            "a `/`, `?`, `#`, `\\` or `@` in the password must be percent-encoded, or better, set apart",
        );
    }
    // The library would take another host than the one that is meant.
    authority.ends_with('@').then_some("it names no host")
}

#[cfg(test)]
mod tests {
    use groundcrew_config::{FromConfig, Loader, Secret};
    use proptest::prelude::*;

    use super::*;

    fn resolved(url: &str) -> Result<Target, UrlError> {
        resolve(&AmqpConfig::of(url))
    }

    /// What keeps a service with these variables from being started.
    fn problems(variables: &[(&str, &str)]) -> Option<String> {
        Loader::new("parcels")
            .container(false)
            .root("/nonexistent")
            .mount("/nonexistent")
            .variables(variables.iter().copied())
            .load(&AmqpConfig::shape())
            .err()
            .map(|problems| problems.to_string())
    }

    #[test]
    fn nothing_configured_is_told_with_the_variable() {
        let error = resolve(&AmqpConfig::default()).unwrap_err();
        assert!(error.to_string().contains("RABBITMQ_URL"), "{error}");
    }

    #[test]
    fn an_address_that_would_be_refused_at_the_start_does_not_load() {
        assert_eq!(problems(&[]), None);
        assert_eq!(problems(&[("RABBITMQ_URL", "amqp://user:hunter2@host")]), None);
        let malformed = problems(&[("RABBITMQ_URL", "user:hunter2@host")]).unwrap();
        assert!(malformed.contains("env RABBITMQ_URL") && !malformed.contains("hunter2"), "{malformed}");
    }

    #[test]
    fn an_address_is_judged_without_a_look_at_the_certificates() {
        let ca_file = ("PARCELS__CA_FILE", "/nonexistent/ca.pem");
        assert_eq!(problems(&[("RABBITMQ_URL", "amqp://host"), ca_file]), None);
        let malformed = problems(&[("RABBITMQ_URL", "host"), ca_file]).unwrap();
        assert!(malformed.contains("env RABBITMQ_URL") && !malformed.contains("ca.pem"), "{malformed}");
    }

    #[test]
    fn the_target_shows_no_password() {
        let target = resolved("amqp://user:hunter2@host:1234/orders").expect("a right URL");
        assert_eq!(target.shown, "user@host:1234/orders");
        assert!(!format!("{target:?}").contains("hunter2"));
    }

    #[test]
    fn the_password_of_its_own_wins_over_that_in_the_url() {
        let password = Some(Secret::new("right".to_owned()));
        let config = AmqpConfig { password, ..AmqpConfig::of("amqp://user:wrong@host/%2f") };
        let target = resolve(&config).expect("a right URL");
        assert_eq!(target.uri.authority.userinfo.password, "right");
        assert_eq!(target.uri.vhost, "/");
    }

    #[test]
    fn the_heartbeat_of_the_section_is_sent_unless_the_url_names_one() {
        assert_eq!(resolved("amqp://host").map(|target| target.uri.query.heartbeat), Ok(Some(10)));
        let own = resolved("amqp://host/%2f?heartbeat=3").map(|target| target.uri.query.heartbeat);
        assert_eq!(own, Ok(Some(3)));
    }

    #[test]
    fn an_address_of_version_6_is_that_host() {
        let host = |url| resolved(url).map(|target| target.uri.authority.host);
        assert_eq!(host("amqp://user:secret@[::1]:5672/%2f"), Ok("::1".to_owned()));
        assert_eq!(host("amqp://user@127.0.0.1/%2f"), Ok("127.0.0.1".to_owned()));
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn an_encrypted_url_is_refused_by_a_program_that_cannot_encrypt() {
        assert!(matches!(resolved("amqps://user@host"), Err(UrlError::WithoutTls { .. })));
    }

    proptest! {
        #[test]
        fn an_unescaped_password_is_refused_or_read_as_a_password(password in "[!-~]{8,24}") {
            match resolved(&format!("amqp://user:{password}@host/name")) {
                Ok(target) => {
                    prop_assert_eq!(target.uri.authority.host, "host");
                    prop_assert_eq!(target.shown, "user@host:5672/name");
                }
                Err(error) => prop_assert!(!error.to_string().contains(&password)),
            }
        }
    }
}
