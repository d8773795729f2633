//! Pieces of code.

use super::registers::GUEST;
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

/// Offsets of words that a displacement reaches.
const NEAR_WORDS: u32 = 1 << 28;

/// Numbers of host registers.
const RAX: u8 = 0;
const RSI: u8 = 6;
const RDI: u8 = 7;

/// When a jump is made, by its number in the encoding: after a comparison of unsigned numbers, or by a result.
#[derive(Clone, Copy)]
#[repr(u8)]
enum When {
    NotBelow = 3,
    Zero = 4,
    NotZero = 5,
    NotAbove = 6,
    Above = 7,
    NotNegative = 9,
}

fn jump_if(ops: &mut Buffer, when: When, to: Label) {
    ops.write([0x0f, 0x80 | when as u8]);
    ops.jump_to_label(Distance::Rel32, to, 0);
}

fn call(ops: &mut Buffer, routine: usize) {
    ops.write([0xe8]);
    ops.jump_to_address(Distance::Rel32, routine, 0);
}

fn jump_to(ops: &mut Buffer, address: usize) -> u32 {
    ops.write([0xe9]);
    ops.jump_to_address(Distance::Rel32, address, 0)
}

/// What a routine is told of the instruction that it is about.
fn tell(ops: &mut Buffer, before: Before) {
    dynasm!(ops; .arch x64; mov edx, before.pc as i32);
    if let Some(uncounted) = before.uncounted {
        dynasm!(ops; .arch x64; mov ecx, uncounted as i32);
    }
}

/// The processor.
pub(in crate::baseline) enum X64 {}

impl Target for X64 {
    const GUEST: [u8; 8] = GUEST;
    const COLD_APART: bool = true;

    fn routines(address: usize, lookup: &Lookup, count: bool) -> (Routines, Vec<u8>) {
        routines::write(address, lookup, count)
    }

    fn way_from_units() -> Vec<u8> {
        routines::way_from_units()
    }

    fn linked(at: u32, to: u32) -> [u8; 4] {
        to.wrapping_sub(at + 4).to_le_bytes()
    }

    fn limit(ops: &mut Buffer, limit: Label) -> usize {
        dynasm!(ops; .arch x64; mov rax, [r15 + abi::EXECUTED]; add rax, DWORD i32::MAX);
        let words_at = ops.len() - 4;
        dynasm!(ops; .arch x64; cmp rax, [r15 + abi::slot(Slot::Until)]);
        jump_if(ops, When::Above, limit);
        words_at
    }

    fn set_words(code: &mut [u8], at: usize, words: u32) {
        code[at..at + 4].copy_from_slice(&words.to_le_bytes());
    }

    fn heat(ops: &mut Buffer, pc: u32, hot: Label) {
        dynasm!(ops; .arch x64; inc DWORD [r14 + (pc << WAY_SHIFT) as i32 + WAY_COUNT]);
        jump_if(ops, When::NotNegative, hot);
    }

    fn force_exit(ops: &mut Buffer, exit: Label) {
        dynasm!(ops; .arch x64; dec QWORD [r15 + abi::slot(Slot::ForceExit)]);
        jump_if(ops, When::Zero, exit);
    }

    fn count(ops: &mut Buffer, instructions: u32) {
        let more = instructions as i32;
        dynasm!(ops
            ; .arch x64
            ; add QWORD [r15 + abi::EXECUTED], more
            ; add QWORD [r15 + abi::slot(Slot::BaselineExecuted)], more
        );
    }

    fn set(ops: &mut Buffer, to: u8, value: u32) {
        match value {
            0 => dynasm!(ops; .arch x64; xor Rd(to), Rd(to)),
            _ => dynasm!(ops; .arch x64; mov Rd(to), value as i32),
        }
    }

    fn cond_move(ops: &mut Buffer, a: u8, b: u8, c: u8) {
        dynasm!(ops; .arch x64; test Rd(c), Rd(c); cmovnz Rd(a), Rd(b));
    }

