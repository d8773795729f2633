//! A region of instructions becomes a function of Cranelift's intermediate representation (CLIF). Pure: the same region
//! always gives the same function, and nothing of the machine is read.
//!
//! # Where registers live
//!
//! Each of the eight registers has a *home* in the state. Inside a tree of blocks (a block and those that only it leads
//! to) registers are SSA values; a value that its home does not hold yet is *dirty*. At a *join* registers are in their
//! homes again, but for those that `analysis.rs` made parameters of the join; only registers that matter are stored.
//!
//! A small loop that can only be entered at its header gets a *preheader* in front of it. What does not change in the loop
//! is made there once: registers that are only read, the lengths of the segments that they name. Loops with the same header
//! have their preheaders one behind the other, the outermost first. A register that only an outer loop changes comes into
//! the inner one from outside and stays as it is, at home or not.
//!
//! # Where code may leave
//!
//! Compiled code never reports anything. Where an instruction might not take the quick way, a check leaves to an *exit*,
//! which completes the state as it was at some earlier boundary between two instructions and returns; the interpreter goes
//! on from there and does what remains. All checks since the last effect that may not happen twice share one exit: the
//! *window*. What ends a window: a store to a word that was read since the window began, an allocation, an abandonment,
//! output, a step by the host.
//!
//! Files: `value.rs` registers and arithmetic, `memory.rs` segments, `control.rs` edges, entries and exits, `switch.rs`
//! computed jumps.

mod control;
mod memory;
mod switch;
mod value;

pub(crate) use control::stub_signature;

use crate::abi;
use crate::exit::{Complete, Reason, Site};
use crate::facts::{Facts, Params, analyse};
use crate::guest::block::End;
use crate::guest::inst::{Inst, Volatile, regs};
use crate::guest::met::Met;
use crate::options::{Optimisation, Optimisations};
use crate::region::Region;
use cranelift_codegen::ir::{self, AbiParam, InstBuilder, MemFlagsData, Signature, UserFuncName, types};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use rum_interp::isa::{Instruction, Reg};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet};
use value::{RegState, Val};

/// Everything about the function but its code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Blocks that can be entered, in the order of their selectors.
    pub entries: Vec<u32>,
    pub sites: Vec<Site>,
    /// Constant offsets that the function stores to without looking who depends on them.
    pub plain_stores: BTreeSet<u32>,
    /// How often each optimisation did something.
    pub gains: [u64; Optimisation::ALL.len()],
    /// Instructions translated, copies included.
    pub guest_instructions: u64,
}

/// What translation depends on besides the region.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub optimisations: Optimisations,
    /// Whether executed instructions are counted and the limit is kept.
    pub count: bool,
    /// Identifiers that must be tested against the end of the address space first; none if all are inside.
    pub id_bound: Option<u64>,
    /// Checks leave when a countdown in the state says so, too (for tests).
    pub forced_exits: bool,
    /// Whether the compiler keeps what it makes as text (for tests).
    pub listings: bool,
    /// The compiler panics at units of these numbers (for tests).
    pub panic_every: Option<u64>,
}

/// The signature of every unit: the selector of an entry and the pc of the jump that leads there in (the latter only for
/// the miss stub), the number of an exit out.
pub(crate) fn unit_signature() -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params.extend([types::I32, types::I32].map(AbiParam::new));
    signature.returns.push(AbiParam::new(types::I64));
    signature
}

/// Translates a region into `function`. `unit` is at least 1.
pub(crate) fn translate(
    region: &Region,
    unit: u32,
    settings: &Settings,
    function: &mut ir::Function,
    context: &mut FunctionBuilderContext,
    isa: &dyn TargetIsa,
) -> Plan {
    let facts = analyse(region, settings.optimisations, settings.count);
    function.clear();
    function.signature = unit_signature();
    function.name = UserFuncName::user(0, unit);
    let mut translator = Translator {
        b: FunctionBuilder::new(function, context),
        region,
        facts: &facts,
        settings,
        unit,
        plan: Plan::default(),
        exits: Vec::new(),
        heads: FxHashMap::default(),
        loops: Vec::new(),
        dispatch: None,
        transfer: None,
        returns: BTreeMap::new(),
        signatures: FxHashMap::default(),
        wides: FxHashMap::default(),
        waiting: Vec::new(),
        env: Env::default(),
        straight_line: StraightLine::default(),
        block: 0,
        pc: 0,
    };
    translator.function();
    translator.b.seal_all_blocks();
    let plan = translator.plan;
    translator.b.finalize(isa.frontend_config());
    plan
}

/// Flags of every access: aligned or not it does not trap, and it is never reordered by us.
pub(crate) fn trusted() -> MemFlagsData {
    MemFlagsData::trusted()
}

