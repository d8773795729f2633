//! Faults: armed ones, which wait in a loop for their round, and uses of identifiers that are not, or no longer, active.

use super::emit::{DATA_WORDS, Maker, Value};
use super::load::ADDED_WORDS_MAX;
use super::tags::Tag;
use rum_interp::isa::Reg;

/// The kinds of armed faults; one more than the kinds of fault, for an empty program is one more way out of it.
const ARMED_KINDS: u32 = 13;

impl Maker {
    /// A fault that happens when the counter of a loop around has a certain value.
    pub(super) fn fault(&mut self) {
        self.fault_placed = true;
        self.tag(Tag::FaultArmed);
        let [c, d, e, t, v] = self.regs();
        let index = self.rng.below(self.loops.len() as u32) as usize;
        self.counter_value(index, c);
        self.b.literal(t, 0);
        self.loops[index].rounds.push(self.b.here() - 1);
        self.b.sub(c, c, t, t);
        let kind = self.rng.below(ARMED_KINDS);
        self.failing(kind, [c, d, e, t, v]);
    }

    /// Fails if `c` is 0.
    fn failing(&mut self, kind: u32, [c, d, e, t, v]: [Reg; 5]) {
        match kind {
            0 => {
                let site = self.b.label();
                self.select(d, e, c, Value::Word(self.at.pool, 0), Value::Word(self.at.invalid, 0));
                let zero = self.zero();
                self.b.literal_label(t, site, 0);
                self.b.amend(zero, t, d);
                // Not one of the sites that others patch: the word must still be there.
                self.b.bind(site);
                let word = self.harmless();
                self.b.data(word);
            }
            1 => self.failing_jump(c, d, e, Value::Offset(self.at.invalid, 0)),
            2 => {
                let target = match self.rng.below(3) {
                    0 => Value::Offset(self.at.end, 0),
                    1 => Value::Offset(self.at.end, self.rng.between(ADDED_WORDS_MAX, 1000)),
                    _ => Value::Constant(self.rng.word() | 0x8000_0000),
                };
                self.failing_jump(c, d, e, target);
            }
            3 | 5 => {
                self.bad_identifier(v, t);
                self.good_identifier(d);
                self.b.cond_move(v, d, c);
                self.b.literal(t, self.rng.below(2));
                if kind == 3 {
                    self.b.index(d, v, t);
                } else {
                    self.b.amend(v, t, e);
                }
            }
            4 | 6 => self.failing_offset(kind == 4, [c, d, e, t, v]),
            7 => {
                self.b.literal(t, 2);
                self.b.alloc(t, t);
                self.b.literal(d, 0);
                self.b.cond_move(d, t, c);
                self.b.abandon(d);
            }
            8 => {
                self.bad_identifier(v, t);
                self.b.literal(t, 3);
                self.b.alloc(t, t);
                self.b.cond_move(v, t, c);
                self.b.abandon(v);
            }
            9 => {
                let [a, b] = self.regs();
                self.b.div(a, b, c);
            }
            10 => {
                self.dead_identifier(v, t);
                self.failing_load(c, d, t, v);
            }
            11 => {
                self.b.literal(t, 0);
                self.b.alloc(v, t);
                self.tag(Tag::LoadEmpty);
                self.failing_load(c, d, t, v);
            }
            _ => {
                let value = if self.rng.percent(50) { 256 } else { self.rng.word() | 0x100 };
                let byte = self.rng.below(256);
                self.select(d, e, c, Value::Constant(byte), Value::Constant(value));
                self.b.output(d);
            }
        }
    }

    fn failing_jump(&mut self, c: Reg, d: Reg, e: Reg, target: Value) {
        let go_on = self.b.label();
        self.select(d, e, c, Value::Offset(go_on, 0), target);
        let zero = self.zero();
        self.b.load_program(zero, d);
        self.b.bind(go_on);
    }

    /// Loads the program `v` if `c` is 0, else jumps; `v` must not be able to run.
    fn failing_load(&mut self, c: Reg, d: Reg, t: Reg, v: Reg) {
        let go_on = self.b.label();
        self.b.literal(d, 0);
        self.b.cond_move(v, d, c);
        self.b.literal_label(t, go_on, 0);
        self.b.load_program(v, t);
        self.b.bind(go_on);
    }

    /// Index or amend outside of a segment's capacity; segment 0 is one of them.
    fn failing_offset(&mut self, index: bool, [c, d, e, t, v]: [Reg; 5]) {
        let beyond = if self.rng.percent(60) { 0 } else { self.rng.between(1, 3000) };
        match self.standing(1).filter(|_| self.rng.percent(75)) {
            Some(segment) => {
                // Replacements may have two words more.
                let bad = segment.words + if beyond == 0 { 2 } else { beyond + 2 };
                self.select(d, e, c, Value::Constant(segment.words - 1), Value::Constant(bad));
                self.load(t, segment.id);
            }
            None => {
                let bad = if self.rng.percent(50) {
                    Value::Offset(self.at.end, beyond)
                } else {
                    Value::Constant(u32::MAX - beyond)
                };
                self.select(d, e, c, Value::Offset(self.at.data, DATA_WORDS - 1), bad);
                self.b.literal(t, 0);
            }
        }
        if index {
            self.b.index(v, t, d);
        } else {
            self.b.amend(t, d, v);
        }
    }

    /// The identifier of a segment with at least two words in `d`; the program itself if there is no other.
    fn good_identifier(&mut self, d: Reg) {
        match self.standing(2) {
            Some(segment) => self.load(d, segment.id),
            None => {
                // Offsets 0 and 1 of the frame are free; without a frame the first words are executed only once.
                match self.frame {
                    Some(frame) => {
                        let zero = self.zero();
                        self.b.add(d, frame, zero);
                    }
                    None => self.b.literal(d, 0),
                }
            }
        }
    }

