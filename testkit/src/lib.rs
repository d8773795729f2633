//! The net under rum: what its engines are compared with, and with what programs.
//!
//! - [`oracle`]: a machine so plain that it can be trusted; [`outcome`]: what a run is and what comes of it
//! - [`builder`]: programs by hand; [`generate`]: programs from a seed, by features with weights
//! - [`programs`]: the programs of `umbin/`; [`workloads`]: the same computations in Rust
//!
//! For development only; no release contains it.

pub mod builder;
pub mod generate;
pub mod oracle;
pub mod outcome;
pub mod programs;
pub mod rng;
pub mod workloads;
