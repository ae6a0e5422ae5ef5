//! An API server whose certificate is a private authority's.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

/// As it is found in a pod: by the variables and the folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_the_authority_of_the_pods_account_is_trusted_and_no_other() {
    bounded(async {
        let (cluster, ledger) = (Cluster::start().await, Ledger::default());
        let (authority, stranger) = (authority(), authority());
        let port = with_tls(&authority, &cluster).await;
        let account = cluster.account.path();
        let of = |pem: &str| {
            std::fs::write(account.join("ca.crt"), pem).expect("it is written");
            let of_a_pod = (Some("127.0.0.1".to_owned()), port);
            let (service_host, service_port) = of_a_pod;
            let crew = crew();
            let config =
                KubernetesLeaseConfig { api_url: None, service_host, service_port, ..config("", account) };
            (run(&config, &crew, &ledger), crew)
        };
        let (wrong, crew) = of(&stranger.pem());
        let said = || {
            let checks = crew.readiness().checks;
            checks.iter().any(|check| check.last_error.as_ref().is_some_and(|it| it.contains("certificate")))
        };
        until("the check says why", said).await;
        assert!(!wrong.is_leader());
        let (right, _crew) = of(&authority.pem());
        until("it leads", || right.is_leader()).await;
    })
    .await;
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("an authority")
}

/// The cluster by TLS: the port of a tunnel to it.
async fn with_tls(authority: &CertifiedIssuer<'_, KeyPair>, cluster: &Cluster) -> u16 {
    let key = KeyPair::generate().expect("a key");
    let names = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("names");
    let certificate = names.signed_by(&key, authority).expect("a certificate");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], key).expect("they fit");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let (port, target) = (listener.local_addr().expect("it is bound").port(), cluster.addr);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut from) = acceptor.accept(stream).await else { return };
                let mut to = TcpStream::connect(target).await.expect("it listens");
                let _ends_somehow = tokio::io::copy_bidirectional(&mut from, &mut to).await;
            });
        }
    });
    port
}
