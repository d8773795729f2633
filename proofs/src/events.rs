//! What the host does when compiled code calls it: values of which only the axioms here are known, the same for both executors.
//!
//! A call is known by the word that it is made for. That both executors make it with the same state is proved, so that its results
//! may be the same.

use crate::layout::{Layout, is_named_place};
use crate::log::{Free, within};
use crate::machine::{Kind, Machine, Memory, Number};
use crate::term::{Pool, Term};
use rum_interp::engine::layout::{LARGE, SMALL_WORDS_MAX};
use rum_jit::contract::Code;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A call of compiled code to the host.
#[derive(Clone, Debug)]
pub struct Call {
    /// Under what conditions it is made.
    pub path: Vec<Term>,
    /// The state then.
    pub machine: Machine,
    /// Its argument.
    pub argument: Option<Term>,
    /// A number of its own.
    pub moment: u32,
}

/// The calls of a stretch of code, by their words.
#[derive(Clone, Debug, Default)]
pub struct Events {
    pub allocs: BTreeMap<u32, Call>,
    pub abandons: BTreeMap<u32, Call>,
    pub steps: BTreeMap<u32, Call>,
}

/// What a call to allocate gives: an identifier, 0 if there is no room, and a place.
pub fn allocated(pool: &mut Pool, moment: u32) -> [Term; 2] {
    ["alloc id", "alloc place"].map(|name| pool.var(format!("{name}@{moment}"), 32))
}

/// What a call to abandon gives: not 0 if the segment was active.
pub fn abandoned(pool: &mut Pool, moment: u32) -> Term {
    pool.var(format!("abandoned@{moment}"), 32)
}

/// What a step by the host gives: not 0 if code must not go on.
pub fn stopped(pool: &mut Pool, moment: u32) -> Term {
    pool.var(format!("stopped@{moment}"), 32)
}

/// What the host's way of allocating does to memory (`Memory::alloc`), under a condition: nothing if there is no room.
pub fn alloc(pool: &mut Pool, layout: &Layout, memory: &mut Memory, words: Term, moment: u32) {
    let [id, place] = allocated(pool, moment);
    let done = pool.nonzero(id);
    let [cursor, run_end] = ["cursor@", "run_end@"].map(|name| pool.var(format!("{name}host {moment}"), 32));
    let contract = layout.contract;
    let (zero, most) = (pool.word(0), pool.word(SMALL_WORDS_MAX));
    let small = pool.at_most(words, most);
    let may_be_named = contract.all_named || contract.naming;
    let is_named = match (contract.all_named, may_be_named) {
        (true, _) => pool.truth(true),
        (false, true) => pool.var(format!("alloc named@{moment}"), 0),
        (false, false) => pool.truth(false),
    };
    let byte = memory.read(pool, Kind::Len, &[place]);
    let (no_byte, as_id) = (pool.constant(8, 0), pool.eq(id, place));
    let was_free = pool.eq(byte, no_byte);
    let somewhere = pool.nonzero(place);
    let named = is_named_place(memory.moment);
    let elsewhere = pool.app(named, vec![place]);
    let elsewhere = pool.not(elsewhere);
    let free = Free { lens: Rc::new(memory.log(Kind::Len).clone()), named };
    let mut facts = vec![was_free, somewhere, elsewhere];
    if let Some(bound) = contract.names_bound.filter(|_| !contract.all_named) {
        let bound = pool.word(bound);
        let (name, apart) = (pool.less(id, bound), pool.at_most(bound, place));
        let size = memory.read(pool, Kind::Size, &[id]);
        let unused = pool.eq(size, zero);
        let [as_name, as_place] = [vec![name, unused], vec![as_id, apart]].map(|facts| pool.all(facts));
        facts.push(pool.ite(is_named, as_name, as_place));
    } else {
        facts.push(pool.any([is_named, as_id]));
    }
    if contract.all_named {
        // The entry of a name that is not in use leads to no segment (`names.rs`).
        let entry = memory.read(pool, Kind::Place, &[id]);
        let byte = memory.read(pool, Kind::Len, &[entry]);
        facts.push(pool.eq(byte, no_byte));
    }
    let first = pool.word(layout.first_granule());
    let (ordered, apart) = (pool.at_most(cursor, run_end), pool.at_most(first, cursor));
    let before = within(pool, place, cursor, run_end);
    let taken = pool.not(before);
    facts.extend([ordered, apart, taken]);
    let facts = pool.all(facts);
    let fact = pool.implies(done, facts);
    pool.assume(id, fact);

    let has_byte = if contract.all_named { pool.truth(true) } else { pool.not(is_named) };
    let (one, large) = (pool.constant(8, 1), pool.constant(8, u64::from(LARGE)));
    let short = pool.low(8, words);
    let short = pool.add(short, one);
    let len = pool.ite(small, short, large);
    let is_large = pool.not(small);
    let [with_byte, with_header] = [vec![done, has_byte], vec![done, has_byte, is_large]].map(|all| pool.all(all));
    memory.log_mut(Kind::Len).write(pool, with_byte, vec![place], len);
    memory.log_mut(Kind::Header).write(pool, with_header, vec![place], words);
    let named = pool.all([done, is_named]);
    memory.log_mut(Kind::Place).write(pool, named, vec![id], place);
    memory.log_mut(Kind::Size).write(pool, named, vec![id], words);
    let behind = pool.plus(place, 1);
    memory.log_mut(Kind::Word).clear(pool, done, [place, behind], None);
    memory.log_mut(Kind::Word).clear(pool, done, [cursor, run_end], Some(free));
    let free = pool.var(format!("names_free@host {moment}"), 32);
    for (number, new) in [(Number::Cursor, cursor), (Number::RunEnd, run_end), (Number::NamesFree, free)] {
        let old = memory.number(number);
        *memory.number_mut(number) = pool.ite(done, new, old);
    }
}

