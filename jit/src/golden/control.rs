//! Golden tests of edges, entries and exits.

use super::{Guest, assert_golden};
use crate::guest::met::Met;
use crate::options::{Optimisation, Optimisations};
use rum_testkit::builder::{R0, R1, R2, R3, R4, R5, R6, R7};

/// A branch between two literals is a conditional jump; a target that is not warm is another unit's.
#[test]
fn branch() {
    let guest = Guest::new(|b| {
        let (then, otherwise) = (b.label(), b.label());
        b.branch(R1, then, otherwise, [R2, R3], R6);
        b.bind(otherwise);
        b.literal(R4, 1);
        b.halt();
        b.bind(then);
        b.halt();
    });
    assert_golden!(guest.warm(4));
}

/// A comparison is a difference that is only compared with 0.
#[test]
fn branch_on_a_difference() {
    let guest = Guest::new(|b| {
        let (then, otherwise) = (b.label(), b.label());
        b.sub(R4, R1, R2, R3);
        b.literal(R4, 0);
        b.sub(R4, R1, R2, R3);
        b.branch(R4, then, otherwise, [R2, R3], R6);
        b.bind(then);
        b.halt();
        b.bind(otherwise);
        b.halt();
    });
    assert_golden!(guest.warm(13).warm(14));
}

/// A small loop keeps its registers in host registers, and looks at the poll word once in a round.
fn counting_loop() -> Guest {
    Guest::new(|b| {
        let head = b.label_here();
        b.add(R2, R2, R1);
        b.add(R1, R1, R7);
        let next = b.label();
        b.branch(R1, head, next, [R3, R4], R6);
        b.bind(next);
        b.halt();
    })
    .warm(0)
}

#[test]
fn loop_with_parameters() {
    assert_golden!(counting_loop());
}

#[test]
fn loop_without_parameters() {
    let mut guest = counting_loop();
    guest.settings.optimisations = Optimisations::without(&[Optimisation::Loops]);
    assert_golden!(guest);
}

/// A region that was found from an inner loop: the outer one has the same header. What only the outer one changes (r5)
/// goes into the inner one from outside, and the length of the segment that it names is looked up there.
#[test]
fn loops_with_the_same_header() {
    let guest = Guest::new(|b| {
        let head = b.label_here();
        b.index(R2, R5, R1);
        b.add(R1, R1, R2);
        let next = b.label();
        b.branch(R2, head, next, [R3, R4], R6);
        b.bind(next);
        b.add(R5, R5, R7);
        let end = b.label();
        b.branch(R5, head, end, [R3, R4], R6);
        b.bind(end);
        b.halt();
    });
    assert_golden!(guest.warm(0).warm(6));
}

/// A quotient that ended one loop is made in the next one only if that is left: it goes there as dividend and divisor.
#[test]
fn quotient_that_only_an_exit_wants() {
    let guest = Guest::new(|b| {
        let head = b.label_here();
        b.add(R1, R1, R7);
        b.index(R5, R0, R1);
        b.div(R5, R5, R2);
        let down = b.label();
        b.branch(R5, down, head, [R3, R4], R6);
        b.bind(down);
        b.add(R1, R1, R7);
        b.index(R5, R0, R1);
        b.div(R5, R2, R5);
        let end = b.label();
        b.branch(R5, end, down, [R3, R4], R6);
        b.bind(end);
        b.halt();
    });
    assert_golden!(guest.warm(0).warm(7));
}

/// Where a quotient is only a condition, its divisor is looked at on one side: on the other it is larger than something.
#[test]
fn comparison_by_division() {
    let guest = Guest::new(|b| {
        let (then, otherwise) = (b.label(), b.label());
        b.div(R4, R1, R2);
        b.branch(R4, then, otherwise, [R3, R5], R6);
        b.bind(then);
        b.halt();
        b.bind(otherwise);
        b.halt();
    });
    assert_golden!(guest.warm(5).warm(6));
}

