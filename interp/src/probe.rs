//! Probes: where a debugger wants a machine to stop, before an instruction or behind a store.
//!
//! A word with a breakpoint has a mark among the watch bytes (`watch.rs`), because of which nothing is derived from it: every engine has
//! `step.rs` execute what stands there, and that looks here. Stores to words that are watched go there, too: those to segment 0 by
//! a mark, all others because engines look at their addresses, or leave every store to it.

use rustc_hash::FxHashSet;

/// A word that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WatchedWord {
    /// The segment's identifier.
    pub segment: u32,
    /// The word's offset in it.
    pub offset: u32,
}

/// The probes of a machine.
#[derive(Debug, Default)]
pub(crate) struct Probes {
    breakpoints: FxHashSet<u32>,
    /// The instruction after so many is executed although it has a breakpoint.
    passing: Option<u64>,
    watched: Vec<WatchedWord>,
    /// Whether nothing stops the machine for now, although everything is there.
    ignored: bool,
}

impl Probes {
    /// Whether there are any.
    #[inline(always)]
    pub fn are_set(&self) -> bool {
        !self.breakpoints.is_empty() || self.watches()
    }

    /// Whether words are watched.
    #[inline(always)]
    pub fn watches(&self) -> bool {
        !self.watched.is_empty()
    }

    /// Where breakpoints are.
    pub fn breakpoints(&self) -> impl Iterator<Item = u32> + '_ {
        self.breakpoints.iter().copied()
    }

    /// Sets a breakpoint or takes it away; whether that changed something.
    pub fn set_breakpoint(&mut self, pc: u32, set: bool) -> bool {
        if set { self.breakpoints.insert(pc) } else { self.breakpoints.remove(&pc) }
    }

    /// The instruction after so many is executed whatever there is.
    pub fn pass(&mut self, executed: u64) {
        self.passing = Some(executed);
    }

    /// Whether the machine stops before the instruction at the pc.
    #[cold]
    pub fn stop_at(&self, pc: u32, executed: u64) -> bool {
        !self.ignored && self.passing != Some(executed) && self.breakpoints.contains(&pc)
    }

    /// Whether nothing stops the machine for now.
    pub fn are_ignored(&self) -> bool {
        self.ignored
    }

    /// Has nothing stop the machine for now, or everything again.
    pub fn ignore(&mut self, ignored: bool) {
        self.ignored = ignored;
    }

    /// The words that are watched.
    pub fn watched(&self) -> &[WatchedWord] {
        &self.watched
    }

    /// Watches these words and no others.
    pub fn watch(&mut self, words: &[WatchedWord]) {
        self.watched = words.to_vec();
    }

    /// Whether a word is watched; any of the segment if none is named.
    #[cold]
    pub fn is_watched(&self, segment: u32, offset: Option<u32>) -> bool {
        let is_meant =
            |word: &WatchedWord| word.segment == segment && offset.is_none_or(|offset| offset == word.offset);
        !self.ignored && self.watched.iter().any(is_meant)
    }
}
