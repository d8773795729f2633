//! What is known about the words of segment 0: three tables that run parallel to it, in reserved address space.
//!
//! - `entries.rs`: the decoded form of the code that starts at each word;
//! - `watch.rs`: who depends on each word;
//! - `heat.rs`: how often each word was jumped to.
//!
//! Here is what keeps them together. Invariant: an entry at `pc` that is not zero was derived from the current values of those of the words
//! `pc .. pc + FUSED_MAX` that have [`WATCH_DECODED`] set, and every offset and target in it lies in segment 0.

use crate::decode::{Entry, FUSED_MAX, Handler, decode_entry};
use crate::entries::{CHUNK_WORDS, Entries, VISIT_WORDS};
use crate::heat::HeatTable;
use crate::isa::Word;
use crate::pages::Pages;
use crate::reserve::Backing;
use crate::watch::{WATCH_BREAK, WATCH_DECODED, Watch};
use std::io;

/// Instructions from one patch of a word to the next up to which these count as following each other: a word that is
/// executed more often than that allows is better decoded each time.
const PATCH_DISTANCE: u64 = 256;
/// Patches in a row after which the interpreter takes a word to be patched for ever: decoding it sixteen times costs less than
/// finding out later that it is patched once in a while.
const PATCHES_VOLATILE: u32 = 16;
/// Words whose last patches are remembered; a power of two.
const PATCHED_WORDS: usize = 256;
/// Words whose part of the tables is asked for at once: pages that come one by one cost three times as much.
const EXPECTED_WORDS: usize = 512;
/// Bytes of the tables for a word.
const BYTES_PER_WORD: usize = size_of::<Entry>() + size_of::<i32>() + 1;
/// Memory for the tables that every program may have.
const TABLES_BYTES_MIN: u64 = 16 << 20;
/// The part of the limit on memory that the tables may take beside the segments.
const TABLES_SHARE: u64 = 4;

/// The last patches of a word that an entry had been derived from.
#[derive(Clone, Copy, Debug, Default)]
struct Patched {
    offset: u32,
    in_a_row: u32,
    /// Instructions executed at the last one.
    last: u64,
}

/// The tables. Compiled code reads the watch bytes, hence `repr(C)`.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Program {
    pub watch: Watch,
    pub heat: HeatTable,
    pub entries: Entries,
    /// Bytes that were asked for, those of engines above included, and how many may be.
    tables_bytes: u64,
    tables_bytes_max: u64,
    /// By the lowest bits of the offset.
    patched: Box<[Patched; PATCHED_WORDS]>,
}

impl Program {
    /// Tables for programs of up to `words_max` words, on a machine with a limit on memory in bytes.
    ///
    /// # Errors
    /// The system has no address space for them.
    pub fn new(words_max: usize, memory_bytes_max: u64, backing: Backing) -> io::Result<Program> {
        let words = words_max + FUSED_MAX;
        Ok(Program {
            watch: Watch::new(Pages::new(words, backing)?),
            heat: HeatTable::new(Pages::new(words * size_of::<i32>(), backing)?),
            entries: Entries::new(Pages::new(words * size_of::<Entry>(), backing)?),
            tables_bytes: 0,
            tables_bytes_max: (memory_bytes_max / TABLES_SHARE).max(TABLES_BYTES_MIN),
            patched: Box::new([Patched::default(); PATCHED_WORDS]),
        })
    }

    /// Makes the tables usable for a program of `words` words.
    ///
    /// # Errors
    /// The system has no memory for them.
    pub fn make_room(&mut self, words: usize) -> io::Result<()> {
        let words = words + FUSED_MAX;
        self.watch.make_room(words)?;
        self.heat.make_room(words)?;
        self.entries.make_room(words)
    }

    /// Whether the word at `pc`, which lies in the program and follows one that was visited for the first time, was not visited
    /// before either; notes the visit.
    #[inline(always)]
    pub fn is_first_visit(&mut self, pc: u32) -> bool {
        !(pc as usize).is_multiple_of(VISIT_WORDS) || !self.entries.visit(pc)
    }

    /// Decodes at `pc`, which lies in `words`, the whole of segment 0. False if there may be no more memory for that: then the word is
    /// looked at each time.
    #[cold]
    pub fn decode(&mut self, words: &[Word], pc: u32) -> bool {
        let at = pc as usize;
        if !self.expect_use(at) {
            return false;
        }
        let fusible = self.watch.steady_words(at, FUSED_MAX.min(words.len() - at));
        if fusible == 0 {
            // Whatever the word is, `step` looks at it each time.
            self.entries.set(at, Entry { handler: Handler::Slow, ..Entry::default() });
            return true;
        }
        let (entry, used) = decode_entry(&words[at..at + fusible], words.len());
        assert!(at + used <= words.len() && used <= FUSED_MAX);
        self.entries.set(at, entry);
        self.watch.decoded(at, used);
        self.entries.touch(at, at + used);
        true
    }

