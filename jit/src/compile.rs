//! The pipeline: region, facts, CLIF, host code, in one function.

use crate::contract::{Code, Contract, ExitPoint, word_at};
use crate::exit::Site;
use crate::explain::{CodePart, Listing};
use crate::guest::inst::{Inst, Volatile};
use crate::optimise::translate;
use crate::plan::Plan;
use crate::region::Region;
use crate::settings::Settings;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::{CodegenError, Context, Final, MachSrcLoc};
use cranelift_frontend::FunctionBuilderContext;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// A compiled region, not yet published.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub plan: Plan,
    pub bytes: Vec<u8>,
    pub align: u64,
    pub clif_instructions: u64,
    pub time: Duration,
    /// If it was asked for.
    pub listing: Option<Listing>,
}

/// Why there is no code, by who has to act.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompileError {
    /// Nobody: the region is not for the compiler (it became too large, say), and the interpreter executes it.
    #[error("the region cannot be compiled: {0}")]
    Region(String),
    /// Whoever writes rum: the compiler has a defect. The interpreter executes the region.
    #[error("a defect of the compiler: {0}")]
    Defect(String),
    /// Whoever runs rum: the system refuses something.
    #[error("{0}")]
    System(String),
}

impl CompileError {
    /// The names of all kinds.
    pub const KINDS: [&'static str; 3] = ["region", "defect", "system"];

    /// The name that statistics use.
    pub fn kind(&self) -> &'static str {
        match self {
            CompileError::Region(_) => CompileError::KINDS[0],
            CompileError::Defect(_) => CompileError::KINDS[1],
            CompileError::System(_) => CompileError::KINDS[2],
        }
    }

    fn of_cranelift(error: &CodegenError) -> CompileError {
        let text = error.to_string();
        match error {
            CodegenError::ImplLimitExceeded | CodegenError::CodeTooLarge | CodegenError::Unsupported(_) => {
                CompileError::Region(text)
            }
            _ => CompileError::Defect(text),
        }
    }
}

/// The contract of a unit made from a region.
pub(crate) fn contract(region: &Region, unit: u32, settings: &Settings, plan: &Plan) -> Contract {
    let code = |inst: Inst| match inst {
        Inst::Fixed(instruction, _) => Code::Fixed(instruction.encode()),
        Inst::Volatile(Volatile::Literal(a)) => Code::Literal(a.index() as u8),
        Inst::Volatile(Volatile::Anything) => Code::Anything,
    };
    let blocks = region.blocks.values();
    let exit = |site: &Site| ExitPoint { pc: site.pc, constants: site.constants.clone(), uncounted: site.uncounted };
    let lookup = settings.lookup;
    Contract {
        unit,
        program_len: region.program_len,
        zero: region.zero,
        blocks: blocks
            .clone()
            .map(|block| (block.start, block.insts.iter().map(|&inst| code(inst)).collect()))
            .collect(),
        edges: blocks.clone().flat_map(|from| region.successors(from).map(|to| (from.start, to))).collect(),
        joins: blocks.filter(|block| block.is_join()).map(|block| block.start).collect(),
        entries: plan.entries.clone(),
        exits: plan.sites.iter().map(exit).collect(),
        heads: plan.heads.clone(),
        plain_stores: plan.plain_stores.iter().copied().collect(),
        all_named: lookup.all_named(),
        id_bound: lookup.id_bound,
        names_bound: lookup.names_bound,
        naming: region.naming,
        counts: settings.count,
        observed: settings.watch || settings.tally,
    }
}

/// Compiles regions; reuses its buffers.
pub(crate) struct Compiler {
    isa: OwnedTargetIsa,
    context: Context,
    builder: FunctionBuilderContext,
}

impl Compiler {
    pub fn new(isa: OwnedTargetIsa) -> Compiler {
        Compiler { isa, context: Context::new(), builder: FunctionBuilderContext::new() }
    }

    /// Compiles a region as unit `unit`. A panic on the way is a defect like others: it costs the region.
    ///
    /// # Errors
    /// There is no code, and why.
    pub fn compile(&mut self, region: &Region, unit: u32, settings: &Settings) -> Result<Compiled, CompileError> {
        let result = catch_unwind(AssertUnwindSafe(|| self.pipeline(region, unit, settings)));
        result.unwrap_or_else(|panic| {
            // What was being made is in no state to be used again.
            *self = Compiler::new(self.isa.clone());
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Err(CompileError::Defect(text.unwrap_or("a panic without words").to_owned()))
        })
    }

    /// Region, facts, CLIF, host code.
    fn pipeline(&mut self, region: &Region, unit: u32, settings: &Settings) -> Result<Compiled, CompileError> {
        let start = Instant::now();
        self.context.clear();
        let mut plan = translate(region, unit, settings, &mut self.context.func, &mut self.builder, &*self.isa);
        if settings.panic_every.is_some_and(|every| u64::from(unit).is_multiple_of(every)) {
            panic!("a panic for a test");
        }
        let clif = settings.listings.then(|| self.context.func.display().to_string());
        self.context.set_disasm(settings.listings);
        let clif_instructions = self.context.func.dfg.num_insts() as u64;
        let compiled = self
            .context
            .compile(&*self.isa, &mut ControlPlane::default())
            .map_err(|error| CompileError::of_cranelift(&error.inner))?;
        if !compiled.buffer.relocs().is_empty() {
            return Err(CompileError::Defect("the code has relocations".to_owned()));
        }
        let align = u64::from(compiled.buffer.alignment).max(16);
        let bytes = compiled.code_buffer().to_vec();
        let code = compiled.vcode.as_deref().unwrap_or_default();
        let listing = clif.map(|clif| {
            let part = |place: &MachSrcLoc<Final>| CodePart {
                pc: word_at(place.loc.bits()),
                start: place.start,
                end: place.end,
            };
            Listing {
                unit,
                root: region.root,
                blocks: region.blocks.values().map(|block| (block.start, block.end() - block.start)).collect(),
                zero: region.zero,
                clif,
                code: code.to_owned(),
                bytes: bytes.clone(),
                parts: compiled.buffer.get_srclocs_sorted().iter().map(part).collect(),
                notes: std::mem::take(&mut plan.notes),
                contract: contract(region, unit, settings, &plan),
            }
        });
        Ok(Compiled { plan, bytes, align, clif_instructions, time: start.elapsed(), listing })
    }
}
