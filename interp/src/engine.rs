//! For engines that execute a machine in other ways than the interpreter: its state, and where everything in it is.
//!
//! An engine runs the interpreter until a word is hot ([`crate::Machine::run_until_hot`]), executes what follows by its own
//! means on the same [`State`], and leaves at a boundary between two instructions. What it derives from words of segment 0
//! it marks in [`Watch`], and it takes the news there before it relies on that again.

pub use crate::heat::{Heat, HeatTable, THRESHOLD_MAX};
pub use crate::memory::{layout, strict_overcommit};
pub use crate::pages::Pages;
pub use crate::poll::{POLL_ENGINE, POLL_FLUSH, POLL_INTERRUPT, POLL_TIME, stop_for};
pub use crate::reserve::{Backing, Reservation};
pub use crate::run::Pause;
pub use crate::state::{SLOTS, STATE_BEFORE_DATA_BYTES, State, offset};
pub use crate::watch::{WATCH_BLIND, WATCH_DECODED, WATCH_DERIVED, WATCH_STORES, WATCH_VALUE, WATCH_VOLATILE, Watch};
