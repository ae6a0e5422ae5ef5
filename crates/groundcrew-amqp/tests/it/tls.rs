use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use groundcrew_amqp::{AmqpConfig, Message, Queue, Topology};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::support::{Bench, bounded};

/// Takes encrypted connections for `localhost` and hands them on to the broker in the clear. Returns its address, and
/// the certificate of the private CA.
async fn encrypted(target: SocketAddr) -> (SocketAddr, String) {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a CA");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let certificate = params.signed_by(&key, &ca).expect("a certificate");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a configuration");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let mut server = TcpStream::connect(target).await.expect("the broker");
                let _ended = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, ca.pem())
}

/// The test, and its control: without the CA the certificate is not believed.
#[test]
fn an_encrypted_connection_trusts_a_private_ca_only_where_it_is_named() {
    bounded(async {
        let bench = Bench::new().await;
        let (user, place) = bench.vhost.url().trim_start_matches("amqp://").split_once('@').expect("a user");
        let (target, vhost) = place.split_once('/').expect("a virtual host");
        let (address, ca) = encrypted(target.parse().expect("an address")).await;
        let url = format!("amqps://{user}@localhost:{}/{vhost}", address.port());

        let connect_retry = Duration::from_secs(1);
        let distrustful = AmqpConfig { connect_retry, ..AmqpConfig::of(&url) };
        let amqp = distrustful.connect_as("distrustful", &bench.crew).await.expect("a handle all the same");
        let problem = amqp.problem().expect("no connection");
        assert!(problem.contains("certificate"), "{problem}");

        let folder = tempfile::tempdir().expect("a folder");
        let ca_file = folder.path().join("ca.pem");
        std::fs::write(&ca_file, ca).expect("written");
        let config = AmqpConfig { ca_file: Some(ca_file), ..AmqpConfig::of(url) };
        let amqp = config.connect(&bench.crew).await.expect("a connection");
        let queue = Queue::quorum("secret");
        amqp.declare(Topology::new().queue(queue.clone())).await.expect("declared");
        amqp.publisher().publish(Message::to_queue(queue.name(), "x")).await.expect("confirmed");
    });
}
