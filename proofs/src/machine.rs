//! The state of a machine as both executors have it: registers, pc, and everything that the guest's instructions can tell or change.

use crate::log::Log;
use crate::term::{Function, Pool, Term, Width};

/// Kinds of memory: names of their functions, bits of an element.
const KINDS: [(&str, Width); 9] = [
    ("word", 32),   // of segments, by first granule and offset
    ("len", 8),     // length bytes, by granule
    ("header", 32), // lengths of large segments, by granule
    ("place", 32),  // where named segments are, by name
    ("size", 32),   // lengths of named segments where few have names, by name
    ("named", 0),   // whether a named segment stands there, where others have no names, by granule
    ("watch", 8),   // watch bytes, by offset
    ("out", 8),     // output, by position
    ("in", 8),      // input, by position
];

/// Indices among the memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Word,
    Len,
    Header,
    Place,
    Size,
    Named,
    Watch,
    Out,
    In,
}

/// Numbers of a machine that are neither registers nor memory.
const NUMBERS: [(&str, Width); 9] = [
    ("cursor", 32),
    ("run_end", 32),
    ("names_free", 32),
    ("names_bound", 32),
    ("out_next", 64),
    ("out_end", 64),
    ("in_next", 64),
    ("in_end", 64),
    ("executed", 64),
];

/// Indices among the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    Cursor,
    RunEnd,
    NamesFree,
    NamesBound,
    OutNext,
    OutEnd,
    InNext,
    InEnd,
    Executed,
}

/// Memories and numbers.
#[derive(Clone, Debug)]
pub struct Memory {
    logs: [Log; KINDS.len()],
    numbers: [Term; NUMBERS.len()],
}

/// A machine.
#[derive(Clone, Debug)]
pub struct Machine {
    pub registers: [Term; 8],
    pub pc: Term,
    pub memory: Memory,
}

impl Memory {
    /// A memory of which nothing is known, at a moment.
    pub fn at(pool: &mut Pool, moment: u32) -> Memory {
        Memory {
            logs: KINDS.map(|(name, width)| Log::new(Function { name, moment, width })),
            numbers: NUMBERS.map(|(name, width)| pool.var(format!("{name}@{moment}"), width)),
        }
    }

    /// A memory of one kind.
    pub fn log(&self, kind: Kind) -> &Log {
        &self.logs[kind as usize]
    }

    /// A memory of one kind, to be written.
    pub fn log_mut(&mut self, kind: Kind) -> &mut Log {
        &mut self.logs[kind as usize]
    }

    /// An element.
    pub fn read(&self, pool: &mut Pool, kind: Kind, at: &[Term]) -> Term {
        self.logs[kind as usize].read(pool, at)
    }

    /// Writes an element.
    pub fn write(&mut self, pool: &mut Pool, kind: Kind, at: &[Term], value: Term) {
        let always = pool.truth(true);
        self.logs[kind as usize].write(pool, always, at.to_vec(), value);
    }

    /// A number.
    pub fn number(&self, number: Number) -> Term {
        self.numbers[number as usize]
    }

    /// A number, to be changed.
    pub fn number_mut(&mut self, number: Number) -> &mut Term {
        &mut self.numbers[number as usize]
    }

    /// From now on nothing is known.
    pub fn forget(&mut self, pool: &mut Pool, moment: u32) {
        self.logs.iter_mut().for_each(|log| log.forget(pool, moment));
        self.numbers = NUMBERS.map(|(name, width)| pool.var(format!("{name}@{moment}"), width));
    }

    /// From now on nothing is known of output, of input, and of the count.
    pub fn forget_console(&mut self, pool: &mut Pool, moment: u32) {
        for kind in [Kind::Out, Kind::In] {
            self.logs[kind as usize].forget(pool, moment);
        }
        for number in [Number::OutNext, Number::OutEnd, Number::InNext, Number::InEnd, Number::Executed] {
            let (name, width) = NUMBERS[number as usize];
            self.numbers[number as usize] = pool.var(format!("{name}@{moment}"), width);
        }
    }

    /// This where a condition holds, the other elsewhere.
    pub fn merge(&self, pool: &mut Pool, condition: Term, other: &Memory) -> Memory {
        Memory {
            logs: std::array::from_fn(|kind| self.logs[kind].merge(pool, condition, &other.logs[kind])),
            numbers: std::array::from_fn(|at| pool.ite(condition, self.numbers[at], other.numbers[at])),
        }
    }

    /// Whether two are the same; the count of instructions is left out unless `counts`.
    pub fn same(&self, pool: &mut Pool, other: &Memory, counts: bool) -> Vec<(String, Term)> {
        let [granule, position] =
            [("any granule", 32), ("any position", 64)].map(|(name, width)| pool.var(name, width));
        let offset = pool.var("any offset", 32);
        let mut all = Vec::new();
        for (kind, (log, (name, _))) in self.logs.iter().zip(KINDS).enumerate() {
            let indices = match name {
                "word" => vec![granule, offset],
                "in" | "out" => vec![position],
                _ => vec![granule],
            };
            all.push((name.to_owned(), log.same(pool, &other.logs[kind], &indices)));
        }
        for (at, (&x, &y)) in self.numbers.iter().zip(&other.numbers).enumerate() {
            if counts || at != Number::Executed as usize {
                all.push((NUMBERS[at].0.to_owned(), pool.eq(x, y)));
            }
        }
        all
    }
}

impl Machine {
    /// A machine of which nothing is known, at a moment.
    pub fn at(pool: &mut Pool, moment: u32) -> Machine {
        Machine {
            registers: std::array::from_fn(|reg| pool.var(format!("r{reg}@{moment}"), 32)),
            pc: pool.var(format!("pc@{moment}"), 32),
            memory: Memory::at(pool, moment),
        }
    }

    /// This where a condition holds, the other elsewhere.
    pub fn merge(&self, pool: &mut Pool, condition: Term, other: &Machine) -> Machine {
        Machine {
            registers: std::array::from_fn(|reg| pool.ite(condition, self.registers[reg], other.registers[reg])),
            pc: pool.ite(condition, self.pc, other.pc),
            memory: self.memory.merge(pool, condition, &other.memory),
        }
    }

    /// Whether the registers are the same.
    pub fn same_registers(&self, pool: &mut Pool, other: &Machine) -> Vec<(String, Term)> {
        (0..8).map(|reg| (format!("r{reg}"), pool.eq(self.registers[reg], other.registers[reg]))).collect()
    }
}
