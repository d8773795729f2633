//! Segments: index, amend, alloc, abandon, output.
//!
//! Three kinds of access:
//! - to a *slot*: a constant offset of segment 0, when the register that names the segment is known to be 0. It needs no
//!   check: the length of segment 0 is fixed while the code lives. A store to a slot is noted, because it looks at
//!   nobody who may come to depend on the word later.
//! - to a *variable word of segment 0*: checked against its length, and for stores against the watch bytes.
//! - to *any other segment*: checked against the length byte of the identifier. Segment 0 has length byte 0, so what goes
//!   through is never segment 0, and slots and segments cannot be the same words. Where the site has met large
//!   segments, or segment 0 in a register, the code behind the failing check tries these too.
//!
//! Values known to stand in memory are forwarded to later reads; every read that the window has seen, forwarded or not,
//! is remembered in `Env::reads`, because a store to that word must end the window.

use super::value::{Key, Val, remember};
use super::{StraightLine, Translator, trusted};
use crate::abi;
use crate::guest::met::Met;
use crate::options::Optimisation;
use cranelift_codegen::ir::{self, BlockArg, InstBuilder, condcodes::IntCC, types};
use rum_interp::engine::WATCH_VALUE;
use rum_interp::engine::layout::{LARGE, SMALL_WORDS_MAX, small_granules};
use rum_interp::isa::{Instruction, LITERAL_MAX, Reg};

/// An offset in a segment: a value of the guest, if it is no constant, and a distance from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Offset {
    base: Option<ir::Value>,
    distance: u32,
}

impl Offset {
    /// Whether two offsets may be the same word of some segment.
    fn may_be(self, other: Offset) -> bool {
        self.base != other.base || self.distance == other.distance
    }
}

/// Something that was read since the window began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Read {
    Slot(u32),
    /// A variable offset of segment 0.
    AnySlot,
    /// A word of a segment other than 0.
    Cell(Offset),
}

/// Where an access goes, for the rules about what may be the same word.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Slot(u32),
    AnySlot,
    Cell(Offset),
    /// A segment in a register that may turn out to be segment 0.
    Anywhere,
}

/// What is known of segments other than 0, each named by the value that identifies it. Holds until something is abandoned.
#[derive(Clone, Debug, Default)]
pub(super) struct Segments {
    /// Active, and with at least this word: a constant offset says the same of all smaller ones.
    reached: Vec<Reached>,
    /// Lengths in words; 0 if not active.
    lengths: Vec<(ir::Value, ir::Value)>,
    /// Length bytes.
    bytes: Vec<(ir::Value, ir::Value)>,
}

/// A word that a segment is known to have.
#[derive(Clone, Copy, Debug)]
struct Reached {
    segment: ir::Value,
    at: Offset,
    /// The check that says so, if it can still ask for more: the constant that it compares with.
    raisable: Option<(ir::Inst, StraightLine)>,
}

impl Reached {
    fn covers(&self, segment: ir::Value, at: Offset) -> bool {
        let constants = at.base.is_none() && self.at.base.is_none();
        self.segment == segment && (self.at == at || (constants && self.at.distance >= at.distance))
    }
}

/// The largest constant offset whose check needs only the length byte, for large segments too.
const OFFSET_MAX: u32 = SMALL_WORDS_MAX - 1;

