//! One child process: started, waited for, and what it took.
//!
//! Input, output and messages are files, so that nobody has to be awake to feed or to read while the time runs. CPU time
//! and peak memory are what the system accounts for the child (`wait4`). The peak of a child is never below what the
//! parent had when it started the child, some 10 MB here.
//!
//! A child leads a process group of its own, so that a limit, or a signal, ends all that it has started. std and rustix do that in two
//! calls; crates that wrap children (process-wrap, command-group) wait for them in ways that do not tell what they took.

use crate::failure::{Failure, reason};
#[cfg(unix)]
use crate::signals::is_ignored;
use serde::Serialize;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::process::{Child, Command, ExitStatus, Stdio};
#[cfg(unix)]
use std::sync::atomic::AtomicI32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use wait4::Wait4;

/// What a run took.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Sample {
    /// Time on the clock, from before the process was started to its end, in nanoseconds.
    pub wall_ns: u64,
    /// How much of that the main thread was ready and waited for a processor, in nanoseconds. 0 where the system does not
    /// tell.
    pub waited_ns: u64,
    /// CPU time in user mode, of all threads, in nanoseconds.
    pub user_ns: u64,
    /// CPU time in the kernel, of all threads, in nanoseconds.
    pub system_ns: u64,
    /// The most memory that was resident, in bytes.
    pub peak_rss_bytes: u64,
}

impl Sample {
    /// Time on the clock as it would have been on a processor of its own, in nanoseconds.
    pub fn undisturbed_ns(&self) -> u64 {
        self.wall_ns.saturating_sub(self.waited_ns)
    }

    /// User and system time together, in nanoseconds.
    pub fn cpu_ns(&self) -> u64 {
        self.user_ns + self.system_ns
    }
}

/// A run and what it wrote.
#[derive(Debug)]
pub struct Outcome {
    /// What it took.
    pub sample: Sample,
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub output: Vec<u8>,
    /// Standard error.
    pub messages: Vec<u8>,
}

/// Files that are used again for every run.
#[derive(Debug)]
pub struct Measurer {
    output: File,
    messages: File,
    limit: Duration,
}

impl Measurer {
    /// Makes the files. A run that takes longer than `limit` is ended.
    ///
    /// # Errors
    /// The system has no room for temporary files.
    pub fn new(limit: Duration) -> Result<Measurer, Failure> {
        let file =
            || tempfile::tempfile().map_err(|error| Failure::host(format!("no temporary file: {}", reason(&error))));
        Ok(Measurer { output: file()?, messages: file()?, limit })
    }

    /// Runs a command (its program first) with `input`, which is read from its start.
    ///
    /// # Errors
    /// The command cannot be started, or takes too long, or a file fails.
    pub fn run(&mut self, words: &[String], input: &File) -> Result<Outcome, Failure> {
        let broken = |error| Failure::host(format!("a temporary file fails: {}", reason(&error)));
        let again = |file: &mut File| -> std::io::Result<Stdio> {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            Ok(file.try_clone()?.into())
        };
        let mut input = input.try_clone().map_err(broken)?;
        input.seek(SeekFrom::Start(0)).map_err(broken)?;
        let mut command = Command::new(&words[0]);
        // Every run starts from nothing, whatever the user keeps otherwise.
        command.args(&words[1..]).stdin(input).env_remove("RUM_CACHE");
        command.stdout(again(&mut self.output).map_err(broken)?);
        command.stderr(again(&mut self.messages).map_err(broken)?);
        let start = Instant::now();
        let ended = Running::start(&mut command).and_then(|(mut child, running)| {
            let waited_ns = end_of(&child, self.limit)?;
            if waited_ns.is_none() {
                kill(&mut child)?;
            }
            let ended = child.wait4()?;
            drop(running);
            Ok((ended, start.elapsed(), waited_ns))
        });
        let (ended, wall, waited_ns) =
            ended.map_err(|error| Failure::host(format!("cannot run {}: {}", words[0], reason(&error))))?;
        let Some(waited_ns) = waited_ns else {
            let limit = humantime::format_duration(self.limit);
            return Err(Failure::host(format!("{} takes more than {limit}: raise --run-limit?", words.join(" "))));
        };
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let sample = Sample {
            wall_ns: ns(wall),
            waited_ns,
            user_ns: ns(ended.rusage.utime),
            system_ns: ns(ended.rusage.stime),
            peak_rss_bytes: ended.rusage.maxrss,
        };
        let written = |file: &mut File| -> std::io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(0))?;
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let output = written(&mut self.output).map_err(broken)?;
        let messages = written(&mut self.messages).map_err(broken)?;
        Ok(Outcome { sample, status: ended.status, output, messages })
    }
}

/// Children that run at once, at the most; others are not ended by signals.
const RUNNING_MAX: usize = 64;
/// The processes that run, each of which leads a group of its own; 0 where none does.
static RUNNING: [AtomicU32; RUNNING_MAX] = [const { AtomicU32::new(0) }; RUNNING_MAX];