    fn add(ops: &mut Buffer, a: u8, b: u8, c: u8) {
        dynasm!(ops; .arch x64; lea Rd(a), [Rq(b) + Rq(c)]);
    }

    fn mul(ops: &mut Buffer, a: u8, b: u8, c: u8) {
        dynasm!(ops; .arch x64; mov eax, Rd(b); imul eax, Rd(c); mov Rd(a), eax);
    }

    fn div(ops: &mut Buffer, a: u8, b: u8, c: u8, exit: Label) {
        dynasm!(ops; .arch x64; test Rd(c), Rd(c));
        jump_if(ops, When::Zero, exit);
        dynasm!(ops; .arch x64; mov eax, Rd(b); xor edx, edx; div Rd(c); mov Rd(a), eax);
    }

    fn nand(ops: &mut Buffer, a: u8, b: u8, c: u8) {
        match (a == b, a == c) {
            (_, true) => dynasm!(ops; .arch x64; and Rd(a), Rd(b); not Rd(a)),
            (true, _) => dynasm!(ops; .arch x64; and Rd(a), Rd(c); not Rd(a)),
            _ => dynasm!(ops; .arch x64; mov Rd(a), Rd(b); and Rd(a), Rd(c); not Rd(a)),
        }
    }

    fn alloc(ops: &mut Buffer, words: u8, routine: usize, result: u8, exit: Label, tally: Option<u32>) {
        X64::call(ops, words, routine, exit);
        if let Some(pc) = tally {
            dynasm!(ops
                ; .arch x64
                ; mov rcx, [r15 + abi::MADE]
                ; add [rcx + (pc * 8) as i32], Rq(words)
                ; mov ecx, [r15 + abi::FIRST_SITE]
                ; add ecx, pc as i32
                ; mov rdx, [r15 + abi::SITES]
                ; mov [rdx + rax * 4], ecx
            );
        }
        dynasm!(ops; .arch x64; mov Rd(result), eax);
    }

    fn call(ops: &mut Buffer, argument: u8, routine: usize, exit: Label) {
        dynasm!(ops; .arch x64; mov edi, Rd(argument));
        call(ops, routine);
        dynasm!(ops; .arch x64; test eax, eax);
        jump_if(ops, When::Zero, exit);
    }

    fn call_step(ops: &mut Buffer, before: Before, routine: usize) {
        tell(ops, before);
        call(ops, routine);
    }

    fn input(ops: &mut Buffer, to: u8, none: Label) {
        dynasm!(ops; .arch x64; mov rax, [r15 + abi::INPUT_NEXT]; cmp rax, [r15 + abi::INPUT_END]);
        jump_if(ops, When::Zero, none);
        dynasm!(ops; .arch x64; movzx Rd(to), BYTE [rax]; inc rax; mov [r15 + abi::INPUT_NEXT], rax);
    }

    fn tally_jump(ops: &mut Buffer, target: Place) {
        dynasm!(ops; .arch x64; mov rcx, [r15 + abi::JUMPS]);
        match target {
            Place::Const(target) => dynasm!(ops; .arch x64; inc QWORD [rcx + (target * 8) as i32]),
            Place::Register(target) => dynasm!(ops; .arch x64; inc QWORD [rcx + Rq(target) * 8]),
        }
    }

    fn mark_called(ops: &mut Buffer, target: Place) {
        dynasm!(ops; .arch x64; mov rcx, [r15 + abi::MARKS]);
        match target {
            Place::Const(target) => dynasm!(ops; .arch x64; or BYTE [rcx + target as i32], MARK_CALLED as i8),
            Place::Register(target) => dynasm!(ops; .arch x64; or BYTE [rcx + Rq(target)], MARK_CALLED as i8),
        }
    }

