//! Shapes that a compiler of hot code might do badly on: where code is barely worth compiling, keeps changing, or is
//! replaced as a whole.

use super::{arithmetic, begin_rounds, copy_program, end_rounds, next_random, pad, pick_below};
use crate::builder::{Builder, R0, R1, R2, R3, R4, R5, R6, R7};
use crate::rng::Rng;
use rum_interp::isa::{Instruction, Word};

/// A program, and what it is called.
pub struct Shape {
    /// The name, unique.
    pub name: String,
    /// The program.
    pub program: Vec<Word>,
    /// What it reads.
    pub input: Vec<u8>,
}

/// Every shape at a size that keeps a plain interpreter busy for about half a second. Where it is the number of places
/// that hurts there are two: few places that are visited often, and so many that each is visited hardly more often than
/// it takes to be compiled.
pub fn all() -> Vec<Shape> {
    let shape = |name: &str, program| Shape { name: name.to_string(), program, input: Vec::new() };
    vec![
        Shape { input: vec![b'7'; 1 << 20], ..shape("input", sum_of_input()) },
        shape("tiny-allocs", tiny_allocs(100_000_000)),
        shape("jumps-to-next-most", jumps_to_next(1_000_000, 60)),
        shape("computed-targets-most", computed_targets(1 << 19, 15_000_000)),
        shape("jumps-to-next-few", jumps_to_next(100, 2_000_000)),
        shape("jumps-to-next-many", jumps_to_next(100_000, 1_000)),
        shape("computed-jumps-to-next-few", computed_jumps_to_next(100, 2_000_000)),
        shape("computed-jumps-to-next-many", computed_jumps_to_next(100_000, 1_000)),
        shape("loops-in-a-row", loops_in_a_row(30_000, 1_000, 1)),
        shape("ways-round", ways_round(15, 8_000_000)),
        shape("patched-literal", patched_literal(30_000_000)),
        shape("patched-operator", patched_operator(1, 20_000_000)),
        shape("patched-everywhere", patched_everywhere(1 << 12, 10_000_000)),
        shape("straight-line-twice", straight_line(8_000_000, 2)),
        shape("straight-line-often", straight_line(200_000, 1_500)),
        shape("computed-targets", computed_targets(1 << 12, 15_000_000)),
        shape("threaded-targets-few", threaded_targets(4_000, 20_000)),
        shape("threaded-targets-many", threaded_targets(64_000, 1_000)),
        shape("load-program-small", load_program(64, 10_000_000)),
        shape("load-program-large", load_program(1_000_000, 1_000)),
        shape("load-program-alternating", load_program_alternating(1_000, 10, 1_000_000)),
        shape("load-program-alternating-hot", load_program_alternating(1_000, 2_000, 10_000)),
    ]
}

/// A loop of `rounds` rounds with `ways` edges back to its head, each from further behind, at random: the next bit of a
/// number tells whether to go on. What is further behind also changes the register that the head reads through.
pub fn ways_round(ways: u32, rounds: u32) -> Vec<Word> {
    let mut b = Builder::new();
    b.literal(R1, 8);
    b.alloc(R0, R1);
    b.literal(R4, rounds);
    b.not(R7, R6);
    let [head, go, end] = std::array::from_fn(|_| b.label());
    b.bind(head);
    b.add(R4, R4, R7);
    b.branch(R4, go, end, [R3, R5], R6);
    b.bind(go);
    b.index(R1, R0, R6);
    next_random(&mut b, R2, R3);
    for way in 1..ways {
        b.literal(R3, 1);
        b.and(R1, R2, R3);
        let on = b.label();
        b.branch(R1, on, head, [R3, R5], R6);
        b.bind(on);
        b.literal(R3, 2);
        b.div(R2, R2, R3);
        if way == ways / 2 {
            b.add(R0, R0, R6);
        }
    }
    b.goto(head, R3, R6);
    b.bind(end);
    b.halt();
    b.build()
}

/// Adds up its input.
pub fn sum_of_input() -> Vec<Word> {
    let mut b = Builder::new();
    let [more, end] = std::array::from_fn(|_| b.label());
    let start = b.label_here();
    b.input(R1);
    b.not(R2, R1);
    b.branch(R2, more, end, [R3, R5], R0);
    b.bind(more);
    b.add(R4, R4, R1);
    b.goto(start, R3, R0);
    b.bind(end);
    b.halt();
    b.build()
}

/// A loop that allocates a segment of two words and gives it back.
pub fn tiny_allocs(rounds: u32) -> Vec<Word> {
    let mut b = Builder::new();
    b.literal(R1, 2);
    let head = begin_rounds(&mut b, rounds);
    b.alloc(R2, R1);
    b.abandon(R2);
    end_rounds(&mut b, head);
    b.build()
}

