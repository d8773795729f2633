//! The baseline tier, between interpreter and optimiser: one block at a time becomes code in one pass, as soon as it was executed
//! a few dozen times.
//!
//! A *block* is a straight line of words up to its load-program. Its code keeps the guest's registers in host registers,
//! checks everything, and goes on in the next block through a table, so that a block comes and goes by one store into that.
//! Blocks count how often they are executed, and what is hot goes to the optimiser, whose units take the place of the blocks
//! where they can be entered; other words keep their blocks.
//!
//! Files: `tier.rs` the blocks there are; `translate.rs` words to code, `access.rs` those that access segments; `routines.rs` what blocks share, and the ways in and out;
//! `table.rs` from a pc to code; `buffer.rs` a block under construction; `arena.rs` the memory for code. They are for x86-64 and Linux; elsewhere there is no such tier
//! (`none.rs`), and the others do without.
//!
//! A block depends on its words, which are marked [`rum_interp::engine::WATCH_DERIVED`] as those of units are, and is
//! dropped when one of them is stored to.

macro_rules! where_there_is_one {
    ($($item:item)*) => { $(#[cfg(all(target_arch = "x86_64", target_os = "linux"))] $item)* };
}

mod made;

pub(crate) use self::made::Made;

where_there_is_one! {
    #[expect(clippy::useless_conversion, reason = "what dynasm makes of registers that are numbers")]
    mod access;
    mod arena;
    mod buffer;
    mod parts;
    #[expect(clippy::useless_conversion, reason = "as above")]
    mod routines;
    mod table;
    mod tier;
    #[expect(clippy::useless_conversion, reason = "as above")]
    mod translate;
    pub(crate) use self::routines::way_from_units;
    pub(crate) use self::tier::Baseline;
    #[cfg(test)]
    mod listing;
    #[cfg(test)]
    pub(crate) use self::listing::listing;
}

/// Whether there may be such a tier.
pub(crate) const HAS_BASELINE: bool = cfg!(all(target_arch = "x86_64", target_os = "linux"));

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod none;
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub(crate) use self::none::{Baseline, way_from_units};
