//! The poll word: how other threads and signal handlers ask a running machine for attention.
//!
//! It stands at a fixed distance before the segments, so that compiled code reads it at no cost. Every engine looks at it
//! at its jumps. Setting a bit releases what the asker has written before; whoever takes the bits acquires it. Looking at the
//! word needs no order: what it leads to is taken.

use crate::memory::PREFIX_BYTES;
use crate::reserve::Reservation;
use crate::stop::Stop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Write out what is in the output buffer (a ticker asks for that when a person is watching).
pub const POLL_FLUSH: u32 = 1;
/// Give control back to the caller of `run`.
pub const POLL_INTERRUPT: u32 = 2;
/// The engine above the interpreter has something to do.
pub const POLL_ENGINE: u32 = 4;
/// The time that a run was given has passed.
pub const POLL_TIME: u32 = 8;

/// What bits of the poll word come to for the caller of `run`: a stop, unless all of them were for the machine itself.
pub fn stop_for(bits: u32) -> Option<Stop> {
    match bits & !(POLL_FLUSH | POLL_ENGINE) {
        0 => None,
        POLL_TIME => Some(Stop::TimeUp),
        _ => Some(Stop::Interrupted),
    }
}

/// How far before granule 0 the poll word stands, in bytes.
pub const POLL_BEFORE_DATA_BYTES: usize = PREFIX_BYTES;

/// Asks a running machine for attention, from any thread. It keeps the memory that the poll word stands in.
#[derive(Clone, Debug)]
pub struct PollHandle {
    space: Arc<Reservation>,
}

impl PollHandle {
    /// The poll word at the start of a machine's range of addresses.
    pub(crate) fn new(space: Arc<Reservation>) -> PollHandle {
        PollHandle { space }
    }

    #[inline(always)]
    fn word(&self) -> &AtomicU32 {
        // SAFETY: the range starts with the prefix, which is committed, zero at first, and used for nothing else here.
        unsafe { &*self.space.start().cast::<AtomicU32>() }
    }

    /// Sets bits of the poll word (`POLL_...`); the machine reacts at its next jump.
    pub fn raise(&self, bits: u32) {
        self.word().fetch_or(bits, Ordering::Release);
    }

    /// Makes the machine return from `run` with `Stop::Interrupted`.
    pub fn interrupt(&self) {
        self.raise(POLL_INTERRUPT);
    }

    /// Makes the machine write out what its program has put out, without stopping it.
    pub fn flush(&self) {
        self.raise(POLL_FLUSH);
    }

    /// Clears bits that were set but are of no interest any more.
    pub fn clear(&self, bits: u32) {
        self.word().fetch_and(!bits, Ordering::AcqRel);
    }

    /// Whether anything was asked for.
    #[inline(always)]
    pub fn is_raised(&self) -> bool {
        self.word().load(Ordering::Relaxed) != 0
    }

    /// Clears the poll word if `bits` is exactly what it holds.
    pub fn take_if_only(&self, bits: u32) -> bool {
        self.word().compare_exchange(bits, 0, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// The bits asked for, which are cleared.
    pub fn take(&self) -> u32 {
        self.word().swap(0, Ordering::Acquire)
    }
}
