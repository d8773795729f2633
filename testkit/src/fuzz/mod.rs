//! What the targets of `fuzz/` call: bytes in, and a panic if something is wrong with what comes of them.
//!
//! They live here, so that every compiler can call them: `tests/fuzz.rs` does, with the bytes that are kept. Those of the command's
//! own files and languages are in `rum-cli`.
//!
//! - `program`: bytes as words, or as the choices of the generator, through the engines
//! - `files`: images, snapshots, caches; `language`: sources and listings; `bytes`: what all of them take from
//! - `seeds`: bytes to begin with

mod bytes;
mod files;
mod language;
mod program;
mod seeds;

pub use files::{cache, image, snapshot};
pub use language::{disassembly, source};
pub use program::{generated, words};
pub use seeds::seeds;
