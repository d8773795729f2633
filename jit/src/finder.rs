//! Finds regions in the program as it is now: what is known about it, from everyone who knows, for `region.rs`.

use crate::discovery::{Surroundings, discover};
use crate::guest::block::End;
use crate::guest::met::Met;
use crate::options::{Optimisation, Optimisations};
use crate::profile::Profile;
use crate::region::Region;
use crate::tuning::REGION_WORDS_MAX;
use crate::units::Units;
use rum_interp::Ids;
use rum_interp::engine::State;

/// What regions are found by.
pub(crate) struct Finder<'a> {
    pub state: &'a State,
    pub units: &'a Units,
    pub profile: &'a Profile,
    pub optimisations: Optimisations,
    /// The least heat of a block that is taken in.
    pub warm: i32,
}

impl Finder<'_> {
    /// The region of `root`, where the registers in the mask `zero` hold 0, to take the place of the unit `replaces`.
    pub fn region(&self, root: u32, zero: u8, replaces: Option<u32>) -> Option<Region> {
        let Finder { state, units, profile, warm, .. } = *self;
        let program = state.memory().program();
        // Blocks that the unit takes in although others have code for them.
        let growth = profile.growth(root);
        // What it had already it keeps.
        let before = replaces.and_then(|number| units.get(number));
        let owned = |pc: u32| match units.owner(pc) {
            Some((number, _)) if replaces == Some(number) => false,
            Some((_, unit)) => {
                let had = before.is_some_and(|before| before.depends_on(pc));
                !had && !growth.is_some_and(|growth| growth.targets.contains(&unit.shape.root))
            }
            None => false,
        };
        // What was compiled in it before, and what it grows by, is warm whatever was counted since.
        let heat = |pc: u32| {
            let counted = if (pc as usize) < program.len() { units.warmth(state, pc) } else { return 0 };
            let known = before.is_some_and(|unit| unit.depends_on(pc))
                || growth.is_some_and(|growth| growth.targets.contains(&pc));
            if known { counted.max(warm) } else { counted }
        };
        let around = Surroundings {
            program,
            heat: &heat,
            is_entry: &owned,
            targets: &|pc| profile.targets(pc),
            follow_targets: self.optimisations.has(Optimisation::Targets),
            is_volatile: &|pc| state.watch().is_volatile(pc),
            is_barred: &|pc| state.watch().has_breakpoint(pc),
            watch: &|pc| state.watch().byte(pc),
            met: &|pc| {
                let mut met = profile.met(pc);
                if state.watch().has_met_names(pc) && state.memory().ids() == Ids::Mixed {
                    met.insert(Met::NAMED);
                }
                met
            },
            warm,
            words_max: REGION_WORDS_MAX,
        };
        let mut region = discover(&around, root, zero & !profile.not_zero(root))?;
        region.naming = state.memory().is_naming();
        let pcs = region.blocks.values().flat_map(|block| block.start..block.end());
        region.names = pcs.filter_map(|pc| Some((pc, profile.name(pc)?))).collect();
        Some(region)
    }

    /// Whether a region has a jump to a place of the kind.
    pub fn leads_to(&self, region: &Region, inside: impl Fn(u32) -> bool) -> bool {
        region.blocks.values().any(|block| match block.how {
            End::Computed => self.profile.targets(block.end() - 1).iter().any(|&pc| inside(pc)),
            _ => block.targets().any(&inside),
        })
    }
}
