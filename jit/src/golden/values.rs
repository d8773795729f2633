//! Golden tests of registers and arithmetic: constants, and the idioms of compilers for this machine.

use super::{Guest, assert_golden};
use rum_testkit::builder::{R0, R1, R2, R3, R4, R5};

/// Constants cost nothing until they are needed, and those of more than 25 bits are constants like any other.
#[test]
fn constants() {
    assert_golden!(Guest::new(|b| {
        b.constant(R1, 0x1234_5678, R2);
        b.constant(R2, 0xffff_fff0, R3);
        b.add(R3, R0, R1);
        b.add(R4, R1, R2);
        b.halt();
    }));
}

#[test]
fn conjunction_and_disjunction() {
    assert_golden!(Guest::new(|b| {
        b.and(R3, R1, R2);
        b.or(R4, R1, R2);
        b.halt();
    }));
}

#[test]
fn subtraction_and_negation() {
    assert_golden!(Guest::new(|b| {
        b.sub(R3, R1, R2, R5);
        b.not(R4, R3);
        b.not(R4, R4);
        b.literal(R5, 1);
        b.not(R2, R2);
        b.add(R2, R2, R5);
        b.halt();
    }));
}

/// What was computed before is not computed again.
#[test]
fn numbering() {
    assert_golden!(Guest::new(|b| {
        b.add(R3, R1, R2);
        b.add(R4, R2, R1);
        b.mul(R5, R3, R4);
        b.halt();
    }));
}

/// A divisor that may be 0 is checked; a constant one is not.
#[test]
fn division() {
    assert_golden!(Guest::new(|b| {
        b.literal(R3, 8);
        b.div(R3, R1, R3);
        b.literal(R4, 10);
        b.div(R4, R1, R4);
        b.div(R5, R1, R2);
        b.halt();
    }));
}

#[test]
fn choices() {
    assert_golden!(Guest::new(|b| {
        b.literal(R3, 5);
        b.literal(R4, 9);
        b.cond_move(R3, R4, R1);
        b.cond_move(R2, R4, R3);
        b.halt();
    }));
}
