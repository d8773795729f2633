//! Code that is executed for the first time, straight from its words: much is executed once, and decoding it would cost more than
//! it saves.

use crate::entries::Entries;
use crate::isa::{Instruction, Reg};
use crate::state::State;
use crate::view::View;

/// Where [`straight`] has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Straight {
    /// An instruction that takes more than a register or a word: `step` has to execute it.
    Step,
    /// Words that were visited before, or the end of the program.
    Visited,
}

/// Executes a straight line from the pc on, which lies in the program and was not visited before.
pub(crate) fn straight(state: &mut State, view: View) -> Straight {
    let start = state.guest.pc;
    let mut pc = start;
    let end = 'line: loop {
        // What is visited together.
        let upto = Entries::visited_with(pc).min(view.program_len);
        while pc < upto {
            // SAFETY: the pc lies in the program, whose words and entries the view leads to; the view is valid, because nothing
            // here replaces the program.
            if !unsafe { one(&mut state.guest.registers, view, pc) } {
                break 'line Straight::Step;
            }
            pc += 1;
        }
        if pc == view.program_len || state.program.entries.visit(pc) {
            break Straight::Visited;
        }
    };
    state.guest.pc = pc;
    state.guest.executed += u64::from(pc - start);
    end
}

/// Executes the instruction at `pc`, if that is one of the simple ones. Whether it was.
///
/// # Safety
/// The view is valid, and the pc lies in segment 0.
#[inline(always)]
unsafe fn one(registers: &mut [u32; 8], view: View, pc: u32) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let at = view.entries.add(pc as usize);
        let get = |reg: Reg| registers[reg.index()];
        let (to, value) = match Instruction::decode(view.slot(pc)) {
            Instruction::Literal { a, value } => (a, value),
            Instruction::Add { a, b, c } => (a, get(b).wrapping_add(get(c))),
            Instruction::Mul { a, b, c } => (a, get(b).wrapping_mul(get(c))),
            Instruction::Nand { a, b, c } => (a, !(get(b) & get(c))),
            Instruction::CondMove { a, b, c } => (a, if get(c) != 0 { get(b) } else { get(a) }),
            Instruction::Index { a, b, c } => match view.load(get(b), get(c), at) {
                Some(value) => (a, value),
                None => return false,
            },
            Instruction::Amend { a, b, c } => return view.store(get(a), get(b), get(c), at),
            _ => return false,
        };
        registers[to.index()] = value;
    }
    true
}
