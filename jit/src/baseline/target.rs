//! What blocks need of a processor: how the guest's registers are kept, and the pieces of code that translation puts together. `x64/` and `a64/` have
//! them; everything else of the tier is the same for both.
//!
//! Registers of the host are numbers here. A piece leaves no value in one that the next could rely on, but for what is said with it.

use super::buffer::{Buffer, Label};
use super::parts::{Access, Place};
use crate::settings::Lookup;

/// The way from the engine into a block: granule 0 and a pc; gives the number of an exit.
pub(super) type Trampoline = unsafe extern "C" fn(*mut u8, u32) -> u64;

/// Where the routines are, what blocks share: addresses, but for what is said otherwise. What they take and give, in which registers, is the
/// processor's matter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Routines {
    /// Offset of their end.
    pub end: usize,
    /// A [`Trampoline`].
    pub trampoline: usize,
    /// Offset of what goes on in the unit that has code for the pc; of what is reached through the table.
    pub to_unit: u32,
    /// Leaves before an instruction whose check has failed; takes how many instructions are to be counted.
    pub leave_check: usize,
    /// Leaves before an instruction that is not for the tier; as above.
    pub leave_next: usize,
    /// Leaves before a block because of the limit.
    pub leave_limit: usize,
    /// Leaves before a jump because of the poll word; as above.
    pub leave_poll: usize,
    /// Leaves before a block that is hot, which the jump to it says.
    pub hot: usize,
    /// The words of a segment, if it has one at an offset, else 0. To load.
    pub find_load: usize,
    /// The same, to store: 0 also if something depends on the word.
    pub find_store: usize,
    /// A new segment of so many words: its identifier, or 0.
    pub alloc: usize,
    /// Gives back a segment; 0 if that cannot be.
    pub abandon: usize,
    /// Puts out a byte; 0 if that cannot be.
    pub put: usize,
    /// Notes a jump that may be a call or a return, for a profile: from where, and where to.
    pub event: usize,
    /// Has the host execute an instruction; takes how many before it are to be counted.
    pub step: usize,
}

/// A way out of a block, or a way to the host: before which instruction, and how many are executed that are not counted yet, if they are counted.
#[derive(Clone, Copy)]
pub(super) struct Before {
    pub pc: u32,
    pub uncounted: Option<u32>,
}

/// A processor.
pub(super) trait Target {
    /// The host registers that hold those of the guest, as 64 bits with the upper half 0.
    const GUEST: [u8; 8];
    /// Whether jumps under a condition reach every part of the arena.
    const COLD_APART: bool;

    /// The routines for code at an address.
    fn routines(address: usize, lookup: &Lookup, count: bool) -> (Routines, Vec<u8>);
    /// The way from a unit into the block whose pc is the selector, as code that may stand anywhere.
    fn way_from_units() -> Vec<u8>;
    /// A link that stands at an offset and leads to another, as what [`Target::link`] has given the place of.
    fn linked(at: u32, to: u32) -> [u8; 4];

    /// Leaves if the count, and a number of instructions more, is beyond the limit. Gives where that number stands.
    fn limit(ops: &mut Buffer, limit: Label) -> usize;
    /// Sets the number that [`Target::limit`] left open.
    fn set_words(code: &mut [u8], at: usize, words: u32);
    /// Counts the block at a pc, and leaves if it is hot.
    fn heat(ops: &mut Buffer, pc: u32, hot: Label);
    /// Counts down to an exit that a test forces.
    fn force_exit(ops: &mut Buffer, exit: Label);
    /// Counts instructions.
    fn count(ops: &mut Buffer, instructions: u32);

    /// Sets a register to a number.
    fn set(ops: &mut Buffer, to: u8, value: u32);
    /// `a` becomes `b` unless `c` is 0.
    fn cond_move(ops: &mut Buffer, a: u8, b: u8, c: u8);
    fn add(ops: &mut Buffer, a: u8, b: u8, c: u8);
    fn mul(ops: &mut Buffer, a: u8, b: u8, c: u8);
    /// Divides; leaves if `c` is 0.
    fn div(ops: &mut Buffer, a: u8, b: u8, c: u8, exit: Label);
    fn nand(ops: &mut Buffer, a: u8, b: u8, c: u8);
    /// Calls `alloc` with a register, leaves if it gives 0, and keeps the identifier; for a profile it is told which word that was.
    fn alloc(ops: &mut Buffer, words: u8, routine: usize, result: u8, exit: Label, tally: Option<u32>);
    /// Calls `abandon` or `put` with a register, and leaves if it gives 0.
    fn call(ops: &mut Buffer, argument: u8, routine: usize, exit: Label);
    /// Calls `step`.
    fn call_step(ops: &mut Buffer, before: Before, routine: usize);
    /// Takes a byte of input; goes to `none` if there is none.
    fn input(ops: &mut Buffer, to: u8, none: Label);

    /// Counts a jump to a word, for a profile.
    fn tally_jump(ops: &mut Buffer, target: Place);
    /// Marks a word as one that a call went to.
    fn mark_called(ops: &mut Buffer, target: Place);
    /// Goes to a label unless a word's mark has one of some bits.
    fn unless_marked(ops: &mut Buffer, target: Place, kinds: u8, to: Label);
    /// Calls `event`.
    fn event(ops: &mut Buffer, from: u32, target: Place, routine: usize);

    /// Goes to a label if the poll word is set.
    fn if_polled(ops: &mut Buffer, to: Label);
    /// Goes to a label if a register is not 0.
    fn unless_zero(ops: &mut Buffer, reg: u8, to: Label);
    /// Goes to a label unless a register is below a number.
    fn unless_below(ops: &mut Buffer, reg: u8, bound: u32, to: Label);
    /// Goes to a label.
    fn jump(ops: &mut Buffer, to: Label);
    /// Goes on by a link to the block of a known pc.
    fn link(ops: &mut Buffer, from: u32, to: u32, address: usize) -> u32;
    /// Goes on by links to one of two known pcs, which a register says.
    fn link_either(ops: &mut Buffer, reg: u8, from: u32, to: [u32; 2], addresses: [usize; 2]) -> [u32; 2];
    /// Goes on through the table to the pc that a register holds.
    fn go_to(ops: &mut Buffer, reg: u8, from: u32);
    /// Leaves by a routine.
    fn leave(ops: &mut Buffer, before: Before, routine: usize);

    /// Loads or stores a word of segment 0 of a known length, at an offset below it if that is known; leaves if the quick way is not for it.
    fn access_program(ops: &mut Buffer, access: Access, length: u32, exit: Label);
    /// Loads or stores a word of a small segment with an identifier that is no name, or of any if all are names; goes to `slow` if it is none, or if
    /// there is no such word.
    fn access_small(ops: &mut Buffer, access: Access, lookup: &Lookup, slow: Label);
    /// Finds the segment by a routine, loads or stores the word; leaves if there is none.
    fn access_found(ops: &mut Buffer, access: Access, routine: usize, exit: Label);
}
