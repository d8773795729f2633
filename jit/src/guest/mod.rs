//! The guest's code as the translator sees it: blocks of instructions that were decoded once, when their region was found.

pub(crate) mod block;
pub(crate) mod inst;
pub(crate) mod met;
pub(crate) mod values;
