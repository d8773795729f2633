//! Who depends on which word of segment 0, and the news about that.
//!
//! One byte for every word, zero until touched. A store to a word that something depends on ([`WATCH_VALUE`]) takes the
//! slow way (`step.rs`), which undoes what the interpreter derived from it at once. What an engine above the interpreter derived is
//! the engine's to undo: it marks words, and takes the *news* before it relies on them again.

use crate::pages::Pages;

/// The interpreter's decoded entries depend on the word.
pub const WATCH_DECODED: u8 = 1;
/// An engine above has derived something from the word: a store to it is news.
pub const WATCH_DERIVED: u8 = 2;
/// Somebody wants to know of stores to the word.
pub const WATCH_STORES: u8 = 4;
/// What a store has to look at: something depends on the word's value. Bits side by side, which aarch64 tests at once.
pub const WATCH_VALUE: u8 = WATCH_DECODED | WATCH_DERIVED | WATCH_STORES;
/// An engine above stores to the word without a look at this byte, as long as nothing depends on the word: that the
/// interpreter decodes it is news.
pub const WATCH_BLIND: u8 = 32;
/// The instruction at the word has met a segment with a name, where others have none: worth knowing for who makes code for it.
pub const WATCH_NAMED: u8 = 8;
/// There is a breakpoint: nothing is derived from the word.
pub const WATCH_BREAK: u8 = 16;
/// The word is patched again and again: nothing is derived from it.
pub const WATCH_VOLATILE: u8 = 64;

/// The watch bytes. The first field is read by compiled code, hence `repr(C)`.
#[derive(Debug)]
#[repr(C)]
pub struct Watch {
    pub(crate) bytes: *mut u8,
    /// Words that were stored to although [`WATCH_DERIVED`].
    stored: Vec<u32>,
    /// Words that were decoded although [`WATCH_BLIND`].
    decoded: Vec<u32>,
    /// Words with [`WATCH_VOLATILE`].
    volatile: Vec<u32>,
    /// Bytes that are accessible.
    room: usize,
    pages: Pages,
}

// SAFETY: the pointer leads into the pages that the struct owns.
unsafe impl Send for Watch {}

impl Watch {
    pub(crate) fn new(pages: Pages) -> Watch {
        let (stored, decoded, volatile) = (Vec::new(), Vec::new(), Vec::new());
        Watch { bytes: pages.start(), stored, decoded, volatile, room: 0, pages }
    }

    /// Makes room for `words` words.
    pub(crate) fn make_room(&mut self, words: usize) -> std::io::Result<()> {
        self.pages.make_room(words)?;
        self.room = self.room.max(words);
        Ok(())
    }

    /// Asks for the memory of some words.
    pub(crate) fn expect_use(&mut self, first: usize, words: usize) {
        self.pages.ask(first, words);
    }

    /// Whether there is a byte for the word at `offset`.
    pub(crate) fn has(&self, offset: u32) -> bool {
        (offset as usize) < self.room
    }

    /// The watch byte of the word at `offset`.
    ///
    /// # Panics
    /// The offset lies outside every program so far.
    #[inline]
    pub fn byte(&self, offset: u32) -> u8 {
        assert!((offset as usize) < self.room, "offset {offset} is in no program");
        // SAFETY: in range by the assertion.
        unsafe { *self.bytes.add(offset as usize) }
    }

    /// Sets and clears bits of the word at `offset`.
    pub(crate) fn change(&mut self, offset: u32, set: u8, clear: u8) {
        let byte = self.byte_mut(offset);
        *byte = *byte & !clear | set;
    }

    fn byte_mut(&mut self, offset: u32) -> &mut u8 {
        assert!((offset as usize) < self.room, "offset {offset} is in no program");
        // SAFETY: in range by the assertion.
        unsafe { &mut *self.bytes.add(offset as usize) }
    }

    /// An engine above has derived something from the word at `offset`.
    ///
    /// # Panics
    /// As [`Watch::byte`].
    pub fn mark_derived(&mut self, offset: u32) {
        self.change(offset, WATCH_DERIVED, 0);
    }

    /// Nothing that an engine above has derived from the word at `offset` is in use any more.
    ///
    /// # Panics
    /// As [`Watch::byte`].
    pub fn clear_derived(&mut self, offset: u32) {
        self.change(offset, 0, WATCH_DERIVED);
    }

