//! Blocks for x86-64: `pieces.rs` of code, and `routines.rs`, which they share. The latter says which registers hold what.

mod pieces;
mod registers;
mod routines;

pub(super) use self::pieces::X64;
