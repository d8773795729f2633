//! A table in reserved address space that knows which of its pages were asked for.
//!
//! A page that is read before it is written to costs two faults: the first maps the system's page of zeros, the second replaces
//! that, and every processor that runs a thread of the process has to be told. So pages are asked for before they are used.

use crate::reserve::{Backing, Reservation};
use std::io;

/// What the system gives pages in; larger ones only come sooner.
const PAGE_BYTES: usize = 1 << 12;

/// The table: all bytes zero at first.
#[derive(Debug)]
pub struct Pages {
    space: Reservation,
    /// One bit for each page that was asked for.
    asked: Vec<u64>,
}

impl Pages {
    /// Reserves a table.
    ///
    /// # Errors
    /// The system has no address space for it.
    pub fn new(bytes: usize, backing: Backing) -> io::Result<Pages> {
        Ok(Pages { space: Reservation::new(bytes, backing)?, asked: Vec::new() })
    }

    /// Address of the first byte.
    pub fn start(&self) -> *mut u8 {
        self.space.start()
    }

    /// Has the system give large pages where it can: for a table that is used all over.
    pub fn prefer_huge(&self) {
        self.space.prefer_huge_pages();
    }

    /// Makes the first `bytes` bytes accessible.
    ///
    /// # Errors
    /// The system refuses to promise the memory.
    pub fn make_room(&mut self, bytes: usize) -> io::Result<()> {
        self.space.commit(0, bytes)?;
        let groups = bytes.div_ceil(PAGE_BYTES * 64);
        if groups > self.asked.len() {
            self.asked.resize(groups, 0);
        }
        Ok(())
    }

    /// Whether the page with the byte at an offset was asked for.
    #[inline]
    pub fn has(&self, offset: usize) -> bool {
        let page = offset / PAGE_BYTES;
        self.asked.get(page / 64).is_some_and(|group| group >> (page % 64) & 1 != 0)
    }

    /// Asks for the pages with some bytes, which lie in accessible ones, unless all were asked for before.
    pub fn ask(&mut self, offset: usize, bytes: usize) {
        let (first, end) = (offset / PAGE_BYTES, (offset + bytes).div_ceil(PAGE_BYTES));
        if (first..end).all(|page| self.has(page * PAGE_BYTES)) {
            return;
        }
        for page in first..end {
            self.asked[page / 64] |= 1 << (page % 64);
        }
        self.space.expect_use(first * PAGE_BYTES, (end - first) * PAGE_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_were_asked_for_are_known() {
        let mut pages = Pages::new(1 << 20, Backing::OnTouch).expect("a MiB");
        assert!(!pages.has(0), "no room yet");
        pages.make_room(300_000).expect("memory");
        pages.ask(4095, 2);
        assert_eq!([0, 4096, 8192].map(|at| pages.has(at)), [true, true, false]);
        pages.ask(5000, PAGE_BYTES);
        assert_eq!([0, 8191, 12287, 12288, 299_999].map(|at| pages.has(at)), [true, true, true, false, false]);
        // SAFETY: accessible, and nobody else knows of it.
        assert_eq!(unsafe { *pages.start().add(5000) }, 0);
    }
}
