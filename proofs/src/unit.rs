//! Proves a unit: every stretch of its function, from each head, and from where it is entered.

use crate::claim::{Claim, Claims};
use crate::guest::{Boundary, Guest, Tree};
use crate::heads::At;
use crate::layout::Layout;
use crate::machine::Machine;
use crate::run::{Run, Trace};
use crate::solver::{Answer, Goal, Solver};
use crate::term::{Pool, Term};
use anyhow::{Context, ensure};
use cranelift_codegen::ir;
use rum_jit::contract::{Code, Contract, slots::SELECTOR_BITS};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

/// Something that was not proved.
#[derive(Clone, Debug)]
pub struct Open {
    /// The word that it is about.
    pub word: u32,
    /// What it is.
    pub what: String,
    /// What the solver says.
    pub answer: Answer,
}

/// What was proved of a unit.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// Straight lines, by their starts: words, and how long the proof of what begins there took.
    pub blocks: BTreeMap<u32, usize>,
    /// What was proved.
    pub claims: usize,
    /// What was not.
    pub open: Vec<Open>,
    /// How long each stretch took.
    pub times: Vec<Duration>,
}

impl Proof {
    /// Whether all was proved.
    pub fn is_whole(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether something is wrong: a part that took too long, or that was not asked, may be right.
    pub fn is_refuted(&self) -> bool {
        self.open.iter().any(|open| matches!(open.answer, Answer::Refuted { .. }))
    }

    /// The straight lines of which something was not proved.
    pub fn open_blocks(&self) -> HashSet<u32> {
        let start = |word: u32| self.blocks.range(..=word).next_back().map(|(&start, _)| start);
        self.open.iter().filter_map(|open| start(open.word)).collect()
    }
}

/// How long a proof may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Milliseconds for a question to the solver.
    pub question_ms: u64,
    /// After this nothing is asked any more: what is left is not proved.
    pub until: Option<Instant>,
}

/// A question that has parts gets so many times less of it before the parts are asked.
const PARTS_SOONER: u64 = 4;

impl Patience {
    /// So many milliseconds for a question, and as many questions as there are.
    pub fn of(question_ms: u64) -> Patience {
        Patience { question_ms, until: None }
    }

    /// Whether there is no time left.
    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }
}

/// A unit under proof.
struct Prover<'a> {
    contract: &'a Contract,
    function: ir::Function,
    blocks: BTreeMap<u32, Vec<Code>>,
    codes: HashMap<u32, Code>,
    edges: HashMap<u32, Vec<u32>>,
    joins: HashSet<u32>,
    solver: Solver,
    patience: Patience,
    /// What was proved, and from which facts.
    known: HashMap<Term, Vec<Vec<Term>>>,
    proof: Proof,
}

/// As [`prove`], of a contract as JSON: for tests within the crate that makes contracts.
///
/// # Errors
/// As [`prove`], or the text is no contract.
pub fn prove_json(contract: &str, clif: &str, timeout_ms: u64) -> anyhow::Result<Proof> {
    prove(&serde_json::from_str(contract)?, clif, Patience::of(timeout_ms))
}

/// Proves that the function of a unit, as text, does what its contract says.
///
/// # Errors
/// There is no solver, or the function cannot be read.
pub fn prove(contract: &Contract, clif: &str, patience: Patience) -> anyhow::Result<Proof> {
    ensure!(!contract.observed, "code that looks for what is watched, or counts for a profile, is not covered");
    let mut functions = cranelift_reader::parse_functions(clif).context("the function cannot be read")?;
    ensure!(functions.len() == 1, "one function");
    let blocks: BTreeMap<u32, Vec<Code>> = contract.blocks.iter().cloned().collect();
    let codes = contract.blocks.iter().flat_map(|(start, codes)| (*start..).zip(codes.iter().copied())).collect();
    let mut edges: HashMap<u32, Vec<u32>> = HashMap::new();
    for &(from, to) in &contract.edges {
        edges.entry(from).or_default().push(to);
    }
    let mut prover = Prover {
        contract,
        function: functions.remove(0),
        proof: Proof {
            blocks: blocks.iter().map(|(&start, codes)| (start, codes.len())).collect(),
            ..Proof::default()
        },
        blocks,
        codes,
        edges,
        joins: contract.joins.iter().copied().collect(),
        solver: Solver::start()?,
        patience,
        known: HashMap::new(),
    };
    prover.all()?;
    Ok(prover.proof)
}

