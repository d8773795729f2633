//! What was handed to the compiler's thread and has not come back.

use crate::region::Region;
use rustc_hash::FxHashMap;

/// A region on its way to become a unit.
pub(crate) struct Pending {
    pub region: Region,
    /// The unit whose place it takes.
    pub replaces: Option<u32>,
}

/// Regions by the numbers of the units that they are to become. Code for what is not in here any more is dropped.
#[derive(Default)]
pub(crate) struct Queue {
    regions: FxHashMap<u32, Pending>,
    words: usize,
}

impl Queue {
    pub fn insert(&mut self, unit: u32, pending: Pending) {
        self.words += pending.region.len();
        self.regions.insert(unit, pending);
    }

    pub fn remove(&mut self, unit: u32) -> Option<Pending> {
        let pending = self.regions.remove(&unit)?;
        self.words -= pending.region.len();
        Some(pending)
    }

    /// Takes out the regions of a kind.
    pub fn take(&mut self, which: impl Fn(&Pending) -> bool) -> Vec<Pending> {
        let units: Vec<u32> =
            self.regions.iter().filter(|(_, pending)| which(pending)).map(|(&unit, _)| unit).collect();
        units.into_iter().filter_map(|unit| self.remove(unit)).collect()
    }

    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.regions.values().map(|pending| &pending.region)
    }

    /// Whether code that is to take the place of a unit is on its way.
    pub fn is_replacing(&self, unit: u32) -> bool {
        self.regions.values().any(|pending| pending.replaces == Some(unit))
    }

    pub fn len(&self) -> usize {
        self.regions.len()
    }

    /// Words of all regions together.
    pub fn words(&self) -> usize {
        self.words
    }
}
