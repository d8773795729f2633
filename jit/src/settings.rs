//! What translation depends on besides the region. A leaf.

use crate::options::Optimisations;
use rum_interp::Ids;
use rum_interp::memory::Memory;

/// The choices that code is made by.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub optimisations: Optimisations,
    /// Whether executed instructions are counted and the limit is kept.
    pub count: bool,
    /// Whether everything is counted that a profile tells.
    pub tally: bool,
    /// Whether stores look if their words are watched.
    pub watch: bool,
    /// Jumps to a block after which the baseline tier translates it.
    pub baseline_threshold: i32,
    /// Memory for the code of blocks.
    pub blocks_bytes_max: usize,
    /// How segments are found.
    pub lookup: Lookup,
    /// Checks leave when a countdown in the state says so, too (for tests).
    pub forced_exits: bool,
    /// Whether blocks and units are to be kept for later runs.
    pub keep: bool,
    /// Whether the compiler keeps what it makes as text (for tests).
    pub listings: bool,
    /// The compiler panics at units of these numbers (for tests).
    pub panic_every: Option<u64>,
}

/// How the segments of a machine are found by their identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lookup {
    /// Which identifiers there are.
    pub ids: Ids,
    /// Identifiers that must be tested against the end of the length bytes first; none if all are inside.
    pub id_bound: Option<u64>,
    /// Names that must be tested against the end of their table first; none if all are inside.
    pub names_bound: Option<u32>,
}

impl Lookup {
    /// How the segments of a machine with this memory are found.
    pub fn of(memory: &Memory) -> Lookup {
        Lookup {
            ids: memory.ids(),
            id_bound: (!memory.covers_all_ids()).then_some(memory.granules()),
            names_bound: memory.names_bound(),
        }
    }

    /// Whether every segment has a name.
    pub fn all_named(&self) -> bool {
        self.ids == Ids::Sequential
    }
}
