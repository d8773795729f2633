//! Going on or leaving.

use super::emitter::{Emitter, trusted};
use crate::abi::{self, Slot};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, InstBuilder, types};

impl Emitter<'_> {
    /// Goes on if `ok` is not 0, to `exit` otherwise.
    pub fn go_on_if(&mut self, ok: ir::Value, exit: ir::Block) {
        let go_on = self.b.create_block();
        self.b.ins().brif(ok, go_on, &[], exit, &[]);
        self.b.switch_to_block(go_on);
    }

    /// Goes to `exit` if `bad` is not 0, on otherwise.
    pub fn leave_if(&mut self, bad: ir::Value, exit: ir::Block) {
        let go_on = self.b.create_block();
        self.b.ins().brif(bad, exit, &[], go_on, &[]);
        self.b.switch_to_block(go_on);
    }

    /// For tests: counts down; 0 when code is to leave.
    pub fn countdown(&mut self, base: ir::Value) -> ir::Value {
        let count = self.b.ins().load(types::I64, trusted(), base, abi::slot(Slot::ForceExit));
        let one = self.b.ins().iconst(types::I64, 1);
        let less = self.b.ins().isub(count, one);
        self.b.ins().store(trusted(), less, base, abi::slot(Slot::ForceExit));
        less
    }

    /// The poll word: not 0 if something was asked for.
    pub fn polled(&mut self, base: ir::Value) -> ir::Value {
        self.b.ins().load(types::I32, trusted(), base, abi::POLL)
    }

    /// Whether so many more instructions may be executed.
    pub fn is_within_limit(&mut self, base: ir::Value, instructions: u64) -> ir::Value {
        let executed = self.b.ins().load(types::I64, trusted(), base, abi::EXECUTED);
        let more = self.b.ins().iconst(types::I64, instructions as i64);
        let after = self.b.ins().iadd(executed, more);
        let until = self.b.ins().load(types::I64, trusted(), base, abi::slot(Slot::Until));
        self.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, after, until)
    }

    /// Adds to the instructions executed.
    pub fn count(&mut self, base: ir::Value, instructions: u32) {
        let executed = self.b.ins().load(types::I64, trusted(), base, abi::EXECUTED);
        let more = self.b.ins().iconst(types::I64, i64::from(instructions));
        let after = self.b.ins().iadd(executed, more);
        self.b.ins().store(trusted(), after, base, abi::EXECUTED);
    }
}
