//! What some programs do at their end: rare meetings of features, made on purpose, in hot loops of their own.
//!
//! Straight lines of reads and writes of few variables between checks: leaving at each of them must not repeat any.
//!
//! A loop that goes through a segment until it is one word too far; a program that loses a word that it reads.
//!
//! A word that a hot loop stores to becomes code, and the loop goes on storing; a hot loop patches itself in every round.
//!
//! A loop calls a routine and from time to time loads a copy of the program in which a word of the routine is another:
//! whatever was made from the old word must be gone.
//!
//! A block that ends a program runs once, so compiled code would never reach one. Here a small routine is called for a
//! while, which makes it warm; then one of its words is patched so that it ends the program; then a loop gets hot that
//! leads to it when its counter is 0. What is compiled from the loop contains the routine, and is left at its end.

use super::emit::{DATA_WORDS, Maker};
use super::tags::Tag;
use crate::builder::Label;
use rum_interp::isa::{Instruction, Reg, Word};

/// Rounds of calls, and rounds of the loop that leads to the routine. The routine must get warm and not hot itself: for
/// thresholds around 20, and for thresholds of some hundreds.
const ROUNDS: [[(u32, u32); 2]; 2] = [[(2, 18), (250, 400)], [(40, 400), (750, 1100)]];

/// An identifier that no machine has handed out when a generated program ends.
const NOBODY: u32 = 0x1ff_ffff;

/// Rounds from one load-program to the next, less one, as a mask; and how many times.
const LOAD_EVERY: u32 = 127;
const LOADS: (u32, u32) = (3, 7);

/// Words that are scanned: a power of two.
const SCANNED_WORDS: u32 = 8;

impl Maker {
    /// A hot loop whose body is a straight line: two variables, a segment, and checks in between.
    pub(super) fn straight_loop(&mut self) {
        let [c, id, t, s, d] = self.regs();
        let zero = self.zero_reg;
        self.b.literal(zero, 0);
        self.b.literal(t, 3);
        self.b.alloc(id, t);
        let rounds = self.rng.between(60, 300);
        self.b.literal(c, rounds);
        let head = self.b.label_here();
        let before = self.b.here();
        self.tag(Tag::StraightLoop);
        for _ in 0..self.rng.between(5, 14) {
            match self.rng.below(10) {
                0..=3 => {
                    self.b.literal_label(t, self.at.data, self.rng.below(2));
                    self.b.index(d, zero, t);
                    self.b.add(d, d, s);
                    self.b.amend(zero, t, d);
                }
                4 | 5 => {
                    self.b.literal(t, self.rng.below(2));
                    self.b.index(s, id, t);
                    self.b.add(s, s, d);
                    self.b.amend(id, t, s);
                }
                // The counter is not 0 here, and compiled code does not know it.
                6 | 7 => self.b.div(s, d, c),
                8 => {
                    self.mask(t, s, 1);
                    self.b.literal_label(s, self.at.data, 0);
                    self.b.add(t, t, s);
                    self.b.amend(zero, t, d);
                }
                _ => {
                    self.mask(t, s, 1);
                    self.b.amend(id, t, d);
                }
            }
        }
        self.one_less(c, t);
        let next = self.b.label();
        self.b.branch(c, head, next, [t, d], zero);
        self.b.bind(next);
        self.extra_cost += i64::from(rounds) * i64::from(self.b.here() - before);
    }

    /// A hot loop stores to a word that is executed behind it, seldom enough to be interpreted.
    pub(super) fn late_code(&mut self) {
        let [outer, c, t, v, s] = self.regs();
        let zero = self.zero_reg;
        let site = self.b.label();
        self.b.literal(zero, 0);
        let [rounds, stores] = [self.rng.between(4, 12), self.rng.between(150, 260)];
        self.b.literal(outer, rounds);
        let again = self.b.label_here();
        self.b.literal(c, stores);
        let head = self.b.label();
        // By a jump: compiled code makes every store then.
        self.goto(head, t);
        self.b.bind(head);
        self.tag(Tag::LateCode);
        self.b.constant(v, Instruction::Literal { a: s, value: 0 }.encode(), t);
        self.b.add(v, v, c);
        self.b.add(v, v, outer);
        self.b.literal_label(t, site, 0);
        self.b.amend(zero, t, v);
        self.one_less(c, t);
        let next = self.b.label();
        self.b.branch(c, head, next, [t, v], zero);
        self.b.bind(next);
        self.b.bind(site);
        self.b.literal(s, 0);
        self.b.literal_label(t, self.at.data, 0);
        self.b.index(v, zero, t);
        self.b.add(v, v, s);
        self.b.amend(zero, t, v);
        self.one_less(outer, t);
        let end = self.b.label();
        self.b.branch(outer, again, end, [t, v], zero);
        self.b.bind(end);
        self.extra_cost += i64::from(rounds * (stores + 1) * 24);
    }

