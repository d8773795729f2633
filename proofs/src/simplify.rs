//! How terms are made: each function gives a term equal to what its name says, in one form. A test asks the solver about each rule.

use crate::term::{Binary, Node, Pool, TRUTH, Term, Width, mask};
use std::collections::BTreeMap;

impl Pool {
    /// A constant.
    pub fn constant(&mut self, width: Width, value: u64) -> Term {
        self.intern(Node::Const(width, mask(width, value)))
    }

    /// A constant of 32 bits.
    pub fn word(&mut self, value: u32) -> Term {
        self.constant(32, u64::from(value))
    }

    /// A truth value.
    pub fn truth(&mut self, value: bool) -> Term {
        self.intern(Node::Truth(value))
    }

    fn parts(&self, term: Term) -> (Vec<(Term, u64)>, u64) {
        match self.node(term) {
            Node::Const(_, value) => (Vec::new(), *value),
            Node::Sum(_, parts, constant) => (parts.clone(), *constant),
            _ => (vec![(term, 1)], 0),
        }
    }

    /// A sum of multiples of terms, and a constant.
    pub fn sum(&mut self, width: Width, terms: &[(Term, u64)], constant: u64) -> Term {
        let mut all: BTreeMap<Term, u64> = BTreeMap::new();
        let mut total = constant;
        for &(term, factor) in terms {
            let (parts, constant) = self.parts(term);
            total = total.wrapping_add(constant.wrapping_mul(factor));
            for (part, times) in parts {
                let count = all.entry(part).or_default();
                *count = mask(width, count.wrapping_add(times.wrapping_mul(factor)));
            }
        }
        all.retain(|_, factor| *factor != 0);
        let total = mask(width, total);
        match (all.len(), total) {
            (0, _) => self.constant(width, total),
            (1, 0) if all.values().next() == Some(&1) => *all.keys().next().expect("one"),
            _ => self.intern(Node::Sum(width, all.into_iter().collect(), total)),
        }
    }

    /// `x + y`.
    pub fn add(&mut self, x: Term, y: Term) -> Term {
        let width = self.width(x);
        self.sum(width, &[(x, 1), (y, 1)], 0)
    }

    /// `x + n`.
    pub fn plus(&mut self, x: Term, n: u64) -> Term {
        let width = self.width(x);
        self.sum(width, &[(x, 1)], n)
    }

    /// `x - y`.
    pub fn sub(&mut self, x: Term, y: Term) -> Term {
        let width = self.width(x);
        self.sum(width, &[(x, 1), (y, u64::MAX)], 0)
    }

    /// All bits the other way: `-x - 1`.
    pub fn complement(&mut self, x: Term) -> Term {
        let width = self.width(x);
        self.sum(width, &[(x, u64::MAX)], u64::MAX)
    }

    /// `x * y`.
    pub fn mul(&mut self, x: Term, y: Term) -> Term {
        let width = self.width(x);
        match (self.value(x), self.value(y)) {
            (_, Some(n)) => self.sum(width, &[(x, n)], 0),
            (Some(n), _) => self.sum(width, &[(y, n)], 0),
            _ => self.intern(Node::Binary(Binary::Mul, x.min(y), x.max(y))),
        }
    }

    /// `x / y`, unsigned; all ones if `y` is 0.
    pub fn div(&mut self, x: Term, y: Term) -> Term {
        let width = self.width(x);
        match (self.value(x), self.value(y)) {
            (Some(x), Some(y)) if y != 0 => self.constant(width, x / y),
            (_, Some(y)) if y.is_power_of_two() => {
                let bits = self.constant(width, u64::from(y.trailing_zeros()));
                self.shift_right(x, bits)
            }
            _ => self.intern(Node::Binary(Binary::Div, x, y)),
        }
    }

    /// Bits of both.
    pub fn and(&mut self, x: Term, y: Term) -> Term {
        let width = self.width(x);
        let ones = mask(width, u64::MAX);
        match (self.value(x), self.value(y)) {
            (Some(x), Some(y)) => self.constant(width, x & y),
            (Some(0), _) | (_, Some(0)) => self.constant(width, 0),
            (Some(n), _) if n == ones => y,
            (_, Some(n)) if n == ones => x,
            _ if x == y => x,
            _ => self.intern(Node::Binary(Binary::And, x.min(y), x.max(y))),
        }
    }

    /// Bits of either.
    pub fn or(&mut self, x: Term, y: Term) -> Term {
        let width = self.width(x);
        match (self.value(x), self.value(y)) {
            (Some(x), Some(y)) => self.constant(width, x | y),
            (Some(0), _) => y,
            (_, Some(0)) => x,
            _ if x == y => x,
            _ => self.intern(Node::Binary(Binary::Or, x.min(y), x.max(y))),
        }
    }

    /// `x` shifted left by a constant number of bits, which is less than its width.
    pub fn shift_left(&mut self, x: Term, bits: Term) -> Term {
        let width = self.width(x);
        match self.value(bits) {
            Some(bits) if bits < u64::from(width) => self.sum(width, &[(x, 1 << bits)], 0),
            _ => self.intern(Node::Binary(Binary::Shl, x, bits)),
        }
    }

