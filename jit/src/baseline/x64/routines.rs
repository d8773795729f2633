//! What the tier's blocks share, as code: ways in and out, and everything of an instruction that is too long to stand in each block.
//!
//! | registers of the host | |
//! |---|---|
//! | [`GUEST`] | the guest's registers, as 64 bits with the upper half 0 |
//! | `r15` | granule 0, as in all compiled code |
//! | `r14` | the tier's table |
//! | `rax` `rcx` `rdx` `rsi` `rdi` | free; what a routine takes and gives is said with it |
//!
//! A block is entered by a jump through the table, with the pc in `edi` and the word of the jump in `esi`. The stack is aligned in blocks.
//!
//! What routines take and give: those that leave, `hot` and `step` the pc in `edx` and what is to be counted in `ecx`; `hot` the word of the jump in
//! `esi`. Those that find a word the segment in `esi` and the offset in `edi`, and give the segment's words in `rax`. The others take `edi`
//! and give `eax`. Offset 0 and the way to a unit are reached as blocks are.

use super::registers::GUEST;
use crate::baseline::table::WAY_SHIFT;
use crate::baseline::target::Routines;
use crate::abi::{self, BLOCK_SELECTOR, Slot};
use crate::exit::{Complete, HOT, MISSED};
use crate::settings::Lookup;
use crate::stubs::{host_abandon, host_alloc, host_drain, host_step};
use dynasmrt::x64::X64Relocation;
use dynasmrt::{AssemblyOffset, DynasmApi, DynasmLabelApi, VecAssembler, dynasm};
use rum_interp::engine::WATCH_VALUE;
use rum_interp::engine::layout::{GRANULE_SHIFT, LARGE, NAME_PLACE, NAME_SHIFT, NAME_WORDS, PLACE_SHIFT, SMALL_WORDS_MAX};

use rum_interp::tally::{EVENT_BYTES, EVENT_FROM, EVENT_NOW, EVENT_TARGET};

/// What writes the code.
type Assembler = VecAssembler<X64Relocation>;

const _: () = assert!(GRANULE_SHIFT == 3 && WAY_SHIFT == 3 && NAME_SHIFT == 3 && PLACE_SHIFT == 2, "addresses scale by that");

/// The routines for code at an address.
pub(super) fn write(address: usize, lookup: &Lookup, count: bool) -> (Routines, Vec<u8>) {
    let ops = Assembler::new(address);
    let mut writer = Writer { ops, address, lookup: *lookup, count };
    let mut routines = writer.all();
    let code = writer.ops.finalize().expect("labels are bound and near");
    routines.end = code.len();
    (routines, code)
}

/// The way from a unit into the block whose pc is the selector, as code that may stand anywhere.
pub(super) fn way_from_units() -> Vec<u8> {
    let mut ops = Assembler::new(0);
    dynasm!(ops; .arch x64; and edi, !BLOCK_SELECTOR as i32);
    enter(&mut ops);
    ops.finalize().expect("there are no labels")
}

/// Saves what compiled code preserves, takes the guest's registers, and goes to the block at `edi`.
fn enter(ops: &mut Assembler) {
    dynasm!(ops; .arch x64; push rbp; push rbx; push r12; push r13; push r14);
    load_guest(ops);
    dynasm!(ops
        ; .arch x64
        ; mov r14, [r15 + abi::slot(Slot::BaselineTable)]
        ; mov eax, [r14 + rdi * 8]
        ; add rax, [r15 + abi::slot(Slot::BaselineCode)]
        ; jmp rax
    );
}

fn load_guest(ops: &mut Assembler) {
    for (index, &host) in GUEST.iter().enumerate() {
        dynasm!(ops; .arch x64; mov Rd(host), [r15 + abi::register(index)]);
    }
}

fn store_guest(ops: &mut Assembler) {
    for (index, &host) in GUEST.iter().enumerate() {
        dynasm!(ops; .arch x64; mov [r15 + abi::register(index)], Rd(host));
    }
}

fn restore(ops: &mut Assembler) {
    dynasm!(ops; .arch x64; pop r14; pop r13; pop r12; pop rbx; pop rbp);
}

struct Writer {
    ops: Assembler,
    address: usize,
    lookup: Lookup,
    count: bool,
}

impl Writer {
    /// The address of what is written next.
    fn here(&mut self) -> usize {
        self.ops.align(16, 0x90);
        let AssemblyOffset(offset) = self.ops.offset();
        self.address + offset
    }