    /// A hot loop that patches its own first word in every round.
    pub(super) fn patched_loop(&mut self) {
        let is_literal = self.rng.percent(50);
        let regs: [Reg; 5] = self.regs();
        let [c, t, v, ..] = regs;
        let zero = self.zero_reg;
        let site = self.b.label();
        self.b.literal(zero, 0);
        let rounds = self.rng.between(300, 500);
        self.b.literal(c, rounds);
        self.b.bind(site);
        self.tag(Tag::PatchedLoop);
        if is_literal {
            self.literal_counted_up(site, regs);
        } else {
            self.word_stored_again(site, regs);
        }
        self.one_less(c, t);
        let next = self.b.label();
        self.b.branch(c, site, next, [t, v], zero);
        self.b.bind(next);
        self.extra_cost += i64::from(rounds) * 24;
    }

    /// The word at `site` is stored as it is. Nothing but that word reads a register that is overwritten right behind it.
    fn word_stored_again(&mut self, site: Label, [c, t, v, x, s]: [Reg; 5]) {
        let word = Instruction::Add { a: s, b: s, c: x }.encode();
        self.b.data(word);
        self.b.literal(x, 5);
        self.b.constant(v, word, t);
        self.b.literal_label(t, site, 0);
        self.b.amend(self.zero_reg, t, v);
        self.b.add(x, c, c);
    }

    /// The word at `site` is a literal that is used and then counted up, half of the time at an offset that cannot be told
    /// beforehand. A division follows, which may only leave where the literal is not read again.
    fn literal_counted_up(&mut self, site: Label, [c, t, v, x, s]: [Reg; 5]) {
        self.b.literal(x, 1);
        self.b.add(s, s, x);
        self.b.constant(v, Instruction::Literal { a: x, value: 2 }.encode(), t);
        self.b.add(v, v, x);
        if self.rng.percent(50) {
            // The counter is smaller: this is 0.
            self.b.literal(t, 1000);
            self.b.div(t, c, t);
            self.b.literal_label(x, site, 0);
            self.b.add(t, t, x);
        } else {
            self.b.literal_label(t, site, 0);
        }
        self.b.amend(self.zero_reg, t, v);
        self.b.div(v, s, c);
    }

    /// Two hot scans through a segment, one behind the other, until a quotient is not 0, in a loop around both. Half of the
    /// time that loop has the same first word as the first scan, and it may change the segment that they go through: until
    /// the second scan divides by a 0, at last.
    pub(super) fn scans(&mut self) {
        let regs: [Reg; 5] = self.regs();
        let [c, id, i, q, t] = regs;
        // Data registers are six where there is no counter, and no loop that counts is under construction.
        let other = |maker: &Maker| maker.data.iter().copied().find(|reg| !regs.contains(reg));
        let x = self.counter.or_else(|| other(self)).expect("six registers");
        let zero = self.zero_reg;
        self.b.literal(zero, 0);
        self.b.literal(t, SCANNED_WORDS);
        self.b.alloc(id, t);
        let rounds = self.rng.between(30, 250);
        // No word is 0; the first is as large as any round, the second as small: each scan ends there.
        for (offset, word) in
            [rounds, 1].into_iter().chain((2..SCANNED_WORDS).map(|_| self.rng.between(1, 250))).enumerate()
        {
            self.b.literal(t, offset as u32);
            self.b.literal(q, word);
            self.b.amend(id, t, q);
        }
        self.tag(Tag::Scans);
        self.b.literal(i, 0);
        self.b.literal(c, rounds);
        let [around, up, down, meet] = std::array::from_fn(|_| self.b.label());
        self.b.bind(around);
        if self.rng.percent(50) {
            self.b.literal_label(t, self.at.data, 0);
            self.b.amend(zero, t, i);
        }
        self.b.bind(up);
        self.b.literal(t, 1);
        self.b.add(i, i, t);
        self.mask(t, i, SCANNED_WORDS - 1);
        self.b.index(q, id, t);
        self.b.div(q, q, c);
        self.b.branch(q, down, up, [t, x], zero);
        self.b.bind(down);
        self.one_less(i, t);
        self.mask(t, i, SCANNED_WORDS - 1);
        self.b.index(q, id, t);
        self.b.div(q, c, q);
        self.b.branch(q, meet, down, [t, x], zero);
        self.b.bind(meet);
        match self.rng.below(4) {
            0 => self.b.add(i, i, q),
            1 => {
                self.b.literal(t, SCANNED_WORDS);
                self.b.alloc(x, t);
                for offset in 0..SCANNED_WORDS {
                    self.b.literal(t, offset);
                    self.b.index(q, id, t);
                    self.b.amend(x, t, q);
                }
                self.b.add(id, x, zero);
            }
            _ => {}
        }
        if self.rng.percent(40) {
            self.tag(Tag::ScansFault);
            // At most what the counter is in the next round, where the scan ends, until it is 0.
            let zero_below = self.rng.between(2, rounds / 3);
            self.b.literal(t, zero_below);
            self.b.div(q, c, t);
            self.b.literal(t, 1);
            self.b.amend(id, t, q);
        }
        self.one_less(c, t);
        let (next, again) = (self.b.label(), if self.rng.percent(50) { up } else { around });
        self.b.branch(c, again, next, [t, x], zero);
        self.b.bind(next);
        self.extra_cost += i64::from(rounds) * i64::from(24 * 2 * SCANNED_WORDS + 120);
    }

