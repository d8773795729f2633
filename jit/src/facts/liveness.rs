//! Which registers matter where: a backward problem over the blocks of a region.

use super::effects::Effect;
use crate::guest::inst::RegSet;
use crate::region::Region;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Solves a backward problem: what is needed at a block's start is what it needs itself, and what its successors need
/// and it does not write.
pub(super) fn backwards(
    region: &Region,
    effects: &BTreeMap<u32, Effect>,
    own: fn(&Effect) -> RegSet,
) -> FxHashMap<u32, RegSet> {
    let mut needed: FxHashMap<u32, RegSet> = effects.iter().map(|(&start, effect)| (start, own(effect))).collect();
    loop {
        let mut changed = false;
        for (start, block) in region.blocks.iter().rev() {
            let after = region.successors(block).fold(0, |set, next| set | needed[&next]);
            let before = needed[start] | after & !effects[start].written;
            if before != needed[start] {
                needed.insert(*start, before);
                changed = true;
            }
        }
        if !changed {
            return needed;
        }
    }
}
