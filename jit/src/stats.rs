//! Counters, declared once.

use serde::Serialize;

/// What happened during a run. Serialised with its keys in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Instructions executed by all engines; only exact if counting was asked for.
    pub instructions: u64,
}
