//! The third version: an abandoned segment keeps its storage for the next one of its length, and the program is a field of
//! its own.

use crate::Segments;

/// Lengths up to this have a free list each; longer segments go back to the allocator.
const POOLED_WORDS_MAX: usize = 64;

/// Segments by place, with free places by length.
pub struct Pool {
    program: Vec<u32>,
    segments: Vec<Vec<u32>>,
    free: Vec<Vec<u32>>,
}

impl Pool {
    /// The list that places of a length go to; the last one is for places without storage.
    fn list(len: usize) -> usize {
        if len <= POOLED_WORDS_MAX { len } else { POOLED_WORDS_MAX + 1 }
    }
}

impl Segments for Pool {
    fn new(program: Vec<u32>) -> Pool {
        Pool { program, segments: vec![Vec::new()], free: vec![Vec::new(); POOLED_WORDS_MAX + 2] }
    }

    fn get(&self, id: u32, offset: u32) -> u32 {
        if id == 0 { self.program[offset as usize] } else { self.segments[id as usize][offset as usize] }
    }

    fn set(&mut self, id: u32, offset: u32, value: u32) {
        if id == 0 {
            self.program[offset as usize] = value;
        } else {
            self.segments[id as usize][offset as usize] = value;
        }
    }

    fn alloc(&mut self, len: u32) -> u32 {
        let len = len as usize;
        match self.free[Pool::list(len)].pop() {
            Some(id) => {
                let segment = &mut self.segments[id as usize];
                if segment.len() == len {
                    segment.fill(0);
                } else {
                    *segment = vec![0; len];
                }
                id
            }
            None => {
                self.segments.push(vec![0; len]);
                (self.segments.len() - 1) as u32
            }
        }
    }

    fn abandon(&mut self, id: u32) {
        assert_ne!(id, 0, "segment 0 is the program");
        let segment = &mut self.segments[id as usize];
        let list = Pool::list(segment.len());
        if segment.len() > POOLED_WORDS_MAX {
            *segment = Vec::new();
        }
        self.free[list].push(id);
    }

    fn load(&mut self, id: u32) {
        self.program.clone_from(&self.segments[id as usize]);
    }

    fn fetch(&self, pc: u32) -> u32 {
        self.program[pc as usize]
    }
}
