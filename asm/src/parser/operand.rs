//! Operands and constants.

use crate::ast::{Constant, Operand};
use crate::diagnostic::Fallible;
use crate::lexer::unescape;
use crate::parser::base::Parser;
use crate::token::{Punct, Tok, Token, Word};
use rum_interp::isa::Reg;

impl Parser<'_> {
    /// Whether `token` can begin a constant without a sign.
    fn begins_constant(&self, token: Token) -> bool {
        match token.kind {
            Tok::Num | Tok::Hex | Tok::Char => true,
            Tok::Punct(Punct::ParenOpen) => self.options.extended,
            Tok::Ident => self.options.extended && self.definitions.constant(self.text(token)).is_some(),
            _ => false,
        }
    }

    /// Whether a constant comes next. A sign before a character is an operator, not part of a constant.
    pub(super) fn at_constant(&mut self) -> bool {
        let token = self.peek();
        if token.kind == Tok::Punct(Punct::Minus) {
            let second = self.peek_second();
            return second.kind != Tok::Char && self.begins_constant(second);
        }
        self.begins_constant(token)
    }

    /// `+ k` or `- k` next?
    fn at_addend(&mut self, signs: &[Punct]) -> bool {
        let Tok::Punct(sign) = self.peek().kind else { return false };
        if !signs.contains(&sign) {
            return false;
        }
        let second = self.peek_second();
        self.begins_constant(second)
    }

    pub(super) fn constant(&mut self) -> Fallible<Constant> {
        let negative = self.accept_punct(Punct::Minus);
        let token = self.peek();
        let value = match token.kind {
            Tok::Num => Constant::from_digits(self.text(token), 10),
            Tok::Hex => Constant::from_digits(&self.text(token)[2..], 16),
            Tok::Char => Constant::new(unescape(self.inside(token)).first().map_or(0, |&byte| i64::from(byte))),
            _ if !self.options.extended => return Err(self.unexpected("a constant")),
            _ => {
                let value = self.primary_constant()?;
                return Ok(if negative { value.negated() } else { value });
            }
        };
        self.next();
        Ok(if negative { value.negated() } else { value })
    }

    /// `m[reg]`
    pub(super) fn segment(&mut self) -> Fallible<Reg> {
        self.expect_word(Word::M)?;
        self.expect_punct(Punct::BracketOpen)?;
        let segment = self.register()?;
        self.expect_punct(Punct::BracketClose)?;
        Ok(segment)
    }

    fn element(&mut self) -> Fallible<Operand> {
        let segment = self.segment()?;
        self.expect_punct(Punct::BracketOpen)?;
        let offset = self.nested(Self::operand)?;
        self.expect_punct(Punct::BracketClose)?;
        Ok(Operand::Element(segment, Box::new(offset)))
    }

    /// Something with a value.
    pub(super) fn operand(&mut self) -> Fallible<Operand> {
        let token = self.peek();
        match token.kind {
            Tok::Reg => {
                let reg = self.register()?;
                if self.at_addend(&[Punct::Plus]) {
                    self.next();
                    return Ok(Operand::Offset(reg, self.constant()?));
                }
                Ok(Operand::Reg(reg))
            }
            Tok::Word(Word::M) if self.peek_second().kind == Tok::Punct(Punct::BracketOpen) => self.element(),
            Tok::Ident if self.options.extended && self.definitions.slot(self.text(token)).is_some() => {
                self.next();
                self.definitions.slot(self.text(token)).map(Operand::Local).ok_or_else(|| self.unexpected("an operand"))
            }
            _ if self.at_constant() => Ok(Operand::Literal(self.constant()?)),
            Tok::Ident | Tok::Local => {
                let label = self.label()?;
                if !self.at_addend(&[Punct::Plus, Punct::Minus]) {
                    return Ok(Operand::Label(label, Constant::ZERO));
                }
                let negative = self.next().kind == Tok::Punct(Punct::Minus);
                let addend = self.constant()?;
                Ok(Operand::Label(label, if negative { addend.negated() } else { addend }))
            }
            _ => Err(self.unexpected("a register, memory word, constant or label")),
        }
    }

    /// Something that can be assigned to.
    pub(super) fn target(&mut self) -> Fallible<Operand> {
        let token = self.peek();
        match token.kind {
            Tok::Reg => Ok(Operand::Reg(self.register()?)),
            Tok::Word(Word::M) => self.element(),
            Tok::Ident if self.options.extended => match self.definitions.slot(self.text(token)) {
                Some(slot) => {
                    self.next();
                    Ok(Operand::Local(slot))
                }
                None => Err(self.unexpected("a register, memory word or local")),
            },
            _ => Err(self.unexpected("a register or memory word")),
        }
    }
}
