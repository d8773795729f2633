//! Why a machine does not go on by itself.

use crate::fault::Fault;
use crate::memory::OutOfMemory;
use std::{fmt, io};

/// Why the machine does not go on by itself.
#[derive(Debug)]
pub enum Stop {
    /// A halt instruction was executed (and counted).
    Halt,
    /// The program broke the specification; the pc names the instruction, which has had no effect.
    Fault(Fault),
    /// An allocation or load-program does not fit into the memory limit; the instruction has had no effect.
    OutOfMemory(OutOfMemory),
    /// The number of instructions that was asked for has been executed.
    Budget,
    /// The time that was asked for has passed. The machine can go on.
    TimeUp,
    /// The program has put out as many bytes as it may; the instruction has had no effect.
    OutputLimit {
        /// The limit in bytes.
        bytes_max: u64,
    },
    /// A [`crate::PollHandle`] asked for control. The machine can go on.
    Interrupted,
    /// There is a breakpoint at the pc; the instruction has had no effect.
    Breakpoint,
    /// The instruction executed last has changed a word that is watched.
    Watchpoint,
    /// The console failed.
    Console(io::Error),
}

impl Stop {
    /// What a stop comes to when the rest of the output was written, or could not be. That a reader has gone says nothing about why a
    /// program stopped, unless it was done.
    #[must_use]
    pub fn once_written(self, written: io::Result<()>) -> Stop {
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe || matches!(self, Stop::Halt) => {
                Stop::Console(error)
            }
            _ => self,
        }
    }
}

impl fmt::Display for Stop {
    /// One line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Halt => write!(f, "the program halted"),
            Stop::Fault(fault) => write!(f, "{fault}"),
            Stop::OutOfMemory(failure) => write!(f, "{failure}"),
            Stop::Budget => write!(f, "the number of instructions that was asked for has been executed"),
            Stop::TimeUp => write!(f, "the time that was asked for has passed"),
            Stop::OutputLimit { bytes_max: 1 } => write!(f, "output limit of 1 byte reached"),
            Stop::OutputLimit { bytes_max } => write!(f, "output limit of {bytes_max} bytes reached"),
            Stop::Interrupted => write!(f, "interrupted"),
            Stop::Breakpoint => write!(f, "a breakpoint"),
            Stop::Watchpoint => write!(f, "a word that is watched has changed"),
            Stop::Console(error) => write!(f, "the console failed: {error}"),
        }
    }
}