    fn all(&mut self) -> Routines {
        let mut routines = Routines::default();
        // Offset 0 is what an empty table leads to.
        let ops = &mut self.ops;
        dynasm!(ops
            ; .arch x64
            ; mov [r15 + abi::PC], edi
            ; mov eax, esi
            ; bts rax, BYTE MISSED.trailing_zeros() as i8
            ; ->leave:
        );
        store_guest(ops);
        restore(ops);
        dynasm!(ops; .arch x64; ret);
        routines.hot = self.here();
        let ops = &mut self.ops;
        dynasm!(ops
            ; .arch x64
            ; mov [r15 + abi::PC], edx
            ; mov eax, esi
            ; bts rax, BYTE HOT.trailing_zeros() as i8
            ; jmp ->leave
        );
        routines.leave_check = self.leave(Complete::BlockCheck);
        routines.leave_next = self.leave(Complete::BlockLeave);
        routines.leave_limit = self.leave(Complete::BlockLimit);
        routines.leave_poll = self.leave(Complete::Poll);
        self.ways(&mut routines);
        routines.find_load = self.find(false);
        routines.find_store = self.find(true);
        self.heap(&mut routines);
        routines.put = self.put();
        routines.event = self.event();
        routines.step = self.step();
        routines
    }

    fn leave(&mut self, complete: Complete) -> usize {
        let start = self.here();
        self.count_before();
        let ops = &mut self.ops;
        dynasm!(ops
            ; .arch x64
            ; mov [r15 + abi::PC], edx
            ; mov eax, complete as u32 as i32
            ; jmp ->leave
        );
        start
    }

    /// Counts `ecx` instructions.
    fn count_before(&mut self) {
        if self.count {
            let ops = &mut self.ops;
            dynasm!(ops; .arch x64; add [r15 + abi::EXECUTED], rcx; add [r15 + abi::slot(Slot::BaselineExecuted)], rcx);
        }
    }

    fn ways(&mut self, routines: &mut Routines) {
        let to_unit = self.here() - self.address;
        routines.to_unit = u32::try_from(to_unit).expect("routines are short");
        let ops = &mut self.ops;
        store_guest(ops);
        dynasm!(ops; .arch x64; mov [r15 + abi::PC], edi);
        restore(ops);
        dynasm!(ops
            ; .arch x64
            ; mov rcx, [r15 + abi::slot(Slot::Table)]
            ; mov rax, [rcx + rdi * 8]
            ; mov r10d, eax
            ; add r10, [r15 + abi::slot(Slot::CodeBase)]
            ; shr rax, 32
            ; mov edi, eax
            ; jmp r10
        );
        routines.trampoline = self.here();
        let ops = &mut self.ops;
        dynasm!(ops
            ; .arch x64
            ; push r15
            ; mov r15, rdi
            ; mov edi, esi
            ; mov esi, -1
            ; call >enter
            ; pop r15
            ; ret
            ; .align 16
            ; enter:
        );
        enter(ops);
    }

    fn find(&mut self, store: bool) -> usize {
        let start = self.here();
        let ops = &mut self.ops;
        dynasm!(ops; .arch x64; test esi, esi; jz >program);
        self.find_others();
        let ops = &mut self.ops;
        dynasm!(ops
            ; .arch x64
            ; program:
            ; cmp edi, [r15 + abi::PROGRAM_LEN]
            ; jae >none
        );
        if store {
            dynasm!(ops
                ; .arch x64
                ; mov rcx, [r15 + abi::WATCH]
                ; test BYTE [rcx + rdi], WATCH_VALUE as i8
                ; jnz >none
            );
        }
        dynasm!(ops
            ; .arch x64
            ; mov rax, r15
            ; ret
            ; none:
            ; xor eax, eax
            ; ret
        );
        start
    }

    /// Finds a segment other than 0, by its name or its identifier.
    fn find_others(&mut self) {
        let names_bound = self.lookup.names_bound.map_or(0, |bound| bound as i32);
        let id_bound = self.lookup.id_bound;
        let ops = &mut self.ops;
        if self.lookup.all_named() {
            if self.lookup.names_bound.is_some() {
                dynasm!(ops; .arch x64; cmp esi, [r15 + abi::NAMES_BOUND]; jae >none);
            }
            dynasm!(ops
                ; .arch x64
                ; mov rdx, [r15 + abi::NAMES]
                ; mov esi, [rdx + rsi * 4]
            );
            self.find_place();
        } else {
            dynasm!(ops
                ; .arch x64
                ; cmp esi, names_bound
                ; jb >name
            );
            if let Some(bound) = id_bound {
                dynasm!(ops; .arch x64; cmp esi, bound as i32; jae >none);
            }
            self.find_place();
            let ops = &mut self.ops;
            dynasm!(ops
                ; .arch x64
                ; name:
                ; mov eax, [r15 + rsi * 8 + abi::FEW_NAMES + NAME_PLACE as i32]
                ; lea rax, [r15 + rax * 8]
                ; cmp edi, [r15 + rsi * 8 + abi::FEW_NAMES + NAME_WORDS as i32]
                ; jae >none
                ; ret
            );
        }
    }

