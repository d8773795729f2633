//! Segments: alloc, abandon, index and amend on them. [`layout`] says where they are.
//!
//! - **Segment 0** holds the program; its length is [`Memory::program_len`].
//! - **Small segments** (at most 253 words) come from runs of free granules (`small.rs`).
//! - **Large segments** come from free extents (`large.rs`, `extents.rs`).
//!
//! Identifiers depend on nothing but the order of allocs and abandons, the machine's limits, and [`Ids`]: an engine that follows
//! the cursor by itself hands out the same ones. Some are names (`names.rs`, `zone.rs`), the others say where the segment is.
//!
//! All unsafe access to segments is in this folder.

mod extents;
#[cfg(test)]
mod forged;
mod large;
pub mod layout;
mod named;
mod names;
pub(crate) mod saved;
mod segment_zero;
mod small;
mod space;
mod zone;

use self::extents::Extents;
use self::layout::{LARGE, Name, SMALL_WORDS_MAX, Segments, small_granules, small_len};
use self::names::Names;
use self::space::Spaces;
use self::zone::Zone;
use crate::fault::Past;
use crate::isa::Word;
use crate::reserve::{Backing, Reservation};
use std::io;
use std::sync::Arc;

pub use self::names::{Ids, NAMED_ALLOCS};
pub use self::space::AddressSpace;
pub use self::space::strict_overcommit;
pub(crate) use self::space::{GRANULES_MIN, NAMES_IN_PREFIX, PREFIX_BYTES};

/// Where the room for a table of few names ends in the prefix.
pub(crate) const NAMES_IN_PREFIX_END: usize = NAMES_IN_PREFIX + FEW_NAMES as usize * size_of::<Name>();

/// The part of the granules that is room for segment 0.
const PROGRAM_SHARE: u64 = 8;
/// The part of the room of segment 0 that becomes the zone of named segments, if they do not all fit into less.
const ZONE_SHARE: u32 = 8;
/// Granules with which the zone has room for all named segments, however long they are.
const ZONE_GRANULES_MAX: u32 = NAMED_ALLOCS * small_granules(SMALL_WORDS_MAX);
/// Names are below this where few segments have one.
const FEW_NAMES: u32 = NAMED_ALLOCS + 1;
/// What a granule costs, with its length byte.
const GRANULE_COST_BYTES: u64 = layout::GRANULE_BYTES as u64 + 1;
/// From this size on, what is given back goes back to the system.
const RETURN_BYTES_MIN: usize = 1 << 20;

/// What there is room for, and how segments are identified.
#[derive(Clone, Copy, Debug)]
pub struct MemoryOptions {
    /// Limit on the memory that segments take with their overhead, in bytes.
    pub limit_bytes: u64,
    /// Address space to reserve.
    pub space: AddressSpace,
    /// Which identifiers new segments get.
    pub ids: Ids,
    /// With [`Ids::Mixed`], how many segments are numbered, at most [`NAMED_ALLOCS`].
    pub named_allocs: u32,
}

/// How an active segment other than 0 is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By the length byte of its identifier, or of the place that its name leads to where all segments have names.
    Small,
    /// As above, and by its header.
    Large,
    /// Through the table of names, where others have none.
    Named,
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
    pub(crate) names: Names,
    zone: Zone,
    ids: Ids,
    large: Extents,
    large_bytes: u64,
    limit_bytes: u64,
    data_space: Arc<Reservation>,
    lens_space: Reservation,
}

// SAFETY: the pointers lead into the reservations that the struct owns.
unsafe impl Send for Memory {}

impl Memory {
    /// Reserves the space of a machine.
    ///
    /// # Errors
    /// The system does not even have room for the smallest machine.
    pub fn new(options: &MemoryOptions) -> io::Result<Memory> {
        let MemoryOptions { limit_bytes, space, ids, named_allocs } = *options;
        let Spaces { granules, data, lens } = Spaces::reserve(limit_bytes, space)?;
        data.commit(0, PREFIX_BYTES)?;
        let first = u32::try_from(granules / PROGRAM_SHARE).expect("an eighth of 2^32 at most");
        // SAFETY: the prefix is accessible, and has room for so many names that nothing else uses.
        let few = |left| unsafe { Names::few(FEW_NAMES, left, data.start().wrapping_add(NAMES_IN_PREFIX).cast()) };
        let (names, zone) = match ids {
            Ids::Mixed => (few(named_allocs.min(NAMED_ALLOCS)), ZONE_GRANULES_MAX.min(first / ZONE_SHARE)),
            Ids::Sequential => (Names::for_all(first, data.backing())?, 0),
            Ids::Address => (few(0), 0),
        };
        let names_bound = names.accessible();
        Ok(Memory {
            segments: Segments {
                data: data.start().wrapping_add(PREFIX_BYTES),
                lens: lens.start(),
                id_bound: if ids == Ids::Sequential { 0 } else { granules },
                names: names.table(),
                names_bound,
                all_named: ids == Ids::Sequential,
            },
            cursor: first,
            run_end: first,
            program_len: 0,
            first,
            frontier: first,
            touched: first,
            expected: first,
            granted: 0,
            names,
            zone: Zone::new(first - zone, first),
            ids,
            large: Extents::new(u32::try_from(granules - 1).expect("at most 2^32 granules")),
            large_bytes: 0,
            limit_bytes,
            data_space: Arc::new(data),
            lens_space: lens,
        })
    }

