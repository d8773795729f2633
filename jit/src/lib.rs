//! Compiled code for the Universal Machine: a cache of what the interpreter defines.
//!
//! # The life of a hot block
//!
//! 1. The interpreter counts jumps to each word. When a count reaches the threshold it pauses, and the engine
//!    (`engine/mod.rs`) asks its policy what to do (`policy.rs`).
//! 2. `discovery.rs` follows the edges from there through warm blocks: that is what is compiled together.
//! 3. `facts/` finds out which registers matter where; `optimise/` makes CLIF, with the checks of every instruction;
//!    Cranelift makes host code (`compile.rs`, on a thread of its own: `worker.rs`).
//! 4. The engine publishes: the code goes to `code.rs`, its entries into the table that leads from a pc to code,
//!    and the words it was made from are watched (`units/`).
//! 5. Compiled code runs until a check does not hold or there is no code to go on with. It leaves at a boundary between
//!    two instructions *before* whatever was special (`exit.rs`), and the interpreter goes on.
//! 6. A store into a watched word, or a load-program of another segment, ends the block's life.
//!
//! Before it is hot, a block is translated by itself, in one pass, by the baseline tier (`baseline/`).

// Only that tier uses some of what the others keep for it.
#![cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), allow(dead_code, unused_imports))]

mod abi;
mod baseline;
mod cache;
mod cause;
mod code;
mod compile;
pub mod contract;
mod discovery;
mod emit;
mod engine;
mod exit;
mod explain;
mod factory;
mod facts;
mod finder;
#[cfg(test)]
mod golden;
mod growth;
mod guest;
mod history;
mod journal;
mod optimise;
mod options;
mod per_word;
mod place;
mod plan;
mod policy;
mod profile;
mod queue;
mod region;
mod settings;
mod shortage;
mod stats;
mod stubs;
mod trial;
mod tuning;
mod units;
mod vm;
mod worker;

pub use cache::CacheError;
#[doc(hidden)] // For tests.
pub use cache::{read as read_cache, sealed as cache_sealed};
pub use explain::{BlockListing, CodePart, Explanation, Listing, Note};
pub use options::{EngineKind, Optimisation, Options};
pub use place::{CodeObserver, CodePlace, NewCode, Tier};
pub use shortage::{is_compiler_thread, memory_is_short};
pub use stats::Stats;
pub use vm::{EngineError, Vm};
