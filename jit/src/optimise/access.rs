//! Words of segments: index and amend.
//!
//! Three kinds of access:
//! - to a *slot*: a constant offset of segment 0, when the register that names the segment is known to be 0. It needs no
//!   check: the length of segment 0 is fixed while the code lives. A store to a slot is noted, because it does not look whether
//!   anything comes to depend on the word later.
//! - to a *variable word of segment 0*: checked against its length, and for stores against the watch bytes.
//! - to *any other segment*: checked by its identifier (`cells.rs`). Unless the instruction has met segment 0 in a register, what goes
//!   through is never segment 0, and slots and segments cannot be the same words.
//!
//! Values known to stand in memory are forwarded to later reads; every read that the window has seen, forwarded or not,
//! is remembered in `Env::reads`, because a store to that word must end the window.

use super::segments::{Granule, Offset, Place, Read};
use super::translator::Translator;
use super::val::{Key, Val, remember};
use crate::abi::Slot;
use crate::emit::{layout, trusted};
use crate::guest::met::Met;
use crate::options::Optimisation;
use cranelift_codegen::ir::{self, InstBuilder, condcodes::IntCC, types};
use rum_interp::isa::{Instruction, LITERAL_MAX, Reg};

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
        let granule = self.check_cell(id, offset, at, met, false);
        self.read(Read::Cell(at));
        if met.contains(Met::PROGRAM) {
            self.read(Read::AnySlot);
        } else if self.on(Optimisation::Forwarding)
            && let Some(&(.., val)) = self.env.cells.iter().rev().find(|&&(cell, found, _)| cell == id && found == at)
        {
            self.gain(Optimisation::Forwarding);
            return val;
        }
        let (address, displacement) = self.cell_address(id, granule, offset);
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
        let granule = self.check_cell(id, offset, at, met, true);
        self.check_not_watched(id, granule, offset);
        self.store_ends_window(if met.contains(Met::PROGRAM) { Place::Anywhere } else { Place::Cell(at) });
        let (address, displacement) = self.cell_address(id, granule, offset);
        self.e.b.ins().store(trusted(), stored, address, displacement);
        self.env.cells.retain(|&(_, other, _)| !other.may_be(at));
        if met.contains(Met::PROGRAM) {
            self.env.slots.clear();
        } else {
            remember(&mut self.env.cells, (id, at, value));
        }
    }

    /// Leaves if somebody watches the word that is about to be stored to.
    fn check_not_watched(&mut self, id: ir::Value, granule: Granule, offset: Val) {
        if !self.settings.watch {
            return;
        }
        let (words, displacement) = self.cell_address(id, granule, offset);
        let address = self.e.b.ins().iadd_imm_s(words, i64::from(displacement));
        let base = self.base();
        let watched = layout::is_in(&mut self.e.b, base, address, Slot::WatchFrom, Slot::WatchBytes);
        self.check_not(watched);
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
    fn cell_address(&mut self, id: ir::Value, granule: Granule, offset: Val) -> (ir::Value, i32) {
        let words = self.words_of(granule.unwrap_or(id));
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
