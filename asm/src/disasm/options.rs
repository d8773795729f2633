//! What can be chosen. A leaf.

/// How [`crate::disassemble`] shows an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisasmOptions {
    /// Add terminal escapes. The text can only be assembled without them.
    pub color: bool,
    /// Show words that a macro instruction stands for as that instruction, not one by one.
    pub fold: bool,
}

impl Default for DisasmOptions {
    /// No colour, folded.
    fn default() -> DisasmOptions {
        DisasmOptions { color: false, fold: true }
    }
}
