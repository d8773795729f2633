//! Smaller programs that fail alike.
//!
//! Delta debugging on words: blocks become no-operations, the end is cut off, no-operations are taken out with all
//! literals behind them adjusted, literals become smaller, input goes. Each step is kept if the failure is still
//! there.

use crate::outcome::Case;
use rum_interp::isa::{Instruction, Op};

/// A word that does nothing: `if r0 != 0 { r0 = r0 }`.
const NOTHING: u32 = 0;

/// What came of shrinking.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest case found that still fails.
    pub case: Case,
    /// How many cases were tried.
    pub attempts: u32,
}

struct Shrinker<'a> {
    case: Case,
    attempts: u32,
    attempts_max: u32,
    still_fails: &'a mut dyn FnMut(&Case) -> bool,
}

/// Makes `case` smaller while `still_fails` holds, in at most `attempts_max` attempts.
///
/// `still_fails` must come to an end for every program: its runs need a budget. It is taken for granted that `case`
/// itself fails.
pub fn shrink(case: &Case, attempts_max: u32, still_fails: &mut dyn FnMut(&Case) -> bool) -> Shrunk {
    let mut shrinker = Shrinker { case: case.clone(), attempts: 0, attempts_max, still_fails };
    loop {
        let before = shrinker.case.clone();
        shrinker.cut_end();
        shrinker.blank_blocks();
        shrinker.take_out_blanks();
        shrinker.simplify_words();
        shrinker.shorten_input();
        if shrinker.case == before || shrinker.exhausted() {
            return Shrunk { case: shrinker.case, attempts: shrinker.attempts };
        }
    }
}

impl Shrinker<'_> {
    fn exhausted(&self) -> bool {
        self.attempts >= self.attempts_max
    }

    /// Takes `candidate` if it still fails.
    fn attempt(&mut self, candidate: Case) -> bool {
        if candidate == self.case || self.exhausted() {
            return false;
        }
        self.attempts += 1;
        let fails = (self.still_fails)(&candidate);
        if fails {
            self.case = candidate;
        }
        fails
    }

    fn attempt_program(&mut self, program: Vec<u32>) -> bool {
        if program.is_empty() {
            return false;
        }
        let candidate = Case { program, input: self.case.input.clone(), budget: self.case.budget };
        self.attempt(candidate)
    }

    fn cut_end(&mut self) {
        let mut cut = self.case.program.len() / 2;
        while cut > 0 {
            let keep = self.case.program.len().saturating_sub(cut).max(1);
            if keep == self.case.program.len() || !self.attempt_program(self.case.program[..keep].to_vec()) {
                cut /= 2;
            }
        }
    }

    fn blank_blocks(&mut self) {
        let mut size = self.case.program.len().div_ceil(2);
        while size > 0 {
            for start in (0..self.case.program.len()).step_by(size) {
                let end = (start + size).min(self.case.program.len());
                let mut program = self.case.program.clone();
                program[start..end].fill(NOTHING);
                self.attempt_program(program);
            }
            size /= 2;
        }
    }

    /// Takes out runs of no-operations, longest pieces first.
    fn take_out_blanks(&mut self) {
        let mut at = self.case.program.len();
        while at > 0 {
            let words = &self.case.program;
            let blank = words[..at].iter().rev().take_while(|&&word| word == NOTHING).count();
            if blank == 0 {
                at -= 1;
                continue;
            }
            let mut piece = blank;
            while piece > 0 && !self.take_out(at - piece, at) {
                piece /= 2;
            }
            at -= piece.max(1);
        }
    }

    /// Takes words out, with all that looks like offsets adjusted, and if that does not do with nothing adjusted.
    fn take_out(&mut self, start: usize, end: usize) -> bool {
        let adjusted = without(&self.case.program, start, end);
        let plain = [&self.case.program[..start], &self.case.program[end..]].concat();
        self.attempt_program(adjusted) || self.attempt_program(plain)
    }

    fn simplify_words(&mut self) {
        for at in (0..self.case.program.len()).rev() {
            let word = self.case.program[at];
            let simpler: Vec<u32> = match Instruction::decode(word) {
                Instruction::Literal { a, value } if value > 0 => {
                    let values = [0, 1, value / 16, value / 2, value - 1];
                    values.iter().map(|&value| Instruction::Literal { a, value }.encode()).collect()
                }
                Instruction::Invalid { word } => vec![Instruction::Halt.encode(), word & 0xf000_0000],
                _ => vec![Instruction::Halt.encode()],
            };
            for candidate in simpler {
                if word == NOTHING || candidate == word {
                    continue;
                }
                let mut program = self.case.program.clone();
                program[at] = candidate;
                if self.attempt_program(program) {
                    break;
                }
            }
        }
    }

    fn shorten_input(&mut self) {
        let mut cut = self.case.input.len();
        while cut > 0 {
            let keep = self.case.input.len().saturating_sub(cut);
            let candidate = Case { input: self.case.input[..keep].to_vec(), ..self.case.clone() };
            if keep == self.case.input.len() || !self.attempt(candidate) {
                cut /= 2;
            }
        }
        for at in 0..self.case.input.len() {
            let mut input = self.case.input.clone();
            input[at] = 0;
            self.attempt(Case { input, ..self.case.clone() });
        }
    }
}