    /// The range of addresses before and behind granule 0.
    pub(crate) fn data_space(&self) -> Arc<Reservation> {
        Arc::clone(&self.data_space)
    }

    /// Makes `bytes` bytes from `offset` bytes behind granule 0 accessible, and what says how long the segments there are.
    #[inline(always)]
    fn commit(&self, offset: usize, bytes: usize) -> io::Result<()> {
        self.data_space.commit(PREFIX_BYTES + offset, bytes)?;
        if self.lens_space.backing() == Backing::OnTouch { Ok(()) } else { self.commit_lens(offset, bytes) }
    }

    #[cold]
    fn commit_lens(&self, offset: usize, bytes: usize) -> io::Result<()> {
        let (first, end) = (offset / layout::GRANULE_BYTES, (offset + bytes).div_ceil(layout::GRANULE_BYTES));
        self.lens_space.commit(first, end - first)
    }

    /// The most words that segment 0 can have.
    pub fn program_words_max(&self) -> usize {
        self.zone.start() as usize * (layout::GRANULE_BYTES / size_of::<Word>())
    }

    /// Length of segment 0 in words.
    pub fn program_len(&self) -> u32 {
        self.program_len
    }

    /// How many granules there are.
    pub fn granules(&self) -> u64 {
        self.lens_space.bytes() as u64
    }

    /// Whether every 32-bit identifier has a length byte, so that no test for that is needed.
    pub fn covers_all_ids(&self) -> bool {
        self.granules() == space::GRANULES_MAX
    }

    /// Every identifier is below this.
    pub fn ids_bound(&self) -> u64 {
        // Each segment takes a granule at least, and so there are no more names.
        self.granules().max(u64::from(NAMED_ALLOCS)) + 1
    }

    /// Which identifiers this machine hands out.
    pub fn ids(&self) -> Ids {
        self.ids
    }

    /// Bytes that count against the limit: segments with their overhead, and free space between small ones.
    pub fn used_bytes(&self) -> u64 {
        self.used_bytes_with(self.frontier, self.large_bytes, self.program_len)
    }

    fn used_bytes_with(&self, frontier: u32, large_bytes: u64, program_len: u32) -> u64 {
        let small = u64::from(frontier - self.first) + u64::from(self.zone.granules());
        small * GRANULE_COST_BYTES + large_bytes + self.names.bytes() + u64::from(program_len) * 4
    }

    /// The limit on [`Memory::used_bytes`].
    pub fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// Where an active segment other than 0 is, and its length; none for any other identifier.
    #[inline]
    fn locate(&self, id: u32) -> Option<Name> {
        let (place, len) = self.len_byte(id);
        match len {
            0 => self.names.get(id),
            // SAFETY: the segments are ours; a large one has a header.
            LARGE => Some(Name { place, words: unsafe { *self.segments.header(place) } }),
            n => Some(Name { place, words: u32::from(n) - 1 }),
        }
    }

    /// Where the segment `id` is, if it has a length byte; and that byte, or else 0.
    #[inline]
    fn len_byte(&self, id: u32) -> (u32, u8) {
        // SAFETY: the segments are ours, and a place is one of the granules.
        unsafe {
            if !self.segments.all_named {
                return (id, self.segments.len_byte(id));
            }
            let place = self.names.place(id).unwrap_or(0);
            (place, *self.segments.lens.add(place as usize))
        }
    }

    /// The first granule of the active segment `id`; none for segment 0 and any other identifier.
    pub fn place(&self, id: u32) -> Option<u32> {
        self.locate(id).map(|name| name.place)
    }

    /// How an engine finds the active segment `id`; none for segment 0 and any other identifier.
    #[inline]
    pub fn kind(&self, id: u32) -> Option<Kind> {
        match self.len_byte(id).1 {
            0 => self.names.get(id).map(|_| Kind::Named),
            LARGE => Some(Kind::Large),
            _ => Some(Kind::Small),
        }
    }

    /// Whether the next segment gets a name.
    pub fn is_naming(&self) -> bool {
        self.names.left != 0
    }

    /// The highest name that was handed out, 0 if there is none.
    pub fn names_max(&self) -> u32 {
        self.names.max()
    }

    /// Names are below this; none if the table of names has an entry for every identifier.
    pub fn names_bound(&self) -> Option<u32> {
        self.names.table_bound()
    }

    /// Length in words of an active segment (0 included), none for any other identifier.
    #[inline]
    pub fn capacity(&self, id: u32) -> Option<u32> {
        if id == 0 { Some(self.program_len) } else { self.locate(id).map(|name| name.words) }
    }

