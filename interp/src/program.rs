//! What is known about the words of segment 0: their decoded form, who depends on them, and how often they are jumped to.
//!
//! Three tables run parallel to segment 0, in reserved address space, zero until touched:
//! - *entries*: the decoded (and fused, `decode.rs`) form of the code that starts at each word, made when it is first
//!   executed; a zero entry says "not decoded".
//! - *watch*: a byte for every word, saying who depends on its value ([`WATCH_DECODED`], [`WATCH_TRANSLATED`]). A store
//!   into such a word takes the slow way, which undoes what was derived from it. Further bits say what the
//!   instruction at the word has met (`SITE_...`), for those who translate it.
//! - *heat*: how often each word was jumped to. Counts up to a threshold; [`HEAT_COMPILED`] says compiled code starts here.
//!
//! Invariant: a non-zero entry at `pc` was derived from the current values of the words `pc .. pc + FUSED_MAX` that have
//! [`WATCH_DECODED`] set.

use crate::decode::{Entry, FUSED_MAX, Handler, decode_entry};
use crate::isa::Word;
use crate::memory::strict_overcommit;
use crate::reserve::{Backing, Reservation};
use std::io;

/// The interpreter's decoded entries depend on the word.
pub const WATCH_DECODED: u8 = 1;
/// Compiled code depends on the word.
pub const WATCH_TRANSLATED: u8 = 2;
/// What a store has to look at: somebody depends on the word's value.
pub const WATCH_VALUE: u8 = WATCH_DECODED | WATCH_TRANSLATED;
/// Compiled code stores to the word without looking, as long as nobody depends on it.
pub const WATCH_PLAIN: u8 = 4;
/// The instruction at the word has met a large segment.
pub const SITE_LARGE: u8 = 8;
/// The instruction at the word has met segment 0 through a register.
pub const SITE_PROGRAM: u8 = 16;
/// Compiled code leaves the instruction at the word to the host: nothing quicker worked.
pub const SITE_HOST: u8 = 32;

/// The word is patched again and again: nothing is derived from it, by anybody.
pub const WATCH_VOLATILE: u8 = 64;

/// The heat of a word where compiled code can be entered.
pub const HEAT_COMPILED: i32 = i32::MAX;

/// Words that are executed without being decoded, until it is clear that they are executed again.
pub(crate) const VISIT_WORDS: usize = 32;

/// Words that are remembered as "something here was decoded" together.
const CHUNK_WORDS: usize = 256;

/// Instructions from one patch of a word to the next up to which these count as following each other: a word that is
/// executed more often than that allows is better decoded each time.
const PATCH_DISTANCE: u64 = 256;
/// Patches in a row after which a word is taken to be patched for ever.
const PATCHES_VOLATILE: u32 = 16;
/// Words whose last patches are remembered; a power of two.
const PATCHED_WORDS: usize = 256;

/// The last patches of a word that something had been derived from.
#[derive(Clone, Copy, Debug, Default)]
struct Patched {
    offset: u32,
    in_a_row: u32,
    /// Instructions executed at the last one.
    last: u64,
}

/// Words whose part of the tables is asked for at once.
const EXPECTED_WORDS: usize = 2048;

/// The tables. The fields that compiled code reads are public.
#[derive(Debug)]
#[repr(C)]
pub struct Program {
    /// One byte for every word of segment 0.
    pub watch: *mut u8,
    /// One counter for every word of segment 0.
    pub heat: *mut i32,
    pub(crate) entries: *mut Entry,
    /// One bit for every [`VISIT_WORDS`] words of which something was executed.
    visited: Vec<u64>,
    /// Chunks in which a word was decoded since they were last found unchanged, and whether a chunk is among them.
    touched: Vec<u32>,
    is_touched: Vec<bool>,
    /// For every [`EXPECTED_WORDS`] words whether their part of the tables was asked for.
    is_expected: Vec<bool>,
    /// Offsets of words that were stored to although [`WATCH_TRANSLATED`]; the owner of compiled code takes them.
    stored_translated: Vec<u32>,
    /// Offsets of words that were decoded although [`WATCH_PLAIN`]; likewise.
    decoded_plain: Vec<u32>,
    /// By the lowest bits of the offset.
    patched: Vec<Patched>,
    /// Offsets of the words with [`WATCH_VOLATILE`].
    volatile: Vec<u32>,
    watch_space: Reservation,
    heat_space: Reservation,
    entry_space: Reservation,
}

// SAFETY: the pointers lead into the reservations that the struct owns.
unsafe impl Send for Program {}

impl Program {
    /// Tables for programs of up to `words_max` words.
    ///
    /// # Errors
    /// The system has no address space for them.
    pub fn new(words_max: usize) -> io::Result<Program> {
        let backing = if strict_overcommit() { Backing::OnCommit } else { Backing::OnTouch };
        let words = words_max + FUSED_MAX;
        let watch_space = Reservation::new(words, backing)?;
        let heat_space = Reservation::new(words * size_of::<i32>(), backing)?;
        let entry_space = Reservation::new(words * size_of::<Entry>(), backing)?;
        Ok(Program {
            watch: watch_space.start(),
            heat: heat_space.start().cast(),
            entries: entry_space.start().cast(),
            visited: Vec::new(),
            touched: Vec::new(),
            is_touched: Vec::new(),
            is_expected: Vec::new(),
            stored_translated: Vec::new(),
            decoded_plain: Vec::new(),
            patched: vec![Patched::default(); PATCHED_WORDS],
            volatile: Vec::new(),
            watch_space,
            heat_space,
            entry_space,
        })
    }

