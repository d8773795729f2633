//! Which words one macro instruction stands for.
//!
//! Every pattern here is an expansion of the assembler with the registers turned into variables, so the instruction
//! that it names assembles to exactly those words. Conditions beyond that only keep out what would read as nonsense,
//! such as a temporary that is also an operand.

use rum_interp::isa::{LITERAL_MAX, Op, Reg, Word};

use crate::disasm::flow::{ADDRESS, CODE, LABEL};
use crate::disasm::word::is_canonical;
use crate::pool::{self, Regs};

/// A macro instruction. `temp` and the like are what stands behind `using`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Macro {
    Goto {
        target: u32,
        temp: Reg,
    },
    GotoLinking {
        target: u32,
        link: Reg,
        temp: Reg,
    },
    Branch {
        condition: Reg,
        if_zero: bool,
        target: u32,
        using: [Reg; 2],
    },
    Constant {
        to: Reg,
        value: u32,
        temp: Option<Reg>,
    },
    Offset {
        to: Reg,
        base: Reg,
        value: u32,
        temp: Option<Reg>,
    },
    /// Literal and output for every byte of a string
    OutputString {
        temp: Reg,
    },
    Not {
        to: Reg,
        of: Reg,
    },
    Negate {
        to: Reg,
        of: Reg,
        temp: Reg,
    },
    Move {
        to: Reg,
        from: Reg,
    },
    And {
        to: Reg,
        left: Reg,
        right: Reg,
    },
    Or {
        to: Reg,
        left: Reg,
        right: Reg,
        temp: Reg,
    },
    Xor {
        to: Reg,
        left: Reg,
        right: Reg,
        using: [Reg; 2],
    },
    Sub {
        to: Reg,
        left: Reg,
        right: Reg,
        temp: Reg,
    },
    Push {
        value: Reg,
        stack: Reg,
        temp: Reg,
    },
    Pop {
        to: Reg,
        stack: Reg,
        temp: Reg,
    },
}

/// Finds macro instructions in an image.
pub(super) struct Folder<'w> {
    words: &'w [Word],
    flags: &'w [u8],
    zero: Option<Reg>,
    /// The `using` list that makes the pool these two registers in this order, if there is one.
    pairs: [[Option<[Reg; 2]>; 8]; 8],
}

/// Whether the byte can stand in a string of a source as itself or by an escape.
pub(super) fn is_text(word: Word) -> bool {
    matches!(word, 0x20..=0x7e | 0x0a | 0x09)
}

fn literal(word: Word) -> Option<(Reg, u32)> {
    (Op::of(word) == Op::Literal).then(|| (Reg::from_bits(word >> 25), word & LITERAL_MAX))
}

fn standard(word: Word, op: Op) -> Option<(Reg, Reg, Reg)> {
    let matches = Op::of(word) == op && is_canonical(word);
    matches.then(|| (Reg::from_bits(word >> 6), Reg::from_bits(word >> 3), Reg::from_bits(word)))
}

