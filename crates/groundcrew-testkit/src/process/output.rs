use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A line of output, without its end. Bytes that are not UTF-8 become U+FFFD.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// Where it came from.
    pub stream: Stream,
    /// What it says.
    pub text: String,
}

/// Both outputs of a process, read by a thread each, so that it never blocks on a full pipe.
#[derive(Debug)]
pub(super) struct Output {
    lines: Arc<Mutex<Vec<Line>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Output {
    pub(super) fn read(
        out: Option<impl Read + Send + 'static>,
        err: Option<impl Read + Send + 'static>,
    ) -> Self {
        let mut output = Self { lines: Arc::default(), readers: Vec::new() };
        if let Some(out) = out {
            output.reader(Stream::Out, out);
        }
        if let Some(err) = err {
            output.reader(Stream::Err, err);
        }
        output
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        lock(&self.lines).clone()
    }

    pub(super) fn find(&self, text: &str) -> Option<String> {
        lock(&self.lines).iter().find(|line| line.text.contains(text)).map(|line| line.text.clone())
    }

    /// Whether both outputs have come to their end.
    pub(super) fn is_complete(&self) -> bool {
        self.readers.iter().all(JoinHandle::is_finished)
    }

    fn reader(&mut self, stream: Stream, from: impl Read + Send + 'static) {
        let lines = Arc::clone(&self.lines);
        self.readers.push(std::thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut bytes = Vec::new();
            while from.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
                lock(&lines).push(Line { stream, text });
                bytes.clear();
            }
        }));
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = lock(&self.lines);
        lines.iter().try_for_each(|line| match line.stream {
            Stream::Out => writeln!(f, "  out: {}", line.text),
            Stream::Err => writeln!(f, "  err: {}", line.text),
        })
    }
}

fn lock(lines: &Mutex<Vec<Line>>) -> MutexGuard<'_, Vec<Line>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}