    /// What is known about an identifier that names no active segment.
    pub fn past(&self, id: u32) -> Past {
        if self.names.was_handed_out(id) {
            Past::Abandoned
        } else if self.ids == Ids::Sequential || id < self.first || (self.touched..self.large.lowest()).contains(&id) {
            // No segment without a name was ever there.
            Past::NeverActive
        } else {
            Past::Unknown
        }
    }

    /// The words of an active segment, none for any other identifier.
    pub fn segment(&self, id: u32) -> Option<&[Word]> {
        if id == 0 {
            return Some(self.program());
        }
        let Name { place, words } = self.locate(id)?;
        // SAFETY: an active segment has so many initialised words, and `&self` keeps them from changing.
        Some(unsafe { std::slice::from_raw_parts(self.segments.word(place, 0), words as usize) })
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
        if id == 0 {
            return self.program().get(offset as usize).copied();
        }
        // SAFETY: what is found can be read.
        self.find(id, offset).map(|word| unsafe { *word })
    }

    /// Stores into a segment other than 0; false if it is not active or the offset is outside.
    #[inline(always)]
    pub fn store(&mut self, id: u32, offset: u32, value: Word) -> bool {
        // SAFETY: what is found can be written, and `&mut self` keeps it from being anything else's.
        self.find(id, offset).map(|word| unsafe { *word = value }).is_some()
    }

    /// Address of the word at `offset` of an active segment other than 0: that one has length byte 0, and no name.
    #[inline(always)]
    fn find(&self, id: u32, offset: u32) -> Option<*mut Word> {
        // SAFETY: the segments are ours.
        unsafe {
            if self.segments.reaches(id, offset) {
                return Some(self.segments.word(id, offset));
            }
            self.segments.named_word(id, offset)
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
        if self.names.left != 0 { self.alloc_named(words) } else { self.alloc_unnamed(words) }
    }

    /// A new segment of `words` zeros, identified by its first granule.
    #[inline]
    fn alloc_unnamed(&mut self, words: u32) -> Result<u32, OutOfMemory> {
        if words > SMALL_WORDS_MAX {
            return self.alloc_large(words);
        }
        if self.run_end - self.cursor < small_granules(words) && !self.refill(small_granules(words)) {
            return Err(OutOfMemory { words, limit_bytes: self.limit_bytes });
        }
        // SAFETY: the segments are ours.
        Ok(unsafe { self.take_from_run(self.segments, words) })
    }

    /// A new small segment without a name, if that is what comes next and the current run has room for it.
    ///
    /// # Safety
    /// `segments` are this memory's, which callers with a loop keep at hand.
    #[inline(always)]
    pub(crate) unsafe fn alloc_from_run(&mut self, segments: Segments, words: u32) -> Option<u32> {
        let fits = words <= SMALL_WORDS_MAX && self.run_end - self.cursor >= small_granules(words);
        // SAFETY: the caller's promise; there is room.
        (fits && self.names.left == 0).then(|| unsafe { self.take_from_run(segments, words) })
    }

    /// A small segment from the current run, which has room for it.
    ///
    /// # Safety
    /// As for [`Memory::alloc_from_run`].
    #[inline(always)]
    unsafe fn take_from_run(&mut self, segments: Segments, words: u32) -> u32 {
        let id = self.cursor;
        self.cursor += small_granules(words);
        // SAFETY: the current run is free, and lies within the granules.
        unsafe { segments.set_len_byte(id, small_len(words)) };
        id
    }

    /// Gives segment `id` back; false if it is not active or is segment 0.
    #[inline]
    pub fn abandon(&mut self, id: u32) -> bool {
        // SAFETY: the segments are ours.
        if unsafe { self.segments.abandon_small(id) } {
            return true;
        }
        match self.locate(id) {
            None => return false,
            Some(name) if name.place != id => self.abandon_named(id, name),
            Some(_) => self.abandon_large(id),
        }
        true
    }

    /// Identifiers of all active segments but 0, each once, with their lengths in words. Slow: walks over everything.
    pub fn active(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        // What has a name is found by it: nothing else leads there.
        let ids = self.names.handed_out().chain(self.places().filter(|_| self.ids != Ids::Sequential));
        ids.filter_map(|id| self.locate(id).map(|name| (id, name.words)))
    }

    /// Where all segments are, but for segment 0 and small ones in the zone.
    fn places(&self) -> impl Iterator<Item = u32> + '_ {
        let mut at = self.first;
        let small = std::iter::from_fn(move || {
            while at < self.frontier {
                let start = at;
                // SAFETY: below the frontier, and so within the granules.
                match unsafe { *self.segments.lens.add(at as usize) } {
                    0 => at += 1,
                    n => {
                        at += small_granules(u32::from(n) - 1);
                        return Some(start);
                    }
                }
            }
            None
        });
        small.chain(self.large.taken().map(|(header, _)| header + 1))
    }
}

#[cfg(test)]
mod tests;
