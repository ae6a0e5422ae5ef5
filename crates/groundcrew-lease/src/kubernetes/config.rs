use std::path::Path;
use std::time::Duration;

use groundcrew_client::{BuildError, Client, ClientConfig};
use groundcrew_config::FromConfig;
use groundcrew_runtime::Crew;

use super::Runner;
use super::api::{Api, Place};
use crate::{Lease, LeaseConfig, LeaseError};

/// A lease that is kept as a Lease of Kubernetes (`coordination.k8s.io/v1`): how quickly it passes on, and where the
/// API server is. In a pod all of it is found.
///
/// After a leader was killed, another leads after at most `duration + retry` and a call to the API server.
///
/// ```
/// use std::time::Duration;
/// use groundcrew_lease::KubernetesLeaseConfig;
///
/// // As client-go has it: half as many requests to the API server, and half as quick.
/// let slower = KubernetesLeaseConfig {
///     duration: Duration::from_secs(15),
///     renew_deadline: Duration::from_secs(10),
///     retry: Duration::from_secs(2),
///     ..KubernetesLeaseConfig::default()
/// };
/// # let _ = slower;
/// ```
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct KubernetesLeaseConfig {
    /// How long the others wait for a leader from which nothing comes; at least a quarter longer than
    /// `renew_deadline`.
    #[config(default = "10s")]
    pub duration: Duration,
    /// How long the leader goes on without having renewed its lease; at least twice `retry`.
    #[config(default = "7s")]
    pub renew_deadline: Duration,
    /// How often the leader renews it, and the others ask whether it is free.
    #[config(default = "1s")]
    pub retry: Duration,
    /// How long the leader's work may go on to its next good end when the service stops.
    #[config(default = "5s")]
    pub handover: Duration,
    /// The namespace of the Lease. Unset: the pod's own.
    pub namespace: Option<String>,
    /// The API server's host. Kubernetes tells each container.
    #[config(alias = "KUBERNETES_SERVICE_HOST")]
    pub service_host: Option<String>,
    /// The API server's port.
    #[config(alias = "KUBERNETES_SERVICE_PORT", default = 443)]
    pub service_port: u16,
    /// Where the API server is instead, for development outside of the cluster: `http://127.0.0.1:8001`, behind
    /// `kubectl proxy`.
    pub api_url: Option<String>,
    /// The folder with the service account's `token`, `ca.crt` and `namespace`.
    #[config(default = "/var/run/secrets/kubernetes.io/serviceaccount")]
    pub service_account: String,
    /// Who the Lease says has it; something unique is added. Unset: the name of the service.
    #[config(alias = "HOSTNAME")]
    pub holder: Option<String>,
}

/// The longest name of an object.
const LONGEST: usize = 253;

// === impl KubernetesLeaseConfig ===

impl KubernetesLeaseConfig {
    /// A lease among all pods of the namespace that run this service: the Lease `<service>-<name>`, made when it is
    /// missing.
    ///
    /// # Errors
    ///
    /// When the configuration cannot work, when this is no pod and nothing says where the API server is, and when this
    /// process has a lease of that name already.
    pub fn lease(&self, name: &str, crew: &Crew) -> Result<Lease, LeaseError> {
        self.validate()?;
        let problem = |problem| LeaseError::Kubernetes { lease: name.to_owned(), problem };
        let url = self.url().map_err(problem)?;
        let namespace = self.namespace().map_err(problem)?;
        let place = Place {
            client: self.client(name, &url, crew)?,
            url,
            namespace,
            object: object_name(crew.service(), name),
            token: Path::new(&self.service_account).join("token"),
            // So that two calls may hang before the leader has to give up.
            patience: self.renew_deadline / 3,
        };
        let holder = self.holder.as_deref().unwrap_or(crew.service());
        let runner = Runner {
            api: Api::new(place),
            holder: format!("{holder}_{}", uuid::Uuid::now_v7()),
            duration: self.duration,
            retry: self.retry,
            seen: None,
        };
        Lease::build(&self.pace(), name, crew, Box::new(runner))
    }

    fn validate(&self) -> Result<(), LeaseError> {
        let (duration, renew_deadline, retry) = (self.duration, self.renew_deadline, self.retry);
        if retry.is_zero() || retry * 2 > renew_deadline || renew_deadline.mul_f64(1.25) > duration {
            return Err(LeaseError::Order { duration, renew_deadline, retry });
        }
        Ok(())
    }

