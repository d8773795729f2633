//! The third version: all segments lie in one pool of words, and an abandoned one is used again for the next of its length.
//! An identifier is a place in the pool, so that a word is found without a table; the program is a field of its own.

use crate::segments::Segments;

/// Lengths up to this have a free list each; there are few longer ones, and their list is searched.
const LISTED_WORDS_MAX: usize = 64;

/// A pool of words: before each segment stands its length, 0 if it was abandoned.
pub struct Pool {
    program: Vec<u32>,
    words: Vec<u32>,
    free: [Vec<u32>; LISTED_WORDS_MAX + 1],
    free_long: Vec<(u32, u32)>,
}

impl Pool {
    /// Where a word stands: inside an active segment, or this is the end.
    #[inline]
    fn place(&self, id: u32, offset: u32) -> usize {
        assert!(offset < self.words[id as usize - 1], "a word of an active segment");
        id as usize + offset as usize
    }

    /// A place that was used for a segment of this length.
    fn take(&mut self, len: u32) -> Option<u32> {
        match self.free.get_mut(len as usize) {
            Some(list) => list.pop(),
            None => {
                let found = self.free_long.iter().position(|&(free, _)| free == len)?;
                Some(self.free_long.swap_remove(found).1)
            }
        }
    }
}

impl Segments for Pool {
    fn new(program: Vec<u32>) -> Pool {
        Pool { program, words: Vec::new(), free: [const { Vec::new() }; LISTED_WORDS_MAX + 1], free_long: Vec::new() }
    }

    fn get(&self, id: u32, offset: u32) -> u32 {
        if id == 0 { self.program[offset as usize] } else { self.words[self.place(id, offset)] }
    }

    fn set(&mut self, id: u32, offset: u32, value: u32) {
        if id == 0 {
            self.program[offset as usize] = value;
        } else {
            let place = self.place(id, offset);
            self.words[place] = value;
        }
    }

    fn alloc(&mut self, len: u32) -> u32 {
        match self.take(len) {
            Some(id) => {
                let start = id as usize;
                self.words[start - 1] = len;
                self.words[start..start + len as usize].fill(0);
                id
            }
            None => {
                self.words.push(len);
                let id = u32::try_from(self.words.len()).expect("a pool of less than 16 GiB");
                self.words.resize(id as usize + len as usize, 0);
                id
            }
        }
    }

    fn abandon(&mut self, id: u32) {
        let len = std::mem::take(&mut self.words[id as usize - 1]);
        match self.free.get_mut(len as usize) {
            Some(list) => list.push(id),
            None => self.free_long.push((len, id)),
        }
    }

    fn load(&mut self, id: u32) {
        let start = id as usize;
        self.program.clear();
        self.program.extend_from_slice(&self.words[start..start + self.words[start - 1] as usize]);
    }

    fn fetch(&self, pc: u32) -> u32 {
        self.program[pc as usize]
    }
}
