//! The console: bytes out, bytes in or the end of input.
//!
//! The machine buffers output itself ([`Output`]) because compiled code appends to the buffer directly; a [`Console`]
//! sees whole pieces. The machine flushes before every read that may wait, at the end, and whenever it is asked to.

use crate::reserve::{Backing, Reservation};
use std::io::{self, Read, Write};

/// What a machine is connected to.
pub trait Console: Send {
    /// Takes bytes that the program put out, in order, and makes them visible at once.
    ///
    /// # Errors
    /// Whatever prevents it. The machine stops and hands the error to its user.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// The next byte of input, or none at its end.
    ///
    /// # Errors
    /// Whatever prevents it. The machine stops before the input instruction.
    fn read(&mut self) -> io::Result<Option<u8>>;

    /// Whether [`Console::read`] can answer at once. If not, all output is written before it is called.
    fn ready(&self) -> bool {
        false
    }
}

/// The process's standard input and output.
#[derive(Debug, Default)]
pub struct Stdio {
    input: Vec<u8>,
    at: usize,
}

impl Stdio {
    /// A console on standard input and output.
    pub fn new() -> Stdio {
        Stdio::default()
    }
}

impl Console for Stdio {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()
    }

    fn read(&mut self) -> io::Result<Option<u8>> {
        if self.at == self.input.len() {
            self.input.resize(1 << 16, 0);
            self.at = 0;
            // A read that a signal cut short is reported, not repeated: its handler may want the machine to stop.
            let got = io::stdin().lock().read(&mut self.input);
            self.input.truncate(*got.as_ref().unwrap_or(&0));
            got?;
        }
        let byte = self.input.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        Ok(byte)
    }

    fn ready(&self) -> bool {
        self.at < self.input.len()
    }
}

/// A console in memory: input given beforehand, output collected.
#[derive(Debug, Default, Clone)]
pub struct Scripted {
    /// Bytes that the program reads; then its input ends.
    pub input: std::collections::VecDeque<u8>,
    /// What the program has put out.
    pub output: Vec<u8>,
}

impl Scripted {
    /// A console whose input is `input`.
    pub fn new(input: &[u8]) -> Scripted {
        Scripted { input: input.iter().copied().collect(), output: Vec::new() }
    }
}

impl Console for Scripted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    fn read(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.pop_front())
    }

    fn ready(&self) -> bool {
        true
    }
}

/// The machine's output buffer. Compiled code appends at `next` while it is below `end`, hence `repr(C)`.
#[derive(Debug)]
#[repr(C)]
pub struct Output {
    /// Where the next byte goes.
    pub next: *mut u8,
    /// The end of the buffer.
    pub end: *mut u8,
    buffer: Reservation,
    flushed_bytes: u64,
}

// SAFETY: the pointers lead into the buffer that the struct owns.
unsafe impl Send for Output {}

/// Size of the output buffer in bytes.
const OUTPUT_BYTES: usize = 1 << 16;

impl Output {
    /// An empty buffer.
    ///
    /// # Errors
    /// The system has no memory for it.
    pub fn new() -> io::Result<Output> {
        let buffer = Reservation::new(OUTPUT_BYTES, Backing::OnTouch)?;
        let next = buffer.start();
        Ok(Output { next, end: next.wrapping_add(OUTPUT_BYTES), buffer, flushed_bytes: 0 })
    }

    /// Appends a byte; false if the buffer is full.
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

    /// Hands everything to `console`.
    ///
    /// # Errors
    /// The console's. The bytes are dropped then: nobody can take them.
    pub fn flush(&mut self, console: &mut dyn Console) -> io::Result<()> {
        let len = self.len();
        if len == 0 {
            return Ok(());
        }
        self.flushed_bytes += len as u64;
        self.next = self.buffer.start();
        // SAFETY: the first `len` bytes of the buffer are initialised, and nothing appends to it meanwhile.
        console.write(unsafe { std::slice::from_raw_parts(self.buffer.start(), len) })
    }
}
