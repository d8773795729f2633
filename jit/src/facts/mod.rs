//! Facts about a region that the translator needs before it starts: which registers matter where, and the loops.
//!
//! A register *matters* at the start of a block if some path reads it, or leaves compiled code, before it is written
//! again: leaving hands all eight registers to the interpreter, so at a point where code may leave, every register
//! matters. Where a register does not matter, its home in the state may be stale.

mod effects;
mod liveness;
mod loops;

use self::effects::Effect;
use self::liveness::backwards;
use self::loops::{back_edges, is_closed, nested, small_loops};
use crate::guest::block::End;
use crate::guest::inst::RegSet;
use crate::options::{Optimisation, Optimisations};
use crate::region::Region;
use crate::tuning::EDGES_MAX;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

pub(crate) use self::loops::{Loop, Params};

/// What is known about a region.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Registers that matter at a block's start.
    pub matters: FxHashMap<u32, RegSet>,
    /// Registers that go into a join as block parameters. Joins that are not in here take everything from the homes. Of a
    /// loop's header, what comes from outside the loop.
    pub params: FxHashMap<u32, Params>,
    /// Edges from a block back to one that leads to it, as both their starts: they poll.
    pub polls: FxHashSet<(u32, u32)>,
    /// The small loops that can only be entered at their header, outer ones first.
    pub loops: Vec<Loop>,
    /// The innermost of these that a block belongs to.
    innermost: FxHashMap<u32, usize>,
}

impl Facts {
    /// The loops whose header is `start`, outer ones first, as indices into `loops`.
    pub fn loops_of_header(&self, start: u32) -> impl Iterator<Item = usize> {
        (0..self.loops.len()).filter(move |&index| self.loops[index].header == start)
    }

    /// The innermost loop around `start`, not counting those whose header it is.
    pub fn loop_around(&self, start: u32) -> Option<usize> {
        let innermost = *self.innermost.get(&start)?;
        (0..=innermost)
            .rev()
            .find(|&index| self.loops[index].header != start && self.loops[index].body.contains(&start))
    }

    /// The innermost loop that an edge goes round.
    pub fn loop_of_edge(&self, from: u32, target: u32) -> Option<usize> {
        self.loops.iter().rposition(|found| found.header == target && found.body.contains(&from))
    }
}

/// Analyses a region.
pub(crate) fn analyse(region: &Region, optimisations: Optimisations, count: bool) -> Facts {
    let back_edges = back_edges(region);
    let polls: FxHashSet<u32> = back_edges.iter().map(|&(from, _)| from).collect();
    let effects: BTreeMap<u32, Effect> = region
        .blocks
        .iter()
        .map(|(&start, block)| (start, Effect::of(region, block, polls.contains(&start))))
        .collect();
    let polls = back_edges.iter().copied().collect();
    let mut matters = backwards(region, &effects, |effect| effect.matters);
    let reads = backwards(region, &effects, |effect| effect.reads);
    if count {
        // Every block may leave at its start, when the limit is near.
        matters.values_mut().for_each(|set| *set = RegSet::MAX);
    }
    let mut facts =
        Facts { matters, polls, params: FxHashMap::default(), loops: Vec::new(), innermost: FxHashMap::default() };
    if optimisations.has(Optimisation::Loops) {
        let mut loops = small_loops(region, &back_edges, &effects);
        let quotients = quotients(region, &loops, &effects, optimisations);
        for found in &mut loops {
            let params = |start: &u32| {
                // What only an exit wants is stored for it where so many edges come together that moving it costs more.
                let few = region.blocks[start].edges_in <= EDGES_MAX;
                let (matters, reads) = (facts.matters[start], reads[start]);
                let quotients = found.changed & matters & !reads & quotients.get(start).copied().unwrap_or(0);
                let wanted = if few { matters } else { reads | quotients };
                Params { regs: found.changed & wanted & !region.zero, quotients }
            };
            found.params = params(&found.header);
            // Inner loops come last: what they say counts, but not for what comes into them.
            let known = facts.params.contains_key(&found.header);
            for start in found.body.iter().filter(|&&start| !(known && start == found.header)) {
                if region.blocks[start].is_join() {
                    facts.params.insert(*start, params(start));
                }
            }
        }
        facts.loops = nested(loops.into_iter().filter(|found| is_closed(region, found)).collect());
        for (index, found) in facts.loops.iter().enumerate() {
            facts.innermost.extend(found.body.iter().map(|&start| (start, index)));
        }
    }
    facts
}

/// Registers that are a quotient when a block of a loop goes on to a block.
fn quotients(
    region: &Region,
    loops: &[Loop],
    effects: &BTreeMap<u32, Effect>,
    optimisations: Optimisations,
) -> FxHashMap<u32, RegSet> {
    let mut quotients: FxHashMap<u32, RegSet> = FxHashMap::default();
    if !optimisations.has(Optimisation::Idioms) {
        return quotients;
    }
    for start in loops.iter().flat_map(|found| &found.body) {
        let (block, effect) = (&region.blocks[start], &effects[start]);
        for next in region.successors(block) {
            // Where what was tested is 0, it is no quotient any more.
            let is_zero =
                matches!(block.how, End::Jump { if_nonzero, if_zero } if next == if_zero && next != if_nonzero);
            let known = if is_zero { effect.tested } else { 0 };
            *quotients.entry(next).or_default() |= effect.divided & !known;
        }
    }
    quotients
}
