//! What the optimiser knows a register to hold, and pure operations by which it finds values again. A leaf.

use crate::tuning::REMEMBERED_MAX;
use cranelift_codegen::ir;

/// What a register holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Val {
    /// What stands in the register's home.
    #[default]
    Home,
    Const(u32),
    Ssa(ir::Value),
    /// One of two constants, made when needed: mostly it is not, because a branch is next.
    Choice {
        condition: ir::Value,
        if_nonzero: u32,
        if_zero: u32,
    },
    /// A quotient, made when needed: mostly it is only asked which of the two is larger. The divisor is not 0.
    Quotient {
        dividend: ir::Value,
        divisor: ir::Value,
    },
}

/// A register: its value, and whether its home does not hold it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RegState {
    pub val: Val,
    pub dirty: bool,
}

/// A pure operation, to find it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Add(ir::Value, ir::Value),
    Mul(ir::Value, ir::Value),
    And(ir::Value, ir::Value),
    Not(ir::Value),
    /// What `x + !y` is, kept to become a subtraction when 1 is added.
    AddNot(ir::Value, ir::Value),
    Sub(ir::Value, ir::Value),
    Wide(ir::Value),
    /// The address of the words of the segment at a granule.
    Words(ir::Value),
    Div(ir::Value, ir::Value),
    /// A value without its lowest bits.
    Shift(ir::Value, u32),
    /// Whether `x >= y`, which is whether `x / y` is not 0.
    NotLess(ir::Value, ir::Value),
}

/// Adds to a list that is searched from its end, and forgets the oldest.
pub(crate) fn remember<T>(list: &mut Vec<T>, item: T) {
    if list.len() >= REMEMBERED_MAX {
        list.drain(..REMEMBERED_MAX / 2);
    }
    list.push(item);
}
