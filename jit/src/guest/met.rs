//! What an instruction has met that code made for it should be ready for. A leaf.

use serde::{Deserialize, Serialize};

/// A set of such things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Met(u8);

impl Met {
    /// A large segment.
    pub const LARGE: Met = Met(1);
    /// Segment 0, named by a register that is not taken to be 0.
    pub const PROGRAM: Met = Met(2);
    /// Something that only the host is ready for: a store into code, or another kind of instruction patched in.
    pub const HOST: Met = Met(4);
    /// A segment that has a name, where others have none.
    pub const NAMED: Met = Met(8);
    /// The same, when it had become hot: likely more often than others.
    pub const NAMED_WHEN_HOT: Met = Met(8 | 16);
    /// More than one large segment that has a name.
    pub const NAMES: Met = Met(8 | 32);

    /// Whether there is nothing in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether everything of another set is in this one.
    pub fn contains(self, other: Met) -> bool {
        self.0 & other.0 == other.0
    }

    /// Adds everything of another set.
    pub fn insert(&mut self, other: Met) {
        self.0 |= other.0;
    }
}