/// What the host's way of abandoning does to memory (`Memory::abandon`): nothing if the segment is not active.
pub fn abandon(pool: &mut Pool, layout: &Layout, memory: &mut Memory, id: Term, moment: u32) {
    let done = abandoned(pool, moment);
    let done = pool.nonzero(done);
    let place = layout.locate(pool, memory, id).place;
    let (zero, none) = (pool.word(0), pool.constant(8, 0));
    let free = pool.var(format!("place of a free name@{moment}"), 32);
    let as_id = pool.eq(place, id);
    let is_named = if layout.contract.all_named { pool.truth(true) } else { pool.not(as_id) };
    let has_byte = if layout.contract.all_named { pool.truth(true) } else { as_id };
    let [named, with_byte] = [is_named, has_byte].map(|which| pool.all([done, which]));
    memory.log_mut(Kind::Len).write(pool, with_byte, vec![place], none);
    memory.log_mut(Kind::Size).write(pool, named, vec![id], zero);
    memory.log_mut(Kind::Place).write(pool, named, vec![id], free);
    let old = memory.number(Number::NamesFree);
    *memory.number_mut(Number::NamesFree) = pool.ite(named, id, old);
}

/// What a step by the host leaves: registers that the instruction does not name are as they were, all else may be anything. Input changes
/// no segment (`interp/src/step.rs`).
pub fn step(pool: &mut Pool, machine: &mut Machine, code: Code, moment: u32) {
    for reg in written(code) {
        machine.registers[reg] = pool.var(format!("r{reg}@{moment}"), 32);
    }
    if is_input(code) {
        machine.memory.forget_console(pool, moment);
    } else {
        machine.memory.forget(pool, moment);
    }
    machine.pc = pool.plus(machine.pc, 1);
}

/// The fields of a word.
pub struct Fields {
    pub operator: u32,
    pub a: usize,
    pub b: usize,
    pub c: usize,
}

/// The fields of a word.
pub fn fields(word: u32) -> Fields {
    let register = |at: u32| (word >> at & 7) as usize;
    Fields { operator: word >> 28, a: register(6), b: register(3), c: register(0) }
}

/// Whether a word is input.
pub fn is_input(code: Code) -> bool {
    matches!(code, Code::Fixed(word) if word >> 28 == 11)
}

/// The registers that a word may change when the host executes it.
fn written(code: Code) -> Vec<usize> {
    match code {
        Code::Anything => (0..8).collect(),
        Code::Literal(a) => vec![usize::from(a)],
        Code::Fixed(word) => {
            let Fields { operator, a, b, c } = fields(word);
            match operator {
                0 | 1 | 3..=6 => vec![a],
                8 => vec![b],
                11 => vec![c],
                13 => vec![(word >> 25 & 7) as usize],
                _ => Vec::new(),
            }
        }
    }
}
