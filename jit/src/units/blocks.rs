//! Blocks of the baseline tier beside units: which of them is entered, and what is hot.

use super::Units;
use super::table::{EntryPoint, WayIn};
use crate::baseline::{Baseline, Made};
use crate::cache::KeptBlocks;
use crate::explain::Explanation;
use crate::journal::{Event, Journal};
use crate::place::CodePlace;
use crate::settings::Settings;
use rum_interp::engine::{Heat, State};
use std::io;

impl Units {
    /// How code is entered at `pc`, if there is any.
    #[inline(always)]
    pub fn way_in(&self, pc: u32) -> Option<WayIn> {
        match self.entry(pc) {
            Some(entry) => Some(WayIn::Unit(entry)),
            None => self.has_block(pc).then_some(WayIn::Block),
        }
    }

    /// Blocks come beside units, of which there are none yet, for a program of `words` words.
    ///
    /// # Errors
    /// The system has no memory for their table.
    pub fn add_baseline(&mut self, mut baseline: Baseline, words: usize) -> io::Result<()> {
        baseline.make_room(words)?;
        self.baseline = Some(baseline);
        Ok(())
    }

    /// Whether there is the baseline tier.
    pub fn has_baseline(&self) -> bool {
        self.baseline.is_some()
    }

    /// Whether the way on at `pc` is a block. Looks into one table only: each may be large, and neither near.
    #[inline]
    pub fn has_block(&self, pc: u32) -> bool {
        match self.way_to_blocks {
            Some(to_blocks) => self.table.get(pc).is_some_and(|entry| entry.code_offset() == to_blocks),
            None => self.baseline.as_ref().is_some_and(|baseline| baseline.has(pc)),
        }
    }

    /// Where to begin to compile the hot word at `pc`.
    pub fn head(&self, pc: u32) -> u32 {
        self.baseline.as_ref().map_or(pc, |baseline| baseline.head(pc))
    }

    /// How warm the word at `pc` is, to be compared.
    pub fn warmth(&self, state: &State, pc: u32) -> i32 {
        let by_blocks = self.baseline.as_ref().filter(|_| self.entry(pc).is_none());
        by_blocks.and_then(|baseline| baseline.warmth(pc)).unwrap_or_else(|| state.heat().warmth(pc))
    }

    /// Sets the state of a word that no unit can be entered at. Where there is a block, it counts instead.
    pub fn set_heat(&mut self, state: &mut State, pc: u32, heat: Heat) {
        let Some(baseline) = self.baseline.as_mut().filter(|baseline| baseline.has(pc)) else {
            return state.heat_mut().set(pc, heat);
        };
        match heat {
            Heat::Counting(count) => baseline.heat(pc, self.until_hot.saturating_sub(count)),
            Heat::Waiting | Heat::Rejected => baseline.hold(pc),
            Heat::HasCode => {}
        }
        state.heat_mut().set(pc, Heat::HasCode);
    }

    /// Where no unit can be entered, a word that was waiting counts again.
    pub fn release(&mut self, state: &mut State, pc: u32) {
        let waits = match self.baseline.as_ref().filter(|baseline| baseline.has(pc)) {
            Some(baseline) => baseline.is_held(pc),
            None => state.heat().get(pc) == Heat::Waiting,
        };
        if waits {
            self.set_heat(state, pc, Heat::Counting(0));
        }
    }

    /// If the block at `pc` is hot still, it counts again.
    pub fn cool(&mut self, state: &mut State, pc: u32) {
        if self.baseline.as_ref().is_some_and(|baseline| baseline.has(pc) && baseline.is_hot(pc)) {
            self.set_heat(state, pc, Heat::Counting(0));
        }
    }

