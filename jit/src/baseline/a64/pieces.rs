//! Pieces of code.

use super::registers::{FREE, FROM, GUEST, OFFSET, PC, POLL_BEFORE, RESULT, SEGMENT, TO, UNCOUNTED, near, number};
use super::routines;
use crate::baseline::buffer::{Buffer, Distance, Label};
use crate::baseline::parts::{Access, Place};
use crate::baseline::table::{WAY_COUNT, WAY_SHIFT};
use crate::baseline::target::{Before, Routines, Target};
use crate::abi::{self, Slot};
use crate::settings::Lookup;
use dynasmrt::{DynasmApi, dynasm};
use rum_interp::engine::WATCH_VALUE;
use rum_interp::tally::MARK_CALLED;

/// Numbers that an instruction has room for.
const SHORT: u32 = 1 << 12;
/// Offsets of words that an instruction has room for.
const NEAR_WORDS: u32 = 1 << 12;
/// A branch without a condition, and to a routine; without its distance.
const B: u32 = 0x1400_0000;
const BL: u32 = 0x9400_0000;

/// When a branch is made, by its number in the encoding: after a comparison of unsigned numbers, or by a result.
#[derive(Clone, Copy)]
#[repr(u8)]
enum When {
    Equal = 0,
    NotEqual = 1,
    NotBelow = 2,
    NotNegative = 5,
    Above = 8,
    NotAbove = 9,
}

fn branch_if(ops: &mut Buffer, when: When, to: Label) {
    ops.jump_to_label(Distance::Mid19, to, 0x5400_0000 | when as u32);
}

/// Branches if 32 bits of a register are 0.
fn branch_if_zero(ops: &mut Buffer, reg: u8, to: Label) {
    ops.jump_to_label(Distance::Mid19, to, 0x3400_0000 | u32::from(reg));
}

/// Branches if 32 bits of a register are not all 0.
fn branch_unless_zero(ops: &mut Buffer, reg: u8, to: Label) {
    ops.jump_to_label(Distance::Mid19, to, 0x3500_0000 | u32::from(reg));
}

fn call(ops: &mut Buffer, routine: usize) {
    ops.jump_to_address(Distance::Low26, routine, BL);
}

fn jump_to(ops: &mut Buffer, address: usize) -> u32 {
    ops.jump_to_address(Distance::Low26, address, B)
}

/// What a routine is told of the instruction that it is about.
fn tell(ops: &mut Buffer, before: Before) {
    number(ops, PC, before.pc);
    if let Some(uncounted) = before.uncounted {
        number(ops, UNCOUNTED, uncounted);
    }
}

/// The processor.
pub(in crate::baseline) enum A64 {}

impl Target for A64 {
    const GUEST: [u8; 8] = GUEST;
    const COLD_APART: bool = false;

    fn routines(address: usize, lookup: &Lookup, count: bool) -> (Routines, Vec<u8>) {
        routines::write(address, lookup, count)
    }

    fn way_from_units() -> Vec<u8> {
        routines::way_from_units()
    }

    fn linked(at: u32, to: u32) -> [u8; 4] {
        (B | to.wrapping_sub(at) >> 2 & ((1 << 26) - 1)).to_le_bytes()
    }

    fn limit(ops: &mut Buffer, limit: Label) -> usize {
        dynasm!(ops; .arch aarch64; ldr x10, [x15, near(abi::EXECUTED)]);
        let words_at = ops.len();
        dynasm!(ops; .arch aarch64; movz w9, 0; add x10, x10, x9; ldr x9, [x15, near(abi::slot(Slot::Until))]; cmp x10, x9);
        branch_if(ops, When::Above, limit);
        words_at
    }

    fn set_words(code: &mut [u8], at: usize, words: u32) {
        assert!(words < 1 << 16, "blocks are shorter");
        let place = &mut code[at..at + 4];
        let written = u32::from_le_bytes(place.try_into().expect("four bytes"));
        place.copy_from_slice(&(written | words << 5).to_le_bytes());
    }

