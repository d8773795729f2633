//! The walk over a region: joins, loops, trees of blocks, instructions.

use super::env::{Env, PendingExit};
use super::segments::{Segments, StraightLine};
use super::val::{RegState, Val};
use crate::abi;
use crate::contract::{Head, Held, location};
use crate::emit::Emitter;
use crate::explain::Note;
use crate::facts::{Facts, Params};
use crate::guest::block::End;
use crate::guest::inst::{Inst, Volatile, regs};
use crate::guest::met::Met;
use crate::options::Optimisation;
use crate::plan::Plan;
use crate::region::Region;
use crate::settings::Settings;
use cranelift_codegen::ir::{self, InstBuilder, types};
use cranelift_codegen::isa::TargetFrontendConfig;
use cranelift_frontend::FunctionBuilderContext;
use rum_interp::isa::{Instruction, Reg};
use rustc_hash::{FxHashMap, FxHashSet};

/// A region on its way to become a function.
pub(super) struct Translator<'a> {
    pub e: Emitter<'a>,
    pub region: &'a Region,
    pub facts: &'a Facts,
    pub settings: &'a Settings,
    pub plan: Plan,
    pub exits: Vec<PendingExit>,
    /// The CLIF blocks of joins; of a loop's header, the preheader of the outermost loop.
    pub heads: FxHashMap<u32, ir::Block>,
    /// Of each loop: where its edges back go (to the preheader of the next loop with the same header, if there is one), and
    /// what is known in it.
    pub loops: Vec<(ir::Block, Env)>,
    /// 64-bit forms of values, made where the values were.
    pub wides: FxHashMap<ir::Value, ir::Value>,
    /// Blocks of the tree that is being translated: start, CLIF block (none: where the builder stands), what is known.
    pub waiting: Vec<(u32, Option<ir::Block>, Env)>,
    /// What is known here.
    pub env: Env,
    pub straight_line: StraightLine,
    /// The start of the block being translated, and the instruction.
    pub block: u32,
    pub pc: u32,
}

impl<'a> Translator<'a> {
    /// Begins the function of unit `unit`.
    pub fn new(
        region: &'a Region,
        facts: &'a Facts,
        settings: &'a Settings,
        unit: u32,
        function: &'a mut ir::Function,
        context: &'a mut FunctionBuilderContext,
    ) -> Translator<'a> {
        Translator {
            e: Emitter::new(function, context, unit, region.program_len),
            region,
            facts,
            settings,
            plan: Plan::default(),
            exits: Vec::new(),
            heads: FxHashMap::default(),
            loops: Vec::new(),
            wides: FxHashMap::default(),
            waiting: Vec::new(),
            env: Env::default(),
            straight_line: StraightLine::default(),
            block: 0,
            pc: 0,
        }
    }
}

