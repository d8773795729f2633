//! Segments: alloc, abandon, index and amend on them. [`layout`] says where they are.
//!
//! - **Segment 0** holds the program; its length is [`Memory::program_len`].
//! - **Small segments** (at most 253 words) come from runs of free granules (`small.rs`).
//! - **Large segments** come from free extents (`large.rs`, `extents.rs`).
//!
//! Identifiers depend on nothing but the order of allocs and abandons and the machine's limits: an engine that follows
//! the cursor by itself hands out the same ones.
//!
//! All unsafe access to segments is in this folder.

mod extents;
mod large;
pub mod layout;
mod small;
mod space;

use self::extents::Extents;
use self::layout::{LARGE, SMALL_WORDS_MAX, Segments, small_granules, small_len};
use self::space::Spaces;
use crate::isa::Word;
use crate::reserve::Reservation;
use std::io;
use std::sync::Arc;

pub use self::space::AddressSpace;
pub(crate) use self::space::{GRANULES_MIN, PREFIX_BYTES, strict_overcommit};

/// The part of the granules that is room for segment 0.
const PROGRAM_SHARE: u64 = 8;
/// What a granule costs, with its length byte.
const GRANULE_COST_BYTES: u64 = layout::GRANULE_BYTES as u64 + 1;
/// From this size on, what is given back goes back to the system.
const RETURN_BYTES_MIN: usize = 1 << 20;

/// There is no room for a segment within the memory limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("memory limit of {limit_bytes} bytes reached: no room for a segment of {words} words")]
pub struct OutOfMemory {
    /// Length of the segment that was asked for, in words.
    pub words: u32,
    /// The limit in bytes.
    pub limit_bytes: u64,
}

/// All segments of a machine.
///
/// The first fields are read and written by compiled code, hence `repr(C)`.
#[derive(Debug)]
#[repr(C)]
pub struct Memory {
    pub(crate) segments: Segments,
    /// The next free granule of the current run.
    pub(crate) cursor: u32,
    /// The end of the current run.
    pub(crate) run_end: u32,
    /// Length of segment 0 in words.
    pub(crate) program_len: u32,
    /// The first granule of small segments.
    first: u32,
    /// The end of the granules given to small segments.
    pub(crate) frontier: u32,
    /// Granules at or above this were never part of a run: still zero.
    pub(crate) touched: u32,
    /// Pages were asked for up to this granule.
    expected: u32,
    /// Granules of runs taken since the walk last started at `first`.
    pub(crate) granted: u32,
    large: Extents,
    large_bytes: u64,
    limit_bytes: u64,
    /// Walks over all small segments.
    walks: u64,
    data_space: Arc<Reservation>,
    lens_space: Reservation,
}

// SAFETY: the pointers lead into the reservations that the struct owns.
unsafe impl Send for Memory {}

impl Memory {
    /// Reserves the space of a machine that may use `limit_bytes` bytes for segments.
    ///
    /// # Errors
    /// The system does not even have room for the smallest machine.
    pub fn new(limit_bytes: u64, space: AddressSpace) -> io::Result<Memory> {
        let Spaces { granules, data, lens } = Spaces::reserve(limit_bytes, space)?;
        data.commit(0, PREFIX_BYTES)?;
        let first = u32::try_from(granules / PROGRAM_SHARE).expect("an eighth of 2^32 at most");
        Ok(Memory {
            segments: Segments {
                data: data.start().wrapping_add(PREFIX_BYTES),
                lens: lens.start(),
                id_bound: granules,
            },
            cursor: first,
            run_end: first,
            program_len: 0,
            first,
            frontier: first,
            touched: first,
            expected: first,
            granted: 0,
            large: Extents::new(u32::try_from(granules - 1).expect("at most 2^32 granules")),
            large_bytes: 0,
            limit_bytes,
            walks: 0,
            data_space: Arc::new(data),
            lens_space: lens,
        })
    }

    /// The range of addresses before and behind granule 0.
    pub(crate) fn data_space(&self) -> Arc<Reservation> {
        Arc::clone(&self.data_space)
    }

    /// Makes `bytes` bytes from `offset` bytes behind granule 0 accessible.
    fn commit(&self, offset: usize, bytes: usize) -> io::Result<()> {
        self.data_space.commit(PREFIX_BYTES + offset, bytes)
    }

