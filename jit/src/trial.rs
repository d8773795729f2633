//! Whether compiled code pays where the way leads into it and out again all the time: that is measured, not guessed.
//!
//! Compiled code that ends in a jump to ever new places is left after a dozen instructions, and to enter and leave it costs more than they
//! do. A word at which code is entered most often by far is tried: [`TRIAL_ROUND`] arrivals there with code, as many without, [`TRIAL_ROUNDS`]
//! times in turn. If the interpreter was quicker, it goes on alone from there, for a time that doubles with each trial; what is made for the word stays, for
//! code that leads there. `engine/turns.rs` does what it says.

use crate::tuning::{TRIAL_GIVEN_UP_BITS, TRIAL_LEAD, TRIAL_PATIENCE, TRIAL_ROUND, TRIAL_ROUNDS};
use rustc_hash::FxHashMap;
use std::time::{Duration, Instant};

/// The ways to go on at a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Code,
    Interpreter,
}

/// A trial under way.
#[derive(Debug)]
struct Running {
    by: By,
    since: Instant,
    /// Arrivals to come in this round, with code; and entries elsewhere that it still waits for.
    left: u32,
    patience: u32,
    rounds: u32,
    /// The least time for a round by each way.
    best: [Duration; 2],
}

/// Which word is entered most, and its trial.
#[derive(Debug)]
pub(crate) struct Trial {
    /// The word, and by how much its entries outnumber others.
    pc: u32,
    lead: u32,
    running: Option<Running>,
    /// How often words were given up.
    tried: FxHashMap<u32, u32>,
    clock: fn() -> Instant,
}

/// What an entry is to a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Nothing.
    Plain,
    /// The start of a trial, or of its next round by the interpreter.
    Interpret,
    /// The trial's word did not come up again.
    Broken,
}

impl Default for Trial {
    fn default() -> Trial {
        Trial { pc: 0, lead: 0, running: None, tried: FxHashMap::default(), clock: Instant::now }
    }
}

impl Trial {
    /// Code is about to be entered at a word.
    #[inline(always)]
    pub fn entered(&mut self, pc: u32) -> Entry {
        if let Some(running) = &mut self.running {
            return running.entered(pc == self.pc, self.clock);
        }
        if pc == self.pc {
            self.lead += 1;
            if self.lead >= TRIAL_LEAD {
                self.start();
            }
        } else if self.lead > 0 {
            self.lead -= 1;
        } else {
            self.pc = pc;
        }
        Entry::Plain
    }

    /// The word that is entered most is tried.
    #[cold]
    fn start(&mut self) {
        self.lead = 0;
        self.running = Some(Running {
            by: By::Code,
            since: (self.clock)(),
            left: TRIAL_ROUND,
            patience: TRIAL_PATIENCE,
            rounds: 0,
            best: [Duration::MAX; 2],
        });
    }

    /// The word is hot, in a round by the interpreter: that is over. Whether code is to be entered there, if that is known now.
    pub fn interpreted(&mut self) -> Option<bool> {
        let running = self.running.as_mut()?;
        running.end_round(By::Code, (self.clock)());
        running.rounds += 1;
        if running.rounds < TRIAL_ROUNDS {
            return None;
        }
        let [code, interpreter] = running.best;
        self.running = None;
        Some(code <= interpreter)
    }

    /// The word that is entered most, or tried.
    pub fn word(&self) -> u32 {
        self.pc
    }

    /// The trial is over without a verdict.
    pub fn break_off(&mut self) {
        self.running = None;
    }

    /// Whether a word was given up before.
    pub fn was_given_up(&self, pc: u32) -> bool {
        self.tried.contains_key(&pc)
    }

    /// Whether it is the interpreter's turn at a word.
    pub fn interprets(&self, pc: u32) -> bool {
        pc == self.pc && self.running.as_ref().is_some_and(|running| running.by == By::Interpreter)
    }

