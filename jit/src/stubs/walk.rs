//! The quick way to a new run of free granules, without the host.
//!
//! Allocates a small segment from the next run that fits, as `Memory::refill` would: walks over the length bytes from
//! the end of the current run. Where that needs more than walking (the frontier, memory never touched, long runs), the
//! host does it all from the start, so that both always agree. So it does where the segment gets a name that was never handed
//! out, or one beside segments without names.

use crate::abi::{self, Slot};
use crate::emit::{layout, stub_signature, trusted};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, BlockArg, Endianness, InstBuilder, MemFlagsData, types};
use cranelift_frontend::FunctionBuilder;
use rum_interp::engine::layout::{RUN_GRANULES_MAX, SMALL_WORDS_MAX};

/// Writes the body of the stub. `alloc_host` is the address of the one that asks the host; `all_named` says whether every
/// segment gets a name.
pub(super) fn write(b: &mut FunctionBuilder, alloc_host: usize, all_named: bool) {
    Walk::begin(b, all_named).write(alloc_host);
}

/// The stub under construction: values that hold in all of it, and blocks that lead to each other.
struct Walk<'a, 'b> {
    b: &'a mut FunctionBuilder<'b>,
    base: ir::Value,
    lens: ir::Value,
    /// The argument, as it came and as 64 bits, and the granules that it takes.
    words: ir::Value,
    wide_words: ir::Value,
    granules: ir::Value,
    /// No granule at or above this is looked at.
    limit: ir::Value,
    one: ir::Value,
    /// The name that the segment gets, if all have one.
    name: Option<ir::Value>,
    /// Steps over segments; takes the granule where one starts, or a free one.
    at_segment: ir::Block,
    /// A free granule was found; takes it.
    at_free: ir::Block,
    /// A run was found; takes its start and end.
    found: ir::Block,
    host: ir::Block,
}

impl<'a, 'b> Walk<'a, 'b> {
    fn begin(b: &'a mut FunctionBuilder<'b>, all_named: bool) -> Walk<'a, 'b> {
        let entry = b.current_block().expect("the entry block");
        let words = b.block_params(entry)[0];
        let base = b.ins().get_pinned_reg(types::I64);
        let lens = layout::lens(b, base);
        let frontier = b.ins().uload32(trusted(), base, abi::FRONTIER);
        let touched = b.ins().uload32(trusted(), base, abi::TOUCHED);
        let limit = b.ins().umin(frontier, touched);
        let wide_words = b.ins().uextend(types::I64, words);
        let one = b.ins().iconst(types::I64, 1);
        let granules = layout::granules(b, wide_words, one);
        let name = all_named.then(|| layout::free_name(b, base));
        let [at_segment, at_free, found, host] = std::array::from_fn(|_| b.create_block());
        for block in [at_segment, at_free, found, found] {
            b.append_block_param(block, types::I64);
        }
        b.set_cold_block(host);
        Walk { b, base, lens, words, wide_words, granules, limit, one, name, at_segment, at_free, found, host }
    }

