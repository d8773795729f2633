//! Standard output, whose waits end when the run is to end.
//!
//! A write to a pipe whose reader is slow, or to a terminal that somebody has stopped, may block for ever, and `poll` does not promise
//! otherwise. So such a file is opened once more, where the system allows that, so that no write to it blocks; whoever shares the first one
//! notices nothing. What was put out is still written after the run was ended, as long as a reader takes it; one that takes nothing for
//! as long as the control's patience lasts is given up, and what it did not take is told.

use crate::signals::Control;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a pipe that is ready takes for certain, mostly: more might block.
const PIECE_BYTES: usize = 4096;
/// How long to wait for a file that says it is ready, and takes nothing: a terminal that is stopped does.
const PAUSE: Duration = Duration::from_millis(10);

/// How bytes get out.
#[derive(Debug)]
enum Way {
    /// A file, which takes what it is given.
    Regular,
    /// Something that was opened once more: nothing blocks.
    Apart(OwnedFd),
    /// A socket, which can be told not to block.
    Socket,
    /// Something else: small pieces, when it says that it is ready.
    Shared,
}

impl Way {
    fn of_stdout() -> Way {
        let stdout = rustix::stdio::stdout();
        let kind = fstat(stdout).map(|stat| FileType::from_raw_mode(stat.st_mode));
        match kind {
            Ok(FileType::RegularFile) => Way::Regular,
            Ok(FileType::Socket) => Way::Socket,
            _ => open_apart().map_or(Way::Shared, Way::Apart),
        }
    }

    fn file(&self) -> BorrowedFd<'_> {
        match self {
            Way::Apart(file) => file.as_fd(),
            _ => rustix::stdio::stdout(),
        }
    }

    /// Writes some of the bytes; `Errno::AGAIN` if it would block.
    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        match self {
            Way::Regular | Way::Apart(_) => rustix::io::write(self.file(), bytes),
            Way::Socket => {
                use rustix::net::{SendFlags, send};
                send(self.file(), bytes, SendFlags::DONTWAIT)
            }
            Way::Shared => {
                let mut files = [PollFd::from_borrowed_fd(self.file(), PollFlags::OUT)];
                match poll(&mut files, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? {
                    0 => Err(Errno::AGAIN),
                    _ => rustix::io::write(self.file(), &bytes[..bytes.len().min(PIECE_BYTES)]),
                }
            }
        }
    }
}

/// Opens standard output once more, so that writing to it never blocks.
#[cfg(target_os = "linux")]
fn open_apart() -> Option<OwnedFd> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let how = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat(CWD, "/proc/self/fd/1", how, Mode::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn open_apart() -> Option<OwnedFd> {
    None
}

/// Standard output.
#[derive(Debug)]
pub struct Sink {
    control: Arc<Control>,
    way: Way,
}

impl Sink {
    /// Standard output of a run that `control` can end.
    pub fn new(control: &Arc<Control>) -> Sink {
        Sink { control: Arc::clone(control), way: Way::of_stdout() }
    }

    /// Writes all bytes.
    ///
    /// # Errors
    /// The system's; `ErrorKind::TimedOut` if the run is over and nobody takes them: the control knows how many.
    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let (mut was_ready, mut idle_since) = (false, None);
        while !bytes.is_empty() {
            match self.way.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    bytes = &bytes[written..];
                    (was_ready, idle_since) = (false, None);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let left = match self.control.cause() {
                        None => None,
                        Some(_) => {
                            let idle = idle_since.get_or_insert_with(Instant::now).elapsed();
                            Some(self.control.patience().saturating_sub(idle))
                        }
                    };
                    if left == Some(Duration::ZERO) {
                        self.control.lose(bytes.len());
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    was_ready = self.wait(was_ready, left)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits until the file is ready, or pauses if it said so before and took nothing; without a limit on time also for the control.
    /// Whether the file says that it is ready.
    fn wait(&self, was_ready: bool, left: Option<Duration>) -> io::Result<bool> {
        let mut files = Vec::with_capacity(2);
        if left.is_none() {
            files.push(PollFd::new(&self.control.wake, PollFlags::IN));
        }
        if !was_ready {
            files.push(PollFd::from_borrowed_fd(self.way.file(), PollFlags::OUT));
        }
        let time = if was_ready { Some(left.map_or(PAUSE, |left| left.min(PAUSE))) } else { left };
        let time = time.map(|time| Timespec::try_from(time).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 }));
        match poll(&mut files, time.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(!was_ready && files.last().is_some_and(|file| !file.revents().is_empty()))
    }
}
