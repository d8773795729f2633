//! The tier's table: for every word of segment 0 where its code is, and how often that is still to be executed before it is hot.

use crate::per_word::PerWord;

/// What the table says of a word. Code of the tier reads it, and counts, hence `repr(C)`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Way {
    /// Offset of the code to go on with. 0 leads to the routine that leaves.
    pub code: u32,
    /// Below 0; counts up, and at 0 the block is hot.
    pub count: i32,
}

/// Bytes in an entry of the table, as a number of bits to shift a pc by.
pub(super) const WAY_SHIFT: u32 = size_of::<Way>().trailing_zeros();
/// Where in an entry the count stands.
pub(super) const WAY_COUNT: i32 = std::mem::offset_of!(Way, count) as i32;

/// The table. All zero leads to the routine that leaves.
pub(super) type Table = PerWord<Way>;
