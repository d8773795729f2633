//! What the tier tells of a block that it made. A leaf.

/// A block that was made: words translated, bytes of code, and how long it took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Made {
    pub words: u32,
    pub code_bytes: usize,
    pub ns: u64,
    /// Words that it is known to go to.
    pub targets: Vec<u32>,
}
