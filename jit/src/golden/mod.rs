//! Golden tests of the translator: small guest programs, the CLIF that comes of them, and the blocks of the baseline tier.
//!
//! What each program becomes stands in `snapshots/`, beside the program as text and what the driver is told about the
//! function. After a change of the translator `INSTA_UPDATE=always cargo test -p rum-jit golden` writes the snapshots
//! anew; the difference is what the change does, to be looked at before it is committed.
//!
//! Every function is also compiled for each architecture that is supported, whatever the host is, with Cranelift's
//! verifier on. Blocks are listed where there is such a tier.

mod control;
mod memory;
mod proof;
mod values;

use crate::code::isa_for;
use crate::discovery::{Surroundings, discover};
use crate::guest::met::Met;
use crate::optimise::translate;
use crate::options::{Optimisation, Optimisations};
use crate::plan::Plan;
use crate::region::Region;
use crate::settings::{Lookup, Settings};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_frontend::FunctionBuilderContext;
use rum_interp::isa::Instruction;
use rum_interp::{Ids, Word};
use rum_testkit::builder::Builder;
use rustc_hash::{FxHashMap, FxHashSet};
use std::fmt::Write;

/// Architectures that every function is compiled for.
const TRIPLES: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

/// The register that holds 0 in these programs, as the set of registers that a region takes to be 0.
const ZERO: u8 = 1 << 6;

/// A program and the circumstances under which the region at its start is translated.
struct Guest {
    words: Vec<Word>,
    /// Registers that hold 0 at the start.
    zero: u8,
    /// Words that were jumped to often enough to belong to the region if it leads to them.
    warm: FxHashSet<u32>,
    /// What depends on words: `WATCH_...` bits.
    watch: FxHashMap<u32, u8>,
    /// What instructions have met.
    met: FxHashMap<u32, Met>,
    /// Names of the large segments that instructions have always met.
    names: FxHashMap<u32, u32>,
    /// Words that are patched again and again.
    volatile: FxHashSet<u32>,
    /// Where computed jumps were seen to go.
    targets: FxHashMap<u32, Vec<u32>>,
    settings: Settings,
}

impl Guest {
    /// The program that `write` makes, its start hot and nothing else known.
    fn new(write: impl FnOnce(&mut Builder)) -> Guest {
        let mut b = Builder::new();
        write(&mut b);
        let settings = Settings {
            optimisations: Optimisations::without(&[]),
            count: false,
            watch: false,
            tally: false,
            baseline_threshold: 1,
            blocks_bytes_max: 1 << 20,
            lookup: Lookup { ids: Ids::Address, id_bound: None, names_bound: None },
            forced_exits: false,
            keep: false,
            listings: false,
            panic_every: None,
        };
        Guest {
            words: b.build(),
            zero: ZERO,
            warm: FxHashSet::default(),
            watch: FxHashMap::default(),
            met: FxHashMap::default(),
            names: FxHashMap::default(),
            volatile: FxHashSet::default(),
            targets: FxHashMap::default(),
            settings,
        }
    }

    /// The word at `pc` was jumped to often.
    fn warm(mut self, pc: u32) -> Guest {
        self.warm.insert(pc);
        self
    }

    /// `WATCH_...` bits of the word at `pc`.
    fn watch(mut self, pc: u32, bits: u8) -> Guest {
        self.watch.insert(pc, bits);
        self
    }

    /// What the instruction at `pc` has met.
    fn met(mut self, pc: u32, met: Met) -> Guest {
        self.met.entry(pc).or_default().insert(met);
        self
    }

    /// The instruction at `pc` has always met the large segment with a name.
    fn name(mut self, pc: u32, name: u32) -> Guest {
        self.names.insert(pc, name);
        self.met(pc, Met::NAMED)
    }

    fn region(&self) -> Region {
        let around = Surroundings {
            program: &self.words,
            heat: &|pc| i32::from(self.warm.contains(&pc)),
            is_entry: &|_| false,
            targets: &|pc| self.targets.get(&pc).map_or(&[], |targets| targets),
            follow_targets: self.settings.optimisations.has(Optimisation::Targets),
            is_volatile: &|pc| self.volatile.contains(&pc),
            is_barred: &|_| false,
            watch: &|pc| self.watch.get(&pc).copied().unwrap_or(0),
            met: &|pc| self.met.get(&pc).copied().unwrap_or_default(),
            warm: 1,
            words_max: 1000,
        };
        let mut region = discover(&around, 0, self.zero).expect("there is something to compile");
        region.names = self.names.clone();
        region
    }