    /// Makes a block at `pc`. Gives the words that it is known to go to; none if it cannot be made.
    pub fn make_block(
        &mut self,
        state: &mut State,
        pc: u32,
        settings: &Settings,
        journal: &mut Journal,
    ) -> Option<Vec<u32>> {
        if self.baseline.as_ref().is_some_and(|baseline| baseline.is_full()) {
            self.clear_blocks(state, settings);
        }
        if !self.claim(pc, state) {
            return None;
        }
        self.kill_storers(pc, state, journal);
        let before = state.heat().warmth(pc);
        let Made { words, code_bytes, ns, targets } =
            self.baseline.as_mut()?.make(state, pc, before, self.until_hot)?;
        journal.note(Event::Block { words, code_bytes, ns });
        tracing::trace!(pc, words, code_bytes, "a block is live");
        self.show_block(pc);
        state.heat_mut().set(pc, Heat::HasCode);
        Some(targets)
    }

    /// Where the code of the block at `pc` stands, which was made last.
    pub fn newest_block(&self, pc: u32) -> Option<CodePlace> {
        self.baseline.as_ref()?.newest(pc)
    }

    /// Where the code of blocks stands.
    pub fn block_places(&self) -> Vec<CodePlace> {
        self.baseline.as_ref().map_or_else(Vec::new, Baseline::places)
    }

    /// What there is, to be told.
    pub fn explain(&self) -> Explanation {
        let mut told = Explanation { ended: self.ended.clone(), ..Explanation::default() };
        if let Some(baseline) = &self.baseline {
            baseline.explain(&mut told);
        }
        told
    }

    /// What later runs need to have the blocks again.
    pub fn keep_blocks(&self) -> KeptBlocks<'_> {
        self.baseline.as_ref().map_or_else(KeptBlocks::default, Baseline::keep)
    }

    /// Has the blocks of an earlier run, if there are none yet. Gives their number.
    pub fn restore_blocks(&mut self, state: &mut State, kept: &KeptBlocks) -> usize {
        let Some(baseline) = &mut self.baseline else { return 0 };
        let restored = baseline.restore(state, kept, self.until_hot);
        for &pc in &restored {
            self.claim(pc, state);
            self.show_block(pc);
            state.heat_mut().set(pc, Heat::HasCode);
        }
        restored.len()
    }

    /// Units enter the block at `pc` from now on.
    pub(super) fn show_block(&mut self, pc: u32) {
        if let Some(offset) = self.way_to_blocks {
            self.table.set(pc, Some(EntryPoint::of_block(offset, pc)));
        }
    }

    /// From now on units enter blocks at an offset of the optimiser's code.
    pub fn connect_blocks(&mut self, offset: Option<u32>) {
        if self.way_to_blocks == offset {
            return;
        }
        let mut blocks = self.baseline.as_ref().map_or_else(Vec::new, |baseline| baseline.starts());
        blocks.retain(|&pc| self.entry(pc).is_none());
        self.way_to_blocks = offset;
        blocks.into_iter().for_each(|pc| self.show_block(pc));
    }

    /// The check of the instruction at `pc` has failed in a block.
    pub fn block_check_failed(&mut self, state: &mut State, pc: u32) {
        let dead = self.baseline.as_mut().map_or_else(Vec::new, |baseline| baseline.check_failed(pc));
        self.blocks_went(state, &dead);
    }

    /// Drops all blocks, for another program or for other settings. Gives where they began.
    pub fn clear_blocks(&mut self, state: &mut State, settings: &Settings) -> Vec<u32> {
        let dead = self.baseline.as_mut().map_or_else(Vec::new, |baseline| baseline.clear(state, settings));
        self.blocks_went(state, &dead);
        dead
    }

    /// Blocks that began at some words are gone.
    pub(super) fn blocks_went(&mut self, state: &mut State, starts: &[u32]) {
        for &pc in starts.iter() {
            if self.entry(pc).is_none() {
                self.table.set(pc, None);
                state.heat_mut().set(pc, Heat::Counting(0));
            }
        }
    }

    /// Runs blocks from the one at `pc` on.
    ///
    /// # Safety
    /// As for [`crate::baseline::Baseline::enter`].
    pub unsafe fn enter_block(&self, base: *mut u8, pc: u32) -> u64 {
        let baseline = self.baseline.as_ref().expect("there is a block");
        // SAFETY: the caller's promise.
        unsafe { baseline.enter(base, pc) }
    }
}