    /// `x` shifted right.
    pub fn shift_right(&mut self, x: Term, bits: Term) -> Term {
        let width = self.width(x);
        let (whole, all) = match (self.value(bits), self.node(x)) {
            (Some(0), _) => return x,
            (Some(more), &Node::Binary(Binary::Lshr, whole, before)) if self.value(before).is_some() => {
                (whole, self.value(before).map(|before| before + more))
            }
            (bits, _) => (x, bits),
        };
        match (self.value(whole), all) {
            (_, Some(all)) if all >= u64::from(width) => self.constant(width, 0),
            (Some(x), Some(all)) => self.constant(width, x >> all),
            (_, Some(all)) => {
                let bits = self.constant(width, all);
                self.intern(Node::Binary(Binary::Lshr, whole, bits))
            }
            _ => self.intern(Node::Binary(Binary::Lshr, x, bits)),
        }
    }

    /// `x` with zeros on top.
    pub fn wide(&mut self, width: Width, x: Term) -> Term {
        match *self.node(x) {
            _ if self.width(x) == width => x,
            Node::Const(_, value) => self.constant(width, value),
            Node::Wide(_, inner) => self.wide(width, inner),
            _ => self.intern(Node::Wide(width, x)),
        }
    }

    /// The lowest bits of `x`.
    pub fn low(&mut self, width: Width, x: Term) -> Term {
        if self.width(x) == width {
            return x;
        }
        match self.node(x).clone() {
            Node::Const(_, value) => self.constant(width, value),
            Node::Wide(_, inner) if self.width(inner) >= width => self.low(width, inner),
            Node::Wide(_, inner) => self.wide(width, inner),
            Node::Low(_, inner) => self.low(width, inner),
            Node::Sum(_, parts, constant) => {
                let parts: Vec<_> = parts.iter().map(|&(part, factor)| (self.low(width, part), factor)).collect();
                self.sum(width, &parts, constant)
            }
            Node::Ite(c, x, y) => {
                let (x, y) = (self.low(width, x), self.low(width, y));
                self.ite(c, x, y)
            }
            _ => self.intern(Node::Low(width, x)),
        }
    }

    /// `x` without the zeros on top that it is known to have, as far as that makes the other narrow, too.
    fn narrow_both(&mut self, x: Term, y: Term) -> Option<(Term, Term)> {
        let inner = |pool: &Pool, term: Term| match *pool.node(term) {
            Node::Wide(_, inner) => Some(inner),
            _ => None,
        };
        let width = match (inner(self, x), inner(self, y)) {
            (Some(x), Some(y)) => self.width(x).max(self.width(y)),
            (Some(x), None) if self.value(y).is_some() => self.width(x),
            (None, Some(y)) if self.value(x).is_some() => self.width(y),
            _ => return None,
        };
        let fits = |term: Term| self.value(term).is_none_or(|value| mask(width, value) == value);
        (fits(x) && fits(y)).then(|| (self.low(width, x), self.low(width, y)))
    }

    /// `x` where `c` holds, `y` elsewhere.
    pub fn ite(&mut self, c: Term, x: Term, y: Term) -> Term {
        match *self.node(c) {
            Node::Truth(true) => return x,
            Node::Truth(false) => return y,
            Node::Not(c) => return self.ite(c, y, x),
            _ => {}
        }
        let x = if let Node::Ite(d, inner, _) = *self.node(x)
            && d == c
        {
            inner
        } else {
            x
        };
        let y = if let Node::Ite(d, _, inner) = *self.node(y)
            && d == c
        {
            inner
        } else {
            y
        };
        if x == y {
            return x;
        }
        let width = self.width(x);
        if width == TRUTH {
            let otherwise = self.not(c);
            let (first, second) = (self.all([c, x]), self.all([otherwise, y]));
            return self.any([first, second]);
        }
        if let Some((x, y)) = self.narrow_both(x, y) {
            let narrow = self.ite(c, x, y);
            return self.wide(width, narrow);
        }
        self.intern(Node::Ite(c, x, y))
    }

    /// Whether two are the same.
    pub fn eq(&mut self, x: Term, y: Term) -> Term {
        if x == y {
            return self.truth(true);
        }
        if self.width(x) == TRUTH {
            return self.same_truth(x, y);
        }
        if let Some((x, y)) = self.narrow_both(x, y) {
            return self.eq(x, y);
        }
        for (one, other) in [(x, y), (y, x)] {
            if let Some(value) = self.value(one)
                && let Some(found) = self.eq_constant(other, value)
            {
                return found;
            }
        }
        let width = self.width(x);
        let difference = self.sub(x, y);
        let (parts, constant) = self.parts(difference);
        let minus = mask(width, u64::MAX);
        match parts[..] {
            [] => self.truth(constant == 0),
            [(one, factor), (other, times)]
                if constant == 0
                    && mask(width, factor.wrapping_add(times)) == 0
                    && (factor == 1 || factor == minus) =>
            {
                self.intern(Node::Eq(one, other))
            }
            [(one, 1)] => {
                let value = self.constant(width, constant.wrapping_neg());
                self.compared(one, value)
            }
            [(one, factor)] if factor == minus => {
                let value = self.constant(width, constant);
                self.compared(one, value)
            }
            [(_, factor), ..] => {
                let sign = if factor > minus / 2 { u64::MAX } else { 1 };
                let sum = self.sum(width, &[(difference, sign)], 0);
                let zero = self.constant(width, 0);
                self.intern(Node::Eq(sum, zero))
            }
        }
    }

