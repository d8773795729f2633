//! Statements that compute, and those that use segments: arithmetic, variables, input and output, the heap.

use super::emit::{Bounds, DATA_WORDS, Maker, OLD_WORDS, Value};
use super::profile::size_tag;
use super::{Segment, Tag};
use rum_interp::isa::Reg;

/// Instructions that taking one cell off the list costs; paid when it is put on.
const CHAIN_POP_COST: i64 = 30;

impl Maker {
    /// A few operations on data registers.
    pub(super) fn arithmetic(&mut self) {
        self.tag(Tag::Arithmetic);
        for _ in 0..self.rng.between(1, 4) {
            let [d, a, b] = self.regs();
            match self.rng.below(12) {
                0..=2 => self.b.add(d, d, a),
                3 => self.b.mul(d, a, b),
                4 => self.b.nand(d, a, b),
                5 => self.b.cond_move(d, a, b),
                6 => {
                    self.tag(Tag::LargeConstant);
                    let constant = self.rng.word() | 1;
                    self.b.constant(a, constant, b);
                    self.b.mul(d, d, a);
                    self.b.add(d, d, a);
                }
                7 | 8 => {
                    let value = self.rng.word() >> self.rng.between(7, 31);
                    self.b.literal(d, value);
                }
                9 => {
                    self.tag(Tag::Division);
                    let divisor = self.rng.logarithmic(1, 0x1ff_ffff);
                    self.b.literal(b, divisor);
                    self.b.div(d, a, b);
                }
                10 => {
                    self.tag(Tag::Division);
                    self.mask(b, a, 15);
                    let least = self.rng.between(1, 9);
                    self.b.literal(d, least);
                    self.b.add(b, b, d);
                    self.b.div(d, a, b);
                }
                _ => self.b.sub(d, a, b, b),
            }
        }
    }

    /// Reads and writes of words of segment 0 that are data, or not only data.
    pub(super) fn variable(&mut self) {
        let [d, t, s, v] = self.regs();
        match self.rng.below(8) {
            0..=2 => {
                self.tag(Tag::Variable);
                let word = self.rng.below(DATA_WORDS);
                self.value(d, Value::Word(self.at.data, word), d);
                self.b.add(d, d, s);
                let zero = self.zero();
                self.b.literal_label(t, self.at.data, word);
                self.b.amend(zero, t, d);
            }
            3 | 4 => {
                self.tag(Tag::VariableAliased);
                let word = self.rng.below(DATA_WORDS);
                self.value(d, Value::Word(self.at.data, word), d);
                self.mask(t, s, DATA_WORDS - 1);
                self.b.literal_label(v, self.at.data, 0);
                self.b.add(t, t, v);
                let zero = self.zero();
                self.b.amend(zero, t, s);
                self.value(v, Value::Word(self.at.data, word), v);
                self.b.add(d, d, v);
            }
            5 | 6 => {
                self.tag(Tag::ExecutedWordAsData);
                let word = self.rng.below(OLD_WORDS);
                self.value(d, Value::Word(self.at.old, word), d);
                let zero = self.zero();
                self.b.literal_label(t, self.at.old, word);
                self.b.amend(zero, t, v);
                self.b.add(v, v, d);
            }
            _ => {
                self.tag(Tag::CodeRead);
                if self.rng.percent(50) {
                    self.mask(t, s, 31);
                } else {
                    let label = self.rng.pick(&[self.at.sled, self.at.pool, self.at.invalid]);
                    self.b.literal_label(t, label, 0);
                }
                let zero = self.zero();
                self.b.index(d, zero, t);
            }
        }
    }

    /// A byte of input, or its end.
    pub(super) fn input(&mut self) {
        self.tag(Tag::Input);
        let [d, s] = self.regs();
        self.b.input(d);
        if self.rng.percent(50) {
            self.b.add(s, s, d);
        }
    }

    /// A byte of output.
    pub(super) fn output(&mut self) {
        self.tag(Tag::Output);
        let [d, s] = self.regs();
        self.mask(d, s, 255);
        self.b.output(d);
    }

