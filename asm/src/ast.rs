//! Statements as the parser hands them to code generation, one at a time.

use std::collections::HashMap;

use rum_interp::isa::Reg;

use crate::pool::Regs;
use crate::source::Span;

/// A written constant. Code holds 32 bits of it, but whether it *is* zero, or fits, is asked of the number as written;
/// numbers beyond 64 bits keep their low bits and stay recognisably too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Constant(i128);

/// Set in every constant that does not fit into 64 bits.
const HUGE: i128 = 1 << 64;

impl Constant {
    pub const ZERO: Constant = Constant(0);

    pub const fn new(value: i64) -> Constant {
        Constant(value as i128)
    }

    /// The number that `digits` write in `radix`. They must be digits of that radix.
    pub fn from_digits(digits: &[u8], radix: u32) -> Constant {
        Constant(digits.iter().fold(0, |value, &digit| {
            let next = value * i128::from(radix) + i128::from((digit as char).to_digit(radix).unwrap_or(0));
            if next < HUGE { next } else { next & (HUGE - 1) | HUGE }
        }))
    }

    pub fn negated(self) -> Constant {
        Constant(-self.0)
    }

    pub fn value(self) -> i128 {
        self.0
    }

    /// The 32 low bits in two's complement.
    pub fn low_word(self) -> u32 {
        self.0 as u32
    }

    pub fn as_i64(self) -> Option<i64> {
        i64::try_from(self.0).ok()
    }
}

/// An interned label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Label(pub u32);

/// What makes two labels the same: the spelling, and for private ones whose they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct LabelKey {
    text: Box<[u8]>,
    scope: u32,
}

/// The labels of a program by number.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    /// Global ones, looked up without making a key.
    global: HashMap<Box<[u8]>, Label>,
    scoped: HashMap<LabelKey, Label>,
    names: Vec<LabelKey>,
}

impl Labels {
    /// The label spelled `text`, private to expansion or procedure `scope` unless that is 0.
    pub fn intern(&mut self, text: &[u8], scope: u32) -> Label {
        let next = Label(self.names.len() as u32);
        if scope == 0 {
            if let Some(&label) = self.global.get(text) {
                return label;
            }
            self.global.insert(text.into(), next);
        } else {
            let key = LabelKey { text: text.into(), scope };
            if let Some(&label) = self.scoped.get(&key) {
                return label;
            }
            self.scoped.insert(key, next);
        }
        self.names.push(LabelKey { text: text.into(), scope });
        next
    }

    /// A label that no source can name.
    pub fn fresh(&mut self) -> Label {
        self.names.push(LabelKey { text: Box::default(), scope: 0 });
        Label(self.names.len() as u32 - 1)
    }

    pub fn name(&self, label: Label) -> String {
        String::from_utf8_lossy(&self.names[label.0 as usize].text).into_owned()
    }

    /// Whether the label was written without a scope.
    pub fn is_global(&self, label: Label) -> bool {
        let key = &self.names[label.0 as usize];
        key.scope == 0 && !key.text.is_empty()
    }

    /// Whether a source names the label.
    pub fn is_named(&self, label: Label) -> bool {
        !self.names[label.0 as usize].text.is_empty()
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }
}

/// What an instruction reads or writes. Only registers, elements and locals can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    Reg(Reg),
    Literal(Constant),
    /// `reg + k`
    Offset(Reg, Constant),
    /// `label + k`
    Label(Label, Constant),
    /// `m[reg][operand]`
    Element(Reg, Box<Operand>),
    /// A parameter or local of the procedure, by slot; code generation makes it an element (extended).
    Local(Slot),
}

impl Operand {
    pub fn reg(&self) -> Option<Reg> {
        match self {
            Operand::Reg(reg) => Some(*reg),
            _ => None,
        }
    }

    /// Whether its value depends on what is in `reg`.
    pub fn mentions(&self, reg: Reg) -> bool {
        match self {
            Operand::Reg(own) | Operand::Offset(own, _) => *own == reg,
            Operand::Element(segment, index) => *segment == reg || index.mentions(reg),
            Operand::Literal(_) | Operand::Label(..) | Operand::Local(_) => false,
        }
    }

    /// Whether it was written as the number 0.
    pub fn is_zero(&self) -> bool {
        *self == Operand::Literal(Constant::ZERO)
    }
}

/// Where a name of a procedure lives in its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Local(u32),
    Param(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Nand,
    And,
    Or,
    Xor,
    Mod,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOp {
    Negate,
    Not,
}

/// How two operands are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    NotEqual,
    /// By the sign of the difference, which is wrong where it overflows.
    LessByDifference,
    GreaterByDifference,
    LessEqualByDifference,
    GreaterEqualByDifference,
    /// Right for all operands (extended).
    Ordered {
        signed: bool,
        /// `left > right` and `left <= right` are `right < left` and its negation.
        swapped: bool,
        negated: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub left: Operand,
    pub relation: Relation,
    pub right: Operand,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Instruction {
    Move { to: Operand, from: Operand },
    Binary { to: Operand, op: BinaryOp, left: Operand, right: Operand },
    Unary { to: Operand, op: UnaryOp, of: Operand },
    Input { to: Operand },
    Map { to: Operand, length: Operand },
    MapString { to: Operand, bytes: Vec<u8> },
    Unmap { segment: Reg },
    Output { value: Operand },
    OutputString { bytes: Vec<u8> },
    Halt,
    Goto { target: Operand, linking: Option<Reg> },
    GotoProgram { target: Reg, segment: Reg },
    IfGoto { condition: Condition, target: Operand },
    IfMove { condition: Condition, to: Operand, from: Operand },
    Push { value: Operand, stack: Reg },
    Pop { to: Option<Operand>, stack: Reg },
    Call { to: Option<Operand>, target: Operand, arguments: Vec<Operand> },
    Return { value: Option<Operand> },
}

/// The head of a procedure (extended).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Procedure {
    pub label: Label,
    pub params: u32,
    pub locals: u32,
    pub saves: Regs,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Label(Label),
    Section(Vec<u8>),
    /// One word: a literal or a label.
    Data(Operand),
    /// One word: how far the first label is behind the second (extended).
    Distance(Label, Label),
    Space(Constant),
    String(Vec<u8>),
    Zero(Option<Reg>),
    Temps(Regs),
    Stack(Reg),
    Link(Reg),
    Procedure(Procedure),
    EndProcedure,
    Instruction {
        instruction: Instruction,
        using: Regs,
    },
}

/// One label, directive or instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub item: Item,
    pub span: Span,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_keep_their_low_bits_however_long_they_are() {
        assert_eq!(Constant::from_digits(b"4294967297", 10).low_word(), 1);
        let long = Constant::from_digits(b"1000000000000000000000000000000000000000000000000012345678", 16);
        assert_eq!(long.low_word(), 0x1234_5678);
        assert_eq!(long.as_i64(), None);
        assert_eq!(long.negated().low_word(), 0x1234_5678u32.wrapping_neg());
        assert_ne!(Constant::from_digits(b"4294967296", 10), Constant::ZERO);
        assert_eq!(Constant::from_digits(b"000", 10).negated(), Constant::ZERO);
    }
}
