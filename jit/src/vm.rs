//! A machine with its engine: the only loop that knows both tiers.

use crate::options::{EngineKind, Options};
use crate::stats::Stats;
use rum_interp::{Machine, Stop};

/// Why an engine cannot be had.
#[derive(Debug)]
pub enum EngineError {
    /// Compiled code is not available; the text says why.
    NoJit(String),
}

impl std::fmt::Display for EngineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EngineError::NoJit(why) => write!(f, "the JIT is not available: {why}"),
        }
    }
}

impl std::error::Error for EngineError {}

/// A machine and the engine that runs it.
#[derive(Debug)]
pub struct Vm {
    machine: Machine,
}

impl Vm {
    /// Gives a machine its engine.
    ///
    /// # Errors
    /// `Jit` was asked for and cannot be had.
    pub fn new(machine: Machine, options: &Options) -> Result<Vm, EngineError> {
        match options.engine {
            EngineKind::Jit => Err(EngineError::NoJit("this version has none".to_owned())),
            EngineKind::Interp | EngineKind::Auto => Ok(Vm { machine }),
        }
    }

    /// Runs until the program stops, or `budget` more instructions have been executed (exactly). Output is written
    /// before this returns. After `Budget` and `Interrupted` the machine can go on.
    pub fn run(&mut self, budget: Option<u64>) -> Stop {
        self.machine.run(budget)
    }

    /// The machine.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The machine, to change it between runs.
    pub fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    /// Counters up to now.
    pub fn stats(&self) -> Stats {
        Stats { instructions: self.machine.executed() }
    }
}
