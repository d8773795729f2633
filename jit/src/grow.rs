//! Units that grow: what leads back to a unit is taken into it, so that a loop is one unit whatever became hot first.

use crate::cache::Unit;
use crate::region::{End, Region};
use crate::units::{REGION_WORDS_MAX, contains, set_heat};
use crate::vm::Jit;
use rum_interp::state::State;
use rustc_hash::FxHashSet;

/// How often a unit is compiled again to take in what leads back to it.
const GROWTH_MAX: u32 = 8;
/// Words of units that become one because they lead to each other in a circle. Large ones are as well off alone.
const TURNS_WORDS_MAX: usize = 64;
/// Units that are looked at for a way back.
const WAY_UNITS_MAX: usize = 8;

/// What a unit takes in when it is compiled again.
#[derive(Default)]
pub(crate) struct Growth {
    /// Roots of the regions to take in, and the words of those that were found since it was last compiled.
    pub targets: FxHashSet<u32>,
    ranges: Vec<(u32, u32)>,
    /// Targets found since it was last compiled, and how often it was.
    waiting: u32,
    times: u32,
}

/// A unit: live, with its number, or still to come.
enum Known<'a> {
    Live(u32, &'a Unit),
    Pending(&'a Region),
}

/// A unit that may grow: its number if it is live, and what it is made of.
struct Grower {
    number: Option<u32>,
    root: u32,
    zero: u8,
    ranges: Vec<(u32, u32)>,
    words: usize,
}

impl Known<'_> {
    fn words(&self) -> usize {
        match self {
            Known::Live(_, unit) => unit.words(),
            Known::Pending(region) => region.len(),
        }
    }

    fn grower(&self) -> Grower {
        let (number, root, zero, ranges) = match self {
            Known::Live(number, unit) => (Some(*number), unit.root, unit.zero, unit.ranges.clone()),
            Known::Pending(region) => (None, region.root, region.zero, region.ranges()),
        };
        Grower { number, root, zero, ranges, words: self.words() }
    }
}

impl Jit {
    /// A word that the jump at `from` goes to has become hot. If `from` belongs to a unit, live or to come, or to what one
    /// waits to take in, and the code at `target` leads back to that unit, a loop was split: the unit is compiled again with
    /// the target in it. False if the target should have a unit of its own.
    pub fn grow(&mut self, state: &mut State, from: u32, target: u32, zero: u8) -> bool {
        if from >= state.memory.program_len {
            return false;
        }
        self.note_target(from, target);
        let Some(grower) = self.grower(from) else { return false };
        let Some(more) = self.region(state, target, zero, None) else { return false };
        let waiting = self.growth.get(&grower.root).map_or(&[][..], |growth| &growth.ranges);
        let inside = |pc: u32| contains(&grower.ranges, pc) || contains(waiting, pc);
        let taken = if self.leads_to(&more, inside) {
            if grower.words + more.len() > REGION_WORDS_MAX {
                return false;
            }
            vec![more]
        } else {
            let room = TURNS_WORDS_MAX.saturating_sub(grower.words);
            let Some(way) = self.way_to(state, more, room, inside) else { return false };
            way
        };
        let growth = self.growth.entry(grower.root).or_default();
        if growth.times >= GROWTH_MAX {
            return false;
        }
        for region in taken {
            growth.targets.insert(region.root);
            growth.ranges.extend(region.ranges());
        }
        growth.waiting += 1;
        // Where it has to wait, it counts again when it has become hot again.
        set_heat(state, target, self.threshold() / 2);
        if let Some(number) = grower.number {
            self.grow_now(state, grower.root, grower.zero, number);
        }
        true
    }

    /// Whether a region has a jump to a place of the kind.
    fn leads_to(&self, region: &Region, inside: impl Fn(u32) -> bool) -> bool {
        region.blocks.values().any(|block| match block.how {
            End::Computed => self.targets.get(&(block.end - 1)).is_some_and(|seen| seen.iter().any(|&pc| inside(pc))),
            _ => block.targets().any(&inside),
        })
    }

    /// A region and the units by which it leads to a place of the kind, of no more words than there is room for: loops that
    /// take turns.
    fn way_to(&self, state: &State, region: Region, room: usize, inside: impl Fn(u32) -> bool) -> Option<Vec<Region>> {
        // Each with the room that its way leaves, and the number of the one that leads to it.
        let left = room.checked_sub(region.len())?;
        let mut found = vec![(region, left, 0)];
        let mut next = 0;
        loop {
            let (region, left, _) = found.get(next)?;
            if self.leads_to(region, &inside) {
                break;
            }
            let left = *left;
            let direct = region.blocks.values().filter(|block| block.how != End::Computed);
            let targets: Vec<u32> = direct.flat_map(|block| block.targets()).collect();
            for target in targets {
                if found.len() < WAY_UNITS_MAX
                    && found.iter().all(|(region, ..)| region.root != target)
                    && let Some(region) = self.region_of_unit(state, target, left)
                    && let Some(left) = left.checked_sub(region.len())
                {
                    found.push((region, left, next));
                }
            }
            next += 1;
        }
        let mut way = Vec::new();
        while next > 0 {
            let (region, _, before) = found.get(next)?;
            way.push(region.clone());
            next = *before;
        }
        way.push(found.swap_remove(0).0);
        Some(way)
    }

    /// The region of the unit whose root is `root`, if there is room for its words.
    fn region_of_unit(&self, state: &State, root: u32, room: usize) -> Option<Region> {
        match self.known(root).filter(|unit| unit.words() <= room)? {
            Known::Live(number, unit) => self.region(state, root, unit.zero, Some(number)),
            Known::Pending(region) => Some(region.clone()),
        }
    }

    /// The unit whose root is `root`.
    fn known(&self, root: u32) -> Option<Known<'_>> {
        let pending = self.pending_regions().find(|region| region.root == root).map(Known::Pending);
        pending.or_else(|| {
            let (number, unit) = self.cache.owner(root).filter(|(_, unit)| unit.root == root)?;
            Some(Known::Live(number, unit))
        })
    }

    /// The regions of the units to come.
    fn pending_regions(&self) -> impl Iterator<Item = &Region> {
        self.pending.iter().map(|(_, pending)| &pending.region)
    }

    /// The unit that the word at `from` belongs to, or will when the unit has grown.
    fn grower(&self, from: u32) -> Option<Grower> {
        let pending = || self.pending_regions().find(|region| region.contains(from)).map(Known::Pending);
        let live = || self.cache.made_from(from).map(|(number, unit)| Known::Live(number, unit));
        let waiting = || {
            let (&root, _) = self.growth.iter().find(|(_, growth)| contains(&growth.ranges, from))?;
            self.known(root)
        };
        pending().or_else(live).or_else(waiting).map(|unit| unit.grower())
    }

    /// Compiles a unit again, if enough has come together since the last time: each time it takes more.
    pub fn grow_now(&mut self, state: &mut State, root: u32, zero: u8, number: u32) {
        if let Some(growth) = self.growth.get_mut(&root)
            && growth.waiting > growth.times
        {
            growth.times += 1;
            growth.waiting = 0;
            growth.ranges.clear();
            self.request(state, root, zero, Some(number));
        }
    }
}
