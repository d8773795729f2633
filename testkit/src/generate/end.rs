//! Ends that come out of hot code: the way into a block that is known to be warm, and that ends the program.
//!
//! A block that ends a program runs once, so compiled code would never reach one. Here a small routine is called for a
//! while, which makes it warm; then one of its words is patched so that it ends the program; then a loop gets hot that
//! leads to it when its counter is 0. What is compiled from the loop contains the routine, and is left at its end.

use super::Tag;
use super::emit::Maker;
use rum_interp::isa::{Instruction, Reg, Word};

/// Rounds of calls, and rounds of the loop that leads to the routine. The routine must get warm and not hot itself: for
/// thresholds around 20, and for thresholds of some hundreds.
const ROUNDS: [[(u32, u32); 2]; 2] = [[(2, 18), (250, 400)], [(40, 400), (750, 1100)]];

/// An identifier that no machine has handed out when a generated program ends.
const NOBODY: u32 = 0x1ff_ffff;

impl Maker {
    /// Ends the program out of a hot loop.
    pub(super) fn late_end(&mut self) {
        self.tag(Tag::LateEnd);
        let [c, link, t, s, x] = self.regs();
        let zero = self.zero_reg;
        let [routine, patched, start] = std::array::from_fn(|_| self.b.label());
        let [calls, rounds] = self.rng.pick(&ROUNDS).map(|(low, high)| self.rng.between(low, high));
        self.goto(start, t);
        self.b.bind(routine);
        self.b.literal(s, NOBODY);
        self.b.add(x, x, link);
        self.b.bind(patched);
        self.b.add(x, x, s);
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

        let word = self.ending_word(s);
        self.b.constant(t, word, x);
        self.b.literal_label(x, patched, 0);
        self.b.amend(zero, x, t);
        self.b.literal(c, rounds);
        let head = self.b.label_here();
        self.b.add(x, x, c);
        self.one_less(c, t);
        self.b.branch(c, head, routine, [t, s], zero);
        // Every round of both loops is at most this long.
        self.extra_cost += i64::from(calls + rounds) * 16;
    }

    /// `c = c - 1`; `t` is lost.
    fn one_less(&mut self, c: Reg, t: Reg) {
        self.b.literal(t, 0);
        self.b.not(t, t);
        self.b.add(c, c, t);
    }

    /// An instruction that ends every program, or that no program gets over: `nobody` names no segment.
    fn ending_word(&mut self, nobody: Reg) -> Word {
        match self.rng.below(4) {
            0 | 1 => Instruction::Halt.encode(),
            2 => 0xe000_0000 | self.rng.word(),
            _ => Instruction::LoadProgram { b: nobody, c: self.zero_reg }.encode(),
        }
    }
}