    /// The most words that segment 0 can have.
    pub fn program_words_max(&self) -> usize {
        self.first as usize * (layout::GRANULE_BYTES / size_of::<Word>())
    }

    /// Length of segment 0 in words.
    pub fn program_len(&self) -> u32 {
        self.program_len
    }

    /// Identifiers at or above this are never active.
    pub fn id_bound(&self) -> u64 {
        self.segments.id_bound
    }

    /// Whether every 32-bit identifier lies below [`Memory::id_bound`], so that no test against it is needed.
    pub fn covers_all_ids(&self) -> bool {
        self.segments.id_bound == space::GRANULES_MAX
    }

    /// Bytes that count against the limit: segments with their overhead, and free space between small ones.
    pub fn used_bytes(&self) -> u64 {
        self.used_bytes_with(self.frontier, self.large_bytes, self.program_len)
    }

    fn used_bytes_with(&self, frontier: u32, large_bytes: u64, program_len: u32) -> u64 {
        u64::from(frontier - self.first) * GRANULE_COST_BYTES + large_bytes + u64::from(program_len) * 4
    }

    /// The limit on [`Memory::used_bytes`].
    pub fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// The length byte of any identifier.
    #[inline(always)]
    fn len_byte(&self, id: u32) -> u8 {
        // SAFETY: the segments are ours.
        unsafe { self.segments.len_byte(id) }
    }

    /// Whether `id` names an active segment that is large.
    #[inline]
    pub fn is_large(&self, id: u32) -> bool {
        self.len_byte(id) == LARGE
    }

    /// Length in words of an active segment (0 included), none for any other identifier.
    #[inline]
    pub fn capacity(&self, id: u32) -> Option<u32> {
        match self.len_byte(id) {
            0 => (id == 0).then_some(self.program_len),
            // SAFETY: the length byte says that the segment is large.
            LARGE => Some(unsafe { *self.segments.header(id) }),
            n => Some(u32::from(n) - 1),
        }
    }

    /// The words of an active segment, none for any other identifier.
    pub fn segment(&self, id: u32) -> Option<&[Word]> {
        let len = self.capacity(id)?;
        // SAFETY: an active segment has `len` initialised words, and `&self` keeps them from changing.
        Some(unsafe { std::slice::from_raw_parts(self.segments.word(id, 0), len as usize) })
    }

    /// Segment 0.
    #[inline]
    pub fn program(&self) -> &[Word] {
        // SAFETY: segment 0 has `program_len` words from granule 0 on.
        unsafe { std::slice::from_raw_parts(self.segments.data.cast(), self.program_len as usize) }
    }

    /// The word at `offset` of segment `id`; none if the segment is not active or the offset is outside.
    #[inline(always)]
    pub fn load(&self, id: u32, offset: u32) -> Option<Word> {
        // SAFETY: both tests say that there is such a word.
        unsafe {
            let inside = if id == 0 { offset < self.program_len } else { self.segments.reaches(id, offset) };
            inside.then(|| *self.segments.word(id, offset))
        }
    }

    /// Stores into a segment other than 0; false if it is not active or the offset is outside.
    #[inline(always)]
    pub fn store(&mut self, id: u32, offset: u32, value: Word) -> bool {
        // SAFETY: the test says that there is such a word; segment 0, whose length byte is 0, fails it.
        unsafe {
            let inside = self.segments.reaches(id, offset);
            if inside {
                *self.segments.word(id, offset) = value;
            }
            inside
        }
    }

    /// Stores into segment 0; false if the offset is outside. Who caches what the program says is told by the caller.
    #[inline(always)]
    pub fn store_program(&mut self, offset: u32, value: Word) -> bool {
        if offset >= self.program_len {
            return false;
        }
        // SAFETY: the offset lies in segment 0.
        unsafe { *self.segments.word(0, offset) = value };
        true
    }

    /// A new segment of `words` zeros.
    ///
    /// # Errors
    /// The limit is reached, or the system has no more memory.
    #[inline]
    pub fn alloc(&mut self, words: u32) -> Result<u32, OutOfMemory> {
        if words > SMALL_WORDS_MAX {
            return self.alloc_large(words);
        }
        if self.run_end - self.cursor < small_granules(words) && !self.refill(small_granules(words)) {
            return Err(OutOfMemory { words, limit_bytes: self.limit_bytes });
        }
        // SAFETY: the segments are ours.
        Ok(unsafe { self.alloc_from_run(self.segments, words) }.expect("the run is long enough"))
    }

