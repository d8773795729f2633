//! What the operators make of the words behind a head: a tree of straight lines, each executed once.

use crate::events::Events;
use crate::layout::Layout;
use crate::machine::Machine;
use crate::operators::Operator;
use crate::term::{Pool, Term};
use rum_jit::contract::Code;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A boundary between two instructions.
#[derive(Clone, Debug)]
pub struct Boundary {
    pub machine: Machine,
    /// What has to hold for control to come here.
    pub ways: Vec<Term>,
    /// The words executed since the head, each with what has to hold for compiled code to execute it.
    pub executed: Vec<(u32, Term)>,
}

/// The boundaries of a tree.
#[derive(Default)]
pub struct Tree {
    /// Before a word.
    pub before: BTreeMap<u32, Boundary>,
    /// Behind the last word of a straight line.
    pub behind: BTreeMap<u32, Boundary>,
    /// What words of segments instructions access.
    pub accesses: HashMap<u32, [Term; 2]>,
}

/// Executes the words of a unit.
pub struct Guest<'a, 'b> {
    pub layout: &'a Layout<'b>,
    pub blocks: &'a BTreeMap<u32, Vec<Code>>,
    pub edges: &'a HashMap<u32, Vec<u32>>,
    pub joins: &'a HashSet<u32>,
}

impl Guest<'_, '_> {
    /// Executes from the straight line at `root` on, up to where ways come together.
    pub fn tree(&self, pool: &mut Pool, events: &Events, root: u32, machine: Machine) -> Tree {
        let mut tree = Tree::default();
        let mut waiting = vec![(root, Boundary { machine, ways: Vec::new(), executed: Vec::new() })];
        while let Some((start, mut at)) = waiting.pop() {
            let codes = &self.blocks[&start];
            tree.before.insert(start, at.clone());
            for (pc, &code) in (start..).zip(codes) {
                tree.before.insert(pc, at.clone());
                let reached: Vec<Term> =
                    at.ways.iter().copied().chain(at.executed.iter().map(|&(_, quiet)| quiet)).collect();
                let mut step = Operator { pool, layout: self.layout, events, pc, reached: &reached };
                let step = step.execute(code, &at.machine);
                at.machine = step.after;
                at.executed.push((pc, step.quiet));
                tree.accesses.extend(step.access.map(|access| (pc, access)));
            }
            let end = start + codes.len() as u32;
            for &next in self.edges.get(&start).into_iter().flatten() {
                if self.joins.contains(&next) || tree.before.contains_key(&next) {
                    continue;
                }
                let mut side = at.clone();
                let target = pool.word(next);
                let taken = pool.eq(side.machine.pc, target);
                if taken != pool.truth(true) {
                    side.ways.push(taken);
                }
                side.machine.pc = target;
                waiting.push((next, side));
            }
            if !codes.is_empty() {
                tree.behind.insert(end - 1, at);
            }
        }
        tree
    }

    /// The word at a pc, if it stays what it is.
    pub fn code(&self, pc: u32) -> Option<u32> {
        let (start, codes) = self.blocks.range(..=pc).next_back()?;
        match codes.get((pc - start) as usize)? {
            Code::Fixed(word) => Some(*word),
            _ => None,
        }
    }

    /// Executes the words from one boundary to a later one again, with the memory of the later one: where that comes to.
    pub fn again(
        &self,
        pool: &mut Pool,
        events: &Events,
        from: &Boundary,
        to: &Boundary,
    ) -> Option<(Machine, Vec<Term>)> {
        let words = to.executed.strip_prefix(&from.executed[..])?;
        let mut machine = Machine { memory: to.machine.memory.clone(), ..from.machine.clone() };
        let mut conditions = Vec::new();
        for &(pc, _) in words {
            // What a call gives, it gives once.
            if events.contains(pc) {
                return None;
            }
            let (start, codes) = self.blocks.range(..=pc).next_back()?;
            let here = pool.word(pc);
            conditions.push(pool.eq(machine.pc, here));
            let code = codes[(pc - start) as usize];
            // Nobody has been here: nothing is taken for granted.
            let reached = [pool.truth(false)];
            let step = Operator { pool, layout: self.layout, events, pc, reached: &reached }.execute(code, &machine);
            machine = step.after;
            conditions.push(step.quiet);
        }
        Some((machine, conditions))
    }
}
