//! Where everything is, as code: the only file that emits addresses of registers, segments, length bytes and buffers. It
//! follows `rum_interp::engine::layout`, which is where the layout is explained.
//!
//! Functions take a builder, because units and stubs both use them. Identifiers and offsets are 64-bit values here unless
//! said otherwise.

use super::emitter::{compare, trusted};
use crate::abi::{self, Slot};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, BlockArg, InstBuilder, types};
use cranelift_frontend::FunctionBuilder;
use rum_interp::engine::WATCH_VALUE;
use rum_interp::engine::layout::{GRANULE_SHIFT, HEADER_BYTES, LARGE, NAME_PLACE, NAME_SHIFT};
use rum_interp::engine::layout::{NAME_WORDS, PLACE_SHIFT};

/// Bits to shift an offset in words by, for bytes.
const WORD_SHIFT: i64 = 2;
/// Where the length of a large segment stands, from its words.
const HEADER: i32 = -(HEADER_BYTES as i32);

/// Loads a register from its home.
pub(crate) fn load_register(b: &mut FunctionBuilder, base: ir::Value, index: usize) -> ir::Value {
    b.ins().load(types::I32, trusted(), base, abi::register(index))
}

/// Stores a register into its home.
pub(crate) fn store_register(b: &mut FunctionBuilder, base: ir::Value, index: usize, value: ir::Value) {
    b.ins().store(trusted(), value, base, abi::register(index));
}

/// Stores the pc.
pub(crate) fn store_pc(b: &mut FunctionBuilder, base: ir::Value, pc: ir::Value) {
    b.ins().store(trusted(), pc, base, abi::PC);
}

/// Address of granule 0's length byte.
pub(crate) fn lens(b: &mut FunctionBuilder, base: ir::Value) -> ir::Value {
    b.ins().load(types::I64, trusted(), base, abi::LENS)
}

/// The entry of a name where few have names: an address, and how many bytes behind that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    address: ir::Value,
    displacement: i32,
}

/// Address of the entry of name 0, where all segments have names.
pub(crate) fn names(b: &mut FunctionBuilder, base: ir::Value) -> ir::Value {
    b.ins().load(types::I64, trusted(), base, abi::NAMES)
}

/// Address of the entry of a name, where all segments have names.
pub(crate) fn place_address(b: &mut FunctionBuilder, names: ir::Value, name: ir::Value) -> ir::Value {
    let shift = b.ins().iconst(types::I64, i64::from(PLACE_SHIFT));
    let bytes = b.ins().ishl(name, shift);
    b.ins().iadd(names, bytes)
}

/// The place that an entry says: the segment's first granule, or of a name that is not in use the next name to be handed out.
pub(crate) fn place(b: &mut FunctionBuilder, address: ir::Value) -> ir::Value {
    b.ins().uload32(trusted(), address, 0)
}

/// The entry of name 0, where few have names.
pub(crate) fn few_names(base: ir::Value) -> Entry {
    Entry { address: base, displacement: abi::FEW_NAMES }
}

/// Names are below this, as 32 bits, where not every identifier has an entry in their table.
pub(crate) fn names_bound(b: &mut FunctionBuilder, base: ir::Value) -> ir::Value {
    b.ins().load(types::I32, trusted(), base, abi::NAMES_BOUND)
}

/// Address of the words of the segment that starts at a granule: that an identifier says, if it is no name.
pub(crate) fn words(b: &mut FunctionBuilder, base: ir::Value, id: ir::Value) -> ir::Value {
    let shift = b.ins().iconst(types::I64, i64::from(GRANULE_SHIFT));
    let bytes = b.ins().ishl(id, shift);
    b.ins().iadd(base, bytes)
}

/// Address of the word at an offset of a segment's words.
pub(crate) fn word(b: &mut FunctionBuilder, words: ir::Value, offset: ir::Value) -> ir::Value {
    let shift = b.ins().iconst(types::I64, WORD_SHIFT);
    let bytes = b.ins().ishl(offset, shift);
    b.ins().iadd(words, bytes)
}

