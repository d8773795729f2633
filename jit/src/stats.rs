//! Counters, declared once.

use serde::Serialize;
use std::collections::BTreeMap;

/// What happened during a run. All counts start at 0; times are in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Instructions executed by all engines; none if compiled code has executed some without counting them.
    pub instructions: Option<u64>,
    /// Of these, instructions executed by compiled code, with those that it had the host execute.
    pub instructions_compiled: Option<u64>,
    /// Of these, instructions executed by blocks of the baseline tier.
    pub instructions_baseline: Option<u64>,
    /// Regions handed to the compiler.
    pub regions_requested: u64,
    /// Regions whose code was published.
    pub regions_published: u64,
    /// Regions whose code was dropped because the program had changed meanwhile.
    pub regions_dropped: u64,
    /// Regions that could not be compiled.
    pub regions_rejected: u64,
    /// Times that the compiler failed, by who has to act: `region` nobody, `defect` whoever writes rum, `system` whoever runs
    /// it; and how often its `thread` was lost.
    pub compiler_failures: BTreeMap<&'static str, u64>,
    /// Why no more code is made, if that is so.
    pub gave_up: Option<String>,
    /// Units of earlier runs that became live.
    pub units_restored: u64,
    /// Blocks of the baseline tier of earlier runs that became live.
    pub baseline_blocks_restored: u64,
    /// Blocks that the baseline tier has made.
    pub baseline_blocks: u64,
    /// Guest instructions that they were made from, copies included.
    pub baseline_instructions_translated: u64,
    /// Their code, in bytes.
    pub baseline_code_bytes: u64,
    /// Time spent on making them.
    pub baseline_ns: u64,
    /// Guest instructions translated by the optimiser, copies included.
    pub guest_instructions_translated: u64,
    /// CLIF instructions made.
    pub clif_instructions: u64,
    /// Host code published, in bytes.
    pub code_bytes: u64,
    /// Time spent compiling, on whatever thread.
    pub compile_ns: u64,
    /// Times that compiled code was entered from the driver.
    pub enters: u64,
    /// Times that the interpreter went on where there was compiled code, because a trial had shown that to be quicker.
    pub entries_given_up: u64,
    /// Why compiled code came back to the driver.
    pub exits: BTreeMap<&'static str, u64>,
    /// Units killed, by cause.
    pub invalidations: BTreeMap<&'static str, u64>,
    /// Times each optimisation did something.
    pub optimisations: BTreeMap<&'static str, u64>,
    /// Instructions that compiled code had the host execute.
    pub host_steps: u64,
    /// Generations of code: how often the budget was used up, and one.
    pub generations: u64,
    /// Bytes of tables beside the program: a limited part of what memory there may be.
    pub tables_bytes: u64,
    /// Units that can be entered now.
    pub units_live: u64,
    /// Words that are read at run time because they are patched again and again.
    pub volatile_words: u64,
}
