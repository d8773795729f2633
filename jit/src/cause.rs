//! Why a unit was killed. A leaf: `units/` kills, `journal.rs` counts.

/// Why a unit was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A word it was made from was stored to.
    Stored,
    /// A word it stores to without a look became code.
    Decoded,
    /// Segment 0 was replaced.
    Replaced,
    /// It is compiled again with more knowledge.
    Improved,
    /// The code budget was used up.
    Budget,
}

impl Cause {
    /// All of them, in the order of their numbers.
    pub const ALL: [Cause; 5] = [Cause::Stored, Cause::Decoded, Cause::Replaced, Cause::Improved, Cause::Budget];

    /// The name that statistics use.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Stored => "stored",
            Cause::Decoded => "decoded",
            Cause::Replaced => "replaced",
            Cause::Improved => "improved",
            Cause::Budget => "budget",
        }
    }
}