    /// Translates and compiles the region for one architecture: the CLIF as text, and what belongs to it.
    fn compile(&self, region: &Region, isa: &OwnedTargetIsa) -> (String, Plan) {
        let mut context = Context::new();
        let mut builder = FunctionBuilderContext::new();
        let plan = translate(region, 1, &self.settings, &mut context.func, &mut builder, &**isa);
        let clif = context.func.display().to_string();
        let code = context.compile(&**isa, &mut ControlPlane::default()).map_err(|error| format!("{:?}", error.inner));
        let code = code.unwrap_or_else(|error| panic!("{}: {error}\n{clif}", isa.triple()));
        assert!(!code.code_buffer().is_empty(), "{}: no code", isa.triple());
        assert!(code.buffer.relocs().is_empty(), "{}: relocations", isa.triple());
        (clif, plan)
    }

    /// The snapshot: program, facts, CLIF. The CLIF must be the same for every architecture, and compile for each.
    fn golden(&self) -> String {
        let region = self.region();
        let [(clif, plan), (other, _)] = TRIPLES.map(|triple| {
            let isa = isa_for(triple.parse().expect("a triple")).expect("a supported architecture");
            assert!(isa.flags().enable_verifier(), "tests are built with assertions");
            self.compile(&region, &isa)
        });
        assert_eq!(clif, other, "the same region gives the same CLIF, whatever the architecture");
        let mut text = String::new();
        let mut line = |line: String| writeln!(text, "{line}").expect("text grows");
        for (pc, &word) in self.words.iter().enumerate() {
            line(format!("{pc:>3}  {}", Instruction::decode(word)));
        }
        line(String::new());
        line(format!("entries: {:?}", plan.entries));
        if !plan.plain_stores.is_empty() {
            line(format!("stores without looking: {:?}", plan.plain_stores));
        }
        for optimisation in Optimisation::ALL.into_iter().filter(|&which| plan.gains[which as usize] > 0) {
            line(format!("{}: {}", optimisation.name(), plan.gains[optimisation as usize]));
        }
        for (number, site) in plan.sites.iter().enumerate() {
            let constants = site.constants.iter().map(|(reg, value)| format!(", r{reg} = {value}")).collect::<String>();
            line(format!("exit {number}: {:?} at {}, {} uncounted{constants}", site.reason, site.pc, site.uncounted));
        }
        line(String::new());
        text + clif.trim_end()
    }

    /// The other snapshots: what the baseline tier makes of each block of the region, for each processor that it is there for.
    #[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
    fn blocks(&self) -> [String; 2] {
        use crate::baseline::listings;
        use rum_interp::engine::WATCH_DERIVED;
        use rum_interp::{Machine, MachineOptions, Scripted};
        let options = MachineOptions { ids: self.settings.lookup.ids, ..MachineOptions::default() };
        let mut machine = Machine::new(&self.words, Box::new(Scripted::default()), &options).expect("a machine");
        // SAFETY: nothing is moved out of the state.
        let state = unsafe { machine.state_mut() };
        for (reg, value) in state.registers_mut().iter_mut().enumerate() {
            *value = u32::from(self.zero >> reg & 1 == 0);
        }
        self.volatile.iter().for_each(|&pc| state.make_volatile(pc));
        for (&pc, &bits) in &self.watch {
            if bits & WATCH_DERIVED != 0 {
                state.watch_mut().mark_derived(pc);
            }
        }
        let starts = self.region().blocks.into_keys();
        let listed: Vec<[String; 2]> = starts.filter_map(|pc| listings(state, &self.settings, pc)).collect();
        [0, 1].map(|processor| listed.iter().map(|listing| &*listing[processor]).collect::<Vec<_>>().join("\n"))
    }
}

/// Compares what a guest becomes with the snapshots of the test around: as a unit, and as blocks where there are any.
macro_rules! assert_golden {
    ($guest:expr) => {
        insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "snapshots", omit_expression => true }, {
            let guest = $guest;
            guest.assert_proved();
            insta::assert_snapshot!(guest.golden());
            #[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
            for blocks in guest.blocks() {
                insta::assert_snapshot!(blocks);
            }
        })
    };
}
use assert_golden;
