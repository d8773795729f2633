//! What the tier's blocks share on aarch64, as code: ways in and out, and everything of an instruction that is too long to stand in each block.
//!
//! | registers of the host | |
//! |---|---|
//! | [`GUEST`] | the guest's registers, as 64 bits with the upper half 0; calls to the host preserve them |
//! | `x21` | granule 0, as in all compiled code |
//! | `x22` | the tier's table |
//! | `x15` | the state, which stands before granule 0: offsets from here are not negative; set again after each call to the host |
//! | `x0` to `x14` | free; what a routine takes and gives is said with it |
//!
//! A block is entered by a jump through the table, with the pc in `w0` and the word of the jump in `w1`. Its return address is on the stack.
//!
//! What routines take and give: those that leave, `hot` and `step` the pc in `w2` and what is to be counted in `w3`; `hot` the word of the jump in
//! `w1`. Those that find a word the segment in `w1` and the offset in `w0`, and give the segment's words in `x0`. The others take `w0`
//! and give `w0`. Offset 0 and the way to a unit are reached as blocks are. Units take their arguments in `w2` and `w3`, and give the number of an exit
//! in `x2`: so Cranelift's calling convention for tail calls has it.

use super::registers::{FREE, GUEST, PC, near, number};
use crate::abi::{self, BLOCK_SELECTOR, Slot};
use crate::baseline::table::WAY_SHIFT;
use crate::baseline::target::Routines;
use crate::exit::{Complete, HOT, MISSED};
use crate::settings::Lookup;
use crate::stubs::{host_abandon, host_alloc, host_drain, host_step};
use dynasmrt::aarch64::Aarch64Relocation;
use dynasmrt::{AssemblyOffset, DynasmApi, DynasmLabelApi, VecAssembler, dynasm};
use rum_interp::engine::{STATE_BEFORE_DATA_BYTES, WATCH_VALUE};
use rum_interp::engine::layout::{GRANULE_SHIFT, LARGE, NAME_PLACE, NAME_SHIFT, NAME_WORDS, PLACE_SHIFT, SMALL_WORDS_MAX};

use rum_interp::tally::{EVENT_BYTES, EVENT_FROM, EVENT_NOW, EVENT_TARGET};

const _: () = assert!(GRANULE_SHIFT == 3 && WAY_SHIFT == 3 && NAME_SHIFT == 3 && PLACE_SHIFT == 2, "addresses scale by that");
/// What writes the code.
type Assembler = VecAssembler<Aarch64Relocation>;

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
    dynasm!(ops; .arch aarch64; and w0, w2, !BLOCK_SELECTOR; mov w1, w3);
    enter(&mut ops);
    ops.finalize().expect("there are no labels")
}

/// Saves what compiled code preserves, takes the guest's registers, and goes to the block at `w0`.
fn enter(ops: &mut Assembler) {
    dynasm!(ops
        ; .arch aarch64
        ; stp x29, x30, [sp, -96]!
        ; mov x29, sp
        ; stp x19, x20, [sp, 16]
        ; stp x22, x23, [sp, 32]
        ; stp x24, x25, [sp, 48]
        ; stp x26, x27, [sp, 64]
        ; str x28, [sp, 80]
        ; sub x15, x21, STATE_BEFORE_DATA_BYTES as u32
    );
    load_guest(ops);
    dynasm!(ops
        ; .arch aarch64
        ; ldr x22, [x15, near(abi::slot(Slot::BaselineTable))]
        ; add x9, x22, x0, LSL 3
        ; ldr w9, [x9]
        ; ldr x10, [x15, near(abi::slot(Slot::BaselineCode))]
        ; add x9, x9, x10
        ; br x9
    );
}

/// Undoes what [`enter`] has saved.
fn restore(ops: &mut Assembler) {
    dynasm!(ops
        ; .arch aarch64
        ; ldp x19, x20, [sp, 16]
        ; ldp x22, x23, [sp, 32]
        ; ldp x24, x25, [sp, 48]
        ; ldp x26, x27, [sp, 64]
        ; ldr x28, [sp, 80]
        ; ldp x29, x30, [sp], 96
    );
}

fn load_guest(ops: &mut Assembler) {
    for (index, &host) in GUEST.iter().enumerate() {
        dynasm!(ops; .arch aarch64; ldr W(host), [x15, near(abi::register(index))]);
    }
}

fn store_guest(ops: &mut Assembler) {
    for (index, &host) in GUEST.iter().enumerate() {
        dynasm!(ops; .arch aarch64; str W(host), [x15, near(abi::register(index))]);
    }
}

