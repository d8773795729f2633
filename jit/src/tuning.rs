//! Every number that was chosen by measurement, with what it comes from. `policy.rs` decides by them.
//!
//! `docs/performance.md` has the runs in full; what is said there is not repeated here. Where a number says "not sensitive",
//! half and twice of it were measured and made no difference that could be told.

/// Failed guards after which a unit is compiled again without what they guard.
pub(crate) const CHECKS_IMPROVE: u32 = 24;
/// Failed checks of a unit that are all looked into; then it is compiled again if that taught something.
pub(crate) const CHECKS_OBSERVED: u32 = 24;
/// Later, one in so many is.
pub(crate) const CHECKS_SAMPLED: u32 = 16;
/// How often a unit is compiled again for what its failed checks taught; after that it has to become hot again.
pub(crate) const IMPROVEMENTS_MAX: u32 = 4;
/// Stores into a translated word, each of which cost a unit, after which it is taken to be patched for ever.
pub(crate) const PATCHES_VOLATILE: u32 = 3;
/// A region that was dropped so often starts from less than -2^4, -2^5, ... jumps, down to minus two to this power.
pub(crate) const PUT_OFF_BITS_MAX: u32 = 24;

/// A block is compiled with others if it was reached at least this fraction as often as the threshold asks for.
pub(crate) const WARM_SHARE: i32 = 4;
/// The threshold is twice as high when so much CLIF was compiled, three times when it was twice as much, and so on.
pub(crate) const THRESHOLD_CLIF: u64 = 15_000;
/// CLIF instructions that a word becomes, for the threshold.
pub(crate) const CLIF_PER_WORD: u64 = 2;
/// Regions that wait for the compiler's thread. Others have to become hot again.
pub(crate) const WAITING_MAX: usize = 64;
/// Words in a region.
pub(crate) const REGION_WORDS_MAX: usize = 3000;

/// The longest block, in words; longer ones are cut.
pub(crate) const BLOCK_WORDS_MAX: u32 = 400;
/// The longest loop whose registers are kept in host registers from round to round, in words. In longer ones there are
/// more values than host registers, and each parameter costs compile time at every join.
pub(crate) const PARAM_LOOP_WORDS_MAX: usize = 200;
/// Most edges to a join that takes more registers as parameters than it needs to go on.
pub(crate) const EDGES_MAX: u32 = 4;
/// How many operations and facts the translator remembers. What is found again after long was kept in a register, or spilt, for
/// as long: remembering 40 costs a tenth of the time of programs with long straight lines; between 4 and 12 it makes no
/// difference (docs/performance.md, "Remembering less").
pub(crate) const REMEMBERED_MAX: usize = 12;
/// More targets of a computed jump than this make a jump table.
pub(crate) const COMPARED_MAX: usize = 3;
/// Slots of a jump table per target, at most.
pub(crate) const SLOTS_PER_TARGET: usize = 8;

/// How often a unit is compiled again to take in what leads back to it.
pub(crate) const GROWTH_MAX: u32 = 8;
/// Words of units that become one because they lead to each other in a circle. Large ones are as well off alone.
pub(crate) const TURNS_WORDS_MAX: usize = 64;
/// Units that are looked at for a way back.
pub(crate) const WAY_UNITS_MAX: usize = 8;

/// Instructions that are interpreted one by one to learn what they meet, after a failed check.
pub(crate) const OBSERVED_MAX: u32 = 200;
/// The same before a region is compiled.
pub(crate) const OBSERVED_HOT: u32 = 1000;
/// Targets that are remembered of a computed jump.
pub(crate) const TARGETS_MAX: usize = 64;

/// Addresses for compiled code that one budget takes: dead code stays until the generation ends.
pub(crate) const CODE_RESERVE_FACTOR: usize = 2;
/// How long something that is compiled may wait for more, in microseconds: each publication interrupts every processor.
pub(crate) const BATCH_US: u64 = 500;
