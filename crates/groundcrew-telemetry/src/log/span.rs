//! The fields of a span, spelt once when they are recorded and copied into every line within it.

use super::shape::{Fields, Mark, Shape};
use std::cell::RefCell;
use tracing_core::field::Visit;

/// How many spare buffers a thread keeps, and how large one may be, in bytes.
const SPARE: usize = 32;
const LARGEST: usize = 1024;

thread_local! {
    static POOL: RefCell<Vec<(Vec<u8>, Vec<Mark>)>> = const { RefCell::new(Vec::new()) };
}

/// The fields of one span, as its lines have them. Its buffers come from a pool and go back to it.
#[derive(Debug)]
pub(crate) struct SpanFields {
    text: Vec<u8>,
    marks: Vec<Mark>,
}

// === impl SpanFields ===

impl SpanFields {
    pub(crate) fn new() -> Self {
        let spare = POOL.try_with(|pool| pool.try_borrow_mut().ok()?.pop()).ok().flatten();
        let (text, marks) = spare.unwrap_or_default();
        Self { text, marks }
    }

    /// Spells what `record` has to tell; a field that is recorded again takes the place of the earlier one.
    pub(crate) fn add<S: Shape>(&mut self, shape: &S, record: impl FnOnce(&mut dyn Visit)) {
        let before = self.marks.len();
        let mut fields = Fields {
            shape,
            line: &mut self.text,
            ids: None::<fn(&mut Vec<u8>)>,
            marks: Some(&mut self.marks),
        };
        record(&mut fields);
        if before > 0 {
            self.drop_outdated(before);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// Appends every field whose name `is_wanted`.
    pub(crate) fn put(&self, line: &mut Vec<u8>, mut is_wanted: impl FnMut(&'static str) -> bool) {
        for (at, (name, start)) in self.marks.iter().enumerate() {
            if is_wanted(name) {
                line.extend_from_slice(&self.text[*start..self.end(at)]);
            }
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.marks.iter().any(|(known, _)| *known == name)
    }

    fn end(&self, at: usize) -> usize {
        self.marks.get(at + 1).map_or(self.text.len(), |(_, start)| *start)
    }

    fn drop_outdated(&mut self, mut before: usize) {
        let mut at = 0;
        while at < before {
            if self.marks[before..].iter().any(|(name, _)| *name == self.marks[at].0) {
                let (start, end) = (self.marks[at].1, self.end(at));
                self.text.drain(start..end);
                self.marks.remove(at);
                self.marks[at..].iter_mut().for_each(|(_, later)| *later -= end - start);
                before -= 1;
            } else {
                at += 1;
            }
        }
    }
}

impl Drop for SpanFields {
    fn drop(&mut self) {
        let (mut text, mut marks) = (std::mem::take(&mut self.text), std::mem::take(&mut self.marks));
        if text.capacity() > LARGEST {
            return;
        }
        text.clear();
        marks.clear();
        // A thread that is being torn down keeps nothing.
        let _ = POOL.try_with(|pool| {
            if let Ok(mut pool) = pool.try_borrow_mut()
                && pool.len() < SPARE
            {
                pool.push((text, marks));
            }
        });
    }
}