    /// A hot loop that goes through a segment, or the program, until it is one word too far.
    pub(super) fn sweep(&mut self) {
        let [o, id, t, s] = self.regs();
        let zero = self.zero_reg;
        self.b.literal(zero, 0);
        let through_program = self.rng.percent(25);
        let words = if self.rng.percent(50) { self.rng.between(248, 258) } else { self.rng.between(260, 1500) };
        self.b.literal(t, words);
        self.b.alloc(id, t);
        self.b.literal(o, 0);
        let head = self.b.label_here();
        self.tag(Tag::Sweep);
        let stores_first = self.rng.percent(50);
        if through_program {
            self.b.index(s, zero, o);
        } else if stores_first {
            self.b.amend(id, o, s);
            self.b.index(s, id, o);
        } else {
            self.b.index(s, id, o);
            self.b.amend(id, o, t);
        }
        self.b.literal(t, 1);
        self.b.add(o, o, t);
        self.b.add(s, s, o);
        self.goto(head, t);
        // The program's length is not known yet: it is a little more than what stands here.
        self.extra_cost += i64::from(words.max(self.b.here() * 2 + 400)) * 9;
    }

    /// A hot loop that replaces the program: each time, a word of the routine it calls is another.
    pub(super) fn load_loop(&mut self) {
        let [c, id, link, t, s] = self.regs();
        let zero = self.zero_reg;
        let [routine, patched, start, load, go_on, end] = std::array::from_fn(|_| self.b.label());
        self.goto(start, t);
        self.b.bind(routine);
        self.b.bind(patched);
        self.b.literal(s, 0);
        self.b.load_program(zero, link);
        self.b.bind(start);

        self.b.literal(zero, 0);
        self.copy_up_to(self.at.end, id, [c, t, s]);
        let loads = self.rng.between(LOADS.0, LOADS.1);
        self.b.literal(c, loads * (LOAD_EVERY + 1) + self.rng.below(LOAD_EVERY));
        let head = self.b.label_here();
        self.tag(Tag::LoadLoop);
        self.b.call(routine, link, t, zero);
        let word = self.rng.below(DATA_WORDS);
        self.b.literal_label(link, self.at.data, word);
        // What is added up stands in the copy: in the program it would be overwritten.
        self.b.index(t, id, link);
        self.b.add(t, t, s);
        self.b.amend(id, link, t);
        self.one_less(c, t);
        self.mask(t, c, LOAD_EVERY);
        self.b.branch(t, go_on, load, [link, s], zero);
        self.b.bind(load);
        // The literal that the routine gets is what the counter says.
        self.b.constant(t, Instruction::Literal { a: s, value: 0 }.encode(), link);
        self.b.add(t, t, c);
        self.b.literal_label(link, patched, 0);
        self.b.amend(id, link, t);
        self.b.literal_label(t, go_on, 0);
        self.b.load_program(id, t);
        self.b.bind(go_on);
        self.b.branch(c, head, end, [t, s], zero);
        self.b.bind(end);
        self.extra_cost += i64::from((loads + 1) * (LOAD_EVERY + 1)) * 40;
    }

