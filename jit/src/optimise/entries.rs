//! Where control comes into a unit, and the ends that many edges share.

use super::env::Env;
use super::translator::Translator;
use super::val::Val;
use crate::abi;
use crate::emit::layout;
use crate::exit::Complete;
use crate::facts::Params;
use crate::guest::inst::regs;
use cranelift_codegen::ir::{self, BlockArg, InstBuilder};
use rum_interp::isa::Reg;

impl Translator<'_> {
    /// The function's first block: guards, the poll word, and the way to the block that the selector names.
    pub(super) fn entry(&mut self, entry: ir::Block) {
        self.e.b.switch_to_block(entry);
        self.env = Env::default();
        let selector = self.e.b.block_params(entry)[0];
        let base = self.base();
        for reg in Reg::ALL.into_iter().filter(|reg| self.region.zero >> reg.index() & 1 != 0) {
            let value = layout::load_register(&mut self.e.b, base, reg.index());
            self.e.return_if(value, Complete::Guard);
        }
        let polled = self.e.polled(base);
        self.e.return_if(polled, Complete::Poll);
        if let [only] = self.plan.entries[..] {
            self.enter(only);
        } else {
            let first = self.iconst(self.e.unit << abi::SELECTOR_BITS);
            let index = self.e.b.ins().isub(selector, first);
            let never = self.e.return_block(Complete::Miss);
            self.select_entry(index, never);
        }
    }

    /// Goes to the entry with the given index, or to `otherwise` if there is none.
    fn select_entry(&mut self, index: ir::Value, otherwise: ir::Block) {
        let mut targets = Vec::new();
        let mut with_params = Vec::new();
        for start in self.plan.entries.clone() {
            if self.params_of(start) == Params::default() {
                targets.push(self.heads[&start]);
            } else {
                let block = self.e.b.create_block();
                with_params.push((block, start));
                targets.push(block);
            }
        }
        self.e.jump_table(index, &targets, otherwise);
        for (block, start) in with_params {
            self.e.b.switch_to_block(block);
            self.env = Env::default();
            self.enter(start);
        }
    }

    /// Goes to a join with every register at home.
    fn enter(&mut self, start: u32) {
        let args = self.arguments(self.params_of(start));
        self.e.b.ins().jump(self.heads[&start], &args);
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

    /// The blocks that many edges share.
    pub(super) fn shared_ends(&mut self) {
        if let Some([base, entry, from]) = self.e.begin_dispatch() {
            let mut again = base;
            // Worth a look only if other units may jump to more of this unit than its root.
            if self.region.blocks.values().filter(|block| block.entry).count() > 1 {
                let polled = self.e.polled(base);
                self.e.return_if(polled, Complete::Poll);
                let index = self.e.index_of_entry(entry);
                let other = self.e.b.create_block();
                self.select_entry(index, other);
                self.e.b.switch_to_block(other);
                again = self.e.base();
            }
            self.e.tail_call(again, entry, from);
        }
        self.e.finish_ends();
    }
}
