//! What translation and the pieces of a processor tell each other about accesses. A leaf.

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