impl Prover<'_> {
    fn all(&mut self) -> anyhow::Result<()> {
        let entry = self.function.layout.entry_block().context("a function without blocks")?;
        let mut pool = Pool::default();
        self.stretch(&mut pool, entry, None);
        for head in &self.contract.heads {
            self.stretch(&mut pool, ir::Block::from_u32(head.block), Some(head.pc));
        }
        Ok(())
    }

    /// Proves the stretch from a block on.
    fn stretch(&mut self, pool: &mut Pool, block: ir::Block, pc: Option<u32>) {
        let start = Instant::now();
        let contract = self.contract;
        let layout = Layout::new(contract);
        let result = self.claims(pool, &layout, block, pc);
        let result = result.and_then(|claims| claims.iter().try_for_each(|claim| self.check(pool, &layout, claim)));
        if let Err(error) = result {
            let word = pc.unwrap_or(contract.entries[0]);
            let answer = Answer::Lost(format!("{error:#}"));
            self.proof.open.push(Open { word, what: format!("the stretch from {block} on"), answer });
        }
        self.proof.times.push(start.elapsed());
    }

    /// What is to be proved of a stretch.
    fn claims(
        &self,
        pool: &mut Pool,
        layout: &Layout,
        block: ir::Block,
        pc: Option<u32>,
    ) -> anyhow::Result<Vec<Claim>> {
        let heads = At::of(self.contract);
        let blocks = heads.blocks();
        let mut run = Run::new(pool, layout, &self.function, &blocks, &self.codes);
        let mut homes = Machine::at(run.pool, 0);
        let mut guest = homes.clone();
        let facts = match pc {
            None => self.entered(&mut run, guest.pc, block)?,
            Some(pc) => {
                let params = run.params(block);
                let arguments = params.iter().map(|&param| run.value(param)).collect::<anyhow::Result<Vec<_>>>()?;
                let relation = heads.relation(&mut run, block, &arguments, &homes)?;
                for reg in 0..8 {
                    let unknown = guest.registers[reg];
                    [guest.registers[reg], homes.registers[reg]] = relation.register(run.pool, reg, unknown);
                }
                guest.pc = run.pool.word(pc);
                homes.pc = run.pool.var("stale pc", 32);
                relation.facts
            }
        };
        run.execute(block, homes.clone(), facts.clone())?;
        let begin = Boundary { machine: guest.clone(), ways: Vec::new(), executed: Vec::new() };
        let walk = Guest { layout, blocks: &self.blocks, edges: &self.edges, joins: &self.joins };
        let tree = match pc {
            Some(pc) => walk.tree(run.pool, &run.trace.events, pc, guest),
            None => Tree::default(),
        };
        // Once more, with the words that instructions access in the operators' terms: most of what follows is the same then.
        if pc.is_some() {
            run.trace = Trace::default();
            run.expected.clone_from(&tree.accesses);
            run.execute(block, homes, facts)?;
        }
        let root = pc.unwrap_or(self.contract.entries[0]);
        let found = Vec::new();
        let mut claims = Claims { layout, guest: &walk, root, tree: &tree, start: &begin, found };
        claims.collect(&mut run, &heads)?;
        Ok(claims.found)
    }

    /// A unit is entered with the selector of the block that the pc says, and every register at home.
    fn entered(&self, run: &mut Run, pc: Term, block: ir::Block) -> anyhow::Result<Vec<Term>> {
        let selector = run.params(block)[0];
        let selector = run.value(selector)?;
        let mut facts = Vec::new();
        for (index, &entry) in (0..).zip(&self.contract.entries) {
            let (number, entry) = (run.pool.word((self.contract.unit << SELECTOR_BITS) + index), run.pool.word(entry));
            let (chosen, there) = (run.pool.eq(selector, number), run.pool.eq(pc, entry));
            facts.push(if self.contract.entries.len() == 1 { there } else { run.pool.implies(chosen, there) });
        }
        Ok(facts)
    }

    /// Whether something was proved from facts that there are still.
    fn is_known(&self, part: Term, facts: &[Term]) -> bool {
        self.known.get(&part).is_some_and(|known| known.iter().any(|before| facts.starts_with(before)))
    }

    fn check(&mut self, pool: &mut Pool, layout: &Layout, claim: &Claim) -> anyhow::Result<()> {
        let mut first = None;
        for goal in &claim.goals {
            match self.settle(pool, layout, &claim.facts, goal)? {
                Answer::Proved => {
                    self.proof.claims += usize::from(!claim.is_help);
                    return Ok(());
                }
                // What one of them would take too long for may be true.
                Answer::Unknown => first = Some(Answer::Unknown),
                answer => first = first.or(Some(answer)),
            }
        }
        if claim.is_help {
            return Ok(());
        }
        let unknown = Answer::Refuted { failed: vec!["no such end is known".to_owned()], values: Vec::new() };
        let answer = first.unwrap_or(unknown);
        self.proof.open.push(Open { word: claim.word, what: claim.what.clone(), answer });
        Ok(())
    }

    /// Whether a goal follows: asked all at once, and where that takes long, part by part.
    fn settle(&mut self, pool: &mut Pool, layout: &Layout, facts: &[Term], goal: &Goal) -> anyhow::Result<Answer> {
        if self.patience.is_over() {
            return Ok(Answer::Unknown);
        }
        let mut open = goal.clone();
        open.retain(|(_, part)| !self.is_known(*part, facts));
        let whole = self.patience.question_ms;
        self.solver.set_patience(if open.len() < 2 { whole } else { whole / PARTS_SOONER })?;
        let answer = self.ask(pool, layout, facts, &open)?;
        if answer != Answer::Unknown || open.len() < 2 {
            return Ok(answer);
        }
        self.solver.set_patience(whole)?;
        let mut all = Answer::Proved;
        for part in open {
            match self.ask(pool, layout, facts, &vec![part])? {
                Answer::Proved => {}
                Answer::Unknown => all = Answer::Unknown,
                refuted => return Ok(refuted),
            }
        }
        Ok(all)
    }

    /// Whether all parts follow, or what they follow from; if so, that is remembered.
    fn ask(&mut self, pool: &mut Pool, layout: &Layout, facts: &[Term], parts: &Goal) -> anyhow::Result<Answer> {
        let easier: Goal = parts.iter().flat_map(|(name, part)| easier(pool, name, *part)).collect();
        let mut answer = self.solver.follows(pool, layout, facts, &easier)?;
        let is_worth = matches!(answer, Answer::Refuted { .. }) || answer == Answer::Unknown && parts.len() == 1;
        if is_worth && easier != *parts {
            answer = self.solver.follows(pool, layout, facts, parts)?;
        }
        if answer == Answer::Proved {
            for &(_, part) in parts {
                self.known.entry(part).or_default().push(facts.to_vec());
            }
        }
        Ok(answer)
    }
}

/// What a part of a goal follows from.
fn easier(pool: &Pool, name: &str, part: Term) -> Goal {
    let parts = pool.sufficient(part).unwrap_or(std::slice::from_ref(&part));
    parts.iter().map(|&part| (name.to_owned(), part)).collect()
}