    fn heat(ops: &mut Buffer, pc: u32, hot: Label) {
        number(ops, FREE, (pc << WAY_SHIFT) + WAY_COUNT as u32);
        dynasm!(ops; .arch aarch64; ldr w10, [x22, x9]; adds w10, w10, 1; str w10, [x22, x9]);
        branch_if(ops, When::NotNegative, hot);
    }

    fn force_exit(ops: &mut Buffer, exit: Label) {
        let countdown = near(abi::slot(Slot::ForceExit));
        dynasm!(ops; .arch aarch64; ldr x9, [x15, countdown]; subs x9, x9, 1; str x9, [x15, countdown]);
        branch_if(ops, When::Equal, exit);
    }

    fn count(ops: &mut Buffer, instructions: u32) {
        number(ops, FREE, instructions);
        for counter in [abi::EXECUTED, abi::slot(Slot::BaselineExecuted)].map(near) {
            dynasm!(ops; .arch aarch64; ldr x10, [x15, counter]; add x10, x10, x9; str x10, [x15, counter]);
        }
    }

    fn set(ops: &mut Buffer, to: u8, value: u32) {
        number(ops, to, value);
    }

    fn cond_move(ops: &mut Buffer, a: u8, b: u8, c: u8) {
        dynasm!(ops; .arch aarch64; cmp WSP(c), 0; csel W(a), W(b), W(a), ne);
    }

    fn add(ops: &mut Buffer, a: u8, b: u8, c: u8) {
        dynasm!(ops; .arch aarch64; add W(a), W(b), W(c));
    }

    fn mul(ops: &mut Buffer, a: u8, b: u8, c: u8) {
        dynasm!(ops; .arch aarch64; mul W(a), W(b), W(c));
    }

    fn div(ops: &mut Buffer, a: u8, b: u8, c: u8, exit: Label) {
        branch_if_zero(ops, c, exit);
        dynasm!(ops; .arch aarch64; udiv W(a), W(b), W(c));
    }

    fn nand(ops: &mut Buffer, a: u8, b: u8, c: u8) {
        if b == c {
            return dynasm!(ops; .arch aarch64; mvn W(a), W(b));
        }
        dynasm!(ops; .arch aarch64; and W(a), W(b), W(c); mvn W(a), W(a));
    }

