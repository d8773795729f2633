//! Memory of one kind: what it was, and what was written since, with the circumstances under which that happened.

use crate::term::{Function, Pool, Term};
use std::rc::Rc;

/// Something that happened to a memory.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// The element at an index has a value now, under a condition.
    Write { condition: Term, at: Vec<Term>, value: Term },
    /// The elements of granules from `from` to before `to` are 0 now, under a condition.
    Clear { condition: Term, from: Term, to: Term },
    /// Of length bytes: the granules from `from` to before `to` are free, under a condition. That changes nothing, and is known of each
    /// granule whose byte is asked for. `named` says where segments stand that have names instead.
    Free { condition: Term, from: Term, to: Term, named: Rc<Log> },
    /// All is as at another moment, under a condition.
    Anything { condition: Term, function: Function },
}

/// Whether a number is one of those from `from` to before `to`.
pub fn within(pool: &mut Pool, number: Term, from: Term, to: Term) -> Term {
    if pool.plus(from, 1) == to {
        return pool.eq(number, from);
    }
    let (above, below) = (pool.at_most(from, number), pool.less(number, to));
    pool.all([above, below])
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
                Entry::Clear { condition, from, to } => {
                    let inside = within(pool, at[0], *from, *to);
                    (pool.all([*condition, inside]), pool.constant(self.base.width, 0))
                }
                Entry::Free { condition, from, to, named } => {
                    let inside = within(pool, at[0], *from, *to);
                    let (used, named) = (pool.nonzero(value), named.read(pool, at));
                    let taken = pool.any([used, named]);
                    let both = pool.all([*condition, inside, taken]);
                    let fact = pool.not(both);
                    pool.assume_of_both(*from, at[0], fact);
                    continue;
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

    /// Clears what has a first index from `from` to before `to`, under a condition.
    pub fn clear(&mut self, pool: &mut Pool, condition: Term, [from, to]: [Term; 2]) {
        self.add(pool, condition, Entry::Clear { condition, from, to });
    }

    /// Says of length bytes that the granules from `from` to before `to` are free, under a condition; `named` are where named segments stand.
    pub fn know_free(&mut self, pool: &mut Pool, condition: Term, [from, to]: [Term; 2], named: Rc<Log>) {
        self.add(pool, condition, Entry::Free { condition, from, to, named });
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
                | Entry::Free { condition, .. }
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
        let same = pool.eq(x, y);
        if let Some(alike) = self.alike(pool, other) {
            pool.suffice(same, alike);
        }
        same
    }

    /// What has to hold for the same to have happened to both, one after the other, and nothing else to one of them. `None` if that
    /// cannot be.
    fn alike(&self, pool: &mut Pool, other: &Log) -> Option<Vec<Term>> {
        if self.base != other.base {
            return None;
        }
        let changes = |log: &Log| log.entries.iter().filter_map(Entry::change).collect::<Vec<_>>();
        let (these, those) = (changes(self), changes(other));
        let mut all = Vec::new();
        for (one, other) in these.iter().zip(&those).filter(|(one, other)| one != other) {
            if one.what != other.what || one.terms.len() != other.terms.len() {
                return None;
            }
            all.push(pool.eq(one.condition, other.condition));
            for (&x, &y) in one.terms.iter().zip(&other.terms) {
                let same = pool.eq(x, y);
                all.push(pool.implies(one.condition, same));
            }
        }
        let common = these.len().min(those.len());
        all.extend(these[common..].iter().chain(&those[common..]).map(|more| pool.not(more.condition)));
        Some(all)
    }
}

#[derive(PartialEq)]
enum What {
    Write,
    Clear,
    Anything(Function),
}

/// What an entry does: the same to the same terms does the same.
#[derive(PartialEq)]
struct Change {
    condition: Term,
    what: What,
    terms: Vec<Term>,
}

impl Entry {
    /// What it changes, if it changes something.
    fn change(&self) -> Option<Change> {
        let (condition, what, terms) = match self {
            Entry::Write { condition, at, value } => {
                (condition, What::Write, at.iter().copied().chain([*value]).collect())
            }
            Entry::Clear { condition, from, to } => (condition, What::Clear, vec![*from, *to]),
            Entry::Anything { condition, function } => (condition, What::Anything(*function), Vec::new()),
            Entry::Free { .. } => return None,
        };
        Some(Change { condition: *condition, what, terms })
    }
}
