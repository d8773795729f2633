//! What ends a run from outside: signals and the clock.
//!
//! A [`Control`] holds the first cause that came up. Whoever raises one also asks the machine for control through its
//! [`PollHandle`], and makes one end of a pipe readable, so that a wait for input or for a slow reader ends as well. All
//! of that is allowed inside a signal handler: an atomic exchange, an atomic or, and a `write`.

use rum::PollHandle;
use std::io::{self, PipeReader, PipeWriter, Write};
#[cfg(unix)]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

/// Why a run was ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Cause {
    /// SIGINT.
    Interrupt = 1,
    /// SIGTERM.
    Terminate = 2,
    /// The time is up.
    Timeout = 3,
    /// SIGHUP.
    HangUp = 4,
    /// SIGQUIT.
    Quit = 5,
}

/// How long a reader may take nothing once the run is over, if nobody says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// Ends a run from other threads and from signal handlers.
#[derive(Debug)]
pub struct Control {
    /// The first cause, or 0.
    cause: AtomicU8,
    machine: OnceLock<PollHandle>,
    /// Readable once there is a cause; never read.
    #[cfg_attr(not(unix), expect(dead_code, reason = "only there can it be waited for"))]
    pub wake: PipeReader,
    waker: PipeWriter,
    patience: OnceLock<Duration>,
    /// Bytes that nobody took.
    lost: AtomicU64,
}

impl Control {
    /// A control nobody has used yet.
    ///
    /// # Errors
    /// The process has no file descriptors left.
    pub fn new() -> io::Result<Arc<Control>> {
        let (wake, waker) = io::pipe()?;
        let (cause, lost) = (AtomicU8::new(0), AtomicU64::new(0));
        Ok(Arc::new(Control { cause, machine: OnceLock::new(), wake, waker, patience: OnceLock::new(), lost }))
    }

    /// Has a reader who takes nothing given up after so long, once the run is over.
    pub fn be_patient(&self, patience: Duration) {
        // It is said once.
        let _ = self.patience.set(patience);
    }

    /// How long that is.
    #[cfg_attr(not(unix), expect(dead_code, reason = "writes block there"))]
    pub fn patience(&self) -> Duration {
        self.patience.get().copied().unwrap_or(PATIENCE)
    }

