use super::{Duties, Writer};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_mins(1);

/// No timer; a report is `dropped N`.
struct Plain;

impl Duties for Plain {
    fn tick(&mut self, _: Instant) -> Option<Duration> {
        None
    }

    fn report(&mut self, line: &mut Vec<u8>, dropped: u64) {
        writeln!(line, "dropped {dropped}").expect("a vector takes everything");
    }
}

fn start(capacity: usize, sink: impl Write + Send + 'static) -> Writer {
    Writer::start(capacity, Box::new(sink), Plain).expect("a thread")
}

/// Counts the bytes that it takes, and is as quick as an output can be.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicU64>);

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(bytes.len() as u64, SeqCst);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Fails as often as told, then takes everything and sends it on.
struct Failing {
    left: u32,
    taken: mpsc::Sender<Vec<u8>>,
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left > 0 {
            self.left -= 1;
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.taken.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn nothing_is_lost_while_the_output_keeps_up_with_producers_that_never_pause() {
    let sink = Counting::default();
    let writer = start(1 << 20, sink.clone());
    let line = [&[b'x'; 299][..], b"\n"].concat();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50_000).for_each(|_| writer.put(&line)));
        }
    });
    assert!(writer.flush(LONG));
    assert_eq!((writer.written(), writer.dropped()), (200_000, 0));
    assert_eq!(sink.0.load(SeqCst), 200_000 * line.len() as u64);
}

#[test]
fn producers_finish_though_nobody_reads_the_pipe() {
    let (reader, pipe) = io::pipe().expect("a pipe");
    let writer = start(256 * 1024, pipe);
    (0..100_000).for_each(|n| writer.put(format!("line {n}\n").as_bytes()));
    assert!(writer.dropped() > 0);
    assert!(!writer.flush(Duration::ZERO));
    drop(reader);
}

#[test]
fn a_slow_reader_gets_whole_lines_and_is_told_how_many_are_missing() {
    let (reader, pipe) = io::pipe().expect("a pipe");
    let writer = start(64 * 1024, pipe);
    let total: u64 = 50_000;
    // Only now does anybody read: most lines found no room.
    (0..total).for_each(|n| writer.put(format!("line {n:06} {}\n", "x".repeat(60)).as_bytes()));
    let dropped = writer.dropped();
    assert!(dropped > 0);
    drop(writer);
    let (mut lines, mut reported) = (0, 0);
    for line in BufReader::new(reader).lines() {
        let line = line.expect("text");
        if let Some(count) = line.strip_prefix("dropped ") {
            reported += count.parse::<u64>().expect("a number");
        } else {
            assert!(line.starts_with("line ") && line.len() == 72, "{line}");
            lines += 1;
        }
    }
    assert_eq!((lines, reported), (total - dropped, dropped));
}

#[test]
fn a_line_larger_than_the_buffer_is_dropped_and_the_next_one_is_not() {
    let sink = Counting::default();
    let writer = start(1000, sink.clone());
    writer.put(&[b'x'; 2000]);
    writer.put(b"small\n");
    assert!(writer.flush(LONG));
    assert_eq!((writer.written(), writer.dropped()), (1, 1));
}

#[test]
fn a_broken_pipe_is_survived_and_its_lines_count_as_dropped() {
    let (reader, pipe) = io::pipe().expect("a pipe");
    drop(reader);
    let writer = start(64 * 1024, pipe);
    for _ in 0..10 {
        writer.put(b"nobody hears this\n");
    }
    assert!(writer.flush(LONG));
    assert_eq!((writer.written(), writer.dropped()), (0, 10));
}

#[test]
fn an_output_that_works_again_is_told_what_it_missed() {
    let (taken, received) = mpsc::channel();
    let writer = start(64 * 1024, Failing { left: 1, taken });
    writer.put(b"lost\n");
    assert!(writer.flush(LONG));
    writer.put(b"kept\n");
    assert!(writer.flush(LONG));
    assert_eq!((writer.written(), writer.dropped()), (1, 1));
    assert_eq!(received.recv().expect("a batch"), b"kept\ndropped 1\n");
}

#[test]
fn what_is_left_is_written_when_the_last_producer_goes() {
    let (mut reader, pipe) = io::pipe().expect("a pipe");
    let writer = start(64 * 1024, pipe);
    writer.put(b"last words\n");
    drop(writer);
    let mut text = String::new();
    // It ends because the thread ends and closes its pipe.
    reader.read_to_string(&mut text).expect("text");
    assert_eq!(text, "last words\n");
}

#[test]
fn an_idle_writer_does_not_stir_until_there_is_a_line() {
    struct Counted(Arc<AtomicU64>);
    impl Duties for Counted {
        fn tick(&mut self, _: Instant) -> Option<Duration> {
            self.0.fetch_add(1, SeqCst);
            None
        }
        fn report(&mut self, _: &mut Vec<u8>, _: u64) {}
    }
    let ticks = Arc::new(AtomicU64::new(0));
    let writer = Writer::start(1000, Box::new(io::sink()), Counted(Arc::clone(&ticks))).expect("a thread");
    for _ in 0..10 {
        writer.put(b"line\n");
        assert!(writer.flush(LONG));
    }
    // Each line takes it round at most a few times: woken, gathered, written.
    assert!(ticks.load(SeqCst) <= 41, "{}", ticks.load(SeqCst));
}
