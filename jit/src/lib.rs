//! Compiled code for the Universal Machine: a cache of what the interpreter defines.

mod options;
mod stats;
mod vm;

pub use options::{EngineKind, Optimisation, Options};
pub use stats::Stats;
pub use vm::{EngineError, Vm};