    fn unless_marked(ops: &mut Buffer, target: Place, kinds: u8, to: Label) {
        dynasm!(ops; .arch x64; mov rcx, [r15 + abi::MARKS]);
        match target {
            Place::Const(target) => dynasm!(ops; .arch x64; test BYTE [rcx + target as i32], kinds as i8),
            Place::Register(target) => dynasm!(ops; .arch x64; test BYTE [rcx + Rq(target)], kinds as i8),
        }
        jump_if(ops, When::Zero, to);
    }

    fn event(ops: &mut Buffer, from: u32, target: Place, routine: usize) {
        X64::set(ops, RSI, from);
        match target {
            Place::Const(target) => X64::set(ops, RDI, target),
            Place::Register(target) => dynasm!(ops; .arch x64; mov edi, Rd(target)),
        }
        call(ops, routine);
    }

    fn if_polled(ops: &mut Buffer, to: Label) {
        dynasm!(ops; .arch x64; cmp DWORD [r15 + abi::POLL], 0);
        jump_if(ops, When::NotZero, to);
    }

    fn unless_zero(ops: &mut Buffer, reg: u8, to: Label) {
        dynasm!(ops; .arch x64; test Rd(reg), Rd(reg));
        jump_if(ops, When::NotZero, to);
    }

    fn unless_below(ops: &mut Buffer, reg: u8, bound: u32, to: Label) {
        dynasm!(ops; .arch x64; cmp Rd(reg), bound as i32);
        jump_if(ops, When::NotBelow, to);
    }

    fn jump(ops: &mut Buffer, to: Label) {
        ops.write([0xe9]);
        ops.jump_to_label(Distance::Rel32, to, 0);
    }

    fn link(ops: &mut Buffer, from: u32, to: u32, address: usize) -> u32 {
        X64::set(ops, RSI, from);
        X64::set(ops, RDI, to);
        jump_to(ops, address)
    }

    fn link_either(ops: &mut Buffer, reg: u8, from: u32, to: [u32; 2], addresses: [usize; 2]) -> [u32; 2] {
        dynasm!(ops; .arch x64; mov esi, from as i32; cmp Rd(reg), to[0] as i32; mov edi, to[0] as i32);
        ops.write([0x0f, 0x80 | When::Zero as u8]);
        let first = ops.jump_to_address(Distance::Rel32, addresses[0], 0);
        dynasm!(ops; .arch x64; mov edi, to[1] as i32);
        [first, jump_to(ops, addresses[1])]
    }

    fn go_to(ops: &mut Buffer, reg: u8, from: u32) {
        dynasm!(ops
            ; .arch x64
            ; mov edi, Rd(reg)
            ; mov esi, from as i32
            ; mov eax, [r14 + rdi * 8]
            ; add rax, [r15 + abi::slot(Slot::BaselineCode)]
            ; jmp rax
        );
    }

    fn leave(ops: &mut Buffer, before: Before, routine: usize) {
        tell(ops, before);
        jump_to(ops, routine);
    }

    fn access_program(ops: &mut Buffer, access: Access, length: u32, exit: Label) {
        let Access { offset, data, store, .. } = access;
        match offset {
            Place::Const(offset) => {
                if store {
                    dynasm!(ops; .arch x64; mov rcx, [r15 + abi::WATCH]; test BYTE [rcx + offset as i32], WATCH_VALUE as i8);
                    jump_if(ops, When::NotZero, exit);
                }
                // The longest program ends within reach of a displacement, or the tier is not in use.
                let bytes = (offset * 4) as i32;
                match store {
                    true => dynasm!(ops; .arch x64; mov [r15 + bytes], Rd(data)),
                    false => dynasm!(ops; .arch x64; mov Rd(data), [r15 + bytes]),
                }
            }
            Place::Register(offset) => {
                X64::unless_below(ops, offset, length, exit);
                if store {
                    dynasm!(ops; .arch x64; mov rcx, [r15 + abi::WATCH]; test BYTE [rcx + Rq(offset)], WATCH_VALUE as i8);
                    jump_if(ops, When::NotZero, exit);
                }
                match store {
                    true => dynasm!(ops; .arch x64; mov [r15 + Rq(offset) * 4], Rd(data)),
                    false => dynasm!(ops; .arch x64; mov Rd(data), [r15 + Rq(offset) * 4]),
                }
            }
        }
    }