    /// Asks for the tables around the word at `at`, if that was not done. False if there may be no more.
    fn expect_use(&mut self, at: usize) -> bool {
        if self.entries.is_expected(at) {
            return true;
        }
        if !self.charge((EXPECTED_WORDS * BYTES_PER_WORD) as u64) {
            return false;
        }
        let first = at / EXPECTED_WORDS * EXPECTED_WORDS;
        self.watch.expect_use(first, EXPECTED_WORDS);
        self.heat.expect_use(first, EXPECTED_WORDS);
        self.entries.expect_use(first, EXPECTED_WORDS);
        true
    }

    /// Counts bytes of tables beside the program. False if there may be no more.
    pub fn charge(&mut self, bytes: u64) -> bool {
        let fits = bytes <= self.tables_bytes_max - self.tables_bytes;
        if fits {
            self.tables_bytes += bytes;
        }
        fits
    }

    /// Bytes of tables beside the program that were asked for.
    pub fn tables_bytes(&self) -> u64 {
        self.tables_bytes
    }

    /// Undoes what was derived from the word at `offset`, which has another value now by no store of the program.
    pub fn word_changed(&mut self, offset: u32) {
        self.forget_decoded(offset);
        self.watch.stored(offset);
    }

    /// Has nothing derived from the word at `pc` any more, because it has a breakpoint, or as ever.
    pub fn mark_breakpoint(&mut self, pc: u32, set: bool) {
        let (set, clear) = if set { (WATCH_BREAK, 0) } else { (0, WATCH_BREAK) };
        self.watch.change(pc, set, clear);
        // What stands there is looked at each time, or not any more.
        self.forget_entries(pc);
        self.watch.stored(pc);
    }

    /// Undoes what was derived from the word at `offset`: it has just been stored to, when `executed` instructions had been
    /// executed.
    #[cold]
    pub fn word_stored(&mut self, offset: u32, executed: u64) {
        if self.watch.byte(offset) & WATCH_DECODED != 0 {
            self.forget_entries(offset);
            let patched = &mut self.patched[offset as usize % PATCHED_WORDS];
            let follows = patched.offset == offset && executed.wrapping_sub(patched.last) <= PATCH_DISTANCE;
            let in_a_row = if follows { patched.in_a_row + 1 } else { 1 };
            *patched = Patched { offset, in_a_row, last: executed };
            if in_a_row >= PATCHES_VOLATILE {
                self.make_volatile(offset);
            }
        }
        self.watch.stored(offset);
    }

    /// From now on the interpreter derives nothing from the word at `offset`. An engine that did hears of it as of any store.
    pub fn make_volatile(&mut self, offset: u32) {
        if !self.watch.is_volatile(offset) {
            self.forget_entries(offset);
            self.watch.make_volatile(offset);
        }
    }

    fn forget_entries(&mut self, offset: u32) {
        self.entries.forget(offset as usize);
        // The words before keep their mark: entries may depend on them still, and a mark too many only costs a slow store.
        self.watch.change(offset, 0, WATCH_DECODED);
    }

    /// Forgets what was decoded from the word at `offset`; it is decoded again when it is executed.
    pub fn forget_decoded(&mut self, offset: u32) {
        if self.watch.byte(offset) & WATCH_DECODED != 0 {
            self.forget_entries(offset);
        }
    }

    /// Segment 0 is about to become `new` instead of `old`: forgets the entries of words that differ. What was decoded
    /// and stays the same is kept, so a program that is replaced by a copy of itself is not decoded again. The cost
    /// follows what was decoded, not the size of the programs. A shorter program keeps nothing: entries hold targets and
    /// offsets that were seen to lie inside the old one. Marks of an engine above are the engine's to clear.
    pub fn replace(&mut self, old: &[Word], new: &[Word]) {
        for start in self.entries.take_touched() {
            for at in start..(start + CHUNK_WORDS).min(old.len()) {
                if self.watch.byte(at as u32) & WATCH_DECODED == 0 {
                    continue;
                }
                if new.len() >= old.len() && new[at] == old[at] {
                    self.entries.touch(at, at + 1);
                } else {
                    self.forget_entries(at as u32);
                }
            }
        }
        // Words patched in the old program say nothing about the new one.
        for offset in self.watch.take_volatile() {
            self.forget_entries(offset);
        }
    }
}