    fn write(mut self, alloc_host: usize) {
        let run_end = self.b.ins().uload32(trusted(), self.base, abi::RUN_END);
        let small_max = i64::from(SMALL_WORDS_MAX);
        let small = self.b.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, self.wide_words, small_max);
        self.host_unless(small);
        match self.name {
            Some(name) => self.host_unless(name),
            None => {
                let left = self.b.ins().load(types::I32, trusted(), self.base, abi::NAMES_LEFT);
                let unnamed = self.b.ins().icmp_imm_u(IntCC::Equal, left, 0);
                self.host_unless(unnamed);
            }
        }
        self.b.ins().jump(self.at_segment, &[BlockArg::Value(run_end)]);
        self.step_over_segments();
        self.count_free();
        self.take_run();
        self.b.switch_to_block(self.host);
        let signature = self.b.import_signature(stub_signature(1));
        let address = self.b.ins().iconst(types::I64, alloc_host as i64);
        self.b.ins().call_indirect(signature, address, &[self.words]);
        self.b.ins().return_(&[]);
    }

    /// Goes on if `ok`, to the host otherwise.
    fn host_unless(&mut self, ok: ir::Value) {
        let go_on = self.b.create_block();
        self.b.ins().brif(ok, go_on, &[], self.host, &[]);
        self.b.switch_to_block(go_on);
    }

    fn step_over_segments(&mut self) {
        self.b.switch_to_block(self.at_segment);
        let at = self.b.block_params(self.at_segment)[0];
        let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, at, self.limit);
        self.host_unless(inside);
        let address = self.b.ins().iadd(self.lens, at);
        let len = layout::wide_len_byte(self.b, types::I64, address);
        let step = self.b.create_block();
        self.b.ins().brif(len, step, &[], self.at_free, &[BlockArg::Value(at)]);
        self.b.switch_to_block(step);
        let words = self.b.ins().isub(len, self.one);
        let taken = layout::granules(self.b, words, self.one);
        let next = self.b.ins().iadd(at, taken);
        self.b.ins().jump(self.at_segment, &[BlockArg::Value(next)]);
    }

    /// Counts free granules, eight length bytes at a time; long runs, and those at the limit, are the host's.
    fn count_free(&mut self) {
        let count = self.b.create_block();
        self.b.append_block_param(count, types::I64);
        self.b.append_block_param(count, types::I64);
        self.b.switch_to_block(self.at_free);
        let start = self.b.block_params(self.at_free)[0];
        self.b.ins().jump(count, &[BlockArg::Value(start), BlockArg::Value(start)]);
        self.b.switch_to_block(count);
        let (start, end) = (self.b.block_params(count)[0], self.b.block_params(count)[1]);
        let eight = self.b.ins().iconst(types::I64, 8);
        let after = self.b.ins().iadd(end, eight);
        let inside = self.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, after, self.limit);
        self.host_unless(inside);
        let address = self.b.ins().iadd(self.lens, end);
        let little = MemFlagsData::trusted().with_endianness(Endianness::Little);
        let eight_lens = self.b.ins().load(types::I64, little, address, 0);
        let (taken, free) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(eight_lens, taken, &[], free, &[]);
        self.b.switch_to_block(free);
        let run = self.b.ins().isub(after, start);
        let longest = i64::from(RUN_GRANULES_MAX / 2);
        let short = self.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, run, longest);
        self.b.ins().brif(short, count, &[BlockArg::Value(start), BlockArg::Value(after)], self.host, &[]);
        self.b.switch_to_block(taken);
        let bits = self.b.ins().ctz(eight_lens);
        let three = self.b.ins().iconst(types::I64, 3);
        let bytes = self.b.ins().ushr(bits, three);
        let end = self.b.ins().iadd(end, bytes);
        self.b.ins().jump(self.found, &[BlockArg::Value(start), BlockArg::Value(end)]);
    }

    /// If the run is long enough it is cleared and becomes the current one, and the segment is taken from its start.
    fn take_run(&mut self) {
        let (clear, cleared) = (self.b.create_block(), self.b.create_block());
        self.b.append_block_param(clear, types::I64);
        self.b.switch_to_block(self.found);
        let (start, end) = (self.b.block_params(self.found)[0], self.b.block_params(self.found)[1]);
        let run = self.b.ins().isub(end, start);
        let fits = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, run, self.granules);
        self.b.ins().brif(fits, clear, &[BlockArg::Value(start)], self.at_segment, &[BlockArg::Value(end)]);

        self.b.switch_to_block(clear);
        let granule = self.b.block_params(clear)[0];
        let address = layout::words(self.b, self.base, granule);
        let zero = self.b.ins().iconst(types::I64, 0);
        self.b.ins().store(trusted(), zero, address, 0);
        let next = self.b.ins().iadd(granule, self.one);
        let more = self.b.ins().icmp(IntCC::UnsignedLessThan, next, end);
        self.b.ins().brif(more, clear, &[BlockArg::Value(next)], cleared, &[]);

        self.b.switch_to_block(cleared);
        let granted = self.b.ins().uload32(trusted(), self.base, abi::GRANTED);
        let granted = self.b.ins().iadd(granted, run);
        self.b.ins().istore32(trusted(), granted, self.base, abi::GRANTED);
        self.b.ins().istore32(trusted(), end, self.base, abi::RUN_END);
        let cursor = self.b.ins().iadd(start, self.granules);
        self.b.ins().istore32(trusted(), cursor, self.base, abi::CURSOR);
        let address = self.b.ins().iadd(self.lens, start);
        let len = self.b.ins().iadd(self.wide_words, self.one);
        self.b.ins().istore8(trusted(), len, address, 0);
        if let Some(name) = self.name {
            let names = layout::names(self.b, self.base);
            layout::take_name(self.b, self.base, names, name, start);
        }
        self.b.ins().store(trusted(), self.name.unwrap_or(start), self.base, abi::slot(Slot::Result));
        self.b.ins().store(trusted(), start, self.base, abi::slot(Slot::Place));
        self.b.ins().return_(&[]);
    }
}
