//! What is taken for granted about the machine's memory, each with what upholds it. Everything else is proved.
//!
//! A word of a segment is named by the segment's first granule and its offset there, never by its address: no two active segments
//! share a word (*disjoint*: `interp/src/memory/small.rs`, `large.rs`, `zone.rs` give every granule to one segment). In return each
//! access must be shown to lie within an active segment.

use crate::log::within;
use crate::machine::{Kind, Memory, Number};
use crate::term::{Function, Node, Pool, TRUTH, Term};
use rum_interp::engine::WATCH_DERIVED;
use rum_interp::engine::layout::{LARGE, SMALL_WORDS_MAX};
use rum_jit::contract::{Code, Contract, slots::SELECTOR_BITS};

/// The facts that a unit's code relies on.
pub struct Layout<'a> {
    pub contract: &'a Contract,
    /// Offsets of the words that the unit was made from.
    pub fixed: Vec<(u32, u32)>,
}

/// A segment as the layout says it.
#[derive(Clone, Copy, Debug)]
pub struct Located {
    /// Its first granule.
    pub place: Term,
    /// Its length in words, 0 if it is not active.
    pub length: Term,
    /// Whether its length byte says that it is active and small.
    pub is_small: Term,
}

/// The table of entries.
pub const TABLE: Function = Function { name: "table", moment: 0, width: 64 };

