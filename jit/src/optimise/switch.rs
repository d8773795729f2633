//! Computed jumps that were seen to go to blocks of the region: an interpreter's dispatch, a procedure's return.
//!
//! A few targets are compared one after the other; targets that lie close together index a jump table; others are hashed
//! into one by a multiplication without collisions, and compared there. What is none of them goes through the table of
//! entries.

use super::translator::Translator;
use crate::guest::block::Block;
use crate::options::Optimisation;
use crate::tuning::{COMPARED_MAX, SLOTS_PER_TARGET};
use cranelift_codegen::ir::{self, InstBuilder, condcodes::IntCC};
use rum_interp::isa::Reg;

/// How the slot of a target is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    /// Slot `target - least`.
    Distance { least: u32, slots: usize },
    /// Slot `(target * factor) >> (32 - bits)`.
    Product { factor: u32, bits: u32 },
}

impl Hash {
    /// A hash without collisions; none if it would need too many slots.
    fn find(targets: &[u32]) -> Option<Hash> {
        let (least, most) = (*targets.iter().min()?, *targets.iter().max()?);
        let slots = (most - least) as usize + 1;
        if slots <= SLOTS_PER_TARGET * targets.len() {
            return Some(Hash::Distance { least, slots });
        }
        let bits_least = targets.len().next_power_of_two().trailing_zeros();
        let bits_most = (targets.len() * SLOTS_PER_TARGET).ilog2();
        // Multiples of an odd constant far from any power of two: as good as random, and the same every time.
        (bits_least..=bits_most).find_map(|bits| {
            let mut factor = 1u32;
            (0..200).find_map(|_| {
                factor = factor.wrapping_mul(0x9e37_79b1);
                let hash = Hash::Product { factor, bits };
                let mut taken = vec![false; hash.slots()];
                targets.iter().all(|&target| !std::mem::replace(&mut taken[hash.slot(target)], true)).then_some(hash)
            })
        })
    }

    fn slots(self) -> usize {
        match self {
            Hash::Distance { slots, .. } => slots,
            Hash::Product { bits, .. } => 1 << bits,
        }
    }

    fn slot(self, target: u32) -> usize {
        match self {
            Hash::Distance { least, .. } => (target - least) as usize,
            Hash::Product { factor, bits } => (target.wrapping_mul(factor) >> (32 - bits)) as usize,
        }
    }
}

impl Translator<'_> {
    /// Goes to the targets of a computed jump that are known; goes on where it goes elsewhere.
    pub(super) fn switch(&mut self, block: &Block, c: Reg) {
        let mut targets: Vec<u32> = self.region.successors(block).collect();
        if targets.is_empty() {
            return;
        }
        let hash = if targets.len() > COMPARED_MAX { Hash::find(&targets) } else { None };
        if hash.is_none() {
            targets.truncate(COMPARED_MAX);
        }
        let value = self.get(c);
        let sides: Vec<(ir::Block, u32)> = targets.iter().map(|&target| (self.e.b.create_block(), target)).collect();
        sides.iter().for_each(|_| self.gain(Optimisation::Targets));
        let otherwise = match hash {
            Some(hash) => self.jump_table(value, hash, &sides),
            None => self.compare_all(value, &sides),
        };
        self.sides(block, c, sides.into_iter());
        self.e.b.switch_to_block(otherwise);
    }

    fn compare_all(&mut self, value: ir::Value, sides: &[(ir::Block, u32)]) -> ir::Block {
        for &(side, target) in sides {
            self.compare_one(value, target, side, None);
        }
        self.e.b.current_block().expect("a block that is not finished")
    }

    /// Goes to `side` if the value is `target`, to `otherwise` or on if not.
    fn compare_one(&mut self, value: ir::Value, target: u32, side: ir::Block, otherwise: Option<ir::Block>) {
        let same = self.e.compare(IntCC::Equal, value, i64::from(target));
        let next = otherwise.unwrap_or_else(|| self.e.b.create_block());
        self.e.b.ins().brif(same, side, &[], next, &[]);
        if otherwise.is_none() {
            self.e.b.switch_to_block(next);
        }
    }

    fn jump_table(&mut self, value: ir::Value, hash: Hash, sides: &[(ir::Block, u32)]) -> ir::Block {
        let otherwise = self.e.b.create_block();
        let index = match hash {
            Hash::Distance { least, .. } => {
                let least = self.iconst(least);
                self.e.b.ins().isub(value, least)
            }
            Hash::Product { factor, bits } => {
                let (factor, shift) = (self.iconst(factor), self.iconst(32 - bits));
                let product = self.e.b.ins().imul(value, factor);
                self.e.b.ins().ushr(product, shift)
            }
        };
        let mut slots = vec![otherwise; hash.slots()];
        let mut compared = Vec::new();
        for &(side, target) in sides {
            slots[hash.slot(target)] = match hash {
                Hash::Distance { .. } => side,
                Hash::Product { .. } => {
                    let check = self.e.b.create_block();
                    compared.push((check, side, target));
                    check
                }
            };
        }
        self.e.jump_table(index, &slots, otherwise);
        for (check, side, target) in compared {
            self.e.b.switch_to_block(check);
            self.compare_one(value, target, side, Some(otherwise));
        }
        otherwise
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_slot_of_its_own() {
        let far: Vec<u32> = (0..40u32).map(|i| i * i * 977 + i * 13).collect();
        let close: Vec<u32> = (0..12).map(|i| 5000 + i * 3).collect();
        for targets in [far, close, vec![7, 9_000_000, 12, 13], vec![0, u32::MAX, 1, 2, 3]] {
            let hash = Hash::find(&targets).expect("a hash for few targets");
            let slots: std::collections::HashSet<usize> = targets.iter().map(|&target| hash.slot(target)).collect();
            assert_eq!(slots.len(), targets.len());
            assert!(slots.iter().all(|&slot| slot < hash.slots()));
            assert!(hash.slots() <= SLOTS_PER_TARGET * targets.len());
        }
    }
}
