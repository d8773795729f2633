//! The tier's table: for every word of segment 0 where its code is, and how often that is still to be executed before it is hot.

use rum_interp::engine::{Backing, Reservation};
use std::io;

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

/// The table.
pub(super) struct Table {
    space: Reservation,
    words: usize,
}

impl Table {
    pub fn new(words_max: usize, backing: Backing) -> io::Result<Table> {
        Ok(Table { space: Reservation::new(words_max * size_of::<Way>(), backing)?, words: 0 })
    }

    /// Makes the table usable for a program of `words` words.
    pub fn make_room(&mut self, words: usize) -> io::Result<()> {
        if words > self.words {
            self.space.commit(0, words * size_of::<Way>())?;
            self.words = words;
        }
        Ok(())
    }

    pub fn address(&self) -> *mut Way {
        self.space.start().cast()
    }

    /// The entry of a word; none outside.
    pub fn get(&self, pc: u32) -> Option<Way> {
        // SAFETY: the table is accessible up to `words`.
        ((pc as usize) < self.words).then(|| unsafe { *self.address().add(pc as usize) })
    }

    /// The entry of a word, to be changed.
    ///
    /// # Panics
    /// `pc` lies outside the table.
    pub fn get_mut(&mut self, pc: u32) -> &mut Way {
        assert!((pc as usize) < self.words, "pc {pc} is in no program");
        // SAFETY: in range by the assertion; no code runs now.
        unsafe { &mut *self.address().add(pc as usize) }
    }
}
