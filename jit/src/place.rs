//! Where code stands in memory, for tools that look at the process from outside. A leaf.

/// What made a piece of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// The baseline tier: a block.
    Baseline,
    /// The optimising tier: a unit.
    Optimiser,
}

/// Code that may be executed from now on, until the engine makes other code in its place.
#[derive(Clone, Copy, Debug)]
pub struct NewCode<'a> {
    /// Where it stands.
    pub place: CodePlace,
    /// Its bytes, where they stand.
    pub bytes: &'a [u8],
    /// Length of the program that it belongs to, in words.
    pub program_words: usize,
}

/// Who is told of new code.
pub type CodeObserver = Box<dyn FnMut(&NewCode) + Send>;

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
