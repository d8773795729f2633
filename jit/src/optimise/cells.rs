//! Checks of words of segments other than 0, by what is known of the segment and what the instruction has met.
//!
//! The quick check compares with the length byte of the identifier, which is 0 for names and says too little of large segments.
//! - An instruction that has met large segments looks up the length, which serves later checks too.
//! - One that has met names goes *two ways*, by the length byte and by the table of names, the likelier first. Behind them the
//!   granule where the segment is is a value of its own ([`Granule`]).
//! - One that has met segment 0 in a register tries that last.
//! - Where all segments have names, a name leads to a place, of which all this is true as of an identifier.

use super::segments::{Granule, LenByte, Length, Offset, Raisable, Reached};
use super::translator::Translator;
use super::val::{Key, Val};
use crate::emit::layout;
use crate::guest::met::Met;
use crate::options::Optimisation;
use cranelift_codegen::ir::{self, BlockArg, InstBuilder, condcodes::IntCC, types};
use rum_interp::engine::layout::SMALL_WORDS_MAX;

/// The largest constant offset whose check needs only the length byte, for large segments too.
const OFFSET_MAX: u32 = SMALL_WORDS_MAX - 1;

/// An offset to be compared with lengths.
#[derive(Clone, Copy)]
enum Bounded {
    Const(u32),
    /// An offset, and one more as 64 bits.
    Value {
        offset: ir::Value,
        past: ir::Value,
    },
}

/// What the two ways to find a segment have in common: the identifier as 64 bits, the offset, where a failure leads, where the
/// segment is if that is known, and where a success leads, with the granule if that is not known.
struct Ways {
    index: ir::Value,
    offset: Bounded,
    exit: ir::Block,
    known: Granule,
    go_on: ir::Block,
}

