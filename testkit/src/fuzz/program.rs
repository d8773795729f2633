//! Programs from bytes, through the oracle, the interpreter and compiled code.

use super::bytes::Bytes;
use crate::contenders::{InterpContender, JitContender, Pace, machine_options};
use crate::generate::{Profile, steered};
use crate::matrix::{Contender, Verdict, compare, run_guarded};
use crate::oracle::Oracle;
use crate::outcome::{Case, Outcome, Stop};
use crate::policy::PolicyIds;
use rum_interp::{Ids, Word};

/// Instructions that a program of any words may execute.
const BUDGET: u64 = 4_000;
/// Words that it may have: what is longer is compiled for longer.
const PROGRAM_WORDS_MAX: usize = 160;
/// Words that all its segments may have together: what copies large programs again and again only takes long.
const WORDS_MAX: u64 = 1 << 17;

/// A program and its input: how they are run (3 bytes), the input with its length, the words.
pub fn words(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let (variant, ids, form) = (bytes.byte(), bytes.ids(), bytes.byte());
    let count = usize::from(bytes.byte());
    let input = bytes.take(count).to_vec();
    let mut program = if form % 2 == 0 { bytes.words() } else { dense(bytes) };
    program.truncate(PROGRAM_WORDS_MAX);
    if !program.is_empty() {
        agree(&Case { program, input, budget: BUDGET }, variant, ids);
    }
}

/// Words in fewer bytes, so that a changed byte more often means another program than none: an operator with its registers is two
/// bytes, a small literal, too. Operator 14 stands for a large literal, 15 for any word.
fn dense(mut bytes: Bytes) -> Vec<Word> {
    let mut words = Vec::new();
    while let &[high, low, ..] = bytes.0 {
        bytes.take(2);
        let pair = Word::from(u16::from_be_bytes([high, low]));
        let mut more = |count| bytes.take(count).iter().fold(0, |word, &byte| word << 8 | Word::from(byte));
        words.push(match pair >> 12 {
            13 => 13 << 28 | (pair >> 9 & 7) << 25 | pair & 0x1ff,
            14 => 13 << 28 | (pair >> 9 & 7) << 25 | (pair & 0x1ff) << 16 | more(2),
            15 => more(4),
            op => op << 28 | pair & 0x1ff,
        });
    }
    words
}

/// A program of the generator, whose choices the bytes make as far as they go: how it is run (3 bytes), a seed (2), choices.
pub fn generated(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let (variant, ids, name) = (bytes.byte(), bytes.ids(), bytes.byte());
    let name = Profile::NAMES[usize::from(name) % Profile::NAMES.len()];
    let profile = Profile::named(name).expect("a name of its own");
    let profile = Profile { executed: (100, 3_000), words: (8, 60), ..profile };
    let seed = u64::from(bytes.byte()) << 8 | u64::from(bytes.byte());
    let made = steered(seed, bytes.0, &profile);
    if let Some(outcome) = agree(&made.case, variant, ids) {
        assert!(outcome.executed <= made.bound, "{} instructions, {} at most", outcome.executed, made.bound);
    }
}

/// Runs a case with the oracle, the interpreter, and one of all ways to use compiled code. None if there is not enough memory.
///
/// # Panics
/// They do not agree.
fn agree(case: &Case, variant: u8, ids: Ids) -> Option<Outcome> {
    let options = machine_options(true, ids);
    let given = PolicyIds::new(case, &options)?;
    let expected = Oracle::with_ids(&case.program, &case.input, Box::new(given)).limit(WORDS_MAX).run(case.budget);
    if expected.stop == Stop::OutOfMemory {
        return None;
    }
    let mut variants: Vec<JitContender> = JitContender::all(&|| options.clone());
    variants.retain(JitContender::is_repeatable);
    let variant = usize::from(variant) % variants.len();
    let pace = [Pace::Whole, Pace::Step, Pace::Pieces][variant % 3];
    let contenders: [Box<dyn Contender>; 2] =
        [Box::new(InterpContender::new(pace, options)), Box::new(variants.swap_remove(variant))];
    for mut contender in contenders {
        let name = contender.name();
        let run = run_guarded(&mut *contender, case, false).unwrap_or_else(|panic| panic!("{name}: {panic}\n{case:?}"));
        if let Verdict::Different(differences) = compare(&expected, &run.outcome) {
            let texts: Vec<String> = differences.iter().map(ToString::to_string).collect();
            panic!("{name} differs from the oracle: {}\n{case:?}", texts.join("; "));
        }
    }
    Some(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_words_are_words() {
        let bytes = [0x31, 0x53, 0xd2, 0x07, 0xe3, 0xff, 0xff, 0xfe, 0xf0, 0, 1, 2, 3, 4, 9];
        assert_eq!(dense(Bytes(&bytes)), [0x3000_0153, 0xd200_0007, 0xd3ff_fffe, 0x0102_0304]);
    }
}
