//! A table with something for every word of segment 0, in reserved address space. A leaf.

use rum_interp::engine::{Backing, Pages};
use std::io;
use std::marker::PhantomData;

/// The table: all bytes zero at first, which has to mean something for `T`.
pub(crate) struct PerWord<T> {
    pages: Pages,
    words: usize,
    kind: PhantomData<T>,
}

/// Bytes that are asked for at once.
const PAGE_BYTES: u64 = 4096;

impl<T: Copy> PerWord<T> {
    /// A table for programs of up to `words_max` words.
    ///
    /// # Safety
    /// Zero bytes are a value of the type.
    ///
    /// # Errors
    /// The system has no address space for it.
    pub unsafe fn new(words_max: usize, backing: Backing) -> io::Result<PerWord<T>> {
        Ok(PerWord { pages: Pages::new(words_max * size_of::<T>(), backing)?, words: 0, kind: PhantomData })
    }

    /// Makes the table usable for a program of `words` words.
    ///
    /// # Errors
    /// The system has no memory for it.
    pub fn make_room(&mut self, words: usize) -> io::Result<()> {
        if words > self.words {
            self.pages.make_room(words * size_of::<T>())?;
            self.words = words;
        }
        Ok(())
    }

    /// Address of what belongs to word 0.
    pub fn address(&self) -> *mut T {
        self.pages.start().cast()
    }

    /// Asks for the memory that it takes to change what belongs to a word, if that was not asked for before and `take` agrees to so many
    /// bytes. Whether it is there.
    pub fn take_room(&mut self, pc: u32, take: impl FnOnce(u64) -> bool) -> bool {
        if pc as usize >= self.words {
            return false;
        }
        let at = pc as usize * size_of::<T>();
        if !self.pages.has(at) {
            if !take(PAGE_BYTES) {
                return false;
            }
            self.pages.ask(at, size_of::<T>());
        }
        true
    }

    /// What belongs to a word; none outside.
    #[inline]
    pub fn get(&self, pc: u32) -> Option<T> {
        if pc as usize >= self.words {
            return None;
        }
        if !self.pages.has(pc as usize * size_of::<T>()) {
            // SAFETY: zero bytes are a value of the type, and what was not asked for is zero: nothing is read there.
            return Some(unsafe { std::mem::zeroed() });
        }
        // SAFETY: the table is accessible up to `words`, and holds values of the type.
        Some(unsafe { *self.address().add(pc as usize) })
    }

    /// What belongs to a word, to be changed.
    ///
    /// # Panics
    /// `pc` lies outside the table.
    pub fn get_mut(&mut self, pc: u32) -> &mut T {
        assert!((pc as usize) < self.words, "pc {pc} is in no program");
        self.take_room(pc, |_| true);
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
        *table.get_mut(1_600) = 7;
        assert_eq!((table.get(1_600), table.get(1_200), table.get(2_000)), (Some(7), Some(0), None));
    }
}