/// What is known at a point of the function. Cloned where control splits.
#[derive(Clone, Default)]
struct Env {
    regs: [RegState; 8],
    /// The exit for checks since the last effect: an index into `exits`.
    window: Option<usize>,
    /// What was read from memory since the window may have begun.
    reads: Vec<memory::Read>,
    /// Values known to stand in memory.
    slots: Vec<(u32, Val)>,
    cells: Vec<(ir::Value, memory::Offset, Val)>,
    segments: memory::Segments,
    /// Pure operations done before.
    done: Vec<(value::Key, ir::Value)>,
    constants: Vec<(u32, ir::Value)>,
    /// Values known not to be 0.
    nonzero: Vec<ir::Value>,
    /// A divisor that is taken not to be 0, which the branch at the end of the block has to see to.
    doubtful: Option<ir::Value>,
    /// Address of granule 0, and of its length byte.
    base: Option<ir::Value>,
    lens: Option<ir::Value>,
    /// The poll word was looked at since the block began.
    polled: bool,
    /// Instructions executed in this block and not yet counted.
    uncounted: u32,
}

impl Env {
    /// Forgets what holds only until something else is executed; what the guest cannot change stays.
    fn end_of_straight_line(&mut self) {
        self.window = None;
        self.reads.clear();
        self.slots.clear();
        self.cells.clear();
        self.uncounted = 0;
    }
}

/// An exit whose block is written at the end.
struct PendingExit {
    block: ir::Block,
    pc: u32,
    regs: [RegState; 8],
    uncounted: u32,
    reason: Reason,
}

/// Names a stretch of code that is executed as a whole, unless it is left: between places where control splits or joins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct StraightLine(u32);

struct Translator<'a> {
    b: FunctionBuilder<'a>,
    region: &'a Region,
    facts: &'a Facts,
    settings: &'a Settings,
    unit: u32,
    plan: Plan,
    exits: Vec<PendingExit>,
    /// The CLIF blocks of joins; of a loop's header, the preheader of the outermost loop.
    heads: FxHashMap<u32, ir::Block>,
    /// Of each loop: where its edges back go (to the preheader of the next loop with the same header, if there is one), and
    /// what is known in it.
    loops: Vec<(ir::Block, Env)>,
    /// Shared ends: a computed jump, a jump to another unit, and returns of a number.
    dispatch: Option<ir::Block>,
    transfer: Option<ir::Block>,
    /// In order of their numbers: the same region always gives the same function.
    returns: BTreeMap<Complete, ir::Block>,
    signatures: FxHashMap<usize, ir::SigRef>,
    /// 64-bit forms of values, made where the values were.
    wides: FxHashMap<ir::Value, ir::Value>,
    /// Blocks of the tree that is being translated: start, CLIF block (none: where the builder stands), what is known.
    waiting: Vec<(u32, Option<ir::Block>, Env)>,
    env: Env,
    straight_line: StraightLine,
    /// The start of the block being translated, and the instruction.
    block: u32,
    pc: u32,
}