    /// Finds the segment at the place `esi`, by its length byte.
    fn find_place(&mut self) {
        let ops = &mut self.ops;
        dynasm!(ops
            ; .arch x64
            ; mov rcx, [r15 + abi::LENS]
            ; movzx ecx, BYTE [rcx + rsi]
            ; lea rax, [r15 + rsi * 8]
            ; cmp ecx, i32::from(LARGE)
            ; je >large
            ; lea rdx, [rdi + 1]
            ; cmp rdx, rcx
            ; jae >none
            ; ret
            ; large:
            ; cmp edi, [rax - 8]
            ; jae >none
            ; ret
        );
    }

    fn heap(&mut self, routines: &mut Routines) {
        routines.alloc = self.here();
        if !self.lookup.all_named() {
            let ops = &mut self.ops;
            dynasm!(ops
                ; .arch x64
                ; cmp edi, SMALL_WORDS_MAX as i32
                ; ja >slow
                ; lea ecx, [rdi + 1]
                ; shr ecx, 1
                ; cmp ecx, 1
                ; adc ecx, 0
                ; mov eax, [r15 + abi::CURSOR]
                ; mov edx, [r15 + abi::RUN_END]
                ; sub edx, eax
                ; cmp edx, ecx
                ; jb >slow
                ; add ecx, eax
                ; mov [r15 + abi::CURSOR], ecx
                ; mov rcx, [r15 + abi::LENS]
                ; inc edi
                ; mov [rcx + rax], dil
                ; ret
                ; slow:
            );
        }
        self.call_host(host_alloc as *const () as usize);
        routines.abandon = self.here();
        if !self.lookup.all_named() {
            let ops = &mut self.ops;
            if let Some(bound) = self.lookup.id_bound {
                dynasm!(ops; .arch x64; cmp edi, bound as i32; jae >slow);
            }
            dynasm!(ops
                ; .arch x64
                ; mov rcx, [r15 + abi::LENS]
                ; movzx eax, BYTE [rcx + rdi]
                ; dec eax
                ; cmp al, (LARGE - 1) as i8
                ; jae >slow
                ; mov BYTE [rcx + rdi], 0
                ; mov eax, 1
                ; ret
                ; slow:
            );
        }
        self.call_host(host_abandon as *const () as usize);
    }

    /// Calls a function of the host with `edi`, and gives its result in `eax`.
    fn call_host(&mut self, function: usize) {
        let ops = &mut self.ops;
        dynasm!(ops
            ; .arch x64
            ; push r8
            ; push r9
            ; push r10
            ; push r11
            ; sub rsp, 8
            ; mov esi, edi
            ; mov rdi, r15
            ; mov rax, QWORD function as i64
            ; call rax
            ; add rsp, 8
            ; pop r11
            ; pop r10
            ; pop r9
            ; pop r8
            ; mov eax, [r15 + abi::slot(Slot::Result)]
            ; ret
        );
    }

    fn put(&mut self) -> usize {
        let start = self.here();
        let ops = &mut self.ops;
        dynasm!(ops
            ; .arch x64
            ; cmp edi, 255
            ; ja >no
            ; mov rax, [r15 + abi::OUTPUT_NEXT]
            ; cmp rax, [r15 + abi::OUTPUT_END]
            ; je >no
            ; mov [rax], dil
            ; inc rax
            ; mov [r15 + abi::OUTPUT_NEXT], rax
            ; mov eax, 1
            ; ret
            ; no:
            ; xor eax, eax
            ; ret
        );
        start
    }

    /// Notes the jump from `esi` to `edi`.
    fn event(&mut self) -> usize {
        let start = self.here();
        let ops = &mut self.ops;
        dynasm!(ops
            ; .arch x64
            ; mov rax, [r15 + abi::EVENT]
            ; mov rcx, [r15 + abi::EXECUTED]
            ; mov [rax + EVENT_NOW], rcx
            ; mov [rax + EVENT_FROM], esi
            ; mov [rax + EVENT_TARGET], edi
            ; add rax, EVENT_BYTES as i32
            ; mov [r15 + abi::EVENT], rax
            ; cmp rax, [r15 + abi::EVENTS_END]
            ; je >full
            ; ret
            ; full:
        );
        self.call_host(host_drain as *const () as usize);
        start
    }

    fn step(&mut self) -> usize {
        let start = self.here();
        self.count_before();
        let ops = &mut self.ops;
        store_guest(ops);
        dynasm!(ops
            ; .arch x64
            ; mov [r15 + abi::PC], edx
            ; sub rsp, 8
            ; mov rdi, r15
            ; mov rax, QWORD host_step as *const () as i64
            ; call rax
            ; add rsp, 8
        );
        load_guest(ops);
        dynasm!(ops
            ; .arch x64
            ; cmp DWORD [r15 + abi::slot(Slot::Result)], 0
            ; jne >end
            ; ret
            ; end:
            ; add rsp, 8 // The block is left, not gone on with.
            ; mov eax, Complete::Host as u32 as i32
            ; jmp ->leave
        );
        start
    }
}
