//! What a step of the ladder has to do. A leaf.

/// How segments are kept.
pub trait Segments {
    /// With the program as segment 0.
    fn new(program: Vec<u32>) -> Self;
    /// The word at `offset` of segment `id`.
    fn get(&self, id: u32, offset: u32) -> u32;
    /// Changes that word.
    fn set(&mut self, id: u32, offset: u32, value: u32);
    /// A new segment of `len` words that are 0.
    fn alloc(&mut self, len: u32) -> u32;
    /// Gives a segment back.
    fn abandon(&mut self, id: u32);
    /// Makes segment 0 a copy of segment `id`.
    fn load(&mut self, id: u32);
    /// The word of segment 0 at `pc`.
    fn fetch(&self, pc: u32) -> u32;
}