    /// The zero register holds something else for a while.
    pub(super) fn zero_broken(&mut self) {
        self.tag(Tag::ZeroBroken);
        let [d, s, t] = self.regs();
        let zero = self.zero_reg;
        match self.rng.below(3) {
            0 => self.b.literal(zero, self.rng.below(1000)),
            1 => self.b.add(zero, d, s),
            _ => self.b.input(zero),
        }
        for _ in 0..self.rng.below(3) {
            self.b.add(d, zero, s);
            self.b.nand(s, d, zero);
        }
        if self.zero_stable {
            if self.rng.percent(70) {
                self.b.literal(zero, 0);
            } else {
                self.b.add(t, zero, s);
                self.b.sub(zero, zero, zero, t);
            }
        }
    }

    /// One of the standing segments with at least `words` words.
    pub(super) fn standing(&mut self, words: u32) -> Option<Segment> {
        let fitting: Vec<Segment> = self.segments.iter().copied().filter(|s| s.words >= words).collect();
        (!fitting.is_empty()).then(|| self.rng.pick(&fitting))
    }

    /// An offset below `words`, which is not 0, in `t`: a constant, or one that depends on `s`.
    fn offset(&mut self, t: Reg, s: Reg, words: u32) {
        let mask = if words.is_power_of_two() { words - 1 } else { words.next_power_of_two() / 2 - 1 };
        match self.rng.below(4) {
            0 => self.b.literal(t, words - 1),
            1 => {
                let offset = self.rng.below(words);
                self.b.literal(t, offset);
            }
            _ => self.mask(t, s, mask),
        }
    }

    /// Reads and writes of a standing segment.
    pub(super) fn access(&mut self) {
        let Some(segment) = self.standing(1) else { return self.variable() };
        self.tag(Tag::SegmentAccess);
        let [id, t, s, d] = self.regs();
        self.load(id, segment.id);
        self.offset(t, s, segment.words);
        match self.rng.below(4) {
            0 => self.b.index(d, id, t),
            1 => self.b.amend(id, t, s),
            2 => {
                self.b.index(d, id, t);
                self.b.add(d, d, s);
                self.b.amend(id, t, d);
            }
            _ => {
                self.b.amend(id, t, s);
                self.offset(t, d, segment.words);
                self.b.index(d, id, t);
                self.b.add(s, s, d);
            }
        }
    }

    /// Allocation and abandonment.
    pub(super) fn heap(&mut self, room: i64) {
        let large = room > 6000 && self.rng.percent(15);
        match self.rng.below(10) {
            0..=3 => self.temporary(large),
            4 | 5 => {
                self.tag(Tag::AllocVariable);
                let [id, t, s, x] = self.regs();
                let base = self.rng.pick(&[0, 0, 1, 250]);
                self.mask(t, s, 7);
                self.b.literal(x, base);
                self.b.add(t, t, x);
                self.b.alloc(id, t);
                if base > 0 {
                    self.offset(t, s, base);
                    self.b.amend(id, t, s);
                    self.b.index(x, id, t);
                }
                if self.rng.percent(80) {
                    self.b.abandon(id);
                }
                self.charge_words(base + 7);
            }
            6 | 7 => {
                self.tag(Tag::AllocKept);
                let [id, t, s] = self.regs();
                let words = self.size(false);
                self.b.literal(t, words);
                self.b.alloc(id, t);
                if words > 0 {
                    self.offset(t, s, words);
                    self.b.amend(id, t, s);
                }
                self.charge_words(words);
            }
            _ => self.replace(large),
        }
    }

    /// A loop that allocates so much that space and identifiers come round again.
    pub(super) fn churn(&mut self, bounds: Bounds) {
        let rounds = self.rng.between(150, 600);
        self.loop_of(bounds, rounds, |maker, _| {
            maker.tag(Tag::AllocChurn);
            let [id, t, s, c, x] = maker.regs();
            let words = maker.rng.between(100, 253);
            maker.b.literal(t, words);
            maker.b.alloc(id, t);
            maker.offset(t, s, words);
            maker.b.index(c, id, t);
            maker.b.add(s, s, c);
            maker.b.amend(id, t, s);
            if maker.rng.percent(60) {
                maker.b.abandon(id);
            } else {
                let (give, keep) = (maker.b.label(), maker.b.label());
                maker.condition(c, t);
                let zero = maker.zero();
                maker.b.branch(c, give, keep, [t, x], zero);
                maker.b.bind(give);
                maker.b.abandon(id);
                maker.b.bind(keep);
            }
            maker.charge_words(words);
        });
    }