/// Base and displacement of a constant offset of segment 0.
pub(crate) fn slot(b: &mut FunctionBuilder, base: ir::Value, offset: u32) -> (ir::Value, i32) {
    match displacement(offset) {
        Some(displacement) => (base, displacement),
        None => {
            let bytes = b.ins().iconst(types::I64, i64::from(offset) << WORD_SHIFT);
            (b.ins().iadd(base, bytes), 0)
        }
    }
}

/// A constant offset as a displacement in bytes, if it is small enough.
pub(crate) fn displacement(offset: u32) -> Option<i32> {
    i32::try_from(u64::from(offset) << WORD_SHIFT).ok()
}

/// A length byte as a number of 8 bits.
pub(crate) fn len_byte(b: &mut FunctionBuilder, address: ir::Value) -> ir::Value {
    b.ins().load(types::I8, trusted(), address, 0)
}

/// A length byte as a number of more bits.
pub(crate) fn wide_len_byte(b: &mut FunctionBuilder, kind: ir::Type, address: ir::Value) -> ir::Value {
    b.ins().uload8(kind, trusted(), address, 0)
}

/// Sets a length byte to a number of 8 bits.
pub(crate) fn set_len_byte(b: &mut FunctionBuilder, address: ir::Value, byte: ir::Value) {
    b.ins().store(trusted(), byte, address, 0);
}

/// Whether a length byte says that a segment is large.
pub(crate) fn is_large(b: &mut FunctionBuilder, byte: ir::Value) -> ir::Value {
    compare(b, IntCC::Equal, byte, i64::from(LARGE))
}

/// Whether a length byte of 8 bits says that a segment is active and small.
pub(crate) fn is_small(b: &mut FunctionBuilder, byte: ir::Value) -> ir::Value {
    let one = b.ins().iconst(types::I8, 1);
    let less = b.ins().isub(byte, one);
    // Neither 0 (not active) nor LARGE.
    compare(b, IntCC::UnsignedLessThan, less, i64::from(LARGE - 1))
}

/// Length of a large segment whose words stand at an address, as 64 bits.
pub(crate) fn large_length(b: &mut FunctionBuilder, words: ir::Value) -> ir::Value {
    b.ins().uload32(trusted(), words, HEADER)
}

/// Where a segment is, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Located {
    /// Its first granule, as 64 bits.
    pub granule: ir::Value,
    /// Length in words, as 32 bits; 0 if it is not active, or segment 0.
    pub length: ir::Value,
}

/// Length in words, as 32 bits, of a segment without a name; 0 if it is not active, or segment 0.
pub(crate) fn length(b: &mut FunctionBuilder, base: ir::Value, lens: ir::Value, id: ir::Value) -> ir::Value {
    let known = b.create_block();
    b.append_block_param(known, types::I32);
    lengths(b, base, lens, id, |b, length| {
        b.ins().jump(known, &[BlockArg::Value(length)]);
    });
    b.switch_to_block(known);
    b.block_params(known)[0]
}

/// As [`length`], with two ends: for large segments and for others.
fn lengths(
    b: &mut FunctionBuilder,
    base: ir::Value,
    lens: ir::Value,
    id: ir::Value,
    go_on: impl Fn(&mut FunctionBuilder, ir::Value),
) {
    let address = b.ins().iadd(lens, id);
    let byte = wide_len_byte(b, types::I32, address);
    let [large, small] = std::array::from_fn(|_| b.create_block());
    let found_large = is_large(b, byte);
    b.ins().brif(found_large, large, &[], small, &[]);
    b.switch_to_block(large);
    let words = words(b, base, id);
    let length = b.ins().load(types::I32, trusted(), words, HEADER);
    go_on(b, length);
    b.switch_to_block(small);
    let one = b.ins().iconst(types::I32, 1);
    let at_least_one = b.ins().umax(byte, one);
    let length = b.ins().isub(at_least_one, one);
    go_on(b, length);
}

