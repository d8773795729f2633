//! A limit on the time of one run: a thread that raises a bit of the poll word when it has passed.

use crate::poll::{POLL_TIME, PollHandle};
use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Stops a machine with [`crate::Stop::TimeUp`] when a time has passed, as long as it is not dropped.
#[derive(Debug)]
pub struct Timer {
    handle: PollHandle,
    /// Given up to end the thread.
    cancel: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Timer {
    /// Starts the clock.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub fn start(handle: PollHandle, time: Duration) -> io::Result<Timer> {
        let (cancel, cancelled) = channel();
        let raised = handle.clone();
        let thread = std::thread::Builder::new().name("rum-timer".to_owned()).spawn(move || {
            if cancelled.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
                raised.raise(POLL_TIME);
            }
        })?;
        Ok(Timer { handle, cancel: Some(cancel), thread: Some(thread) })
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.cancel = None;
        if let Some(thread) = self.thread.take() {
            // It does nothing that could panic.
            let _ = thread.join();
        }
        // What it asked for ends with it.
        self.handle.clear(POLL_TIME);
    }
}
