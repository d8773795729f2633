//! Alloc and abandon of segments that have names.

use super::layout::{GRANULE_BYTES, Name, SMALL_WORDS_MAX, small_granules};
use super::small::clear_granules;
use super::zone::Block;
use super::{GRANULE_COST_BYTES, Ids, Memory, OutOfMemory};

impl Memory {
    /// A new segment, if it is to have a name and there is room for it.
    #[inline]
    pub(crate) fn alloc_if_named(&mut self, words: u32) -> Option<u32> {
        if self.names.left != 0 { self.alloc_named(words).ok() } else { None }
    }

    /// Gives segment `id` back if it is active and has a name.
    #[inline]
    pub(crate) fn abandon_if_named(&mut self, id: u32) -> bool {
        if id >= self.segments.names_bound {
            return false;
        }
        match self.locate(id) {
            Some(name) => {
                self.abandon_named(id, name);
                true
            }
            None => false,
        }
    }

    /// A new segment of `words` zeros, which gets the next name, or none any more.
    #[cold]
    pub(super) fn alloc_named(&mut self, words: u32) -> Result<u32, OutOfMemory> {
        let failure = OutOfMemory { words, limit_bytes: self.limit_bytes };
        let next_bytes = self.names.next_bytes();
        if self.used_bytes() + next_bytes > self.limit_bytes {
            // Granules that small segments have got and not touched are of no use without names.
            self.frontier = self.touched;
            if self.used_bytes() + next_bytes > self.limit_bytes {
                return Err(failure);
            }
        }
        let id = self.names.next().ok_or(failure)?;
        let place = match (self.ids, words <= SMALL_WORDS_MAX) {
            (Ids::Sequential, _) => self.alloc_unnamed(words)?,
            (_, false) => self.take_large(words)?,
            (_, true) => match self.take_from_zone(words)? {
                Some(place) => place,
                None => {
                    // The zone is full, on a machine with little address space: there are no more names.
                    self.names.left = 0;
                    return self.alloc_unnamed(words);
                }
            },
        };
        if self.ids == Ids::Mixed {
            self.names.left -= 1;
        }
        self.names.take(id, Name { place, words });
        self.segments.names_bound = self.names.accessible();
        Ok(id)
    }

    /// A block of the zone for `words` words, which are zero; none if there is no room in it.
    fn take_from_zone(&mut self, words: u32) -> Result<Option<u32>, OutOfMemory> {
        let failure = OutOfMemory { words, limit_bytes: self.limit_bytes };
        let granules = small_granules(words);
        let bytes = granules as usize * GRANULE_BYTES;
        let Some(block) = self.zone.find(granules) else { return Ok(None) };
        let (place, after) = match block {
            Block::New(place) => {
                if self.used_bytes() + u64::from(granules) * GRANULE_COST_BYTES > self.limit_bytes {
                    return Err(failure);
                }
                self.commit(place as usize * GRANULE_BYTES, bytes).map_err(|_| failure)?;
                (place, 0)
            }
            Block::Used(place) => {
                // SAFETY: a free block of the zone is accessible, leads to the next, and nothing else refers to it.
                unsafe {
                    let first = self.segments.word(place, 0);
                    let after = *first;
                    clear_granules(first.cast(), granules);
                    (place, after)
                }
            }
        };
        self.zone.take(granules, block, after);
        Ok(Some(place))
    }

    /// Gives back the segment with the name `id`, which is where `name` says.
    #[cold]
    pub(super) fn abandon_named(&mut self, id: u32, name: Name) {
        let Name { place, words } = name;
        self.names.give(id);
        match (self.ids, words <= SMALL_WORDS_MAX) {
            // SAFETY: the segment had a length byte.
            (Ids::Sequential, true) => unsafe { self.segments.set_len_byte(place, 0) },
            (Ids::Sequential, false) => self.abandon_large(place),
            (_, false) => self.give_large(place),
            (_, true) => {
                let after = self.zone.give(small_granules(words), place);
                // SAFETY: the block is in the zone, has at least one word, and nothing refers to it any more.
                unsafe { *self.segments.word(place, 0) = after };
            }
        }
    }
}
