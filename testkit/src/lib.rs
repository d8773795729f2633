//! The net under rum: what its engines are compared with, and with what programs.
//!
//! - [`oracle`]: a machine so plain that it can be trusted; [`outcome`]: what a run is and what comes of it
//! - [`builder`]: programs by hand; [`generate`]: programs from a seed, by features with weights
//! - [`matrix`]: engines as contenders, and the comparison; [`campaign`]: many seeds, resumable, with coverage
//! - [`contenders`]: rum's own engines in that matrix
//! - [`shrink`]: smaller programs that fail alike; [`report`]: what a failure looks like on paper
//! - [`shapes`]: programs of any size that are hostile to a compiler, or in which one quantity grows
//! - [`fuzz`]: what fuzzers call, with bytes
//! - [`programs`]: the programs of `umbin/`; [`workloads`]: the same computations in Rust
//!
//! For development only; no release contains it.

pub mod builder;
pub mod campaign;
pub mod contenders;
pub mod fuzz;
pub mod generate;
pub mod matrix;
pub mod oracle;
pub mod outcome;
pub mod policy;
pub mod programs;
pub mod report;
pub mod rng;
pub mod seeded;
pub mod shapes;
pub mod shrink;
mod variants;
pub mod workloads;
