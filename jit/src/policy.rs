//! What to do next, by what has just happened. Mechanism reports, this answers, and the loop in `engine/mod.rs` carries it out.
//!
//! All decisions that are a matter of cost and not of right or wrong are here, in `profile.rs` (how often something is tried) and in
//! `history.rs`; the numbers they go by are in `tuning.rs`.

use crate::exit::{Exit, Reason};
use crate::options::{HOT_BEHIND_BLOCKS, HOT_WITHOUT_BLOCKS};
use crate::tuning::{
    BASELINE_INSTRUCTIONS, BASELINE_TIMES_MAX, CHECKS_IMPROVE, CHECKS_OBSERVED, CHECKS_SAMPLED, CLIF_PER_WORD,
    THRESHOLD_CLIF, THRESHOLD_TIMES_MAX, WAITING_MAX, WARM_SHARE,
};
use rum_interp::Stop;
use rum_interp::engine::{Pause, THRESHOLD_MAX};

/// How a stretch of execution came to its end.
pub(crate) enum Outcome {
    /// Compiled code was left.
    Left(Exit),
    /// The interpreter paused, or something stopped the machine.
    Paused(Pause),
}

/// What is known about the place where that was.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Circumstances {
    /// The unit that was left at a check or a guard.
    pub unit: u32,
    /// Checks of the unit that was left that have failed up to now, this one included.
    pub checks_failed: u32,
    /// How warm the pc is, if there could be code for it and is none.
    pub warmth: Option<i32>,
    /// The poll word is not 0.
    pub polled: bool,
}

/// What to do next.
#[derive(Debug)]
pub(crate) enum Action {
    /// Enter compiled code at the pc if there is any, else interpret.
    Enter,
    /// Interpret at least the instruction at the pc.
    Interpret,
    /// Interpret step by step and learn what the code of this unit was not made for.
    Observe { unit: u32 },
    /// Compile the unit that was left again, without what its guard took for granted.
    Doubt { unit: u32 },
    /// Have code made for the pc, which the jump at `from` made hot.
    Compile { from: Option<u32> },
    /// Give control back.
    Stop(Stop),
}

/// A threshold that grows with what was spent: by itself for each `step`, and up to `most` times itself.
fn grown(first: i32, spent: u64, step: u64, most: u64) -> i32 {
    let first = first as u64;
    let grown = first.saturating_add(first * spent / step).min(first * most);
    i32::try_from(grown).unwrap_or(i32::MAX).min(THRESHOLD_MAX)
}

/// The rules.
pub(crate) struct Policy {
    /// Jumps to a word after which it is hot, as long as little was compiled.
    threshold: i32,
    /// Checks are made to fail: that teaches nothing.
    forced_exits: bool,
}

impl Policy {
    pub fn new(hot_threshold: u32, forced_exits: bool) -> Policy {
        let threshold = i32::try_from(hot_threshold.max(1)).unwrap_or(i32::MAX).min(1 << 30);
        Policy { threshold, forced_exits }
    }

    /// No more code is to be made.
    pub fn give_up(&mut self) {
        self.threshold = THRESHOLD_MAX;
    }

    /// There is no baseline tier: unless something else was chosen, code is compiled sooner.
    pub fn without_blocks(&mut self) {
        if self.threshold == HOT_BEHIND_BLOCKS as i32 {
            self.threshold = HOT_WITHOUT_BLOCKS as i32;
        }
    }

    /// Whether no more code is to be made.
    pub fn has_given_up(&self) -> bool {
        self.threshold == THRESHOLD_MAX
    }

    /// Jumps to a word after which it is hot. The first code is a cheap bet: if the program is small it runs at full speed soon. The
    /// more was compiled already or is going to be, the more it takes, up to where what a word has cost in the tiers below is about
    /// what compiling it costs: what was executed that often is likely to be executed as often again, whenever that is.
    pub fn threshold(&self, clif_instructions: u64, words_waiting: usize) -> i32 {
        let clif = clif_instructions + words_waiting as u64 * CLIF_PER_WORD;
        grown(self.threshold, clif, THRESHOLD_CLIF, THRESHOLD_TIMES_MAX)
    }