/// `rounds` times through `jumps` blocks that are nothing but a jump to the next word.
pub fn jumps_to_next(jumps: u32, rounds: u32) -> Vec<Word> {
    let mut b = Builder::new();
    let head = begin_rounds(&mut b, rounds);
    for _ in 0..jumps {
        let next = b.label();
        b.goto(next, R0, R6);
        b.bind(next);
    }
    end_rounds(&mut b, head);
    b.build()
}

/// The same with targets that only arithmetic tells: each block adds 2 to a register and goes there.
pub fn computed_jumps_to_next(jumps: u32, rounds: u32) -> Vec<Word> {
    let mut b = Builder::new();
    b.literal(R2, 2);
    let head = begin_rounds(&mut b, rounds);
    let first = b.label();
    b.literal_label(R0, first, 0);
    b.bind(first);
    for _ in 0..jumps {
        b.add(R0, R0, R2);
        b.load_program(R6, R0);
    }
    end_rounds(&mut b, head);
    b.build()
}

/// `outer` times through `loops` tiny loops of `rounds` rounds each, one behind the other: all become hot if any does, and
/// none has much left to do then.
pub fn loops_in_a_row(loops: u32, rounds: u32, outer: u32) -> Vec<Word> {
    let mut b = Builder::new();
    let head = begin_rounds(&mut b, outer);
    for _ in 0..loops {
        b.literal(R1, rounds);
        let inner = b.label_here();
        b.add(R0, R0, R1);
        b.add(R1, R1, R7);
        let next = b.label();
        b.branch(R1, inner, next, [R3, R5], R6);
        b.bind(next);
    }
    end_rounds(&mut b, head);
    b.build()
}

/// A loop that stores the counter into a literal a few words ahead, and runs it.
pub fn patched_literal(rounds: u32) -> Vec<Word> {
    let mut b = Builder::new();
    let slot = b.label();
    b.constant(R2, Instruction::Literal { a: R3, value: 0 }.encode(), R1);
    b.literal_label(R1, slot, 0);
    let head = begin_rounds(&mut b, rounds);
    b.add(R5, R2, R4);
    b.amend(R6, R1, R5);
    b.bind(slot);
    b.literal(R3, 0);
    b.add(R0, R0, R3);
    end_rounds(&mut b, head);
    b.build()
}

/// A loop in which one word is patched in each round: it is one of eight instructions for `same` rounds, then the next.
pub fn patched_operator(same: u32, rounds: u32) -> Vec<Word> {
    let mut b = Builder::new();
    let [slot, table] = [b.label(), b.label()];
    b.literal_label(R1, slot, 0);
    let head = begin_rounds(&mut b, rounds);
    b.literal(R3, same);
    b.div(R5, R4, R3);
    b.literal(R3, 7);
    b.and(R5, R5, R3);
    b.literal_label(R3, table, 0);
    b.add(R5, R5, R3);
    b.index(R5, R6, R5);
    b.amend(R6, R1, R5);
    b.bind(slot);
    b.data(0);
    end_rounds(&mut b, head);
    b.bind(table);
    for instruction in [
        Instruction::Add { a: R0, b: R0, c: R4 },
        Instruction::Nand { a: R0, b: R0, c: R4 },
        Instruction::Mul { a: R0, b: R0, c: R4 },
        Instruction::Literal { a: R0, value: 5 },
        Instruction::CondMove { a: R0, b: R4, c: R4 },
        Instruction::Literal { a: R2, value: 9 },
        Instruction::Nand { a: R0, b: R4, c: R4 },
        Instruction::Add { a: R0, b: R0, c: R2 },
    ] {
        b.emit(instruction);
    }
    b.build()
}

/// A loop that patches one of `slots` places in each round, chosen at random, and goes there. `slots` is a power of two.
pub fn patched_everywhere(slots: u32, rounds: u32) -> Vec<Word> {
    let mut b = Builder::new();
    let [first, back] = [b.label(), b.label()];
    let head = begin_rounds(&mut b, rounds);
    next_random(&mut b, R2, R3);
    pick_below(&mut b, slots, [R5, R2, R3]);
    b.literal(R3, 3);
    b.mul(R5, R5, R3);
    b.literal_label(R3, first, 0);
    b.add(R5, R5, R3);
    b.constant(R1, Instruction::Literal { a: R3, value: 0 }.encode(), R3);
    b.add(R1, R1, R4);
    b.amend(R6, R5, R1);
    b.load_program(R6, R5);
    b.bind(back);
    b.add(R0, R0, R3);
    end_rounds(&mut b, head);
    b.bind(first);
    for _ in 0..slots {
        b.literal(R3, 0);
        b.goto(back, R1, R6);
    }
    b.build()
}