    /// Allocates, writes, reads, abandons.
    fn temporary(&mut self, large: bool) {
        self.tag(Tag::AllocTemporary);
        let [id, t, s, d] = self.regs();
        let words = self.size(large);
        self.b.literal(t, words);
        self.b.alloc(id, t);
        if words > 0 {
            for _ in 0..self.rng.below(3) {
                self.offset(t, s, words);
                self.b.amend(id, t, s);
            }
            // Once more under another name.
            let alias = if self.rng.percent(40) {
                let zero = self.zero();
                self.b.add(d, id, zero);
                d
            } else {
                id
            };
            self.offset(t, s, words);
            if self.rng.percent(50) {
                self.b.amend(alias, t, t);
            }
            self.b.index(s, id, t);
        }
        self.b.abandon(id);
        self.charge_words(words);
    }

    /// Gives a standing segment back and allocates another in its place.
    fn replace(&mut self, large: bool) {
        let Some(segment) = self.standing(0) else { return self.temporary(large) };
        self.tag(Tag::AllocReplaced);
        let [id, t] = self.regs();
        let words = if segment.words == 0 { self.size(large) } else { segment.words + self.rng.below(3) };
        self.tag(size_tag(words));
        self.load(id, segment.id);
        self.b.abandon(id);
        self.b.literal(t, words);
        self.b.alloc(id, t);
        self.store(segment.id, id, t);
        self.charge_words(words);
    }

    /// Puts a cell on the list, or takes the list apart.
    pub(super) fn chain(&mut self, room: i64) {
        let head = match self.chain {
            Some(head) => head,
            None => {
                let place = self.place();
                self.chain = Some(place);
                place
            }
        };
        self.tag(Tag::Chain);
        let [cell, t, v, x, y] = self.regs();
        if self.rng.percent(65) && room > 2 * CHAIN_POP_COST {
            self.b.literal(t, 2);
            self.b.alloc(cell, t);
            self.b.literal(t, 0);
            self.b.amend(cell, t, v);
            self.load(x, head);
            self.b.literal(t, 1);
            self.b.amend(cell, t, x);
            self.store(head, cell, t);
            self.extra_cost += CHAIN_POP_COST;
            return;
        }
        let (again, more, done) = (self.b.label_here(), self.b.label(), self.b.label());
        self.load(cell, head);
        let zero = self.zero();
        self.b.branch(cell, more, done, [x, y], zero);
        self.b.bind(more);
        self.b.literal(t, 0);
        self.b.index(t, cell, t);
        self.b.add(v, v, t);
        self.b.literal(t, 1);
        self.b.index(x, cell, t);
        self.b.abandon(cell);
        self.store(head, x, t);
        self.goto(again, y);
        self.b.bind(done);
    }

    /// An access through an identifier that is 0 in some rounds.
    pub(super) fn maybe_zero(&mut self) {
        let [d, e, c, t, v] = self.regs();
        let zero_is = Value::Constant(0);
        match (self.rng.percent(50), self.shadow, self.standing(1)) {
            (true, Some(shadow), _) => {
                self.tag(Tag::MaybeZeroWrite);
                self.condition(c, t);
                self.select(d, e, c, Value::Kept(shadow), zero_is);
                let word = self.rng.below(DATA_WORDS);
                // Read through a constant place before and after.
                self.value(e, Value::Word(self.at.data, word), e);
                self.b.literal_label(t, self.at.data, word);
                self.b.amend(d, t, v);
                self.value(t, Value::Word(self.at.data, word), t);
                self.b.add(v, t, e);
            }
            (_, _, Some(segment)) => {
                self.tag(Tag::MaybeZeroRead);
                self.condition(c, t);
                self.select(d, e, c, Value::Kept(segment.id), zero_is);
                let offset = self.rng.below(segment.words.min(32));
                self.b.literal(t, offset);
                self.b.index(v, d, t);
            }
            _ => self.variable(),
        }
    }
}
