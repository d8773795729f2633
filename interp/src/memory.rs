//! Segments: where they live, and alloc, abandon, index and amend on them.
//!
//! # Layout
//!
//! One reserved range of *granules* of 8 bytes holds every segment, and an identifier *is* the number of its first
//! granule: the words of segment `id` stand at `data + 8 * id`. Beside it stands one *length byte* per granule:
//!
//! | length byte of `id` | meaning |
//! |---|---|
//! | 0 | not an active segment (segment 0 too: see below) |
//! | `n + 1`, at most 254 | active, `n` words |
//! | 255 | active and *large*, at least 254 words: the length stands in the header granule before its words |
//!
//! So `offset + 1 < length byte`, one compare without wrapping, proves that an identifier is active and that the offset
//! lies inside, for every segment but the large ones; and for those as well when the offset is below 254.
//!
//! ```text
//! granule 0                     FIRST             frontier                 bottom                 granules
//! | segment 0, room to change | small segments -> | untouched              | <- large segments     |
//! ```
//!
//! - **Segment 0** starts at granule 0. Its length byte stays 0, so that the quick test fails for identifier 0 and a
//!   store that goes through is never a store into the program. Its length is [`Memory::program_len`].
//! - **Small segments** (at most 253 words) come from *runs* of free granules. Alloc moves a cursor through the current run;
//!   at its end, [`Memory::refill`] walks on over the length bytes to the next run, and clears it. Abandon is one byte
//!   store. When a walk from end to end has found too little, the space grows by half, so each granule handed out costs
//!   a bounded number of granules walked.
//! - **Large segments** come from free extents (`large.rs`).
//!
//! Identifiers depend on nothing but the order of allocs and abandons and the machine's limits: compiled code that
//! follows the cursor hands out the same ones as the interpreter.
//!
//! All unsafe access to segments is in this file.

use crate::isa::Word;
use crate::large::Extents;
use crate::reserve::{Backing, PAGE_BYTES, Reservation, round_to_pages};
use std::io;
use std::sync::Arc;

/// Bytes in a granule.
pub const GRANULE_BYTES: usize = 8;
/// The longest small segment, in words.
pub const SMALL_WORDS_MAX: u32 = 253;
/// The length byte of a large segment.
pub const LARGE: u8 = 255;
/// Granules in the largest machine: every 32-bit identifier names one.
const GRANULES_MAX: u64 = 1 << 32;
/// Granules in the smallest machine worth having: 8 MiB.
pub(crate) const GRANULES_MIN: u64 = 1 << 20;
/// The part of the granules that is room for segment 0.
const PROGRAM_SHARE: u64 = 8;
/// The longest run taken at once, in granules: what is cleared together is used while it is in the nearest cache.
pub const RUN_GRANULES_MAX: u32 = 512;
/// How much the space for small segments grows at the least, in granules.
const GROWTH_MIN: u32 = 1 << 15;
/// Room before granule 0 for the [`crate::State`], so that compiled code reaches state and segments from one address.
pub(crate) const PREFIX_BYTES: usize = PAGE_BYTES;
/// How far ahead pages are asked for at the most: 1 MiB.
const EXPECTED_GRANULES_MAX: u32 = 1 << 17;
/// How far beyond that length bytes are asked for: more than a run, and a page.
const LENS_AHEAD_GRANULES: u32 = 1 << 12;
/// What a granule of a small segment costs, with its length byte.
const GRANULE_COST_BYTES: u64 = GRANULE_BYTES as u64 + 1;

/// Granules that a small segment of `words` words takes: at least one, because empty segments have identifiers too.
#[inline(always)]
pub const fn small_granules(words: u32) -> u32 {
    if words == 0 { 1 } else { words.div_ceil(2) }
}

/// There is no room for a segment within the memory limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("memory limit of {limit_bytes} bytes reached: no room for a segment of {words} words")]
pub struct OutOfMemory {
    /// Length of the segment that was asked for, in words.
    pub words: u32,
    /// The limit in bytes.
    pub limit_bytes: u64,
}

