//! Programs of any size with one extreme property each: [`hostile`] ones, which a compiler of hot code might answer
//! with endless work, and [`growth`], which makes one quantity larger while the work stays the same.
//!
//! Tests of counters and benchmarks of time share them; [`hostile::all`] and [`growth::all`] list them at the sizes for
//! benchmarks. Here is what both are written with. Everywhere r6 is 0 and r7 is -1 (unless a function says otherwise),
//! r4 counts the rounds that are left, r3 and r5 are scratch, and r0 becomes a sum that depends on all the work.

pub mod growth;
pub mod hostile;

use crate::builder::{Builder, Label, R0, R1, R2, R3, R4, R5, R6, R7};
use rum_interp::isa::{LITERAL_MAX, Reg};

/// Sets what all shapes rely on, and opens a loop of `rounds` rounds, at least 1.
fn begin_rounds(b: &mut Builder, rounds: u32) -> Label {
    b.literal(R7, 0);
    b.not(R7, R7);
    b.constant(R4, rounds, R3);
    b.label_here()
}

/// Goes back to `head` unless that was the last round.
fn next_round(b: &mut Builder, head: Label) {
    b.add(R4, R4, R7);
    let end = b.label();
    b.branch(R4, head, end, [R3, R5], R6);
    b.bind(end);
}

/// The same, and halts after the last round.
fn end_rounds(b: &mut Builder, head: Label) {
    next_round(b, head);
    b.halt();
}

/// The next number of a sequence that goes through all words, in `state`; `scratch` is lost.
fn next_random(b: &mut Builder, state: Reg, scratch: Reg) {
    b.literal(scratch, 1_664_525);
    b.mul(state, state, scratch);
    b.literal(scratch, 10_139_043);
    b.add(state, state, scratch);
}

/// `out = ` one of the numbers below `count`, all of which come equally often, from the random number in `state`.
/// `scratch` is lost.
///
/// # Panics
/// If `count` is not a power of two, or above 2^24.
fn pick_below(b: &mut Builder, count: u32, [out, state, scratch]: [Reg; 3]) {
    assert!(count.is_power_of_two() && count <= 1 << 24, "{count} numbers to choose from");
    // The lowest bits of such sequences repeat too soon.
    b.literal(scratch, 1 << 8);
    b.div(out, state, scratch);
    b.literal(scratch, count - 1);
    b.and(out, out, scratch);
}

/// Adds `words` instructions of arithmetic that nothing can be left out of: each uses what the one before made.
fn arithmetic(b: &mut Builder, words: u32) {
    for number in 0..words {
        match number % 4 {
            0 => b.literal(R1, (number * 77 + 5) & LITERAL_MAX),
            1 => b.add(R0, R0, R1),
            2 => b.nand(R2, R0, R1),
            _ => b.add(R0, R0, R2),
        }
    }
}

/// Makes the segment `to`, a copy of the `words` words of the program; r3, r4 and r5 are lost.
fn copy_program(b: &mut Builder, to: Reg, words: u32) {
    b.literal(R4, words);
    b.alloc(to, R4);
    let head = b.label_here();
    b.literal(R3, 0);
    b.not(R3, R3);
    b.add(R4, R4, R3);
    b.index(R3, R6, R4);
    b.amend(to, R4, R3);
    let end = b.label();
    b.branch(R4, head, end, [R3, R5], R6);
    b.bind(end);
}

/// Fills the program up to `words` words with zeros.
///
/// # Panics
/// If it is longer already.
fn pad(b: &mut Builder, words: u32) {
    let missing = words.checked_sub(b.here()).expect("room for the program itself");
    (0..missing).for_each(|_| b.data(0));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_shape_can_be_made_at_its_size() {
        let shapes = hostile::all();
        let names: BTreeSet<&str> = shapes.iter().map(|shape| &shape.name[..]).collect();
        assert_eq!(names.len(), shapes.len(), "names are unique");
        assert!(shapes.iter().all(|shape| !shape.program.is_empty()));
    }
}
