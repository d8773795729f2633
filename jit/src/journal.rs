//! What has happened, as events. The statistics are their sum, and nothing else keeps count.

use crate::cache::Spent;
use crate::cause::Cause;
use crate::compile::CompileError;
use crate::exit::Exit;
use crate::options::Optimisation;
use crate::stats::Stats;
use crate::tuning::KEEP_SHARE;
use std::collections::BTreeMap;

/// Something worth counting.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event<'a> {
    /// A region was handed to the compiler.
    Requested,
    /// The compiler has made code.
    Compiled { ns: u64, clif_instructions: u64, guest_instructions: u64 },
    /// Code became a unit.
    Published { code_bytes: usize, gains: &'a [u64; Optimisation::ALL.len()] },
    /// The baseline tier made a block.
    Block { words: u32, code_bytes: usize, ns: u64 },
    /// Blocks and units of an earlier run became live.
    Restored { units: usize, blocks: usize },
    /// Code, or the wish for it, was dropped because the program had changed meanwhile.
    Dropped,
    /// There will be no code for a region.
    Rejected,
    /// The compiler has failed: the kind of failure.
    CompilerFailed(&'static str),
    /// No more code will be made: why.
    GaveUp(&'a str),
    /// The interpreter goes on at a word that has code, for a time.
    EntryGivenUp,
    /// A unit was killed.
    Killed(Cause),
    /// A generation of code began.
    Generation,
    /// Compiled code was entered, and left: how many instructions it executed and had the host execute.
    Executed { instructions: u64, in_blocks: u64, host_steps: u64 },
    /// Why it was left.
    Left(&'a Exit),
}

/// The kind of failure that is the end of the compiler's thread.
pub(crate) const THREAD_LOST: &str = "thread";

/// The account of a machine's engine.
pub(crate) struct Journal {
    stats: Stats,
    /// What earlier runs have spent.
    carried: Spent,
    exits: [u64; Exit::NAMES.len()],
    killed: [u64; Cause::ALL.len()],
    gains: [u64; Optimisation::ALL.len()],
}

impl Journal {
    /// An account in which nothing has happened yet.
    pub fn new() -> Journal {
        let compiler_failures = CompileError::KINDS.into_iter().chain([THREAD_LOST]).map(|kind| (kind, 0)).collect();
        let stats = Stats {
            instructions_compiled: Some(0),
            instructions_baseline: Some(0),
            compiler_failures,
            ..Stats::default()
        };
        Journal {
            stats,
            carried: Spent::default(),
            exits: Default::default(),
            killed: Default::default(),
            gains: Default::default(),
        }
    }

    /// Takes note of an event. Inlined: what is noted most is two or three additions.
    #[inline(always)]
    pub fn note(&mut self, event: Event) {
        let stats = &mut self.stats;
        match event {
            Event::Requested => stats.regions_requested += 1,
            Event::Compiled { ns, clif_instructions, guest_instructions } => {
                stats.compile_ns += ns;
                stats.clif_instructions += clif_instructions;
                stats.guest_instructions_translated += guest_instructions;
            }
            Event::Published { code_bytes, gains } => {
                stats.regions_published += 1;
                stats.code_bytes += code_bytes as u64;
                self.gains.iter_mut().zip(gains).for_each(|(total, more)| *total += more);
            }
            Event::Block { words, code_bytes, ns } => {
                stats.baseline_blocks += 1;
                stats.baseline_instructions_translated += u64::from(words);
                stats.baseline_code_bytes += code_bytes as u64;
                stats.baseline_ns += ns;
                self.gains[Optimisation::Baseline as usize] += 1;
            }
            Event::Restored { units, blocks } => {
                stats.units_restored += units as u64;
                stats.baseline_blocks_restored += blocks as u64;
            }
            Event::Dropped => stats.regions_dropped += 1,
            Event::Rejected => stats.regions_rejected += 1,
            Event::CompilerFailed(kind) => *stats.compiler_failures.entry(kind).or_default() += 1,
            Event::EntryGivenUp => stats.entries_given_up += 1,
            Event::GaveUp(why) => stats.gave_up = Some(why.to_owned()),
            Event::Killed(cause) => self.killed[cause as usize] += 1,
            Event::Generation => stats.generations += 1,
            Event::Executed { instructions, in_blocks, host_steps } => {
                stats.enters += 1;
                stats.instructions_compiled = stats.instructions_compiled.map(|before| before + instructions);
                stats.instructions_baseline = stats.instructions_baseline.map(|before| before + in_blocks);
                stats.host_steps += host_steps;
            }
            Event::Left(exit) => self.exits[exit.kind()] += 1,
        }
    }

    /// What was spent on code up to now, by earlier runs as well.
    pub fn spent(&self) -> Spent {
        let Spent { clif_instructions, instructions_in_blocks } = self.carried;
        Spent {
            clif_instructions: clif_instructions + self.stats.clif_instructions,
            instructions_in_blocks: instructions_in_blocks + self.stats.baseline_instructions_translated,
        }
    }

    /// What there is was made by earlier runs, at a cost.
    pub fn carry_over(&mut self, spent: Spent) {
        self.carried = spent;
    }

    /// Whether so much was made in this run that it is worth keeping beside what earlier runs have left.
    pub fn is_worth_keeping(&self) -> bool {
        let stats = &self.stats;
        stats.regions_published > stats.units_restored / KEEP_SHARE
            || stats.baseline_blocks > stats.baseline_blocks_restored / KEEP_SHARE
    }

    /// The sum of everything, but for what only the machine and the table of units know.
    pub fn stats(&self) -> Stats {
        let named = |names: &[&'static str], counts: &[u64]| -> BTreeMap<&'static str, u64> {
            names.iter().copied().zip(counts.iter().copied()).collect()
        };
        Stats {
            exits: named(&Exit::NAMES, &self.exits),
            invalidations: named(&Cause::ALL.map(Cause::name), &self.killed),
            optimisations: named(&Optimisation::ALL.map(Optimisation::name), &self.gains),
            ..self.stats.clone()
        }
    }
}
