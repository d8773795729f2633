//! A table with something for every word of segment 0, in reserved address space. A leaf.

use rum_interp::engine::{Backing, Reservation};
use std::io;
use std::marker::PhantomData;

/// The table: all bytes zero at first, which has to mean something for `T`.
pub(crate) struct PerWord<T> {
    space: Reservation,
    words: usize,
    /// One bit for each of the pages that may have something other than zeros.
    used: Vec<u64>,
    kind: PhantomData<T>,
}

/// Bytes that the system gives at once.
const PAGE_BYTES: usize = 4096;

impl<T: Copy> PerWord<T> {
    /// A table for programs of up to `words_max` words.
    ///
    /// # Safety
    /// Zero bytes are a value of the type.
    ///
    /// # Errors
    /// The system has no address space for it.
    pub unsafe fn new(words_max: usize, backing: Backing) -> io::Result<PerWord<T>> {
        Ok(PerWord {
            space: Reservation::new(words_max * size_of::<T>(), backing)?,
            words: 0,
            used: Vec::new(),
            kind: PhantomData,
        })
    }

    /// Makes the table usable for a program of `words` words.
    ///
    /// # Errors
    /// The system has no memory for it.
    pub fn make_room(&mut self, words: usize) -> io::Result<()> {
        if words > self.words {
            self.space.commit(0, words * size_of::<T>())?;
            self.words = words;
            self.used.resize((words * size_of::<T>()).div_ceil(PAGE_BYTES * 64), 0);
        }
        Ok(())
    }

    /// Address of what belongs to word 0.
    pub fn address(&self) -> *mut T {
        self.space.start().cast()
    }

    /// Bytes of memory that it takes to change what belongs to a word, beside those that were asked for before. From now on they count as
    /// asked for if `take` agrees, and whether it does is the answer.
    pub fn take_room(&mut self, pc: u32, take: impl FnOnce(u64) -> bool) -> bool {
        if pc as usize >= self.words {
            return false;
        }
        let page = pc as usize * size_of::<T>() / PAGE_BYTES;
        let (pages, bit) = (&mut self.used[page / 64], 1 << (page % 64));
        if *pages & bit == 0 && !take(PAGE_BYTES as u64) {
            return false;
        }
        *pages |= bit;
        true
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_once_for_a_page() {
        // SAFETY: zero bytes are a number.
        let mut table = unsafe { PerWord::<u64>::new(10_000, Backing::OnTouch) }.expect("address space");
        table.make_room(2_000).expect("memory");
        let mut taken = 0;
        let mut take = |pc| {
            table.take_room(pc, |bytes| {
                taken += bytes;
                taken <= 8192
            })
        };
        assert!(take(0) && take(511) && take(512) && take(600));
        assert!(!take(1_500), "no more is granted");
        assert!(!take(9_000), "outside");
        assert_eq!(taken, 3 * 4096);
    }
}
