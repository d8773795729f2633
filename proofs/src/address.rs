//! What an address is the address of: told from the pointers that it is made of, never by the solver.

use crate::machine::{Machine, Number};
use crate::term::{Node, Pool, Term};
use rum_interp::engine::layout::{GRANULE_BYTES, HEADER_BYTES, NAME_PLACE, NAME_SHIFT, NAME_WORDS};
use rum_interp::engine::offset;
use rum_jit::contract::slots;

/// A place in the host's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A field of the state, by its distance from the pinned register.
    Field(i32),
    /// A word of a segment: first granule and offset.
    Word(Term, Term),
    /// The length byte of a granule.
    Len(Term),
    /// The length in front of a large segment.
    Header(Term),
    /// Where the segment with a name is.
    Name(Term),
    /// Its length.
    Size(Term),
    Watch(Term),
    /// The entry of a word.
    Table(Term),
    Out(Term),
    In(Term),
}

/// The pointers that a state holds, and does not change while code runs: where they stand, and the names of their values.
pub const POINTERS: [(i32, &str); 5] = [
    (offset::LENS, "lens"),
    (offset::WATCH, "watch"),
    (offset::NAMES, "names"),
    (slots::TABLE, "table"),
    (slots::CODE_BASE, "code"),
];

/// The numbers that a state holds, and where.
pub const NUMBERS: [(i32, Number); 9] = [
    (offset::CURSOR, Number::Cursor),
    (offset::RUN_END, Number::RunEnd),
    (offset::NAMES_FREE, Number::NamesFree),
    (offset::NAMES_BOUND, Number::NamesBound),
    (offset::OUTPUT_NEXT, Number::OutNext),
    (offset::OUTPUT_END, Number::OutEnd),
    (offset::INPUT_NEXT, Number::InNext),
    (offset::INPUT_END, Number::InEnd),
    (offset::EXECUTED, Number::Executed),
];

/// The name of the pinned register's value.
pub const BASE: &str = "base";

/// What an address is the address of. `None` if that cannot be told.
pub fn place(pool: &mut Pool, machine: &Machine, address: Term) -> Option<Place> {
    if address == machine.memory.number(Number::OutNext) {
        return Some(Place::Out(address));
    }
    if address == machine.memory.number(Number::InNext) {
        return Some(Place::In(address));
    }
    let (parts, constant) = match pool.node(address) {
        Node::Sum(64, parts, constant) => (parts.clone(), *constant as i64),
        Node::Var(..) => (vec![(address, 1)], 0),
        _ => return None,
    };
    let mut pointer = None;
    let mut rest = Vec::new();
    for (part, factor) in parts {
        match pool.node(part) {
            Node::Var(name, 64) if factor == 1 && pointer.is_none() && is_pointer(name) => pointer = Some(name.clone()),
            _ => rest.push((narrow(pool, part)?, factor)),
        }
    }
    let mut only = |factor: u64| match rest[..] {
        [] if (constant as u64).is_multiple_of(factor) => Some(pool.word((constant as u64 / factor) as u32)),
        [(index, found)] if found == factor && constant == 0 => Some(index),
        _ => None,
    };
    match &*pointer? {
        BASE => in_segments(pool, &rest, constant),
        "lens" => only(1).map(Place::Len),
        "watch" => only(1).map(Place::Watch),
        "names" => only(4).map(Place::Name),
        "table" => only(8).map(Place::Table),
        _ => None,
    }
}

fn is_pointer(name: &str) -> bool {
    name == BASE || POINTERS.iter().any(|&(_, pointer)| pointer == name)
}

/// A value of 64 bits that is one of 32 bits with zeros on top.
fn narrow(pool: &Pool, term: Term) -> Option<Term> {
    match *pool.node(term) {
        Node::Wide(_, inner) if pool.width(inner) == 32 => Some(inner),
        _ => None,
    }
}

/// What stands at a distance from granule 0.
fn in_segments(pool: &mut Pool, rest: &[(Term, u64)], constant: i64) -> Option<Place> {
    let zero = pool.word(0);
    let (few, name_bytes) = (i64::from(offset::FEW_NAMES), 1u64 << NAME_SHIFT);
    let (place, size) = (few + NAME_PLACE as i64, few + NAME_WORDS as i64);
    let names_end = few + (4097 << NAME_SHIFT);
    if (few..names_end).contains(&constant) {
        let behind = (constant - few) / (1 << NAME_SHIFT);
        let constant = constant - (behind << NAME_SHIFT);
        let name = match rest {
            [] => pool.word(behind as u32),
            &[(name, factor)] if factor == name_bytes => pool.plus(name, behind as u64),
            _ => return None,
        };
        return match constant {
            at if at == place => Some(Place::Name(name)),
            at if at == size => Some(Place::Size(name)),
            _ => None,
        };
    }
    let (granule, offset) = split(rest)?;
    if constant < 0 {
        return match (granule, offset) {
            (None, None) => i32::try_from(constant).ok().map(Place::Field),
            (Some(granule), None) if constant == -(HEADER_BYTES as i64) => Some(Place::Header(granule)),
            _ => None,
        };
    }
    let behind = u32::try_from(constant / 4).ok().filter(|_| constant % 4 == 0)?;
    let granule = granule.unwrap_or(zero);
    match offset {
        Some(offset) if behind == 0 => Some(Place::Word(granule, offset)),
        None => {
            let behind = pool.word(behind);
            Some(Place::Word(granule, behind))
        }
        _ => None,
    }
}

/// The granule and the offset of an address.
fn split(rest: &[(Term, u64)]) -> Option<(Option<Term>, Option<Term>)> {
    const GRANULE: u64 = GRANULE_BYTES as u64;
    const WORD: u64 = 4;
    const BOTH: u64 = GRANULE + WORD;
    match *rest {
        [] => Some((None, None)),
        [(granule, GRANULE)] => Some((Some(granule), None)),
        [(offset, WORD)] => Some((None, Some(offset))),
        [(both, BOTH)] => Some((Some(both), Some(both))),
        [(granule, GRANULE), (offset, WORD)] | [(offset, WORD), (granule, GRANULE)] => {
            Some((Some(granule), Some(offset)))
        }
        _ => None,
    }
}
