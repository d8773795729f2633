//! What the host does when compiled code calls it: values of which only the axioms here are known, the same for both executors.
//!
//! A call is known by the word that it is made for. That both executors make it with the same state is proved, so that its results
//! may be the same.

use crate::layout::Layout;
use crate::log::within;
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

impl Events {
    /// Whether a call is made for a word.
    pub fn contains(&self, word: u32) -> bool {
        [&self.allocs, &self.abandons, &self.steps].into_iter().any(|calls| calls.contains_key(&word))
    }
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

/// A segment that the host has allocated.
struct Allocation {
    id: Term,
    place: Term,
    /// Whether it has a name: if none of the others has, or all have, that is known.
    is_named: Term,
    /// The run that is current then.
    run: [Term; 2],
    /// The end of the table of names then.
    names_bound: Term,
}

impl Allocation {
    fn new(pool: &mut Pool, layout: &Layout, moment: u32) -> Allocation {
        let [id, place] = allocated(pool, moment);
        let [from, to, names_bound] =
            ["cursor@", "run_end@", "names_bound@"].map(|name| pool.var(format!("{name}host {moment}"), 32));
        let is_named = match (layout.contract.all_named, layout.contract.naming) {
            (true, _) => pool.truth(true),
            (false, true) => pool.var(format!("alloc named@{moment}"), 0),
            (false, false) => pool.truth(false),
        };
        Allocation { id, place, is_named, run: [from, to], names_bound }
    }

    /// What is known of it, if there was room: it stands where nothing stood, and not in the run.
    fn facts(&self, pool: &mut Pool, layout: &Layout, memory: &Memory) -> Vec<Term> {
        let &Allocation { id, place, is_named, run: [from, to], names_bound } = self;
        let (byte, no_byte) = (memory.read(pool, Kind::Len, &[place]), pool.constant(8, 0));
        let was_named = memory.read(pool, Kind::Named, &[place]);
        let in_run = within(pool, place, from, to);
        let mut facts = vec![pool.eq(byte, no_byte), pool.nonzero(place), pool.not(was_named), pool.not(in_run)];
        let first = pool.word(layout.first_granule());
        facts.extend([pool.at_most(from, to), pool.at_most(first, from)]);
        facts.extend(layout.run_bound(pool, to));
        let as_id = pool.eq(id, place);
        match layout.contract.names_bound.filter(|_| !layout.contract.all_named) {
            Some(bound) => {
                let (bound, zero) = (pool.word(bound), pool.word(0));
                let (name, apart) = (pool.less(id, bound), pool.at_most(bound, place));
                let size = memory.read(pool, Kind::Size, &[id]);
                let unused = pool.eq(size, zero);
                let [as_name, as_place] = [vec![name, unused], vec![as_id, apart]].map(|facts| pool.all(facts));
                facts.push(pool.ite(is_named, as_name, as_place));
            }
            None => facts.push(pool.any([is_named, as_id])),
        }
        if layout.contract.all_named {
            // The entry of a name that is not in use leads to no segment; the table only grows, and reaches so far (`names.rs`).
            let entry = memory.read(pool, Kind::Place, &[id]);
            let byte = memory.read(pool, Kind::Len, &[entry]);
            let before = memory.number(Number::NamesBound);
            facts.extend([pool.eq(byte, no_byte), pool.at_most(before, names_bound), pool.less(id, names_bound)]);
        }
        facts
    }
}

/// What the host's way of allocating does to memory (`Memory::alloc`), under a condition: nothing if there is no room.
pub fn alloc(pool: &mut Pool, layout: &Layout, memory: &mut Memory, words: Term, moment: u32) {
    let new = Allocation::new(pool, layout, moment);
    let done = pool.nonzero(new.id);
    let facts = new.facts(pool, layout, memory);
    let facts = pool.all(facts);
    let fact = pool.implies(done, facts);
    pool.assume(new.id, fact);
    // A run is made of free granules (`Memory::next_run`, `walk.rs`), and cleared.
    let places_named = Rc::new(memory.log(Kind::Named).clone());
    memory.log_mut(Kind::Len).know_free(pool, done, new.run, places_named);
    memory.log_mut(Kind::Word).clear(pool, done, new.run);

    let all_named = layout.contract.all_named;
    let has_byte = if all_named { pool.truth(true) } else { pool.not(new.is_named) };
    let (most, one, large) = (pool.word(SMALL_WORDS_MAX), pool.constant(8, 1), pool.constant(8, u64::from(LARGE)));
    let (is_small, short) = (pool.at_most(words, most), pool.low(8, words));
    let short = pool.add(short, one);
    let (len, is_large) = (pool.ite(is_small, short, large), pool.not(is_small));
    let [with_byte, with_header, named] = [vec![has_byte], vec![has_byte, is_large], vec![new.is_named]].map(|which| {
        let which = pool.all(which);
        pool.all([done, which])
    });
    memory.log_mut(Kind::Len).write(pool, with_byte, vec![new.place], len);
    memory.log_mut(Kind::Header).write(pool, with_header, vec![new.place], words);
    memory.log_mut(Kind::Place).write(pool, named, vec![new.id], new.place);
    memory.log_mut(Kind::Size).write(pool, named, vec![new.id], words);
    layout.mark_name(pool, memory, named, new.place, true);
    let behind = pool.plus(new.place, 1);
    memory.log_mut(Kind::Word).clear(pool, done, [new.place, behind]);
    let free = pool.var(format!("names_free@host {moment}"), 32);
    let numbers = [(Number::Cursor, new.run[0]), (Number::RunEnd, new.run[1]), (Number::NamesFree, free)];
    let bound = all_named.then_some((Number::NamesBound, new.names_bound));
    for (number, new) in numbers.into_iter().chain(bound) {
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
    layout.mark_name(pool, memory, named, place, false);
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