    /// Makes the tables usable for a program of `words` words.
    ///
    /// # Errors
    /// The system has no memory for them.
    pub fn make_room(&mut self, words: usize) -> io::Result<()> {
        let words = words + FUSED_MAX;
        self.watch_space.commit(0, words)?;
        self.heat_space.commit(0, words * size_of::<i32>())?;
        self.entry_space.commit(0, words * size_of::<Entry>())?;
        let chunks = words.div_ceil(CHUNK_WORDS);
        if self.is_touched.len() < chunks {
            self.is_touched.resize(chunks, false);
            self.is_expected.resize(words.div_ceil(EXPECTED_WORDS), false);
            self.visited.resize(words.div_ceil(VISIT_WORDS * 64), 0);
        }
        Ok(())
    }

    /// Notes that the word at `pc` is executed, which lies in the program; whether something near it was before. Much
    /// code is executed once: decoding it would cost more than it saves, in time and in memory.
    pub(crate) fn visit(&mut self, pc: u32) -> bool {
        let at = pc as usize / VISIT_WORDS;
        let (word, bit) = (&mut self.visited[at / 64], 1 << (at % 64));
        let before = *word & bit != 0;
        *word |= bit;
        before
    }

    /// Whether the word at `pc`, which follows one that was visited for the first time, still belongs to what nobody has
    /// visited before; notes the visit.
    pub(crate) fn is_first_visit(&mut self, pc: u32, program_len: u32) -> bool {
        !(pc as usize).is_multiple_of(VISIT_WORDS) || (pc < program_len && !self.visit(pc))
    }

    /// Decodes at `pc`, which lies in `words`, the whole of segment 0.
    #[cold]
    pub(crate) fn decode(&mut self, words: &[Word], pc: u32) {
        let at = pc as usize;
        self.expect_use(at);
        let fusible = (at..(at + FUSED_MAX).min(words.len())).take_while(|&at| !self.is_volatile(at as u32)).count();
        if fusible == 0 {
            // Whatever the word is, `step` looks at it each time.
            // SAFETY: the tables have room for all of `words`.
            unsafe { *self.entries.add(at) = Entry { handler: Handler::Slow, ..Entry::default() } };
            return;
        }
        let (entry, used) = decode_entry(&words[at..at + fusible], words.len());
        assert!(at + used <= words.len() && used <= FUSED_MAX);
        // SAFETY: the tables have room for all of `words`.
        unsafe {
            *self.entries.add(at) = entry;
            for i in at..at + used {
                let watch = &mut *self.watch.add(i);
                *watch |= WATCH_DECODED;
                if *watch & WATCH_PLAIN != 0 {
                    *watch &= !WATCH_PLAIN;
                    self.decoded_plain.push(i as u32);
                }
            }
        }
        for chunk in [at / CHUNK_WORDS, (at + used - 1) / CHUNK_WORDS] {
            if !self.is_touched[chunk] {
                self.is_touched[chunk] = true;
                self.touched.push(chunk as u32);
            }
        }
    }

    /// Asks for the pages of the tables around the word at `at`, if that was not done: a page that is read before it is
    /// written to is asked for twice, and the second time every other processor has to be told.
    fn expect_use(&mut self, at: usize) {
        let group = at / EXPECTED_WORDS;
        if std::mem::replace(&mut self.is_expected[group], true) {
            return;
        }
        let words = EXPECTED_WORDS;
        self.watch_space.expect_use(group * words, words);
        self.heat_space.expect_use(group * words * size_of::<i32>(), words * size_of::<i32>());
        self.entry_space.expect_use(group * words * size_of::<Entry>(), words * size_of::<Entry>());
    }

    /// Who depends on the word at `offset`, which lies in segment 0.
    #[inline(always)]
    pub(crate) fn watched(&self, offset: u32) -> u8 {
        // SAFETY: the caller has checked the offset against segment 0, and the tables reach as far.
        unsafe { *self.watch.add(offset as usize) }
    }

    /// Undoes what was derived from the word at `offset`: it has just been stored to, when `executed` instructions had been
    /// executed.
    #[cold]
    pub(crate) fn word_stored(&mut self, offset: u32, executed: u64) {
        let watch = self.watched(offset);
        if watch & WATCH_DECODED != 0 {
            self.forget_entries(offset as usize);
            let patched = &mut self.patched[offset as usize % PATCHED_WORDS];
            let follows = patched.offset == offset && executed - patched.last <= PATCH_DISTANCE;
            let in_a_row = if follows { patched.in_a_row + 1 } else { 1 };
            *patched = Patched { offset, in_a_row, last: executed };
            if in_a_row >= PATCHES_VOLATILE {
                self.make_volatile(offset);
            }
        }
        if watch & WATCH_TRANSLATED != 0 {
            self.stored_translated.push(offset);
        }
    }

