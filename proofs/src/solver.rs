//! Asks z3 whether something follows, in SMT-LIB over a pipe.

use crate::layout::Layout;
use crate::term::{Binary, Node, Pool, TRUTH, Term};
use crate::text::{PRODUCT, QUOTIENT, Text, symbol};
use anyhow::{Context as _, bail};
use easy_smt::{Context, ContextBuilder};
use std::collections::HashSet;
use std::io::{self, Write};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// What has to hold, in parts with names.
pub type Goal = Vec<(String, Term)>;

/// What a solver says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It follows.
    Proved,
    /// It does not: which parts fail, and for what values of what is not known.
    Refuted {
        /// The parts that fail.
        failed: Vec<String>,
        /// What is not known, and its value.
        values: Vec<(String, u64)>,
    },
    /// It did not find out in time.
    Unknown,
    /// It was not asked: a function does something that is not known here.
    Lost(String),
}

/// A solver with the terms that it was told of.
pub struct Solver {
    context: Context,
    /// The names that it knows.
    declared: HashSet<String>,
    /// Questions asked, and how long it took to answer them.
    pub questions: u64,
    pub time: Duration,
}

/// The program.
const PROGRAM: &str = "z3";

/// Whether there is a solver here. If not, says past the test harness's capture what is not proved: `scripts/test` counts these lines.
pub fn is_there_for(what: &str) -> bool {
    static IS_THERE: OnceLock<bool> = OnceLock::new();
    let asked = || Command::new(PROGRAM).arg("-version").output().is_ok_and(|output| output.status.success());
    let is_there = *IS_THERE.get_or_init(asked);
    if !is_there {
        // Where standard error is closed there is nobody to tell.
        let _ = io::stderr().write_all(format!("SKIPPED for want of {PROGRAM}: {what}\n").as_bytes());
    }
    is_there
}

impl Solver {
    /// Starts a solver.
    ///
    /// # Errors
    /// There is none.
    pub fn start() -> anyhow::Result<Solver> {
        let mut context = ContextBuilder::new()
            .solver(PROGRAM)
            .solver_args(["-smt2", "-in"])
            .build()
            .with_context(|| format!("{PROGRAM} cannot be started (apt-get install z3)"))?;
        context.set_option(":global-declarations", context.true_())?;
        context.set_logic("QF_UFBV")?;
        // What products and quotients are is hardly ever of interest, only that the same ones are made.
        for name in [PRODUCT, QUOTIENT] {
            let word = context.bit_vec_sort(context.numeral(32u64));
            context.declare_fun(name, vec![word, word], word)?;
        }
        Ok(Solver { context, declared: HashSet::new(), questions: 0, time: Duration::ZERO })
    }

    /// From now on it gives up after so many milliseconds.
    ///
    /// # Errors
    /// It does not understand, or is gone.
    pub fn set_patience(&mut self, question_ms: u64) -> anyhow::Result<()> {
        Ok(self.context.set_option(":timeout", self.context.numeral(question_ms))?)
    }

    /// Whether `goal` follows from `facts` and what is taken for granted about memory.
    ///
    /// # Errors
    /// The solver does not understand, or is gone.
    pub fn follows(&mut self, pool: &mut Pool, layout: &Layout, facts: &[Term], goal: &Goal) -> anyhow::Result<Answer> {
        let given: HashSet<Term> = facts.iter().flat_map(|&fact| conjuncts(pool, fact)).collect();
        let parts = goal;
        let goal = pool.all(goal.iter().map(|&(_, part)| part));
        let open = conjuncts(pool, goal).into_iter().filter(|part| !given.contains(part));
        let goal = pool.all(open);
        if goal == pool.truth(true) || given.contains(&pool.truth(false)) {
            return Ok(Answer::Proved);
        }
        let start = Instant::now();
        let not = pool.not(goal);
        let mut facts: Vec<Term> = facts.iter().copied().chain([not]).collect();
        facts.extend(axioms(pool, layout, &facts));
        self.context.push()?;
        let mut answer = self.ask(pool, parts, &facts, &[])?;
        let meanings = meanings(pool, &facts);
        if answer != Answer::Proved && !meanings.is_empty() {
            answer = self.ask(pool, parts, &facts, &meanings)?;
        }
        self.context.pop()?;
        self.questions += 1;
        self.time += start.elapsed();
        Ok(answer)
    }

    fn command(&mut self, text: String) -> anyhow::Result<()> {
        self.context.raw_send(self.context.atom(text))?;
        self.acknowledged()
    }