    /// A new small segment, if the current run has room for it.
    ///
    /// # Safety
    /// `segments` are this memory's, which callers with a loop keep at hand.
    #[inline(always)]
    pub(crate) unsafe fn alloc_from_run(&mut self, segments: Segments, words: u32) -> Option<u32> {
        if words > SMALL_WORDS_MAX || self.run_end - self.cursor < small_granules(words) {
            return None;
        }
        let id = self.cursor;
        self.cursor += small_granules(words);
        // SAFETY: the current run is free, and lies below `id_bound`.
        unsafe { segments.set_len_byte(id, small_len(words)) };
        Some(id)
    }

    /// Gives segment `id` back; false if it is not active or is segment 0.
    #[inline]
    pub fn abandon(&mut self, id: u32) -> bool {
        // SAFETY: the segments are ours.
        if unsafe { self.segments.abandon_small(id) } {
            return true;
        }
        let large = self.is_large(id);
        if large {
            self.abandon_large(id);
        }
        large
    }

    /// Appends `words` to the program; for reading an image piece by piece.
    ///
    /// # Errors
    /// They do not fit, or the system has no memory for them.
    pub fn extend_program(&mut self, words: &[Word]) -> Result<(), OutOfMemory> {
        let len = self.program_len;
        self.make_room_for_program(len as usize + words.len())?;
        // SAFETY: there is room, by the line before; `words` is not in the machine, by the borrow rules.
        unsafe { std::ptr::copy_nonoverlapping(words.as_ptr(), self.segments.word(0, len), words.len()) };
        Ok(())
    }

    /// Makes a copy of the active segment `id` the program. For segment 0 that changes nothing.
    ///
    /// # Errors
    /// It does not fit, or the system has no memory for it.
    ///
    /// # Panics
    /// The segment is not active.
    pub fn load_program(&mut self, id: u32) -> Result<(), OutOfMemory> {
        let len = self.capacity(id).expect("the segment is active") as usize;
        self.make_room_for_program(len)?;
        // SAFETY: both have `len` words.
        unsafe { std::ptr::copy(self.segments.word(id, 0), self.segments.word(0, 0), len) };
        Ok(())
    }

    fn make_room_for_program(&mut self, words: usize) -> Result<(), OutOfMemory> {
        let len = u32::try_from(words).unwrap_or(u32::MAX);
        let failure = OutOfMemory { words: len, limit_bytes: self.limit_bytes };
        if words > self.program_words_max()
            || self.used_bytes_with(self.frontier, self.large_bytes, len) > self.limit_bytes
            || self.commit(0, words * 4).is_err()
        {
            return Err(failure);
        }
        let old_bytes = self.program_len as usize * 4;
        self.data_space.expect_use(PREFIX_BYTES + old_bytes, (words * 4).saturating_sub(old_bytes));
        let surplus = old_bytes.saturating_sub(words * 4);
        self.program_len = len;
        if surplus >= RETURN_BYTES_MIN {
            // SAFETY: the words behind the program are in no segment.
            unsafe { self.data_space.zero(PREFIX_BYTES + words * 4, surplus) };
        }
        Ok(())
    }

