//! What translation of accesses and of everything else have in common. A leaf but for where registers are.

use super::buffer::Label;
use super::routines::GUEST;
use rum_interp::isa::Reg;

/// The host register that holds one of the guest.
pub(super) fn host(reg: Reg) -> u8 {
    GUEST[reg.index()]
}

/// An access that the quick way is not for, out of line.
pub(super) struct Slow {
    pub from: Label,
    pub back: Label,
    pub exit: Label,
    pub access: Access,
}

/// A word that is loaded into, or stored from, a register.
#[derive(Clone, Copy)]
pub(super) struct Access {
    pub segment: u8,
    pub offset: Place,
    pub data: u8,
    pub store: bool,
}

/// An offset, in a host register or known.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Register(u8),
    Const(u32),
}