impl Translator<'_> {
    /// Address of the words of the segment at a granule, which is its identifier if it has no name.
    pub(super) fn words_of(&mut self, granule: ir::Value) -> ir::Value {
        self.numbered(Key::Words(granule))
    }

    /// Length in words of a segment other than 0, and where it is, if that does not follow from its identifier; length 0 if it
    /// is not active, or segment 0. Leaves in no case.
    pub(super) fn length_of(&mut self, id: ir::Value, may_be_named: bool) -> Length {
        if let Some(known) = self.env.segments.length(id, may_be_named) {
            return known;
        }
        let lookup = self.settings.lookup;
        let of_name = |found: layout::Located| Length {
            length: found.length,
            granule: Some(found.granule),
            considers_names: true,
        };
        let found = if let Some(place) = self.place_of(id) {
            let (base, lens) = (self.base(), self.lens());
            let length = layout::length(&mut self.e.b, base, lens, place);
            Length { length, granule: Some(place), considers_names: true }
        } else {
            let index = self.len_index(id);
            let (base, lens) = (self.base(), self.lens());
            if may_be_named {
                let bound = lookup.names_bound.expect("few have names");
                of_name(layout::named_or_not(&mut self.e.b, base, lens, index, bound))
            } else {
                let length = layout::length(&mut self.e.b, base, lens, index);
                Length { length, granule: None, considers_names: false }
            }
        };
        if self.on(Optimisation::Lengths) {
            self.env.segments.learn_length(id, found);
        }
        found
    }

    /// An identifier as 64 bits; 0 if it has no length byte.
    fn len_index(&mut self, id: ir::Value) -> ir::Value {
        let index = self.wide(id);
        let Some(bound) = self.settings.lookup.id_bound else { return index };
        let inside = self.e.compare(IntCC::UnsignedLessThan, index, bound as i64);
        let none = self.e.b.ins().iconst(types::I64, 0);
        self.e.b.ins().select(inside, index, none)
    }

    /// The place of a segment, where all have names: a granule without a segment if it is not active.
    fn place_of(&mut self, id: ir::Value) -> Granule {
        if !self.settings.lookup.all_named() {
            return None;
        }
        if let Some(place) = self.env.segments.granule(id) {
            return Some(place);
        }
        let index = self.name_index(id);
        let names = self.names();
        let entry = layout::place_address(&mut self.e.b, names, index);
        let place = layout::place(&mut self.e.b, entry);
        self.env.segments.learn_place(id, place);
        Some(place)
    }

    /// An identifier as 64 bits, where all segments have names; 0 if the table of names has no entry for it.
    pub(super) fn name_index(&mut self, id: ir::Value) -> ir::Value {
        let index = self.wide(id);
        if self.settings.lookup.names_bound.is_none() {
            return index;
        }
        let base = self.base();
        let bound = layout::names_bound(&mut self.e.b, base);
        let inside = self.e.b.ins().icmp(IntCC::UnsignedLessThan, id, bound);
        let none = self.e.b.ins().iconst(types::I64, 0);
        self.e.b.ins().select(inside, index, none)
    }

    /// Address of the entry of name 0, where all segments have names.
    pub(super) fn names(&mut self) -> ir::Value {
        if let Some(names) = self.env.names {
            return names;
        }
        let base = self.base();
        let names = layout::names(&mut self.e.b, base);
        self.env.names = Some(names);
        names
    }

    /// Address of the length byte of granule 0.
    pub(super) fn lens(&mut self) -> ir::Value {
        if let Some(lens) = self.env.lens {
            return lens;
        }
        let base = self.base();
        let lens = layout::lens(&mut self.e.b, base);
        self.env.lens = Some(lens);
        lens
    }

    /// Address of the length byte of an identifier, which may be anything, or of the place that it leads to.
    pub(super) fn len_address(&mut self, id: ir::Value) -> ir::Value {
        if let Some(place) = self.place_of(id) {
            let lens = self.lens();
            return self.e.b.ins().iadd(lens, place);
        }
        if let Some(bound) = self.settings.lookup.id_bound {
            let wide = self.wide(id);
            let inside = self.e.compare(IntCC::UnsignedLessThan, wide, bound as i64);
            self.check(inside);
        }
        let (lens, id) = (self.lens(), self.wide(id));
        self.e.b.ins().iadd(lens, id)
    }

    /// Checks that a word of a segment exists, and for a store that nothing depends on it. The segment is not 0, unless the
    /// site has met that. Tells where the segment is.
    pub(super) fn check_cell(&mut self, id: ir::Value, offset: Val, at: Offset, met: Met, store: bool) -> Granule {
        if met.contains(Met::PROGRAM) {
            return self.check_cell_or_program(id, offset, met, store);
        }
        if self.on(Optimisation::Lengths)
            && let Some(granule) = self.env.segments.reaches(id, at)
        {
            self.gain(Optimisation::Lengths);
            return granule;
        }
        let named = met.contains(Met::NAMED);
        let mut has_length = self.env.segments.length(id, named).is_some();
        let short = matches!(offset, Val::Const(offset) if offset <= OFFSET_MAX);
        let can_raise = if named { matches!(offset, Val::Const(_)) } else { short && !has_length };
        if can_raise && let Some(granule) = self.raise_check(id, at) {
            return granule;
        }
        has_length = has_length || self.guess_name(id);
        let large = met.contains(Met::LARGE) && !short;
        if named && !has_length && !large {
            return self.check_named_or_not(id, offset, at, met);
        }
        let (ok, granule, raisable) = if named || has_length || large {
            if has_length {
                self.gain(Optimisation::Lengths);
            }
            self.check_length(id, offset, named)
        } else {
            let (ok, raisable) = self.check_len_byte(id, offset);
            (ok, self.place_of(id), raisable)
        };
        self.check(ok);
        // Segment 0 has length byte 0, and is no name.
        self.learn_nonzero(id);
        self.env.segments.learn_reached(Reached { segment: id, at, granule, raisable });
        granule
    }

    /// Leaves if the segment is not the one that has always been met here; then its length is known. Whether one is expected.
    fn guess_name(&mut self, id: ir::Value) -> bool {
        let Some(&name) = self.region.names.get(&self.pc).filter(|_| self.on(Optimisation::Lengths)) else {
            return false;
        };
        let as_ever = self.e.compare(IntCC::Equal, id, i64::from(name));
        self.check(as_ever);
        let base = self.base();
        let layout::Located { granule, length } = layout::few_named(&mut self.e.b, base, name);
        self.env.segments.learn_length(id, Length { length, granule: Some(granule), considers_names: true });
        true
    }

    /// As `check_cell`, for a segment that may have a name or none, and is hardly large. The likelier is tried first.
    fn check_named_or_not(&mut self, id: ir::Value, offset: Val, at: Offset, met: Met) -> Granule {
        let index = self.wide(id);
        self.lens();
        let offset = match offset {
            Val::Const(offset) if offset <= OFFSET_MAX => Bounded::Const(offset),
            offset => Bounded::Value { offset: self.materialise(offset), past: self.past(offset) },
        };
        self.force_exit();
        let exit = self.exit();
        let known = self.env.segments.granule(id);
        let [second, go_on] = std::array::from_fn(|_| self.e.b.create_block());
        if known.is_none() {
            self.e.b.append_block_param(go_on, types::I64);
        }
        let ways = Ways { index, offset, exit, known, go_on };
        let bounds = if met.contains(Met::NAMED_WHEN_HOT) {
            let by_name = self.way_of_names(id, &ways, second);
            self.e.b.switch_to_block(second);
            [by_name, self.way_of_length(&ways, exit, None)]
        } else {
            let by_length = self.way_of_length(&ways, second, Some(id));
            self.e.b.set_cold_block(second);
            self.e.b.switch_to_block(second);
            [by_length, self.way_of_names(id, &ways, exit)]
        };
        self.e.b.switch_to_block(go_on);
        let granule = known.or_else(|| self.e.b.block_params(go_on).first().copied());
        let is_const = matches!(offset, Bounded::Const(_));
        let raisable = is_const.then_some(Raisable { bounds, offset_max: OFFSET_MAX, line: self.straight_line });
        self.learn_nonzero(id);
        self.env.segments.learn_reached(Reached { segment: id, at, granule, raisable });
        granule
    }

    /// The end of a way: goes on if `ok`, to `other` otherwise. The segment is at `granule`.
    fn end_of_way(&mut self, ways: &Ways, ok: ir::Value, granule: ir::Value, other: ir::Block) {
        let found = ways.known.is_none().then_some(BlockArg::Value(granule));
        self.e.b.ins().brif(ok, ways.go_on, found.as_slice(), other, &[]);
    }

    /// Goes on if the length byte of an identifier says that the offset lies within its segment, to `other` otherwise. Gives
    /// the constant that it compares with. If everything comes this way, the byte of the segment `of` is known behind it.
    fn way_of_length(&mut self, ways: &Ways, other: ir::Block, of: Option<ir::Value>) -> Option<(ir::Inst, u32)> {
        let lens = self.lens();
        if let Some(bound) = self.settings.lookup.id_bound {
            let inside = self.e.compare(IntCC::UnsignedLessThan, ways.index, bound as i64);
            self.e.go_on_if(inside, other);
        }
        let address = self.e.b.ins().iadd(lens, ways.index);
        let (ok, bound) = match ways.offset {
            Bounded::Value { past, .. } => {
                let byte = layout::wide_len_byte(&mut self.e.b, types::I64, address);
                (self.e.b.ins().icmp(IntCC::UnsignedLessThan, past, byte), None)
            }
            Bounded::Const(offset) => {
                let byte = layout::len_byte(&mut self.e.b, address);
                // Where identifiers are bounded, not everything comes by here.
                if let Some(id) = of.filter(|_| self.settings.lookup.id_bound.is_none()) {
                    self.env.segments.learn_byte(id, LenByte { byte, is_active: false });
                }
                self.is_above(byte, types::I8, offset, 1)
            }
        };
        self.end_of_way(ways, ok, ways.index, other);
        bound
    }

    /// Goes on if the segment has a name and the offset lies within it; to `other` if it has none. Gives the constant that it
    /// compares with.
    fn way_of_names(&mut self, id: ir::Value, ways: &Ways, other: ir::Block) -> Option<(ir::Inst, u32)> {
        let base = self.base();
        let bound = self.settings.lookup.names_bound.expect("few have names");
        let is_name = self.e.compare(IntCC::UnsignedLessThan, id, i64::from(bound));
        let found = self.e.b.create_block();
        let is_last = other == ways.exit;
        if is_last {
            self.e.b.set_cold_block(found);
        }
        self.e.b.ins().brif(is_name, found, &[], other, &[]);
        self.e.b.switch_to_block(found);
        let entry = layout::name_entry(&mut self.e.b, layout::few_names(base), ways.index);
        let length = layout::name_words(&mut self.e.b, entry);
        let (ok, bound) = match ways.offset {
            Bounded::Value { offset, .. } => (self.e.b.ins().icmp(IntCC::UnsignedLessThan, offset, length), None),
            Bounded::Const(offset) => self.is_above(length, types::I32, offset, 0),
        };
        let granule = ways.known.unwrap_or_else(|| layout::name_place(&mut self.e.b, entry));
        self.end_of_way(ways, ok, granule, ways.exit);
        bound
    }

    /// Whether an offset lies within the length of a segment.
    fn check_length(&mut self, id: ir::Value, offset: Val, named: bool) -> (ir::Value, Granule, Option<Raisable>) {
        if let (Val::Const(offset), true) = (offset, named) {
            let Length { length, granule, .. } = self.length_of(id, named);
            let (ok, bound) = self.is_above(length, types::I32, offset, 0);
            let raisable = Raisable { bounds: [bound, None], offset_max: u32::MAX, line: self.straight_line };
            return (ok, granule, Some(raisable));
        }
        let offset = self.materialise(offset);
        let Length { length, granule, .. } = self.length_of(id, named);
        (self.e.b.ins().icmp(IntCC::UnsignedLessThan, offset, length), granule, None)
    }

    /// Whether the length byte of an identifier says that an offset lies within its segment.
    fn check_len_byte(&mut self, id: ir::Value, offset: Val) -> (ir::Value, Option<Raisable>) {
        let address = self.len_address(id);
        match offset {
            Val::Const(offset) if offset <= OFFSET_MAX => {
                let byte = layout::len_byte(&mut self.e.b, address);
                self.env.segments.learn_byte(id, LenByte { byte, is_active: true });
                let (ok, bound) = self.is_above(byte, types::I8, offset, 1);
                let raisable = Raisable { bounds: [bound, None], offset_max: OFFSET_MAX, line: self.straight_line };
                (ok, Some(raisable))
            }
            offset => {
                let byte = layout::wide_len_byte(&mut self.e.b, types::I64, address);
                let past = self.past(offset);
                (self.e.b.ins().icmp(IntCC::UnsignedLessThan, past, byte), None)
            }
        }
    }

    /// Whether a value is larger than an offset and `above`; and the constant that was made for it, which nothing else uses.
    fn is_above(
        &mut self,
        value: ir::Value,
        kind: ir::Type,
        offset: u32,
        above: u32,
    ) -> (ir::Value, Option<(ir::Inst, u32)>) {
        let bound = self.e.b.ins().iconst(kind, i64::from(offset + above));
        let made_by = self.e.b.func.dfg.value_def(bound).inst();
        (self.e.b.ins().icmp(IntCC::UnsignedGreaterThan, value, bound), made_by.map(|inst| (inst, above)))
    }

    /// Has an earlier check of a smaller constant offset ask for this one at once, where what was between them always goes
    /// on to here: code that takes a record apart checks it once. Leaving early is leaving at an earlier boundary. Tells where
    /// the segment is, if there is such a check.
    fn raise_check(&mut self, id: ir::Value, at: Offset) -> Option<Granule> {
        if !self.on(Optimisation::Lengths) {
            return None;
        }
        let (check, granule) = self.env.segments.raise(id, at, self.straight_line)?;
        for (bound, above) in check.bounds.into_iter().flatten() {
            let imm = ir::immediates::Imm64::new(i64::from(at.distance + above));
            self.e.b.func.dfg.insts[bound] = ir::InstructionData::UnaryImm { opcode: ir::Opcode::Iconst, imm };
        }
        self.gain(Optimisation::Lengths);
        Some(granule)
    }

    /// An offset and one, as 64 bits.
    fn past(&mut self, offset: Val) -> ir::Value {
        let offset = self.materialise(offset);
        let wide = self.wide(offset);
        let one = self.e.b.ins().iconst(types::I64, 1);
        self.e.b.ins().iadd(wide, one)
    }

    /// As `check_cell`, where the segment may be any, segment 0 too.
    fn check_cell_or_program(&mut self, id: ir::Value, offset: Val, met: Met, store: bool) -> Granule {
        let past = self.past(offset);
        let narrow = self.materialise(offset);
        let offset = self.wide(narrow);
        let address = self.len_address(id);
        let byte = layout::wide_len_byte(&mut self.e.b, types::I64, address);
        let ok = self.e.b.ins().icmp(IntCC::UnsignedLessThan, past, byte);
        self.force_exit();
        let exit = self.exit();
        let (slow, go_on) = (self.e.b.create_block(), self.e.b.create_block());
        // Where the segment is has to be told if that does not follow from the identifier.
        let tells = met.contains(Met::NAMED) || self.settings.lookup.all_named();
        let place = self.place_of(id);
        if tells {
            self.e.b.append_block_param(go_on, types::I64);
        }
        let told = |granule: ir::Value| tells.then_some(BlockArg::Value(granule));
        let (index, base) = (self.wide(id), self.base_again());
        let own = place.unwrap_or(index);
        self.e.b.ins().brif(ok, go_on, told(own).as_slice(), slow, &[]);
        self.e.b.switch_to_block(slow);
        // The values made here do not reach the other ways: nothing is remembered.
        let program = self.e.b.create_block();
        let other = self.e.b.create_block();
        self.e.b.ins().brif(id, other, &[], program, &[]);
        self.e.b.switch_to_block(other);
        if met.contains(Met::NAMED) {
            let other = self.e.b.create_block();
            let offset = Bounded::Value { offset: narrow, past };
            let ways = Ways { index, offset, exit, known: None, go_on };
            self.way_of_names(id, &ways, other);
            self.e.b.switch_to_block(other);
        }
        if met.contains(Met::LARGE) {
            let is_large = layout::is_large(&mut self.e.b, byte);
            self.e.go_on_if(is_large, exit);
            let words = layout::words(&mut self.e.b, base, own);
            let length = layout::large_length(&mut self.e.b, words);
            let ok = self.e.b.ins().icmp(IntCC::UnsignedLessThan, offset, length);
            self.e.b.ins().brif(ok, go_on, told(own).as_slice(), exit, &[]);
        } else {
            self.e.b.ins().jump(exit, &[]);
        }
        self.e.b.switch_to_block(program);
        let ok = self.e.compare(IntCC::UnsignedLessThan, offset, i64::from(self.region.program_len));
        let first = tells.then(|| BlockArg::Value(self.e.b.ins().iconst(types::I64, 0)));
        if store {
            self.e.go_on_if(ok, exit);
            let watched = layout::watched(&mut self.e.b, base, offset);
            self.e.b.ins().brif(watched, exit, &[], go_on, first.as_slice());
        } else {
            self.e.b.ins().brif(ok, go_on, first.as_slice(), exit, &[]);
        }
        self.e.b.switch_to_block(go_on);
        self.e.b.block_params(go_on).first().copied()
    }

    /// The base, without remembering it.
    fn base_again(&mut self) -> ir::Value {
        match self.env.base {
            Some(base) => base,
            None => self.e.base(),
        }
    }
}
