//! The console on standard input and output, whose waits end when the run is to end.
//!
//! Before a read it waits with `poll` for the file and for the control's pipe together. Output is `sink.rs`'s business.

use crate::failure::reason;
use crate::signals::Control;
#[cfg(unix)]
use crate::sink::Sink;
use rum::Console;
#[cfg(unix)]
use std::fs::File;
use std::io::{self, Read};
#[cfg(unix)]
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

/// Input is read in pieces of this size.
const INPUT_BYTES: usize = 1 << 16;

/// The first bytes of output that are kept, for hints.
const HEAD_BYTES: usize = 512;

/// How often output is shown to a person who watches; 50 ms are promised.
pub const SHOW_OUTPUT_EVERY: Duration = Duration::from_millis(20);

/// A console on standard input and output.
#[derive(Debug)]
pub struct StdConsole {
    source: Source,
    piece: Vec<u8>,
    at: usize,
    /// The image came from standard input: there is nothing behind it.
    ended: bool,
    /// The first bytes that were put out.
    head: Vec<u8>,
    #[cfg(unix)]
    sink: Sink,
}

impl StdConsole {
    /// The console of a run that `control` can end; without input if the image itself came from standard input.
    pub fn new(control: &Arc<Control>, with_input: bool) -> StdConsole {
        StdConsole {
            source: Source::new(control),
            piece: Vec::new(),
            at: 0,
            ended: !with_input,
            head: Vec::new(),
            #[cfg(unix)]
            sink: Sink::new(control),
        }
    }
}

impl StdConsole {
    /// Input that is there and was not read.
    pub fn unread(&self) -> &[u8] {
        &self.piece[self.at..]
    }

    /// Whether a text is among the first bytes that were put out, and there were many.
    pub fn has_begun_with(&self, text: &[u8]) -> bool {
        self.head.len() == HEAD_BYTES && self.head.windows(text.len()).any(|window| window == text)
    }

    fn keep_head(&mut self, bytes: &[u8]) {
        let room = HEAD_BYTES - self.head.len();
        if room > 0 {
            self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// Has this input there, and reads on behind it.
    pub fn feed(&mut self, bytes: Vec<u8>) {
        (self.piece, self.at) = (bytes, 0);
    }
}

impl Console for StdConsole {
    #[cfg(unix)]
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.keep_head(bytes);
        self.sink.write(bytes).map_err(|error| explain("cannot write to standard output", &error))
    }

    #[cfg(not(unix))]
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        use io::Write;
        self.keep_head(bytes);
        let mut stdout = io::stdout().lock();
        let result = stdout.write_all(bytes).and_then(|()| stdout.flush());
        result.map_err(|error| explain("cannot write to standard output", &error))
    }

    fn read(&mut self) -> io::Result<Option<u8>> {
        if self.at == self.piece.len() && !self.ended {
            self.piece.resize(INPUT_BYTES, 0);
            self.at = 0;
            let got = self.source.read(&mut self.piece);
            self.piece.truncate(*got.as_ref().unwrap_or(&0));
            got.map_err(|error| explain("cannot read standard input", &error))?;
        }
        let byte = self.piece.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        Ok(byte)
    }

    fn read_ahead(&mut self, buffer: &mut [u8]) -> usize {
        let mut rest = &self.piece[self.at..];
        let count = rest.read(buffer).unwrap_or(0);
        self.at += count;
        count
    }

    fn ready(&self) -> bool {
        self.ended || self.at < self.piece.len()
    }
}

/// The same kind of error, with words for people.
fn explain(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {}", reason(error)))
}

/// Standard input or a file that may keep one waiting; a read that the control ends fails with `ErrorKind::Interrupted`.
#[derive(Debug)]
pub struct Source {
    #[cfg(unix)]
    control: Arc<Control>,
    #[cfg(unix)]
    file: Option<File>,
}

#[cfg(unix)]
impl Source {
    /// Standard input of a run that `control` can end.
    pub fn new(control: &Arc<Control>) -> Source {
        Source { control: Arc::clone(control), file: None }
    }

    /// A file, perhaps a pipe or a device, read on behalf of a run that `control` can end.
    pub fn of_file(control: &Arc<Control>, file: File) -> Source {
        Source { control: Arc::clone(control), file: Some(file) }
    }
}

#[cfg(unix)]
impl Read for Source {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let file = self.file.as_ref().map_or(rustix::stdio::stdin(), AsFd::as_fd);
        os::read(&self.control, file, bytes)
    }
}

#[cfg(not(unix))]
impl Source {
    /// Standard input.
    pub fn new(_: &Arc<Control>) -> Source {
        Source {}
    }
}

#[cfg(not(unix))]
impl Read for Source {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        io::stdin().lock().read(bytes)
    }
}

/// Waiting for two things at once.
#[cfg(unix)]
pub mod os {
    use super::Control;
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;
    use std::io;
    use std::os::fd::BorrowedFd;

    /// Reads from `file` unless the run is to end before anything comes.
    ///
    /// # Errors
    /// The system's; `ErrorKind::Interrupted` if the run is to end.
    pub fn read(control: &Control, file: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            if control.cause().is_some() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let mut files = [PollFd::from_borrowed_fd(file, PollFlags::IN), PollFd::new(&control.wake, PollFlags::IN)];
            match poll(&mut files, None) {
                // It is ready, or something is wrong with it that the next call will tell.
                Ok(_) if !files[0].revents().is_empty() => match rustix::io::read(file, &mut *bytes) {
                    Err(Errno::INTR | Errno::AGAIN) => {}
                    other => return Ok(other?),
                },
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
