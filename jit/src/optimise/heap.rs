//! New segments, abandoned segments, and output: effects that may not happen twice.

use super::segments::{Offset, Reached, Segments};
use super::translator::Translator;
use super::val::{Val, remember};
use crate::abi::Slot;
use crate::emit::layout;
use crate::options::Optimisation;
use cranelift_codegen::ir::{self, BlockArg, InstBuilder, condcodes::IntCC, types};
use rum_interp::engine::layout::{LARGE, SMALL_WORDS_MAX, small_granules};
use rum_interp::isa::Reg;

impl Translator<'_> {
    pub(super) fn alloc(&mut self, b: Reg, c: Reg) {
        let base = self.base();
        let (words, granules) = match self.val(c) {
            Val::Const(words) if words <= SMALL_WORDS_MAX => (Some(words), Ok(small_granules(words))),
            val => {
                // Granules of a small segment: half the words, rounded up, but not 0.
                let words = self.materialise(val);
                let one = self.iconst(1);
                (None, Err(layout::granules(&mut self.e.b, words, one)))
            }
        };
        let run = layout::run(&mut self.e.b, base);
        let granules = match granules {
            Ok(granules) => self.iconst(granules),
            Err(granules) => granules,
        };
        let words_value = match words {
            Some(words) => self.iconst(words),
            None => self.get(c),
        };
        let lens = self.lens();
        let (quick, slow, go_on) = (self.e.b.create_block(), self.e.b.create_block(), self.e.b.create_block());
        self.e.b.append_block_param(go_on, types::I64);
        self.e.b.set_cold_block(slow);
        let mut fits = self.e.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, run.room, granules);
        if words.is_none() {
            let small = self.e.compare(IntCC::UnsignedLessThanOrEqual, words_value, i64::from(SMALL_WORDS_MAX));
            fits = self.e.b.ins().band(fits, small);
        }
        // What an exit in the slow part would complete is the state here.
        let exit = self.exit();
        self.e.b.ins().brif(fits, quick, &[], slow, &[]);

        self.e.b.switch_to_block(quick);
        layout::advance(&mut self.e.b, base, run, granules);
        let byte = match words {
            Some(words) => self.e.b.ins().iconst(types::I8, i64::from(words + 1)),
            None => {
                let one = self.e.b.ins().iconst(types::I32, 1);
                let more = self.e.b.ins().iadd(words_value, one);
                self.e.b.ins().ireduce(types::I8, more)
            }
        };
        let address = self.e.b.ins().iadd(lens, run.cursor);
        layout::set_len_byte(&mut self.e.b, address, byte);
        self.e.b.ins().jump(go_on, &[BlockArg::Value(run.cursor)]);

        self.e.b.switch_to_block(slow);
        self.e.call_stub(base, Slot::AllocStub, &[words_value]);
        let id = self.e.stub_result(base, types::I64);
        self.e.b.ins().brif(id, go_on, &[BlockArg::Value(id)], exit, &[]);

        self.e.b.switch_to_block(go_on);
        let wide = self.e.b.block_params(go_on)[0];
        self.allocated(b, wide, words);
    }

    /// A segment was allocated, whose identifier as 64 bits is `wide`: what is known of it, and of its length if that is
    /// constant.
    fn allocated(&mut self, b: Reg, wide: ir::Value, words: Option<u32>) {
        let id = self.e.b.ins().ireduce(types::I32, wide);
        self.wides.insert(id, wide);
        self.set(b, Val::Ssa(id));
        self.learn_nonzero(id);
        self.end_window();
        if let Some(words) = words
            && words > 0
        {
            let at = Offset { base: None, distance: words - 1 };
            self.env.segments.learn_reached(Reached { segment: id, at, raisable: None });
            if self.on(Optimisation::Fresh) && words <= 8 {
                self.gain(Optimisation::Fresh);
                // A new segment is not one that was known before, so nothing else is forgotten.
                for offset in 0..words {
                    remember(&mut self.env.cells, (id, Offset { base: None, distance: offset }, Val::Const(0)));
                }
            }
        }
    }

    pub(super) fn abandon(&mut self, c: Reg) {
        let id = self.get(c);
        let base = self.base();
        let address = self.len_address(id);
        let small = match self.env.segments.byte(id).filter(|_| self.on(Optimisation::Lengths)) {
            Some(byte) => {
                // It was checked not to be 0.
                self.gain(Optimisation::Lengths);
                self.e.compare(IntCC::NotEqual, byte, i64::from(LARGE))
            }
            None => {
                let byte = layout::len_byte(&mut self.e.b, address);
                layout::is_small(&mut self.e.b, byte)
            }
        };
        let (quick, slow, go_on) = (self.e.b.create_block(), self.e.b.create_block(), self.e.b.create_block());
        self.e.b.set_cold_block(slow);
        let exit = self.exit();
        self.e.b.ins().brif(small, quick, &[], slow, &[]);

        self.e.b.switch_to_block(quick);
        let zero = self.e.b.ins().iconst(types::I8, 0);
        layout::set_len_byte(&mut self.e.b, address, zero);
        self.e.b.ins().jump(go_on, &[]);

        self.e.b.switch_to_block(slow);
        self.e.call_stub(base, Slot::AbandonStub, &[id]);
        let done = self.e.stub_result(base, types::I32);
        self.e.b.ins().brif(done, go_on, &[], exit, &[]);

        self.e.b.switch_to_block(go_on);
        self.end_window();
        self.forget_segments();
    }

    /// Any segment may be gone.
    pub(super) fn forget_segments(&mut self) {
        self.env.cells.clear();
        self.env.segments = Segments::default();
    }

    pub(super) fn output(&mut self, c: Reg) {
        let value = self.get(c);
        let ok = self.e.compare(IntCC::UnsignedLessThanOrEqual, value, 255);
        self.check(ok);
        let base = self.base();
        let (next, room) = layout::output(&mut self.e.b, base);
        self.check(room);
        layout::put(&mut self.e.b, base, next, value);
        self.end_window();
    }
}
