//! Macros with parameters (extended): the body is kept as tokens, and a call puts the arguments in.
//!
//! A label that the body defines is private to each expansion, so a macro with a loop in it can be called twice. What an
//! argument brings along keeps its meaning from outside.

use crate::diagnostic::{Failure, Fallible};
use crate::parser::base::Parser;
use crate::parser::definitions::{DEPTH_MAX, Macro};
use crate::source::Span;
use crate::token::{Punct, Tok, Token};

impl Parser<'_> {
    /// `.macro name a, b` to `.endmacro`
    pub(super) fn define_macro(&mut self) -> Fallible<()> {
        let directive = self.next();
        let token = self.expect_ident("a name for the macro")?;
        let name: Box<[u8]> = self.text(token).into();
        let text = String::from_utf8_lossy(&name).into_owned();
        let mut params: Vec<Box<[u8]>> = Vec::new();
        while !matches!(self.peek().kind, Tok::Newline | Tok::Eof) {
            let param = self.expect_ident("a parameter's name")?;
            let param_name: Box<[u8]> = self.text(param).into();
            if params.contains(&param_name) {
                return Err(Failure::new(param.span, "two parameters have the same name"));
            }
            params.push(param_name);
            if !self.accept_punct(Punct::Comma) && !matches!(self.peek().kind, Tok::Newline | Tok::Eof) {
                return Err(self.unexpected("`,` or the end of the line"));
            }
        }
        let body = self.macro_body(directive)?;
        let private = body
            .windows(2)
            .filter(|pair| matches!(pair[0].kind, Tok::Ident | Tok::Local) && pair[1].kind == Tok::Punct(Punct::Colon))
            .map(|pair| Box::from(self.text(pair[0])))
            .filter(|label| !params.contains(label))
            .collect();
        if let Some(earlier) = self.definitions.macros.get(&name) {
            return Err(Failure::new(token.span, format!("macro `{text}` is defined twice"))
                .related(earlier.defined, "first defined here"));
        }
        self.definitions.macros.insert(name, Macro { params, body, private, defined: token.span });
        Ok(())
    }

    fn macro_body(&mut self, directive: Token) -> Fallible<Vec<Token>> {
        let mut body = Vec::new();
        loop {
            let token = self.next();
            match token.kind {
                Tok::Eof => {
                    return Err(Failure::new(directive.span, "this macro has no end")
                        .hint("write `.endmacro` after its last line"));
                }
                Tok::Ident if self.text(token) == b".endmacro" => return Ok(body),
                Tok::Ident if self.text(token) == b".macro" => {
                    return Err(Failure::new(token.span, "a macro cannot define a macro")
                        .related(directive.span, "inside this one"));
                }
                Tok::Bad(bad) => return Err(self.bad(token, bad)),
                _ => body.push(token),
            }
        }
    }

    /// `name argument, ...`: the body comes next, with the arguments in the place of the parameters.
    pub(super) fn expand_macro(&mut self) -> Fallible<()> {
        let name = self.next();
        let arguments = self.macro_arguments()?;
        let span = name.span.to(self.last);
        let scope = self.definitions.new_scope();
        let text = String::from_utf8_lossy(self.text(name)).into_owned();
        let sources = &*self.sources;
        let Some(called) = self.definitions.macros.get(sources.text(name.span)) else {
            return Err(Failure::new(name.span, format!("there is no macro `{text}`")));
        };
        if arguments.len() != called.params.len() {
            let (wanted, given) = (called.params.len(), arguments.len());
            let plural = if wanted == 1 { "" } else { "s" };
            return Err(Failure::new(span, format!("macro `{text}` takes {wanted} argument{plural}, not {given}"))
                .related(called.defined, "defined here"));
        }
        let mut out = Vec::with_capacity(called.body.len());
        for &token in &called.body {
            let token_text = sources.text(token.span);
            let param = called.params.iter().position(|param| token.kind == Tok::Ident && **param == *token_text);
            match param {
                Some(index) => out.extend_from_slice(&arguments[index]),
                None if matches!(token.kind, Tok::Ident | Tok::Local) && called.private.contains(token_text) => {
                    out.push(Token { scope, ..token });
                }
                None => out.push(token),
            }
        }
        let end = Span { start: span.end, ..span };
        out.push(Token { kind: Tok::Newline, span: end, scope: 0 });
        if self.stream.depth() >= DEPTH_MAX {
            return Err(Failure::new(span, "macros are nested too deeply").hint("does a macro call itself?"));
        }
        match self.definitions.expansion_left.checked_sub(out.len()) {
            Some(left) => self.definitions.expansion_left = left,
            None => {
                return Err(
                    Failure::new(span, "macros have produced too much text").hint("16 million tokens are enough")
                );
            }
        }
        self.stream.enter_tokens(out, span);
        Ok(())
    }

    /// The arguments up to the end of the line, which is left alone. Commas in brackets do not separate.
    fn macro_arguments(&mut self) -> Fallible<Vec<Vec<Token>>> {
        let mut arguments = Vec::new();
        let mut depth = 0i32;
        loop {
            let token = self.peek();
            match token.kind {
                Tok::Newline | Tok::Eof | Tok::Punct(Punct::Semicolon) => return Ok(arguments),
                Tok::Bad(bad) => return Err(self.bad(token, bad)),
                _ => {}
            }
            self.next();
            match token.kind {
                Tok::Punct(Punct::Comma) if depth == 0 => {
                    if arguments.is_empty() {
                        arguments.push(Vec::new());
                    }
                    arguments.push(Vec::new());
                    continue;
                }
                Tok::Punct(Punct::ParenOpen | Punct::BracketOpen) => depth += 1,
                Tok::Punct(Punct::ParenClose | Punct::BracketClose) => depth -= 1,
                _ => {}
            }
            if arguments.is_empty() {
                arguments.push(Vec::new());
            }
            if let Some(argument) = arguments.last_mut() {
                argument.push(token);
            }
        }
    }
}
