//! What translation depends on besides the region. A leaf.

use crate::options::Optimisations;

/// The choices that code is made by.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub optimisations: Optimisations,
    /// Whether executed instructions are counted and the limit is kept.
    pub count: bool,
    /// Identifiers that must be tested against the end of the address space first; none if all are inside.
    pub id_bound: Option<u64>,
    /// Checks leave when a countdown in the state says so, too (for tests).
    pub forced_exits: bool,
    /// Whether the compiler keeps what it makes as text (for tests).
    pub listings: bool,
    /// The compiler panics at units of these numbers (for tests).
    pub panic_every: Option<u64>,
}
