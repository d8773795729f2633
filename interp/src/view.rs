//! What the interpreter keeps at hand of a state, and how it accesses segments by that: what is quick and cannot fail.

use crate::decode::Entry;
use crate::isa::Word;
use crate::memory::layout::Segments;
use crate::state::State;
use crate::watch::{WATCH_NAMED, WATCH_VALUE};

/// Addresses outside the state. Valid while segment 0 is not replaced.
#[derive(Clone, Copy)]
pub(crate) struct View {
    pub segments: Segments,
    pub watch: *mut u8,
    pub entries: *const Entry,
    pub program_len: u32,
}

impl View {
    pub fn of(state: &State) -> View {
        View {
            segments: state.guest.memory.segments,
            watch: state.program.watch.bytes,
            entries: state.program.entries.table,
            program_len: state.guest.memory.program_len,
        }
    }

    /// A word of the program.
    ///
    /// # Safety
    /// The view is valid, and the offset lies in segment 0.
    #[inline(always)]
    pub unsafe fn slot(self, offset: u32) -> Word {
        // SAFETY: the caller's promise.
        unsafe { *self.segments.word(0, offset) }
    }

    /// Loads for the instruction whose entry is `at`.
    ///
    /// # Safety
    /// The view is valid, and the entry that of a word of segment 0.
    #[inline(always)]
    pub unsafe fn load(self, id: u32, offset: u32, at: *const Entry) -> Option<Word> {
        // SAFETY: what was tested or found exists.
        unsafe {
            if id == 0 {
                return (offset < self.program_len).then(|| self.slot(offset));
            }
            if self.segments.reaches(id, offset) {
                return Some(*self.segments.word(id, offset));
            }
            self.named_word(id, offset, at).map(|word| *word)
        }
    }

    /// Stores for the instruction whose entry is `at`, where that needs nothing else: not outside, not into a word that
    /// something depends on.
    ///
    /// # Safety
    /// As for [`View::load`].
    #[inline(always)]
    pub unsafe fn store(self, id: u32, offset: u32, value: Word, at: *const Entry) -> bool {
        // SAFETY: what was tested or found exists.
        unsafe {
            if id == 0 {
                let possible = self.storable(offset);
                if possible {
                    *self.segments.word(0, offset) = value;
                }
                return possible;
            }
            if self.segments.reaches(id, offset) {
                *self.segments.word(id, offset) = value;
                return true;
            }
            self.named_word(id, offset, at).map(|word| *word = value).is_some()
        }
    }

    /// A word of a segment with a name; notes that the instruction has met one.
    ///
    /// # Safety
    /// As for [`View::load`].
    #[inline(always)]
    unsafe fn named_word(self, id: u32, offset: u32, at: *const Entry) -> Option<*mut Word> {
        // SAFETY: the caller's promise; every word of segment 0 has a watch byte.
        unsafe {
            let word = self.segments.named_word(id, offset)?;
            *self.watch.add(pc_of(self.entries, at) as usize) |= WATCH_NAMED;
            Some(word)
        }
    }

    /// Whether a store to `offset` of segment 0 is inside and of no consequence for what is cached about the program.
    ///
    /// # Safety
    /// The view is valid.
    #[inline(always)]
    unsafe fn storable(self, offset: u32) -> bool {
        // SAFETY: there is a watch byte for every word of segment 0.
        offset < self.program_len && unsafe { *self.watch.add(offset as usize) & WATCH_VALUE == 0 }
    }
}

/// The offset in segment 0 that an entry belongs to.
#[inline(always)]
pub(crate) fn pc_of(entries: *const Entry, at: *const Entry) -> u32 {
    // SAFETY: both point into the table of entries.
    unsafe { at.offset_from(entries) as u32 }
}
