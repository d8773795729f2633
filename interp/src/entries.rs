//! The decoded form of segment 0: one entry for the code that starts at each word, made when it is executed again.
//!
//! Much code is executed once: decoding it would cost more than it saves, in time and in memory. So the table has a companion
//! that remembers what was *visited*; only what is visited a second time is decoded. An entry that is all zero says "not decoded".
//!
//! Which words an entry depends on is written down by `program.rs`, in `watch.rs`.

use crate::decode::{Entry, FUSED_MAX};
use crate::pages::Pages;
use std::io;

/// Words that are visited together.
pub(crate) const VISIT_WORDS: usize = 32;
/// Words that are remembered as "something here was decoded" together.
pub(crate) const CHUNK_WORDS: usize = 256;

/// The table of entries.
#[derive(Debug)]
pub(crate) struct Entries {
    pub table: *mut Entry,
    /// One bit for every [`VISIT_WORDS`] words of which something was executed.
    visited: Vec<u64>,
    /// Chunks in which a word was decoded since they were last found unchanged, and whether a chunk is among them.
    touched: Vec<u32>,
    is_touched: Vec<bool>,
    /// Entries that are accessible.
    room: usize,
    pages: Pages,
}

// SAFETY: the pointer leads into the pages that the struct owns.
unsafe impl Send for Entries {}

impl Entries {
    pub fn new(pages: Pages) -> Entries {
        let (visited, touched, is_touched) = (Vec::new(), Vec::new(), Vec::new());
        Entries { table: pages.start().cast(), visited, touched, is_touched, room: 0, pages }
    }

    /// Makes room for `words` words.
    pub fn make_room(&mut self, words: usize) -> io::Result<()> {
        self.pages.make_room(words * size_of::<Entry>())?;
        if self.room < words {
            self.room = words;
            self.is_touched.resize(words.div_ceil(CHUNK_WORDS), false);
            self.visited.resize(words.div_ceil(VISIT_WORDS * 64), 0);
        }
        Ok(())
    }

    /// Asks for the memory of some words.
    pub fn expect_use(&mut self, first: usize, words: usize) {
        self.pages.ask(first * size_of::<Entry>(), words * size_of::<Entry>());
    }

    /// Whether the memory of the word at `at` was asked for.
    pub fn is_expected(&self, at: usize) -> bool {
        self.pages.has(at * size_of::<Entry>())
    }

    /// The end of the words that are visited together with the one at `pc`.
    pub fn visited_with(pc: u32) -> u32 {
        (pc / VISIT_WORDS as u32 + 1) * VISIT_WORDS as u32
    }

    /// Notes that the word at `pc` is executed; whether something near it was before.
    pub fn visit(&mut self, pc: u32) -> bool {
        let at = pc as usize / VISIT_WORDS;
        let (word, bit) = (&mut self.visited[at / 64], 1 << (at % 64));
        let before = *word & bit != 0;
        *word |= bit;
        before
    }

    /// Sets the entry at `at`.
    pub fn set(&mut self, at: usize, entry: Entry) {
        assert!(at < self.room, "offset {at} is in no program");
        // SAFETY: in range by the assertion.
        unsafe { *self.table.add(at) = entry };
    }

    /// Forgets every entry that was made from the word at `offset`.
    pub fn forget(&mut self, offset: usize) {
        for at in offset.saturating_sub(FUSED_MAX - 1)..=offset {
            self.set(at, Entry::default());
        }
    }

    /// Remembers that the words from `at` to `end` were decoded.
    pub fn touch(&mut self, at: usize, end: usize) {
        for chunk in [at / CHUNK_WORDS, (end - 1) / CHUNK_WORDS] {
            if !std::mem::replace(&mut self.is_touched[chunk], true) {
                self.touched.push(chunk as u32);
            }
        }
    }

    /// The first words of the chunks in which something was decoded; they count as untouched from now on.
    pub fn take_touched(&mut self) -> Vec<usize> {
        let touched = std::mem::take(&mut self.touched);
        touched.iter().for_each(|&chunk| self.is_touched[chunk as usize] = false);
        touched.into_iter().map(|chunk| chunk as usize * CHUNK_WORDS).collect()
    }
}