    /// An engine above is about to store to the word at `offset` without a look.
    ///
    /// # Panics
    /// As [`Watch::byte`].
    pub fn mark_blind(&mut self, offset: u32) {
        self.change(offset, WATCH_BLIND, 0);
    }

    /// No engine stores to the word at `offset` without a look any more.
    ///
    /// # Panics
    /// As [`Watch::byte`].
    pub fn clear_blind(&mut self, offset: u32) {
        self.change(offset, 0, WATCH_BLIND);
    }

    /// The words that are patched again and again.
    pub fn volatile(&self) -> &[u32] {
        &self.volatile
    }

    /// Whether the word at `offset` is patched again and again.
    ///
    /// # Panics
    /// As [`Watch::byte`].
    #[inline]
    pub fn is_volatile(&self, offset: u32) -> bool {
        self.byte(offset) & WATCH_VOLATILE != 0
    }

    /// Whether there is a breakpoint at `offset`.
    ///
    /// # Panics
    /// As [`Watch::byte`].
    #[inline]
    pub fn has_breakpoint(&self, offset: u32) -> bool {
        self.byte(offset) & WATCH_BREAK != 0
    }

    /// Somebody wants to know of stores to the word at `offset`, or does not any more. No engine stores to it without a look.
    pub(crate) fn watch_stores(&mut self, offset: u32, watched: bool) {
        let (set, clear) = if watched { (WATCH_STORES, 0) } else { (0, WATCH_STORES) };
        self.change(offset, set, clear);
        if watched && self.byte(offset) & WATCH_BLIND != 0 {
            self.change(offset, 0, WATCH_BLIND);
            self.decoded.push(offset);
        }
    }

    /// Whether the instruction at `offset` was seen to meet a segment with a name.
    ///
    /// # Panics
    /// As [`Watch::byte`].
    #[inline]
    pub fn has_met_names(&self, offset: u32) -> bool {
        self.byte(offset) & WATCH_NAMED != 0
    }

    /// Number of words that are patched again and again.
    pub fn volatile_words(&self) -> usize {
        self.volatile.len()
    }

    pub(crate) fn make_volatile(&mut self, offset: u32) {
        self.change(offset, WATCH_VOLATILE, 0);
        self.volatile.push(offset);
    }

    /// The words that were patched again and again, which are as any other from now on.
    pub(crate) fn take_volatile(&mut self) -> Vec<u32> {
        let volatile = std::mem::take(&mut self.volatile);
        for &offset in &volatile {
            self.change(offset, 0, WATCH_VOLATILE);
        }
        volatile
    }

    /// How many of the `words` words from `at` on come before one that nothing is to be derived from.
    pub(crate) fn steady_words(&self, at: usize, words: usize) -> usize {
        assert!(at + words <= self.room, "offset {at} is in no program");
        // SAFETY: in range by the assertion.
        (0..words).take_while(|i| unsafe { *self.bytes.add(at + i) } & (WATCH_VOLATILE | WATCH_BREAK) == 0).count()
    }

    /// The interpreter depends on the `words` words from `at` on from now on.
    pub(crate) fn decoded(&mut self, at: usize, words: usize) {
        assert!(at + words <= self.room, "offset {at} is in no program");
        for offset in at..at + words {
            // SAFETY: in range by the assertion.
            let byte = unsafe { &mut *self.bytes.add(offset) };
            *byte |= WATCH_DECODED;
            if *byte & WATCH_BLIND != 0 {
                *byte &= !WATCH_BLIND;
                self.decoded.push(offset as u32);
            }
        }
    }

    /// The word at `offset` was stored to. That is news once: what was derived from it is of no use from now on.
    pub(crate) fn stored(&mut self, offset: u32) {
        if self.byte(offset) & WATCH_DERIVED != 0 {
            self.clear_derived(offset);
            self.stored.push(offset);
        }
    }

    /// Whether something happened that an engine above has to take note of before it relies on what it derived.
    #[inline(always)]
    pub fn has_news(&self) -> bool {
        !self.stored.is_empty() || !self.decoded.is_empty()
    }

    /// News: words with [`WATCH_DERIVED`] that were stored to since the last call, in order. They have the mark no more.
    pub fn take_stored(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.stored)
    }

    /// News: words with [`WATCH_BLIND`] that were decoded since the last call, in order.
    pub fn take_decoded(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.decoded)
    }
}
