//! Encrypted connections, to a server whose certificate a process trusts or does not.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use groundcrew_redis::RedisConfig;
use groundcrew_redis::deadpool_redis::redis::{AsyncCommands, RedisResult};

use crate::support::{connect, until};

const URL: &str = "GROUNDCREW_TEST_REDISS_URL";

/// A Redis that speaks nothing but TLS; it ends with this value.
struct Encrypted {
    running: Child,
    url: String,
}

impl Encrypted {
    async fn start(folder: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        std::fs::write(folder.join("tls.crt"), made.cert.pem()).expect("written");
        std::fs::write(folder.join("tls.key"), made.signing_key.serialize_pem()).expect("written");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = listener.local_addr().expect("its address");
        drop(listener);
        let running = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", "0", "--save", "", "--tls-auth-clients", "no"])
            .args(["--tls-cert-file", "tls.crt", "--tls-key-file", "tls.key"])
            .args(["--tls-port", &addr.port().to_string()])
            .current_dir(folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("these tests need Redis: apt-get install redis-server");
        until("Redis listens", || std::net::TcpStream::connect(addr).is_ok()).await;
        Self { running, url: format!("rediss://localhost:{}", addr.port()) }
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        let _gone = self.running.kill();
        let _exit = self.running.wait();
    }
}

/// Loading the system's roots takes its time in a debug build.
fn patient(url: &str) -> RedisConfig {
    let long = Duration::from_secs(10);
    RedisConfig { connect_timeout: long, response_timeout: long, ..crate::support::config(url) }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_refused_and_one_that_is_trusted_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Encrypted::start(folder.path()).await;

    let redis = patient(&server.url).connect(&crate::support::crew()).await.expect("a handle");
    let refused: RedisResult<()> = redis.shared("parcels").set("a", 1).await;
    let words = refused.unwrap_err().to_string();
    assert!(words.contains("certificate"), "{words}");
    let plain = connect(server.url.replace("rediss:", "redis:")).await;
    let refused: RedisResult<()> = plain.shared("parcels").set("a", 1).await;
    assert!(refused.is_err(), "control: it speaks nothing but TLS");

    // The roots are read from the environment, which is that of a process.
    let output = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "tls::in_a_process_that_trusts_the_certificate", "--ignored"])
        .env("SSL_CERT_FILE", folder.path().join("tls.crt"))
        .env(URL, &server.url)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "run by the test above"]
async fn in_a_process_that_trusts_the_certificate() {
    // Run by itself, as `--ignored` does it, there is no server.
    let Ok(url) = std::env::var(URL) else { return };
    let redis = patient(&url).connect(&crate::support::crew()).await.expect("a handle");
    let () = redis.shared("parcels").set("a", 1).await.expect("set");
    let mut own = redis.get().await.expect("a connection");
    assert_eq!(own.get("a").await, Ok(1));
}