impl Translator<'_> {
    /// The whole function, and what belongs to it.
    pub fn run(mut self, config: TargetFrontendConfig) -> Plan {
        self.function();
        self.e.finish(config);
        self.plan
    }

    fn function(&mut self) {
        let entry = self.e.b.create_block();
        self.e.b.append_block_params_for_function_params(entry);
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
        // What several words share comes from none.
        self.e.b.set_srcloc(ir::SourceLoc::default());
        self.shared_ends();
        self.pending_exits();
    }

    pub(super) fn params_of(&self, start: u32) -> Params {
        self.facts.params.get(&start).copied().unwrap_or_default()
    }

    pub(super) fn block_with_params(&mut self, params: Params) -> ir::Block {
        let block = self.e.b.create_block();
        for _ in 0..params.regs.count_ones() + params.quotients.count_ones() {
            self.e.b.append_block_param(block, types::I32);
        }
        block
    }

    /// Whether a join needs nothing from the loop that it is in.
    pub(super) fn is_enterable(&self, start: u32) -> bool {
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
        self.comes_from(start);
        let env = self.facts.loop_around(start).map_or_else(Env::default, |around| self.loops[around].1.clone());
        self.begin(self.heads[&start], self.params_of(start), env);
        self.note_head(start, self.heads[&start]);
        for index in self.facts.loops_of_header(start) {
            self.preheader(index);
        }
    }

    /// Starts a CLIF block that takes registers as parameters; all else that is known is in `env`.
    fn begin(&mut self, block: ir::Block, params: Params, mut env: Env) {
        self.e.b.switch_to_block(block);
        self.straight_line.0 += 1;
        let mut values = self.e.b.block_params(block).to_vec().into_iter();
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
        let all_named = self.settings.lookup.all_named();
        if found.uses_lens && !all_named {
            self.lens();
        }
        if found.steady && self.on(Optimisation::Lengths) {
            for reg in regs(found.segments) {
                let id = self.get(reg);
                let length = self.length_of(id, all_named || found.named >> reg.index() & 1 != 0);
                self.words_of(length.granule.unwrap_or(id));
            }
        }
        self.base();
        let again = self.loops[index].0;
        let args = self.arguments(found.params);
        self.e.b.ins().jump(again, &args);
        let mut env = std::mem::take(&mut self.env);
        for reg in regs(found.changed) {
            env.regs[reg.index()] = RegState::default();
        }
        env.end_of_straight_line();
        if !found.steady {
            env.segments = Segments::default();
        }
        self.loops[index].1 = env.clone();
        self.begin(again, found.params, env);
        self.note_head(found.header, again);
    }

    /// Notes what is taken for granted where control comes together, if that is to be told.
    fn note_head(&mut self, pc: u32, block: ir::Block) {
        if !self.settings.listings {
            return;
        }
        let held = |reg: &RegState| match reg.val {
            Val::Const(value) => Held::Constant(value),
            Val::Ssa(value) => Held::Value(value.as_u32()),
            Val::Quotient { dividend, divisor } => Held::Quotient(dividend.as_u32(), divisor.as_u32()),
            Val::Home | Val::Choice { .. } => Held::Home,
        };
        let regs = &self.env.regs;
        let clean = regs.iter().enumerate().fold(0, |set, (index, reg)| set | u8::from(!reg.dirty) << index);
        self.plan.heads.push(Head {
            block: block.as_u32(),
            pc,
            registers: std::array::from_fn(|index| held(&regs[index])),
            at_home: clean & self.facts.matters[&pc],
            lengths: self.env.segments.known_lengths().collect(),
        });
    }

    /// Translates the block at `start`, where the builder stands, and the blocks that only it leads to.
    fn tree(&mut self, start: u32) {
        self.block(start);
        while let Some((start, head, env)) = self.waiting.pop() {
            if let Some(head) = head {
                self.e.b.switch_to_block(head);
                self.straight_line.0 += 1;
            }
            self.env = env;
            self.arrive();
            self.block(start);
        }
    }

    /// What is emitted from here on comes from a word, if that is to be told.
    fn comes_from(&mut self, pc: u32) {
        if self.settings.listings {
            self.e.b.set_srcloc(ir::SourceLoc::new(location(pc)));
        }
    }

    fn block(&mut self, start: u32) {
        let region = self.region;
        let block = &region.blocks[&start];
        self.block = start;
        self.env.polled = false;
        self.pc = start;
        self.comes_from(start);
        if self.settings.count {
            self.check_limit(block);
        }
        for (pc, inst) in block.with_pcs() {
            self.pc = pc;
            self.comes_from(pc);
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
            Inst::Volatile(Volatile::Literal(a)) => {
                self.note(Note::ReadAnew);
                return self.patched_literal(a);
            }
            Inst::Fixed(Instruction::Input { c }, met) if !met.contains(Met::HOST) => self.input(c),
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
    pub(super) fn base(&mut self) -> ir::Value {
        if let Some(base) = self.env.base {
            return base;
        }
        let base = self.e.base();
        self.env.base = Some(base);
        base
    }
}
