//! Counting for a profile: what `rum_interp::tally` explains, as code.

use super::emitter::{Emitter, trusted};
use crate::abi::{self, Slot};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, InstBuilder, types};
use rum_interp::tally::{EVENT_BYTES, EVENT_FROM, EVENT_NOW, EVENT_TARGET, MARK_CALLED};

impl Emitter<'_> {
    /// Adds to a number of 64 bits in memory.
    fn add_to(&mut self, address: ir::Value, at: i32, more: ir::Value) {
        let count = self.b.ins().load(types::I64, trusted(), address, at);
        let count = self.b.ins().iadd(count, more);
        self.b.ins().store(trusted(), count, address, at);
    }

    /// Address of an element of a table whose address stands in the state.
    fn element(&mut self, base: ir::Value, table: i32, index: ir::Value, shift: i64) -> ir::Value {
        let table = self.b.ins().load(types::I64, trusted(), base, table);
        let wide = self.b.ins().uextend(types::I64, index);
        let shift = self.b.ins().iconst(types::I64, shift);
        let offset = self.b.ins().ishl(wide, shift);
        self.b.ins().iadd(table, offset)
    }

    /// Counts a jump to a word, at most the one behind the program.
    pub fn tally_jump(&mut self, base: ir::Value, target: ir::Value) {
        let address = self.element(base, abi::JUMPS, target, 3);
        let one = self.b.ins().iconst(types::I64, 1);
        self.add_to(address, 0, one);
    }

    /// The mark of a word.
    pub fn mark(&mut self, base: ir::Value, target: ir::Value) -> ir::Value {
        let address = self.element(base, abi::MARKS, target, 0);
        self.b.ins().load(types::I8, trusted(), address, 0)
    }

    /// A call has gone to a word.
    pub fn mark_called(&mut self, base: ir::Value, target: ir::Value) {
        let address = self.element(base, abi::MARKS, target, 0);
        let mark = self.b.ins().load(types::I8, trusted(), address, 0);
        let called = self.b.ins().iconst(types::I8, i64::from(MARK_CALLED));
        let mark = self.b.ins().bor(mark, called);
        self.b.ins().store(trusted(), mark, address, 0);
    }

    /// Notes a jump that may be a call or a return; everything before it is counted.
    pub fn tally_event(&mut self, base: ir::Value, from: ir::Value, target: ir::Value) {
        let event = self.b.ins().load(types::I64, trusted(), base, abi::EVENT);
        let now = self.b.ins().load(types::I64, trusted(), base, abi::EXECUTED);
        self.b.ins().store(trusted(), now, event, EVENT_NOW);
        self.b.ins().store(trusted(), from, event, EVENT_FROM);
        self.b.ins().store(trusted(), target, event, EVENT_TARGET);
        let bytes = self.b.ins().iconst(types::I64, EVENT_BYTES);
        let next = self.b.ins().iadd(event, bytes);
        self.b.ins().store(trusted(), next, base, abi::EVENT);
        let end = self.b.ins().load(types::I64, trusted(), base, abi::EVENTS_END);
        let room = self.b.ins().icmp(IntCC::NotEqual, next, end);
        let (full, go_on) = (self.cold_block(), self.b.create_block());
        self.b.ins().brif(room, go_on, &[], full, &[]);
        self.b.switch_to_block(full);
        self.call_stub(base, Slot::DrainStub, &[]);
        self.b.ins().jump(go_on, &[]);
        self.b.switch_to_block(go_on);
    }

    /// Counts a new segment of so many words, made by the word at `pc`.
    pub fn tally_segment(&mut self, base: ir::Value, pc: ir::Value, id: ir::Value, words: ir::Value) {
        let made = self.element(base, abi::MADE, pc, 3);
        let words = self.b.ins().uextend(types::I64, words);
        self.add_to(made, 0, words);
        let site = self.element(base, abi::SITES, id, 2);
        let first = self.b.ins().load(types::I32, trusted(), base, abi::FIRST_SITE);
        let number = self.b.ins().iadd(first, pc);
        self.b.ins().store(trusted(), number, site, 0);
    }
}