/// `rounds` times through `words` instructions without a jump.
pub fn straight_line(words: u32, rounds: u32) -> Vec<Word> {
    let mut b = Builder::new();
    let head = begin_rounds(&mut b, rounds);
    arithmetic(&mut b, words);
    end_rounds(&mut b, head);
    b.build()
}

/// A jump to one of `targets` blocks, chosen at random, in each round. `targets` is a power of two.
pub fn computed_targets(targets: u32, rounds: u32) -> Vec<Word> {
    let mut b = Builder::new();
    let [first, back] = [b.label(), b.label()];
    let head = begin_rounds(&mut b, rounds);
    next_random(&mut b, R2, R3);
    pick_below(&mut b, targets, [R5, R2, R3]);
    b.literal(R3, 4);
    b.mul(R5, R5, R3);
    b.literal_label(R3, first, 0);
    b.add(R5, R5, R3);
    b.load_program(R6, R5);
    b.bind(back);
    end_rounds(&mut b, head);
    b.bind(first);
    for number in 0..targets {
        b.literal(R1, number);
        b.add(R0, R0, R1);
        b.goto(back, R1, R6);
    }
    b.build()
}

/// `rounds` times through `targets` blocks in a random order: each reads from a table where to go on, as the code that
/// compilers for threaded interpreters make.
pub fn threaded_targets(targets: u32, rounds: u32) -> Vec<Word> {
    const BLOCK_WORDS: u32 = 4;
    let mut order: Vec<u32> = (0..targets).collect();
    let mut rng = Rng::new(2006);
    for last in (1..order.len()).rev() {
        order.swap(last, rng.below(last as u32 + 1) as usize);
    }
    let mut b = Builder::new();
    let [first, table, back] = std::array::from_fn(|_| b.label());
    let head = begin_rounds(&mut b, rounds);
    b.literal_label(R1, first, order[0] * BLOCK_WORDS);
    b.load_program(R6, R1);
    b.bind(back);
    end_rounds(&mut b, head);
    b.bind(first);
    for number in 0..targets {
        b.literal_label(R1, table, number);
        b.index(R1, R6, R1);
        b.add(R0, R0, R1);
        b.load_program(R6, R1);
    }
    b.bind(table);
    let blocks = b.offset(first).expect("bound above");
    let end = b.offset(back).expect("bound above");
    let mut next = vec![end; targets as usize];
    for pair in order.windows(2) {
        next[pair[0] as usize] = blocks + pair[1] * BLOCK_WORDS;
    }
    next.into_iter().for_each(|target| b.data(target));
    b.build()
}

/// A program of `words` words that replaces itself by a copy in each round.
pub fn load_program(words: u32, rounds: u32) -> Vec<Word> {
    let mut b = Builder::new();
    copy_program(&mut b, R2, words);
    let head = begin_rounds(&mut b, rounds);
    let end = b.label();
    b.add(R0, R0, R4);
    b.add(R4, R4, R7);
    b.branch(R4, head, end, [R3, R5], R2);
    b.bind(end);
    b.halt();
    pad(&mut b, words);
    b.build()
}

/// Two programs of `words` words, of which each runs a loop of `inner` rounds and replaces itself by the other, `loads`
/// times in all. Their loops are at the same place, and no word of the bodies is the same. r1 and r2 are their segments,
/// r7 counts the inner rounds.
pub fn load_program_alternating(words: u32, inner: u32, loads: u32) -> Vec<Word> {
    const BODY_WORDS: u32 = 12;
    let mut b = Builder::new();
    let [other, body, round, end, next] = std::array::from_fn(|_| b.label());
    copy_program(&mut b, R1, words);
    copy_program(&mut b, R2, words);
    // The second one gets another body.
    for number in 0..BODY_WORDS {
        b.literal_label(R3, other, number);
        b.index(R3, R6, R3);
        b.literal_label(R4, body, number);
        b.amend(R2, R4, R3);
    }
    b.literal(R4, loads);
    b.bind(round);
    b.literal(R7, inner);
    b.bind(body);
    for number in 0..BODY_WORDS / 2 {
        b.literal(R3, number + 1);
        b.add(R0, R0, R3);
    }
    b.literal(R3, 0);
    b.not(R3, R3);
    b.add(R7, R7, R3);
    b.branch(R7, body, next, [R3, R5], R6);
    b.bind(next);
    b.add(R5, R1, R6);
    b.add(R1, R2, R6);
    b.add(R2, R5, R6);
    b.literal(R3, 0);
    b.not(R3, R3);
    b.add(R4, R4, R3);
    b.branch(R4, round, end, [R3, R5], R1);
    b.bind(end);
    b.halt();
    b.bind(other);
    for number in 0..BODY_WORDS / 2 {
        b.literal(R5, number + 100);
        b.nand(R0, R0, R5);
    }
    pad(&mut b, words);
    b.build()
}
