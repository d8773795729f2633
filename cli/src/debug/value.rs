//! Expressions over a machine: `r3`, `pc`, `m[r1][4]`, numbers, labels, and what is computed of them.

use crate::symbols::Places;
use rum::Machine;

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// A number.
    Number(u64),
    /// A register.
    Register(usize),
    /// The pc.
    Pc,
    /// Instructions executed.
    Count,
    /// A word of a segment.
    Word(Box<Expr>, Box<Expr>),
    /// Something computed of two.
    Binary(Op, Box<Expr>, Box<Expr>),
}

/// What is computed of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Their names say it.
pub enum Op {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Times,
    Over,
    Rest,
    BitAnd,
}

/// Operators by how strongly they bind, the weakest first; longer ones come before those that they begin with.
const OPERATORS: [&[(&str, Op)]; 5] = [
    &[("||", Op::Or)],
    &[("&&", Op::And)],
    &[
        ("==", Op::Equal),
        ("!=", Op::Unequal),
        ("<=", Op::LessOrEqual),
        (">=", Op::GreaterOrEqual),
        ("<", Op::Less),
        (">", Op::Greater),
    ],
    &[("+", Op::Plus), ("-", Op::Minus)],
    &[("*", Op::Times), ("/", Op::Over), ("%", Op::Rest), ("&", Op::BitAnd)],
];

impl Expr {
    /// Reads an expression, to its end.
    ///
    /// # Errors
    /// It is none; the text says why.
    pub fn parse(text: &str, places: &Places, words: usize) -> Result<Expr, String> {
        let mut parser = Parser { rest: text.trim(), parts: 0, places, words };
        let expr = parser.binary(0)?;
        match parser.rest {
            "" => Ok(expr),
            rest => Err(format!("what is {rest:?}?")),
        }
    }

    /// Its value; an error if there is no such word.
    ///
    /// # Errors
    /// There is no such segment or word, or something is divided by 0.
    pub fn value(&self, machine: &Machine) -> Result<u64, String> {
        Ok(match self {
            Expr::Number(number) => *number,
            Expr::Register(number) => u64::from(machine.registers()[*number]),
            Expr::Pc => u64::from(machine.pc()),
            Expr::Count => machine.executed().unwrap_or_default(),
            Expr::Word(segment, offset) => {
                let (segment, offset) = (segment.value(machine)?, offset.value(machine)?);
                let words = u32::try_from(segment).ok().and_then(|id| machine.segment(id));
                let words = words.ok_or_else(|| format!("there is no segment {segment}"))?;
                let word = usize::try_from(offset).ok().and_then(|offset| words.get(offset));
                let none = || format!("segment {segment} has {} words, and none at {offset}", words.len());
                u64::from(*word.ok_or_else(none)?)
            }
            Expr::Binary(op, left, right) => {
                let (x, y) = (left.value(machine)?, right.value(machine)?);
                let truth = |holds: bool| u64::from(holds);
                match op {
                    Op::Or => truth(x != 0 || y != 0),
                    Op::And => truth(x != 0 && y != 0),
                    Op::Equal => truth(x == y),
                    Op::Unequal => truth(x != y),
                    Op::Less => truth(x < y),
                    Op::LessOrEqual => truth(x <= y),
                    Op::Greater => truth(x > y),
                    Op::GreaterOrEqual => truth(x >= y),
                    Op::Plus => x.wrapping_add(y),
                    Op::Minus => x.wrapping_sub(y),
                    Op::Times => x.wrapping_mul(y),
                    Op::Over => x.checked_div(y).ok_or("that divides by 0")?,
                    Op::Rest => x.checked_rem(y).ok_or("that divides by 0")?,
                    Op::BitAnd => x & y,
                }
            }
        })
    }
}

/// Brackets, numbers and names in an expression, at the most: each may take some of the stack.
const PARTS_MAX: u32 = 500;

struct Parser<'a> {
    rest: &'a str,
    /// How many parts have begun.
    parts: u32,
    places: &'a Places,
    words: usize,
}

impl<'a> Parser<'a> {
    fn skip(&mut self, text: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn binary(&mut self, strength: usize) -> Result<Expr, String> {
        let Some(operators) = OPERATORS.get(strength) else { return self.primary() };
        let mut left = self.binary(strength + 1)?;
        'more: loop {
            for &(text, op) in *operators {
                // A single & is not the beginning of &&.
                if (op != Op::BitAnd || !self.rest.trim_start().starts_with("&&")) && self.skip(text) {
                    let right = self.binary(strength + 1)?;
                    left = Expr::Binary(op, Box::new(left), Box::new(right));
                    continue 'more;
                }
            }
            return Ok(left);
        }
    }