impl<'w> Folder<'w> {
    pub fn new(words: &'w [Word], flags: &'w [u8], zero: Option<u8>) -> Folder<'w> {
        let mut pairs = [[None; 8]; 8];
        for (first, row) in Reg::ALL.into_iter().zip(&mut pairs) {
            for (second, pair) in Reg::ALL.into_iter().zip(row) {
                *pair = [[first, second], [second, first]].into_iter().find(|using| {
                    let mut list = Regs::default();
                    using.iter().for_each(|&reg| list.add(reg));
                    first != second && pool::order(&list, &Regs::default()).as_slice() == [first, second]
                });
            }
        }
        Folder { words, flags, zero: zero.map(|zero| Reg::from_bits(zero.into())), pairs }
    }

    /// The macro instruction that begins at `at` and the number of its words, if there is one.
    pub fn at(&self, at: usize) -> Option<(Macro, usize)> {
        let words = &self.words[at..self.words.len().min(at + 5)];
        let found = match Op::of(words[0]) {
            Op::Literal => self.starting_with_literal(at, words),
            Op::Nand => self.starting_with_nand(words),
            Op::Index => self.pop(words),
            _ => None,
        }?;
        self.is_whole(at, found.1).then_some(found)
    }

    /// Nothing jumps into the middle, and all of it is code.
    fn is_whole(&self, at: usize, length: usize) -> bool {
        self.flags[at..at + length].iter().all(|flags| flags & CODE != 0)
            && self.flags[at + 1..at + length].iter().all(|flags| flags & LABEL == 0)
    }

    fn is_label(&self, address: u32) -> bool {
        self.flags.get(address as usize).is_some_and(|flags| flags & LABEL != 0)
    }

    fn is_address(&self, at: usize) -> bool {
        self.flags[at] & ADDRESS != 0
    }

    fn starting_with_literal(&self, at: usize, words: &[Word]) -> Option<(Macro, usize)> {
        self.branch(at, words)
            .or_else(|| self.goto_linking(at, words))
            .or_else(|| self.goto(words))
            .or_else(|| self.output_string(at))
            .or_else(|| if self.is_address(at) { None } else { number(words) })
    }

    /// `t = x; v = y; if (c != 0) t = v; goto t`, where one of x and y is the next word.
    fn branch(&self, at: usize, words: &[Word]) -> Option<(Macro, usize)> {
        let &[first, second, moved, jump, ..] = words else { return None };
        let (temp, if_zero) = literal(first)?;
        let (value, if_not) = literal(second)?;
        let (to, from, condition) = standard(moved, Op::CondMove)?;
        let (_, segment, target) = standard(jump, Op::LoadProgram)?;
        let shape = to == temp && from == value && target == temp && Some(segment) == self.zero;
        if !shape || condition == temp || condition == value || segment == temp || segment == value {
            return None;
        }
        let using = self.pairs[temp.index()][value.index()]?;
        let next = at as u32 + 4;
        if if_zero == next && self.is_label(if_not) {
            return Some((Macro::Branch { condition, if_zero: false, target: if_not, using }, 4));
        }
        if if_not == next && self.is_label(if_zero) {
            return Some((Macro::Branch { condition, if_zero: true, target: if_zero, using }, 4));
        }
        None
    }

    fn goto(&self, words: &[Word]) -> Option<(Macro, usize)> {
        let &[first, jump, ..] = words else { return None };
        let (temp, target) = literal(first)?;
        let (_, segment, to) = standard(jump, Op::LoadProgram)?;
        let fits = to == temp && Some(segment) == self.zero && segment != temp && self.is_label(target);
        fits.then_some((Macro::Goto { target, temp }, 2))
    }

    fn goto_linking(&self, at: usize, words: &[Word]) -> Option<(Macro, usize)> {
        let (link, address) = literal(words[0])?;
        let (Macro::Goto { target, temp }, _) = self.goto(&words[1..])? else { return None };
        let fits = link != temp && address == at as u32 + 3;
        fits.then_some((Macro::GotoLinking { target, link, temp }, 3))
    }

    fn output_string(&self, at: usize) -> Option<(Macro, usize)> {
        let (temp, _) = literal(self.words[at])?;
        let mut length = 0;
        for (pair, flags) in self.words[at..].chunks_exact(2).zip(self.flags[at..].chunks_exact(2)) {
            let writes = standard(pair[1], Op::Output).is_some_and(|(_, _, c)| c == temp);
            let fits = literal(pair[0]).is_some_and(|(reg, value)| reg == temp && is_text(value)) && writes;
            let entered = length > 0 && flags[0] & LABEL != 0 || flags[1] & LABEL != 0;
            if !fits || entered || flags.iter().any(|flags| flags & CODE == 0) {
                break;
            }
            length += 2;
        }
        (length >= 4).then_some((Macro::OutputString { temp }, length))
    }

    fn starting_with_nand(&self, words: &[Word]) -> Option<(Macro, usize)> {
        let (a, b, c) = standard(words[0], Op::Nand)?;
        let inverted = if b == c { self.after_inverted(a, b, words) } else { None };
        inverted.or_else(|| self.xor(a, b, c, words)).or_else(|| {
            let again = words.get(1).and_then(|&word| standard(word, Op::Nand));
            if again == Some((a, a, a)) {
                let moves = b == c && a != b;
                let found =
                    if moves { Macro::Move { to: a, from: b } } else { Macro::And { to: a, left: b, right: c } };
                return Some((found, 2));
            }
            (b == c).then_some((Macro::Not { to: a, of: b }, 1))
        })
    }

    /// What may follow `temp = ~of`.
    fn after_inverted(&self, temp: Reg, of: Reg, words: &[Word]) -> Option<(Macro, usize)> {
        if let &[_, sum, one, add, ..] = words
            && let Some((to, left, inverted)) = standard(sum, Op::Add)
            && inverted == temp
            && literal(one) == Some((temp, 1))
            && standard(add, Op::Add) == Some((to, to, temp))
            && temp != to
            && temp != left
        {
            return Some((Macro::Sub { to, left, right: of, temp }, 4));
        }
        let &[_, second, third, ..] = words else { return None };
        if let Some((to, 1)) = literal(second)
            && standard(third, Op::Add) == Some((to, to, temp))
            && temp != to
        {
            return Some((Macro::Negate { to, of, temp }, 3));
        }
        if let Some((to, right, again)) = standard(second, Op::Nand)
            && right == again
            && standard(third, Op::Nand) == Some((to, temp, to))
            && temp != to
            && temp != right
        {
            return Some((Macro::Or { to, left: of, right, temp }, 3));
        }
        if let (Some((stack, same, minus)), Some((segment, top, value))) =
            (standard(second, Op::Add), standard(third, Op::Amend))
            && (stack, minus, top) == (same, temp, stack)
            && Some(of) == self.zero
            && segment == of
            && ![of, stack, value].contains(&temp)
        {
            return Some((Macro::Push { value, stack, temp }, 3));
        }
        None
    }

    fn xor(&self, first: Reg, left: Reg, right: Reg, words: &[Word]) -> Option<(Macro, usize)> {
        let &[_, w1, w2, w3, ..] = words else { return None };
        let (second, x, y) = standard(w1, Op::Nand)?;
        let (to, z, u) = standard(w2, Op::Nand)?;
        let fits = (x, y) == (left, first)
            && (z, u) == (right, first)
            && standard(w3, Op::Nand) == Some((to, second, to))
            && ![left, right, second, to].contains(&first)
            && ![left, right, to].contains(&second);
        let using = self.pairs[first.index()][second.index()]?;
        fits.then_some((Macro::Xor { to, left, right, using }, 4))
    }

    fn pop(&self, words: &[Word]) -> Option<(Macro, usize)> {
        let &[load, one, add, ..] = words else { return None };
        let (to, segment, stack) = standard(load, Op::Index)?;
        let (temp, 1) = literal(one)? else { return None };
        let fits = Some(segment) == self.zero
            && standard(add, Op::Add) == Some((stack, stack, temp))
            && temp != stack
            && temp != to
            && to != stack;
        fits.then_some((Macro::Pop { to, stack, temp }, 3))
    }
}

