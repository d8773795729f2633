//! Where control goes at the end of a block.

use super::env::Jump;
use super::translator::Translator;
use super::val::{Key, RegState, Val};
use crate::emit::layout;
use crate::exit::{Complete, Reason};
use crate::guest::block::Block;
use crate::guest::inst::RegSet;
use crate::options::Optimisation;
use cranelift_codegen::ir::{self, InstBuilder, condcodes::IntCC};
use rum_interp::isa::{Instruction, Reg};

impl Translator<'_> {
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
            Val::Const(target) => {
                self.env.jump = Some(Jump { from: self.pc, target });
                self.go_to(block, target);
            }
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
        self.arrive();
        let counted = self.knows_edge(from, target);
        match self.region.blocks.get(&target) {
            Some(next) if next.is_join() && (counted || self.is_enterable(target)) => {
                if !counted {
                    // The analysis saw no loop here.
                    self.send_all_home(u8::MAX);
                    self.store_pc(target);
                    let base = self.base();
                    let polled = self.e.polled(base);
                    self.e.return_if(polled, Complete::Poll);
                }
                self.jump_to_join(from, target);
            }
            Some(_) if counted => self.waiting.push((target, None, self.env.clone())),
            _ => self.transfer(from, target),
        }
    }

    /// What leads here is counted, if a profile wants that and it is not yet.
    pub(super) fn arrive(&mut self) {
        if let Some(jump) = self.env.jump.take() {
            self.tally_jump(jump);
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
            let polled = self.e.polled(base);
            let exit = self.exit_at(target, Reason::Poll);
            // The first side is the one that is jumped to.
            let quiet = self.e.compare(IntCC::Equal, polled, 0);
            self.e.b.ins().brif(quiet, head, &args, exit, &[]);
        } else {
            self.e.b.ins().jump(head, &args);
        }
    }

    fn branch(&mut self, from: &Block, reg: Reg, condition: ir::Value, targets: [u32; 2]) {
        let [nonzero, zero] = targets.map(|_| self.e.b.create_block());
        // The back end places the second side next: that is to be the one that goes round a loop.
        let is_back = |target| self.facts.polls.contains(&(from.start, target));
        let (code, [first, second]) = match is_back(targets[0]) {
            true => (IntCC::Equal, [zero, nonzero]),
            false => (IntCC::NotEqual, [nonzero, zero]),
        };
        let test = match self.made_by(condition) {
            // A difference is only compared with 0.
            Some(Key::Sub(x, y)) => self.e.b.ins().icmp(code, x, y),
            _ if code == IntCC::NotEqual => condition,
            Some(Key::NotLess(x, y)) => self.e.b.ins().icmp(IntCC::UnsignedLessThan, x, y),
            _ => self.e.compare(code, condition, 0),
        };
        self.e.b.ins().brif(test, first, &[], second, &[]);
        let doubtful = self.env.doubtful.take();
        self.env.nonzero.push(condition);
        self.e.b.switch_to_block(nonzero);
        if let Some(divisor) = doubtful {
            self.check(divisor);
        }
        let nonzero = self.e.b.current_block().expect("the builder stands where nothing was left");
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
            self.env.jump = Some(Jump { from: from.end() - 1, target });
            if self.knows_edge(from, target) && !self.region.blocks[&target].is_join() {
                self.waiting.push((target, Some(side), self.env.clone()));
            } else {
                self.e.b.switch_to_block(side);
                self.go_to(from, target);
            }
        }
        self.env = env;
    }

    /// Goes to a place in another unit, or in none.
    fn transfer(&mut self, from: &Block, target: u32) {
        self.send_all_home(u8::MAX);
        self.store_pc(target);
        let block = self.e.transfer_block();
        if target >= self.region.program_len || !self.on(Optimisation::Links) {
            let miss = self.e.return_block(Complete::Miss);
            self.e.b.ins().jump(miss, &[]);
        } else {
            self.gain(Optimisation::Links);
            let (target, from) = (self.iconst(target), self.iconst(from.end() - 1));
            self.e.jump_to_end(block, target, from);
        }
    }

    /// Goes where a register says.
    fn computed(&mut self, c: Reg) {
        let target = self.get(c);
        self.tally_computed(target);
        self.send_all_home(u8::MAX);
        let base = self.base();
        layout::store_pc(&mut self.e.b, base, target);
        let block = self.e.dispatch_block();
        let from = self.iconst(self.pc);
        self.e.jump_to_end(block, target, from);
    }
}
