//! Where code stands in memory, for tools that look at the process from outside. A leaf.

/// What made a piece of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// The baseline tier: a block.
    Baseline,
    /// The optimising tier: a unit.
    Optimiser,
}

/// A piece of code in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePlace {
    /// Where it begins.
    pub address: usize,
    /// How long it is.
    pub bytes: usize,
    /// The word of segment 0 that it begins with.
    pub pc: u32,
    /// What made it.
    pub tier: Tier,
}
