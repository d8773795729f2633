//! Nothing stale survives: what has to be done before compiled code is entered again.

use super::{Engine, state_of};
use crate::cause::Cause;
use crate::journal::Event;
use crate::queue::Pending;
use crate::region::contains;
use crate::trial::Trial;
use rum_interp::engine::{Heat, POLL_ENGINE, POLL_FLUSH, State, stop_for};
use rum_interp::{Machine, Stop};

impl Engine {
    /// Takes the news of the program, and answers whoever raised the poll word. A stop if the embedder wants control.
    #[inline(always)]
    pub(super) fn settle(&mut self, machine: &mut Machine) -> Option<Stop> {
        self.catch_up(state_of(machine));
        if machine.state().poll().is_raised() { self.answer(machine) } else { None }
    }

    /// Answers whoever raised the poll word.
    #[cold]
    fn answer(&mut self, machine: &mut Machine) -> Option<Stop> {
        let bits = machine.state().poll().take();
        if bits & POLL_FLUSH != 0
            && let Err(error) = machine.flush()
        {
            return Some(Stop::Console(error));
        }
        if bits & POLL_ENGINE != 0 {
            self.publish_finished(state_of(machine));
        }
        stop_for(bits)
    }

    /// Ends what the program's changes have made stale.
    #[inline(always)]
    pub(super) fn catch_up(&mut self, state: &mut State) {
        if state.replacements() != self.replacements {
            self.replacements = state.replacements();
            self.program_replaced(state);
        }
        if state.watch().has_news() {
            self.take_news(state);
        }
    }

    /// Ends what depends on words that have changed.
    fn take_news(&mut self, state: &mut State) {
        for offset in state.watch_mut().take_stored() {
            let dropped = self.drop_waiting(state, |pending| contains(&pending.region.ranges(), offset));
            let killed = self.units.word_stored(offset, state, &mut self.journal);
            let is_patched = dropped + killed > 0 && !state.watch().has_breakpoint(offset);
            if is_patched && self.profile.patched(offset) {
                tracing::debug!(offset, "a word is patched again and again: it is read each time from now on");
                state.make_volatile(offset);
            }
        }
        for offset in state.watch_mut().take_decoded() {
            self.units.kill_storers(offset, state, &mut self.journal);
        }
    }

    fn program_replaced(&mut self, state: &mut State) {
        tracing::debug!(words = state.memory().program_len(), "another segment is the program");
        self.close_chapter();
        // What waits for the old program is of no use; what was learnt of it says nothing about the new one.
        self.drop_everything(state, Cause::Replaced);
        for pc in self.units.clear_blocks(state, &self.settings) {
            state.heat_mut().set(pc, Heat::Counting(self.history.block_dropped(pc)));
        }
        let _ = (state.watch_mut().take_stored(), state.watch_mut().take_decoded());
        self.trial = Trial::default();
        let old = std::mem::take(&mut self.profile);
        old.rejected.into_iter().for_each(|root| state.heat_mut().set(root, Heat::Counting(0)));
        if let Err(why) = self.prepare_program(state) {
            // No table, no entries.
            return self.give_up(&why);
        }
        self.open_chapter(state);
    }

    /// Ends all units and all that are on their way.
    pub(super) fn drop_everything(&mut self, state: &mut State, cause: Cause) {
        self.drop_waiting(state, |_| true);
        self.units.kill_all(cause, state, &mut self.journal);
    }

    /// Forgets what is on its way. Gives the number of regions dropped.
    fn drop_waiting(&mut self, state: &mut State, which: impl Fn(&Pending) -> bool) -> usize {
        let dropped = self.factory.queue.take(which);
        dropped.iter().for_each(|pending| self.dropped(state, &pending.region));
        dropped.len()
    }

    /// No more code can be made: the interpreter goes on alone.
    pub(super) fn give_up(&mut self, why: &str) {
        self.journal.note(Event::GaveUp(why));
        tracing::warn!(why, "no more code is made");
        self.policy.give_up();
    }
}