/// Calls a function of the host, which takes `x0` and `w1`.
fn call(ops: &mut Assembler, function: usize) {
    let part = |number: u32| (function >> (16 * number)) as u32 & 0xffff;
    dynasm!(ops
        ; .arch aarch64
        ; stp x29, x30, [sp, -16]!
        ; mov x29, sp
        ; mov x0, x21
        ; movz x9, part(0)
        ; movk x9, part(1), LSL #16
        ; movk x9, part(2), LSL #32
        ; movk x9, part(3), LSL #48
        ; blr x9
        ; sub x15, x21, STATE_BEFORE_DATA_BYTES as u32
        ; ldp x29, x30, [sp], 16
    );
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
        let AssemblyOffset(offset) = self.ops.offset();
        self.address + offset
    }

    fn all(&mut self) -> Routines {
        let mut routines = Routines::default();
        // Offset 0 is what an empty table leads to.
        let ops = &mut self.ops;
        dynasm!(ops
            ; .arch aarch64
            ; str w0, [x15, near(abi::PC)]
            ; mov w2, w1
            ; orr x2, x2, MISSED
            ; ->leave:
        );
        store_guest(ops);
        restore(ops);
        dynasm!(ops; .arch aarch64; ret);
        routines.hot = self.here();
        let ops = &mut self.ops;
        dynasm!(ops
            ; .arch aarch64
            ; str w2, [x15, near(abi::PC)]
            ; mov w2, w1
            ; orr x2, x2, HOT
            ; b ->leave
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
        dynasm!(ops; .arch aarch64; str w2, [x15, near(abi::PC)]);
        number(ops, PC, complete as u32);
        dynasm!(ops; .arch aarch64; b ->leave);
        start
    }

    /// Counts `w3` instructions.
    fn count_before(&mut self) {
        if self.count {
            let ops = &mut self.ops;
            for counter in [abi::EXECUTED, abi::slot(Slot::BaselineExecuted)].map(near) {
                dynasm!(ops; .arch aarch64; ldr x9, [x15, counter]; add x9, x9, x3; str x9, [x15, counter]);
            }
        }
    }

    fn ways(&mut self, routines: &mut Routines) {
        let to_unit = self.here() - self.address;
        routines.to_unit = u32::try_from(to_unit).expect("routines are short");
        let ops = &mut self.ops;
        store_guest(ops);
        dynasm!(ops; .arch aarch64; str w0, [x15, near(abi::PC)]);
        restore(ops);
        dynasm!(ops
            ; .arch aarch64
            ; ldr x9, [x15, near(abi::slot(Slot::Table))]
            ; ldr x9, [x9, x0, LSL #3]
            ; ldr x10, [x15, near(abi::slot(Slot::CodeBase))]
            ; add x10, x10, w9, UXTW
            ; lsr x2, x9, 32
            ; mov w3, w1
            ; br x10
        );
        routines.trampoline = self.here();
        let ops = &mut self.ops;
        dynasm!(ops
            ; .arch aarch64
            ; stp x29, x30, [sp, -32]!
            ; mov x29, sp
            ; str x21, [sp, 16]
            ; mov x21, x0
            ; mov w0, w1
            ; movn w1, 0
            ; bl >enter
            ; mov x0, x2
            ; ldr x21, [sp, 16]
            ; ldp x29, x30, [sp], 32
            ; ret
            ; enter:
        );
        enter(ops);
    }

    fn find(&mut self, store: bool) -> usize {
        let start = self.here();
        let ops = &mut self.ops;
        dynasm!(ops; .arch aarch64; cbz w1, >program);
        self.find_others();
        let ops = &mut self.ops;
        dynasm!(ops
            ; .arch aarch64
            ; program:
            ; ldr w9, [x15, near(abi::PROGRAM_LEN)]
            ; cmp w0, w9
            ; b.hs >none
        );
        if store {
            dynasm!(ops
                ; .arch aarch64
                ; ldr x9, [x15, near(abi::WATCH)]
                ; ldrb w9, [x9, x0]
                ; tst w9, u32::from(WATCH_VALUE)
                ; b.ne >none
            );
        }
        dynasm!(ops
            ; .arch aarch64
            ; mov x0, x21
            ; ret
            ; none:
            ; mov x0, xzr
            ; ret
        );
        start
    }

    /// Finds a segment other than 0, by its name or its identifier.
    fn find_others(&mut self) {
        let names_bound = self.lookup.names_bound;
        let id_bound = self.lookup.id_bound;
        let ops = &mut self.ops;
        if self.lookup.all_named() {
            if names_bound.is_some() {
                dynasm!(ops; .arch aarch64; ldr w9, [x15, near(abi::NAMES_BOUND)]; cmp w1, w9; b.hs >none);
            }
            dynasm!(ops; .arch aarch64; ldr x9, [x15, near(abi::NAMES)]; ldr w1, [x9, x1, LSL #2]);
            self.find_place();
        } else {
            number(ops, FREE, names_bound.unwrap_or(0));
            dynasm!(ops; .arch aarch64; cmp w1, w9; b.lo >name);
            if let Some(bound) = id_bound {
                number(ops, FREE, bound as u32);
                dynasm!(ops; .arch aarch64; cmp w1, w9; b.hs >none);
            }
            self.find_place();
            let ops = &mut self.ops;
            dynasm!(ops; .arch aarch64; name:);
            number(ops, FREE, (-abi::FEW_NAMES) as u32);
            dynasm!(ops
                ; .arch aarch64
                ; sub x9, x21, x9
                ; add x9, x9, x1, LSL 3
                ; ldr w10, [x9, NAME_WORDS as u32]
                ; cmp w0, w10
                ; b.hs >none
                ; ldr w10, [x9, NAME_PLACE as u32]
                ; add x0, x21, x10, LSL #3
                ; ret
            );
        }
    }

    /// Finds the segment at the place `w1`, by its length byte.
    fn find_place(&mut self) {
        let ops = &mut self.ops;
        dynasm!(ops
            ; .arch aarch64
            ; ldr x9, [x15, near(abi::LENS)]
            ; ldrb w9, [x9, x1]
            ; add x10, x21, x1, LSL #3
            ; cmp w9, u32::from(LARGE)
            ; b.eq >large
            ; add x11, x0, 1
            ; cmp x11, x9
            ; b.hs >none
            ; mov x0, x10
            ; ret
            ; large:
            ; ldur w9, [x10, -8]
            ; cmp w0, w9
            ; b.hs >none
            ; mov x0, x10
            ; ret
        );
    }

    fn heap(&mut self, routines: &mut Routines) {
        routines.alloc = self.here();
        if !self.lookup.all_named() {
            let ops = &mut self.ops;
            dynasm!(ops
                ; .arch aarch64
                ; cmp w0, SMALL_WORDS_MAX
                ; b.hi >slow
                ; add w9, w0, 1
                ; lsr w9, w9, 1
                ; cmp w9, 0
                ; cinc w9, w9, eq
                ; ldr w10, [x15, near(abi::CURSOR)]
                ; ldr w11, [x15, near(abi::RUN_END)]
                ; sub w11, w11, w10
                ; cmp w11, w9
                ; b.lo >slow
                ; add w9, w9, w10
                ; str w9, [x15, near(abi::CURSOR)]
                ; ldr x9, [x15, near(abi::LENS)]
                ; add w0, w0, 1
                ; strb w0, [x9, x10]
                ; mov w0, w10
                ; ret
                ; slow:
            );
        }
        self.call_host(host_alloc as *const () as usize);
        routines.abandon = self.here();
        if !self.lookup.all_named() {
            let id_bound = self.lookup.id_bound;
            let ops = &mut self.ops;
            if let Some(bound) = id_bound {
                number(ops, FREE, bound as u32);
                dynasm!(ops; .arch aarch64; cmp w0, w9; b.hs >slow);
            }
            dynasm!(ops
                ; .arch aarch64
                ; ldr x9, [x15, near(abi::LENS)]
                ; ldrb w10, [x9, x0]
                ; sub w10, w10, 1
                ; cmp w10, u32::from(LARGE) - 1
                ; b.hs >slow
                ; strb wzr, [x9, x0]
                ; movz w0, 1
                ; ret
                ; slow:
            );
        }
        self.call_host(host_abandon as *const () as usize);
    }

    /// Calls a function of the host with `w0`, and gives its result there.
    fn call_host(&mut self, function: usize) {
        let ops = &mut self.ops;
        dynasm!(ops; .arch aarch64; mov w1, w0);
        call(ops, function);
        dynasm!(ops; .arch aarch64; ldr w0, [x15, near(abi::slot(Slot::Result))]; ret);
    }

    fn put(&mut self) -> usize {
        let start = self.here();
        let ops = &mut self.ops;
        dynasm!(ops
            ; .arch aarch64
            ; cmp w0, 255
            ; b.hi >no
            ; ldr x9, [x15, near(abi::OUTPUT_NEXT)]
            ; ldr x10, [x15, near(abi::OUTPUT_END)]
            ; cmp x9, x10
            ; b.eq >no
            ; strb w0, [x9], 1
            ; str x9, [x15, near(abi::OUTPUT_NEXT)]
            ; movz w0, 1
            ; ret
            ; no:
            ; movz w0, 0
            ; ret
        );
        start
    }

    /// Notes the jump from `w1` to `w0`.
    fn event(&mut self) -> usize {
        let start = self.here();
        let ops = &mut self.ops;
        dynasm!(ops
            ; .arch aarch64
            ; ldr x9, [x15, near(abi::EVENT)]
            ; ldr x10, [x15, near(abi::EXECUTED)]
            ; str x10, [x9, EVENT_NOW as u32]
            ; str w1, [x9, EVENT_FROM as u32]
            ; str w0, [x9, EVENT_TARGET as u32]
            ; add x9, x9, EVENT_BYTES as u32
            ; str x9, [x15, near(abi::EVENT)]
            ; ldr x10, [x15, near(abi::EVENTS_END)]
            ; cmp x9, x10
            ; b.eq >full
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
        dynasm!(ops; .arch aarch64; str w2, [x15, near(abi::PC)]);
        call(ops, host_step as *const () as usize);
        load_guest(ops);
        dynasm!(ops
            ; .arch aarch64
            ; ldr w9, [x15, near(abi::slot(Slot::Result))]
            ; cbnz w9, >end
            ; ret
            ; end: // The block is left, not gone on with.
        );
        number(ops, PC, Complete::Host as u32);
        dynasm!(ops; .arch aarch64; b ->leave);
        start
    }
}
