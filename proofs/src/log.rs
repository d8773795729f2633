//! Memory of one kind: what it was, and what was written since, with the circumstances under which that happened.

use crate::term::{Function, Pool, Term};
use std::rc::Rc;

/// Something that happened to a memory.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// The element at an index has a value now, under a condition.
    Write { condition: Term, at: Vec<Term>, value: Term },
    /// The elements of free granules from `from` to before `to` are 0 now, under a condition.
    Clear { condition: Term, from: Term, to: Term, free: Option<Free> },
    /// All is as at another moment, under a condition.
    Anything { condition: Term, function: Function },
}

/// Which granules were free at a moment: those where no length byte says that a segment starts, and no name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Free {
    pub lens: Rc<Log>,
    pub named: Function,
}

/// Whether a number is one of those from `from` to before `to`.
pub fn within(pool: &mut Pool, number: Term, from: Term, to: Term) -> Term {
    if pool.plus(from, 1) == to {
        return pool.eq(number, from);
    }
    let (above, below) = (pool.at_most(from, number), pool.less(number, to));
    pool.all([above, below])
}

impl Free {
    fn holds(&self, pool: &mut Pool, granule: Term) -> Term {
        let (byte, none) = (self.lens.read(pool, &[granule]), pool.constant(8, 0));
        let (is_free, named) = (pool.eq(byte, none), pool.app(self.named, vec![granule]));
        let unnamed = pool.not(named);
        pool.all([is_free, unnamed])
    }
}

/// A memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    base: Function,
    entries: Vec<Entry>,
}

impl Log {
    /// A memory of which nothing is known, at a moment.
    pub fn new(base: Function) -> Log {
        Log { base, entries: Vec::new() }
    }

    /// The element at an index.
    pub fn read(&self, pool: &mut Pool, at: &[Term]) -> Term {
        let mut value = pool.app(self.base, at.to_vec());
        for entry in &self.entries {
            let (applies, new) = match entry {
                Entry::Write { condition, at: written, value } => {
                    let mut all = vec![*condition];
                    for (&x, &y) in written.iter().zip(at) {
                        all.push(pool.eq(x, y));
                    }
                    (pool.all(all), *value)
                }
                Entry::Clear { condition, from, to, free } => {
                    let inside = within(pool, at[0], *from, *to);
                    let free = free.as_ref().map(|free| free.holds(pool, at[0]));
                    let all = [*condition, inside].into_iter().chain(free);
                    (pool.all(all), pool.constant(self.base.width, 0))
                }
                Entry::Anything { condition, function } => (*condition, pool.app(*function, at.to_vec())),
            };
            value = pool.ite(applies, new, value);
        }
        value
    }

    fn add(&mut self, pool: &mut Pool, condition: Term, entry: Entry) {
        if condition != pool.truth(false) {
            self.entries.push(entry);
        }
    }

    /// Writes an element, under a condition.
    pub fn write(&mut self, pool: &mut Pool, condition: Term, at: Vec<Term>, value: Term) {
        self.add(pool, condition, Entry::Write { condition, at, value });
    }

    /// Clears what has a first index from `from` to before `to`, as far as that is free, under a condition.
    pub fn clear(&mut self, pool: &mut Pool, condition: Term, [from, to]: [Term; 2], free: Option<Free>) {
        self.add(pool, condition, Entry::Clear { condition, from, to, free });
    }

    /// From now on all is as at another moment.
    pub fn forget(&mut self, pool: &mut Pool, moment: u32) {
        let (condition, function) = (pool.truth(true), Function { moment, ..self.base });
        self.entries.push(Entry::Anything { condition, function });
    }

    /// This where a condition holds, the other elsewhere.
    pub fn merge(&self, pool: &mut Pool, condition: Term, other: &Log) -> Log {
        debug_assert_eq!(self.base, other.base);
        let common = self.entries.iter().zip(&other.entries).take_while(|(x, y)| x == y).count();
        let mut merged = Log { base: self.base, entries: self.entries[..common].to_vec() };
        let otherwise = pool.not(condition);
        for (guard, log) in [(condition, self), (otherwise, other)] {
            for entry in &log.entries[common..] {
                let mut entry = entry.clone();
                let (Entry::Write { condition, .. }
                | Entry::Clear { condition, .. }
                | Entry::Anything { condition, .. }) = &mut entry;
                *condition = pool.all([guard, *condition]);
                let condition = *condition;
                merged.add(pool, condition, entry);
            }
        }
        merged
    }

    /// Whether two memories are the same: for an index of which nothing is known, if they were not written alike.
    pub fn same(&self, pool: &mut Pool, other: &Log, indices: &[Term]) -> Term {
        if self == other {
            return pool.truth(true);
        }
        let (x, y) = (self.read(pool, indices), other.read(pool, indices));
        pool.eq(x, y)
    }
}