    fn bracketed(&mut self) -> Result<Box<Expr>, String> {
        if !self.skip("[") {
            return Err("a word is m[SEGMENT][OFFSET]".to_owned());
        }
        let expr = self.binary(0)?;
        if self.skip("]") { Ok(Box::new(expr)) } else { Err("a ] is missing".to_owned()) }
    }

    fn word(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || "_.$".contains(c))).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn primary(&mut self) -> Result<Expr, String> {
        self.parts += 1;
        if self.parts > PARTS_MAX {
            return Err(format!("an expression has at most {PARTS_MAX} parts"));
        }
        if self.skip("(") {
            let expr = self.binary(0)?;
            return if self.skip(")") { Ok(expr) } else { Err("a ) is missing".to_owned()) };
        }
        if let Some(rest) = self.rest.strip_prefix('\'') {
            let mut chars = rest.chars();
            return match (chars.next(), chars.next()) {
                (Some(c), Some('\'')) => {
                    self.rest = chars.as_str();
                    Ok(Expr::Number(u64::from(u32::from(c))))
                }
                _ => Err("a character stands between two '".to_owned()),
            };
        }
        match self.word() {
            "" => Err(match self.rest {
                "" => "an expression ends too early".to_owned(),
                rest => format!("what is {rest:?}?"),
            }),
            "m" if self.rest.trim_start().starts_with('[') => Ok(Expr::Word(self.bracketed()?, self.bracketed()?)),
            "pc" => Ok(Expr::Pc),
            "count" => Ok(Expr::Count),
            word => self.name(word),
        }
    }

    fn name(&mut self, word: &str) -> Result<Expr, String> {
        let register = word.strip_prefix('r').and_then(|digit| digit.parse::<usize>().ok());
        if let Some(register) = register {
            return if register < 8 {
                Ok(Expr::Register(register))
            } else {
                Err(format!("there is no register {word}"))
            };
        }
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            let hex = word.strip_prefix("0x").map(|digits| u64::from_str_radix(digits, 16).ok());
            let number = hex.unwrap_or_else(|| crate::cli::values::parse_count(word).ok());
            return number.map(Expr::Number).ok_or_else(|| format!("{word} is no number"));
        }
        self.places.offset_of(word, self.words).map(|offset| Expr::Number(u64::from(offset)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbols::Source;
    use rum::{MachineOptions, Scripted};

    #[test]
    fn expressions_have_values() {
        let program = [0xd200_0048, 7, 8, 0x7000_0000];
        let mut machine =
            Machine::new(&program, Box::new(Scripted::default()), &MachineOptions::default()).expect("a machine");
        machine.step().expect("r1 := 72");
        let places = Places::new(&Source::Nowhere, 4);
        let value = |text: &str| Expr::parse(text, &places, 4).and_then(|expr| expr.value(&machine));
        for (text, expected) in [
            ("r1", 72),
            ("pc + count*10", 11),
            ("m[0][1] + m[0][r0+2]", 15),
            ("r1 == 'H' && pc != 0x2", 1),
            ("(1+2)*3 - 4/2 % 3", 7),
            ("m[m[0][1]-7][1] & 5", 5),
            ("1 < 2 || r0", 1),
            ("1e3 >= 1_000", 1),
        ] {
            assert_eq!(value(text), Ok(expected), "{text}");
        }
        for text in ["", "r8", "m[5][0]", "m[0][4]", "1/0", "(1", "m[0", "1 2", "nowhere", "'ab'"] {
            assert!(value(text).is_err(), "{text}");
        }
    }

    #[test]
    fn expressions_are_not_endless() {
        let places = Places::new(&Source::Nowhere, 4);
        let most = format!("1{}", "+1".repeat(PARTS_MAX as usize - 1));
        assert!(Expr::parse(&most, &places, 4).is_ok());
        for more in ["(", "m[", "m[1][", "1+", "1 && (", "m[1][2]+"] {
            let error = Expr::parse(&more.repeat(1 << 20), &places, 4).expect_err("endless");
            assert!(error.contains("at most"), "{more}: {error}");
        }
    }
}