    /// In `v` what is no identifier of an active segment, or hardly; `t` is lost.
    fn bad_identifier(&mut self, v: Reg, t: Reg) {
        match (self.rng.below(8), self.standing(1)) {
            (0, _) => {
                self.tag(Tag::ForgedId);
                let constant = self.rng.word();
                self.b.constant(v, constant, t);
            }
            (1, _) => {
                self.tag(Tag::ForgedId);
                let constant = self.rng.logarithmic(1, 40_000);
                self.b.literal(v, constant);
            }
            (2 | 3, Some(segment)) => {
                self.tag(Tag::ComputedId);
                self.load(v, segment.id);
                let distance = self.rng.pick(&[1, 1, 2, 3, 0xffff_ffff, 256, 0x8000_0000]);
                if distance == u32::MAX {
                    self.b.literal(t, 0);
                    self.b.not(t, t);
                    self.b.add(v, v, t);
                } else if distance > 0x1ff_ffff {
                    self.b.not(v, v);
                } else {
                    self.b.literal(t, distance);
                    self.b.add(v, v, t);
                }
            }
            _ => self.dead_identifier(v, t),
        }
    }

    /// In `v` what is certainly no identifier of an active segment; `t` is lost.
    fn dead_identifier(&mut self, v: Reg, t: Reg) {
        if self.rng.percent(60) {
            self.tag(Tag::StaleId);
            let words = self.rng.pick(&[0, 1, 2, 3, 5, 20, 254, 300]);
            self.b.literal(t, words);
            self.b.alloc(v, t);
            self.b.abandon(v);
            self.charge_words(words);
        } else {
            self.tag(Tag::ForgedId);
            let constant = self.rng.word() | 0xff00_0000;
            self.b.constant(v, constant, t);
        }
    }

    /// Uses of identifiers as numbers, and of wrong ones in rounds that seldom come.
    pub(super) fn forged(&mut self) {
        let [c, d, e, t, v] = self.regs();
        match self.rng.below(6) {
            0 => {
                // An identifier may come again: then the old one names the new segment.
                self.tag(Tag::StaleId);
                let words = self.rng.between(1, 6);
                self.b.literal(t, words);
                self.b.alloc(d, t);
                self.b.abandon(d);
                self.b.alloc(e, t);
                self.b.sub(c, d, e, t);
                let (same, other) = (self.b.label(), self.b.label());
                let zero = self.zero();
                self.b.branch(c, other, same, [t, v], zero);
                self.b.bind(same);
                self.b.literal(t, 0);
                self.b.amend(d, t, c);
                self.b.index(v, e, t);
                self.b.bind(other);
                self.b.abandon(e);
            }
            1 => {
                // An identifier is a number like any other.
                self.tag(Tag::ComputedId);
                self.b.literal(t, 1);
                self.b.alloc(d, t);
                self.b.mul(v, d, d);
                self.b.add(d, d, v);
                self.b.sub(d, d, v, t);
                self.b.literal(t, 0);
                self.b.amend(d, t, v);
                self.b.index(e, d, t);
                self.b.abandon(d);
            }
            2 => self.printed_identifier(),
            3 => self.identifier_as_key(),
            4 => self.literal_identifier(),
            _ => {
                self.mask(c, e, 0x1ff);
                self.bad_identifier(v, t);
                self.good_identifier(d);
                self.b.cond_move(v, d, c);
                self.b.literal(t, self.rng.below(2));
                self.b.index(d, v, t);
            }
        }
    }

    /// An identifier is written out as a digit, by those who expect it to count.
    fn printed_identifier(&mut self) {
        let [d, t, v] = self.regs();
        self.tag(Tag::PrintedId);
        let words = self.rng.below(4);
        self.b.literal(t, words);
        self.b.alloc(d, t);
        self.b.literal(t, 48);
        self.b.add(v, d, t);
        self.mask(v, v, 0x7f);
        self.b.output(v);
        if self.rng.percent(70) {
            self.b.abandon(d);
        }
        self.charge_words(words);
    }

    /// A table has a place for each identifier, as far as its lowest bits tell.
    fn identifier_as_key(&mut self) {
        let [c, d, e, t, v] = self.regs();
        self.tag(Tag::IdAsKey);
        self.b.literal(t, 8);
        self.b.alloc(c, t);
        let words = self.rng.between(1, 3);
        for _ in 0..self.rng.between(1, 3) {
            self.b.literal(t, words);
            self.b.alloc(d, t);
            self.mask(v, d, 7);
            self.b.amend(c, v, d);
        }
        self.b.index(e, c, v);
        self.b.literal(t, 0);
        self.b.amend(e, t, v);
        self.b.abandon(e);
        self.b.abandon(c);
        self.charge_words(8 + 3 * words);
    }

    /// A literal is the identifier that a segment is likely to have.
    fn literal_identifier(&mut self) {
        let [c, d, e, t, v] = self.regs();
        self.tag(Tag::LiteralId);
        let id = self.rng.logarithmic(1, 40);
        let offset = self.rng.below(2);
        self.mask(c, e, 0x1ff);
        self.b.literal(v, id);
        self.good_identifier(d);
        self.b.cond_move(v, d, c);
        self.b.literal(t, offset);
        if self.rng.percent(50) {
            self.b.amend(v, t, e);
        }
        self.b.index(d, v, t);
    }
}