/// Constants of more than one instruction, and what is added to one.
fn number(words: &[Word]) -> Option<(Macro, usize)> {
    let (to, low) = literal(words[0])?;
    let second = *words.get(1)?;
    if let &[_, factor, product, rest, sum, ..] = words
        && let Some((temp, 0x1_0000)) = literal(factor)
        && temp != to
        && low <= 0xffff
        && standard(product, Op::Mul) == Some((to, to, temp))
        && let Some((again, part @ 0..=0xffff)) = literal(rest)
        && again == temp
        && standard(sum, Op::Add) == Some((to, to, temp))
    {
        let value = low << 16 | part;
        // Otherwise a shorter way would be chosen.
        if value > LITERAL_MAX && !value > LITERAL_MAX {
            return Some((Macro::Constant { to, value, temp: Some(temp) }, 5));
        }
    }
    if standard(second, Op::Nand) == Some((to, to, to)) {
        return Some((Macro::Constant { to, value: !low, temp: None }, 2));
    }
    let (sum, left, right) = standard(second, Op::Add)?;
    if sum == to && left == to && right != to {
        return Some((Macro::Offset { to, base: right, value: low, temp: None }, 2));
    }
    let fits = sum == left && right == to && sum != to;
    fits.then_some((Macro::Offset { to: sum, base: sum, value: low, temp: Some(to) }, 2))
}
