//! Where segments are and how their lengths are told: the one place that knows. The interpreter uses `Segments`;
//! engines that make code of their own use the constants.
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
//! Segment 0 starts at granule 0. Its length byte stays 0, so that the quick test fails for identifier 0 and a store that
//! goes through is never a store into the program. Its length stands in the machine's state.
//!
//! Some identifiers, or all, are *names* instead (`names.rs`): they are looked up in a table, which leads to a place. If all are,
//! everything above holds of places.
//!
//! Which granules a new segment gets is the business of `small.rs` and `large.rs`.

use crate::isa::Word;

/// Bytes in a granule.
pub const GRANULE_BYTES: usize = 1 << GRANULE_SHIFT;
/// The same as a number of bits to shift an identifier by.
pub const GRANULE_SHIFT: u32 = 3;
/// The longest small segment, in words.
pub const SMALL_WORDS_MAX: u32 = 253;
/// The length byte of a large segment.
pub const LARGE: u8 = 255;
/// How far before its words the length of a large segment stands, in bytes: a header takes a granule.
pub const HEADER_BYTES: usize = GRANULE_BYTES;
/// The longest run taken at once, in granules: what is cleared together is used while it is in the nearest cache.
pub const RUN_GRANULES_MAX: u32 = 512;

/// Granules that a small segment of `words` words takes: at least one, because empty segments have identifiers too.
#[inline(always)]
pub const fn small_granules(words: u32) -> u32 {
    if words == 0 { 1 } else { words.div_ceil(2) }
}

/// The length byte of a small segment of `words` words.
#[inline(always)]
pub const fn small_len(words: u32) -> u8 {
    debug_assert!(words <= SMALL_WORDS_MAX);
    (words + 1) as u8
}

/// Granules of a large segment, its header included.
pub(crate) const fn large_granules(words: u32) -> u32 {
    words.div_ceil(2) + 1
}

/// An entry of the table of names where others have none: where the segment is, which has no length byte, and how long. Where all
/// segments have names, an entry is the place alone, of 32 bits.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Name {
    /// The segment's first granule; of a name that is not in use, the next one to be handed out after it.
    pub place: u32,
    /// The segment's length in words; 0 if the name is not in use.
    pub words: u32,
}

/// Bytes in an entry of the table of names where all segments have one, as a number of bits to shift an identifier by.
pub const PLACE_SHIFT: u32 = size_of::<u32>().trailing_zeros();
/// The same where others have none.
pub const NAME_SHIFT: u32 = size_of::<Name>().trailing_zeros();
/// Where in an entry the segment's first granule stands, 32 bits.
pub const NAME_PLACE: usize = std::mem::offset_of!(Name, place);
/// Where in an entry the segment's length in words stands, 32 bits.
pub const NAME_WORDS: usize = std::mem::offset_of!(Name, words);
const _: () = assert!(1 << NAME_SHIFT == size_of::<Name>());

/// The addresses that every access starts from. A copy is good for as long as the [`crate::memory::Memory`] that it was
/// taken from lives: that is what the safety sections below ask for with "the segments are mapped".
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Segments {
    /// Address of granule 0.
    pub data: *mut u8,
    /// Address of granule 0's length byte.
    pub lens: *mut u8,
    /// Identifiers at or above this have no length byte: the number of granules, or 0 where all identifiers are names.
    pub id_bound: u64,
    /// Address of the entry of name 0, which there is not.
    pub names: *mut u32,
    /// Names are below this.
    pub names_bound: u32,
    /// Whether all segments have names.
    pub all_named: bool,
}

impl Segments {
    /// The length byte of any identifier.
    ///
    /// # Safety
    /// The segments are mapped.
    #[inline(always)]
    pub unsafe fn len_byte(self, id: u32) -> u8 {
        if u64::from(id) >= self.id_bound {
            return 0;
        }
        // SAFETY: the length bytes reach to `id_bound`.
        unsafe { *self.lens.add(id as usize) }
    }

    /// Sets the length byte of an identifier.
    ///
    /// # Safety
    /// The segments are mapped, and `id` is below `id_bound`. What the byte says is true.
    #[inline(always)]
    pub unsafe fn set_len_byte(self, id: u32, len: u8) {
        // SAFETY: the caller's promise.
        unsafe { *self.lens.add(id as usize) = len }
    }

    /// Address of a word of a segment.
    ///
    /// # Safety
    /// The segments are mapped, `id` is below `id_bound`, and the segment has that word or ends with the one before.
    #[inline(always)]
    pub unsafe fn word(self, id: u32, offset: u32) -> *mut Word {
        // SAFETY: the caller's promise.
        unsafe { self.data.add(id as usize * GRANULE_BYTES).cast::<Word>().add(offset as usize) }
    }

    /// Address of the length of a large segment.
    ///
    /// # Safety
    /// The segments are mapped, and `id` names a large segment, or is about to.
    #[inline(always)]
    pub unsafe fn header(self, id: u32) -> *mut u32 {
        // SAFETY: a large segment has a header before its words.
        unsafe { self.word(id, 0).byte_sub(HEADER_BYTES) }
    }

    /// Whether the word at `offset` belongs to the active segment `id`, which is not 0 and has no name.
    ///
    /// # Safety
    /// The segments are mapped.
    #[inline(always)]
    pub unsafe fn reaches(self, id: u32, offset: u32) -> bool {
        // SAFETY: an identifier below `id_bound` is one of the granules.
        u64::from(id) < self.id_bound && unsafe { self.place_reaches(id, offset) }
    }

    /// As [`Segments::reaches`], for the segment at a place, which is one of the granules.
    ///
    /// # Safety
    /// The segments are mapped.
    #[inline(always)]
    unsafe fn place_reaches(self, place: u32, offset: u32) -> bool {
        // SAFETY: every granule has a length byte; only a large segment is asked for its header.
        unsafe {
            let len = *self.lens.add(place as usize);
            u64::from(offset) + 1 < u64::from(len) || (len == LARGE && offset < *self.header(place))
        }
    }

    /// Address of the word at `offset` of the active segment with the name `id`, if there is such a word.
    ///
    /// # Safety
    /// The segments are mapped.
    #[inline(always)]
    pub unsafe fn named_word(self, id: u32, offset: u32) -> Option<*mut Word> {
        if id >= self.names_bound {
            return None;
        }
        // SAFETY: the table of names is accessible so far; an entry says a granule, and the test that there is such a word.
        unsafe {
            if self.all_named {
                let place = *self.names.add(id as usize);
                return self.place_reaches(place, offset).then(|| self.word(place, offset));
            }
            let name = *self.names.cast::<Name>().add(id as usize);
            (offset < name.words).then(|| self.word(name.place, offset))
        }
    }

    /// Gives the segment `id` back; false if it is not an active small one without a name.
    ///
    /// # Safety
    /// The segments are mapped.
    #[inline(always)]
    pub unsafe fn abandon_small(self, id: u32) -> bool {
        // SAFETY: an active identifier is below `id_bound`.
        unsafe {
            let small = !matches!(self.len_byte(id), 0 | LARGE);
            if small {
                self.set_len_byte(id, 0);
            }
            small
        }
    }
}
