//! The console: bytes out, bytes in or the end of input.
//!
//! The machine buffers output itself (`output.rs`) because compiled code appends to the buffer directly; a [`Console`]
//! sees whole pieces. The machine flushes before every read that may wait, at the end, and whenever it is asked to.

use std::any::Any;
use std::io::{self, Read, Write};

/// What a machine is connected to. Being [`Any`], it can be had back as what it is ([`crate::Machine::console`]).
pub trait Console: Any + Send {
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

    /// Gives bytes that follow those read so far, as far as they are there without waiting, at most as many as the buffer
    /// takes: how many. They count as read, and the machine keeps them until its program asks for them. A console that
    /// wants to know when each byte is read gives none.
    fn read_ahead(&mut self, _buffer: &mut [u8]) -> usize {
        0
    }

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

    fn read_ahead(&mut self, buffer: &mut [u8]) -> usize {
        let mut rest = &self.input[self.at..];
        let count = rest.read(buffer).unwrap_or(0);
        self.at += count;
        count
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
