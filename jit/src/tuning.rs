//! Every number that was chosen by measurement, with what it comes from. `policy.rs` decides by them.
//!
//! Figures here are estimates of the time of a run by counters, which do not depend on the machine's mood: 1.3 ns for an instruction
//! interpreted, 0.12 ns for one compiled, 900 ns for a CLIF instruction, 60 ns for an exit; with `--compile-threads 0`, on midmark,
//! sandmark-short, um-midmark, umix, advent, umix-bench, codex, and stress and mixed of `umbin/`. "No difference" is less than
//! half a per cent on each of them. `docs/performance.md` has what was measured by the clock.

/// The threshold for blocks is twice as high when so many instructions were translated, three times when it were twice as many, and so on,
/// up to [`BASELINE_TIMES_MAX`]. By the clock (CPU time, minima of nine interleaved runs, against one that stays): umix takes 9% less, advent 1%,
/// umix-bench 4% less, midmark the same; with 40,000 and 10,000 about the same. What it is for: a million blocks of two instructions, executed 60 times each, took 5.7
/// times as long as interpreted, and take 1.04 times.
pub(crate) const BASELINE_INSTRUCTIONS: u64 = 20_000;
/// The threshold for blocks grows up to so many times what it is at first: a block saves some 0.9 ns for each instruction executed, which
/// cost 160 ns to translate, so it is worth that after some 200 times, and 40 are the first threshold.
pub(crate) const BASELINE_TIMES_MAX: u64 = 6;
/// Blocks that are made at once, the hot one and warm ones that it leads to. With 1, advent misses 12% more often, umix 23%.
pub(crate) const BLOCKS_AT_ONCE: usize = 16;
/// Of blocks of fewer words than this no more than so many are made: an instruction or two gain little, and many of them are more than caches hold. A
/// hundred thousand blocks of two instructions in a circle took 1.3 to 2.2 times as long as interpreted, and 2.1 to 2.6 times if computed jumps lead from each to the next.
pub(crate) const TINY_WORDS: usize = 4;
pub(crate) const TINY_BLOCKS_MAX: usize = 1 << 13;
/// Failed checks of an instruction in a block after which the host executes it. Not varied.
pub(crate) const BASELINE_FAILURES_MAX: u32 = 16;
/// The part of the budget for code that blocks may use. Not varied.
pub(crate) const BASELINE_CODE_SHARE: usize = 4;
/// The least and the most memory for their code; when little is left, all are dropped. Not varied.
pub(crate) const BASELINE_CODE_BYTES: (usize, usize) = (1 << 16, 64 << 20);

/// Units or blocks made beside those of earlier runs, as a fraction of these, from which on they are kept, too. Not varied.
pub(crate) const KEEP_SHARE: u64 = 4;
/// Failed guards after which a unit is compiled again without what they guard. 6 or 96: no difference.
pub(crate) const CHECKS_IMPROVE: u32 = 24;
/// Failed checks of a unit that are all looked into; then it is compiled again if that taught something. With 6, mixed takes 14%
/// more, for what was not seen yet is compiled in later; with 96, 13% less, and the others are the same.
pub(crate) const CHECKS_OBSERVED: u32 = 24;
/// Later, one in so many is. 4 or 64: no difference.
pub(crate) const CHECKS_SAMPLED: u32 = 16;
/// How often a unit is compiled again for what its failed checks taught; after that it has to become hot again.
/// With 2, codex takes 3% more and mixed 9% less; with 8 there is no difference.
pub(crate) const IMPROVEMENTS_MAX: u32 = 4;
/// Stores into a translated word, each of which cost a unit, after which it is taken to be patched for ever. 2 or
/// 6: no difference, since real programs patch a word once or for ever.
pub(crate) const PATCHES_VOLATILE: u32 = 3;
/// The same for a block that was dropped because the program was replaced. Two programs that replace each other after 200 or 30,000 instructions
/// (load-program-alternating, and -hot, of `benches/never-slower`) take 1.05 and 0.23 times as long as interpreted; with 9, 1.05 and 0.37; with 12, 1.05 for the latter.
pub(crate) const BLOCK_PUT_OFF_BITS_MAX: u32 = 7;
/// A region that was dropped so often starts from less than -2^4, -2^5, ... jumps, down to minus two to this power. 12 or 28: no
/// difference; it bounds what a program that is replaced again and again can cost (`benches/never-slower`).
pub(crate) const PUT_OFF_BITS_MAX: u32 = 24;