    /// Whether facts cannot be; products and quotients are what their operators make, as far as they are in `meanings`.
    fn ask(&mut self, pool: &Pool, parts: &Goal, facts: &[Term], meanings: &[Term]) -> anyhow::Result<Answer> {
        // What may be asked for has to have a name.
        let named = parts.iter().map(|&(_, part)| part).filter(|&part| pool.width(part) == TRUTH);
        let asked: Vec<(String, Term)> = parts.iter().map(|(name, _)| name.clone()).zip(named).collect();
        let text = Text::new(pool, facts, meanings);
        for declaration in text.declarations(&mut self.declared) {
            self.command(declaration)?;
        }
        self.command(text.assertion())?;
        self.context.raw_send(self.context.atom("(check-sat)"))?;
        let response = self.context.raw_recv()?;
        match self.context.display(response).to_string().as_str() {
            "unsat" => Ok(Answer::Proved),
            "sat" => self.model(pool, &asked, facts),
            "unknown" => Ok(Answer::Unknown),
            other => bail!("{PROGRAM} says {other}"),
        }
    }

    fn acknowledged(&mut self) -> anyhow::Result<()> {
        let response = self.context.raw_recv()?;
        match self.context.display(response).to_string().as_str() {
            "success" => Ok(()),
            other => bail!("{PROGRAM} says {other}"),
        }
    }

    /// What the last model says: which parts of a goal fail, and the values of variables.
    fn model(&mut self, pool: &Pool, parts: &[(String, Term)], facts: &[Term]) -> anyhow::Result<Answer> {
        let variables = variables(pool, facts);
        let mut failed = Vec::new();
        for (name, part) in parts {
            let text = Text::new(pool, &[*part], &[]);
            let value = match *pool.node(*part) {
                Node::Truth(value) => value.to_string(),
                _ => self.value(text.closed())?,
            };
            if value == "false" {
                failed.push(name.clone());
            }
        }
        let mut values = Vec::new();
        for (name, _) in variables {
            let digits = self.value(symbol(&name))?;
            if let Some(digits) = digits.strip_prefix("#x") {
                values.push((name, u64::from_str_radix(digits, 16)?));
            }
        }
        Ok(Answer::Refuted { failed, values })
    }

    fn value(&mut self, term: String) -> anyhow::Result<String> {
        self.context.raw_send(self.context.atom(format!("(get-value ({term}))")))?;
        let response = self.context.raw_recv()?;
        let text = self.context.display(response).to_string();
        Ok(text.trim_end_matches(')').rsplit(' ').next().unwrap_or_default().to_owned())
    }
}

/// The variables of some terms, by their names.
fn variables(pool: &Pool, terms: &[Term]) -> Vec<(String, Term)> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut stack = terms.to_vec();
    while let Some(term) = stack.pop() {
        if seen.insert(term) {
            if let Node::Var(name, _) = pool.node(term) {
                found.push((name.clone(), term));
            }
            stack.extend(pool.children(term));
        }
    }
    found.sort();
    found
}

/// The products and quotients among what terms are made of.
fn meanings(pool: &Pool, terms: &[Term]) -> Vec<Term> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut stack = terms.to_vec();
    while let Some(term) = stack.pop() {
        if seen.insert(term) {
            if matches!(pool.node(term), Node::Binary(Binary::Mul | Binary::Div, ..)) {
                found.push(term);
            }
            stack.extend(pool.children(term));
        }
    }
    found
}

/// What must hold each for all to hold.
fn conjuncts(pool: &Pool, term: Term) -> Vec<Term> {
    match pool.node(term) {
        Node::All(parts) => parts.clone(),
        _ => vec![term],
    }
}

/// What is taken for granted about everything that occurs in some terms.
fn axioms(pool: &mut Pool, layout: &Layout, terms: &[Term]) -> Vec<Term> {
    let mut found = Vec::new();
    let mut seen: HashSet<Term> = HashSet::new();
    let mut stack = terms.to_vec();
    while let Some(term) = stack.pop() {
        if !seen.insert(term) {
            continue;
        }
        if matches!(pool.node(term), Node::App(..) | Node::Var(..)) {
            layout.explain(pool, term);
        }
        let axioms = pool.axioms(term).to_vec();
        stack.extend(&axioms);
        found.extend(axioms);
        let joint = pool.joint_axioms(term).iter().filter(|(other, _)| seen.contains(other)).map(|&(_, fact)| fact);
        let before = found.len();
        found.extend(joint);
        stack.extend(&found[before..]);
        stack.extend(pool.children(term));
    }
    found.sort_unstable();
    found.dedup();
    found
}
