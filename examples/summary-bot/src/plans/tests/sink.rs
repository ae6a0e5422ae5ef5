//! A mail server that keeps what it gets.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

/// It answers what comes after DATA with these, one for each mail, and then takes all.
pub(super) struct Sink {
    port: u16,
    mails: Arc<Mutex<Vec<String>>>,
}

// === impl Sink ===

impl Sink {
    pub(super) fn start(answers: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mails: Arc<Mutex<Vec<String>>> = Arc::default();
        let answers: Arc<Mutex<VecDeque<&'static str>>> =
            Arc::new(Mutex::new(answers.iter().copied().collect()));
        let kept = mails.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, answers) = (kept.clone(), answers.clone());
                // A client that goes in the middle of a word is its own affair.
                std::thread::spawn(move || drop(serve(&stream, &kept, &answers)));
            }
        });
        Self { port, mails }
    }

    pub(super) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// What has come, refused or not, once it is so much.
    pub(super) async fn received(&self, count: usize) -> Vec<String> {
        let waited = tokio::time::timeout(Duration::from_secs(30), async {
            while self.mails.lock().len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("waited 30 s for {count} mails"));
        self.mails.lock().clone()
    }
}

fn serve(
    stream: &TcpStream,
    kept: &Mutex<Vec<String>>,
    answers: &Mutex<VecDeque<&'static str>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut out = stream;
    out.write_all(b"220 sink\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let verb = line.split(' ').next().unwrap_or_default().to_uppercase();
        match verb.as_str() {
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                let mut mail = String::new();
                while let Some(line) = lines.next().transpose()?.filter(|line| line != ".") {
                    mail.push_str(&line);
                    mail.push('\n');
                }
                let answer = answers.lock().pop_front().unwrap_or("250 taken");
                kept.lock().push(mail);
                out.write_all(format!("{answer}\r\n").as_bytes())?;
            }
            "QUIT" => return out.write_all(b"221 bye\r\n"),
            _ => out.write_all(b"250 yes\r\n")?,
        }
    }
    Ok(())
}
