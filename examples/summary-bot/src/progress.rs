//! A progress bar on standard error, if it is a terminal and reading takes long.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How much is read at once.
const BUFFER: usize = 256 * 1024;

/// Nothing is drawn before this much time has passed.
const PATIENCE: Duration = Duration::from_millis(700);

/// Where a conversation comes from.
pub(crate) struct Source(Box<dyn Read>);

impl Source {
    pub(crate) fn file(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder: expected a file"));
        }
        Ok(Self(Box::new(file)))
    }

    // The same signature as `file`.
    #[allow(clippy::unnecessary_wraps)]
    pub(crate) fn standard_input() -> io::Result<Self> {
        Ok(Self(Box::new(io::stdin().lock())))
    }
}

/// The bar over all sources.
pub(crate) struct Progress {
    bar: ProgressBar,
    begun: std::time::Instant,
}

impl Progress {
    /// A bar over the sizes of the files; without an end if one of them has none.
    pub(crate) fn over(files: &[PathBuf]) -> Self {
        let size = |file: &PathBuf| {
            std::fs::metadata(file).ok().filter(std::fs::Metadata::is_file).map(|data| data.len())
        };
        let total: Option<u64> = files.iter().map(size).sum();
        let bar = match total {
            _ if !io::stderr().is_terminal() => ProgressBar::hidden(),
            Some(total) => ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden()),
            None => ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()),
        };
        let shape = match total {
            Some(_) => "reading {bar:30} {bytes}/{total_bytes} {eta}",
            None => "reading {spinner} {bytes}",
        };
        if let Ok(style) = ProgressStyle::with_template(shape) {
            bar.set_style(style);
        }
        Self { bar, begun: std::time::Instant::now() }
    }

    /// The source, buffered and counted.
    pub(crate) fn watch(&self, source: Source) -> impl BufRead {
        let watched = Watched { source, bar: self.bar.clone(), begun: self.begun, shown: false };
        BufReader::with_capacity(BUFFER, watched)
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

struct Watched {
    source: Source,
    bar: ProgressBar,
    begun: std::time::Instant,
    shown: bool,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.0.read(buffer)?;
        if !self.shown && self.begun.elapsed() > PATIENCE && io::stderr().is_terminal() {
            self.shown = true;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(read as u64);
        Ok(read)
    }
}
