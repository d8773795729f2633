//! The console on standard input and output, whose waits end when the run is to end.
//!
//! Before a read, or a write to something that may block, it waits with `poll` for the file and for the control's pipe
//! together. What was put out is still written after the run was ended, as long as a reader takes it: one that takes
//! nothing for [`PATIENCE`] is given up.

use crate::failure::reason;
use crate::signals::Control;
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

/// How long a reader may take nothing once the run is over.
#[cfg(unix)]
const PATIENCE: Duration = Duration::from_secs(1);

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
    sink: os::Sink,
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
            sink: os::Sink::new(control),
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
    use super::{Control, PATIENCE};
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::fs::{FileType, fstat};
    use rustix::io::Errno;
    use std::io;
    use std::os::fd::BorrowedFd;
    use std::sync::Arc;
    use std::time::Duration;

    /// What a pipe that is ready takes for certain: more might block.
    const PIECE_BYTES: usize = 4096;

    /// Reads from `file` unless the run is to end before anything comes.
    ///
    /// # Errors
    /// The system's; `ErrorKind::Interrupted` if the run is to end.
    pub fn read(control: &Control, file: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            if control.cause().is_some() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if wait(control, file, PollFlags::IN, None)? == Waited::Ready {
                match rustix::io::read(file, &mut *bytes) {
                    Err(Errno::INTR | Errno::AGAIN) => {}
                    other => return Ok(other?),
                }
            }
        }
    }

    /// How a wait ended.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Waited {
        /// The file is ready, or something is wrong with it that the next call will tell.
        Ready,
        /// There is something new about the control, or a signal came.
        Disturbed,
        /// The time is up.
        InVain,
    }

    /// Waits for `file`, and without a time limit also for the control.
    fn wait(control: &Control, file: BorrowedFd<'_>, what: PollFlags, time: Option<Duration>) -> io::Result<Waited> {
        let mut files = [PollFd::from_borrowed_fd(file, what), PollFd::new(&control.wake, PollFlags::IN)];
        let watched = if time.is_some() { 1 } else { 2 };
        let time = time.map(|time| time.try_into().expect("a second"));
        match poll(&mut files[..watched], time.as_ref()) {
            Ok(0) => Ok(Waited::InVain),
            Ok(_) if !files[0].revents().is_empty() => Ok(Waited::Ready),
            Ok(_) | Err(Errno::INTR) => Ok(Waited::Disturbed),
            Err(error) => Err(error.into()),
        }
    }

    /// Standard output.
    #[derive(Debug)]
    pub struct Sink {
        control: Arc<Control>,
        may_block: bool,
    }

    impl Sink {
        /// Standard output of a run that `control` can end.
        pub fn new(control: &Arc<Control>) -> Sink {
            let regular = fstat(rustix::stdio::stdout())
                .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile);
            Sink { control: Arc::clone(control), may_block: !regular }
        }

        /// Writes all bytes.
        ///
        /// # Errors
        /// The system's; `ErrorKind::TimedOut` if the run is over and nobody takes them.
        pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
            let stdout = rustix::stdio::stdout();
            while !bytes.is_empty() {
                let piece = if self.may_block { &bytes[..bytes.len().min(PIECE_BYTES)] } else { bytes };
                if self.may_block {
                    let patience = self.control.cause().map(|_| PATIENCE);
                    match wait(&self.control, stdout, PollFlags::OUT, patience)? {
                        Waited::Ready => {}
                        Waited::Disturbed => continue,
                        Waited::InVain => return Err(io::ErrorKind::TimedOut.into()),
                    }
                }
                match rustix::io::write(stdout, piece) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(written) => bytes = &bytes[written..],
                    Err(Errno::INTR | Errno::AGAIN) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        }
    }
}
