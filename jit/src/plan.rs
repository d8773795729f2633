//! Everything about a unit's function but its code. A leaf.

use crate::contract::Head;
use crate::exit::Site;
use crate::explain::Note;
use crate::options::Optimisation;
use std::collections::BTreeSet;

/// What the engine has to know about a function.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Blocks that can be entered, in the order of their selectors.
    pub entries: Vec<u32>,
    /// Exits, in the order of their numbers.
    pub sites: Vec<Site>,
    /// Constant offsets that the function stores to without looking what depends on them.
    pub plain_stores: BTreeSet<u32>,
    /// How often each optimisation did something.
    pub gains: [u64; Optimisation::ALL.len()],
    /// Instructions translated, copies included.
    pub guest_instructions: u64,
    /// What was done about its instructions, if that is to be told.
    pub notes: Vec<(u32, Note)>,
    /// Where control comes together, if that is to be told.
    pub heads: Vec<Head>,
}
