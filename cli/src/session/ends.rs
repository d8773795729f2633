//! The console of a run, whether anybody plays or not.

use super::console::SessionConsole;
use crate::stdio::StdConsole;
use rum::Console;
use std::io;

/// The console of a run.
pub enum Ends {
    /// Standard input and output.
    Plain(StdConsole),
    /// More than that.
    Session(Box<SessionConsole>),
}

impl Ends {
    /// Whether a text is among the first bytes that were shown.
    pub fn has_begun_with(&self, text: &[u8]) -> bool {
        match self {
            Ends::Plain(console) => console.has_begun_with(text),
            Ends::Session(console) => console.inner.has_begun_with(text),
        }
    }
}

impl Console for Ends {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Ends::Plain(console) => console.write(bytes),
            Ends::Session(console) => console.write(bytes),
        }
    }

    fn read(&mut self) -> io::Result<Option<u8>> {
        match self {
            Ends::Plain(console) => console.read(),
            Ends::Session(console) => console.read(),
        }
    }

    fn read_ahead(&mut self, buffer: &mut [u8]) -> usize {
        match self {
            Ends::Plain(console) => console.read_ahead(buffer),
            Ends::Session(console) => console.read_ahead(buffer),
        }
    }

    fn ready(&self) -> bool {
        match self {
            Ends::Plain(console) => console.ready(),
            Ends::Session(console) => console.ready(),
        }
    }
}
