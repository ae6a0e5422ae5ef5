use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use groundcrew_client::{ClientError, Resolve, Resolving};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::support::{bounded, crew, listen, quick_but, read_head, run_apart};

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap()
}

/// A server that this authority calls `shop.example`, and how many it has served.
async fn shop(authority: &CertifiedIssuer<'_, KeyPair>) -> (SocketAddr, Arc<AtomicUsize>, JoinHandle<()>) {
    let key = KeyPair::generate().unwrap();
    let names = vec!["shop.example".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, authority).unwrap();
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let (acceptor, (listener, addr)) = (TlsAcceptor::from(Arc::new(config)), listen().await);
    let served = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&served);
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            read_head(&mut stream).await;
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    });
    (addr, served, accepting)
}

fn here() -> impl Resolve {
    |_| -> Resolving { Box::pin(async { Ok(vec![[127, 0, 0, 1].into()]) }) }
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_by_the_client_that_is_given_it_and_alone() {
    bounded(async {
        let (own, other) = (authority(), authority());
        let (addr, served, accepting) = shop(&own).await;
        let config = quick_but(|config| config.max_retries = 0);
        for (pem, trusted) in [(own.pem(), true), (other.pem(), false)] {
            let client = config.named("https").resolver(here()).authorities(pem).http1_only();
            let client = client.build(&crew()).unwrap();
            let answer = client.get(format!("https://shop.example:{}/", addr.port())).send().await;
            assert_eq!(answer.is_ok(), trusted, "{answer:?}");
        }
        assert_eq!(served.load(Ordering::SeqCst), 1);
        accepting.abort();
    })
    .await;
}

#[tokio::test]
async fn authorities_without_a_certificate_are_refused_in_words() {
    let error = quick_but(|_| ()).named("https").authorities("no certificate").build(&crew()).unwrap_err();
    assert!(error.to_string().contains("`authorities` hold no certificate"), "{error}");
}

/// The environment names the authority, and is read once per process, so this is tried in others.
#[tokio::test]
async fn https_is_spoken_with_who_can_prove_the_name_and_with_nobody_else() {
    bounded(async {
        let authority = authority();
        let (addr, served, accepting) = shop(&authority).await;
        let folder = tempfile::tempdir().unwrap();
        let known = folder.path().join("authority.pem");
        std::fs::write(&known, authority.pem()).unwrap();
        let other = folder.path().join("other.pem");
        let stranger = rcgen::generate_simple_self_signed(vec!["other.example".to_owned()]).unwrap();
        std::fs::write(&other, stranger.cert.pem()).unwrap();
        for (bundle, trusted) in [(known, "yes"), (other, "no")] {
            let variables = vec![
                ("SSL_CERT_FILE", bundle.display().to_string()),
                ("TEST_PORT", addr.port().to_string()),
                ("TEST_TRUSTED", trusted.to_owned()),
            ];
            run_apart("tls::in_a_process_with_other_authorities", variables).await;
        }
        assert_eq!(served.load(Ordering::SeqCst), 1, "only to the name, and only by who trusts it");
        accepting.abort();
    })
    .await;
}

#[tokio::test]
#[ignore = "run by the test above, in a process of its own"]
async fn in_a_process_with_other_authorities() {
    let (port, trusted) = (std::env::var("TEST_PORT").unwrap(), std::env::var("TEST_TRUSTED").unwrap());
    let config = quick_but(|config| config.max_retries = 0);
    let client = config.named("https").resolver(here()).build(&crew()).unwrap();
    let call = async |name: &str| client.get(format!("https://{name}:{port}/")).send().await;
    if trusted == "yes" {
        assert_eq!(call("shop.example").await.unwrap().status(), 200);
    } else {
        assert!(matches!(call("shop.example").await, Err(ClientError::Connect { .. })));
    }
    let error = call("bank.example").await.unwrap_err();
    assert!(error.never_sent() && error.to_string().contains("certificate"), "{error}");
}
