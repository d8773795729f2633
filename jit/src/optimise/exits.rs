//! Checks, the exits that they lead to, and what the host executes.

use super::env::{Env, PendingExit};
use super::translator::Translator;
use super::val::{RegState, Val};
use crate::abi::Slot;
use crate::emit::layout;
use crate::exit::{Complete, Reason, SITES_MAX, Site};
use crate::explain::Note;
use crate::guest::block::Block;
use crate::guest::inst::Inst;
use cranelift_codegen::ir::{self, BlockArg, InstBuilder, types};
use rum_interp::isa::Reg;

impl Translator<'_> {
    /// Leaves before the instruction at hand if the poll word is set.
    pub(super) fn poll(&mut self) {
        let base = self.base();
        let polled = self.e.polled(base);
        let exit = self.exit_here(Reason::Poll);
        self.e.leave_if(polled, exit);
        self.env.polled = true;
    }

    /// Leaves at the start of a block that would pass the instruction limit.
    pub(super) fn check_limit(&mut self, block: &Block) {
        // Hosts count the instructions they execute themselves; the others are known.
        let len = block.insts.len() as u64 + 1;
        let base = self.base();
        let ok = self.e.is_within_limit(base, len);
        let exit = self.exit_here(Reason::Limit);
        self.e.go_on_if(ok, exit);
    }

    /// Adds what was executed in this block to the count, if there is one. Exits behind this have states of their own.
    pub(super) fn count(&mut self) {
        if self.settings.count && self.env.uncounted > 0 {
            let base = self.base();
            self.e.count(base, self.env.uncounted);
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
    pub(super) fn exit_here(&mut self, reason: Reason) -> ir::Block {
        self.exit_at(self.pc, reason)
    }

    /// An exit that completes the state as it is, before the instruction at `pc`.
    pub(super) fn exit_at(&mut self, pc: u32, reason: Reason) -> ir::Block {
        let block = self.e.cold_block();
        let uncounted = if self.settings.count { self.env.uncounted } else { 0 };
        self.exits.push(PendingExit { block, pc, regs: self.env.regs, uncounted, reason });
        block
    }

    /// Goes on if `ok` is not 0, leaves otherwise.
    pub(super) fn check(&mut self, ok: ir::Value) {
        self.note(Note::Checked);
        self.force_exit();
        let exit = self.exit();
        self.e.go_on_if(ok, exit);
    }

    /// Leaves if `bad` is not 0, goes on otherwise.
    pub(super) fn check_not(&mut self, bad: ir::Value) {
        self.note(Note::Checked);
        self.force_exit();
        let exit = self.exit();
        self.e.leave_if(bad, exit);
    }

    /// For tests: leaves when the countdown reaches 0.
    pub(super) fn force_exit(&mut self) {
        if self.settings.forced_exits {
            let base = self.base();
            let left = self.e.countdown(base);
            let exit = self.exit();
            self.e.go_on_if(left, exit);
        }
    }

    pub(super) fn always_leave(&mut self) {
        self.note(Note::Left);
        let exit = self.exit();
        self.e.b.ins().jump(exit, &[]);
    }

    /// The instruction at hand is the interpreter's.
    pub(super) fn leave(&mut self) {
        self.note(Note::Left);
        let exit = self.exit_here(Reason::Leave);
        self.e.b.ins().jump(exit, &[]);
    }

    /// Writes the exits: registers that are not at home go there; constants are left to the driver.
    pub(super) fn pending_exits(&mut self) {
        for (number, exit) in std::mem::take(&mut self.exits).into_iter().enumerate() {
            assert!(number < SITES_MAX, "a region is too small for that many exits");
            self.e.b.switch_to_block(exit.block);
            self.env = Env { regs: exit.regs, ..Env::default() };
            let mut constants = Vec::new();
            for (index, reg) in exit.regs.iter().enumerate().filter(|(_, reg)| reg.dirty) {
                match reg.val {
                    Val::Const(value) => constants.push((index as u8, value)),
                    _ => self.send_home(index),
                }
            }
            self.e.return_site(number);
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
        layout::store_register(&mut self.e.b, base, index, value);
    }

    /// Stores the dirty registers of a set into their homes.
    pub(super) fn send_all_home(&mut self, set: u8) {
        for index in (0..8).filter(|index| set >> index & 1 != 0) {
            if self.env.regs[index].dirty {
                self.send_home(index);
                self.env.regs[index].dirty = false;
            }
        }
    }

    pub(super) fn store_pc(&mut self, pc: u32) {
        let base = self.base();
        let value = self.iconst(pc);
        layout::store_pc(&mut self.e.b, base, value);
    }

    /// Has the host execute what stands at the pc.
    pub(super) fn host_step(&mut self, inst: Inst) {
        self.note(match inst {
            Inst::Fixed(..) => Note::ByHost,
            Inst::Volatile(_) => Note::ReadAnew,
        });
        self.count();
        self.call_step();
        self.end_window();
        self.env.slots.clear();
        self.forget_segments();
        match (inst, inst.writes()) {
            (Inst::Fixed(..), Some(reg)) => self.env.regs[reg.index()] = RegState::default(),
            (Inst::Fixed(..), None) => {}
            (Inst::Volatile(_), _) => self.forget_registers(),
        }
    }

    /// Completes the state, and has the host execute the instruction at the pc; returns if that is not gone on from.
    fn call_step(&mut self) {
        self.send_all_home(u8::MAX);
        self.store_pc(self.pc);
        let base = self.base();
        self.e.call_stub(base, Slot::StepStub, &[]);
        let stop = self.e.stub_result(base, types::I32);
        self.e.return_if(stop, Complete::Host);
    }

    /// Reads a byte of input that is there already; otherwise the host executes the instruction, with all that belongs to that.
    pub(super) fn input(&mut self, c: Reg) {
        self.count();
        let base = self.base();
        let (next, is_there) = layout::input(&mut self.e.b, base);
        let [quick, go_on] = std::array::from_fn(|_| self.e.b.create_block());
        let slow = self.e.cold_block();
        let byte = self.e.b.append_block_param(go_on, types::I32);
        self.e.b.ins().brif(is_there, quick, &[], slow, &[]);
        self.e.b.switch_to_block(slow);
        let env = self.env.clone();
        self.call_step();
        let read = layout::load_register(&mut self.e.b, base, c.index());
        self.e.b.ins().jump(go_on, &[BlockArg::Value(read)]);
        self.env = env;
        self.e.b.switch_to_block(quick);
        let read = layout::take(&mut self.e.b, base, next);
        if self.settings.count {
            self.e.count(base, 1);
        }
        self.e.b.ins().jump(go_on, &[BlockArg::Value(read)]);
        self.e.b.switch_to_block(go_on);
        self.set(c, Val::Ssa(byte));
        self.end_window();
    }

    /// Anything may have happened to the registers: they are at home, and those taken to be 0 must be again.
    fn forget_registers(&mut self) {
        let base = self.base();
        for reg in Reg::ALL {
            self.env.regs[reg.index()] = RegState::default();
            if self.region.zero >> reg.index() & 1 != 0 {
                self.store_pc(self.pc + 1);
                let value = layout::load_register(&mut self.e.b, base, reg.index());
                self.e.return_if(value, Complete::Guard);
                self.env.regs[reg.index()].val = Val::Const(0);
            }
        }
    }
}
