//! Names of compiled code.

use crate::symbols::Places;
use rum::Tier;

/// What a piece of code is called: by the label that it belongs to, or by its pc.
pub fn name(pc: u32, tier: Tier, places: &Places) -> String {
    let what = match tier {
        Tier::Baseline => "block",
        Tier::Optimiser => "unit",
    };
    match places.label_before(pc) {
        Some((label, 0)) => format!("{label} [{what}]"),
        Some((label, words)) => format!("{label}+{words} [{what}]"),
        None => format!("pc_{pc} [{what}]"),
    }
}