impl Translator<'_> {
    fn function(&mut self) {
        let entry = self.b.create_block();
        self.b.append_block_params_for_function_params(entry);
        let joins: Vec<u32> =
            self.region.blocks.keys().copied().filter(|&start| self.region.blocks[&start].is_join()).collect();
        for &start in &joins {
            let head = self.block_with_params(self.params_of(start));
            self.heads.insert(start, head);
        }
        let facts = self.facts;
        for found in &facts.loops {
            let again = self.block_with_params(found.params);
            self.loops.push((again, Env::default()));
        }
        self.plan.entries = self.choose_entries(&joins);
        self.entry(entry);
        // Loops take what is known from the loops around them.
        let mut ordered: Vec<u32> = facts.loops.iter().map(|found| found.header).collect();
        ordered.extend(joins);
        let mut seen = FxHashSet::default();
        for start in ordered.into_iter().filter(|&start| seen.insert(start)) {
            self.begin_join(start);
            self.tree(start);
        }
        self.shared_ends();
        self.pending_exits();
    }

    fn params_of(&self, start: u32) -> Params {
        self.facts.params.get(&start).copied().unwrap_or_default()
    }

    fn block_with_params(&mut self, params: Params) -> ir::Block {
        let block = self.b.create_block();
        for _ in 0..params.regs.count_ones() + params.quotients.count_ones() {
            self.b.append_block_param(block, types::I32);
        }
        block
    }

    /// Whether a join needs nothing from the loop that it is in.
    fn is_enterable(&self, start: u32) -> bool {
        self.facts.loop_around(start).is_none()
    }

    /// Every join whose registers are at home can be entered at no cost; others where that was asked for.
    fn choose_entries(&self, joins: &[u32]) -> Vec<u32> {
        let wanted = |&start: &u32| {
            self.region.blocks[&start].entry || (self.params_of(start) == Params::default() && self.is_enterable(start))
        };
        let root = std::iter::once(self.region.root);
        let rest = joins.iter().copied().filter(wanted).filter(|&start| start != self.region.root);
        root.chain(rest).take(abi::ENTRIES_MAX).collect()
    }

    /// Starts a join: what is known there is only what holds on every way to it.
    fn begin_join(&mut self, start: u32) {
        let env = self.facts.loop_around(start).map_or_else(Env::default, |around| self.loops[around].1.clone());
        self.begin(self.heads[&start], self.params_of(start), env);
        for index in self.facts.loops_of_header(start) {
            self.preheader(index);
        }
    }

    /// Starts a CLIF block that takes registers as parameters; all else that is known is in `env`.
    fn begin(&mut self, block: ir::Block, params: Params, mut env: Env) {
        self.b.switch_to_block(block);
        self.straight_line.0 += 1;
        let mut values = self.b.block_params(block).to_vec().into_iter();
        for reg in Reg::ALL {
            let bit = 1 << reg.index();
            if self.region.zero & bit != 0 {
                env.regs[reg.index()] = RegState { val: Val::Const(0), dirty: false };
            } else if params.regs & bit != 0 {
                self.gain(Optimisation::Loops);
                let mut next = || values.next().expect("a parameter for each register in the set");
                let val = match params.quotients & bit {
                    0 => Val::Ssa(next()),
                    _ => Val::Quotient { dividend: next(), divisor: next() },
                };
                env.regs[reg.index()] = RegState { val, dirty: true };
            }
        }
        self.env = env;
    }

    /// Makes what does not change in a loop, and goes on in it.
    fn preheader(&mut self, index: usize) {
        let found = &self.facts.loops[index];
        for reg in regs(found.invariant) {
            self.get(reg);
        }
        if found.uses_lens {
            self.lens();
        }
        if found.steady && self.on(Optimisation::Lengths) {
            for reg in regs(found.segments) {
                let id = self.get(reg);
                self.length_of(id);
                self.words_of(id);
            }
        }
        self.base();
        let again = self.loops[index].0;
        let args = self.arguments(found.params);
        self.b.ins().jump(again, &args);
        let mut env = std::mem::take(&mut self.env);
        for reg in regs(found.changed) {
            env.regs[reg.index()] = RegState::default();
        }
        env.end_of_straight_line();
        if !found.steady {
            env.segments = memory::Segments::default();
        }
        self.loops[index].1 = env.clone();
        self.begin(again, found.params, env);
    }

    /// Translates the block at `start`, where the builder stands, and the blocks that only it leads to.
    fn tree(&mut self, start: u32) {
        self.block(start);
        while let Some((start, head, env)) = self.waiting.pop() {
            if let Some(head) = head {
                self.b.switch_to_block(head);
                self.straight_line.0 += 1;
            }
            self.env = env;
            self.block(start);
        }
    }

    fn block(&mut self, start: u32) {
        let region = self.region;
        let block = &region.blocks[&start];
        self.block = start;
        self.env.polled = false;
        self.pc = start;
        if self.settings.count {
            self.check_limit(block);
        }
        for (pc, inst) in block.with_pcs() {
            self.pc = pc;
            self.plan.guest_instructions += 1;
            if !self.inst(inst) {
                // It always leaves.
                return;
            }
        }
        self.pc = block.end();
        match block.how {
            End::Leave => self.leave(),
            End::Fall => {
                self.count();
                self.go_to(block, block.end());
            }
            End::Jump { .. } | End::Computed => self.load_program(block),
        }
    }

    /// Translates what stands at the pc; the load-program at the end of a block comes later. False if code never goes on
    /// behind it.
    fn inst(&mut self, inst: Inst) -> bool {
        match inst {
            Inst::Fixed(Instruction::LoadProgram { .. }, _) => {}
            Inst::Volatile(Volatile::Literal(a)) => return self.patched_literal(a),
            _ if inst.is_by_host() => self.host_step(inst),
            Inst::Fixed(instruction, met) => return self.instruction(instruction, met),
            Inst::Volatile(Volatile::Anything) => unreachable!("the host's"),
        }
        true
    }

    /// Translates an instruction that is no jump. False if code never goes on behind it.
    fn instruction(&mut self, instruction: Instruction, met: Met) -> bool {
        match instruction {
            Instruction::CondMove { a, b, c } => self.cond_move(a, b, c),
            Instruction::Index { a, b, c } => return self.index(a, b, c, met),
            Instruction::Amend { a, b, c } => return self.amend(a, b, c, met),
            Instruction::Add { a, b, c } => self.add(a, b, c),
            Instruction::Mul { a, b, c } => self.mul(a, b, c),
            Instruction::Div { a, b, c } => return self.div(a, b, c),
            Instruction::Nand { a, b, c } => self.nand(a, b, c),
            Instruction::Alloc { b, c } => self.alloc(b, c),
            Instruction::Abandon { c } => self.abandon(c),
            Instruction::Output { c } => self.output(c),
            Instruction::Literal { a, value } => self.set(a, Val::Const(value)),
            Instruction::Halt
            | Instruction::Input { .. }
            | Instruction::LoadProgram { .. }
            | Instruction::Invalid { .. } => unreachable!("not in the middle of a block"),
        }
        self.env.uncounted += 1;
        true
    }

    /// The pinned register: the address of granule 0.
    fn base(&mut self) -> ir::Value {
        if let Some(base) = self.env.base {
            return base;
        }
        let base = self.b.ins().get_pinned_reg(types::I64);
        self.env.base = Some(base);
        base
    }
}
