//! Somebody else's machine: a command that runs an image, watched so that it can neither run for ever nor use up everything.

use crate::failure::{Failure, reason};
use crate::measure::child::{Running, input_file, kill};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How often a process that runs is looked at, at first and at the least.
const LOOK_EVERY: (Duration, Duration) = (Duration::from_micros(200), Duration::from_millis(5));

/// A command that runs images.
#[derive(Clone, Debug)]
pub struct Foreign {
    words: Vec<String>,
    /// How long a run may take.
    pub limit: Duration,
    /// Memory that a run may have resident, in bytes.
    pub memory_bytes_max: u64,
    /// Bytes that a run may put out.
    pub output_bytes_max: u64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with a status.
    Status(i32),
    /// By a signal: it crashed, most likely.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there are none"))]
    Signal(i32),
    /// It took longer than it may.
    Hang,
    /// It used more memory than it may.
    Memory,
    /// It put out more than it may.
    Flood,
}

impl Ended {
    /// For people.
    pub fn text(&self, foreign: &Foreign) -> String {
        match self {
            Ended::Status(status) => format!("it ended with status {status}"),
            Ended::Signal(signal) => {
                let name = match signal {
                    4 => "illegal instruction, SIGILL",
                    6 => "aborted, SIGABRT",
                    7 => "bus error, SIGBUS",
                    8 => "arithmetic error, SIGFPE",
                    9 => "killed, SIGKILL",
                    11 => "segmentation fault, SIGSEGV",
                    _ => return format!("it crashed (signal {signal})"),
                };
                format!("it crashed ({name})")
            }
            Ended::Hang => format!("it did not end within {}", humantime::format_duration(foreign.limit)),
            Ended::Memory => {
                format!("it used more than {} of memory", crate::human::bytes(foreign.memory_bytes_max))
            }
            Ended::Flood => format!("it put out more than {}", crate::human::bytes(foreign.output_bytes_max)),
        }
    }
}

/// A run.
#[derive(Clone, Debug)]
pub struct Ran {
    /// How it ended.
    pub ended: Ended,
    /// What it put out.
    pub output: Vec<u8>,
    /// What it said on standard error.
    pub messages: Vec<u8>,
    /// How long it took.
    pub time: Duration,
}

impl Foreign {
    /// A command as it is written for a shell, in which `{}` stands for the image; without that the image stands behind it.
    ///
    /// # Errors
    /// It is no command.
    pub fn parse(text: &str) -> Result<Foreign, Failure> {
        let words = shlex::split(text).filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| {
            Failure::host(format!("{text:?} is no command: write it as for a shell, {{}} standing for the image"))
        })?;
        let (limit, memory_bytes_max, output_bytes_max) = (Duration::from_secs(10), 2 << 30, 64 << 20);
        Ok(Foreign { words, limit, memory_bytes_max, output_bytes_max })
    }

    /// The words of the command for an image, its program first.
    pub fn words(&self, image: &Path) -> Vec<String> {
        let image = image.display().to_string();
        if self.words.iter().any(|word| word.contains("{}")) {
            return self.words.iter().map(|word| word.replace("{}", &image)).collect();
        }
        self.words.iter().cloned().chain([image]).collect()
    }

    /// Runs an image with some input.
    ///
    /// # Errors
    /// The command cannot be started, or the system has no files.
    pub fn run(&self, image: &Path, input: &[u8]) -> Result<Ran, Failure> {
        let words = self.words(image);
        let broken = |error: io::Error| Failure::host(format!("a temporary file fails: {}", reason(&error)));
        let (mut output, mut messages) = (tempfile::tempfile().map_err(broken)?, tempfile::tempfile().map_err(broken)?);
        let mut command = Command::new(&words[0]);
        let mut given = input_file(input)?;
        given.rewind().map_err(broken)?;
        command.args(&words[1..]).stdin(given);
        command.stdout(Stdio::from(output.try_clone().map_err(broken)?));
        command.stderr(Stdio::from(messages.try_clone().map_err(broken)?));
        let start = Instant::now();
        let (mut child, running) = Running::start(&mut command)
            .map_err(|error| Failure::host(format!("cannot run {}: {}", words[0], reason(&error))))?;
        let ended = self.wait(&mut child, &output, start).map_err(broken)?;
        drop(running);
        let time = start.elapsed();
        let written = |file: &mut File| -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(0))?;
            file.take(self.output_bytes_max).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let (output, messages) = (written(&mut output).map_err(broken)?, written(&mut messages).map_err(broken)?);
        Ok(Ran { ended, output, messages, time })
    }

    fn wait(&self, child: &mut Child, output: &File, start: Instant) -> io::Result<Ended> {
        let mut pause = LOOK_EVERY.0;
        loop {
            if let Some(status) = child.try_wait()? {
                #[cfg(unix)]
                if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
                    return Ok(Ended::Signal(signal));
                }
                return Ok(Ended::Status(status.code().unwrap_or(-1)));
            }
            let why = if start.elapsed() > self.limit {
                Some(Ended::Hang)
            } else if resident_bytes(child.id()) > self.memory_bytes_max {
                Some(Ended::Memory)
            } else if output.metadata()?.len() > self.output_bytes_max {
                Some(Ended::Flood)
            } else {
                None
            };
            if let Some(why) = why {
                kill(child)?;
                child.wait()?;
                return Ok(why);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LOOK_EVERY.1);
        }
    }
}

/// Memory that a process has resident; 0 where the system does not tell.
fn resident_bytes(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    let pages: u64 = text.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or_default();
    #[cfg(unix)]
    return pages * rustix::param::page_size() as u64;
    #[cfg(not(unix))]
    return pages * 4096;
}

/// Runs so many jobs on all processors; gives their results in order. Stops early if one fails.
///
/// # Errors
/// That of the first job that fails.
pub fn on_all<T: Send, F: Sync + Fn(usize) -> Result<T, Failure>>(count: usize, job: F) -> Result<Vec<T>, Failure> {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let threads = thread::available_parallelism().map_or(1, usize::from).min(count.max(1));
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    let result = job(number);
                    if result.is_err() {
                        next.store(count, Ordering::Relaxed);
                    }
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((number, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|&(number, _)| number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// A folder's path and a name with an extension.
pub fn file_in(folder: &Path, name: &str, extension: &str) -> PathBuf {
    folder.join(format!("{name}.{extension}"))
}
