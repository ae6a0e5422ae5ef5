//! `summary-bot summarize`: conversations in, a summary out.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::progress::{Progress, Source};
use crate::read::{Moment, ReadError, parse_moment};
use crate::render::{self, Rendering};
use crate::{Collector, Filter, Length, Options, Perspective, Summary};

/// Summarises conversations: exports of `DiscordChatExporter`, JSON arrays of messages, text logs.
///
/// Exit codes: 0 a summary was written; 1 an input could not be read, or the output not be written;
/// 2 the command line was wrong.
#[derive(Debug, Parser)]
#[command(name = "summary-bot summarize", disable_version_flag = true)]
struct Arguments {
    /// Conversations, in order; `-` or none is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How long the summary may be: 80, 180 or 400 words
    #[arg(long, value_enum, default_value_t = Size::Detailed, conflicts_with = "words")]
    length: Size,
    /// At most N words in the summary's text
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    words: Option<u32>,
    /// Leave out what was written before: 2026-03-01, 2026-03-01T14:03Z, or 14:03
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    since: Option<Moment>,
    /// Leave out what was written after
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    until: Option<Moment>,
    /// Whose interests weigh more
    #[arg(long, value_enum, default_value_t = View::General)]
    perspective: View,
    /// Leave out this person, by name or account id; may be repeated
    #[arg(long = "exclude-user", value_name = "NAME")]
    exclude: Vec<String>,
    /// Count what programs wrote, too
    #[arg(long)]
    bots: bool,
    /// Warn (`INSUFFICIENT_CONTENT`) where there are fewer messages
    #[arg(long, value_name = "N", default_value_t = 5)]
    min_messages: u64,
    /// What to write
    #[arg(long, value_enum, default_value_t = Shape::Text)]
    format: Shape,
    /// Write the summary's text alone
    #[arg(long, conflicts_with = "format")]
    only_summary: bool,
    /// Write to this file (whole or not at all) instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Size {
    Brief,
    Detailed,
    Comprehensive,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum View {
    General,
    Developer,
    Marketing,
    Product,
    Finance,
    Executive,
    Support,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shape {
    Text,
    Markdown,
    Json,
    Html,
}

/// Why there is no summary.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{name}: {source}")]
    Input { name: String, source: ReadError },
    #[error("cannot write {name}: {source}")]
    Output { name: String, source: std::io::Error },
}

/// Runs `summarize` with what follows it on the command line, and says how it ended.
///
/// 0: a summary was written. 1: an input could not be read, or the output not be written. 2: wrong arguments.
pub fn summarize(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = std::iter::once(OsString::from("summarize")).chain(arguments);
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // `--help` is an "error" to clap, with its own exit code.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let text: String = failure
                .to_string()
                .chars()
                .map(|letter| if letter.is_control() { ' ' } else { letter })
                .collect();
            let _ = writeln!(std::io::stderr(), "summary-bot: {text}");
            ExitCode::from(1)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let filter = Filter {
        since: arguments.since,
        until: arguments.until,
        exclude: arguments.exclude.clone(),
        bots: arguments.bots,
    };
    let conversation = collect(&arguments.files, filter)?;
    let summary = crate::summarize(&conversation, &arguments.options());
    for warning in &summary.metadata.warnings {
        let _ = writeln!(std::io::stderr(), "summary-bot: {}: {}", warning.code, warning.message);
    }
    let text = arguments.written(&summary);
    match &arguments.output {
        Some(path) => write_file(path, &text)
            .map_err(|source| Failure::Output { name: path.display().to_string(), source }),
        None => {
            write_out(&text).map_err(|source| Failure::Output { name: "standard output".to_owned(), source })
        }
    }
}

impl Arguments {
    fn options(&self) -> Options {
        let length = match (self.words, self.length) {
            (Some(words), _) => Length::Words(words as usize),
            (None, Size::Brief) => Length::Brief,
            (None, Size::Detailed) => Length::Detailed,
            (None, Size::Comprehensive) => Length::Comprehensive,
        };
        let perspective = match self.perspective {
            View::General => Perspective::General,
            View::Developer => Perspective::Developer,
            View::Marketing => Perspective::Marketing,
            View::Product => Perspective::Product,
            View::Finance => Perspective::Finance,
            View::Executive => Perspective::Executive,
            View::Support => Perspective::Support,
        };
        Options { length, perspective, min_messages: self.min_messages }
    }

    fn written(&self, summary: &Summary) -> String {
        let rendering = match self.format {
            _ if self.only_summary => Rendering::SummaryText,
            Shape::Text => Rendering::Text,
            Shape::Markdown => Rendering::Markdown,
            Shape::Json => Rendering::Json,
            Shape::Html => Rendering::Html,
        };
        render::render(summary, rendering)
    }
}

fn collect(files: &[PathBuf], filter: Filter) -> Result<crate::Conversation, Failure> {
    let standard_input = [PathBuf::from("-")];
    let files = if files.is_empty() { &standard_input } else { files };
    let mut collector = Collector::new(filter);
    let progress = Progress::over(files);
    for (at, file) in files.iter().enumerate() {
        let is_input = file == Path::new("-");
        let name = if is_input { "standard input".to_owned() } else { file.display().to_string() };
        // Made-up ids of later files carry the file's number, or citations would be ambiguous.
        let prefix = if at == 0 { String::new() } else { format!("{}:", at + 1) };
        let fail = |source| Failure::Input { name: name.clone(), source };
        let source = if is_input { Source::standard_input() } else { Source::file(file) };
        let source = source.map_err(|error| fail(ReadError::Io(error)))?;
        let read = crate::read::read(progress.watch(source), &prefix, &mut |message| collector.push(message));
        read.map_err(fail)?;
    }
    progress.finish();
    Ok(collector.finish())
}

fn write_out(text: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    match written {
        // Whoever closed the pipe has read what they wanted.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe && !std::io::stdout().is_terminal() => {
            Ok(())
        }
        other => other,
    }
}

/// Writes beside the target and renames, so that the target is whole or untouched.
fn write_file(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A temporary file is private; a new output is not, and one that exists keeps its mode.
        let mode = std::fs::metadata(path).map_or(0o644, |known| known.permissions().mode());
        file.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
