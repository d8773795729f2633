//! Golden tests of segments: every kind of access, what is known about memory, and allocation.

use super::{Guest, assert_golden};
use crate::guest::met::Met;
use crate::settings::Lookup;
use rum_interp::Ids;
use rum_interp::engine::WATCH_DERIVED;
use rum_testkit::builder::{R1, R2, R3, R4, R5, R6};

/// Constant offsets of a segment: one check of its length byte, then values are known.
#[test]
fn known_lengths_and_words() {
    assert_golden!(Guest::new(|b| {
        b.literal(R4, 2);
        b.index(R2, R1, R4);
        b.literal(R4, 1);
        b.amend(R1, R4, R3);
        b.index(R5, R1, R4);
        b.halt();
    }));
}

/// A record that was read is given back: its length byte is known, and so is that its identifier is not 0.
#[test]
fn abandon_of_what_was_read() {
    assert_golden!(Guest::new(|b| {
        b.literal(R4, 0);
        b.index(R2, R1, R4);
        b.abandon(R1);
        b.cond_move(R3, R2, R1);
        b.halt();
    }));
}

#[test]
fn variable_offset() {
    assert_golden!(Guest::new(|b| {
        b.index(R3, R1, R2);
        b.amend(R1, R2, R4);
        b.halt();
    }));
}

#[test]
fn variable_offset_of_a_large_segment() {
    assert_golden!(
        Guest::new(|b| {
            b.index(R3, R1, R2);
            b.halt();
        })
        .met(0, Met::LARGE)
    );
}

/// A register that was seen to name segment 0: loads look at its length, stores also at who depends on the word.
#[test]
fn variable_offset_of_what_may_be_the_program() {
    assert_golden!(
        Guest::new(|b| {
            b.index(R3, R1, R2);
            b.amend(R1, R3, R4);
            b.halt();
        })
        .met(0, Met::PROGRAM)
        .met(1, Met::PROGRAM)
    );
}

/// In a small space, identifiers are compared with its end before their length bytes are read.
#[test]
fn bounded_identifiers() {
    let mut guest = Guest::new(|b| {
        b.index(R3, R1, R2);
        b.halt();
    });
    guest.settings.lookup.id_bound = Some(1 << 24);
    assert_golden!(guest);
}

/// The first segments have names.
const MIXED: Lookup = Lookup { ids: Ids::Mixed, id_bound: None, names_bound: Some(1 << 12) };

/// A record that may have a name: the length byte first, the table behind it; the second access asks the first check for more, on
/// both ways.
#[test]
fn names_behind_the_length_byte() {
    let mut guest = Guest::new(|b| {
        b.literal(R4, 1);
        b.index(R2, R1, R4);
        b.literal(R4, 2);
        b.index(R3, R1, R4);
        b.abandon(R1);
        b.halt();
    })
    .met(1, Met::NAMED)
    .met(3, Met::NAMED);
    guest.settings.lookup = MIXED;
    assert_golden!(guest);
}

/// The same in a small space: what was read on one way is not used behind both.
#[test]
fn names_behind_a_length_byte_that_not_all_have() {
    let mut guest = Guest::new(|b| {
        b.literal(R4, 1);
        b.index(R2, R1, R4);
        b.abandon(R1);
        b.halt();
    })
    .met(1, Met::NAMED);
    guest.settings.lookup = Lookup { id_bound: Some(1 << 24), ..MIXED };
    assert_golden!(guest);
}

/// An array that mostly has a name, or is segment 0: the table first, or behind the length byte.
#[test]
fn names_first() {
    let mut guest = Guest::new(|b| {
        b.index(R3, R1, R2);
        b.amend(R5, R2, R3);
        b.halt();
    })
    .met(0, Met::NAMED_WHEN_HOT)
    .met(1, Met::NAMED)
    .met(1, Met::PROGRAM);
    guest.settings.lookup = MIXED;
    assert_golden!(guest);
}

/// A large array that was the same each time: whether it still is, and no way of others.
#[test]
fn the_same_name_as_ever() {
    let mut guest = Guest::new(|b| {
        b.index(R3, R1, R2);
        b.index(R4, R1, R3);
        b.halt();
    })
    .name(0, 7)
    .name(1, 7);
    guest.settings.lookup = MIXED;
    assert_golden!(guest);
}

/// All segments have names: there is only the table, and a name is taken and given back with each segment.
#[test]
fn all_segments_named() {
    let mut guest = Guest::new(|b| {
        b.literal(R4, 2);
        b.alloc(R1, R4);
        b.amend(R1, R6, R2);
        b.index(R3, R5, R2);
        b.abandon(R5);
        b.halt();
    });
    guest.settings.lookup = Lookup { ids: Ids::Sequential, id_bound: None, names_bound: None };
    assert_golden!(guest);
}

/// Variables of the program need no check; what was written is known.
#[test]
fn forwarded_slots() {
    assert_golden!(Guest::new(|b| {
        let slot = b.label();
        b.literal_label(R1, slot, 0);
        b.index(R2, R6, R1);
        b.add(R2, R2, R3);
        b.amend(R6, R1, R2);
        b.index(R4, R6, R1);
        b.halt();
        b.bind(slot);
        b.data(0);
    }));
}

/// A check behind the store of a word that was read before needs an exit of its own: from the old one, the word would be
/// read again.
#[test]
fn a_store_to_what_was_read_ends_the_window() {
    assert_golden!(Guest::new(|b| {
        let slot = b.label();
        b.div(R3, R3, R4);
        b.literal_label(R1, slot, 0);
        b.index(R2, R6, R1);
        b.add(R2, R2, R3);
        b.amend(R6, R1, R2);
        b.div(R3, R3, R5);
        b.halt();
        b.bind(slot);
        b.data(0);
    }));
}

#[test]
fn variable_word_of_the_program() {
    assert_golden!(Guest::new(|b| {
        b.index(R3, R6, R2);
        b.amend(R6, R3, R4);
        b.halt();
    }));
}

/// A store to a word that code was made from is the interpreter's.
#[test]
fn store_into_own_code() {
    assert_golden!(Guest::new(|b| {
        let target = b.label();
        b.literal_label(R1, target, 0);
        b.amend(R6, R1, R2);
        b.bind(target);
        b.add(R3, R3, R4);
        b.halt();
    }));
}

#[test]
fn store_into_code_of_another_unit() {
    assert_golden!(
        Guest::new(|b| {
            b.literal(R1, 4);
            b.amend(R6, R1, R2);
            b.add(R3, R3, R4);
            b.halt();
            b.data(0);
        })
        .watch(4, WATCH_DERIVED)
    );
}

/// The words of a new segment are 0.
#[test]
fn fresh_segment() {
    assert_golden!(Guest::new(|b| {
        b.literal(R1, 3);
        b.alloc(R2, R1);
        b.literal(R1, 1);
        b.index(R3, R2, R1);
        b.amend(R2, R1, R4);
        b.index(R5, R2, R1);
        b.halt();
    }));
}

#[test]
fn alloc_of_a_variable_size_and_abandon() {
    assert_golden!(Guest::new(|b| {
        b.alloc(R2, R1);
        b.abandon(R2);
        b.halt();
    }));
}

#[test]
fn output() {
    assert_golden!(Guest::new(|b| {
        b.output(R1);
        b.halt();
    }));
}
