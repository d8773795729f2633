//! The console of a program that is debugged: what it reads is kept, so that it is there again when time goes back; what it puts out is
//! shown once.

use rum::Console;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the program has read and put out, the future included that was seen already.
#[derive(Debug, Default)]
pub struct Tape {
    /// Bytes read, and ends of input.
    pub input: Vec<Option<u8>>,
    /// How many of them the program has read now.
    pub at: usize,
    /// What there is for the program to read next.
    pub waiting: VecDeque<u8>,
    /// Whether input ends behind that.
    pub ends: bool,
    /// Whether a read is to stop the program, whatever there is; and whether one has.
    pub stops: bool,
    pub stopped: bool,
    /// Bytes that were put out before the first that is kept.
    pub before: u64,
    /// Bytes put out.
    pub output: Vec<u8>,
    /// How many bytes the program has put out now.
    pub put: u64,
    /// How much of the output was shown.
    pub shown: u64,
}

impl Tape {
    /// What was put out now and not yet shown.
    pub fn take_fresh(&mut self) -> Vec<u8> {
        let (from, to) = (self.shown.max(self.before) - self.before, self.put.max(self.before) - self.before);
        if from >= to {
            return Vec::new();
        }
        self.shown = self.put;
        self.output[from as usize..to as usize].to_vec()
    }

    /// A byte of the output.
    pub fn byte(&self, number: u64) -> Option<u8> {
        let at = usize::try_from(number.checked_sub(self.before)?).ok()?;
        self.output.get(at).copied()
    }
}

/// A tape, shared between a console and whoever debugs.
#[derive(Clone, Debug, Default)]
pub struct Stage(Arc<Mutex<Tape>>);

impl Stage {
    /// The tape.
    pub fn tape(&self) -> MutexGuard<'_, Tape> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Console for Stage {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut tape = self.tape();
        let tape = &mut *tape;
        let known = (tape.before + tape.output.len() as u64).saturating_sub(tape.put).min(bytes.len() as u64);
        tape.output.extend_from_slice(&bytes[known as usize..]);
        tape.put += bytes.len() as u64;
        Ok(())
    }

    fn read(&mut self) -> io::Result<Option<u8>> {
        let mut tape = self.tape();
        let tape = &mut *tape;
        let known = tape.input.get(tape.at).copied();
        if tape.stops || (known.is_none() && tape.waiting.is_empty() && !tape.ends) {
            tape.stopped = true;
            return Err(io::ErrorKind::Interrupted.into());
        }
        let next = known.unwrap_or_else(|| {
            let next = tape.waiting.pop_front();
            tape.input.push(next);
            next
        });
        tape.at += 1;
        Ok(next)
    }
}