impl Translator<'_> {
    pub(super) fn index(&mut self, a: Reg, b: Reg, c: Reg, met: Met) -> bool {
        let offset = self.val(c);
        let val = match (self.val(b), offset) {
            (Val::Const(0), Val::Const(offset)) if offset >= self.region.program_len => {
                self.always_leave();
                return false;
            }
            (Val::Const(0), Val::Const(offset)) => self.load_slot(offset),
            (Val::Const(0), _) => {
                let offset = self.get(c);
                let offset = self.check_program_offset(offset);
                self.read(Read::AnySlot);
                let base = self.base();
                Val::Ssa(self.load_word(base, offset, 0))
            }
            (segment, offset) => {
                let id = self.materialise(segment);
                self.load_cell(id, offset, met)
            }
        };
        self.set(a, val);
        self.env.uncounted += 1;
        true
    }

    fn load_slot(&mut self, offset: u32) -> Val {
        self.read(Read::Slot(offset));
        if self.on(Optimisation::Forwarding)
            && let Some(&(_, val)) = self.env.slots.iter().rev().find(|&&(slot, _)| slot == offset)
        {
            self.gain(Optimisation::Forwarding);
            return val;
        }
        let (base, displacement) = self.slot_address(offset);
        let val = Val::Ssa(self.b.ins().load(types::I32, trusted(), base, displacement));
        remember(&mut self.env.slots, (offset, val));
        val
    }

    /// The literal at hand is patched again and again: reads its value. False if it is none any more.
    pub(super) fn patched_literal(&mut self, a: Reg) -> bool {
        let expected = Instruction::Literal { a, value: 0 }.encode();
        // The window opens before the word is read: a store to the word must end it.
        self.exit();
        let value = match self.load_slot(self.pc) {
            Val::Const(word) if word & !LITERAL_MAX != expected => {
                self.always_leave();
                return false;
            }
            Val::Const(word) => Val::Const(word & LITERAL_MAX),
            word => {
                let word = self.materialise(word);
                let mask = self.iconst(LITERAL_MAX);
                let value = self.b.ins().band(word, mask);
                let rest = self.b.ins().isub(word, value);
                let unchanged = self.compare(IntCC::Equal, rest, i64::from(expected));
                self.check(unchanged);
                Val::Ssa(value)
            }
        };
        self.set(a, value);
        self.env.uncounted += 1;
        true
    }

    fn load_cell(&mut self, id: ir::Value, offset: Val, met: Met) -> Val {
        let (offset, at) = self.offset(offset);
        self.check_cell(id, offset, at, met, false);
        self.read(Read::Cell(at));
        if met.contains(Met::PROGRAM) {
            self.read(Read::AnySlot);
        } else if self.on(Optimisation::Forwarding)
            && let Some(&(.., val)) = self.env.cells.iter().rev().find(|&&(cell, found, _)| cell == id && found == at)
        {
            self.gain(Optimisation::Forwarding);
            return val;
        }
        let (address, displacement) = self.cell_address(id, offset);
        let val = Val::Ssa(self.b.ins().load(types::I32, trusted(), address, displacement));
        if !met.contains(Met::PROGRAM) {
            remember(&mut self.env.cells, (id, at, val));
        }
        val
    }

    pub(super) fn amend(&mut self, a: Reg, b: Reg, c: Reg, met: Met) -> bool {
        let (segment, offset, value) = (self.val(a), self.val(b), self.val(c));
        match (segment, offset) {
            (Val::Const(0), Val::Const(offset))
                if offset >= self.region.program_len || self.region.watched_stores.contains(&offset) =>
            {
                self.always_leave();
                return false;
            }
            // An offset that only the translator came to know is checked at run time like any other.
            (Val::Const(0), Val::Const(offset)) if self.region.plain_stores.contains(&offset) => {
                self.store_ends_window(Place::Slot(offset));
                self.plan.plain_stores.insert(offset);
                let (base, displacement) = self.slot_address(offset);
                let stored = self.materialise(value);
                self.b.ins().store(trusted(), stored, base, displacement);
                self.env.slots.retain(|&(slot, _)| slot != offset);
                remember(&mut self.env.slots, (offset, value));
            }
            (Val::Const(0), offset) => {
                let offset = self.materialise(offset);
                let offset = self.check_program_offset(offset);
                self.check_unwatched(offset);
                self.store_ends_window(Place::AnySlot);
                let (base, stored) = (self.base(), self.materialise(value));
                self.store_word(base, offset, stored);
                self.env.slots.clear();
            }
            (segment, offset) => {
                let id = self.materialise(segment);
                self.store_cell(id, offset, value, met);
            }
        }
        self.env.uncounted += 1;
        true
    }

    fn store_cell(&mut self, id: ir::Value, offset: Val, value: Val, met: Met) {
        let stored = self.materialise(value);
        let (offset, at) = self.offset(offset);
        self.check_cell(id, offset, at, met, true);
        self.store_ends_window(if met.contains(Met::PROGRAM) { Place::Anywhere } else { Place::Cell(at) });
        let (address, displacement) = self.cell_address(id, offset);
        self.b.ins().store(trusted(), stored, address, displacement);
        self.env.cells.retain(|&(_, other, _)| !other.may_be(at));
        if met.contains(Met::PROGRAM) {
            self.env.slots.clear();
        } else {
            remember(&mut self.env.cells, (id, at, value));
        }
    }

    /// An offset as a constant or a value, and what it is made of.
    fn offset(&mut self, val: Val) -> (Val, Offset) {
        if let Val::Const(distance) = val {
            return (val, Offset { base: None, distance });
        }
        let value = self.materialise(val);
        let constant = |value| self.env.constants.iter().find(|&&(_, made)| made == value).map(|&(n, _)| n);
        let (base, distance) = match self.made_by(value) {
            Some(Key::Add(x, y)) => match (constant(x), constant(y)) {
                (Some(n), _) => (y, n),
                (_, Some(n)) => (x, n),
                _ => (value, 0),
            },
            _ => (value, 0),
        };
        (Val::Ssa(value), Offset { base: Some(base), distance })
    }

    /// Base and displacement of a word of a segment other than 0.
    fn cell_address(&mut self, id: ir::Value, offset: Val) -> (ir::Value, i32) {
        let words = self.words_of(id);
        if let Val::Const(offset) = offset
            && let Ok(displacement) = i32::try_from(u64::from(offset) * 4)
        {
            return (words, displacement);
        }
        let offset = self.materialise(offset);
        let wide = self.wide(offset);
        let two = self.b.ins().iconst(types::I64, 2);
        let bytes = self.b.ins().ishl(wide, two);
        (self.b.ins().iadd(words, bytes), 0)
    }

    /// Notes a read, for the stores that follow.
    fn read(&mut self, read: Read) {
        if self.env.window.is_some() && !self.env.reads.contains(&read) {
            self.env.reads.push(read);
        }
    }

    /// Called before a store, behind its check: if the window has read what may be the same word, executing from its
    /// start a second time would read the new value, so the window ends here, and the next check opens another.
    fn store_ends_window(&mut self, place: Place) {
        let same = self.env.reads.iter().any(|&read| match (place, read) {
            (Place::Slot(x), Read::Slot(y)) => x == y,
            (Place::Cell(x), Read::Cell(y)) => x.may_be(y),
            (Place::Slot(_) | Place::AnySlot, Read::AnySlot) | (Place::AnySlot, Read::Slot(_)) => true,
            (Place::Anywhere, _) => true,
            (Place::Slot(_) | Place::AnySlot, Read::Cell(_)) => false,
            (Place::Cell(_), Read::Slot(_) | Read::AnySlot) => false,
        });
        if same {
            self.end_window();
        }
    }

    /// The next check needs an exit of its own.
    pub(super) fn end_window(&mut self) {
        self.env.window = None;
        self.env.reads.clear();
    }

    /// Base and displacement of a constant offset of segment 0.
    fn slot_address(&mut self, offset: u32) -> (ir::Value, i32) {
        let base = self.base();
        match i32::try_from(u64::from(offset) * 4) {
            Ok(displacement) => (base, displacement),
            Err(_) => {
                let bytes = self.b.ins().iconst(types::I64, i64::from(offset) * 4);
                (self.b.ins().iadd(base, bytes), 0)
            }
        }
    }

    /// Address of the words of a segment.
    pub(super) fn words_of(&mut self, id: ir::Value) -> ir::Value {
        if let Some(found) = self.find(Key::Words(id)) {
            return found;
        }
        let (base, wide) = (self.base(), self.wide(id));
        let three = self.b.ins().iconst(types::I64, 3);
        let bytes = self.b.ins().ishl(wide, three);
        let words = self.b.ins().iadd(base, bytes);
        remember(&mut self.env.done, (Key::Words(id), words));
        words
    }

    /// Length in words of a segment other than 0; 0 if it is not active, or segment 0. Leaves in no case.
    pub(super) fn length_of(&mut self, id: ir::Value) -> ir::Value {
        if let Some(&(_, length)) = self.env.segments.lengths.iter().rev().find(|&&(segment, _)| segment == id) {
            return length;
        }
        let mut index = self.wide(id);
        if let Some(bound) = self.settings.id_bound {
            let inside = self.compare(IntCC::UnsignedLessThan, index, bound as i64);
            let nobody = self.b.ins().iconst(types::I64, 0);
            index = self.b.ins().select(inside, index, nobody);
        }
        let (base, lens) = (self.base(), self.lens());
        let address = self.b.ins().iadd(lens, index);
        let byte = self.b.ins().uload8(types::I32, trusted(), address, 0);
        let [large, small, known] = std::array::from_fn(|_| self.b.create_block());
        self.b.append_block_param(known, types::I32);
        let is_large = self.compare(IntCC::Equal, byte, i64::from(LARGE));
        self.b.ins().brif(is_large, large, &[], small, &[]);
        self.b.switch_to_block(large);
        let three = self.b.ins().iconst(types::I64, 3);
        let bytes = self.b.ins().ishl(index, three);
        let words = self.b.ins().iadd(base, bytes);
        let length = self.b.ins().load(types::I32, trusted(), words, -8);
        self.b.ins().jump(known, &[BlockArg::Value(length)]);
        self.b.switch_to_block(small);
        let one = self.b.ins().iconst(types::I32, 1);
        let at_least_one = self.b.ins().umax(byte, one);
        let length = self.b.ins().isub(at_least_one, one);
        self.b.ins().jump(known, &[BlockArg::Value(length)]);
        self.b.switch_to_block(known);
        let length = self.b.block_params(known)[0];
        if self.on(Optimisation::Lengths) {
            remember(&mut self.env.segments.lengths, (id, length));
        }
        length
    }

    /// The word at a 64-bit offset.
    fn load_word(&mut self, words: ir::Value, offset: ir::Value, displacement: i32) -> ir::Value {
        let two = self.b.ins().iconst(types::I64, 2);
        let bytes = self.b.ins().ishl(offset, two);
        let address = self.b.ins().iadd(words, bytes);
        self.b.ins().load(types::I32, trusted(), address, displacement)
    }

    fn store_word(&mut self, words: ir::Value, offset: ir::Value, value: ir::Value) {
        let two = self.b.ins().iconst(types::I64, 2);
        let bytes = self.b.ins().ishl(offset, two);
        let address = self.b.ins().iadd(words, bytes);
        self.b.ins().store(trusted(), value, address, 0);
    }

    pub(super) fn lens(&mut self) -> ir::Value {
        if let Some(lens) = self.env.lens {
            return lens;
        }
        let base = self.base();
        let lens = self.b.ins().load(types::I64, trusted(), base, abi::LENS);
        self.env.lens = Some(lens);
        lens
    }

    /// Address of the length byte of an identifier, which may be anything.
    fn len_address(&mut self, id: ir::Value) -> ir::Value {
        if let Some(bound) = self.settings.id_bound {
            let wide = self.wide(id);
            let inside = self.compare(IntCC::UnsignedLessThan, wide, bound as i64);
            self.check(inside);
        }
        let (lens, id) = (self.lens(), self.wide(id));
        self.b.ins().iadd(lens, id)
    }

    /// Checks that a word of a segment exists, and for a store that nobody depends on it. The segment is not 0, unless the
    /// site has met that.
    fn check_cell(&mut self, id: ir::Value, offset: Val, at: Offset, met: Met, store: bool) {
        if met.contains(Met::PROGRAM) {
            return self.check_cell_or_program(id, offset, met, store);
        }
        if self.on(Optimisation::Lengths) && self.env.segments.reached.iter().any(|known| known.covers(id, at)) {
            return self.gain(Optimisation::Lengths);
        }
        let has_length = self.env.segments.lengths.iter().any(|&(segment, _)| segment == id);
        let short = matches!(offset, Val::Const(offset) if offset <= OFFSET_MAX);
        if short && !has_length && self.raise_check(id, at) {
            return;
        }
        let mut raisable = None;
        let ok = if has_length || (met.contains(Met::LARGE) && !short) {
            if has_length {
                self.gain(Optimisation::Lengths);
            }
            let (offset, length) = (self.materialise(offset), self.length_of(id));
            self.b.ins().icmp(IntCC::UnsignedLessThan, offset, length)
        } else {
            let address = self.len_address(id);
            match offset {
                Val::Const(offset) if short => {
                    let byte = self.b.ins().load(types::I8, trusted(), address, 0);
                    remember(&mut self.env.segments.bytes, (id, byte));
                    let bound = self.b.ins().iconst(types::I8, i64::from(offset + 1));
                    raisable = self.b.func.dfg.value_def(bound).inst().map(|inst| (inst, self.straight_line));
                    self.b.ins().icmp(IntCC::UnsignedGreaterThan, byte, bound)
                }
                offset => {
                    let byte = self.b.ins().uload8(types::I64, trusted(), address, 0);
                    let past = self.past(offset);
                    self.b.ins().icmp(IntCC::UnsignedLessThan, past, byte)
                }
            }
        };
        self.check(ok);
        // Segment 0 has length byte 0.
        self.learn_nonzero(id);
        remember(&mut self.env.segments.reached, Reached { segment: id, at, raisable });
    }

    /// Has an earlier check of a smaller constant offset ask for this one at once, where what was between them always goes
    /// on to here: code that takes a record apart checks it once. Leaving early is leaving at an earlier boundary.
    fn raise_check(&mut self, id: ir::Value, at: Offset) -> bool {
        if !self.on(Optimisation::Lengths) {
            return false;
        }
        let line = self.straight_line;
        for known in self.env.segments.reached.iter_mut().rev() {
            if known.segment == id
                && let Some((bound, made_in)) = known.raisable
                && made_in == line
            {
                known.at = at;
                let imm = ir::immediates::Imm64::new(i64::from(at.distance + 1));
                self.b.func.dfg.insts[bound] = ir::InstructionData::UnaryImm { opcode: ir::Opcode::Iconst, imm };
                self.gain(Optimisation::Lengths);
                return true;
            }
        }
        false
    }

    /// An offset and one, as 64 bits.
    fn past(&mut self, offset: Val) -> ir::Value {
        let offset = self.materialise(offset);
        let wide = self.wide(offset);
        let one = self.b.ins().iconst(types::I64, 1);
        self.b.ins().iadd(wide, one)
    }

    /// As `check_cell`, where the segment may be any, segment 0 too.
    fn check_cell_or_program(&mut self, id: ir::Value, offset: Val, met: Met, store: bool) {
        let past = self.past(offset);
        let offset = self.materialise(offset);
        let offset = self.wide(offset);
        let address = self.len_address(id);
        let byte = self.b.ins().uload8(types::I64, trusted(), address, 0);
        let ok = self.b.ins().icmp(IntCC::UnsignedLessThan, past, byte);
        self.force_exit();
        let exit = self.exit();
        let (slow, go_on) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(ok, go_on, &[], slow, &[]);
        self.b.switch_to_block(slow);
        // The values made here do not reach the other ways: nothing is remembered.
        let base = self.base_again();
        if met.contains(Met::LARGE) {
            let (large, other) = (self.b.create_block(), self.b.create_block());
            let is_large = self.compare(IntCC::Equal, byte, i64::from(LARGE));
            self.b.ins().brif(is_large, large, &[], other, &[]);
            self.b.switch_to_block(large);
            let wide = self.b.ins().uextend(types::I64, id);
            let three = self.b.ins().iconst(types::I64, 3);
            let bytes = self.b.ins().ishl(wide, three);
            let words = self.b.ins().iadd(base, bytes);
            let length = self.b.ins().uload32(trusted(), words, -8);
            let ok = self.b.ins().icmp(IntCC::UnsignedLessThan, offset, length);
            self.b.ins().brif(ok, go_on, &[], exit, &[]);
            self.b.switch_to_block(other);
        }
        let program = self.b.create_block();
        self.b.ins().brif(id, exit, &[], program, &[]);
        self.b.switch_to_block(program);
        let ok = self.compare(IntCC::UnsignedLessThan, offset, i64::from(self.region.program_len));
        if store {
            let inside = self.b.create_block();
            self.b.ins().brif(ok, inside, &[], exit, &[]);
            self.b.switch_to_block(inside);
            let watched = self.watched(base, offset);
            self.b.ins().brif(watched, exit, &[], go_on, &[]);
        } else {
            self.b.ins().brif(ok, go_on, &[], exit, &[]);
        }
        self.b.switch_to_block(go_on);
    }

    /// The base, without remembering it.
    fn base_again(&mut self) -> ir::Value {
        match self.env.base {
            Some(base) => base,
            None => self.b.ins().get_pinned_reg(types::I64),
        }
    }

    /// Checks an offset of segment 0; gives it as 64 bits.
    fn check_program_offset(&mut self, offset: ir::Value) -> ir::Value {
        let ok = self.compare(IntCC::UnsignedLessThan, offset, i64::from(self.region.program_len));
        self.check(ok);
        self.wide(offset)
    }

    /// Not 0 if somebody depends on the word at an offset of segment 0.
    fn watched(&mut self, base: ir::Value, offset: ir::Value) -> ir::Value {
        let table = self.b.ins().load(types::I64, trusted(), base, abi::WATCH);
        let address = self.b.ins().iadd(table, offset);
        let byte = self.b.ins().load(types::I8, trusted(), address, 0);
        let mask = self.b.ins().iconst(types::I8, i64::from(WATCH_VALUE));
        self.b.ins().band(byte, mask)
    }

    fn check_unwatched(&mut self, offset: ir::Value) {
        let base = self.base();
        let watched = self.watched(base, offset);
        self.check_not(watched);
    }

    pub(super) fn alloc(&mut self, b: Reg, c: Reg) {
        let base = self.base();
        let (words, granules) = match self.val(c) {
            Val::Const(words) if words <= SMALL_WORDS_MAX => (Some(words), Ok(small_granules(words))),
            val => {
                // Granules of a small segment: half the words, rounded up, but not 0.
                let words = self.materialise(val);
                let one = self.iconst(1);
                let more = self.b.ins().iadd(words, one);
                let half = self.b.ins().ushr(more, one);
                (None, Err(self.b.ins().umax(half, one)))
            }
        };
        let cursor = self.b.ins().uload32(trusted(), base, abi::CURSOR);
        let wide_cursor = cursor;
        let cursor = self.b.ins().ireduce(types::I32, cursor);
        let end = self.b.ins().load(types::I32, trusted(), base, abi::RUN_END);
        let room = self.b.ins().isub(end, cursor);
        let granules = match granules {
            Ok(granules) => self.iconst(granules),
            Err(granules) => granules,
        };
        let words_value = match words {
            Some(words) => self.iconst(words),
            None => self.get(c),
        };
        let lens = self.lens();
        let (quick, slow, go_on) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.append_block_param(go_on, types::I64);
        self.b.set_cold_block(slow);
        let mut fits = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, room, granules);
        if words.is_none() {
            let small = self.compare(IntCC::UnsignedLessThanOrEqual, words_value, i64::from(SMALL_WORDS_MAX));
            fits = self.b.ins().band(fits, small);
        }
        // What an exit in the slow part would complete is the state here.
        let exit = self.exit();
        self.b.ins().brif(fits, quick, &[], slow, &[]);

        self.b.switch_to_block(quick);
        let next = self.b.ins().iadd(cursor, granules);
        self.b.ins().store(trusted(), next, base, abi::CURSOR);
        let byte = match words {
            Some(words) => self.b.ins().iconst(types::I8, i64::from(words + 1)),
            None => {
                let one = self.b.ins().iconst(types::I32, 1);
                let more = self.b.ins().iadd(words_value, one);
                self.b.ins().ireduce(types::I8, more)
            }
        };
        let address = self.b.ins().iadd(lens, wide_cursor);
        self.b.ins().store(trusted(), byte, address, 0);
        self.b.ins().jump(go_on, &[BlockArg::Value(wide_cursor)]);

        self.b.switch_to_block(slow);
        self.call_stub(abi::Slot::AllocStub, &[words_value]);
        let id = self.b.ins().load(types::I64, trusted(), base, abi::slot(abi::Slot::Result));
        self.b.ins().brif(id, go_on, &[BlockArg::Value(id)], exit, &[]);

        self.b.switch_to_block(go_on);
        let wide = self.b.block_params(go_on)[0];
        let id = self.b.ins().ireduce(types::I32, wide);
        self.wides.insert(id, wide);
        self.set(b, Val::Ssa(id));
        self.learn_nonzero(id);
        self.end_window();
        if let Some(words) = words
            && words > 0
        {
            let at = Offset { base: None, distance: words - 1 };
            remember(&mut self.env.segments.reached, Reached { segment: id, at, raisable: None });
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
        let known = self.env.segments.bytes.iter().find(|&&(segment, _)| segment == id).map(|&(_, byte)| byte);
        let small = match known.filter(|_| self.on(Optimisation::Lengths)) {
            Some(byte) => {
                // It was checked not to be 0.
                self.gain(Optimisation::Lengths);
                self.compare(IntCC::NotEqual, byte, i64::from(LARGE))
            }
            None => {
                let byte = self.b.ins().load(types::I8, trusted(), address, 0);
                let one = self.b.ins().iconst(types::I8, 1);
                let less = self.b.ins().isub(byte, one);
                // Neither 0 (not active) nor LARGE.
                self.compare(IntCC::UnsignedLessThan, less, i64::from(LARGE - 1))
            }
        };
        let (quick, slow, go_on) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        let exit = self.exit();
        self.b.ins().brif(small, quick, &[], slow, &[]);

        self.b.switch_to_block(quick);
        let zero = self.b.ins().iconst(types::I8, 0);
        self.b.ins().store(trusted(), zero, address, 0);
        self.b.ins().jump(go_on, &[]);

        self.b.switch_to_block(slow);
        self.call_stub(abi::Slot::AbandonStub, &[id]);
        let done = self.b.ins().load(types::I32, trusted(), base, abi::slot(abi::Slot::Result));
        self.b.ins().brif(done, go_on, &[], exit, &[]);

        self.b.switch_to_block(go_on);
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
        let ok = self.compare(IntCC::UnsignedLessThanOrEqual, value, 255);
        self.check(ok);
        let base = self.base();
        let next = self.b.ins().load(types::I64, trusted(), base, abi::OUTPUT_NEXT);
        let end = self.b.ins().load(types::I64, trusted(), base, abi::OUTPUT_END);
        let room = self.b.ins().icmp(IntCC::NotEqual, next, end);
        self.check(room);
        let byte = self.b.ins().ireduce(types::I8, value);
        self.b.ins().store(trusted(), byte, next, 0);
        let one = self.b.ins().iconst(types::I64, 1);
        let after = self.b.ins().iadd(next, one);
        self.b.ins().store(trusted(), after, base, abi::OUTPUT_NEXT);
        self.end_window();
    }
}
