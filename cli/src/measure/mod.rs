//! Measuring processes: what `rum bench` and `rum gate` share.
//!
//! A `contender` runs a `program` as a `child` process; `check` says whether the run may count, `figures` what many of them come
//! to, `progress` how far it is.

pub mod check;
pub mod child;
pub mod contender;
pub mod figures;
pub mod program;
pub mod progress;
