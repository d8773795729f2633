//! The extended dialect: named constants and expressions, includes, procedures.
//!
//! Everything here begins with a directive or an identifier that the plain dialect rejects at that place, so a plain
//! program means the same in both dialects unless it defines a label that is also a name of its own here.

use std::collections::HashMap;
use std::path::Path;

use crate::ast::{Constant, Instruction, Item, Operand, Procedure, Slot};
use crate::diagnostic::{Failure, Fallible};
use crate::lexer::unescape;
use crate::parser::base::Parser;
use crate::parser::definitions::{DEPTH_MAX, Frame};
use crate::pool::Regs;
use crate::source::{FILES_MAX, TEXT_MAX};
use crate::token::{Punct, Tok, Token, Word};

/// Directives of the extended dialect.
pub(super) const DIRECTIVES: [&str; 8] =
    [".const", ".include", ".macro", ".endmacro", ".proc", ".endproc", ".stack", ".link"];

/// How strongly `+` and `-` bind.
const SUM_STRENGTH: u8 = 5;

impl Parser<'_> {
    /// An item of the extended dialect, if one begins here: `None` if not, `Some(None)` if it leaves nothing to generate.
    pub(super) fn extended_item(&mut self) -> Fallible<Option<Option<Item>>> {
        let token = self.peek();
        let item = match self.text(token) {
            b".const" => self.define_constant().map(|()| None)?,
            b".include" => self.include().map(|()| None)?,
            b".macro" => self.define_macro().map(|()| None)?,
            b".endmacro" => return Err(Failure::new(token.span, "there is no macro to end here")),
            b".proc" => Some(self.procedure()?),
            b".endproc" => {
                self.next();
                match self.definitions.procedure.take() {
                    Some(_) => Some(Item::EndProcedure),
                    None => return Err(Failure::new(token.span, "there is no procedure to end here")),
                }
            }
            b".stack" => {
                self.next();
                Some(Item::Stack(self.register()?))
            }
            b".link" => {
                self.next();
                Some(Item::Link(self.register()?))
            }
            b"call" => {
                let instruction = self.call(None)?;
                Some(Item::Instruction { instruction, using: self.using()? })
            }
            b"return" => {
                self.next();
                let ends = |kind| matches!(kind, Tok::Newline | Tok::Eof | Tok::Punct(Punct::Semicolon));
                let bare = ends(self.peek().kind) || self.is_word(Word::Using);
                let value = if bare { None } else { Some(self.operand()?) };
                Some(Item::Instruction { instruction: Instruction::Return { value }, using: self.using()? })
            }
            name if self.definitions.macros.contains_key(name) => self.expand_macro().map(|()| None)?,
            _ => return Ok(None),
        };
        Ok(Some(item))
    }

    /// What must be closed by the end of a file.
    pub(super) fn finish(&mut self) -> Fallible<()> {
        match self.definitions.procedure.take() {
            Some(frame) => {
                Err(Failure::new(frame.head, "this procedure has no end").hint("write `.endproc` after its last line"))
            }
            None => Ok(()),
        }
    }

    pub(super) fn expect_ident(&mut self, expected: &str) -> Fallible<Token> {
        if self.peek().kind == Tok::Ident { Ok(self.next()) } else { Err(self.unexpected(expected)) }
    }

    fn define_constant(&mut self) -> Fallible<()> {
        self.next();
        let token = self.expect_ident("a name for the constant")?;
        if !self.accept_punct(Punct::Is) {
            return Err(self.unexpected("`=`").hint("a constant is defined as `.const NAME = 5 * 2`"));
        }
        let value = self.constant_expression()?;
        let name: Box<[u8]> = self.text(token).into();
        if let Some((_, earlier)) = self.definitions.constants.get(&name) {
            let text = String::from_utf8_lossy(&name).into_owned();
            return Err(Failure::new(token.span, format!("constant `{text}` is defined twice"))
                .related(*earlier, "first defined here"));
        }
        self.definitions.constants.insert(name, (value, token.span));
        Ok(())
    }

    /// A constant expression; from the weakest: `|`, `^`, `&`, `<<` `>>`, `+` `-`, `*` `/` `%`, then the signs `-` `~`.
    pub(super) fn constant_expression(&mut self) -> Fallible<Constant> {
        let start = self.peek();
        // One constant as the plain dialect writes it may be longer than an expression can compute with.
        if matches!(start.kind, Tok::Num | Tok::Hex) && self.peek_second().kind == Tok::Newline {
            return self.constant();
        }
        Ok(Constant::new(self.binary_constant(0)?))
    }

    fn binary_constant(&mut self, weakest: u8) -> Fallible<i64> {
        let left = self.unary_constant()?;
        self.binary_constant_from(left, weakest)
    }

    /// Goes on with operators stronger than `weakest` behind `left`.
    fn binary_constant_from(&mut self, mut left: i64, weakest: u8) -> Fallible<i64> {
        loop {
            let Tok::Punct(op) = self.peek().kind else { return Ok(left) };
            let strength = match op {
                Punct::Or => 1,
                Punct::Caret => 2,
                Punct::And => 3,
                Punct::ShiftLeft | Punct::ShiftRight => 4,
                Punct::Plus | Punct::Minus => SUM_STRENGTH,
                Punct::Star | Punct::Slash | Punct::Percent => 6,
                _ => return Ok(left),
            };
            if strength <= weakest {
                return Ok(left);
            }
            let at = self.next().span;
            let right = self.nested(|parser| parser.binary_constant(strength))?;
            left = evaluate(op, left, right).ok_or_else(|| {
                Failure::new(at, "this constant expression has no value")
                    .label(format!("{left} {} {right}", op.text()))
                    .hint("constants are computed in 64 bits, and nothing can be divided by 0")
            })?;
        }
    }

    fn unary_constant(&mut self) -> Fallible<i64> {
        if self.accept_punct(Punct::Minus) {
            let value = self.nested(Self::unary_constant)?;
            return value.checked_neg().ok_or_else(|| Failure::new(self.last, "this constant is too large"));
        }
        if self.accept_punct(Punct::Tilde) {
            return Ok(!self.nested(Self::unary_constant)?);
        }
        let value = self.primary_constant()?;
        value.as_i64().ok_or_else(|| {
            Failure::new(self.last, "this constant is too large").hint("constants are computed in 64 bits")
        })
    }

    /// A number, a character, the name of a constant, or an expression in parentheses.
    pub(super) fn primary_constant(&mut self) -> Fallible<Constant> {
        let token = self.peek();
        match token.kind {
            Tok::Num | Tok::Hex | Tok::Char => self.constant(),
            Tok::Punct(Punct::ParenOpen) => {
                self.next();
                let value = self.nested(|parser| parser.binary_constant(0))?;
                self.expect_punct(Punct::ParenClose)?;
                Ok(Constant::new(value))
            }
            Tok::Ident => match self.definitions.constant(self.text(token)) {
                Some(value) => {
                    self.next();
                    Ok(value)
                }
                None => {
                    let name = String::from_utf8_lossy(self.text(token)).into_owned();
                    Err(Failure::new(token.span, format!("there is no constant `{name}` so far"))
                        .hint(format!("define it above, as `.const {name} = 1`")))
                }
            },
            _ => Err(self.unexpected("a constant")),
        }
    }

    /// What follows `.data`: a label, the distance between two labels, or a constant expression.
    pub(super) fn extended_data(&mut self) -> Fallible<Item> {
        let token = self.peek();
        let label_next = match token.kind {
            Tok::Local => true,
            Tok::Ident => self.definitions.constant(self.text(token)).is_none(),
            _ => false,
        };
        if !label_next {
            return Ok(Item::Data(Operand::Literal(self.constant_expression()?)));
        }
        let label = self.label()?;
        if self.is_punct(Punct::Minus) {
            let second = self.peek_second();
            let is_constant = self.definitions.constant(self.text(second)).is_some();
            if matches!(second.kind, Tok::Ident | Tok::Local) && !is_constant {
                self.next();
                return Ok(Item::Distance(label, self.label()?));
            }
        }
        let addend = self.binary_constant_from(0, SUM_STRENGTH - 1)?;
        Ok(Item::Data(Operand::Label(label, Constant::new(addend))))
    }

    fn include(&mut self) -> Fallible<()> {
        let directive = self.next();
        let token = self.peek();
        if token.kind != Tok::Str {
            return Err(self.unexpected("the file's name as a string"));
        }
        self.next();
        let name = String::from_utf8_lossy(&unescape(self.inside(token))).into_owned();
        let span = directive.span.to(token.span);
        if self.stream.depth() >= DEPTH_MAX {
            return Err(Failure::new(span, "includes are nested too deeply").hint("does a file include itself?"));
        }
        if self.sources.files().len() >= FILES_MAX {
            return Err(
                Failure::new(span, "too many files are included").hint("do files include each other again and again?")
            );
        }
        let includer = Path::new(&self.sources.file(directive.span.file).name).parent().map(Path::to_path_buf);
        let path = includer.unwrap_or_default().join(&name);
        let text = (self.options.read_include)(&path)
            .map_err(|error| Failure::new(token.span, format!("cannot read `{}`: {error}", path.display())))?;
        if text.len() > TEXT_MAX {
            return Err(Failure::new(token.span, "this file is too large"));
        }
        let number = self.sources.add(&path.to_string_lossy(), &text);
        self.stream.enter_file(self.sources.file(number).clone(), number, span);
        Ok(())
    }

    /// `.proc name(a, b) locals x, y saves r3, r4`
    fn procedure(&mut self) -> Fallible<Item> {
        let directive = self.next();
        if let Some(open) = &self.definitions.procedure {
            return Err(
                Failure::new(directive.span, "procedures cannot be nested").related(open.head, "this one is open")
            );
        }
        let name = self.expect_ident("a name for the procedure")?;
        self.definitions.check_label(self.text(name), name.span)?;
        let label = self.labels.intern(self.sources.text(name.span), name.scope);
        let mut slots = HashMap::new();
        self.expect_punct(Punct::ParenOpen)?;
        let params = if self.is_punct(Punct::ParenClose) { 0 } else { self.slots(&mut slots, Slot::Param)? };
        self.expect_punct(Punct::ParenClose)?;
        let (mut locals, mut saves) = (0, Regs::default());
        loop {
            if self.is_ident(b"locals") && locals == 0 {
                self.next();
                locals = self.slots(&mut slots, Slot::Local)?;
            } else if self.is_ident(b"saves") {
                self.next();
                saves = self.register_list()?;
            } else {
                break;
            }
        }
        if !matches!(self.peek().kind, Tok::Newline | Tok::Eof | Tok::Punct(Punct::Semicolon)) {
            return Err(self.unexpected("`locals`, `saves` or the end of the line"));
        }
        let scope = self.definitions.new_scope();
        self.definitions.procedure = Some(Frame { slots, scope, head: directive.span.to(self.last) });
        Ok(Item::Procedure(Procedure { label, params, locals, saves }))
    }

    /// A list of names, numbered from 0.
    fn slots(&mut self, slots: &mut HashMap<Box<[u8]>, Slot>, slot: fn(u32) -> Slot) -> Fallible<u32> {
        let mut count = 0;
        loop {
            let token = self.expect_ident("a name")?;
            let name: Box<[u8]> = self.text(token).into();
            let text = String::from_utf8_lossy(&name).into_owned();
            if let Some((_, defined)) = self.definitions.constants.get(&name) {
                return Err(
                    Failure::new(token.span, format!("`{text}` is a constant")).related(*defined, "defined here")
                );
            }
            if slots.insert(name, slot(count)).is_some() {
                return Err(Failure::new(token.span, format!("`{text}` is declared twice in this procedure")));
            }
            count += 1;
            if !self.accept_punct(Punct::Comma) {
                return Ok(count);
            }
        }
    }

    /// Whether `call` with a target comes next, rather than a label of that name.
    pub(super) fn at_call(&mut self) -> bool {
        self.options.extended
            && self.is_ident(b"call")
            && matches!(self.peek_second().kind, Tok::Ident | Tok::Local | Tok::Reg | Tok::Word(Word::M))
    }

    /// `call target(argument, ...)`
    pub(super) fn call(&mut self, to: Option<Operand>) -> Fallible<Instruction> {
        self.next();
        let target = self.operand()?;
        self.expect_punct(Punct::ParenOpen)?;
        let mut arguments = Vec::new();
        while !self.is_punct(Punct::ParenClose) {
            arguments.push(self.operand()?);
            if !self.accept_punct(Punct::Comma) {
                break;
            }
        }
        self.expect_punct(Punct::ParenClose)?;
        Ok(Instruction::Call { to, target, arguments })
    }
}

fn evaluate(op: Punct, left: i64, right: i64) -> Option<i64> {
    match op {
        Punct::Or => Some(left | right),
        Punct::Caret => Some(left ^ right),
        Punct::And => Some(left & right),
        Punct::ShiftLeft => {
            let shift = u32::try_from(right).ok().filter(|&shift| shift < 64)?;
            left.checked_mul(1i64.checked_shl(shift).filter(|&factor| factor > 0)?)
        }
        Punct::ShiftRight => u32::try_from(right).ok().and_then(|shift| left.checked_shr(shift)),
        Punct::Plus => left.checked_add(right),
        Punct::Minus => left.checked_sub(right),
        Punct::Star => left.checked_mul(right),
        Punct::Slash => left.checked_div(right),
        Punct::Percent => left.checked_rem(right),
        _ => None,
    }
}
