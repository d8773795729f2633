//! A function of a program under construction. A leaf.

use crate::builder::Label;

/// A function of a program under construction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function {
    pub entry: Label,
    /// Most instructions that a call executes in it.
    pub cost: i64,
}