    /// Identifiers of all active segments but 0, in order, with their lengths in words. Slow: walks over everything.
    pub fn active(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let mut at = self.first;
        let small = std::iter::from_fn(move || {
            while at < self.frontier {
                let id = at;
                match self.len_byte(id) {
                    0 => at += 1,
                    n => {
                        at += small_granules(u32::from(n) - 1);
                        return Some((id, u32::from(n) - 1));
                    }
                }
            }
            None
        });
        let large = self.large.taken().map(|(header, _)| {
            let id = header + 1;
            (id, self.capacity(id).expect("a taken extent holds an active segment"))
        });
        small.chain(large)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Memory {
        Memory::new(1 << 30, AddressSpace::Auto).expect("address space")
    }

    #[test]
    fn every_length_is_zeroed_bounded_and_given_back() {
        let mut memory = machine();
        for words in (0..600).chain([8191, 8192, 65536, 1 << 20]) {
            let id = memory.alloc(words).expect("room");
            assert_ne!(id, 0);
            assert_eq!(memory.capacity(id), Some(words));
            assert!(memory.segment(id).expect("active").iter().all(|&word| word == 0));
            for offset in 0..words {
                assert!(memory.store(id, offset, !offset));
            }
            assert_eq!(memory.load(id, words), None);
            assert_eq!(memory.load(id, u32::MAX), None);
            assert!(!memory.store(id, words, 1));
            assert_eq!(words.checked_sub(1).and_then(|last| memory.load(id, last)), words.checked_sub(1).map(|x| !x));
            assert!(memory.abandon(id));
            assert!(!memory.abandon(id));
            assert_eq!((memory.load(id, 0), memory.capacity(id)), (None, None));
        }
    }

    #[test]
    fn reuse_is_clean_and_distinct_and_bounded() {
        let mut memory = machine();
        let mut live = Vec::new();
        let mut seed = 1u32;
        let mut next = |bound: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) % bound
        };
        for round in 0..200_000 {
            if live.len() < 1000 || (next(2) == 0 && live.len() < 2000) {
                let words = if next(50) == 0 { next(1000) } else { next(9) };
                let id = memory.alloc(words).expect("room");
                assert!(memory.segment(id).expect("active").iter().all(|&w| w == 0), "round {round}");
                (0..words).for_each(|offset| assert!(memory.store(id, offset, id)));
                live.push((id, words));
            } else {
                let (id, words) = live.swap_remove(next(live.len() as u32) as usize);
                let segment = memory.segment(id).expect("active");
                assert!(segment.len() == words as usize && segment.iter().all(|&w| w == id), "round {round}");
                assert!(memory.abandon(id));
            }
        }
        let mut expected = live.clone();
        expected.sort_unstable();
        assert_eq!(memory.active().collect::<Vec<_>>(), expected);
        assert!(memory.used_bytes() < 4 << 20, "{} bytes for some 2000 segments", memory.used_bytes());
    }

    #[test]
    fn the_limit_is_kept_and_reached() {
        for space in [AddressSpace::Auto, AddressSpace::Granules(1 << 20)] {
            for words in [1, 253, 300, 10_000] {
                let mut memory = Memory::new(4 << 20, space).expect("address space");
                let mut ids = Vec::new();
                while let Ok(id) = memory.alloc(words) {
                    ids.push(id);
                }
                let payload = ids.len() as u64 * u64::from(words.max(2)) * 4;
                assert!(memory.used_bytes() <= 4 << 20);
                assert!(payload > 3 << 20, "{words} words: only {payload} bytes before the limit");
                let id = ids.swap_remove(ids.len() / 2);
                assert!(memory.abandon(id));
                assert!(memory.alloc(words).is_ok(), "room again after abandoning");
            }
        }
    }

    #[test]
    fn forged_identifiers_are_inactive() {
        for space in [AddressSpace::Auto, AddressSpace::Granules(1 << 20)] {
            let mut memory = Memory::new(1 << 24, space).expect("address space");
            let small = memory.alloc(200).expect("room");
            let large = memory.alloc(2000).expect("room");
            for id in [small + 1, small - 1, large - 1, large + 1, 1, 77, u32::MAX, u32::MAX - 1, 1 << 31] {
                assert_eq!(memory.capacity(id), None, "identifier {id}");
                assert_eq!(memory.load(id, 0), None);
                assert!(!memory.store(id, 0, 1) && !memory.abandon(id));
            }
        }
    }

    #[test]
    fn segment_zero_grows_and_shrinks() {
        let mut memory = machine();
        memory.extend_program(&[1, 2, 3]).expect("room");
        let id = memory.alloc(1 << 20).expect("room");
        assert!(memory.store(id, 5, 7));
        memory.load_program(id).expect("room");
        assert_eq!((memory.program().len(), memory.load(0, 5), memory.load(0, 0)), (1 << 20, Some(7), Some(0)));
        memory.extend_program(&[9]).expect("room");
        assert_eq!((memory.program().len(), memory.load(0, 1 << 20)), ((1 << 20) + 1, Some(9)));
        assert!(!memory.store(0, 0, 1), "stores into the program go through store_program");
        assert!(memory.store_program(0, 1) && memory.load(id, 0) == Some(0), "a copy, not an alias");
        let id = memory.alloc(0).expect("room");
        memory.load_program(id).expect("room");
        assert_eq!((memory.program().len(), memory.load(0, 0)), (0, None));
    }
}