/// `program` without the words from `start` to `end`; literals that may be offsets behind them go down.
fn without(program: &[u32], start: usize, end: usize) -> Vec<u32> {
    let (low, high) = (start as u32, end as u32);
    let moved = |value: u32| match value {
        value if value >= high && value <= program.len() as u32 + 64 => value - (high - low),
        value if value > low && value < high => low,
        value => value,
    };
    let adjusted = program.iter().map(|&word| match (Op::of(word), Instruction::decode(word)) {
        (Op::Literal, Instruction::Literal { a, value }) => Instruction::Literal { a, value: moved(value) }.encode(),
        // Perhaps an entry of a table of targets.
        _ if word < program.len() as u32 => moved(word),
        _ => word,
    });
    let mut words: Vec<u32> = adjusted.collect();
    words.drain(start..end);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Profile, generate};
    use crate::oracle::Oracle;
    use crate::outcome::{FaultKind, Stop};

    /// Whether a case ends in a division by 0 after it put a byte out.
    fn divides_by_zero(case: &Case) -> bool {
        let outcome = Oracle::run_case(case);
        !outcome.output.is_empty() && matches!(outcome.stop, Stop::Fault { kind: FaultKind::DivisionByZero { .. }, .. })
    }

    #[test]
    fn programs_become_small_and_still_fail() {
        let profile = Profile::default();
        let failing = (0..20_000).map(|seed| generate(seed, &profile).case).filter(divides_by_zero);
        let mut seen = 0;
        for case in failing.take(5) {
            let shrunk = shrink(&case, 20_000, &mut divides_by_zero);
            assert!(divides_by_zero(&shrunk.case));
            assert!(
                shrunk.case.program.len() <= 12,
                "from {} words to {:x?} after {} attempts",
                case.program.len(),
                shrunk.case.program,
                shrunk.attempts
            );
            seen += 1;
        }
        assert_eq!(seen, 5);
    }

    #[test]
    fn attempts_are_bounded() {
        let case = generate(1, &Profile::default()).case;
        let mut calls = 0;
        let shrunk = shrink(&case, 100, &mut |_| {
            calls += 1;
            false
        });
        assert_eq!((shrunk.attempts, calls), (100, 100));
        assert_eq!(shrunk.case, case);
    }

    #[test]
    fn taking_words_out_moves_targets() {
        let literal = |value| Instruction::Literal { a: rum_interp::isa::Reg::from_bits(1), value }.encode();
        let program = [literal(5), 0, 0, literal(1), literal(2), literal(0x1ff_ffff)];
        assert_eq!(without(&program, 1, 3), [literal(3), literal(1), literal(1), literal(0x1ff_ffff)]);
    }
}