    fn access_small(ops: &mut Buffer, access: Access, lookup: &Lookup, slow: Label) {
        let Access { offset, data, store, .. } = access;
        let segment = identified(ops, access.segment, lookup, slow);
        match offset {
            Place::Const(offset) => {
                let (bound, bytes) = ((offset + 1) as i8, (offset * 4) as i32);
                dynasm!(ops; .arch x64; mov rcx, [r15 + abi::LENS]; cmp BYTE [rcx + Rq(segment)], bound);
                jump_if(ops, When::NotAbove, slow);
                match store {
                    true => dynasm!(ops; .arch x64; mov [r15 + Rq(segment) * 8 + bytes], Rd(data)),
                    false => dynasm!(ops; .arch x64; mov Rd(data), [r15 + Rq(segment) * 8 + bytes]),
                }
            }
            Place::Register(offset) => {
                dynasm!(ops
                    ; .arch x64
                    ; mov rcx, [r15 + abi::LENS]
                    ; lea rdx, [Rq(offset) + 1]
                    ; movzx ecx, BYTE [rcx + Rq(segment)]
                    ; lea rax, [r15 + Rq(segment) * 8]
                    ; cmp rdx, rcx
                );
                jump_if(ops, When::NotBelow, slow);
                word(ops, access);
            }
        }
    }

    fn access_found(ops: &mut Buffer, access: Access, routine: usize, exit: Label) {
        let segment = access.segment;
        dynasm!(ops; .arch x64; mov esi, Rd(segment));
        match access.offset {
            Place::Const(offset) => X64::set(ops, RDI, offset),
            Place::Register(offset) => dynasm!(ops; .arch x64; mov edi, Rd(offset)),
        }
        call(ops, routine);
        dynasm!(ops; .arch x64; test rax, rax);
        jump_if(ops, When::Zero, exit);
        word(ops, access);
    }
}

/// The host register with the granule that an identifier in another says, or leads to where all segments have names; to `none` if
/// it says none.
fn identified(ops: &mut Buffer, id: u8, lookup: &Lookup, none: Label) -> u8 {
    if lookup.all_named() {
        if lookup.names_bound.is_some() {
            dynasm!(ops; .arch x64; cmp Rd(id), [r15 + abi::NAMES_BOUND]);
            jump_if(ops, When::NotBelow, none);
        }
        dynasm!(ops; .arch x64; mov rcx, [r15 + abi::NAMES]; mov eax, [rcx + Rq(id) * 4]);
        return RAX;
    }
    if let Some(bound) = lookup.id_bound {
        X64::unless_below(ops, id, bound as u32, none);
    }
    id
}

/// Loads or stores the word of the segment whose words are at `rax`.
fn word(ops: &mut Buffer, access: Access) {
    let Access { offset, data, store, .. } = access;
    match (offset, store) {
        (Place::Register(offset), false) => dynasm!(ops; .arch x64; mov Rd(data), [rax + Rq(offset) * 4]),
        (Place::Register(offset), true) => dynasm!(ops; .arch x64; mov [rax + Rq(offset) * 4], Rd(data)),
        (Place::Const(offset), false) if offset < NEAR_WORDS => {
            dynasm!(ops; .arch x64; mov Rd(data), [rax + (offset * 4) as i32]);
        }
        (Place::Const(offset), true) if offset < NEAR_WORDS => {
            dynasm!(ops; .arch x64; mov [rax + (offset * 4) as i32], Rd(data));
        }
        (Place::Const(offset), false) => {
            dynasm!(ops; .arch x64; mov edx, offset as i32; mov Rd(data), [rax + rdx * 4]);
        }
        (Place::Const(offset), true) => {
            dynasm!(ops; .arch x64; mov edx, offset as i32; mov [rax + rdx * 4], Rd(data));
        }
    }
}
