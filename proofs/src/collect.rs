//! Runs a program and keeps what the optimising tier makes of it: the units that are to be proved.

use anyhow::Context;
use rum_interp::{AddressSpace, Ids, Machine, MachineOptions, Scripted, Word};
use rum_jit::contract::Contract;
use rum_jit::{EngineKind, Options, Vm};
use std::time::Duration;

/// A unit to be proved: what it promises, and its function as text.
pub type Unit = (Contract, String);

/// How a program is run.
#[derive(Clone, Debug)]
pub struct Course {
    /// Which identifiers segments get.
    pub ids: Ids,
    /// Address space for segments.
    pub space: AddressSpace,
    /// Jumps to a block after which it is compiled.
    pub threshold: u32,
    /// Instructions after which it is stopped, if code counts them.
    pub budget: Option<u64>,
    /// How long it runs at the most: what is wrong may not end.
    pub time: Duration,
    /// Optimisations left out, and the like.
    pub options: Options,
}

impl Course {
    /// The units that are made of a program in a run with this input.
    ///
    /// # Errors
    /// There is no machine for it, or no engine.
    pub fn units(&self, program: &[Word], input: &[u8]) -> anyhow::Result<Vec<Unit>> {
        let options = MachineOptions { ids: self.ids, address_space: self.space, ..MachineOptions::default() };
        let machine = Machine::new(program, Box::new(Scripted::new(input)), &options).context("no machine")?;
        let options = Options {
            engine: EngineKind::Jit,
            hot_threshold: self.threshold,
            compile_threads: 0,
            keep_listings: true,
            ..self.options.clone()
        };
        let mut vm = Vm::new(machine, &options).context("no engine")?;
        vm.run_for(self.time, self.budget)?;
        Ok(vm.listings().iter().map(|listing| (listing.contract.clone(), listing.clif.clone())).collect())
    }
}
