//! Registers that everything agrees on, and how to have a number in one. A leaf.

use crate::abi;
use dynasmrt::{DynasmApi, dynasm};
use rum_interp::engine::STATE_BEFORE_DATA_BYTES;

/// The host registers that hold those of the guest.
pub(super) const GUEST: [u8; 8] = [19, 20, 23, 24, 25, 26, 27, 28];
/// Host registers by which a jump says where it goes and where it comes from; what routines that find words take; what most routines give.
pub(super) const TO: u8 = 0;
pub(super) const FROM: u8 = 1;
pub(super) const OFFSET: u8 = 0;
pub(super) const SEGMENT: u8 = 1;
pub(super) const RESULT: u8 = 0;
/// What a routine is told of the instruction that it is about.
pub(super) const PC: u8 = 2;
pub(super) const UNCOUNTED: u8 = 3;
/// Free in every piece, and in every routine.
pub(super) const FREE: u8 = 9;

/// What is `offset` bytes from granule 0, from the state on, where `x15` leads.
pub(super) const fn near(offset: i32) -> u32 {
    (offset + STATE_BEFORE_DATA_BYTES as i32) as u32
}

/// How far before granule 0 the poll word stands, in units of 4 KiB.
pub(super) const POLL_BEFORE: u32 = (-abi::POLL) as u32 >> 12;
const _: () = assert!(POLL_BEFORE << 12 == (-abi::POLL) as u32, "an instruction has room for that");

/// Sets a register to a number.
pub(super) fn number(ops: &mut impl DynasmApi, to: u8, value: u32) {
    let (low, high) = (value & 0xffff, value >> 16);
    match (high, low) {
        (0, _) => dynasm!(ops; .arch aarch64; movz W(to), low),
        (_, 0) => dynasm!(ops; .arch aarch64; movz W(to), high, LSL #16),
        (0xffff, _) => dynasm!(ops; .arch aarch64; movn W(to), low ^ 0xffff),
        _ => dynasm!(ops; .arch aarch64; movz W(to), low; movk W(to), high, LSL #16),
    }
}

