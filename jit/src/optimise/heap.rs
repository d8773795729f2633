//! New segments, abandoned segments, and output: effects that may not happen twice.

use super::segments::{Granule, LenByte, Offset, Reached, Segments};
use super::translator::Translator;
use super::val::{Val, remember};
use crate::abi::{self, Slot};
use crate::emit::{layout, trusted};
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
        let all_named = self.settings.lookup.all_named();
        let name = all_named.then(|| layout::free_name(&mut self.e.b, base));
        let [quick, slow, go_on] = std::array::from_fn(|_| self.e.b.create_block());
        self.e.b.append_block_param(go_on, types::I64);
        // Where the segment is, if that may not follow from its identifier.
        let may_be_named = all_named || self.region.naming;
        if may_be_named {
            self.e.b.append_block_param(go_on, types::I64);
        }
        self.e.b.set_cold_block(slow);
        let mut fits = self.e.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, run.room, granules);
        if words.is_none() {
            let small = self.e.compare(IntCC::UnsignedLessThanOrEqual, words_value, i64::from(SMALL_WORDS_MAX));
            fits = self.e.b.ins().band(fits, small);
        }
        if let Some(name) = name {
            let free = self.e.compare(IntCC::NotEqual, name, 0);
            fits = self.e.b.ins().band(fits, free);
        }
        // What an exit in the slow part would complete is the state here.
        let exit = self.exit();
        self.e.b.ins().brif(fits, quick, &[], slow, &[]);

        self.e.b.switch_to_block(quick);
        layout::advance(&mut self.e.b, base, run, granules);
        let byte = self.len_byte_of(words, words_value);
        let address = self.e.b.ins().iadd(lens, run.cursor);
        layout::set_len_byte(&mut self.e.b, address, byte);
        if let Some(name) = name {
            let names = self.names_again();
            layout::take_name(&mut self.e.b, base, names, name, run.cursor);
        }
        let mut found = vec![BlockArg::Value(name.unwrap_or(run.cursor))];
        if may_be_named {
            found.push(BlockArg::Value(run.cursor));
        }
        self.e.b.ins().jump(go_on, &found);

        self.e.b.switch_to_block(slow);
        self.e.call_stub(base, Slot::AllocStub, &[words_value]);
        let id = self.e.stub_result(base, types::I64);
        let mut found = vec![BlockArg::Value(id)];
        if may_be_named {
            let place = self.e.b.ins().load(types::I64, trusted(), base, abi::slot(Slot::Place));
            found.push(BlockArg::Value(place));
        }
        self.e.b.ins().brif(id, go_on, &found, exit, &[]);

        self.e.b.switch_to_block(go_on);
        let params = self.e.b.block_params(go_on);
        let (wide, granule) = (params[0], params.get(1).copied());
        self.allocated(b, wide, granule, words);
        self.tally_segment(b, words_value);
    }

    /// The length byte of a small segment of so many words.
    fn len_byte_of(&mut self, words: Option<u32>, words_value: ir::Value) -> ir::Value {
        match words {
            Some(words) => self.e.b.ins().iconst(types::I8, i64::from(words + 1)),
            None => {
                let one = self.e.b.ins().iconst(types::I32, 1);
                let more = self.e.b.ins().iadd(words_value, one);
                self.e.b.ins().ireduce(types::I8, more)
            }
        }
    }

    /// A segment was allocated, whose identifier as 64 bits is `wide` and which is at `granule`: what is known of it, and of its
    /// length in words if that is constant.
    fn allocated(&mut self, b: Reg, wide: ir::Value, granule: Granule, words: Option<u32>) {
        let id = self.e.b.ins().ireduce(types::I32, wide);
        self.wides.insert(id, wide);
        self.set(b, Val::Ssa(id));
        self.learn_nonzero(id);
        self.end_window();
        if let Some(words) = words
            && words > 0
        {
            let at = Offset { base: None, distance: words - 1 };
            self.env.segments.learn_reached(Reached { segment: id, at, granule, raisable: None });
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
        if self.settings.watch {
            let wide = self.wide(id);
            let watched = layout::is_in(&mut self.e.b, base, wide, Slot::WatchId, Slot::WatchIds);
            self.check_not(watched);
        }
        let name = self.settings.lookup.all_named().then(|| self.name_index(id));
        let address = self.len_address(id);
        let small = match self.env.segments.byte(id).filter(|_| self.on(Optimisation::Lengths)) {
            Some(LenByte { byte, is_active: true }) => {
                self.gain(Optimisation::Lengths);
                self.e.compare(IntCC::NotEqual, byte, i64::from(LARGE))
            }
            Some(LenByte { byte, is_active: false }) => {
                self.gain(Optimisation::Lengths);
                layout::is_small(&mut self.e.b, byte)
            }
            None => {
                let byte = layout::len_byte(&mut self.e.b, address);
                layout::is_small(&mut self.e.b, byte)
            }
        };
        self.give_back(id, small, address, name);
    }

    /// Gives the segment `id` back: if it is `small` by clearing its length byte at `address`, and its name if it has one (as
    /// 64 bits); by the host otherwise.
    fn give_back(&mut self, id: ir::Value, small: ir::Value, address: ir::Value, name: Option<ir::Value>) {
        let base = self.base();
        let [quick, slow, go_on] = std::array::from_fn(|_| self.e.b.create_block());
        self.e.b.set_cold_block(slow);
        let exit = self.exit();
        self.e.b.ins().brif(small, quick, &[], slow, &[]);

        self.e.b.switch_to_block(quick);
        let zero = self.e.b.ins().iconst(types::I8, 0);
        layout::set_len_byte(&mut self.e.b, address, zero);
        if let Some(name) = name {
            // What is needed for that is got now: between, registers are scarce.
            layout::give_name(&mut self.e.b, base, name);
        }
        self.e.b.ins().jump(go_on, &[]);

        self.e.b.switch_to_block(slow);
        self.e.call_stub(base, Slot::AbandonStub, &[id]);
        let done = self.e.stub_result(base, types::I32);
        self.e.b.ins().brif(done, go_on, &[], exit, &[]);

        self.e.b.switch_to_block(go_on);
        self.end_window();
        self.forget_segments();
    }

    /// Address of the entry of name 0, without remembering it.
    fn names_again(&mut self) -> ir::Value {
        match self.env.names {
            Some(names) => names,
            None => {
                let base = self.base();
                layout::names(&mut self.e.b, base)
            }
        }
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
