//! A buffer for readers that ask for one byte at a time, as the JSON parser does.

use std::io::{self, Read};

/// Hands out single bytes without going through the layers below for each.
pub(super) struct Bytewise<R> {
    source: R,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
}

impl<R: Read> Bytewise<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, buffer: vec![0; 64 * 1024], at: 0, end: 0 }
    }

    #[cold]
    fn fill(&mut self) -> io::Result<()> {
        self.at = 0;
        self.end = 0;
        self.end = self.source.read(&mut self.buffer)?;
        Ok(())
    }
}

impl<R: Read> Read for Bytewise<R> {
    #[inline]
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.end {
            self.fill()?;
        }
        let ready = &self.buffer[self.at..self.end];
        if let ([slot], [first, ..]) = (&mut *out, ready) {
            *slot = *first;
            self.at += 1;
            return Ok(1);
        }
        let count = ready.len().min(out.len());
        out[..count].copy_from_slice(&ready[..count]);
        self.at += count;
        Ok(count)
    }
}
