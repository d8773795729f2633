//! What ends a run from outside: signals and the clock.
//!
//! A [`Control`] holds the first cause that came up. Whoever raises one also asks the machine for control through its
//! [`PollHandle`], and makes one end of a pipe readable, so that a wait for input or for a slow reader ends as well. All
//! of that is allowed inside a signal handler: an atomic exchange, an atomic or, and a `write`.

use rum::PollHandle;
use std::io::{self, PipeReader, PipeWriter, Write};
use std::sync::atomic::{AtomicU8, Ordering};
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
}

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
}

impl Control {
    /// A control nobody has used yet.
    ///
    /// # Errors
    /// The process has no file descriptors left.
    pub fn new() -> io::Result<Arc<Control>> {
        let (wake, waker) = io::pipe()?;
        Ok(Arc::new(Control { cause: AtomicU8::new(0), machine: OnceLock::new(), wake, waker }))
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

    /// Ends the run at SIGINT and SIGTERM. The second of them ends the process at once.
    ///
    /// # Errors
    /// The system refuses the handlers.
    #[cfg(unix)]
    pub fn stop_at_signals(self: &Arc<Self>) -> io::Result<()> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        use std::sync::atomic::AtomicBool;
        let came_before = Arc::new(AtomicBool::new(false));
        for (signal, cause) in [(SIGINT, Cause::Interrupt), (SIGTERM, Cause::Terminate)] {
            signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&came_before))?;
            signal_hook::flag::register(signal, Arc::clone(&came_before))?;
            let control = Arc::clone(self);
            // SAFETY: `stop` does only what a signal handler may do: atomics and one `write`; it neither allocates nor
            // locks (the cell is only looked at).
            unsafe { signal_hook::low_level::register(signal, move || control.stop(cause)) }?;
        }
        Ok(())
    }

    /// SIGINT ends what is under way, each time anew ([`Control::forget`]); other signals do what they do by default.
    ///
    /// # Errors
    /// The system refuses the handler.
    #[cfg(unix)]
    pub fn interrupt_at_signals(self: &Arc<Self>) -> io::Result<()> {
        let control = Arc::clone(self);
        // SAFETY: as in `stop_at_signals`.
        unsafe {
            signal_hook::low_level::register(signal_hook::consts::SIGINT, move || control.stop(Cause::Interrupt))
        }?;
        Ok(())
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
