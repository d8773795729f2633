//! Terms in SMT-LIB.

use crate::term::{Binary, Node, Pool, TRUTH, Term, Width, mask};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

/// Stand for what the operators make: that is hardly ever of interest, only that the same is made twice.
pub const PRODUCT: &str = "product";
pub const QUOTIENT: &str = "quotient";

/// A name as a symbol.
pub fn symbol(name: &str) -> String {
    format!("|{name}|")
}

fn sort(width: Width) -> String {
    if width == TRUTH { "Bool".to_owned() } else { format!("(_ BitVec {width})") }
}

/// Some terms that are to hold together.
pub struct Text<'a> {
    pool: &'a Pool,
    terms: Vec<Term>,
    meanings: &'a [Term],
    /// What they are made of, by how deep it is.
    levels: Vec<Vec<Term>>,
}

impl<'a> Text<'a> {
    /// Terms, with the products and quotients that are what their operators make.
    pub fn new(pool: &'a Pool, terms: &[Term], meanings: &'a [Term]) -> Text<'a> {
        let mut depths: HashMap<Term, usize> = HashMap::new();
        let mut levels: Vec<Vec<Term>> = Vec::new();
        let mut stack: Vec<(Term, bool)> = terms.iter().map(|&term| (term, false)).collect();
        while let Some((term, ready)) = stack.pop() {
            if depths.contains_key(&term) {
                continue;
            }
            let children = pool.children(term);
            if !ready {
                stack.push((term, true));
                stack.extend(children.into_iter().map(|child| (child, false)));
                continue;
            }
            let depth = children.iter().map(|child| depths[child] + 1).max().unwrap_or(0);
            depths.insert(term, depth);
            if levels.len() <= depth {
                levels.resize(depth + 1, Vec::new());
            }
            levels[depth].push(term);
        }
        Text { pool, terms: terms.to_vec(), meanings, levels }
    }

    /// Declarations of what was not declared before.
    pub fn declarations(&self, declared: &mut HashSet<String>) -> Vec<String> {
        let mut found = Vec::new();
        for &term in self.levels.iter().flatten() {
            let (name, arguments, width) = match self.pool.node(term) {
                Node::Var(name, width) => (symbol(name), Vec::new(), *width),
                Node::App(function, arguments) => {
                    let sorts = arguments.iter().map(|&argument| sort(self.pool.width(argument))).collect();
                    (symbol(&format!("{}@{}", function.name, function.moment)), sorts, function.width)
                }
                _ => continue,
            };
            if declared.insert(name.clone()) {
                found.push(format!("(declare-fun {name} ({}) {})", arguments.join(" "), sort(width)));
            }
        }
        found
    }

    /// The assertion that all hold.
    pub fn assertion(&self) -> String {
        format!("(assert {})", self.closed())
    }

    /// That all hold, as one term.
    pub fn closed(&self) -> String {
        let mut text = String::new();
        let mut open = 0;
        for level in &self.levels {
            let bound: Vec<&Term> = level.iter().filter(|&&term| !self.is_leaf(term)).collect();
            if bound.is_empty() {
                continue;
            }
            text.push_str("(let (");
            for &&term in &bound {
                write!(text, "(t{} {})", term.0, self.body(term)).expect("text grows");
            }
            text.push_str(")\n");
            open += 1;
        }
        text.push_str("(and true");
        for &term in &self.terms {
            write!(text, " {}", self.name(term)).expect("text grows");
        }
        // Which factor is which depends on when a term was made.
        for &term in self.levels.iter().flatten() {
            if let Node::Binary(Binary::Mul, x, y) = *self.pool.node(term) {
                let [term, x, y] = [term, x, y].map(|term| self.name(term));
                write!(text, " (= {term} ({PRODUCT} {y} {x}))").expect("text grows");
            }
        }
        for &term in self.meanings {
            if let Node::Binary(operation, x, y) = *self.pool.node(term) {
                let operator = if operation == Binary::Mul { "bvmul" } else { "bvudiv" };
                let [term, x, y] = [term, x, y].map(|term| self.name(term));
                write!(text, " (= {term} ({operator} {x} {y}))").expect("text grows");
            }
        }
        text.push(')');
        text.extend(std::iter::repeat_n(')', open));
        text
    }

    fn is_leaf(&self, term: Term) -> bool {
        matches!(self.pool.node(term), Node::Truth(_) | Node::Const(..) | Node::Var(..))
    }

    fn name(&self, term: Term) -> String {
        match self.pool.node(term) {
            Node::Truth(value) => value.to_string(),
            Node::Const(width, value) => format!("(_ bv{value} {width})"),
            Node::Var(name, _) => symbol(name),
            _ => format!("t{}", term.0),
        }
    }

    fn body(&self, term: Term) -> String {
        let apply = |operator: &str, terms: &[Term]| {
            let names: Vec<String> = terms.iter().map(|&term| self.name(term)).collect();
            format!("({operator} {})", names.join(" "))
        };
        match self.pool.node(term) {
            Node::Truth(_) | Node::Const(..) | Node::Var(..) => self.name(term),
            Node::App(function, arguments) => {
                apply(&symbol(&format!("{}@{}", function.name, function.moment)), arguments)
            }
            Node::Sum(width, parts, constant) => {
                let mut text = format!("(bvadd (_ bv{constant} {width})");
                for &(part, factor) in parts {
                    let part = self.name(part);
                    match factor {
                        1 => write!(text, " {part}"),
                        ones if ones == mask(*width, u64::MAX) => write!(text, " (bvneg {part})"),
                        _ => write!(text, " (bvmul (_ bv{factor} {width}) {part})"),
                    }
                    .expect("text grows");
                }
                text + ")"
            }
            Node::Binary(operation, x, y) => {
                let name = match operation {
                    Binary::Mul => PRODUCT,
                    Binary::Div => QUOTIENT,
                    Binary::And => "bvand",
                    Binary::Or => "bvor",
                    Binary::Shl => "bvshl",
                    Binary::Lshr => "bvlshr",
                };
                apply(name, &[*x, *y])
            }
            Node::Wide(width, x) => apply(&format!("(_ zero_extend {})", width - self.pool.width(*x)), &[*x]),
            Node::Low(width, x) => apply(&format!("(_ extract {} 0)", width - 1), &[*x]),
            Node::Ite(c, x, y) => apply("ite", &[*c, *x, *y]),
            Node::Eq(x, y) => apply("=", &[*x, *y]),
            Node::Less(x, y) => apply("bvult", &[*x, *y]),
            Node::Not(x) => apply("not", &[*x]),
            Node::All(terms) => apply("and", terms),
            Node::Any(terms) => apply("or", terms),
        }
    }
}