    /// From now on nothing is derived from the word at `offset` by the interpreter. Who translated it hears of it as of any
    /// store.
    pub fn make_volatile(&mut self, offset: u32) {
        if !self.is_volatile(offset) {
            self.forget_entries(offset as usize);
            self.change_watch(offset, WATCH_VOLATILE, 0);
            self.volatile.push(offset);
        }
    }

    /// Whether the word at `offset` is patched again and again.
    #[inline]
    pub fn is_volatile(&self, offset: u32) -> bool {
        self.watch_of(offset) & WATCH_VOLATILE != 0
    }

    /// Number of words that are patched again and again.
    pub fn volatile_words(&self) -> usize {
        self.volatile.len()
    }

    fn forget_entries(&mut self, offset: usize) {
        for at in offset.saturating_sub(FUSED_MAX - 1)..=offset {
            // SAFETY: at or below a word of segment 0.
            unsafe { *self.entries.add(at) = Entry::default() };
        }
        // SAFETY: as above. The words before keep their mark: entries may depend on them still, and a mark too many
        // only costs a slow store.
        unsafe { *self.watch.add(offset) &= !WATCH_DECODED };
    }

    /// Offsets of translated words that were stored to since the last call, in order.
    pub fn take_stored_translated(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.stored_translated)
    }

    /// Offsets of words with [`WATCH_PLAIN`] that were decoded since the last call: what stores to them blindly must go.
    pub fn take_decoded_plain(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.decoded_plain)
    }

    /// Whether something happened that compiled code must not be entered before.
    #[inline(always)]
    pub fn has_news(&self) -> bool {
        !self.stored_translated.is_empty() || !self.decoded_plain.is_empty()
    }

    /// Segment 0 is about to become `new` instead of `old`: forgets the entries of words that differ. What was decoded
    /// and stays the same is kept, so a program that is replaced by a copy of itself is not decoded again. The cost
    /// follows what was decoded, not the size of the programs. A shorter program keeps nothing: entries hold targets and
    /// offsets that were seen to lie inside the old one. Marks for compiled code are its owner's to clear.
    pub(crate) fn replace(&mut self, old: &[Word], new: &[Word]) {
        let mut kept = Vec::new();
        for chunk in std::mem::take(&mut self.touched) {
            let start = chunk as usize * CHUNK_WORDS;
            let mut decoded = false;
            for at in start..(start + CHUNK_WORDS).min(old.len()) {
                if self.watched(at as u32) & WATCH_DECODED == 0 {
                    continue;
                }
                if new.len() >= old.len() && new[at] == old[at] {
                    decoded = true;
                } else {
                    self.forget_entries(at);
                }
            }
            self.is_touched[chunk as usize] = decoded;
            if decoded {
                kept.push(chunk);
            }
        }
        self.touched = kept;
        // Words patched in the old program say nothing about the new one.
        for offset in std::mem::take(&mut self.volatile) {
            self.forget_entries(offset as usize);
            self.change_watch(offset, 0, WATCH_VOLATILE);
        }
    }

    /// The watch byte of the word at `offset`.
    ///
    /// # Panics
    /// The offset is outside the tables.
    pub fn watch_of(&self, offset: u32) -> u8 {
        assert!((offset as usize) < self.watch_space.bytes());
        // SAFETY: in range by the assertion; only asked for words of segment 0, which are committed.
        unsafe { *self.watch.add(offset as usize) }
    }

    /// Sets and clears bits of the watch byte of the word at `offset`.
    ///
    /// # Panics
    /// The offset is outside the tables.
    pub fn change_watch(&mut self, offset: u32, set: u8, clear: u8) {
        assert!((offset as usize) < self.watch_space.bytes());
        // SAFETY: as above.
        let byte = unsafe { &mut *self.watch.add(offset as usize) };
        *byte = *byte & !clear | set;
    }

    /// Forgets what the interpreter derived from the word at `offset`; it is decoded again when it is executed.
    pub fn forget_decoded(&mut self, offset: u32) {
        if self.watch_of(offset) & WATCH_DECODED != 0 {
            self.forget_entries(offset as usize);
        }
    }

    /// How often `pc` was jumped to, as far as that was counted.
    pub fn heat(&self, pc: u32) -> i32 {
        if pc as usize >= self.heat_space.bytes() / size_of::<i32>() {
            return 0;
        }
        // SAFETY: in range by the test before; only called for words of the program, which are committed.
        unsafe { *self.heat.add(pc as usize) }
    }

    /// Sets the heat of `pc`.
    ///
    /// # Panics
    /// `pc` is outside the tables.
    pub fn set_heat(&mut self, pc: u32, heat: i32) {
        assert!((pc as usize) < self.heat_space.bytes() / size_of::<i32>());
        // SAFETY: in range by the assertion.
        unsafe { *self.heat.add(pc as usize) = heat };
    }
}