    fn compared(&mut self, x: Term, constant: Term) -> Term {
        let value = self.value(constant).expect("a constant");
        match self.eq_constant(x, value) {
            Some(found) => found,
            None => self.intern(Node::Eq(x, constant)),
        }
    }

    fn same_truth(&mut self, x: Term, y: Term) -> Term {
        let (not_x, not_y) = (self.not(x), self.not(y));
        let (both, none) = (self.all([x, y]), self.all([not_x, not_y]));
        self.any([both, none])
    }

    /// Whether a term is a constant, where that is something simpler.
    fn eq_constant(&mut self, x: Term, value: u64) -> Option<Term> {
        match *self.node(x) {
            Node::Const(_, other) => Some(self.truth(value == other)),
            Node::Wide(_, inner) => Some(if mask(self.width(inner), value) == value {
                let constant = self.constant(self.width(inner), value);
                self.eq(inner, constant)
            } else {
                self.truth(false)
            }),
            Node::Ite(c, x, y) if self.value(x).is_some() || self.value(y).is_some() => {
                let constant = self.constant(self.width(x), value);
                let (x, y) = (self.eq(x, constant), self.eq(y, constant));
                Some(self.ite(c, x, y))
            }
            // `x / 0` is all ones here, and so not 0.
            Node::Binary(Binary::Div, x, y) if value == 0 => Some(self.less(x, y)),
            _ => None,
        }
    }

    /// Whether `x < y`, unsigned.
    pub fn less(&mut self, x: Term, y: Term) -> Term {
        if x == y {
            return self.truth(false);
        }
        if let Some((x, y)) = self.narrow_both(x, y) {
            return self.less(x, y);
        }
        match (self.value(x), self.value(y), self.node(x)) {
            (Some(x), Some(y), _) => self.truth(x < y),
            (_, Some(0), _) => self.truth(false),
            (_, Some(1), _) => {
                let zero = self.constant(self.width(x), 0);
                self.eq(x, zero)
            }
            (Some(0), ..) => {
                let zero = self.eq(y, x);
                self.not(zero)
            }
            (_, Some(bound), &Node::Wide(_, inner)) if mask(self.width(inner), bound) != bound => self.truth(true),
            _ => self.intern(Node::Less(x, y)),
        }
    }

    /// Whether `x <= y`, unsigned.
    pub fn at_most(&mut self, x: Term, y: Term) -> Term {
        let more = self.less(y, x);
        self.not(more)
    }

    /// Whether something does not hold.
    pub fn not(&mut self, x: Term) -> Term {
        match *self.node(x) {
            Node::Truth(value) => self.truth(!value),
            Node::Not(inner) => inner,
            _ => self.intern(Node::Not(x)),
        }
    }

    /// Whether all of these hold.
    pub fn all(&mut self, terms: impl IntoIterator<Item = Term>) -> Term {
        self.junction(terms, true)
    }

    /// Whether one of these holds.
    pub fn any(&mut self, terms: impl IntoIterator<Item = Term>) -> Term {
        self.junction(terms, false)
    }

    /// All of these, or one; `neutral` is the truth that makes no difference among them.
    fn junction(&mut self, terms: impl IntoIterator<Item = Term>, neutral: bool) -> Term {
        let mut flat = Vec::new();
        for term in terms {
            match (self.node(term), neutral) {
                (Node::Truth(value), _) if *value == neutral => {}
                (Node::All(inner), true) | (Node::Any(inner), false) => flat.extend_from_slice(inner),
                _ => flat.push(term),
            }
        }
        flat.sort_unstable();
        flat.dedup();
        let decides = |&term: &Term| match self.node(term) {
            Node::Truth(_) => true,
            Node::Not(inner) => flat.binary_search(inner).is_ok(),
            _ => false,
        };
        if flat.iter().any(decides) {
            return self.truth(!neutral);
        }
        match flat[..] {
            [] => self.truth(neutral),
            [one] => one,
            _ => self.intern(if neutral { Node::All(flat) } else { Node::Any(flat) }),
        }
    }

    /// Whether `y` holds wherever `x` does.
    pub fn implies(&mut self, x: Term, y: Term) -> Term {
        let not = self.not(x);
        self.any([not, y])
    }

    /// Whether a term is not 0.
    pub fn nonzero(&mut self, x: Term) -> Term {
        let zero = self.constant(self.width(x), 0);
        let is_zero = self.eq(x, zero);
        self.not(is_zero)
    }

    /// 1 or 0.
    pub fn flag(&mut self, width: Width, condition: Term) -> Term {
        let (one, zero) = (self.constant(width, 1), self.constant(width, 0));
        self.ite(condition, one, zero)
    }
}