    /// Jumps to a word after which it becomes a block: `first` of them, and more the more has become blocks, for the same reasons.
    pub fn block_threshold(&self, first: i32, instructions: u64) -> i32 {
        grown(first, instructions, BASELINE_INSTRUCTIONS, BASELINE_TIMES_MAX)
    }

    /// The least heat of a block that is compiled with others.
    pub fn warm(&self, threshold: i32) -> i32 {
        (threshold / WARM_SHARE).max(1)
    }

    /// Whether so many regions wait for the compiler that no more are asked for.
    pub fn is_busy(&self, waiting: usize) -> bool {
        waiting >= WAITING_MAX
    }

    /// Whether a unit that has learnt something by failed checks is to be compiled again.
    pub fn is_worth_improving(&self, checks_failed: u32) -> bool {
        checks_failed >= CHECKS_OBSERVED
    }

    /// Whether it is worth remembering where a jump that found no code went. Not every time: most that miss do so again.
    pub fn is_worth_noting(&self, warmth: i32, threshold: i32) -> bool {
        warmth.count_ones() == 1 || warmth >= threshold
    }

    /// What to do next.
    #[inline(always)]
    pub fn after(&self, outcome: Outcome, at: Circumstances, threshold: i32) -> Action {
        match outcome {
            Outcome::Paused(Pause::HasCode) => Action::Enter,
            Outcome::Paused(Pause::Hot { from }) => Action::Compile { from: Some(from) },
            // Whoever raised the poll word is answered first. Otherwise it was the console that gives up.
            Outcome::Paused(Pause::Stop(Stop::Interrupted)) if at.polled => Action::Enter,
            Outcome::Paused(Pause::Stop(stop)) => Action::Stop(stop),
            Outcome::Left(exit) => self.after_exit(exit, at, threshold),
        }
    }

    #[inline(always)]
    fn after_exit(&self, exit: Exit, at: Circumstances, threshold: i32) -> Action {
        match exit {
            Exit::Site { unit, reason: Reason::Check, .. } if self.is_worth_a_look(at.checks_failed) => {
                Action::Observe { unit }
            }
            Exit::Site { .. } | Exit::Block { .. } => Action::Interpret,
            Exit::Hot { from } => Action::Compile { from: Some(from) },
            Exit::Guard if at.checks_failed >= CHECKS_IMPROVE => Action::Doubt { unit: at.unit },
            Exit::Guard => Action::Interpret,
            Exit::Miss { from } if at.warmth.is_some_and(|warmth| warmth >= threshold) => Action::Compile { from },
            Exit::Miss { .. } => Action::Enter,
            Exit::Host | Exit::Poll => Action::Enter,
        }
    }

    /// The first failed checks of a unit are all looked into, later ones now and then.
    fn is_worth_a_look(&self, checks_failed: u32) -> bool {
        !self.forced_exits && (checks_failed <= CHECKS_OBSERVED || checks_failed.is_multiple_of(CHECKS_SAMPLED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_grow_with_what_was_made_up_to_a_bound() {
        let policy = Policy::new(3_000, false);
        let after = |clif| policy.threshold(clif, 0);
        assert_eq!((after(0), after(THRESHOLD_CLIF), after(3 * THRESHOLD_CLIF)), (3_000, 6_000, 12_000));
        assert_eq!(policy.threshold(0, 1_000), after(1_000 * CLIF_PER_WORD), "what waits counts");
        let most = 3_000 * THRESHOLD_TIMES_MAX as i32;
        assert_eq!((after(1 << 20), after(1 << 40)), (most, most));
        assert_eq!((policy.block_threshold(40, 0), policy.block_threshold(40, BASELINE_INSTRUCTIONS)), (40, 80));
        assert_eq!(policy.block_threshold(40, 1 << 40), 40 * BASELINE_TIMES_MAX as i32);
        assert_eq!(Policy::new(u32::MAX, false).threshold(1 << 30, 0), THRESHOLD_MAX, "nothing overflows");
    }
}