    /// Notes bytes that were put out, and that nobody took.
    #[cfg_attr(not(unix), expect(dead_code, reason = "writes block there"))]
    pub fn lose(&self, bytes: usize) {
        self.lost.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes that were put out, and that nobody took.
    pub fn lost_bytes(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Names the machine that is to be interrupted.
    pub fn watch(&self, machine: PollHandle) {
        if self.cause().is_some() {
            machine.interrupt();
        }
        // A control is made for one machine.
        let _ = self.machine.set(machine);
        // The cause may have come up in between.
        if let (Some(machine), Some(_)) = (self.machine.get(), self.cause()) {
            machine.interrupt();
        }
    }

    /// Ends the run, unless something else has already done so.
    pub fn stop(&self, cause: Cause) {
        if self.cause.compare_exchange(0, cause as u8, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return;
        }
        if let Some(machine) = self.machine.get() {
            machine.interrupt();
        }
        // One byte into an empty pipe: this neither blocks nor fails.
        let _ = (&self.waker).write(&[0]);
    }

    /// Has the machine give control back, although nothing ends the run.
    pub fn nudge(&self) {
        if let Some(machine) = self.machine.get() {
            machine.interrupt();
        }
    }

    /// Why the run is to end, if it is.
    pub fn cause(&self) -> Option<Cause> {
        match self.cause.load(Ordering::Acquire) {
            1 => Some(Cause::Interrupt),
            2 => Some(Cause::Terminate),
            3 => Some(Cause::Timeout),
            4 => Some(Cause::HangUp),
            5 => Some(Cause::Quit),
            _ => None,
        }
    }

    /// Ends the run after some time.
    ///
    /// # Errors
    /// The system has no more threads.
    pub fn stop_after(self: &Arc<Self>, time: Duration) -> io::Result<()> {
        let control = Arc::clone(self);
        background("timeout", move || {
            thread::sleep(time);
            control.stop(Cause::Timeout);
        })
    }

    /// Ends the run at the signals that ask for it, but for those that whoever started the process has it ignore (`nohup` does). The second
    /// of them ends the process at once.
    ///
    /// # Errors
    /// The system refuses the handlers.
    #[cfg(unix)]
    pub fn stop_at_signals(self: &Arc<Self>) -> io::Result<()> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
        use signal_hook::low_level::{exit, register};
        static CAME_BEFORE: AtomicBool = AtomicBool::new(false);
        // One action for each signal: from the first on it does nothing else, and one that comes between two would be half heeded.
        let causes =
            [(SIGINT, Cause::Interrupt), (SIGTERM, Cause::Terminate), (SIGHUP, Cause::HangUp), (SIGQUIT, Cause::Quit)];
        let heeded = causes.into_iter().filter(|(signal, _)| !is_ignored(*signal));
        held_back(&causes.map(|(signal, _)| signal), || {
            heeded.into_iter().try_for_each(|(signal, cause)| {
                let control = Arc::clone(self);
                let action = move || match CAME_BEFORE.swap(true, Ordering::AcqRel) {
                    true => exit(128 + signal),
                    false => control.stop(cause),
                };
                // SAFETY: it does only what a signal handler may do: atomics, one `write`, and the end of the process; it neither
                // allocates nor locks (the cell is only looked at).
                unsafe { register(signal, action) }.map(drop)
            })
        })
    }

    /// SIGINT ends what is under way, each time anew ([`Control::forget`]); other signals do what they do by default.
    ///
    /// # Errors
    /// The system refuses the handler.
    #[cfg(unix)]
    pub fn interrupt_at_signals(self: &Arc<Self>) -> io::Result<()> {
        use signal_hook::consts::SIGINT;
        let control = Arc::clone(self);
        let action = move || control.stop(Cause::Interrupt);
        // SAFETY: as in `stop_at_signals`.
        held_back(&[SIGINT], || unsafe { signal_hook::low_level::register(SIGINT, action) }).map(drop)
    }

    /// Signals do here what they do by default.
    ///
    /// # Errors
    /// Never.
    #[cfg(not(unix))]
    pub fn interrupt_at_signals(self: &Arc<Self>) -> io::Result<()> {
        Ok(())
    }

    /// What was ended is over: from now on something else is under way.
    pub fn forget(&self) {
        self.cause.store(0, Ordering::Release);
    }

    /// Signals do here what they do by default.
    ///
    /// # Errors
    /// Never.
    #[cfg(not(unix))]
    pub fn stop_at_signals(self: &Arc<Self>) -> io::Result<()> {
        Ok(())
    }
}

/// Asks a machine again and again to show what it has put out, for a person who watches.
///
/// # Errors
/// The system has no more threads.
pub fn show_output_every(period: Duration, machine: PollHandle) -> io::Result<()> {
    background("output", move || {
        loop {
            thread::sleep(period);
            machine.flush();
        }
    })
}

/// Does something while this thread holds signals back: one that comes is delivered afterwards. Between the moment at which the system knows
/// a handler and that at which the handler knows its action, a signal would come to nothing.
#[cfg(unix)]
fn held_back<T>(signals: &[i32], what: impl FnOnce() -> T) -> T {
    // SAFETY: zeros are sets, made empty before anything is added; what this thread lets through is what it was before.
    let before = unsafe {
        let (mut set, mut before): (libc::sigset_t, libc::sigset_t) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigemptyset(&raw mut set);
        for &signal in signals {
            libc::sigaddset(&raw mut set, signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, &raw mut before);
        before
    };
    let done = what();
    // SAFETY: as above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut()) };
    done
}

/// From now on a file that becomes too large is an error like others, and no signal.
pub fn heed_full_files() {
    // An action that does nothing: what is ignored stays so in processes that are started from here. Where the system refuses it, the
    // signal does what it does by default.
    // SAFETY: nothing is allowed.
    #[cfg(unix)]
    let _ = unsafe { signal_hook::low_level::register(libc::SIGXFSZ, || {}) };
}

/// Whether the process ignores a signal.
#[cfg(unix)]
pub fn is_ignored(signal: i32) -> bool {
    // SAFETY: zeros are such a structure, and this only asks.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut now) == 0 && now.sa_sigaction == libc::SIG_IGN
    }
}

/// Starts a thread that ends with the process.
fn background(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    const STACK_BYTES: usize = 64 << 10;
    thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES).spawn(work).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cause_counts() {
        let control = Control::new().expect("a pipe");
        assert_eq!(control.cause(), None);
        control.stop(Cause::Timeout);
        control.stop(Cause::Interrupt);
        assert_eq!(control.cause(), Some(Cause::Timeout));
    }

    #[test]
    fn time_passes() {
        let control = Control::new().expect("a pipe");
        control.stop_after(Duration::from_millis(1)).expect("a thread");
        while control.cause().is_none() {
            thread::yield_now();
        }
        assert_eq!(control.cause(), Some(Cause::Timeout));
    }
}
