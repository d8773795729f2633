//! Extents of granules for large segments: best fit over what was given back, else new ones from the top down.
//!
//! A leaf: knows numbers of granules, not memory. Free extents next to each other are always one, so what programs
//! with large segments can lose to fragmentation is what best fit loses.

use std::collections::{BTreeMap, BTreeSet};

/// Which granules large segments have, and which are free between them.
#[derive(Debug)]
pub(crate) struct Extents {
    /// The end of the highest.
    top: u32,
    /// Everything from here to `top` is taken or free; below, nothing was handed out.
    bottom: u32,
    /// The lowest that `bottom` has been.
    lowest: u32,
    /// Start -> length.
    taken: BTreeMap<u32, u32>,
    /// Start -> length.
    free: BTreeMap<u32, u32>,
    /// (length, start) of the same.
    free_by_len: BTreeSet<(u32, u32)>,
}

impl Extents {
    /// Extents that grow down from granule `top`.
    pub fn new(top: u32) -> Extents {
        Extents {
            top,
            bottom: top,
            lowest: top,
            taken: BTreeMap::new(),
            free: BTreeMap::new(),
            free_by_len: BTreeSet::new(),
        }
    }

    /// The lowest granule that belongs to large segments.
    pub fn bottom(&self) -> u32 {
        self.bottom
    }

    /// No granule below this was ever handed out.
    pub fn lowest(&self) -> u32 {
        self.lowest
    }

    /// The end of the highest granules.
    pub fn top(&self) -> u32 {
        self.top
    }

    /// Whether an extent is taken as it is.
    pub fn is_taken(&self, start: u32, len: u32) -> bool {
        self.taken.get(&start) == Some(&len)
    }

    /// Has these extents taken, which are in order and below the top, and all between them free.
    pub fn restore(&mut self, taken: &[(u32, u32)], lowest: u32) {
        let bottom = taken.first().map_or(self.top, |&(start, _)| start);
        *self = Extents { bottom, lowest, ..Extents::new(self.top) };
        let mut end = bottom;
        for &(start, len) in taken.iter().chain(&[(self.top, 0)]) {
            if start > end {
                self.insert_free(end, start - end);
            }
            end = start + len;
        }
        self.taken.extend(taken.iter().copied());
    }

    /// Takes an extent of `len` granules at or above `floor`. None if there is none.
    pub fn take(&mut self, len: u32, floor: u32) -> Option<u32> {
        let start = match self.free_by_len.range((len, 0)..).next().copied() {
            Some((free_len, start)) => {
                self.remove_free(start, free_len);
                if free_len > len {
                    self.insert_free(start + len, free_len - len);
                }
                start
            }
            None => {
                let start = self.bottom.checked_sub(len).filter(|&start| start >= floor)?;
                self.bottom = start;
                self.lowest = self.lowest.min(start);
                start
            }
        };
        self.taken.insert(start, len);
        Some(start)
    }

    /// Gives an extent back, as it was taken.
    pub fn give(&mut self, start: u32, len: u32) {
        let was = self.taken.remove(&start);
        debug_assert_eq!(was, Some(len));
        let (mut start, mut len) = (start, len);
        if let Some((&before, &before_len)) = self.free.range(..start).next_back()
            && before + before_len == start
        {
            self.remove_free(before, before_len);
            (start, len) = (before, before_len + len);
        }
        if let Some(&after_len) = self.free.get(&(start + len)) {
            self.remove_free(start + len, after_len);
            len += after_len;
        }
        if start == self.bottom {
            self.bottom += len;
        } else {
            self.insert_free(start, len);
        }
    }

    /// Start and length of every extent taken, in order.
    pub fn taken(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.taken.iter().map(|(&start, &len)| (start, len))
    }

    fn insert_free(&mut self, start: u32, len: u32) {
        self.free.insert(start, len);
        self.free_by_len.insert((len, start));
    }

    fn remove_free(&mut self, start: u32, len: u32) {
        self.free.remove(&start);
        self.free_by_len.remove(&(len, start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_and_the_bottom_rises_again() {
        let mut extents = Extents::new(1000);
        let taken: Vec<u32> = (0..4).map(|_| extents.take(100, 0).expect("room")).collect();
        assert_eq!(taken, [900, 800, 700, 600]);
        extents.give(800, 100);
        extents.give(700, 100);
        assert_eq!(extents.take(150, 0), Some(700), "two neighbours serve one");
        assert_eq!(extents.take(50, 0), Some(850), "best fit takes the rest");
        assert_eq!(extents.take(700, 0), None);
        assert_eq!(extents.take(100, 550), None, "the floor is kept");
        for (start, len) in [(600, 100), (700, 150), (850, 50), (900, 100)] {
            extents.give(start, len);
        }
        assert_eq!((extents.bottom(), extents.taken().count(), extents.free.len()), (1000, 0, 0));
    }
}
