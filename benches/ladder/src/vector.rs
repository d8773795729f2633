//! The second version: identifiers are places in a vector.

use crate::segments::Segments;

/// Segments by place; an abandoned one is empty.
pub struct Vector {
    segments: Vec<Vec<u32>>,
    free: Vec<u32>,
}

impl Segments for Vector {
    fn new(program: Vec<u32>) -> Vector {
        Vector { segments: vec![program], free: Vec::new() }
    }

    fn get(&self, id: u32, offset: u32) -> u32 {
        self.segments[id as usize][offset as usize]
    }

    fn set(&mut self, id: u32, offset: u32, value: u32) {
        self.segments[id as usize][offset as usize] = value;
    }

    fn alloc(&mut self, len: u32) -> u32 {
        let segment = vec![0; len as usize];
        match self.free.pop() {
            Some(id) => {
                self.segments[id as usize] = segment;
                id
            }
            None => {
                self.segments.push(segment);
                (self.segments.len() - 1) as u32
            }
        }
    }

    fn abandon(&mut self, id: u32) {
        self.segments[id as usize] = Vec::new();
        self.free.push(id);
    }

    fn load(&mut self, id: u32) {
        self.segments[0] = self.segments[id as usize].clone();
    }

    fn fetch(&self, pc: u32) -> u32 {
        self.segments[0][pc as usize]
    }
}
