//! The zone of small segments that have names beside segments that have none: a part of the room of segment 0, where no
//! identifier leads (`names.rs`).
//!
//! There are few of them, so this is simple: blocks from the zone's start on, and for each size a list of those given back,
//! which runs through the blocks themselves.

use super::layout::{SMALL_WORDS_MAX, small_granules};

/// Sizes of small segments in granules, and one for none.
const SIZES: usize = small_granules(SMALL_WORDS_MAX) as usize + 1;

/// Which granules of the zone are in use. Knows numbers of granules, not memory.
#[derive(Debug)]
pub(super) struct Zone {
    start: u32,
    end: u32,
    /// Granules at or above this were never used.
    next: u32,
    /// For each size in granules the block given back last; 0 if there is none.
    free: Box<[u32; SIZES]>,
}

/// A block of granules.
#[derive(Clone, Copy, Debug)]
pub(super) enum Block {
    /// Was in use before, and leads to the next free one of its size.
    Used(u32),
    /// Was never used: zero.
    New(u32),
}

impl Zone {
    pub fn new(start: u32, end: u32) -> Zone {
        Zone { start, end, next: start, free: Box::new([0; SIZES]) }
    }

    /// The first granule.
    pub fn start(&self) -> u32 {
        self.start
    }

    /// Granules that were ever in use.
    pub fn granules(&self) -> u32 {
        self.next - self.start
    }

    /// The block that the next segment of so many granules gets; none if there is no room.
    pub fn find(&self, granules: u32) -> Option<Block> {
        match self.free[granules as usize] {
            0 => (self.end - self.next >= granules).then_some(Block::New(self.next)),
            block => Some(Block::Used(block)),
        }
    }

    /// Takes the block that [`Zone::find`] told; `after` is the block that a used one leads to.
    pub fn take(&mut self, granules: u32, block: Block, after: u32) {
        match block {
            Block::New(_) => self.next += granules,
            Block::Used(_) => self.free[granules as usize] = after,
        }
    }

    /// Gives a block back; it is to lead to the block that this returns.
    pub fn give(&mut self, granules: u32, block: u32) -> u32 {
        std::mem::replace(&mut self.free[granules as usize], block)
    }
}
