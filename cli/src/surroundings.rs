//! What the process may be given that it cannot live with as it is: a small stack, standard output that is closed.

use crate::failure::Failure;

/// With less, commands that have much to say of themselves overflow it.
#[cfg(unix)]
const STACK_BYTES: u64 = 2 << 20;

/// Does something with a stack that is large enough for it, whatever `ulimit -s` says.
pub fn with_stack<R: Send + 'static>(work: fn() -> R) -> R {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        if getrlimit(Resource::Stack).current.is_some_and(|bytes| bytes < STACK_BYTES)
            && let Ok(thread) = std::thread::Builder::new().stack_size(STACK_BYTES as usize).spawn(work)
        {
            return thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    }
    work()
}

/// Whoever started the process has left it something to write to. Rust has `/dev/null` take the place of what is closed.
///
/// # Errors
/// Standard output is closed.
pub fn has_output() -> Result<(), Failure> {
    if closed::stdout() {
        return Err(Failure::host("standard output is closed: redirect it to /dev/null if nobody is to read it"));
    }
    Ok(())
}

#[cfg(target_os = "linux")]
mod closed {
    use std::sync::atomic::{AtomicBool, Ordering};

    static STDOUT: AtomicBool = AtomicBool::new(false);

    /// The system's start-up code calls this before the one of the language.
    // SAFETY: what stands in this section is a function without arguments.
    #[used]
    #[unsafe(link_section = ".init_array")]
    static LOOK: extern "C" fn() = look;

    extern "C" fn look() {
        // SAFETY: this only asks.
        let is_closed = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) } == -1;
        STDOUT.store(is_closed, Ordering::Relaxed);
    }

    pub fn stdout() -> bool {
        STDOUT.load(Ordering::Relaxed)
    }
}

#[cfg(not(target_os = "linux"))]
mod closed {
    pub fn stdout() -> bool {
        false
    }
}
