//! Edges, entries, exits: how control comes into a unit, moves in it, and leaves it.

use super::value::{Key, RegState, Val};
use super::{Env, PendingExit, Translator, trusted, unit_signature};
use crate::abi;
use crate::exit::{Complete, Reason, SITES_MAX, Site, site_number};
use crate::facts::Params;
use crate::guest::block::Block;
use crate::guest::inst::{Inst, RegSet, regs};
use crate::options::Optimisation;
use cranelift_codegen::ir::{self, AbiParam, BlockArg, InstBuilder, JumpTableData, Signature, condcodes::IntCC, types};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;
use rum_interp::isa::{Instruction, Reg};

/// The signature of stubs: all registers preserved, so that a call on a path hardly taken costs the others nothing.
pub(crate) fn stub_signature(params: usize) -> Signature {
    let mut signature = Signature::new(CallConv::PreserveAll);
    signature.params.extend((0..params).map(|_| AbiParam::new(types::I32)));
    signature
}

impl Translator<'_> {
    /// The function's first block: guards, the poll word, and the way to the block that the selector names.
    pub(super) fn entry(&mut self, entry: ir::Block) {
        self.b.switch_to_block(entry);
        self.env = Env::default();
        let selector = self.b.block_params(entry)[0];
        let base = self.base();
        for reg in Reg::ALL.into_iter().filter(|reg| self.region.zero >> reg.index() & 1 != 0) {
            let value = self.b.ins().load(types::I32, trusted(), base, abi::register(reg.index()));
            self.return_if(value, Complete::Guard);
        }
        let polled = self.polled(base);
        self.return_if(polled, Complete::Poll);
        if let [only] = self.plan.entries[..] {
            self.enter(only);
        } else {
            let first = self.iconst(self.unit << abi::SELECTOR_BITS);
            let index = self.b.ins().isub(selector, first);
            let never = self.return_block(Complete::Miss);
            self.select_entry(index, never);
        }
    }

    /// Goes to the entry with the given index, or to `otherwise` if there is none.
    fn select_entry(&mut self, index: ir::Value, otherwise: ir::Block) {
        let mut targets = Vec::new();
        let mut with_params = Vec::new();
        for start in self.plan.entries.clone() {
            let target = if self.params_of(start) == Params::default() {
                self.heads[&start]
            } else {
                let block = self.b.create_block();
                with_params.push((block, start));
                block
            };
            targets.push(self.b.func.dfg.block_call(target, &[]));
        }
        let otherwise = self.b.func.dfg.block_call(otherwise, &[]);
        let table = self.b.create_jump_table(JumpTableData::new(otherwise, &targets));
        self.b.ins().br_table(index, table);
        for (block, start) in with_params {
            self.b.switch_to_block(block);
            self.env = Env::default();
            self.enter(start);
        }
    }

    /// Goes to a join with every register at home.
    fn enter(&mut self, start: u32) {
        let args = self.arguments(self.params_of(start));
        self.b.ins().jump(self.heads[&start], &args);
    }

    /// Registers that are taken as parameters, as they are here.
    pub(super) fn arguments(&mut self, params: Params) -> Vec<BlockArg> {
        let mut arguments = Vec::new();
        for reg in regs(params.regs) {
            let (value, divisor) = match self.val(reg) {
                _ if params.quotients >> reg.index() & 1 == 0 => (self.get(reg), None),
                Val::Quotient { dividend, divisor } => (dividend, Some(divisor)),
                _ => (self.get(reg), Some(self.iconst(1))),
            };
            arguments.extend([Some(value), divisor].into_iter().flatten().map(BlockArg::Value));
        }
        arguments
    }

    fn polled(&mut self, base: ir::Value) -> ir::Value {
        self.b.ins().load(types::I32, trusted(), base, abi::POLL)
    }

    /// Leaves before the instruction at hand if the poll word is set.
    fn poll(&mut self) {
        let base = self.base();
        let polled = self.polled(base);
        let exit = self.exit_here(Reason::Poll);
        let go_on = self.b.create_block();
        self.b.ins().brif(polled, exit, &[], go_on, &[]);
        self.b.switch_to_block(go_on);
        self.env.polled = true;
    }

    /// Leaves at the start of a block that would pass the instruction limit.
    pub(super) fn check_limit(&mut self, block: &Block) {
        // Hosts count the instructions they execute themselves; the others are known.
        let len = block.insts.len() as u64 + 1;
        let base = self.base();
        let executed = self.b.ins().load(types::I64, trusted(), base, abi::EXECUTED);
        let len = self.b.ins().iconst(types::I64, len as i64);
        let after = self.b.ins().iadd(executed, len);
        let until = self.b.ins().load(types::I64, trusted(), base, abi::slot(abi::Slot::Until));
        let ok = self.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, after, until);
        let exit = self.exit_here(Reason::Limit);
        let go_on = self.b.create_block();
        self.b.ins().brif(ok, go_on, &[], exit, &[]);
        self.b.switch_to_block(go_on);
    }

    /// Adds what was executed in this block to the count, if there is one. Exits behind this have states of their own.
    pub(super) fn count(&mut self) {
        if self.settings.count && self.env.uncounted > 0 {
            let base = self.base();
            let executed = self.b.ins().load(types::I64, trusted(), base, abi::EXECUTED);
            let more = self.b.ins().iconst(types::I64, i64::from(self.env.uncounted));
            let after = self.b.ins().iadd(executed, more);
            self.b.ins().store(trusted(), after, base, abi::EXECUTED);
            self.end_window();
        }
        self.env.uncounted = 0;
    }

    /// The exit of the current window.
    pub(super) fn exit(&mut self) -> ir::Block {
        if let Some(window) = self.env.window {
            return self.exits[window].block;
        }
        let block = self.exit_here(Reason::Check);
        self.env.window = Some(self.exits.len() - 1);
        self.env.reads.clear();
        block
    }

    /// An exit that completes the state before the instruction at hand.
    fn exit_here(&mut self, reason: Reason) -> ir::Block {
        self.exit_at(self.pc, reason)
    }

    /// An exit that completes the state as it is, before the instruction at `pc`.
    fn exit_at(&mut self, pc: u32, reason: Reason) -> ir::Block {
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        let uncounted = if self.settings.count { self.env.uncounted } else { 0 };
        self.exits.push(PendingExit { block, pc, regs: self.env.regs, uncounted, reason });
        block
    }

    /// Goes on if `ok` is not 0, leaves otherwise.
    pub(super) fn check(&mut self, ok: ir::Value) {
        self.force_exit();
        let (exit, go_on) = (self.exit(), self.b.create_block());
        self.b.ins().brif(ok, go_on, &[], exit, &[]);
        self.b.switch_to_block(go_on);
    }

    /// Leaves if `bad` is not 0, goes on otherwise.
    pub(super) fn check_not(&mut self, bad: ir::Value) {
        self.force_exit();
        let (exit, go_on) = (self.exit(), self.b.create_block());
        self.b.ins().brif(bad, exit, &[], go_on, &[]);
        self.b.switch_to_block(go_on);
    }

    /// For tests: leaves when the countdown reaches 0.
    pub(super) fn force_exit(&mut self) {
        if !self.settings.forced_exits {
            return;
        }
        let base = self.base();
        let count = self.b.ins().load(types::I64, trusted(), base, abi::slot(abi::Slot::ForceExit));
        let one = self.b.ins().iconst(types::I64, 1);
        let less = self.b.ins().isub(count, one);
        self.b.ins().store(trusted(), less, base, abi::slot(abi::Slot::ForceExit));
        let (exit, go_on) = (self.exit(), self.b.create_block());
        self.b.ins().brif(less, go_on, &[], exit, &[]);
        self.b.switch_to_block(go_on);
    }

    pub(super) fn always_leave(&mut self) {
        let exit = self.exit();
        self.b.ins().jump(exit, &[]);
    }

    /// The instruction at hand is the interpreter's.
    pub(super) fn leave(&mut self) {
        let exit = self.exit_here(Reason::Leave);
        self.b.ins().jump(exit, &[]);
    }

    /// Writes the exits: registers that are not at home go there; constants are left to the driver.
    pub(super) fn pending_exits(&mut self) {
        for (number, exit) in std::mem::take(&mut self.exits).into_iter().enumerate() {
            assert!(number < SITES_MAX, "a region is too small for that many exits");
            self.b.switch_to_block(exit.block);
            self.env = Env { regs: exit.regs, ..Env::default() };
            let mut constants = Vec::new();
            for (index, reg) in exit.regs.iter().enumerate().filter(|(_, reg)| reg.dirty) {
                match reg.val {
                    Val::Const(value) => constants.push((index as u8, value)),
                    _ => self.send_home(index),
                }
            }
            let number = self.b.ins().iconst(types::I64, site_number(self.unit, number) as i64);
            self.b.ins().return_(&[number]);
            let (pc, uncounted, reason) = (exit.pc, exit.uncounted, exit.reason);
            self.plan.sites.push(Site { pc, constants, uncounted, reason });
        }
    }

    /// Stores a register into its home.
    fn send_home(&mut self, index: usize) {
        if self.env.regs[index].val == Val::Home {
            return;
        }
        let value = self.materialise(self.env.regs[index].val);
        let base = self.base();
        self.b.ins().store(trusted(), value, base, abi::register(index));
    }

    /// Stores the dirty registers of a set into their homes.
    fn send_all_home(&mut self, set: u8) {
        for index in (0..8).filter(|index| set >> index & 1 != 0) {
            if self.env.regs[index].dirty {
                self.send_home(index);
                self.env.regs[index].dirty = false;
            }
        }
    }

    fn store_pc(&mut self, pc: u32) {
        let base = self.base();
        let value = self.iconst(pc);
        self.b.ins().store(trusted(), value, base, abi::PC);
    }

    /// Has the host execute what stands at the pc.
    pub(super) fn host_step(&mut self, inst: Inst) {
        self.count();
        self.send_all_home(u8::MAX);
        self.store_pc(self.pc);
        self.call_stub(abi::Slot::StepStub, &[]);
        let base = self.base();
        let stop = self.b.ins().load(types::I32, trusted(), base, abi::slot(abi::Slot::Result));
        self.return_if(stop, Complete::Host);
        self.end_window();
        self.env.slots.clear();
        self.forget_segments();
        match (inst, inst.writes()) {
            (Inst::Fixed(..), Some(reg)) => self.env.regs[reg.index()] = RegState::default(),
            (Inst::Fixed(..), None) => {}
            (Inst::Volatile(_), _) => self.forget_registers(),
        }
    }

    /// Anything may have happened to the registers: they are at home, and those taken to be 0 must be again.
    fn forget_registers(&mut self) {
        let base = self.base();
        for reg in Reg::ALL {
            self.env.regs[reg.index()] = RegState::default();
            if self.region.zero >> reg.index() & 1 != 0 {
                self.store_pc(self.pc + 1);
                let value = self.b.ins().load(types::I32, trusted(), base, abi::register(reg.index()));
                self.return_if(value, Complete::Guard);
                self.env.regs[reg.index()].val = Val::Const(0);
            }
        }
    }

    /// Calls a stub through its slot.
    pub(super) fn call_stub(&mut self, slot: abi::Slot, args: &[ir::Value]) {
        let base = self.base();
        let address = self.b.ins().load(types::I64, trusted(), base, abi::slot(slot));
        let signature = match self.signatures.get(&args.len()) {
            Some(&signature) => signature,
            None => {
                let signature = self.b.import_signature(stub_signature(args.len()));
                self.signatures.insert(args.len(), signature);
                signature
            }
        };
        self.b.ins().call_indirect(signature, address, args);
    }

    /// Returns a number if `value` is not 0; the state is complete.
    fn return_if(&mut self, value: ir::Value, number: Complete) {
        let leave = self.return_block(number);
        let go_on = self.b.create_block();
        self.b.ins().brif(value, leave, &[], go_on, &[]);
        self.b.switch_to_block(go_on);
    }

    fn return_block(&mut self, number: Complete) -> ir::Block {
        if let Some(&block) = self.returns.get(&number) {
            return block;
        }
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        self.returns.insert(number, block);
        block
    }

    /// The load-program at the end of a block.
    pub(super) fn load_program(&mut self, block: &Block) {
        self.pc = block.end() - 1;
        let Some(Instruction::LoadProgram { b, c }) = block.inst(self.pc).fixed() else {
            unreachable!("blocks of this kind end with a load-program")
        };
        match self.val(b) {
            Val::Const(0) => {}
            Val::Const(_) => return self.leave(),
            _ => {
                let segment = self.get(b);
                self.check_not(segment);
            }
        }
        if let Some(divisor) = self.env.doubtful
            && !matches!(self.val(c), Val::Choice { condition, .. } if self.is_zero_below(condition, divisor))
        {
            self.env.doubtful = None;
            self.check(divisor);
        }
        let is_known = matches!(self.val(c), Val::Const(_) | Val::Choice { .. });
        if !is_known && self.region.successors(block).any(|next| self.facts.polls.contains(&(block.start, next))) {
            // Once for all the edges.
            self.poll();
        }
        self.env.uncounted += 1;
        self.count();
        match self.val(c) {
            Val::Const(target) => self.go_to(block, target),
            Val::Choice { condition, if_nonzero, if_zero } => self.branch(block, c, condition, [if_nonzero, if_zero]),
            _ => {
                self.switch(block, c);
                self.computed(c);
            }
        }
    }

    /// Whether `condition` can only be 0 if `divisor` is not.
    fn is_zero_below(&self, condition: ir::Value, divisor: ir::Value) -> bool {
        matches!(self.made_by(condition), Some(Key::NotLess(_, larger)) if larger == divisor)
    }

    /// Goes from a block to a known place.
    pub(super) fn go_to(&mut self, from: &Block, target: u32) {
        let counted = self.knows_edge(from, target);
        match self.region.blocks.get(&target) {
            Some(next) if next.is_join() && (counted || self.is_enterable(target)) => {
                if !counted {
                    // The analysis saw no loop here.
                    self.send_all_home(u8::MAX);
                    self.store_pc(target);
                    let base = self.base();
                    let polled = self.polled(base);
                    self.return_if(polled, Complete::Poll);
                }
                self.jump_to_join(from, target);
            }
            Some(_) if counted => self.waiting.push((target, None, self.env.clone())),
            _ => self.transfer(from, target),
        }
    }

    /// Whether the region knows an edge, so that the analysis reckoned with it. The translator may find more.
    fn knows_edge(&self, from: &Block, target: u32) -> bool {
        self.region.successors(from).any(|next| next == target)
    }

    fn jump_to_join(&mut self, from: &Block, target: u32) {
        let round = self.facts.loop_of_edge(from.start, target);
        let (head, params) = match round {
            Some(index) => (self.loops[index].0, self.facts.loops[index].params),
            None => (self.heads[&target], self.params_of(target)),
        };
        // What a loop does not change is known in all of it.
        let around = round.or_else(|| self.facts.loop_around(target));
        let changed = around.map_or(RegSet::MAX, |index| self.facts.loops[index].changed);
        self.send_all_home(self.facts.matters[&target] & changed & !params.regs);
        let args = self.arguments(params);
        if self.facts.polls.contains(&(from.start, target)) && !self.env.polled {
            let base = self.base();
            let polled = self.polled(base);
            let exit = self.exit_at(target, Reason::Poll);
            // The first side is the one that is jumped to.
            let quiet = self.compare(IntCC::Equal, polled, 0);
            self.b.ins().brif(quiet, head, &args, exit, &[]);
        } else {
            self.b.ins().jump(head, &args);
        }
    }

    fn branch(&mut self, from: &Block, reg: Reg, condition: ir::Value, targets: [u32; 2]) {
        let [nonzero, zero] = targets.map(|_| self.b.create_block());
        // The back end places the second side next: that is to be the one that goes round a loop.
        let is_back = |target| self.facts.polls.contains(&(from.start, target));
        let (code, [first, second]) = match is_back(targets[0]) {
            true => (IntCC::Equal, [zero, nonzero]),
            false => (IntCC::NotEqual, [nonzero, zero]),
        };
        let test = match self.made_by(condition) {
            // A difference is only compared with 0.
            Some(Key::Sub(x, y)) => self.b.ins().icmp(code, x, y),
            _ if code == IntCC::NotEqual => condition,
            Some(Key::NotLess(x, y)) => self.b.ins().icmp(IntCC::UnsignedLessThan, x, y),
            _ => self.compare(code, condition, 0),
        };
        self.b.ins().brif(test, first, &[], second, &[]);
        let doubtful = self.env.doubtful.take();
        self.env.nonzero.push(condition);
        self.b.switch_to_block(nonzero);
        if let Some(divisor) = doubtful {
            self.check(divisor);
        }
        let nonzero = self.b.current_block().expect("the builder stands where nothing was left");
        self.sides(from, reg, [(nonzero, targets[0])].into_iter());
        self.env.nonzero.pop();
        self.learn_zero(condition);
        self.sides(from, reg, [(zero, targets[1])].into_iter());
    }

    /// Goes on from the CLIF blocks of a split to the targets, each of which is what a register holds there.
    pub(super) fn sides(&mut self, from: &Block, reg: Reg, sides: impl Iterator<Item = (ir::Block, u32)>) {
        let env = self.env.clone();
        for (side, target) in sides {
            self.env = env.clone();
            self.env.regs[reg.index()] = RegState { val: Val::Const(target), dirty: true };
            if self.knows_edge(from, target) && !self.region.blocks[&target].is_join() {
                self.waiting.push((target, Some(side), self.env.clone()));
            } else {
                self.b.switch_to_block(side);
                self.go_to(from, target);
            }
        }
        self.env = env;
    }

    /// Goes to a place in another unit, or in none.
    fn transfer(&mut self, from: &Block, target: u32) {
        self.send_all_home(u8::MAX);
        self.store_pc(target);
        let block = match self.transfer {
            Some(block) => block,
            None => *self.transfer.insert(shared_end(&mut self.b)),
        };
        if target >= self.region.program_len || !self.on(Optimisation::Links) {
            let miss = self.return_block(Complete::Miss);
            self.b.ins().jump(miss, &[]);
        } else {
            self.gain(Optimisation::Links);
            let (target, from) = (self.iconst(target), self.iconst(from.end() - 1));
            self.b.ins().jump(block, &[BlockArg::Value(target), BlockArg::Value(from)]);
        }
    }

    /// Goes where a register says.
    fn computed(&mut self, c: Reg) {
        let target = self.get(c);
        self.send_all_home(u8::MAX);
        let base = self.base();
        self.b.ins().store(trusted(), target, base, abi::PC);
        let block = match self.dispatch {
            Some(block) => block,
            None => *self.dispatch.insert(shared_end(&mut self.b)),
        };
        let from = self.iconst(self.pc);
        self.b.ins().jump(block, &[BlockArg::Value(target), BlockArg::Value(from)]);
    }

    /// The blocks that many edges share.
    pub(super) fn shared_ends(&mut self) {
        if let Some(block) = self.dispatch {
            self.b.switch_to_block(block);
            self.env = Env::default();
            let (target, from) = (self.b.block_params(block)[0], self.b.block_params(block)[1]);
            let inside = self.compare(IntCC::UnsignedLessThan, target, i64::from(self.region.program_len));
            let outside = self.return_block(Complete::Miss);
            let go_on = self.b.create_block();
            self.b.ins().brif(inside, go_on, &[], outside, &[]);
            self.b.switch_to_block(go_on);
            let entry = self.table_entry(target);
            // Worth a look only if somebody may jump to more of this unit than its root.
            if self.region.blocks.values().filter(|block| block.entry).count() > 1 {
                let base = self.base();
                let polled = self.polled(base);
                self.return_if(polled, Complete::Poll);
                let first = self.iconst(self.unit << abi::SELECTOR_BITS);
                let thirty_two = self.b.ins().iconst(types::I64, 32);
                let high = self.b.ins().ushr(entry, thirty_two);
                let selector = self.b.ins().ireduce(types::I32, high);
                let index = self.b.ins().isub(selector, first);
                let other = self.b.create_block();
                self.select_entry(index, other);
                self.b.switch_to_block(other);
                self.env = Env::default();
            }
            self.tail_call(entry, from);
        }
        if let Some(block) = self.transfer {
            self.b.switch_to_block(block);
            self.env = Env::default();
            let (target, from) = (self.b.block_params(block)[0], self.b.block_params(block)[1]);
            let entry = self.table_entry(target);
            self.tail_call(entry, from);
        }
        for (number, block) in std::mem::take(&mut self.returns) {
            self.b.switch_to_block(block);
            let number = self.b.ins().iconst(types::I64, i64::from(number as u32));
            self.b.ins().return_(&[number]);
        }
    }

    /// The table's entry for a pc inside the program.
    fn table_entry(&mut self, target: ir::Value) -> ir::Value {
        let base = self.base();
        let table = self.b.ins().load(types::I64, trusted(), base, abi::slot(abi::Slot::Table));
        let wide = self.b.ins().uextend(types::I64, target);
        let three = self.b.ins().iconst(types::I64, 3);
        let offset = self.b.ins().ishl(wide, three);
        let address = self.b.ins().iadd(table, offset);
        self.b.ins().load(types::I64, trusted(), address, 0)
    }

    /// Goes to the code that a table entry names, from the jump at a pc.
    fn tail_call(&mut self, entry: ir::Value, from: ir::Value) {
        let base = self.base();
        let code = self.b.ins().load(types::I64, trusted(), base, abi::slot(abi::Slot::CodeBase));
        let low = self.b.ins().ireduce(types::I32, entry);
        let offset = self.b.ins().uextend(types::I64, low);
        let address = self.b.ins().iadd(code, offset);
        let thirty_two = self.b.ins().iconst(types::I64, 32);
        let high = self.b.ins().ushr(entry, thirty_two);
        let selector = self.b.ins().ireduce(types::I32, high);
        let signature = self.b.import_signature(unit_signature());
        self.b.ins().return_call_indirect(signature, address, &[selector, from]);
    }
}

/// A block for jumps that leave the unit: takes the target and the pc of the jump.
fn shared_end(b: &mut FunctionBuilder) -> ir::Block {
    let block = b.create_block();
    b.append_block_param(block, types::I32);
    b.append_block_param(block, types::I32);
    block
}
