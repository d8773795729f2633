//! Segment 0: becomes what an image or another segment says.

use super::layout::Name;
use super::{Memory, OutOfMemory, PREFIX_BYTES, RETURN_BYTES_MIN};
use crate::isa::Word;
use std::io;

/// An image of this length is long: huge pages are asked for ahead of it, so that it takes at most one more than it needs.
const LONG_BYTES: usize = 1 << 21;

impl Memory {
    /// Appends to the program what `fill` writes into room for up to `words_max` words, as bytes, of which it tells how many it
    /// wrote. False if that was not as many as there was room for, or there is no more room.
    ///
    /// # Errors
    /// What `fill` says; nothing is appended then.
    pub fn read_program(
        &mut self,
        words_max: usize,
        fill: impl FnOnce(&mut [[u8; 4]]) -> io::Result<usize>,
    ) -> io::Result<bool> {
        let len = self.program_len;
        let budget = usize::try_from(self.limit_bytes.saturating_sub(self.used_bytes()) / 4).unwrap_or(usize::MAX);
        let room = words_max.min(self.program_words_max() - len as usize).min(budget);
        // What was that long is likely to go on.
        if len as usize * 4 >= LONG_BYTES {
            self.data_space.expect_use_of_block(PREFIX_BYTES + len as usize * 4, room * 4);
        }
        if room == 0 || self.make_room_for_program(len as usize + room).is_err() {
            return Ok(false);
        }
        // SAFETY: segment 0 has so many words more now, which are initialised, and nothing else refers to them.
        let words = unsafe { std::slice::from_raw_parts_mut(self.segments.word(0, len).cast::<[u8; 4]>(), room) };
        let filled = fill(words);
        let written = *filled.as_ref().unwrap_or(&0);
        assert!(written <= room);
        self.program_len = len + written as u32;
        filled.map(|written| written == words_max)
    }

    /// Appends `words` to the program; for making one piece by piece.
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

    /// Makes other words the program.
    ///
    /// # Errors
    /// They do not fit, or the system has no memory for them.
    pub(crate) fn set_program(&mut self, words: &[Word]) -> Result<(), OutOfMemory> {
        self.make_room_for_program(words.len())?;
        // SAFETY: there is room, by the line before; `words` is not in the machine, by the borrow rules.
        unsafe { std::ptr::copy_nonoverlapping(words.as_ptr(), self.segments.word(0, 0), words.len()) };
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
        if id == 0 {
            return Ok(());
        }
        let Name { place, words } = self.locate(id).expect("the segment is active");
        let len = words as usize;
        self.make_room_for_program(len)?;
        // SAFETY: both have `len` words, and are not the same.
        unsafe { std::ptr::copy_nonoverlapping(self.segments.word(place, 0), self.segments.word(0, 0), len) };
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
}
