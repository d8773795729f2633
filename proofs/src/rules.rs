//! Each rule by which terms are made keeps what they mean: random terms have the values that they should have.

use crate::term::{Binary, Node, Pool, Term, Width, mask};
use std::collections::HashMap;

/// Numbers without order, the same every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) % below
    }

    /// Small ones, large ones, and those at the ends.
    fn value(&mut self, width: Width) -> u64 {
        let any = self.next(1 << 31) << 33 ^ self.next(1 << 31);
        mask(width, [0, 1, 2, 3, u64::MAX, 1 << (width - 1), any, any & 0xff][self.next(8) as usize])
    }
}

/// The value of a term.
fn value(pool: &Pool, term: Term, known: &HashMap<Term, u64>) -> u64 {
    let of = |term: Term| value(pool, term, known);
    let width = pool.width(term);
    let result = match pool.node(term) {
        Node::Truth(value) => u64::from(*value),
        Node::Const(_, value) => *value,
        Node::Var(..) | Node::App(..) => known[&term],
        Node::Sum(_, parts, constant) => {
            parts.iter().fold(*constant, |sum, &(part, factor)| sum.wrapping_add(of(part).wrapping_mul(factor)))
        }
        &Node::Binary(operation, x, y) => operate(operation, of(x), of(y), width),
        &Node::Wide(_, x) | &Node::Low(_, x) => of(x),
        &Node::Ite(c, x, y) => of(if of(c) != 0 { x } else { y }),
        &Node::Eq(x, y) => u64::from(of(x) == of(y)),
        &Node::Less(x, y) => u64::from(of(x) < of(y)),
        &Node::Not(x) => u64::from(of(x) == 0),
        Node::All(terms) => u64::from(terms.iter().all(|&term| of(term) != 0)),
        Node::Any(terms) => u64::from(terms.iter().any(|&term| of(term) != 0)),
    };
    if width == 0 { result } else { mask(width, result) }
}

fn operate(operation: Binary, x: u64, y: u64, width: Width) -> u64 {
    match operation {
        Binary::Mul => x.wrapping_mul(y),
        Binary::Div => x.checked_div(y).unwrap_or(u64::MAX),
        Binary::And => x & y,
        Binary::Or => x | y,
        Binary::Shl => {
            if y < u64::from(width) {
                x << y
            } else {
                0
            }
        }
        Binary::Lshr => {
            if y < u64::from(width) {
                x >> y
            } else {
                0
            }
        }
    }
}

/// Makes a term of others at random, and says what its value should be.
fn make(pool: &mut Pool, numbers: &mut Numbers, all: &[(Term, u64)]) -> (Term, u64) {
    let of_width = |numbers: &mut Numbers, width: Width, pool: &Pool| {
        let fitting: Vec<(Term, u64)> = all.iter().copied().filter(|&(term, _)| pool.width(term) == width).collect();
        fitting[numbers.next(fitting.len() as u64) as usize]
    };
    let width = [8, 32, 64][numbers.next(3) as usize];
    let [(x, a), (y, b)] = [(), ()].map(|()| of_width(numbers, width, pool));
    let [(c, p), (d, q)] = [(), ()].map(|()| of_width(numbers, 0, pool));
    let bits = numbers.next(u64::from(width));
    let shift = pool.constant(width, bits);
    match numbers.next(19) {
        0 => (pool.add(x, y), a.wrapping_add(b)),
        1 => (pool.sub(x, y), a.wrapping_sub(b)),
        2 => (pool.complement(x), !a),
        3 => (pool.mul(x, y), a.wrapping_mul(b)),
        4 => (pool.div(x, y), operate(Binary::Div, a, b, width)),
        5 => (pool.and(x, y), a & b),
        6 => (pool.or(x, y), a | b),
        7 => (pool.shift_left(x, shift), a << bits),
        8 => (pool.shift_right(x, shift), a >> bits),
        9 => (pool.wide(64, x), a),
        10 => (pool.low(8, x), mask(8, a)),
        11 => (pool.ite(c, x, y), if p != 0 { a } else { b }),
        12 => (pool.ite(c, d, c), if p != 0 { q } else { p }),
        13 => (pool.eq(x, y), u64::from(a == b)),
        14 => (pool.less(x, y), u64::from(a < b)),
        15 => (pool.eq(c, d), u64::from(p == q)),
        16 => (pool.not(c), u64::from(p == 0)),
        17 => (pool.all([c, d]), p & q),
        _ => (pool.any([c, d]), p | q),
    }
}

#[test]
fn terms_have_the_values_that_they_should_have() {
    let mut numbers = Numbers(1);
    for round in 0..300 {
        let mut pool = Pool::default();
        let mut known = HashMap::new();
        let mut all: Vec<(Term, u64)> = Vec::new();
        for (index, width) in [8, 8, 32, 32, 64, 64].into_iter().enumerate() {
            let (var, given) = (pool.var(format!("x{index}"), width), numbers.value(width));
            known.insert(var, given);
            all.push((var, given));
            let given = numbers.value(width);
            all.push((pool.constant(width, given), given));
        }
        all.push((pool.truth(true), 1));
        for _ in 0..60 {
            let (term, expected) = make(&mut pool, &mut numbers, &all);
            let width = pool.width(term);
            let expected = if width == 0 { expected } else { mask(width, expected) };
            assert_eq!(value(&pool, term, &known), expected, "round {round}: {:?}", pool.node(term));
            all.push((term, expected));
        }
    }
}