/// How much address space to reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressSpace {
    /// As much as every 32-bit identifier needs, or what the system lets us have.
    Auto,
    /// A given number of granules (a power of two), reserved without access and committed as needed.
    Granules(u64),
}

/// All segments of a machine. See the module's documentation for the layout.
///
/// The first fields are read and written by compiled code, hence `repr(C)`.
#[derive(Debug)]
#[repr(C)]
pub struct Memory {
    /// Address of granule 0.
    pub data: *mut u8,
    /// Address of granule 0's length byte.
    pub lens: *mut u8,
    /// Identifiers at or above this are never active: the number of granules.
    pub id_bound: u64,
    /// The next free granule of the current run.
    pub cursor: u32,
    /// The end of the current run.
    pub run_end: u32,
    /// Length of segment 0 in words.
    pub program_len: u32,
    /// The first granule of small segments.
    first: u32,
    /// The end of the granules given to small segments.
    pub frontier: u32,
    /// Granules at or above this were never part of a run: still zero.
    pub touched: u32,
    /// Pages were asked for up to this granule.
    expected: u32,
    /// Granules of runs taken since the walk last started at `first`.
    pub granted: u32,
    large: Extents,
    large_bytes: u64,
    limit_bytes: u64,
    /// Walks over all small segments, for the statistics.
    pub walks: u64,
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
        let (granules, data_space, lens_space) = match space {
            AddressSpace::Granules(granules) => {
                let granules = granules.next_power_of_two().clamp(GRANULES_MIN, GRANULES_MAX);
                let (data, lens) = reserve(granules, Backing::OnCommit)?;
                (granules, data, lens)
            }
            AddressSpace::Auto => reserve_as_possible(limit_bytes)?,
        };
        data_space.commit(0, PREFIX_BYTES)?;
        let data_space = Arc::new(data_space);
        let first = u32::try_from(granules / PROGRAM_SHARE).expect("an eighth of 2^32 at most");
        Ok(Memory {
            data: data_space.start().wrapping_add(PREFIX_BYTES),
            lens: lens_space.start(),
            id_bound: granules,
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
            data_space,
            lens_space,
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
        self.first as usize * (GRANULE_BYTES / size_of::<Word>())
    }

    /// Whether every 32-bit identifier lies below [`Memory::id_bound`], so that no test against it is needed.
    pub fn covers_all_ids(&self) -> bool {
        self.id_bound == GRANULES_MAX
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
    pub fn len_byte(&self, id: u32) -> u8 {
        if u64::from(id) >= self.id_bound {
            return 0;
        }
        // SAFETY: the length bytes reach to `id_bound`.
        unsafe { *self.lens.add(id as usize) }
    }

    /// Address of the words of segment `id`, which must be below `id_bound`.
    #[inline(always)]
    fn words_of(&self, id: u32) -> *mut Word {
        debug_assert!(u64::from(id) < self.id_bound);
        // SAFETY: the data range reaches to `id_bound` granules.
        unsafe { self.data.add(id as usize * GRANULE_BYTES).cast() }
    }

    /// Length in words of an active segment (0 included), none for any other identifier.
    #[inline]
    pub fn capacity(&self, id: u32) -> Option<u32> {
        match self.len_byte(id) {
            0 => (id == 0).then_some(self.program_len),
            // SAFETY: a large segment has a header granule before its words.
            LARGE => Some(unsafe { *self.words_of(id - 1) }),
            n => Some(u32::from(n) - 1),
        }
    }

    /// The words of an active segment, none for any other identifier.
    pub fn segment(&self, id: u32) -> Option<&[Word]> {
        let len = self.capacity(id)?;
        // SAFETY: an active segment has `len` initialised words, and `&self` keeps them from changing.
        Some(unsafe { std::slice::from_raw_parts(self.words_of(id), len as usize) })
    }

    /// Segment 0.
    #[inline]
    pub fn program(&self) -> &[Word] {
        // SAFETY: segment 0 has `program_len` words from granule 0 on.
        unsafe { std::slice::from_raw_parts(self.data.cast(), self.program_len as usize) }
    }

    /// The word at `offset` of segment `id`; none if the segment is not active or the offset is outside.
    #[inline(always)]
    pub fn load(&self, id: u32, offset: u32) -> Option<Word> {
        let len = self.len_byte(id);
        if u64::from(offset) + 1 < u64::from(len) || self.reaches(id, len, offset) {
            // SAFETY: the segment is active and the offset is inside.
            return Some(unsafe { *self.words_of(id).add(offset as usize) });
        }
        None
    }

    /// Stores into a segment other than 0; false if it is not active or the offset is outside.
    #[inline(always)]
    pub fn store(&mut self, id: u32, offset: u32, value: Word) -> bool {
        let len = self.len_byte(id);
        if u64::from(offset) + 1 < u64::from(len) || (id != 0 && self.reaches(id, len, offset)) {
            // SAFETY: the segment is active and the offset is inside.
            unsafe { *self.words_of(id).add(offset as usize) = value };
            return true;
        }
        false
    }

    /// Stores into segment 0; false if the offset is outside. Who caches what the program says is told by the caller.
    #[inline(always)]
    pub fn store_program(&mut self, offset: u32, value: Word) -> bool {
        if offset >= self.program_len {
            return false;
        }
        // SAFETY: the offset lies in segment 0.
        unsafe { *self.words_of(0).add(offset as usize) = value };
        true
    }

    /// The test for what the length byte does not tell: large segments and segment 0.
    #[inline(always)]
    fn reaches(&self, id: u32, len: u8, offset: u32) -> bool {
        if len == LARGE {
            // SAFETY: a large segment has a header granule before its words.
            return offset < unsafe { *self.words_of(id - 1) };
        }
        id == 0 && offset < self.program_len
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
        let granules = small_granules(words);
        if self.run_end - self.cursor < granules && !self.refill(granules) {
            return Err(OutOfMemory { words, limit_bytes: self.limit_bytes });
        }
        let id = self.cursor;
        self.cursor += granules;
        // SAFETY: the current run lies below `id_bound`.
        unsafe { *self.lens.add(id as usize) = (words + 1) as u8 };
        Ok(id)
    }

    /// Gives segment `id` back; false if it is not active or is segment 0.
    #[inline]
    pub fn abandon(&mut self, id: u32) -> bool {
        match self.len_byte(id) {
            0 => return false,
            LARGE => self.abandon_large(id),
            _ => {}
        }
        // SAFETY: `id` is active, so it is below `id_bound`.
        unsafe { *self.lens.add(id as usize) = 0 };
        true
    }

    /// Makes the next run of at least `granules` free granules the current one, and clears it. False if there is none.
    pub fn refill(&mut self, granules: u32) -> bool {
        let mut at = self.run_end;
        let mut fruitless_walks = 0;
        loop {
            if let Some((start, end)) = self.next_run(at, granules) {
                let dirty = end.min(self.touched).saturating_sub(start);
                // SAFETY: the run is free, lies below the frontier, and nobody refers into it.
                unsafe { clear_granules(self.words_of(start).cast(), dirty) };
                if end > self.touched {
                    self.expect_use(end);
                }
                self.touched = self.touched.max(end);
                self.granted += end - start;
                (self.cursor, self.run_end) = (start, end);
                return true;
            }
            let size = self.frontier - self.first;
            if self.granted < size / 2 + 1 || fruitless_walks > 0 {
                at = self.frontier;
                if self.grow(granules.max(size / 2).max(GROWTH_MIN), granules) {
                    continue;
                }
            }
            if fruitless_walks == 2 {
                // The run that was current stays so: its rest may do for a smaller segment.
                return false;
            }
            fruitless_walks += 1;
            self.walks += 1;
            self.granted = 0;
            at = self.first;
        }
    }

    /// Small segments reach up to granule `end` for the first time: asks for pages ahead, more of them the more there are.
    fn expect_use(&mut self, end: u32) {
        if end <= self.expected {
            return;
        }
        let ahead = ((end - self.first) / 8).min(EXPECTED_GRANULES_MAX);
        let upto = end.saturating_add(ahead).min(self.frontier);
        let from = self.expected.max(self.touched);
        self.data_space.expect_use(
            PREFIX_BYTES + from as usize * GRANULE_BYTES,
            upto.saturating_sub(from) as usize * GRANULE_BYTES,
        );
        // The search for the next run reads ahead.
        self.lens_space.expect_use(from as usize, (upto.saturating_sub(from) + LENS_AHEAD_GRANULES) as usize);
        self.expected = upto;
    }

    /// The first run of at least `granules` free granules at or after `at`, where a segment or a run starts.
    fn next_run(&self, mut at: u32, granules: u32) -> Option<(u32, u32)> {
        while at < self.frontier {
            // SAFETY: `at` is below the frontier and so below `id_bound`.
            let len = unsafe { *self.lens.add(at as usize) };
            if len != 0 {
                at += small_granules(u32::from(len) - 1);
                continue;
            }
            let longest = granules.max(RUN_GRANULES_MAX).min(self.frontier - at);
            // SAFETY: as above.
            let lens = unsafe { std::slice::from_raw_parts(self.lens.add(at as usize), longest as usize) };
            let free = leading_zeros(lens);
            if free >= granules {
                return Some((at, at + free));
            }
            at += free;
        }
        None
    }

    /// Moves the frontier up by `wanted` granules, or by what is possible but at least `needed`.
    fn grow(&mut self, wanted: u32, needed: u32) -> bool {
        let budget = self.limit_bytes.saturating_sub(self.used_bytes()) / GRANULE_COST_BYTES;
        let room = u64::from(self.large.bottom() - self.frontier).min(budget);
        let step = u64::from(wanted).min(room);
        if step < u64::from(needed) {
            return false;
        }
        let step = u32::try_from(step).expect("at most `wanted`");
        if self.commit(self.frontier as usize * GRANULE_BYTES, step as usize * GRANULE_BYTES).is_err() {
            return false;
        }
        self.frontier += step;
        true
    }

    #[cold]
    fn alloc_large(&mut self, words: u32) -> Result<u32, OutOfMemory> {
        let failure = OutOfMemory { words, limit_bytes: self.limit_bytes };
        let granules = large_granules(words);
        let bytes = u64::from(granules) * GRANULE_COST_BYTES;
        if self.used_bytes_with(self.frontier, self.large_bytes + bytes, self.program_len) > self.limit_bytes {
            return Err(failure);
        }
        let header = self.large.take(granules, self.frontier).ok_or(failure)?;
        if self.commit(header as usize * GRANULE_BYTES, granules as usize * GRANULE_BYTES).is_err() {
            self.large.give(header, granules);
            return Err(failure);
        }
        self.large_bytes += bytes;
        let id = header + 1;
        // SAFETY: the extent is ours and committed; free extents are zero, so the words need no clearing.
        unsafe {
            *self.words_of(header) = words;
            *self.lens.add(id as usize) = LARGE;
        }
        Ok(id)
    }

    #[cold]
    fn abandon_large(&mut self, id: u32) {
        let header = id - 1;
        // SAFETY: the caller saw that `id` is a large segment.
        let granules = large_granules(unsafe { *self.words_of(header) });
        // Small blocks are cleared in place; large ones go back to the system, whose pages come back as zero.
        let (offset, bytes) = (header as usize * GRANULE_BYTES, granules as usize * GRANULE_BYTES);
        if bytes >= RETURN_BYTES_MIN {
            // SAFETY: the extent is committed, and the segment ends here.
            unsafe { self.data_space.zero(PREFIX_BYTES + offset, bytes) };
        } else {
            // SAFETY: as above.
            unsafe { std::ptr::write_bytes(self.data.add(offset), 0, bytes) };
        }
        self.large.give(header, granules);
        self.large_bytes -= u64::from(granules) * GRANULE_COST_BYTES;
    }

    /// Appends `words` to the program; for reading an image piece by piece.
    ///
    /// # Errors
    /// They do not fit, or the system has no memory for them.
    pub fn extend_program(&mut self, words: &[Word]) -> Result<(), OutOfMemory> {
        let len = self.program_len as usize;
        self.make_room_for_program(len + words.len())?;
        // SAFETY: there is room, by the line before; `words` is not in the machine, by the borrow rules.
        unsafe { std::ptr::copy_nonoverlapping(words.as_ptr(), self.words_of(0).add(len), words.len()) };
        Ok(())
    }

    /// Makes a copy of segment `id` the program; `id` is active and not 0.
    ///
    /// # Errors
    /// It does not fit, or the system has no memory for it.
    pub fn load_program(&mut self, id: u32) -> Result<(), OutOfMemory> {
        let len = self.capacity(id).expect("the caller saw that the segment is active") as usize;
        self.make_room_for_program(len)?;
        // SAFETY: segment 0 and any other are disjoint; both have `len` words.
        unsafe { std::ptr::copy_nonoverlapping(self.words_of(id), self.words_of(0), len) };
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
            // SAFETY: the words behind the program belong to nobody.
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

/// From this size on, what is given back goes back to the system.
const RETURN_BYTES_MIN: usize = 1 << 20;

/// Granules of a large segment, its header included.
const fn large_granules(words: u32) -> u32 {
    words.div_ceil(2) + 1
}

/// Number of zeros before the first other byte.
#[inline]
fn leading_zeros(bytes: &[u8]) -> u32 {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut count = 0;
    for chunk in chunks {
        let bits = u64::from_le_bytes(*chunk);
        if bits != 0 {
            return count + bits.trailing_zeros() / 8;
        }
        count += 8;
    }
    count + rest.iter().take_while(|&&byte| byte == 0).count() as u32
}

/// Clears `granules` granules from `start` on: mostly a few.
///
/// # Safety
/// They are accessible, and nobody refers to them.
#[inline]
unsafe fn clear_granules(start: *mut u64, granules: u32) {
    // SAFETY: the caller's promise.
    unsafe {
        if granules > 16 {
            std::ptr::write_bytes(start, 0, granules as usize);
        } else {
            for i in 0..granules as usize {
                start.add(i).write_volatile(0);
            }
        }
    }
}

fn reserve(granules: u64, backing: Backing) -> io::Result<(Reservation, Reservation)> {
    let granules = usize::try_from(granules).map_err(|_| io::ErrorKind::OutOfMemory)?;
    let data = Reservation::new(PREFIX_BYTES + granules * GRANULE_BYTES, backing)?;
    let lens = Reservation::new(granules, Backing::OnTouch)?;
    Ok((data, lens))
}

/// The largest layout that the system grants.
fn reserve_as_possible(limit_bytes: u64) -> io::Result<(u64, Reservation, Reservation)> {
    let full = (!strict_overcommit()).then(|| reserve(GRANULES_MAX, Backing::OnTouch));
    if let Some(Ok((data, lens))) = full {
        return Ok((GRANULES_MAX, data, lens));
    }
    let mut granules = (limit_bytes / 2).next_power_of_two().clamp(GRANULES_MIN, GRANULES_MAX / 2);
    loop {
        match reserve(granules, Backing::OnCommit) {
            Ok((data, lens)) => return Ok((granules, data, lens)),
            Err(error) if granules == GRANULES_MIN => return Err(error),
            Err(_) => granules /= 2,
        }
    }
}

/// Whether the system counts every accessible page as used (Linux, `vm.overcommit_memory = 2`).
pub(crate) fn strict_overcommit() -> bool {
    std::fs::read_to_string("/proc/sys/vm/overcommit_memory").is_ok_and(|mode| mode.trim() == "2")
}

const _: () = assert!(PAGE_BYTES.is_multiple_of(GRANULE_BYTES) && round_to_pages(1) == PAGE_BYTES);

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
