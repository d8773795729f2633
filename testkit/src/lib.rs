//! Test support.

pub mod programs;
pub mod workloads;
