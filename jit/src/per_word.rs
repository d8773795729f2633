//! A table with something for every word of segment 0, in reserved address space. A leaf.

use rum_interp::engine::{Backing, Reservation};
use std::io;
use std::marker::PhantomData;

/// The table: all bytes zero at first, which has to mean something for `T`.
pub(crate) struct PerWord<T> {
    space: Reservation,
    words: usize,
    kind: PhantomData<T>,
}

impl<T: Copy> PerWord<T> {
    /// A table for programs of up to `words_max` words.
    ///
    /// # Safety
    /// Zero bytes are a value of the type.
    ///
    /// # Errors
    /// The system has no address space for it.
    pub unsafe fn new(words_max: usize, backing: Backing) -> io::Result<PerWord<T>> {
        Ok(PerWord { space: Reservation::new(words_max * size_of::<T>(), backing)?, words: 0, kind: PhantomData })
    }

    /// Makes the table usable for a program of `words` words.
    ///
    /// # Errors
    /// The system has no memory for it.
    pub fn make_room(&mut self, words: usize) -> io::Result<()> {
        if words > self.words {
            self.space.commit(0, words * size_of::<T>())?;
            self.words = words;
        }
        Ok(())
    }

    /// Address of what belongs to word 0.
    pub fn address(&self) -> *mut T {
        self.space.start().cast()
    }

    /// What belongs to a word; none outside.
    pub fn get(&self, pc: u32) -> Option<T> {
        // SAFETY: the table is accessible up to `words`, and holds values of the type.
        ((pc as usize) < self.words).then(|| unsafe { *self.address().add(pc as usize) })
    }

    /// What belongs to a word, to be changed.
    ///
    /// # Panics
    /// `pc` lies outside the table.
    pub fn get_mut(&mut self, pc: u32) -> &mut T {
        assert!((pc as usize) < self.words, "pc {pc} is in no program");
        // SAFETY: in range by the assertion; compiled code, which uses the table too, does not run now.
        unsafe { &mut *self.address().add(pc as usize) }
    }
}