/// Children that were started, perhaps, and are not among them yet.
static STARTING: AtomicU32 = AtomicU32::new(0);
/// The signal that is to end this process, or 0: it waits for these.
#[cfg(unix)]
static ENDING: AtomicI32 = AtomicI32::new(0);

/// A child that is ended when a signal ends this process, for as long as this is kept.
#[derive(Debug)]
pub struct Running(Option<&'static AtomicU32>);

impl Running {
    /// Starts a child as the leader of a process group.
    ///
    /// # Errors
    /// It cannot be started, or the system refuses the handlers of signals.
    pub fn start(command: &mut Command) -> std::io::Result<(Child, Running)> {
        #[cfg(unix)]
        {
            end_children_at_signals()?;
            std::os::unix::process::CommandExt::process_group(command, 0);
        }
        STARTING.fetch_add(1, Ordering::SeqCst);
        let started = command.spawn().map(|child| {
            let take =
                |place: &&AtomicU32| place.compare_exchange(0, child.id(), Ordering::SeqCst, Ordering::SeqCst).is_ok();
            let running = Running(RUNNING.iter().find(take));
            (child, running)
        });
        STARTING.fetch_sub(1, Ordering::SeqCst);
        #[cfg(unix)]
        end_if_asked();
        started
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(place) = self.0 {
            place.store(0, Ordering::SeqCst);
        }
    }
}

/// Ends a child, and whatever it has started itself.
///
/// # Errors
/// The system refuses that.
pub fn kill(child: &mut Child) -> std::io::Result<()> {
    #[cfg(unix)]
    if let Some(group) = rustix::process::Pid::from_raw(child.id() as i32) {
        return Ok(rustix::process::kill_process_group(group, rustix::process::Signal::KILL)?);
    }
    child.kill()
}

/// The signals that end this process end the children that run first, with all that they have started: they are in other groups, and a
/// terminal does not reach them.
#[cfg(unix)]
fn end_children_at_signals() -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    static DONE: std::sync::Once = std::sync::Once::new();
    let mut result = Ok(());
    DONE.call_once(|| {
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT].into_iter().filter(|&signal| !is_ignored(signal)) {
            let action = move || {
                ENDING.store(signal, Ordering::SeqCst);
                end_if_asked();
            };
            // SAFETY: it does only what a signal handler may do: atomics and system calls.
            if let Err(error) = unsafe { signal_hook::low_level::register(signal, action) } {
                result = Err(error);
            }
        }
    });
    result
}

/// Ends this process and the children that run, if a signal asked for it and none is about to be one of them: who starts one looks here
/// afterwards.
#[cfg(unix)]
fn end_if_asked() {
    let signal = ENDING.load(Ordering::SeqCst);
    if signal == 0 || STARTING.load(Ordering::SeqCst) > 0 {
        return;
    }
    for place in &RUNNING {
        if let Some(group) = rustix::process::Pid::from_raw(place.load(Ordering::SeqCst) as i32) {
            // It may have ended by itself.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}

/// Waits until a child has ended, without taking note of it as `wait4` does, and says how long its main thread waited for
/// a processor: the second number of `schedstat` (Linux, `Documentation/scheduler/sched-stats.rst`). `None` if the child
/// has not ended within the limit.
#[cfg(target_os = "linux")]
fn end_of(child: &Child, limit: Duration) -> std::io::Result<Option<u64>> {
    use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, pidfd_open, waitid};
    let pid = Pid::from_child(child);
    // A kernel before 5.3 has no such handles, and then there is no limit.
    if let Ok(handle) = pidfd_open(pid, PidfdFlags::empty())
        && !ends_within(&handle, limit)?
    {
        return Ok(None);
    }
    loop {
        match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(_) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // A kernel without these statistics has no such file.
    let text = std::fs::read_to_string(format!("/proc/{}/schedstat", child.id())).unwrap_or_default();
    Ok(Some(text.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default()))
}

/// Whether the process of a handle ends within a time, for which it waits.
#[cfg(target_os = "linux")]
fn ends_within(handle: &std::os::fd::OwnedFd, limit: Duration) -> std::io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let start = Instant::now();
    loop {
        let left = Timespec::try_from(limit.saturating_sub(start.elapsed())).ok();
        match poll(&mut [PollFd::new(handle, PollFlags::IN)], left.as_ref()) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Elsewhere nothing is known and nothing is limited: `wait4` waits by itself.
#[cfg(not(target_os = "linux"))]
fn end_of(_: &Child, _: Duration) -> std::io::Result<Option<u64>> {
    Ok(Some(0))
}

/// A file with some bytes in it, for a child's input.
///
/// # Errors
/// The system has no room for a temporary file.
pub fn input_file(bytes: &[u8]) -> Result<File, Failure> {
    let write = || {
        let mut file = tempfile::tempfile()?;
        std::io::Write::write_all(&mut file, bytes)?;
        Ok(file)
    };
    write().map_err(|error: std::io::Error| Failure::host(format!("no temporary file: {}", reason(&error))))
}
