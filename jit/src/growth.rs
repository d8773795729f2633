//! Units that grow: what leads back to a unit is taken into it, so that a loop is one unit whatever became hot first.

use crate::finder::Finder;
use crate::guest::block::End;
use crate::queue::Queue;
use crate::region::{Region, contains};
use crate::tuning::{REGION_WORDS_MAX, TURNS_WORDS_MAX, WAY_UNITS_MAX};
use crate::units::Unit;

/// A unit that is to grow, and what it takes in.
pub(crate) struct Growing {
    /// The unit's number, if it is live.
    pub number: Option<u32>,
    pub root: u32,
    pub zero: u8,
    pub taken: Vec<Region>,
}

/// A unit: live, with its number, or on its way.
enum Candidate<'a> {
    Live(u32, &'a Unit),
    Pending(&'a Region),
}

impl Candidate<'_> {
    fn words(&self) -> usize {
        match self {
            Candidate::Live(_, unit) => unit.words(),
            Candidate::Pending(region) => region.len(),
        }
    }

    /// Its number if it is live, its root, and the registers that it takes to be 0.
    fn identity(&self) -> (Option<u32>, u32, u8) {
        match self {
            Candidate::Live(number, unit) => (Some(*number), unit.shape.root, unit.shape.zero),
            Candidate::Pending(region) => (None, region.root, region.zero),
        }
    }

    fn ranges(&self) -> Vec<(u32, u32)> {
        match self {
            Candidate::Live(_, unit) => unit.shape.ranges.clone(),
            Candidate::Pending(region) => region.ranges(),
        }
    }
}

/// Looks for the unit that is to take in a hot word.
pub(crate) struct Grower<'a> {
    pub finder: Finder<'a>,
    pub queue: &'a Queue,
}

impl Grower<'_> {
    /// A word that the jump at `from` goes to has become hot. If `from` belongs to a unit, live or on its way, or to what one
    /// waits to take in, and the code at `target` leads back to that unit, a loop was split, and the unit is to take the
    /// target in. None if the target should have a unit of its own.
    pub fn find(&self, from: u32, target: u32, zero: u8) -> Option<Growing> {
        let unit = self.unit_over(from)?;
        let more = self.finder.region(target, zero, None)?;
        let (number, root, zero) = unit.identity();
        let ranges = unit.ranges();
        let waiting = self.finder.profile.growth(root).map_or(&[][..], |growth| &growth.ranges);
        let inside = |pc: u32| contains(&ranges, pc) || contains(waiting, pc);
        let taken = if self.finder.leads_to(&more, inside) {
            if unit.words() + more.len() > REGION_WORDS_MAX {
                return None;
            }
            vec![more]
        } else {
            self.way_to(more, TURNS_WORDS_MAX.saturating_sub(unit.words()), inside)?
        };
        Some(Growing { number, root, zero, taken })
    }

    /// A region and the units by which it leads to a place of the kind, of no more words than there is room for: loops that
    /// take turns.
    fn way_to(&self, region: Region, room: usize, inside: impl Fn(u32) -> bool) -> Option<Vec<Region>> {
        // Each with the room that its way leaves, and the number of the one that leads to it.
        let left = room.checked_sub(region.len())?;
        let mut found = vec![(region, left, 0)];
        let mut next = 0;
        loop {
            let (region, left, _) = found.get(next)?;
            if self.finder.leads_to(region, &inside) {
                break;
            }
            let left = *left;
            let direct = region.blocks.values().filter(|block| block.how != End::Computed);
            let targets: Vec<u32> = direct.flat_map(|block| block.targets()).collect();
            for target in targets {
                if found.len() < WAY_UNITS_MAX
                    && found.iter().all(|(region, ..)| region.root != target)
                    && let Some(region) = self.region_of_unit(target, left)
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
    fn region_of_unit(&self, root: u32, room: usize) -> Option<Region> {
        match self.unit_at(root).filter(|unit| unit.words() <= room)? {
            Candidate::Live(number, unit) => self.finder.region(root, unit.shape.zero, Some(number)),
            Candidate::Pending(region) => Some(region.clone()),
        }
    }

    /// The unit whose root is `root`.
    fn unit_at(&self, root: u32) -> Option<Candidate<'_>> {
        let pending = self.queue.regions().find(|region| region.root == root).map(Candidate::Pending);
        pending.or_else(|| {
            let (number, unit) = self.finder.units.owner(root).filter(|(_, unit)| unit.shape.root == root)?;
            Some(Candidate::Live(number, unit))
        })
    }

    /// The unit that the word at `from` belongs to, or will when the unit has grown.
    fn unit_over(&self, from: u32) -> Option<Candidate<'_>> {
        let pending = || self.queue.regions().find(|region| region.contains(from)).map(Candidate::Pending);
        let live = || self.finder.units.made_from(from).map(|(number, unit)| Candidate::Live(number, unit));
        let waiting = || self.unit_at(self.finder.profile.grows_over(from)?);
        pending().or_else(live).or_else(waiting)
    }
}