    fn alloc(ops: &mut Buffer, words: u8, routine: usize, result: u8, exit: Label, tally: Option<u32>) {
        A64::call(ops, words, routine, exit);
        if let Some(pc) = tally {
            number(ops, FREE, pc);
            dynasm!(ops
                ; .arch aarch64
                ; ldr x10, [x15, near(abi::MADE)]
                ; add x10, x10, x9, LSL #3
                ; ldr x11, [x10]
                ; add x11, x11, X(words)
                ; str x11, [x10]
                ; ldr w10, [x15, near(abi::FIRST_SITE)]
                ; add w9, w9, w10
                ; ldr x10, [x15, near(abi::SITES)]
                ; str w9, [x10, x0, LSL #2]
            );
        }
        dynasm!(ops; .arch aarch64; mov W(result), w0);
    }

    fn call(ops: &mut Buffer, argument: u8, routine: usize, exit: Label) {
        dynasm!(ops; .arch aarch64; mov w0, W(argument));
        call(ops, routine);
        branch_if_zero(ops, RESULT, exit);
    }

    fn call_step(ops: &mut Buffer, before: Before, routine: usize) {
        tell(ops, before);
        call(ops, routine);
    }

    fn input(ops: &mut Buffer, to: u8, none: Label) {
        dynasm!(ops
            ; .arch aarch64
            ; ldr x9, [x15, near(abi::INPUT_NEXT)]
            ; ldr x10, [x15, near(abi::INPUT_END)]
            ; cmp x9, x10
        );
        branch_if(ops, When::Equal, none);
        dynasm!(ops; .arch aarch64; ldrb W(to), [x9], 1; str x9, [x15, near(abi::INPUT_NEXT)]);
    }

    fn tally_jump(ops: &mut Buffer, target: Place) {
        let target = marked(ops, target);
        dynasm!(ops
            ; .arch aarch64
            ; ldr x9, [x15, near(abi::JUMPS)]
            ; add x9, x9, X(target), LSL #3
            ; ldr x10, [x9]
            ; add x10, x10, 1
            ; str x10, [x9]
        );
    }

    fn mark_called(ops: &mut Buffer, target: Place) {
        let target = marked(ops, target);
        dynasm!(ops
            ; .arch aarch64
            ; ldr x9, [x15, near(abi::MARKS)]
            ; add x9, x9, X(target)
            ; ldrb w10, [x9]
            ; orr w10, w10, u32::from(MARK_CALLED)
            ; strb w10, [x9]
        );
    }

    fn unless_marked(ops: &mut Buffer, target: Place, kinds: u8, to: Label) {
        let target = marked(ops, target);
        dynasm!(ops; .arch aarch64; ldr x9, [x15, near(abi::MARKS)]; ldrb w9, [x9, X(target)]);
        number(ops, OFFSET, u32::from(kinds));
        dynasm!(ops; .arch aarch64; tst w9, w0);
        branch_if(ops, When::Equal, to);
    }

    fn event(ops: &mut Buffer, from: u32, target: Place, routine: usize) {
        match target {
            Place::Const(target) => number(ops, TO, target),
            Place::Register(target) => dynasm!(ops; .arch aarch64; mov W(TO), W(target)),
        }
        number(ops, FROM, from);
        call(ops, routine);
    }

    fn if_polled(ops: &mut Buffer, to: Label) {
        dynasm!(ops; .arch aarch64; sub x9, x21, POLL_BEFORE, LSL 12; ldr w9, [x9]);
        branch_unless_zero(ops, FREE, to);
    }

    fn unless_zero(ops: &mut Buffer, reg: u8, to: Label) {
        branch_unless_zero(ops, reg, to);
    }

    fn unless_below(ops: &mut Buffer, reg: u8, bound: u32, to: Label) {
        if bound < SHORT {
            dynasm!(ops; .arch aarch64; cmp WSP(reg), bound);
        } else {
            number(ops, FREE, bound);
            dynasm!(ops; .arch aarch64; cmp W(reg), w9);
        }
        branch_if(ops, When::NotBelow, to);
    }

    fn jump(ops: &mut Buffer, to: Label) {
        ops.jump_to_label(Distance::Low26, to, B);
    }

    fn link(ops: &mut Buffer, from: u32, to: u32, address: usize) -> u32 {
        number(ops, FROM, from);
        number(ops, TO, to);
        jump_to(ops, address)
    }

    fn link_either(ops: &mut Buffer, reg: u8, from: u32, to: [u32; 2], addresses: [usize; 2]) -> [u32; 2] {
        let second = ops.label();
        number(ops, TO, to[0]);
        number(ops, FROM, from);
        dynasm!(ops; .arch aarch64; cmp W(reg), w0);
        // Only a branch without a condition reaches everything.
        branch_if(ops, When::NotEqual, second);
        let first_at = jump_to(ops, addresses[0]);
        ops.bind(second);
        number(ops, TO, to[1]);
        [first_at, jump_to(ops, addresses[1])]
    }

    fn go_to(ops: &mut Buffer, reg: u8, from: u32) {
        number(ops, FROM, from);
        dynasm!(ops
            ; .arch aarch64
            ; mov w0, W(reg)
            ; add x9, x22, x0, LSL 3
            ; ldr w9, [x9]
            ; ldr x10, [x15, near(abi::slot(Slot::BaselineCode))]
            ; add x9, x9, x10
            ; br x9
        );
    }

    fn leave(ops: &mut Buffer, before: Before, routine: usize) {
        tell(ops, before);
        jump_to(ops, routine);
    }

    fn access_program(ops: &mut Buffer, access: Access, length: u32, exit: Label) {
        let Access { offset, data, store, .. } = access;
        let offset = match offset {
            Place::Const(offset) if !store && offset < NEAR_WORDS => {
                return dynasm!(ops; .arch aarch64; ldr W(data), [x21, offset * 4]);
            }
            Place::Const(offset) => {
                number(ops, OFFSET, offset);
                OFFSET
            }
            Place::Register(offset) => {
                A64::unless_below(ops, offset, length, exit);
                offset
            }
        };
        if store {
            dynasm!(ops
                ; .arch aarch64
                ; ldr x9, [x15, near(abi::WATCH)]
                ; ldrb w9, [x9, X(offset)]
                ; tst w9, u32::from(WATCH_VALUE)
            );
            branch_if(ops, When::NotEqual, exit);
        }
        match store {
            true => dynasm!(ops; .arch aarch64; str W(data), [x21, X(offset), LSL #2]),
            false => dynasm!(ops; .arch aarch64; ldr W(data), [x21, X(offset), LSL #2]),
        }
    }

    fn access_small(ops: &mut Buffer, access: Access, lookup: &Lookup, slow: Label) {
        let segment = identified(ops, access.segment, lookup, slow);
        dynasm!(ops; .arch aarch64; ldr x9, [x15, near(abi::LENS)]; ldrb w9, [x9, X(segment)]);
        match access.offset {
            Place::Const(offset) => {
                dynasm!(ops; .arch aarch64; cmp w9, offset + 1);
                branch_if(ops, When::NotAbove, slow);
            }
            Place::Register(offset) => {
                dynasm!(ops; .arch aarch64; add x10, XSP(offset), 1; cmp x10, x9);
                branch_if(ops, When::NotBelow, slow);
            }
        }
        dynasm!(ops; .arch aarch64; add x0, x21, X(segment), LSL #3);
        word(ops, access);
    }

    fn access_found(ops: &mut Buffer, access: Access, routine: usize, exit: Label) {
        dynasm!(ops; .arch aarch64; mov W(SEGMENT), W(access.segment));
        match access.offset {
            Place::Const(offset) => number(ops, OFFSET, offset),
            Place::Register(offset) => dynasm!(ops; .arch aarch64; mov W(OFFSET), W(offset)),
        }
        call(ops, routine);
        dynasm!(ops; .arch aarch64; cmp x0, 0);
        branch_if(ops, When::Equal, exit);
        word(ops, access);
    }
}

/// The host register with a word's offset.
fn marked(ops: &mut Buffer, target: Place) -> u8 {
    match target {
        Place::Register(target) => target,
        Place::Const(target) => {
            number(ops, OFFSET, target);
            OFFSET
        }
    }
}

/// The host register with the granule that an identifier in another says, or leads to where all segments have names; to `none` if
/// it says none.
fn identified(ops: &mut Buffer, id: u8, lookup: &Lookup, none: Label) -> u8 {
    if lookup.all_named() {
        if lookup.names_bound.is_some() {
            dynasm!(ops; .arch aarch64; ldr w9, [x15, near(abi::NAMES_BOUND)]; cmp W(id), w9);
            branch_if(ops, When::NotBelow, none);
        }
        dynasm!(ops; .arch aarch64; ldr x9, [x15, near(abi::NAMES)]; ldr W(SEGMENT), [x9, X(id), LSL #2]);
        return SEGMENT;
    }
    if let Some(bound) = lookup.id_bound {
        A64::unless_below(ops, id, bound as u32, none);
    }
    id
}

/// Loads or stores the word of the segment whose words are at `x0`.
fn word(ops: &mut Buffer, access: Access) {
    let Access { offset, data, store, .. } = access;
    let offset = match offset {
        Place::Const(offset) if offset < NEAR_WORDS => {
            return match store {
                true => dynasm!(ops; .arch aarch64; str W(data), [x0, offset * 4]),
                false => dynasm!(ops; .arch aarch64; ldr W(data), [x0, offset * 4]),
            };
        }
        Place::Const(offset) => {
            number(ops, FREE, offset);
            FREE
        }
        Place::Register(offset) => offset,
    };
    match store {
        true => dynasm!(ops; .arch aarch64; str W(data), [x0, X(offset), LSL #2]),
        false => dynasm!(ops; .arch aarch64; ldr W(data), [x0, X(offset), LSL #2]),
    }
}
