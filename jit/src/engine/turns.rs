//! Turns of compiled code and interpreter at a word, as its trial (`trial.rs`) wants them.

use super::Engine;
use crate::journal::Event;
use crate::trial::Entry;
use crate::tuning::TRIAL_ROUND;
use rum_interp::engine::{Heat, State};

impl Engine {
    /// Code is about to be entered at the pc. Whether the interpreter goes on instead, for a trial.
    #[inline(always)]
    pub(super) fn tries_interpreter(&mut self, state: &mut State) -> bool {
        let entry = self.trial.entered(state.pc());
        entry != Entry::Plain && self.change_trial(state, entry)
    }

    #[cold]
    fn change_trial(&mut self, state: &mut State, entry: Entry) -> bool {
        let pc = self.trial.word();
        if entry == Entry::Broken {
            self.trial.break_off();
            self.enter_from_now_on(state, pc);
            return false;
        }
        self.count_arrivals(state, pc, TRIAL_ROUND);
        true
    }

    /// The pc is hot. If that is because arrivals there were counted, it is taken care of, and true is given.
    pub(super) fn is_tried(&mut self, state: &mut State) -> bool {
        let pc = state.pc();
        if state.heat().get(pc) == Heat::HasCode || state.heat().warmth(pc) < self.first_threshold() {
            return false;
        }
        if !self.trial.interprets(pc) {
            return self.trial.was_given_up(pc) && self.enter_from_now_on(state, pc);
        }
        if self.trial.interpreted() == Some(false) {
            self.journal.note(Event::EntryGivenUp);
            let arrivals = self.trial.arrivals_without();
            self.count_arrivals(state, pc, arrivals);
            return true;
        }
        self.enter_from_now_on(state, pc)
    }

    /// The interpreter goes on at a word for some arrivals, although there is code.
    fn count_arrivals(&self, state: &mut State, pc: u32, arrivals: u32) {
        let count = self.first_threshold().saturating_sub_unsigned(arrivals);
        state.heat_mut().set(pc, Heat::Counting(count));
    }

    /// The interpreter leaves a word to the code that is there. Whether it is.
    fn enter_from_now_on(&self, state: &mut State, pc: u32) -> bool {
        let has_code = self.units.way_in(pc).is_some();
        if has_code {
            state.heat_mut().set(pc, Heat::HasCode);
        }
        has_code
    }
}
