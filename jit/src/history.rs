//! What is remembered of roots whatever program is loaded: how often their code was made in vain.

use crate::tuning::PUT_OFF_BITS_MAX;
use rustc_hash::FxHashMap;

/// The memory that outlives a program.
#[derive(Default)]
pub(crate) struct History {
    /// How often a root's code was dropped because the program had changed meanwhile, this one or others before it.
    drops: FxHashMap<u32, u32>,
}

impl History {
    /// The code of a root was made in vain. Gives the heat to start from: the more often that happens, the longer until the
    /// next attempt.
    pub fn dropped(&mut self, root: u32) -> i32 {
        let drops = self.drops.entry(root).or_default();
        *drops += 1;
        -(1 << (*drops + 4).min(PUT_OFF_BITS_MAX))
    }
}
