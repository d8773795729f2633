//! The first version one writes: a hash map from identifiers to segments, segment 0 among them.

use crate::segments::Segments;
use std::collections::HashMap;

/// Segments by identifier.
pub struct Hash {
    segments: HashMap<u32, Vec<u32>>,
    free: Vec<u32>,
    next: u32,
}

impl Segments for Hash {
    fn new(program: Vec<u32>) -> Hash {
        Hash { segments: HashMap::from([(0, program)]), free: Vec::new(), next: 1 }
    }

    fn get(&self, id: u32, offset: u32) -> u32 {
        self.segments[&id][offset as usize]
    }

    fn set(&mut self, id: u32, offset: u32, value: u32) {
        self.segments.get_mut(&id).expect("an active segment")[offset as usize] = value;
    }

    fn alloc(&mut self, len: u32) -> u32 {
        let id = self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        });
        self.segments.insert(id, vec![0; len as usize]);
        id
    }

    fn abandon(&mut self, id: u32) {
        self.segments.remove(&id).expect("an active segment");
        self.free.push(id);
    }

    fn load(&mut self, id: u32) {
        let copy = self.segments[&id].clone();
        self.segments.insert(0, copy);
    }

    fn fetch(&self, pc: u32) -> u32 {
        self.segments[&0][pc as usize]
    }
}