/// A block is compiled with others if it was reached at least this fraction as often as the threshold asks for. With 2, umix
/// takes 5% more and mixed 36% less; with 16, umix 22%, advent 7% and umix-bench 6% more.
pub(crate) const WARM_SHARE: i32 = 4;
/// The threshold is twice as high when so much CLIF was compiled, three times when it was twice as much, and so on, up to
/// [`THRESHOLD_TIMES_MAX`]. By the clock (CPU time, minima of eleven interleaved runs, against 15,000 in steps and without a bound): advent takes
/// 10% less, umix 3% less, sandmark-short 3% less, and midmark, umix-bench, codex and sandmark the same.
pub(crate) const THRESHOLD_CLIF: u64 = 5_000;
/// The threshold grows up to so many times what it is at first. A block takes some 0.25 ns more than compiled code for each of its
/// instructions, which cost 4 to 5 us to compile: that is worth it after some 20,000 times, and 4,000 are the first threshold (docs/performance.md, "Two tiers").
/// Without a bound: no difference that could be told from noise.
pub(crate) const THRESHOLD_TIMES_MAX: u64 = 5;
/// CLIF instructions that a word becomes, as the threshold reckons for what waits for the thread: too few rather than too many, for
/// what it really became counts as soon as it is there. (With counting it is 2.4 on midmark, 2.6 on sandmark-short, 3.1 on advent,
/// 4.6 on umix, and 7.7 on um-midmark, whose blocks all end in computed jumps.)
pub(crate) const CLIF_PER_WORD: u64 = 2;
/// Regions that wait for the compiler's thread. Others have to become hot again. It is a bound on the memory
/// that waits, reached by no program that was measured: without the threshold, which counts what waits, it was (see there).
pub(crate) const WAITING_MAX: usize = 64;
/// Words in a region. 1000 costs sandmark-short 1%; 6000: no difference. By the clock: docs/performance.md, "What was tried".
pub(crate) const REGION_WORDS_MAX: usize = 3000;

/// The longest block, in words; longer ones are cut. With 100, umix-bench takes 2% more; 1600: no difference.
pub(crate) const BLOCK_WORDS_MAX: u32 = 400;
/// The longest loop whose registers are kept in host registers from round to round, in words. In longer ones there are
/// more values than host registers, and each parameter costs compile time at every join. By these counters, which do not
/// see what registers gain, 50 is better (mixed 34% less); 800: no difference.
pub(crate) const PARAM_LOOP_WORDS_MAX: usize = 200;
/// Most edges to a join that takes more registers as parameters than it needs to go on. By the clock: docs/performance.md, "Loops
/// around loops".
pub(crate) const EDGES_MAX: u32 = 4;
/// How many operations and facts the translator remembers. What is found again after long was kept in a register, or spilt, for
/// as long: remembering 40 costs a tenth of the time of programs with long straight lines; between 4 and 12 it makes no
/// difference (docs/performance.md, "Remembering less").
pub(crate) const REMEMBERED_MAX: usize = 12;
/// More targets of a computed jump than this make a jump table. 1 or 8: no difference in what is compiled.
pub(crate) const COMPARED_MAX: usize = 3;
/// Slots of a jump table per target, at most: a bound on size. Not varied.
pub(crate) const SLOTS_PER_TARGET: usize = 8;

/// How often a unit is compiled again to take in what leads back to it. With 2, um-midmark takes 0.4% less; with 32,
/// stress 3% more.
pub(crate) const GROWTH_MAX: u32 = 8;
/// Words of units that become one because they lead to each other in a circle. Large ones are as well off alone.
/// With 256, sandmark-short takes 5%, umix 4%, advent 3% more; docs/performance.md, "How units find their shape".
pub(crate) const TURNS_WORDS_MAX: usize = 64;
/// Units that are looked at for a way back. 2 or 32: no difference; it bounds the search.
pub(crate) const WAY_UNITS_MAX: usize = 8;

/// Instructions that are interpreted one by one to learn what they meet, after a failed check. With 50, advent
/// takes 1% more; with 800, 8% more.
pub(crate) const OBSERVED_MAX: u32 = 200;
/// The same before a region is compiled. With 100, advent takes 2% and sandmark-short 1% more; with 4000, advent 7% and
/// umix-bench 3% more.
pub(crate) const OBSERVED_HOT: u32 = 1000;
/// Targets that are remembered of a computed jump. With 8, um-midmark takes 3% more; 256: no difference.
pub(crate) const TARGETS_MAX: usize = 64;

/// A hot block is compiled from a block on that leads to it and is at least this fraction as warm. Not varied.
pub(crate) const HEAD_SHARE: i32 = 2;
/// Blocks that are gone back. Not varied.
pub(crate) const HEAD_BLOCKS_MAX: usize = 16;
/// The most code where the system grants fewer addresses than a machine can use: the interpreter leaves so much room for engines
/// (`interp/src/state.rs`). Not varied.
pub(crate) const SCARCE_CODE_BYTES: usize = 32 << 20;

/// Addresses for compiled code that one budget takes: dead code stays until the generation ends.
/// Addresses cost nothing. Not varied.
pub(crate) const CODE_RESERVE_FACTOR: usize = 2;
/// The least and the most of them. Where the system has fewer to give, half as many do, down to the least. Not varied.
pub(crate) const CODE_RESERVE_BYTES: (usize, usize) = (1 << 20, 1 << 31);
/// How long something that is compiled may wait for more, in microseconds: each publication interrupts every processor.
/// By the clock: docs/performance.md, "Pages".
pub(crate) const BATCH_US: u64 = 500;

/// By how many entries at one word those at others are outnumbered when it is tried whether code pays there. Not varied.
pub(crate) const TRIAL_LEAD: u32 = 1 << 15;
/// Arrivals that are timed together, and how often by each way; the least time counts. Not varied.
pub(crate) const TRIAL_ROUND: u32 = 1 << 10;
pub(crate) const TRIAL_ROUNDS: u32 = 3;
/// Entries elsewhere for which a trial waits for its word. Not varied.
pub(crate) const TRIAL_PATIENCE: u32 = 1 << 14;
/// Arrivals until a word that was given up is entered again, and tried again: two to this power at first, and at most. Not varied.
pub(crate) const TRIAL_GIVEN_UP_BITS: (u32, u32) = (16, 26);