    /// The same in the words of the other leases.
    fn pace(&self) -> LeaseConfig {
        LeaseConfig {
            heartbeat: self.retry,
            deadline: self.renew_deadline,
            session_timeout: self.renew_deadline * 2,
            retry: self.retry,
            handover: self.handover,
        }
    }

    fn url(&self) -> Result<String, String> {
        if let Some(url) = &self.api_url {
            return Ok(url.trim_end_matches('/').to_owned());
        }
        let Some(host) = &self.service_host else {
            return Err(
                "this is no pod, since KUBERNETES_SERVICE_HOST is not set; set `service_host` or `api_url` \
                        beside `duration`, or keep the lease elsewhere"
                    .to_owned(),
            );
        };
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        Ok(format!("https://{host}:{}", self.service_port))
    }

    fn namespace(&self) -> Result<String, String> {
        if let Some(namespace) = &self.namespace {
            return Ok(namespace.clone());
        }
        let file = Path::new(&self.service_account).join("namespace");
        let namespace = std::fs::read_to_string(&file).map_err(|error| {
            format!("{} cannot be read: {error}; is automountServiceAccountToken off?", file.display())
        })?;
        Ok(namespace.trim().to_owned())
    }

    fn client(&self, name: &str, url: &str, crew: &Crew) -> Result<Client, LeaseError> {
        let config = ClientConfig {
            connect_timeout: self.renew_deadline / 3,
            attempt_timeout: self.renew_deadline / 3,
            // Who has to renew in time knows best when to try again.
            max_retries: 0,
            breaker_failures: 0,
            ..ClientConfig::default()
        };
        let mut builder = config.named(format!("lease {name}")).trace(false).http1_only();
        if url.starts_with("https:") {
            let file = Path::new(&self.service_account).join("ca.crt");
            let pem = std::fs::read(&file).map_err(|error| LeaseError::Kubernetes {
                lease: name.to_owned(),
                problem: format!("{} cannot be read: {error}", file.display()),
            })?;
            builder = builder.authorities(pem);
        }
        builder.build(crew).map_err(|error| match error {
            BuildError::Metrics { source, .. } => LeaseError::Metrics { lease: name.to_owned(), source },
            other => LeaseError::Kubernetes { lease: name.to_owned(), problem: other.to_string() },
        })
    }
}

/// Objects may be called so: `[a-z0-9.-]`, with a letter or a digit at either end.
fn object_name(service: &str, lease: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let mut name: String = format!("{service}-{lease}").chars().map(fits).collect();
    name.truncate(LONGEST);
    name.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crew() -> Crew {
        Crew::builder("parcels", "1.0.0").build()
    }

    #[test]
    fn the_defaults_can_work_and_pass_on_within_fifteen_seconds() {
        let config = KubernetesLeaseConfig::default();
        assert!(config.duration + config.retry < Duration::from_secs(15));
        assert!(config.validate().is_ok() && config.pace().validate().is_ok());
    }

    #[test]
    fn times_in_another_order_are_refused() {
        let of = |duration, renew_deadline, retry| KubernetesLeaseConfig {
            duration: Duration::from_secs(duration),
            renew_deadline: Duration::from_secs(renew_deadline),
            retry: Duration::from_secs(retry),
            ..KubernetesLeaseConfig::default()
        };
        for wrong in [of(10, 10, 2), of(15, 10, 6), of(15, 13, 2), of(15, 10, 0)] {
            let error = wrong.validate().expect_err("it cannot work");
            assert!(error.to_string().contains("renew_deadline"), "{error}");
        }
    }

    #[tokio::test]
    async fn outside_of_a_cluster_it_is_said_what_is_missing() {
        let config =
            KubernetesLeaseConfig { namespace: Some("x".into()), ..KubernetesLeaseConfig::default() };
        let error = config.lease("sweep", &crew()).expect_err("no pod");
        assert!(error.to_string().contains("KUBERNETES_SERVICE_HOST"), "{error}");
    }

    #[test]
    fn an_address_of_version_6_stands_in_brackets() {
        let config = KubernetesLeaseConfig {
            service_host: Some("fd00::1".to_owned()),
            service_port: 6443,
            ..KubernetesLeaseConfig::default()
        };
        assert_eq!(config.url().as_deref(), Ok("https://[fd00::1]:6443"));
    }

    #[test]
    fn names_become_names_of_objects() {
        assert_eq!(object_name("summary_bot", "discord gateway"), "summary-bot-discord-gateway");
        assert_eq!(object_name("a", &"ü".repeat(300)), "a");
        assert!(object_name("a", &"b".repeat(300)).len() <= LONGEST);
    }
}
