//! What is remembered of roots whatever program is loaded: how often their code was made in vain.

use crate::tuning::{BLOCK_PUT_OFF_BITS_MAX, PUT_OFF_BITS_MAX};
use rustc_hash::FxHashMap;

/// The memory that outlives a program.
#[derive(Default)]
pub(crate) struct History {
    /// How often a root's code was dropped because the program had changed meanwhile, this one or others before it.
    drops: FxHashMap<u32, u32>,
    /// How often a block was dropped because the program was replaced.
    block_drops: FxHashMap<u32, u32>,
}

impl History {
    /// The code of a root was made in vain. Gives the heat to start from: the more often that happens, the longer until the
    /// next attempt.
    pub fn dropped(&mut self, root: u32) -> i32 {
        put_off(self.drops.entry(root).or_default(), PUT_OFF_BITS_MAX)
    }

    /// The block at a word is gone with its program. Gives the heat to start from, as above.
    pub fn block_dropped(&mut self, pc: u32) -> i32 {
        put_off(self.block_drops.entry(pc).or_default(), BLOCK_PUT_OFF_BITS_MAX)
    }
}

/// Counts a drop. Gives less than 0, by a power of two that doubles each time, up to that of `bits_max`.
fn put_off(drops: &mut u32, bits_max: u32) -> i32 {
    *drops += 1;
    -(1 << (*drops + 4).min(bits_max))
}