    /// The word is given up: for how many arrivals.
    pub fn arrivals_without(&mut self) -> u32 {
        let tried = self.tried.entry(self.pc).or_default();
        *tried += 1;
        1 << (TRIAL_GIVEN_UP_BITS.0 + *tried - 1).min(TRIAL_GIVEN_UP_BITS.1)
    }
}

impl Running {
    #[inline(always)]
    fn entered(&mut self, is_it: bool, clock: fn() -> Instant) -> Entry {
        let left = if is_it && self.by == By::Code { &mut self.left } else { &mut self.patience };
        *left -= 1;
        if *left > 0 {
            return Entry::Plain;
        }
        if self.patience == 0 {
            return Entry::Broken;
        }
        self.end_round(By::Interpreter, clock());
        Entry::Interpret
    }

    /// A round is over, and one the other way begins.
    fn end_round(&mut self, next: By, now: Instant) {
        let best = &mut self.best[self.by as usize];
        *best = now.duration_since(self.since).min(*best);
        (self.by, self.left, self.patience, self.since) = (next, TRIAL_ROUND, TRIAL_PATIENCE, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static PASSED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
        static START: Instant = Instant::now();
    }

    fn pass(time: Duration) {
        PASSED.set(PASSED.get() + time);
    }

    /// Enters code at a word until something is to be done: what, and after how many entries.
    fn enter_until(trial: &mut Trial, pc: u32) -> (Entry, u32) {
        (1..).map(|times| (trial.entered(pc), times)).find(|&(entry, _)| entry != Entry::Plain).expect("endless")
    }

    /// A trial of a word by a clock that the tests move: what it comes to, with the times of rounds by code and by the interpreter.
    fn tried(times: [u64; 2]) -> Option<bool> {
        let mut trial = Trial { clock: || START.with(|&start| start + PASSED.get()), ..Trial::default() };
        let mut verdict = None;
        (0..=TRIAL_LEAD).for_each(|_| assert_eq!(trial.entered(7), Entry::Plain));
        for _ in 0..TRIAL_ROUNDS {
            assert!(verdict.is_none() && !trial.interprets(7));
            pass(Duration::from_micros(times[0]));
            assert_eq!(enter_until(&mut trial, 7), (Entry::Interpret, TRIAL_ROUND));
            assert!(trial.interprets(7) && !trial.interprets(8));
            pass(Duration::from_micros(times[1]));
            verdict = trial.interpreted();
        }
        assert_eq!(trial.interpreted(), None, "it is over");
        verdict
    }

    #[test]
    fn the_quicker_way_is_taken() {
        assert_eq!(tried([500, 300]), Some(false));
        assert_eq!(tried([300, 500]), Some(true));
        assert_eq!(tried([300, 300]), Some(true));
    }

    #[test]
    fn only_what_outnumbers_all_others_is_tried() {
        let mut trial = Trial::default();
        for _ in 0..TRIAL_LEAD {
            assert_eq!([1, 2, 3].map(|pc| trial.entered(pc)), [Entry::Plain; 3]);
        }
        assert!(trial.running.is_none());
    }

    #[test]
    fn a_trial_whose_word_does_not_come_up_is_broken_off() {
        let mut trial = Trial::default();
        assert_eq!(enter_until(&mut trial, 7), (Entry::Interpret, TRIAL_LEAD + 1 + TRIAL_ROUND));
        assert_eq!(enter_until(&mut trial, 8), (Entry::Broken, TRIAL_PATIENCE));
    }

    #[test]
    fn a_word_is_given_up_for_twice_as_long_each_time() {
        let mut trial = Trial::default();
        assert_eq!([(); 3].map(|()| trial.arrivals_without()), [1 << 16, 1 << 17, 1 << 18]);
        assert_eq!((0..30).map(|_| trial.arrivals_without()).max(), Some(1 << TRIAL_GIVEN_UP_BITS.1));
    }
}
