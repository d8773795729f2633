//! Labels, directives and instructions of the plain dialect.

use crate::ast::{BinaryOp, Condition, Instruction, Item, Label, Operand, Relation, UnaryOp};
use crate::closest::closest;
use crate::diagnostic::{Failure, Fallible};
use crate::lexer::unescape;
use crate::parser::base::Parser;
use crate::token::{Punct, Tok, Token, Word};

/// Directives of the plain dialect.
const DIRECTIVES: [&str; 7] = [".section", ".data", ".space", ".string", ".zero", ".temp", ".temps"];

impl Parser<'_> {
    /// What begins at the next token, which is neither a separator nor the end. `None` where a statement leaves nothing
    /// to generate.
    pub(super) fn item(&mut self) -> Fallible<Option<Item>> {
        let token = self.peek();
        if matches!(token.kind, Tok::Ident | Tok::Local) && self.peek_second().kind == Tok::Punct(Punct::Colon) {
            if self.options.extended {
                self.definitions.check_label(self.text(token), token.span)?;
            }
            let label = self.label()?;
            self.next();
            return Ok(Some(Item::Label(label)));
        }
        if token.kind == Tok::Ident {
            if self.options.extended
                && let Some(item) = self.extended_item()?
            {
                return Ok(item);
            }
            if self.text(token)[0] == b'.' {
                return self.directive().map(Some);
            }
        }
        let instruction = self.instruction()?;
        let using = self.using()?;
        Ok(Some(Item::Instruction { instruction, using }))
    }

    /// The label at the next token, which must be an identifier.
    pub(super) fn label(&mut self) -> Fallible<Label> {
        let token = self.next();
        let scope = match token.kind {
            Tok::Local if token.scope == 0 => self.definitions.procedure_scope().ok_or_else(|| {
                Failure::new(token.span, "a label with `@` belongs to a procedure, and this is outside of one")
                    .hint("leave the `@` out, or put the code between `.proc` and `.endproc`")
            })?,
            _ => token.scope,
        };
        Ok(self.labels.intern(self.sources.text(token.span), scope))
    }

    fn directive(&mut self) -> Fallible<Item> {
        let token = self.next();
        let off = self.is_word(Word::Off);
        match self.text(token) {
            b".section" => {
                let name =
                    self.any_token("a section's name", |kind| matches!(kind, Tok::Ident | Tok::Word(_) | Tok::Reg))?;
                Ok(Item::Section(self.text(name).to_vec()))
            }
            b".data" if self.options.extended => self.extended_data(),
            b".data" => match self.operand()? {
                operand @ (Operand::Literal(_) | Operand::Label(..)) => Ok(Item::Data(operand)),
                _ => Err(Failure::new(self.last, "a data word is a constant or a label")
                    .hint("what registers and memory hold is not known before the program runs")),
            },
            b".space" => {
                let count = if self.options.extended { self.constant_expression()? } else { self.constant()? };
                Ok(Item::Space(count))
            }
            b".string" => {
                let string = self.any_token("a string", |kind| kind == Tok::Str)?;
                Ok(Item::String(unescape(self.inside(string))))
            }
            b".zero" if off => {
                self.next();
                Ok(Item::Zero(None))
            }
            b".zero" => Ok(Item::Zero(Some(self.register()?))),
            b".temp" | b".temps" if off => {
                self.next();
                Ok(Item::Temps(Default::default()))
            }
            b".temp" | b".temps" => Ok(Item::Temps(self.register_list()?)),
            _ => Err(self.unknown_directive(token)),
        }
    }

    fn unknown_directive(&self, token: Token) -> Failure {
        let name = String::from_utf8_lossy(self.text(token)).into_owned();
        let failure = Failure::new(token.span, format!("there is no directive `{name}`")).label("unknown directive");
        let extended = super::extended::DIRECTIVES;
        if !self.options.extended && extended.contains(&name.as_str()) {
            return failure.hint("it is part of the extended dialect");
        }
        let known = DIRECTIVES.iter().chain(extended.iter().filter(|_| self.options.extended)).copied();
        match closest(&name, known) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint(format!("the directives are {}", DIRECTIVES.join(", "))),
        }
    }

    /// Takes the next token whatever it is, as the course's assembler does here, and says so where it is odd.
    fn any_token(&mut self, expected: &str, fits: fn(Tok) -> bool) -> Fallible<Token> {
        let token = self.peek();
        if let Tok::Bad(bad) = token.kind {
            return Err(self.bad(token, bad));
        }
        self.next();
        if !fits(token.kind) {
            let found = self.describe(token);
            self.warnings.push(
                Failure::warning(token.span, format!("expected {expected}, found {found}"))
                    .label("taken as it stands, as the course's assembler does"),
            );
        }
        if token.kind == Tok::Str {
            self.check_string(token);
        }
        Ok(token)
    }

    fn check_string(&mut self, token: Token) {
        if self.text(token).contains(&b'\n') {
            self.warnings.push(
                Failure::warning(token.span, "this string runs over the end of the line")
                    .hint("the line end becomes part of it; write `\\n`, or close the string"),
            );
        }
    }

    fn instruction(&mut self) -> Fallible<Instruction> {
        let token = self.peek();
        match token.kind {
            Tok::Word(Word::Halt) => {
                self.next();
                Ok(Instruction::Halt)
            }
            Tok::Word(Word::Output) => self.output(),
            Tok::Word(Word::Unmap | Word::Inactivate) => {
                self.next();
                Ok(Instruction::Unmap { segment: self.segment()? })
            }
            Tok::Word(Word::Push) => {
                self.next();
                let value = self.operand()?;
                self.expect_word(Word::On)?;
                self.expect_word(Word::Stack)?;
                Ok(Instruction::Push { value, stack: self.register()? })
            }
            Tok::Word(Word::Pop) => self.pop(),
            Tok::Word(Word::Goto) => self.goto(),
            Tok::Word(Word::If) => self.conditional(),
            Tok::Reg | Tok::Word(Word::M) => self.assignment(),
            Tok::Ident if self.options.extended && self.definitions.slot(self.text(token)).is_some() => {
                self.assignment()
            }
            Tok::Bad(bad) => Err(self.bad(token, bad)),
            _ => Err(self.no_statement(token)),
        }
    }

    fn no_statement(&mut self, token: Token) -> Failure {
        let found = self.describe(token);
        let failure = Failure::new(token.span, format!("no statement begins with {found}"));
        if token.kind != Tok::Ident {
            return failure;
        }
        let name = String::from_utf8_lossy(self.text(token)).into_owned();
        let second = self.peek_second().kind;
        if second == Tok::Punct(Punct::Assign) {
            return failure.hint("only registers and memory words can be assigned to");
        }
        let known = ["goto", "halt", "if", "output", "unmap", "inactivate", "push", "pop"];
        if let Some(near) = closest(&name, known.into_iter()) {
            return failure.hint(format!("did you mean `{near}`?"));
        }
        let alone = matches!(second, Tok::Newline | Tok::Eof);
        if alone { failure.hint(format!("a label is written `{name}:`")) } else { failure }
    }

    fn output(&mut self) -> Fallible<Instruction> {
        self.next();
        let token = self.peek();
        if token.kind == Tok::Str {
            self.next();
            self.check_string(token);
            return Ok(Instruction::OutputString { bytes: unescape(self.inside(token)) });
        }
        Ok(Instruction::Output { value: self.operand()? })
    }

    fn pop(&mut self) -> Fallible<Instruction> {
        self.next();
        let mut to = None;
        if !self.is_word(Word::Stack) {
            to = Some(self.target()?);
            self.expect_word(Word::Off)?;
        }
        self.expect_word(Word::Stack)?;
        Ok(Instruction::Pop { to, stack: self.register()? })
    }

    fn goto(&mut self) -> Fallible<Instruction> {
        self.next();
        self.accept_punct(Punct::Star);
        let target = self.operand()?;
        if let Operand::Reg(target) = target
            && self.accept_word(Word::In)
        {
            self.expect_word(Word::Program)?;
            return Ok(Instruction::GotoProgram { target, segment: self.segment()? });
        }
        let mut linking = None;
        if self.is_ident(b"linking") {
            self.next();
            linking = Some(self.register()?);
        }
        Ok(Instruction::Goto { target, linking })
    }

    fn conditional(&mut self) -> Fallible<Instruction> {
        self.next();
        self.expect_punct(Punct::ParenOpen)?;
        let left = self.operand()?;
        let relation = self.relation()?;
        let right = self.operand()?;
        self.expect_punct(Punct::ParenClose)?;
        let condition = Condition { left, relation, right };
        if self.accept_word(Word::Goto) {
            self.accept_punct(Punct::Star);
            return Ok(Instruction::IfGoto { condition, target: self.operand()? });
        }
        let to = self.target()?;
        self.expect_punct(Punct::Assign)?;
        Ok(Instruction::IfMove { condition, to, from: self.operand()? })
    }

    fn relation(&mut self) -> Fallible<Relation> {
        let ordered = |signed, swapped, negated| Relation::Ordered { signed, swapped, negated };
        let relation = match self.peek().kind {
            Tok::Punct(Punct::Equal) => Relation::Equal,
            Tok::Punct(Punct::NotEqual) => Relation::NotEqual,
            Tok::Punct(Punct::LessS) => Relation::LessByDifference,
            Tok::Punct(Punct::GreaterS) => Relation::GreaterByDifference,
            Tok::Punct(Punct::LessEqualS) => Relation::LessEqualByDifference,
            Tok::Punct(Punct::GreaterEqualS) => Relation::GreaterEqualByDifference,
            Tok::Punct(Punct::Less) => ordered(true, false, false),
            Tok::Punct(Punct::Greater) => ordered(true, true, false),
            Tok::Punct(Punct::LessEqual) => ordered(true, true, true),
            Tok::Punct(Punct::GreaterEqual) => ordered(true, false, true),
            Tok::Punct(Punct::LessU) => ordered(false, false, false),
            Tok::Punct(Punct::GreaterU) => ordered(false, true, false),
            Tok::Punct(Punct::LessEqualU) => ordered(false, true, true),
            Tok::Punct(Punct::GreaterEqualU) => ordered(false, false, true),
            _ => {
                let failure = self.unexpected("a comparison");
                if !failure.hints.is_empty() {
                    return Err(failure);
                }
                return Err(failure.hint("the comparisons are ==, !=, <s, >s, <=s and >=s"));
            }
        };
        self.next();
        Ok(relation)
    }

    fn assignment(&mut self) -> Fallible<Instruction> {
        let to = self.target()?;
        self.expect_punct(Punct::Assign)?;
        let token = self.peek();
        match token.kind {
            Tok::Word(Word::Map | Word::New) if self.peek_second().kind == Tok::Word(Word::Segment) => self.map(to),
            Tok::Word(Word::Input) => {
                self.next();
                self.expect_punct(Punct::ParenOpen)?;
                self.expect_punct(Punct::ParenClose)?;
                Ok(Instruction::Input { to })
            }
            Tok::Punct(Punct::Tilde) => {
                self.next();
                Ok(Instruction::Unary { to, op: UnaryOp::Not, of: self.operand()? })
            }
            Tok::Punct(Punct::Minus) if !self.at_constant() => {
                self.next();
                Ok(Instruction::Unary { to, op: UnaryOp::Negate, of: self.operand()? })
            }
            Tok::Ident if self.at_call() => self.call(Some(to)),
            _ => {
                let left = self.operand()?;
                let Some(op) = self.binary_op() else { return Ok(Instruction::Move { to, from: left }) };
                Ok(Instruction::Binary { to, op, left, right: self.operand()? })
            }
        }
    }

    fn binary_op(&mut self) -> Option<BinaryOp> {
        let op = match self.peek().kind {
            Tok::Punct(Punct::Plus) => BinaryOp::Add,
            Tok::Punct(Punct::Minus) => BinaryOp::Sub,
            Tok::Punct(Punct::Star) => BinaryOp::Mul,
            Tok::Punct(Punct::Slash) => BinaryOp::Div,
            Tok::Punct(Punct::And) => BinaryOp::And,
            Tok::Punct(Punct::Or) => BinaryOp::Or,
            Tok::Word(Word::Nand) => BinaryOp::Nand,
            Tok::Word(Word::Xor) => BinaryOp::Xor,
            Tok::Word(Word::Mod) => BinaryOp::Mod,
            _ => return None,
        };
        self.next();
        Some(op)
    }

    fn map(&mut self, to: Operand) -> Fallible<Instruction> {
        self.next();
        self.next();
        self.expect_punct(Punct::ParenOpen)?;
        if self.accept_word(Word::String) {
            let token = self.any_token("a string", |kind| kind == Tok::Str)?;
            let bytes = unescape(self.inside(token));
            self.expect_punct(Punct::ParenClose)?;
            return Ok(Instruction::MapString { to, bytes });
        }
        let length = self.operand()?;
        self.expect_word(Word::Words)?;
        self.expect_punct(Punct::ParenClose)?;
        Ok(Instruction::Map { to, length })
    }
}