    /// Ends the program out of a hot loop.
    pub(super) fn late_end(&mut self) {
        self.tag(Tag::LateEnd);
        let [c, link, t, s, x] = self.regs();
        let zero = self.zero_reg;
        let [routine, patched, start] = std::array::from_fn(|_| self.b.label());
        let [calls, rounds] = self.rng.pick(&ROUNDS).map(|(low, high)| self.rng.between(low, high));
        self.goto(start, t);
        self.b.bind(routine);
        self.b.literal(s, 2);
        self.b.alloc(x, s);
        self.b.literal(t, NOBODY);
        self.b.literal(s, 1);
        self.b.amend(x, s, link);
        self.b.bind(patched);
        self.b.literal(s, 1);
        self.b.index(s, x, s);
        self.b.abandon(x);
        self.b.load_program(zero, link);
        self.b.bind(start);

        self.b.literal(zero, 0);
        self.b.literal(c, calls);
        let head = self.b.label_here();
        self.b.call(routine, link, t, zero);
        self.one_less(c, t);
        let next = self.b.label();
        self.b.branch(c, head, next, [t, s], zero);
        self.b.bind(next);

        let word = self.ending_word([t, s, x]);
        self.b.constant(t, word, x);
        self.b.literal_label(x, patched, 0);
        self.b.amend(zero, x, t);
        self.b.literal(c, rounds);
        let head = self.b.label_here();
        self.b.add(x, x, c);
        self.one_less(c, t);
        self.b.branch(c, head, routine, [t, s], zero);
        // Every round of both loops is at most this long.
        self.extra_cost += i64::from(calls + rounds) * 24;
    }

    /// A few rounds read a word of the program, which loads a copy without that word and goes on reading.
    pub(super) fn shortened(&mut self) {
        let [c, id, t, s] = self.regs();
        let zero = self.zero_reg;
        self.b.literal(zero, 0);
        self.copy_up_to(self.at.tail, id, [c, t, s]);
        self.b.literal(c, self.rng.between(3, 40));
        let head = self.b.label_here();
        self.tag(Tag::Shortened);
        // Two in a row: the interpreter makes one instruction of them.
        for word in [self.at.tail, self.at.data] {
            self.b.literal_label(t, word, 0);
            self.b.index(s, zero, t);
        }
        self.one_less(c, t);
        let next = self.b.label();
        self.b.branch(c, head, next, [t, s], zero);
        self.b.bind(next);
        self.b.literal_label(t, head, 0);
        self.b.load_program(id, t);
        self.extra_cost += 41 * 14;
    }

    /// In `id` a new segment with a copy of the program up to `end`; the other registers are lost.
    fn copy_up_to(&mut self, end: Label, id: Reg, [c, t, s]: [Reg; 3]) {
        let zero = self.zero_reg;
        self.b.literal_label(c, end, 0);
        self.b.alloc(id, c);
        let copy = self.b.label_here();
        self.one_less(c, t);
        self.b.index(t, zero, c);
        self.b.amend(id, c, t);
        let copied = self.b.label();
        self.b.branch(c, copy, copied, [t, s], zero);
        self.b.bind(copied);
        // The rest of the program is not longer than what stands here, but for a few tables.
        self.extra_cost += i64::from(self.b.here() * 2 + 400) * 10;
    }

    /// `c = c - 1`; `t` is lost.
    fn one_less(&mut self, c: Reg, t: Reg) {
        self.b.literal(t, 0);
        self.b.not(t, t);
        self.b.add(c, c, t);
    }

    /// An instruction that ends every program, or that the routine does not get over: `nobody` names no segment, and
    /// the word at `offset` of `segment`, which has two, is read next.
    fn ending_word(&mut self, [nobody, offset, segment]: [Reg; 3]) -> Word {
        match self.rng.below(7) {
            0 | 1 => Instruction::Halt.encode(),
            2 => 0xe000_0000 | self.rng.word(),
            3 => Instruction::LoadProgram { b: nobody, c: self.zero_reg }.encode(),
            4 | 5 => Instruction::Literal { a: offset, value: 2 }.encode(),
            _ => Instruction::Abandon { c: segment }.encode(),
        }
    }
}
