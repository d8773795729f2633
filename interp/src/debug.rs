//! What a debugger asks of a machine: to stop at words and behind changes of words (`probe.rs`).

use crate::machine::Machine;
use crate::probe::WatchedWord;
use crate::state::State;
use crate::tally::Call;

impl State {
    /// Sets a breakpoint or takes it away.
    pub(crate) fn set_breakpoint(&mut self, pc: u32, set: bool) {
        if self.probes.set_breakpoint(pc, set) && self.program.watch.has(pc) {
            self.program.mark_breakpoint(pc, set);
        }
    }

    /// Watches these words and no others.
    pub(crate) fn watch_words(&mut self, words: &[WatchedWord]) {
        self.mark_probes(false);
        self.probes.watch(words);
        self.mark_probes(true);
    }

    /// Marks words of segment 0 that there are probes for, or takes the marks away of those that are watched.
    pub(crate) fn mark_probes(&mut self, marked: bool) {
        let State { program, probes, .. } = self;
        for word in probes.watched().iter().filter(|word| word.segment == 0) {
            if program.watch.has(word.offset) {
                program.watch.watch_stores(word.offset, marked);
            }
        }
        for pc in probes.breakpoints().filter(|_| marked) {
            if program.watch.has(pc) {
                program.mark_breakpoint(pc, true);
            }
        }
    }

    /// The words that are watched, and stop the machine.
    pub fn watched(&self) -> &[WatchedWord] {
        if self.probes.are_ignored() { &[] } else { self.probes.watched() }
    }
}

impl Machine {
    /// Sets a breakpoint at a word, or takes it away: the machine stops before the instruction there ([`crate::Stop::Breakpoint`]). An engine
    /// above hears of it when it runs the machine.
    pub fn set_breakpoint(&mut self, pc: u32, set: bool) {
        self.state.set_breakpoint(pc, set);
    }

    /// The next instruction is executed although there is a breakpoint.
    pub fn pass_breakpoint(&mut self) {
        let executed = self.state.guest.executed;
        self.state.probes.pass(executed);
    }

    /// Has no breakpoint and no word that is watched stop the machine for now, or all of them again.
    pub fn ignore_probes(&mut self, ignored: bool) {
        self.state.probes.ignore(ignored);
    }

    /// The procedures that were called and have not returned, the first one first. For a machine that counts for a profile
    /// ([`crate::MachineOptions::tally`]); nothing otherwise.
    pub fn call_stack(&mut self) -> Vec<Call> {
        self.state.tally.stack()
    }

    /// Watches these words, and no others: the machine stops behind each instruction that changes one ([`crate::Stop::Watchpoint`]), or gives its
    /// segment back. Compiled code has to be made for that; an engine above says how.
    pub fn watch_words(&mut self, words: &[WatchedWord]) {
        self.state.watch_words(words);
    }
}
