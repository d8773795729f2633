//! Where stretches begin: what a head takes for granted, to be assumed behind it and proved before it.

use crate::layout::Layout;
use crate::machine::{Machine, Memory};
use crate::run::Run;
use crate::term::{Pool, Term};
use anyhow::Context;
use cranelift_codegen::ir;
use rum_jit::contract::{Contract, Head, Held};
use std::collections::{HashMap, HashSet};

/// The heads of a function.
pub struct At<'a> {
    contract: &'a Contract,
    heads: HashMap<ir::Block, &'a Head>,
}

/// What holds at a head, in terms of some moment.
pub struct Relation {
    pub pc: u32,
    held: [Option<Term>; 8],
    at_home: u8,
    zero: u8,
    /// What else holds.
    pub facts: Vec<Term>,
}

impl<'a> At<'a> {
    /// The heads that a contract speaks of.
    pub fn of(contract: &'a Contract) -> At<'a> {
        At { contract, heads: contract.heads.iter().map(|head| (ir::Block::from_u32(head.block), head)).collect() }
    }

    /// Their blocks.
    pub fn blocks(&self) -> HashSet<ir::Block> {
        self.heads.keys().copied().collect()
    }

    /// What holds at a head whose parameters have these values, with the memory of a machine.
    ///
    /// # Errors
    /// The contract speaks of values that there are not.
    pub fn relation(
        &self,
        run: &mut Run,
        block: ir::Block,
        arguments: &[Term],
        machine: &Machine,
    ) -> anyhow::Result<Relation> {
        let head = self.heads.get(&block).context("a head that is not in the contract")?;
        let params: Vec<ir::Value> = run.params(block);
        let value = |run: &mut Run, number: u32| {
            let value = run.known(number)?;
            match params.iter().position(|&param| param == value) {
                Some(index) => arguments.get(index).copied().context("an argument is missing"),
                None => run.value(value),
            }
        };
        let mut held = [None; 8];
        let mut facts = Vec::new();
        for (reg, place) in head.registers.iter().enumerate() {
            held[reg] = match *place {
                Held::Home => None,
                Held::Constant(constant) => Some(run.pool.word(constant)),
                Held::Value(number) => Some(value(run, number)?),
                Held::Quotient(dividend, divisor) => {
                    let (dividend, divisor) = (value(run, dividend)?, value(run, divisor)?);
                    facts.push(run.pool.nonzero(divisor));
                    Some(run.pool.div(dividend, divisor))
                }
            };
        }
        for known in &head.lengths {
            known.granule.map(|granule| run.narrow(granule)).transpose()?;
            let (segment, length) = (value(run, known.segment)?, value(run, known.length)?);
            let granule = known.granule.map(|granule| value(run, granule)).transpose()?;
            let granule = match granule {
                Some(wide) => {
                    let granule = run.pool.low(32, wide);
                    let again = run.pool.wide(64, granule);
                    facts.push(run.pool.eq(wide, again));
                    granule
                }
                None => segment,
            };
            facts.push(length_holds(run.pool, run.layout, &machine.memory, [segment, length, granule]));
        }
        Ok(Relation { pc: head.pc, held, at_home: head.at_home, zero: self.contract.zero, facts })
    }
}

/// A length is 0, or what it is said to be; and so is where the segment is.
fn length_holds(pool: &mut Pool, layout: &Layout, memory: &Memory, [segment, length, granule]: [Term; 3]) -> Term {
    let found = layout.locate(pool, memory, segment);
    let (zero, is_active) = (pool.word(0), pool.nonzero(segment));
    let none = pool.eq(length, zero);
    let (same, there) = (pool.eq(found.length, length), pool.eq(found.place, granule));
    let right = pool.all([same, there, is_active]);
    pool.any([none, right])
}

impl Relation {
    /// What has to hold of a register and its home.
    pub fn holds(&self, pool: &mut Pool, reg: usize, register: Term, home: Term) -> Vec<Term> {
        let zero = pool.word(0);
        if self.zero >> reg & 1 != 0 {
            return vec![pool.eq(register, zero), pool.eq(home, zero)];
        }
        let mut all: Vec<Term> = self.held[reg].map(|held| pool.eq(register, held)).into_iter().collect();
        if self.at_home >> reg & 1 != 0 {
            all.push(pool.eq(register, home));
        }
        all
    }

    /// A register, and its home, of which nothing else is known than that this holds.
    pub fn register(&self, pool: &mut Pool, reg: usize, unknown: Term) -> [Term; 2] {
        if self.zero >> reg & 1 != 0 {
            return [pool.word(0); 2];
        }
        let register = self.held[reg].unwrap_or(unknown);
        let stale = pool.var(format!("stale r{reg}"), 32);
        [register, if self.at_home >> reg & 1 != 0 { register } else { stale }]
    }
}
