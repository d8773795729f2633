//! The zone of small segments that have names beside segments that have none: a part of the room of segment 0, where no
//! identifier leads (`names.rs`).
//!
//! There are few of them, so this is simple: blocks from the zone's start on, and for each size a list of those given back,
//! which runs through the blocks themselves.

use super::layout::{SMALL_WORDS_MAX, small_granules};
use crate::pack::{Packer, SnapshotError, Unpacker};
use std::io::{self, Read};

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

    /// The end of its granules.
    pub fn end(&self) -> u32 {
        self.end
    }

    /// Sizes of blocks in granules are below this.
    pub fn sizes(&self) -> u32 {
        SIZES as u32
    }

    /// The block of a size that was given back last; 0 if there is none.
    pub fn free(&self, granules: u32) -> u32 {
        self.free[granules as usize]
    }

    /// Whether a block lies in what was ever in use.
    pub fn holds(&self, block: u32, granules: u32) -> bool {
        block >= self.start && u64::from(block) + u64::from(granules) <= u64::from(self.next)
    }

    /// Writes which granules are in use.
    pub fn save(&self, out: &mut Packer) -> io::Result<()> {
        out.u32(self.granules())?;
        self.free.iter().try_for_each(|&block| out.u32(block))
    }

    /// Becomes as the zone that was written. Where blocks are is not looked at.
    pub fn load<R: Read>(&mut self, from: &mut Unpacker<R>) -> Result<(), SnapshotError> {
        let granules = from.u32()?;
        if granules > self.end - self.start {
            return Err(SnapshotError::Damaged("it has more segments with names than there can be"));
        }
        self.next = self.start + granules;
        for block in self.free.iter_mut() {
            *block = from.u32()?;
        }
        Ok(())
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