/// A quotient that is wanted before the branch is made at once, and so is the look at its divisor.
#[test]
fn comparison_by_division_with_a_use() {
    let guest = Guest::new(|b| {
        let (then, otherwise) = (b.label(), b.label());
        b.div(R4, R1, R2);
        b.add(R7, R7, R4);
        b.branch(R4, then, otherwise, [R3, R5], R6);
        b.bind(then);
        b.halt();
        b.bind(otherwise);
        b.halt();
    });
    assert_golden!(guest.warm(6).warm(7));
}

/// Each block looks whether it would pass the limit, and adds what it has executed.
#[test]
fn counting() {
    let mut guest = counting_loop();
    guest.settings.count = true;
    assert_golden!(guest);
}

/// A jump to a register's value goes through the table, with a look at the unit's own entries first.
#[test]
fn computed_jump() {
    let mut guest = Guest::new(|b| {
        b.load_program(R6, R1);
        b.literal(R1, 2);
        b.load_program(R6, R0);
    });
    guest.targets.insert(0, vec![1]);
    assert_golden!(guest.warm(1));
}

/// The poll word is looked at once for all the edges of a computed jump that go round.
#[test]
fn computed_jump_back() {
    let mut guest = Guest::new(|b| {
        b.add(R1, R2, R3);
        b.load_program(R6, R1);
        b.add(R1, R3, R4);
        b.load_program(R6, R1);
    });
    guest.targets.insert(1, vec![0, 2]);
    guest.targets.insert(3, vec![0, 2]);
    assert_golden!(guest.warm(0).warm(2));
}

/// A jump that was never seen to come back to this unit.
#[test]
fn computed_jump_elsewhere() {
    assert_golden!(Guest::new(|b| b.load_program(R6, R1)));
}

/// Loading a program from a register that may name any segment: only segment 0 is a jump.
#[test]
fn load_program_of_a_variable_segment() {
    assert_golden!(Guest::new(|b| {
        b.literal(R1, 7);
        b.load_program(R2, R1);
    }));
}

/// Loading another program is the interpreter's.
#[test]
fn load_program_of_a_constant_segment() {
    assert_golden!(Guest::new(|b| {
        b.literal(R1, 7);
        b.load_program(R1, R2);
    }));
}

/// A word that is patched again and again is executed by the host as it is found.
#[test]
fn volatile_word() {
    let mut guest = Guest::new(|b| {
        b.add(R1, R1, R2);
        b.data(0);
        b.add(R3, R3, R1);
        b.halt();
    });
    guest.volatile.insert(1);
    assert_golden!(guest);
}

/// A literal that is patched again and again is an operand: the word is read, and checked to be a literal still.
#[test]
fn volatile_literal() {
    let mut guest = Guest::new(|b| {
        b.add(R1, R1, R2);
        b.literal(R2, 77);
        b.add(R3, R3, R2);
        b.halt();
    });
    guest.volatile.insert(1);
    assert_golden!(guest);
}

/// In a loop that stores the word itself, what was stored is the operand.
#[test]
fn volatile_literal_stored_in_the_block() {
    let mut guest = Guest::new(|b| {
        b.literal(R1, 3);
        b.add(R5, R2, R4);
        b.amend(R6, R1, R5);
        b.literal(R3, 0);
        b.add(R0, R0, R3);
        b.halt();
    });
    guest.volatile.insert(3);
    assert_golden!(guest);
}

/// A byte that is there is read at once; the host is asked for more, and does what nothing quicker worked for.
#[test]
fn host_steps() {
    assert_golden!(
        Guest::new(|b| {
            b.input(R1);
            b.amend(R1, R2, R3);
            b.halt();
        })
        .met(1, Met::HOST)
    );
}

/// For tests, a check also leaves when a countdown says so.
#[test]
fn forced_exits() {
    let mut guest = Guest::new(|b| {
        b.div(R3, R1, R2);
        b.halt();
    });
    guest.settings.forced_exits = true;
    assert_golden!(guest);
}

/// A region without a register that is known to be 0: the jump is checked like any load-program.
#[test]
fn no_zero_register() {
    let mut guest = Guest::new(|b| {
        b.add(R5, R5, R1);
        b.literal(R1, 0);
        b.load_program(R6, R1);
    });
    guest.zero = 0;
    assert_golden!(guest);
}