impl<'a> Layout<'a> {
    /// The layout of the machine that a unit runs on.
    pub fn new(contract: &'a Contract) -> Layout<'a> {
        let mut fixed: Vec<(u32, u32)> = Vec::new();
        for (start, codes) in &contract.blocks {
            for (pc, code) in (*start..).zip(codes) {
                match (code, fixed.last_mut()) {
                    (Code::Fixed(_), Some(last)) if last.1 == pc => last.1 += 1,
                    (Code::Fixed(_), _) => fixed.push((pc, pc + 1)),
                    _ => {}
                }
            }
        }
        Layout { contract, fixed }
    }

    /// Where the segment with an identifier is: what `Memory::locate` and `Memory::load` in `interp/src/memory/mod.rs` say.
    pub fn locate(&self, pool: &mut Pool, memory: &Memory, id: Term) -> Located {
        let zero = pool.word(0);
        let is_program = pool.eq(id, zero);
        let place = match (self.contract.all_named, self.contract.names_bound) {
            (false, _) => id,
            (true, None) => memory.read(pool, Kind::Place, &[id]),
            (true, Some(_)) => {
                let inside = pool.less(id, memory.number(Number::NamesBound));
                let place = memory.read(pool, Kind::Place, &[id]);
                pool.ite(inside, place, zero)
            }
        };
        let byte = memory.read(pool, Kind::Len, &[place]);
        let (none, one) = (pool.constant(8, 0), pool.constant(8, 1));
        let large = pool.constant(8, u64::from(LARGE));
        let (is_none, is_large) = (pool.eq(byte, none), pool.eq(byte, large));
        let short = pool.sub(byte, one);
        let short = pool.wide(32, short);
        let header = memory.read(pool, Kind::Header, &[place]);
        let mut length = pool.ite(is_large, header, short);
        let mut absent = zero;
        let mut place = place;
        if let (false, Some(bound)) = (self.contract.all_named, self.contract.names_bound) {
            let bound = pool.word(bound);
            let below = pool.less(id, bound);
            let is_name = pool.all([is_none, below]);
            let (at, size) = (memory.read(pool, Kind::Place, &[id]), memory.read(pool, Kind::Size, &[id]));
            place = pool.ite(is_name, at, place);
            absent = pool.ite(below, size, zero);
        }
        length = pool.ite(is_none, absent, length);
        let program_len = pool.word(self.contract.program_len);
        let [not_none, not_large] = [is_none, is_large].map(|is| pool.not(is));
        Located {
            place: pool.ite(is_program, zero, place),
            length: pool.ite(is_program, program_len, length),
            is_small: pool.all([not_none, not_large]),
        }
    }

    /// Says what is known about a value of a memory, or a number, if that was not said yet.
    pub fn explain(&self, pool: &mut Pool, term: Term) {
        if !pool.is_first_explained(term) {
            return;
        }
        match pool.node(term).clone() {
            Node::App(function, arguments) => self.explain_value(pool, term, function, &arguments),
            Node::Var(name, _) => {
                let moment = name.strip_prefix("cursor@").or(name.strip_prefix("run_end@"));
                if let Some(moment) = moment.and_then(|moment| moment.parse().ok()) {
                    self.explain_run(pool, term, moment);
                } else if name.starts_with("names_bound@") {
                    // There is an entry for 0: code looks at it for whatever is no name (`Names::for_all`).
                    let there = pool.nonzero(term);
                    pool.assume(term, there);
                }
            }
            _ => {}
        }
    }

    /// No segment with a length byte starts below this: there is room for segment 0, which is larger than names are many.
    pub fn first_granule(&self) -> u32 {
        self.contract.names_bound.filter(|_| !self.contract.all_named).unwrap_or(1).max(1)
    }

    fn run(&self, pool: &mut Pool, moment: u32) -> [Term; 2] {
        ["cursor", "run_end"].map(|name| pool.var(format!("{name}@{moment}"), 32))
    }

    /// No run reaches beyond the granules.
    pub fn run_bound(&self, pool: &mut Pool, end: Term) -> Option<Term> {
        let bound = self.contract.id_bound.filter(|&bound| bound < 1 << 32)?;
        let bound = pool.word(bound as u32);
        Some(pool.at_most(end, bound))
    }

    /// Says whether a segment with a name stands at a granule from now on, under a condition.
    pub fn mark_name(&self, pool: &mut Pool, memory: &mut Memory, condition: Term, place: Term, is_named: bool) {
        if !self.contract.all_named {
            let is_named = pool.truth(is_named);
            memory.log_mut(Kind::Named).write(pool, condition, vec![place], is_named);
        }
    }

    /// The current run lies within the granules for small segments (`Memory::new`, `small.rs`).
    fn explain_run(&self, pool: &mut Pool, term: Term, moment: u32) {
        let [cursor, end] = self.run(pool, moment);
        let first = pool.word(self.first_granule());
        let (ordered, above) = (pool.at_most(cursor, end), pool.at_most(first, cursor));
        let mut facts = vec![ordered, above];
        facts.extend(self.run_bound(pool, end));
        let facts = pool.all(facts);
        pool.assume(term, facts);
    }

    /// What is known where all segments have names and the next one is about to get this: the entry of a name that is not in use
    /// leads to no segment, and the table reaches so far (`names.rs`).
    pub fn explain_free_name(&self, pool: &mut Pool, memory: &Memory, name: Term, reached: &[Term]) {
        let entry = memory.read(pool, Kind::Place, &[name]);
        let (byte, none) = (memory.read(pool, Kind::Len, &[entry]), pool.constant(8, 0));
        let mut facts = vec![pool.eq(byte, none)];
        if self.contract.names_bound.is_some() {
            facts.push(pool.less(name, memory.number(Number::NamesBound)));
        }
        let (is_name, facts) = (pool.nonzero(name), pool.all(facts));
        let there = pool.all(reached.iter().copied().chain([is_name]));
        let fact = pool.implies(there, facts);
        pool.assume(name, fact);
    }

    fn explain_value(&self, pool: &mut Pool, term: Term, function: Function, arguments: &[Term]) {
        let at = arguments[0];
        let moment = function.moment;
        let is_nothing = match function.width {
            TRUTH => pool.not(term),
            width => {
                let nothing = pool.constant(width, 0);
                pool.eq(term, nothing)
            }
        };
        let other = |name, width| Function { name, moment, width };
        let mut facts = Vec::new();
        match function.name {
            // The free granules of the current run are cleared, and no segment starts there (`small.rs`, `stubs/walk.rs`).
            "word" => {
                let [cursor, end] = self.run(pool, moment);
                let is_free = within(pool, at, cursor, end);
                facts.push(pool.implies(is_free, is_nothing));
            }
            "len" => facts = self.length_byte(pool, term, at, moment),
            // Name 0 is never handed out; a named segment stands where no length byte is, and not at granule 0 (`names.rs`, `zone.rs`).
            "size" => {
                let zero = pool.word(0);
                let is_none = pool.eq(at, zero);
                facts.push(pool.implies(is_none, is_nothing));
                let place = pool.app(other("place", 32), vec![at]);
                let somewhere = pool.nonzero(place);
                let marked = pool.app(other("named", TRUTH), vec![place]);
                let both = pool.all([somewhere, marked]);
                facts.push(pool.any([is_nothing, both]));
            }
            // Runs of small segments are apart from the zone and from large segments (`zone.rs`, `large.rs`).
            "named" => {
                let [cursor, end] = self.run(pool, moment);
                let is_free = within(pool, at, cursor, end);
                let unnamed = pool.not(term);
                facts.push(pool.implies(is_free, unnamed));
            }
            "place" if self.contract.all_named => {
                let zero = pool.word(0);
                let is_none = pool.eq(at, zero);
                facts.push(pool.implies(is_none, is_nothing));
            }
            // Words that the unit was made from are watched for as long as it lives (`jit/src/units/mod.rs`).
            "watch" => {
                let derived = pool.constant(8, u64::from(WATCH_DERIVED));
                let marked = pool.and(term, derived);
                let is_marked = pool.nonzero(marked);
                let is_fixed = self.is_fixed(pool, at);
                facts.push(pool.implies(is_fixed, is_marked));
            }
            // A selector of the unit's stands at the pc of its entry alone (`jit/src/units/table.rs`).
            "table" => {
                let thirty_two = pool.constant(64, 32);
                let high = pool.shift_right(term, thirty_two);
                let selector = pool.low(32, high);
                for (index, &pc) in (0..).zip(&self.contract.entries) {
                    let own = pool.word((self.contract.unit << SELECTOR_BITS) + index);
                    let (is_own, pc) = (pool.eq(selector, own), pool.word(pc));
                    let is_there = pool.eq(at, pc);
                    facts.push(pool.implies(is_own, is_there));
                }
            }
            _ => {}
        }
        let facts = pool.all(facts);
        pool.assume(term, facts);
    }

    /// What is known of the length byte of a granule.
    fn length_byte(&self, pool: &mut Pool, byte: Term, at: Term, moment: u32) -> Vec<Term> {
        let nothing = pool.constant(8, 0);
        let is_nothing = pool.eq(byte, nothing);
        let mut facts = Vec::new();
        let [cursor, end] = self.run(pool, moment);
        let is_free = within(pool, at, cursor, end);
        facts.push(pool.implies(is_free, is_nothing));
        // Segment 0 has no length byte, nor has what lies in its room: the zone of named segments (`layout.rs`, `zone.rs`).
        let first = pool.word(self.first_granule());
        let is_room = pool.less(at, first);
        facts.push(pool.implies(is_room, is_nothing));
        // A segment of at most 253 words is small (`Memory::alloc_unnamed`).
        let large = pool.constant(8, u64::from(LARGE));
        let is_large = pool.eq(byte, large);
        let header = pool.app(Function { name: "header", moment, width: 32 }, vec![at]);
        let most = pool.word(SMALL_WORDS_MAX);
        let is_long = pool.less(most, header);
        facts.push(pool.implies(is_large, is_long));
        if let Some(bound) = self.contract.id_bound.filter(|&bound| bound < 1 << 32) {
            let bound = pool.word(bound as u32);
            let inside = pool.less(at, bound);
            facts.push(pool.any([inside, is_nothing]));
        }
        facts
    }

    /// Whether the word at an offset of segment 0 is one that the unit was made from.
    pub fn is_fixed(&self, pool: &mut Pool, offset: Term) -> Term {
        let mut all = Vec::new();
        for &(start, end) in &self.fixed {
            let (start, end) = (pool.word(start), pool.word(end));
            all.push(within(pool, offset, start, end));
        }
        pool.any(all)
    }
}
