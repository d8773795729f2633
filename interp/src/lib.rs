//! The Universal Machine and its meaning.

pub mod isa;
