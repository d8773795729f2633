//! The baseline tier, between interpreter and optimiser: one block at a time becomes code in one pass, as soon as it was executed
//! a few dozen times.
//!
//! A *block* is a straight line of words up to its load-program. Its code keeps the guest's registers in host registers,
//! checks everything, and goes on in the next block through a table, so that a block comes and goes by one store into that.
//! Blocks count how often they are executed, and what is hot goes to the optimiser, whose units take the place of the blocks
//! where they can be entered; other words keep their blocks.
//!
//! Files: `tier.rs` the blocks there are; `translate.rs` words to code, put together from the pieces of a processor (`target.rs`; `x64/`, `a64/`), which
//! also has routines that blocks share, and the ways in and out; `table.rs` from a pc to code; `buffer.rs` a block under construction; `arena.rs` the
//! memory for code. They are for x86-64 and aarch64 on Linux; elsewhere there is no such tier (`none.rs`), and the others do without.
//!
//! A block depends on its words, which are marked [`rum_interp::engine::WATCH_DERIVED`] as those of units are, and is
//! dropped when one of them is stored to.

macro_rules! where_there_is_one {
    ($($item:item)*) => {
        $(#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))] $item)*
    };
}

macro_rules! elsewhere {
    ($($item:item)*) => {
        $(#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux")))] $item)*
    };
}

mod made;

pub(crate) use self::made::Made;

where_there_is_one! {
    /// Whether there may be such a tier.
    pub(crate) const HAS_BASELINE: bool = true;

    mod arena;
    mod buffer;
    mod parts;
    mod table;
    mod target;
    mod tier;
    mod translate;
    // Tests look at the code for every processor.
    #[cfg(any(target_arch = "aarch64", test))]
    #[expect(clippy::useless_conversion, reason = "what dynasm makes of registers that are numbers")]
    mod a64;
    #[cfg(any(target_arch = "x86_64", test))]
    #[expect(clippy::useless_conversion, reason = "as above")]
    mod x64;

    /// The processor that this is.
    #[cfg(target_arch = "aarch64")]
    type Host = a64::A64;
    #[cfg(target_arch = "x86_64")]
    type Host = x64::X64;

    pub(crate) use self::tier::{Baseline, way_from_units};

    #[cfg(test)]
    mod listing;
    #[cfg(test)]
    pub(crate) use self::listing::listings;
}

elsewhere! {
    /// Whether there may be such a tier.
    pub(crate) const HAS_BASELINE: bool = false;

    mod none;
    pub(crate) use self::none::{Baseline, way_from_units};
}