/// The segment that has a name below the end of the table of names, where few have names.
fn named(b: &mut FunctionBuilder, names: Entry, id: ir::Value) -> Located {
    let entry = name_entry(b, names, id);
    located(b, entry)
}

/// The segment that a constant names, where few have names.
pub(crate) fn few_named(b: &mut FunctionBuilder, base: ir::Value, name: u32) -> Located {
    let few = few_names(base);
    let behind = i32::try_from(name << NAME_SHIFT).expect("few names");
    located(b, Entry { displacement: few.displacement + behind, ..few })
}

/// The segment of an entry.
fn located(b: &mut FunctionBuilder, entry: Entry) -> Located {
    let length = name_words(b, entry);
    Located { granule: name_place(b, entry), length }
}

/// A segment that may have a name, which is below `bound`, as few have, or none.
pub(crate) fn named_or_not(
    b: &mut FunctionBuilder,
    base: ir::Value,
    lens: ir::Value,
    id: ir::Value,
    bound: u32,
) -> Located {
    let [by_name, by_length, known] = std::array::from_fn(|_| b.create_block());
    b.append_block_param(known, types::I64);
    b.append_block_param(known, types::I32);
    let has_name = compare(b, IntCC::UnsignedLessThan, id, i64::from(bound));
    b.ins().brif(has_name, by_name, &[], by_length, &[]);
    b.switch_to_block(by_name);
    let found = named(b, few_names(base), id);
    b.ins().jump(known, &[BlockArg::Value(found.granule), BlockArg::Value(found.length)]);
    b.switch_to_block(by_length);
    lengths(b, base, lens, id, |b, length| {
        b.ins().jump(known, &[BlockArg::Value(id), BlockArg::Value(length)]);
    });
    b.switch_to_block(known);
    Located { granule: b.block_params(known)[0], length: b.block_params(known)[1] }
}

/// The entry of a name, where few have names.
pub(crate) fn name_entry(b: &mut FunctionBuilder, names: Entry, id: ir::Value) -> Entry {
    let shift = b.ins().iconst(types::I64, i64::from(NAME_SHIFT));
    let bytes = b.ins().ishl(id, shift);
    Entry { address: b.ins().iadd(names.address, bytes), ..names }
}

/// The first granule of the segment of an entry.
pub(crate) fn name_place(b: &mut FunctionBuilder, entry: Entry) -> ir::Value {
    b.ins().uload32(trusted(), entry.address, entry.displacement + NAME_PLACE as i32)
}

/// The length in words of the segment of an entry, as 32 bits.
pub(crate) fn name_words(b: &mut FunctionBuilder, entry: Entry) -> ir::Value {
    b.ins().load(types::I32, trusted(), entry.address, entry.displacement + NAME_WORDS as i32)
}

/// The name that was given back last; 0 if there is none.
pub(crate) fn free_name(b: &mut FunctionBuilder, base: ir::Value) -> ir::Value {
    b.ins().uload32(trusted(), base, abi::NAMES_FREE)
}

/// Hands out the name that was given back last to the segment at a place.
pub(crate) fn take_name(b: &mut FunctionBuilder, base: ir::Value, names: ir::Value, name: ir::Value, place: ir::Value) {
    let entry = place_address(b, names, name);
    let next = self::place(b, entry);
    b.ins().istore32(trusted(), next, base, abi::NAMES_FREE);
    b.ins().istore32(trusted(), place, entry, 0);
}

/// Gives back a name.
pub(crate) fn give_name(b: &mut FunctionBuilder, base: ir::Value, name: ir::Value) {
    let names = names(b, base);
    let entry = place_address(b, names, name);
    let next = free_name(b, base);
    b.ins().istore32(trusted(), next, entry, 0);
    b.ins().istore32(trusted(), name, base, abi::NAMES_FREE);
}

/// Not 0 if something depends on the word at an offset of segment 0.
pub(crate) fn watched(b: &mut FunctionBuilder, base: ir::Value, offset: ir::Value) -> ir::Value {
    let table = b.ins().load(types::I64, trusted(), base, abi::WATCH);
    let address = b.ins().iadd(table, offset);
    let byte = b.ins().load(types::I8, trusted(), address, 0);
    let mask = b.ins().iconst(types::I8, i64::from(WATCH_VALUE));
    b.ins().band(byte, mask)
}

