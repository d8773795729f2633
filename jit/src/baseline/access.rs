//! Words of segments: a quick way for the segments that are met most, in line; everything else by a routine, out of line.

use super::buffer::{Label, When};
use super::parts::{Access, Place, Slow, host};
use super::translate::Translator;
use crate::abi;
use crate::guest::values::Known;
use dynasmrt::{DynasmApi, dynasm};
use rum_interp::engine::WATCH_VALUE;
use rum_interp::engine::layout::SMALL_WORDS_MAX;
use rum_interp::isa::Reg;

/// Offsets of words that a displacement reaches.
const NEAR_WORDS: u32 = 1 << 28;
/// The number of the host register `rax`.
const RAX: u8 = 0;

impl Translator<'_> {
    /// An offset as it is known.
    pub fn place(&self, reg: Reg) -> Place {
        match self.values.get(reg) {
            Known::Const(offset) => Place::Const(offset),
            _ => Place::Register(host(reg)),
        }
    }

    pub fn access(&mut self, segment: Reg, access: Access) {
        let exit = self.check();
        match self.values.get(segment) {
            Known::Const(0) => return self.access_program(access, exit),
            _ if self.zero >> segment.index() & 1 != 0 => {
                let from = self.ops.label();
                let id = access.segment;
                dynasm!(self.ops; .arch x64; test Rd(id), Rd(id));
                self.ops.jump_if(When::NotZero, from);
                self.access_program(access, exit);
                return self.slow_way(access, from, exit);
            }
            _ => {}
        }
        let from = self.ops.label();
        let Access { offset, data, store, .. } = access;
        let segment = self.identified(access.segment, from);
        match offset {
            Place::Const(offset) if offset < SMALL_WORDS_MAX => {
                let (bound, bytes) = ((offset + 1) as i8, (offset * 4) as i32);
                dynasm!(self.ops
                    ; .arch x64
                    ; mov rcx, [r15 + abi::LENS]
                    ; cmp BYTE [rcx + Rq(segment)], bound
                );
                self.ops.jump_if(When::NotAbove, from);
                if store {
                    dynasm!(self.ops; .arch x64; mov [r15 + Rq(segment) * 8 + bytes], Rd(data));
                } else {
                    dynasm!(self.ops; .arch x64; mov Rd(data), [r15 + Rq(segment) * 8 + bytes]);
                }
            }
            Place::Const(_) => self.ops.jump(from),
            Place::Register(offset) => {
                dynasm!(self.ops
                    ; .arch x64
                    ; mov rcx, [r15 + abi::LENS]
                    ; lea rdx, [Rq(offset) + 1]
                    ; movzx ecx, BYTE [rcx + Rq(segment)]
                    ; lea rax, [r15 + Rq(segment) * 8]
                    ; cmp rdx, rcx
                );
                self.ops.jump_if(When::NotBelow, from);
                self.word(access);
            }
        }
        self.slow_way(access, from, exit);
    }

    /// The host register with the granule that an identifier in another says, or leads to where all segments have names; to `none` if
    /// it says none.
    fn identified(&mut self, id: u8, none: Label) -> u8 {
        let lookup = self.around.settings.lookup;
        if lookup.all_named() {
            if lookup.names_bound.is_some() {
                dynasm!(self.ops; .arch x64; cmp Rd(id), [r15 + abi::NAMES_BOUND]);
                self.ops.jump_if(When::NotBelow, none);
            }
            dynasm!(self.ops; .arch x64; mov rcx, [r15 + abi::NAMES]; mov eax, [rcx + Rq(id) * 4]);
            return RAX;
        }
        if let Some(bound) = lookup.id_bound {
            dynasm!(self.ops; .arch x64; cmp Rd(id), bound as i32);
            self.ops.jump_if(When::NotBelow, none);
        }
        id
    }

    /// Loads or stores the word of the segment whose words are at `rax`.
    fn word(&mut self, access: Access) {
        let Access { offset, data, store, .. } = access;
        match (offset, store) {
            (Place::Register(offset), false) => dynasm!(self.ops; .arch x64; mov Rd(data), [rax + Rq(offset) * 4]),
            (Place::Register(offset), true) => dynasm!(self.ops; .arch x64; mov [rax + Rq(offset) * 4], Rd(data)),
            (Place::Const(offset), false) if offset < NEAR_WORDS => {
                dynasm!(self.ops; .arch x64; mov Rd(data), [rax + (offset * 4) as i32]);
            }
            (Place::Const(offset), true) if offset < NEAR_WORDS => {
                dynasm!(self.ops; .arch x64; mov [rax + (offset * 4) as i32], Rd(data));
            }
            (Place::Const(offset), false) => {
                dynasm!(self.ops; .arch x64; mov edx, offset as i32; mov Rd(data), [rax + rdx * 4]);
            }
            (Place::Const(offset), true) => {
                dynasm!(self.ops; .arch x64; mov edx, offset as i32; mov [rax + rdx * 4], Rd(data));
            }
        }
    }

    /// What the quick way is not for goes here, out of line, and comes back behind it.
    fn slow_way(&mut self, access: Access, from: Label, exit: Label) {
        let back = self.ops.label();
        self.ops.bind(back);
        self.slow.push(Slow { from, back, exit, access });
    }

    /// A word of segment 0.
    fn access_program(&mut self, access: Access, exit: Label) {
        let Access { offset, data, store, .. } = access;
        let length = self.program_len as i32;
        match offset {
            Place::Const(offset) if offset >= self.program_len => self.ops.jump(exit),
            Place::Const(offset) => {
                // The longest program ends within reach of a displacement, or the tier is not in use.
                let bytes = (offset * 4) as i32;
                if store {
                    dynasm!(self.ops
                        ; .arch x64
                        ; mov rcx, [r15 + abi::WATCH]
                        ; test BYTE [rcx + offset as i32], WATCH_VALUE as i8
                    );
                    self.ops.jump_if(When::NotZero, exit);
                    dynasm!(self.ops; .arch x64; mov [r15 + bytes], Rd(data));
                } else {
                    dynasm!(self.ops; .arch x64; mov Rd(data), [r15 + bytes]);
                }
            }
            Place::Register(offset) => {
                dynasm!(self.ops; .arch x64; cmp Rd(offset), length);
                self.ops.jump_if(When::NotBelow, exit);
                if store {
                    dynasm!(self.ops
                        ; .arch x64
                        ; mov rcx, [r15 + abi::WATCH]
                        ; test BYTE [rcx + Rq(offset)], WATCH_VALUE as i8
                    );
                    self.ops.jump_if(When::NotZero, exit);
                    dynasm!(self.ops; .arch x64; mov [r15 + Rq(offset) * 4], Rd(data));
                } else {
                    dynasm!(self.ops; .arch x64; mov Rd(data), [r15 + Rq(offset) * 4]);
                }
            }
        }
    }

    /// What stands out of line.
    pub fn slow_ways(&mut self) {
        for Slow { from, back, exit, access } in std::mem::take(&mut self.slow) {
            let routines = self.around.routines;
            self.ops.bind(from);
            let segment = access.segment;
            dynasm!(self.ops; .arch x64; mov esi, Rd(segment));
            match access.offset {
                Place::Const(offset) => self.set(7, offset),
                Place::Register(offset) => dynasm!(self.ops; .arch x64; mov edi, Rd(offset)),
            }
            self.ops.call(if access.store { routines.find_store } else { routines.find_load });
            dynasm!(self.ops; .arch x64; test rax, rax);
            self.ops.jump_if(When::Zero, exit);
            self.word(access);
            self.ops.jump(back);
        }
    }
}
