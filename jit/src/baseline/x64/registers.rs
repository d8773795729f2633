//! Registers that everything agrees on. A leaf.

/// The host registers that hold those of the guest.
pub(super) const GUEST: [u8; 8] = [3, 5, 8, 9, 10, 11, 12, 13];
