//! How a unit is left: returns, and jumps to other units through the table of entries.

use super::emitter::{Emitter, trusted, unit_signature};
use crate::abi::{self, Slot};
use crate::exit::{Complete, site_number};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, BlockArg, InstBuilder, types};
use cranelift_frontend::FunctionBuilder;

impl Emitter<'_> {
    /// Returns from an exit whose site completes the state.
    pub fn return_site(&mut self, site: usize) {
        let number = self.b.ins().iconst(types::I64, site_number(self.unit, site) as i64);
        self.b.ins().return_(&[number]);
    }

    /// The block that returns a number where the state is complete.
    pub fn return_block(&mut self, number: Complete) -> ir::Block {
        if let Some(&block) = self.returns.get(&number) {
            return block;
        }
        let block = self.cold_block();
        self.returns.insert(number, block);
        block
    }

    /// Returns a number if `value` is not 0; the state is complete.
    pub fn return_if(&mut self, value: ir::Value, number: Complete) {
        let leave = self.return_block(number);
        self.leave_if(value, leave);
    }

    /// The block from which another unit is entered at a pc inside the program. It takes that, and the pc of the jump.
    pub fn transfer_block(&mut self) -> ir::Block {
        let block = self.transfer.unwrap_or_else(|| shared_end(&mut self.b));
        self.transfer = Some(block);
        block
    }

    /// As [`Emitter::transfer_block`], for a pc that may lie anywhere.
    pub fn dispatch_block(&mut self) -> ir::Block {
        let block = self.dispatch.unwrap_or_else(|| shared_end(&mut self.b));
        self.dispatch = Some(block);
        block
    }

    /// Goes to one of these blocks.
    pub fn jump_to_end(&mut self, end: ir::Block, target: ir::Value, from: ir::Value) {
        self.b.ins().jump(end, &[BlockArg::Value(target), BlockArg::Value(from)]);
    }

    /// Begins the shared end of computed jumps, if there is any: looks the target up. Gives the base, the entry and the pc of
    /// the jump, for [`Emitter::tail_call`] or something quicker.
    pub fn begin_dispatch(&mut self) -> Option<[ir::Value; 3]> {
        let block = self.dispatch?;
        self.b.switch_to_block(block);
        let (target, from) = (self.b.block_params(block)[0], self.b.block_params(block)[1]);
        let inside = self.compare(IntCC::UnsignedLessThan, target, i64::from(self.program_len));
        let outside = self.return_block(Complete::Miss);
        self.go_on_if(inside, outside);
        let base = self.base();
        let entry = self.table_entry(base, target);
        Some([base, entry, from])
    }

    /// The index among this unit's entries that a table entry names; too large if it is another unit's.
    pub fn index_of_entry(&mut self, entry: ir::Value) -> ir::Value {
        let first = self.b.ins().iconst(types::I32, i64::from(self.unit << abi::SELECTOR_BITS));
        let selector = self.selector(entry);
        self.b.ins().isub(selector, first)
    }

    fn selector(&mut self, entry: ir::Value) -> ir::Value {
        let thirty_two = self.b.ins().iconst(types::I64, 32);
        let high = self.b.ins().ushr(entry, thirty_two);
        self.b.ins().ireduce(types::I32, high)
    }

    /// Writes the remaining shared ends.
    pub fn finish_ends(&mut self) {
        if let Some(block) = self.transfer {
            self.b.switch_to_block(block);
            let (target, from) = (self.b.block_params(block)[0], self.b.block_params(block)[1]);
            let base = self.base();
            let entry = self.table_entry(base, target);
            self.tail_call(base, entry, from);
        }
        for (number, block) in std::mem::take(&mut self.returns) {
            self.b.switch_to_block(block);
            let number = self.b.ins().iconst(types::I64, i64::from(number as u32));
            self.b.ins().return_(&[number]);
        }
    }

    /// The table's entry for a pc inside the program.
    fn table_entry(&mut self, base: ir::Value, target: ir::Value) -> ir::Value {
        let table = self.b.ins().load(types::I64, trusted(), base, abi::slot(Slot::Table));
        let wide = self.b.ins().uextend(types::I64, target);
        let three = self.b.ins().iconst(types::I64, 3);
        let offset = self.b.ins().ishl(wide, three);
        let address = self.b.ins().iadd(table, offset);
        self.b.ins().load(types::I64, trusted(), address, 0)
    }

    /// Goes to the code that a table entry names, from the jump at a pc.
    pub fn tail_call(&mut self, base: ir::Value, entry: ir::Value, from: ir::Value) {
        let code = self.b.ins().load(types::I64, trusted(), base, abi::slot(Slot::CodeBase));
        let low = self.b.ins().ireduce(types::I32, entry);
        let offset = self.b.ins().uextend(types::I64, low);
        let address = self.b.ins().iadd(code, offset);
        let selector = self.selector(entry);
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
