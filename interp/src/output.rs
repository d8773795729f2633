//! The machine's output buffer, and the limit on output.
//!
//! Compiled code appends at `next` while it is below `end`, hence `repr(C)`. The end is where the buffer ends or the limit is
//! reached, whatever comes first; so every engine keeps the limit exactly, by the test that it makes anyway.

use crate::console::Console;
use crate::reserve::{Backing, Reservation};
use std::io;

/// Bytes put out and not yet handed to the console.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Output {
    /// Where the next byte goes.
    pub next: *mut u8,
    /// Where no byte goes any more.
    pub end: *mut u8,
    buffer: Reservation,
    flushed_bytes: u64,
    bytes_max: u64,
}

// SAFETY: the pointers lead into the buffer that the struct owns.
unsafe impl Send for Output {}

/// Size of the output buffer in bytes.
const OUTPUT_BYTES: usize = 1 << 16;

impl Output {
    /// An empty buffer for at most `bytes_max` bytes in all.
    ///
    /// # Errors
    /// The system has no memory for it.
    pub fn new(bytes_max: Option<u64>) -> io::Result<Output> {
        let buffer = Reservation::new(OUTPUT_BYTES, Backing::OnTouch)?;
        let next = buffer.start();
        let mut output = Output { next, end: next, buffer, flushed_bytes: 0, bytes_max: bytes_max.unwrap_or(u64::MAX) };
        output.start_anew();
        Ok(output)
    }

    fn start_anew(&mut self) {
        let left = usize::try_from(self.bytes_max.saturating_sub(self.flushed_bytes)).unwrap_or(usize::MAX);
        self.next = self.buffer.start();
        self.end = self.next.wrapping_add(left.min(OUTPUT_BYTES));
    }

    /// Appends a byte; false if there is no room for it.
    #[inline(always)]
    pub fn push(&mut self, byte: u8) -> bool {
        if self.next == self.end {
            return false;
        }
        // SAFETY: `next` lies in the buffer, below its end.
        unsafe {
            *self.next = byte;
            self.next = self.next.add(1);
        }
        true
    }

    fn len(&self) -> usize {
        self.next as usize - self.buffer.start() as usize
    }

    /// Bytes put out since the start, written or not.
    pub fn total_bytes(&self) -> u64 {
        self.flushed_bytes + self.len() as u64
    }

    /// Has so many bytes put out before, all of them written.
    pub fn set_total(&mut self, bytes: u64) {
        self.flushed_bytes = bytes;
        self.start_anew();
    }

    /// Sets another limit. The buffer is empty.
    pub fn set_limit(&mut self, bytes_max: Option<u64>) {
        self.bytes_max = bytes_max.unwrap_or(u64::MAX);
        self.start_anew();
    }

    /// The limit in bytes.
    pub fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Hands everything to `console`.
    ///
    /// # Errors
    /// The console's. The bytes are dropped then: nothing else can take them.
    pub fn flush(&mut self, console: &mut dyn Console) -> io::Result<()> {
        let len = self.len();
        if len == 0 {
            return Ok(());
        }
        self.flushed_bytes += len as u64;
        self.start_anew();
        // SAFETY: the first `len` bytes of the buffer are initialised, and nothing appends to it meanwhile.
        console.write(unsafe { std::slice::from_raw_parts(self.buffer.start(), len) })
    }
}