/// Whether a number of 64 bits is one of those from one slot on, of which there are as many as another slot says.
pub(crate) fn is_in(b: &mut FunctionBuilder, base: ir::Value, number: ir::Value, from: Slot, count: Slot) -> ir::Value {
    let from = b.ins().load(types::I64, trusted(), base, abi::slot(from));
    let count = b.ins().load(types::I64, trusted(), base, abi::slot(count));
    let distance = b.ins().isub(number, from);
    b.ins().icmp(IntCC::UnsignedLessThan, distance, count)
}

/// Granules of a small segment of so many words (32 or 64 bits, as `one`, which is 1): half of them, rounded up, but not 0.
pub(crate) fn granules(b: &mut FunctionBuilder, words: ir::Value, one: ir::Value) -> ir::Value {
    let more = b.ins().iadd(words, one);
    let half = b.ins().ushr(more, one);
    b.ins().umax(half, one)
}

/// The current run of free granules.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    /// The first of them, which is the next identifier.
    pub cursor: ir::Value,
    /// The same as 32 bits.
    narrow: ir::Value,
    /// Their number, as 32 bits.
    pub room: ir::Value,
}

/// Looks at the current run.
pub(crate) fn run(b: &mut FunctionBuilder, base: ir::Value) -> Run {
    let cursor = b.ins().uload32(trusted(), base, abi::CURSOR);
    let narrow = b.ins().ireduce(types::I32, cursor);
    let end = b.ins().load(types::I32, trusted(), base, abi::RUN_END);
    let room = b.ins().isub(end, narrow);
    Run { cursor, narrow, room }
}

/// Takes so many granules (32 bits) from the current run.
pub(crate) fn advance(b: &mut FunctionBuilder, base: ir::Value, run: Run, granules: ir::Value) {
    let next = b.ins().iadd(run.narrow, granules);
    b.ins().store(trusted(), next, base, abi::CURSOR);
}

/// Where the next byte of input is, and whether it is there.
pub(crate) fn input(b: &mut FunctionBuilder, base: ir::Value) -> (ir::Value, ir::Value) {
    let next = b.ins().load(types::I64, trusted(), base, abi::INPUT_NEXT);
    let end = b.ins().load(types::I64, trusted(), base, abi::INPUT_END);
    let is_there = b.ins().icmp(IntCC::NotEqual, next, end);
    (next, is_there)
}

/// Takes the next byte of input, which is there, as 32 bits.
pub(crate) fn take(b: &mut FunctionBuilder, base: ir::Value, next: ir::Value) -> ir::Value {
    let byte = b.ins().uload8(types::I32, trusted(), next, 0);
    let one = b.ins().iconst(types::I64, 1);
    let after = b.ins().iadd(next, one);
    b.ins().store(trusted(), after, base, abi::INPUT_NEXT);
    byte
}

/// Where the next byte of output goes, and whether there is room for it.
pub(crate) fn output(b: &mut FunctionBuilder, base: ir::Value) -> (ir::Value, ir::Value) {
    let next = b.ins().load(types::I64, trusted(), base, abi::OUTPUT_NEXT);
    let end = b.ins().load(types::I64, trusted(), base, abi::OUTPUT_END);
    let room = b.ins().icmp(IntCC::NotEqual, next, end);
    (next, room)
}

/// Puts out the lowest byte of a value, where there is room.
pub(crate) fn put(b: &mut FunctionBuilder, base: ir::Value, next: ir::Value, value: ir::Value) {
    let byte = b.ins().ireduce(types::I8, value);
    b.ins().store(trusted(), byte, next, 0);
    let one = b.ins().iconst(types::I64, 1);
    let after = b.ins().iadd(next, one);
    b.ins().store(trusted(), after, base, abi::OUTPUT_NEXT);
}
