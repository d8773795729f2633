//! Words of segments: index and amend.
//!
//! Three kinds of access:
//! - to a *slot*: a constant offset of segment 0, when the register that names the segment is known to be 0. It needs no
//!   check: the length of segment 0 is fixed while the code lives. A store to a slot is noted, because it does not look whether
//!   anything comes to depend on the word later.
//! - to a *variable word of segment 0*: checked against its length, and for stores against the watch bytes.
//! - to *any other segment*: checked against the length byte of the identifier. Segment 0 has length byte 0, so what goes
//!   through is never segment 0, and slots and segments cannot be the same words. Where the instruction has met large
//!   segments, or segment 0 in a register, the code behind the failing check tries these too.
//!
//! Values known to stand in memory are forwarded to later reads; every read that the window has seen, forwarded or not,
//! is remembered in `Env::reads`, because a store to that word must end the window.

use super::segments::{Offset, Place, Reached, Read};
use super::translator::Translator;
use super::val::{Key, Val, remember};
use crate::emit::{layout, trusted};
use crate::guest::met::Met;
use crate::options::Optimisation;
use cranelift_codegen::ir::{self, InstBuilder, condcodes::IntCC, types};
use rum_interp::engine::layout::SMALL_WORDS_MAX;
use rum_interp::isa::{Instruction, LITERAL_MAX, Reg};

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
                let address = layout::word(&mut self.e.b, base, offset);
                Val::Ssa(self.e.b.ins().load(types::I32, trusted(), address, 0))
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
        let val = Val::Ssa(self.e.b.ins().load(types::I32, trusted(), base, displacement));
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
                let value = self.e.b.ins().band(word, mask);
                let rest = self.e.b.ins().isub(word, value);
                let unchanged = self.e.compare(IntCC::Equal, rest, i64::from(expected));
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
        let val = Val::Ssa(self.e.b.ins().load(types::I32, trusted(), address, displacement));
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
                self.e.b.ins().store(trusted(), stored, base, displacement);
                self.env.slots.retain(|&(slot, _)| slot != offset);
                remember(&mut self.env.slots, (offset, value));
            }
            (Val::Const(0), offset) => {
                let offset = self.materialise(offset);
                let offset = self.check_program_offset(offset);
                self.check_unwatched(offset);
                self.store_ends_window(Place::AnySlot);
                let (base, stored) = (self.base(), self.materialise(value));
                let address = layout::word(&mut self.e.b, base, offset);
                self.e.b.ins().store(trusted(), stored, address, 0);
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
        self.e.b.ins().store(trusted(), stored, address, displacement);
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
            && let Some(displacement) = layout::displacement(offset)
        {
            return (words, displacement);
        }
        let offset = self.materialise(offset);
        let offset = self.wide(offset);
        (layout::word(&mut self.e.b, words, offset), 0)
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
        layout::slot(&mut self.e.b, base, offset)
    }

    /// Address of the words of a segment.
    pub(super) fn words_of(&mut self, id: ir::Value) -> ir::Value {
        self.numbered(Key::Words(id))
    }

    /// Length in words of a segment other than 0; 0 if it is not active, or segment 0. Leaves in no case.
    pub(super) fn length_of(&mut self, id: ir::Value) -> ir::Value {
        if let Some(length) = self.env.segments.length(id) {
            return length;
        }
        let mut index = self.wide(id);
        if let Some(bound) = self.settings.id_bound {
            let inside = self.e.compare(IntCC::UnsignedLessThan, index, bound as i64);
            let none = self.e.b.ins().iconst(types::I64, 0);
            index = self.e.b.ins().select(inside, index, none);
        }
        let (base, lens) = (self.base(), self.lens());
        let length = layout::length(&mut self.e.b, base, lens, index);
        if self.on(Optimisation::Lengths) {
            self.env.segments.learn_length(id, length);
        }
        length
    }

    pub(super) fn lens(&mut self) -> ir::Value {
        if let Some(lens) = self.env.lens {
            return lens;
        }
        let base = self.base();
        let lens = layout::lens(&mut self.e.b, base);
        self.env.lens = Some(lens);
        lens
    }

    /// Address of the length byte of an identifier, which may be anything.
    pub(super) fn len_address(&mut self, id: ir::Value) -> ir::Value {
        if let Some(bound) = self.settings.id_bound {
            let wide = self.wide(id);
            let inside = self.e.compare(IntCC::UnsignedLessThan, wide, bound as i64);
            self.check(inside);
        }
        let (lens, id) = (self.lens(), self.wide(id));
        self.e.b.ins().iadd(lens, id)
    }

    /// Checks that a word of a segment exists, and for a store that nothing depends on it. The segment is not 0, unless the
    /// site has met that.
    fn check_cell(&mut self, id: ir::Value, offset: Val, at: Offset, met: Met, store: bool) {
        if met.contains(Met::PROGRAM) {
            return self.check_cell_or_program(id, offset, met, store);
        }
        if self.on(Optimisation::Lengths) && self.env.segments.reaches(id, at) {
            return self.gain(Optimisation::Lengths);
        }
        let has_length = self.env.segments.length(id).is_some();
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
            self.e.b.ins().icmp(IntCC::UnsignedLessThan, offset, length)
        } else {
            let address = self.len_address(id);
            match offset {
                Val::Const(offset) if short => {
                    let byte = layout::len_byte(&mut self.e.b, address);
                    self.env.segments.learn_byte(id, byte);
                    let bound = self.e.b.ins().iconst(types::I8, i64::from(offset + 1));
                    raisable = self.e.b.func.dfg.value_def(bound).inst().map(|inst| (inst, self.straight_line));
                    self.e.b.ins().icmp(IntCC::UnsignedGreaterThan, byte, bound)
                }
                offset => {
                    let byte = layout::wide_len_byte(&mut self.e.b, types::I64, address);
                    let past = self.past(offset);
                    self.e.b.ins().icmp(IntCC::UnsignedLessThan, past, byte)
                }
            }
        };
        self.check(ok);
        // Segment 0 has length byte 0.
        self.learn_nonzero(id);
        self.env.segments.learn_reached(Reached { segment: id, at, raisable });
    }

    /// Has an earlier check of a smaller constant offset ask for this one at once, where what was between them always goes
    /// on to here: code that takes a record apart checks it once. Leaving early is leaving at an earlier boundary.
    fn raise_check(&mut self, id: ir::Value, at: Offset) -> bool {
        if !self.on(Optimisation::Lengths) {
            return false;
        }
        let Some(bound) = self.env.segments.raise(id, at, self.straight_line) else { return false };
        let imm = ir::immediates::Imm64::new(i64::from(at.distance + 1));
        self.e.b.func.dfg.insts[bound] = ir::InstructionData::UnaryImm { opcode: ir::Opcode::Iconst, imm };
        self.gain(Optimisation::Lengths);
        true
    }

    /// An offset and one, as 64 bits.
    fn past(&mut self, offset: Val) -> ir::Value {
        let offset = self.materialise(offset);
        let wide = self.wide(offset);
        let one = self.e.b.ins().iconst(types::I64, 1);
        self.e.b.ins().iadd(wide, one)
    }

    /// As `check_cell`, where the segment may be any, segment 0 too.
    fn check_cell_or_program(&mut self, id: ir::Value, offset: Val, met: Met, store: bool) {
        let past = self.past(offset);
        let offset = self.materialise(offset);
        let offset = self.wide(offset);
        let address = self.len_address(id);
        let byte = layout::wide_len_byte(&mut self.e.b, types::I64, address);
        let ok = self.e.b.ins().icmp(IntCC::UnsignedLessThan, past, byte);
        self.force_exit();
        let exit = self.exit();
        let (slow, go_on) = (self.e.b.create_block(), self.e.b.create_block());
        self.e.b.ins().brif(ok, go_on, &[], slow, &[]);
        self.e.b.switch_to_block(slow);
        // The values made here do not reach the other ways: nothing is remembered.
        let base = self.base_again();
        if met.contains(Met::LARGE) {
            let (large, other) = (self.e.b.create_block(), self.e.b.create_block());
            let is_large = layout::is_large(&mut self.e.b, byte);
            self.e.b.ins().brif(is_large, large, &[], other, &[]);
            self.e.b.switch_to_block(large);
            let wide = self.e.b.ins().uextend(types::I64, id);
            let words = layout::words(&mut self.e.b, base, wide);
            let length = layout::large_length(&mut self.e.b, words);
            let ok = self.e.b.ins().icmp(IntCC::UnsignedLessThan, offset, length);
            self.e.b.ins().brif(ok, go_on, &[], exit, &[]);
            self.e.b.switch_to_block(other);
        }
        let program = self.e.b.create_block();
        self.e.b.ins().brif(id, exit, &[], program, &[]);
        self.e.b.switch_to_block(program);
        let ok = self.e.compare(IntCC::UnsignedLessThan, offset, i64::from(self.region.program_len));
        if store {
            self.e.go_on_if(ok, exit);
            let watched = layout::watched(&mut self.e.b, base, offset);
            self.e.b.ins().brif(watched, exit, &[], go_on, &[]);
        } else {
            self.e.b.ins().brif(ok, go_on, &[], exit, &[]);
        }
        self.e.b.switch_to_block(go_on);
    }

    /// The base, without remembering it.
    fn base_again(&mut self) -> ir::Value {
        match self.env.base {
            Some(base) => base,
            None => self.e.base(),
        }
    }

    /// Checks an offset of segment 0; gives it as 64 bits.
    fn check_program_offset(&mut self, offset: ir::Value) -> ir::Value {
        let ok = self.e.compare(IntCC::UnsignedLessThan, offset, i64::from(self.region.program_len));
        self.check(ok);
        self.wide(offset)
    }

    fn check_unwatched(&mut self, offset: ir::Value) {
        let base = self.base();
        let watched = layout::watched(&mut self.e.b, base, offset);
        self.check_not(watched);
    }
}
