//! Terms over bit vectors, each made once: what both executors compute with, and the solver is asked about.
//!
//! A term is a number; [`Pool`] knows what it is. The functions that make terms (`simplify.rs`) bring sums, comparisons and choices
//! into one form, so that most of what is to be proved equal is the same term.

use std::collections::{HashMap, HashSet};

/// A term of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term(pub(crate) u32);

/// Bits of a term; 0 for truth values.
pub type Width = u8;

/// Width of truth values.
pub const TRUTH: Width = 0;

/// A function of which nothing is known but what axioms say: the memory of some kind at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Function {
    /// What it tells.
    pub name: &'static str,
    /// At which moment.
    pub moment: u32,
    /// Bits of its values.
    pub width: Width,
}

/// An operation on two bit vectors of the same width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    Mul,
    Div,
    And,
    Or,
    Shl,
    Lshr,
}

/// What a term is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    Truth(bool),
    Const(Width, u64),
    Var(String, Width),
    App(Function, Vec<Term>),
    /// A constant and multiples of terms, modulo 2^width. The terms are in order, the factors not 0.
    Sum(Width, Vec<(Term, u64)>, u64),
    Binary(Binary, Term, Term),
    /// With zeros on top.
    Wide(Width, Term),
    /// The lowest bits.
    Low(Width, Term),
    Ite(Term, Term, Term),
    Eq(Term, Term),
    /// Unsigned.
    Less(Term, Term),
    Not(Term),
    /// All of these, in order.
    All(Vec<Term>),
    /// One of these, in order.
    Any(Vec<Term>),
}

/// All terms of a proof, and the axioms about them.
#[derive(Default)]
pub struct Pool {
    nodes: Vec<(Node, Width)>,
    known: HashMap<Node, Term>,
    /// What holds wherever a term occurs.
    axioms: HashMap<Term, Vec<Term>>,
    /// What holds wherever it and another term occur, the other with the fact.
    joint_axioms: HashMap<Term, Vec<(Term, Term)>>,
    /// What something follows from that may be easier to prove.
    sufficient: HashMap<Term, Vec<Term>>,
    /// Terms of which was said what is known.
    explained: HashSet<Term>,
    fresh: u32,
}

impl Pool {
    /// What a term is.
    pub fn node(&self, term: Term) -> &Node {
        &self.nodes[term.0 as usize].0
    }

    /// Bits of a term.
    pub fn width(&self, term: Term) -> Width {
        self.nodes[term.0 as usize].1
    }

    pub(crate) fn intern(&mut self, node: Node) -> Term {
        if let Some(&known) = self.known.get(&node) {
            return known;
        }
        let width = match &node {
            Node::Truth(_) | Node::Eq(..) | Node::Less(..) | Node::Not(_) | Node::All(_) | Node::Any(_) => TRUTH,
            Node::Const(width, _) | Node::Var(_, width) | Node::Sum(width, ..) => *width,
            Node::Wide(width, _) | Node::Low(width, _) => *width,
            Node::App(function, _) => function.width,
            Node::Binary(_, x, _) | Node::Ite(_, x, _) => self.width(*x),
        };
        let term = Term(u32::try_from(self.nodes.len()).expect("fewer terms"));
        self.nodes.push((node.clone(), width));
        self.known.insert(node, term);
        term
    }

    /// A value of which nothing is known.
    pub fn var(&mut self, name: impl Into<String>, width: Width) -> Term {
        self.intern(Node::Var(name.into(), width))
    }

    /// The same, with a name that no other has.
    pub fn fresh(&mut self, name: &str, width: Width) -> Term {
        let number = self.fresh_number();
        self.var(format!("{name}!{number}"), width)
    }

    /// A number that was not given before.
    pub fn fresh_number(&mut self) -> u32 {
        self.fresh += 1;
        self.fresh
    }

    /// The value of a function.
    pub fn app(&mut self, function: Function, arguments: Vec<Term>) -> Term {
        self.intern(Node::App(function, arguments))
    }

    /// From now on `fact` holds wherever `about` occurs.
    pub fn assume(&mut self, about: Term, fact: Term) {
        let facts = self.axioms.entry(about).or_default();
        if !facts.contains(&fact) {
            facts.push(fact);
        }
    }

    /// From now on `fact` holds wherever both of two terms occur.
    pub fn assume_of_both(&mut self, one: Term, other: Term, fact: Term) {
        for (about, beside) in [(one, other), (other, one)] {
            let facts = self.joint_axioms.entry(about).or_default();
            if !facts.contains(&(beside, fact)) {
                facts.push((beside, fact));
            }
        }
    }

    /// What holds wherever a term and another one occur, the other with the fact.
    pub fn joint_axioms(&self, term: Term) -> &[(Term, Term)] {
        self.joint_axioms.get(&term).map_or(&[], Vec::as_slice)
    }

    /// Says that `term` follows where all of `parts` hold.
    pub fn suffice(&mut self, term: Term, parts: Vec<Term>) {
        self.sufficient.insert(term, parts);
    }

    /// What a term follows from that may be easier to prove.
    pub fn sufficient(&self, term: Term) -> Option<&[Term]> {
        self.sufficient.get(&term).map(Vec::as_slice)
    }

    /// Whether it is the first time that what is known of a term is to be said.
    pub fn is_first_explained(&mut self, term: Term) -> bool {
        self.explained.insert(term)
    }

    /// What holds wherever a term occurs.
    pub fn axioms(&self, term: Term) -> &[Term] {
        self.axioms.get(&term).map_or(&[], Vec::as_slice)
    }

    /// The terms that a term is made of.
    pub fn children(&self, term: Term) -> Vec<Term> {
        match self.node(term) {
            Node::Truth(_) | Node::Const(..) | Node::Var(..) => Vec::new(),
            Node::App(_, terms) | Node::All(terms) | Node::Any(terms) => terms.clone(),
            Node::Sum(_, parts, _) => parts.iter().map(|&(term, _)| term).collect(),
            Node::Binary(_, x, y) | Node::Eq(x, y) | Node::Less(x, y) => vec![*x, *y],
            Node::Wide(_, x) | Node::Low(_, x) | Node::Not(x) => vec![*x],
            Node::Ite(c, x, y) => vec![*c, *x, *y],
        }
    }

    /// The value of a constant.
    pub fn value(&self, term: Term) -> Option<u64> {
        match *self.node(term) {
            Node::Const(_, value) => Some(value),
            _ => None,
        }
    }
}

/// The lowest bits of a number.
pub fn mask(width: Width, value: u64) -> u64 {
    if width >= 64 { value } else { value & ((1 << width) - 1) }
}
