//! The parser's state, and the small steps that everything else is made of.

use rum_interp::isa::Reg;

use crate::ast::{Labels, Statement};
use crate::diagnostic::{Failure, Fallible};
use crate::options::Options;
use crate::parser::definitions::Definitions;
use crate::pool::Regs;
use crate::source::{SourceMap, Span};
use crate::stream::Stream;
use crate::token::{Bad, Punct, Tok, Token, Word};

/// Nesting of `m[..][..]` and parentheses that is still understood.
const NESTING_MAX: u32 = 500;

/// Reads one source file.
pub(crate) struct Parser<'a> {
    pub(super) stream: Stream,
    pub(super) sources: &'a mut SourceMap,
    pub(super) labels: &'a mut Labels,
    pub(super) definitions: &'a mut Definitions,
    pub(super) options: &'a Options,
    pub(super) nesting: u32,
    /// Where the last token taken ended.
    pub(super) last: Span,
    pub(super) warnings: Vec<Failure>,
}

impl<'a> Parser<'a> {
    pub fn new(
        file: u32,
        sources: &'a mut SourceMap,
        labels: &'a mut Labels,
        definitions: &'a mut Definitions,
        options: &'a Options,
    ) -> Parser<'a> {
        let stream = Stream::new(sources.file(file).clone(), file, options.extended);
        Parser {
            stream,
            sources,
            labels,
            definitions,
            options,
            nesting: 0,
            last: Span { file, start: 0, end: 0 },
            warnings: Vec::new(),
        }
    }

    /// The next statement, or `None` at the end of the file. After an error, [`Parser::recover`] must come before the
    /// next call.
    pub fn statement(&mut self) -> Fallible<Option<Statement>> {
        loop {
            let token = self.peek();
            match token.kind {
                Tok::Eof => return self.finish().map(|()| None),
                Tok::Newline | Tok::Punct(Punct::Semicolon) => {
                    self.next();
                }
                _ => {
                    if let Some(item) = self.item()? {
                        return Ok(Some(Statement { item, span: token.span.to(self.last) }));
                    }
                }
            }
        }
    }

    /// Skips the rest of a line that made no sense.
    pub fn recover(&mut self) {
        self.nesting = 0;
        while !matches!(self.peek().kind, Tok::Newline | Tok::Eof | Tok::Punct(Punct::Semicolon)) {
            self.next();
        }
    }

    /// Adds to an error how the place was reached.
    pub fn explain(&self, mut failure: Failure) -> Failure {
        let at = failure.span;
        for cause in self.stream.causes().filter(|&cause| cause != at).take(4) {
            failure = failure.related(cause, "reached from here");
        }
        failure
    }

    /// Where in the file named on the command line the current statement comes from.
    pub fn outermost(&self, span: Span) -> Span {
        self.stream.causes().last().unwrap_or(span)
    }

    pub fn take_warnings(&mut self) -> Vec<Failure> {
        std::mem::take(&mut self.warnings)
    }

    pub fn labels(&mut self) -> &mut Labels {
        self.labels
    }

    #[inline]
    pub(super) fn peek(&mut self) -> Token {
        self.stream.peek(0)
    }

    #[inline]
    pub(super) fn peek_second(&mut self) -> Token {
        self.stream.peek(1)
    }

    #[inline]
    pub(super) fn next(&mut self) -> Token {
        let token = self.stream.next();
        self.last = token.span;
        token
    }

    pub(super) fn text(&self, token: Token) -> &[u8] {
        self.sources.text(token.span)
    }

    /// The text between the delimiters of a string or character; of other tokens, all but the first and last byte.
    pub(super) fn inside(&self, token: Token) -> &[u8] {
        let text = self.text(token);
        text.get(1..text.len().saturating_sub(1)).unwrap_or_default()
    }

    #[inline]
    pub(super) fn is_punct(&mut self, punct: Punct) -> bool {
        self.peek().kind == Tok::Punct(punct)
    }

    #[inline]
    pub(super) fn is_word(&mut self, word: Word) -> bool {
        self.peek().kind == Tok::Word(word)
    }

    pub(super) fn is_ident(&mut self, name: &[u8]) -> bool {
        let token = self.peek();
        token.kind == Tok::Ident && self.text(token) == name
    }

    pub(super) fn accept_punct(&mut self, punct: Punct) -> bool {
        let found = self.is_punct(punct);
        if found {
            self.next();
        }
        found
    }

    pub(super) fn accept_word(&mut self, word: Word) -> bool {
        let found = self.is_word(word);
        if found {
            self.next();
        }
        found
    }

    pub(super) fn expect_punct(&mut self, punct: Punct) -> Fallible<()> {
        if self.accept_punct(punct) { Ok(()) } else { Err(self.unexpected(&format!("`{}`", punct.text()))) }
    }

    pub(super) fn expect_word(&mut self, word: Word) -> Fallible<()> {
        if self.accept_word(word) { Ok(()) } else { Err(self.unexpected(&format!("`{}`", word.text()))) }
    }

    pub(super) fn register(&mut self) -> Fallible<Reg> {
        let token = self.peek();
        if token.kind != Tok::Reg {
            return Err(self.unexpected("a register"));
        }
        // Leading zeros are allowed, however many.
        let digits = &self.text(token)[1..];
        let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
        match digits[zeros..] {
            [] => self.next(),
            [b'1'..=b'7'] => self.next(),
            _ => {
                return Err(Failure::new(token.span, "this assembler only understands registers r0..r7")
                    .hint("the machine has eight registers; keep other values in memory"));
            }
        };
        Ok(Reg::from_bits(digits_last(self.text(token))))
    }

    pub(super) fn register_list(&mut self) -> Fallible<Regs> {
        let mut regs = Regs::default();
        regs.add(self.register()?);
        while self.accept_punct(Punct::Comma) {
            regs.add(self.register()?);
        }
        Ok(regs)
    }

    /// The `using` list that any instruction may end with.
    pub(super) fn using(&mut self) -> Fallible<Regs> {
        if self.accept_word(Word::Using) { self.register_list() } else { Ok(Regs::default()) }
    }

    /// How a token is called in messages.
    pub(super) fn describe(&self, token: Token) -> String {
        match token.kind {
            Tok::Newline => "the end of the line".to_owned(),
            Tok::Eof => "the end of the file".to_owned(),
            Tok::Word(word) => format!("the reserved word `{}`", word.text()),
            Tok::Str => "a string".to_owned(),
            _ => format!("`{}`", String::from_utf8_lossy(self.text(token))),
        }
    }

    /// The next token is not `expected`.
    pub(super) fn unexpected(&mut self, expected: &str) -> Failure {
        let token = self.peek();
        if let Tok::Bad(bad) = token.kind {
            return self.bad(token, bad);
        }
        let found = self.describe(token);
        let failure = Failure::new(token.span, format!("expected {expected}, found {found}"))
            .label(format!("expected {expected}"));
        match token.kind {
            Tok::Word(_) if expected.contains("label") => failure.hint("reserved words cannot be labels"),
            _ => failure,
        }
    }

    pub(super) fn bad(&self, token: Token, bad: Bad) -> Failure {
        let text = String::from_utf8_lossy(self.text(token)).into_owned();
        match bad {
            Bad::Str => Failure::new(token.span, "this string has no closing quote").hint("end it with `\"`"),
            Bad::Char => Failure::new(token.span, "this is no character constant")
                .hint("a character constant is one character, as `'a'` or `'\\n'`"),
            Bad::Extended if text == "=" => {
                Failure::new(token.span, "`=` is no operator").hint("assignment is `:=`, comparison is `==`")
            }
            Bad::Extended if text.starts_with(['<', '>']) => {
                let s = if text.ends_with('u') { &text[..text.len() - 1] } else { &text };
                Failure::new(token.span, format!("`{text}` is no operator of this dialect"))
                    .hint(format!("the course's signed comparison is `{s}s`; `{text}` needs the extended dialect"))
            }
            Bad::Extended => Failure::new(token.span, format!("`{text}` is not part of this dialect"))
                .hint("it needs the extended dialect"),
            Bad::Byte => {
                let bytes = self.text(token);
                let shown = match std::str::from_utf8(bytes) {
                    Ok(text) if !text.contains(char::is_control) => format!("`{text}`"),
                    _ => format!("byte 0x{:02x}", bytes[0]),
                };
                let failure = Failure::new(token.span, format!("{shown} cannot stand here")).label("unknown character");
                if bytes[0].is_ascii_graphic() {
                    return failure;
                }
                failure.hint("outside of strings and comments a source is plain ASCII text")
            }
        }
    }

    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Fallible<T>) -> Fallible<T> {
        if self.nesting == NESTING_MAX {
            return Err(Failure::new(self.last, "this is nested too deeply").hint("compute a part of it first"));
        }
        self.nesting += 1;
        let result = parse(self)?;
        self.nesting -= 1;
        Ok(result)
    }
}

fn digits_last(text: &[u8]) -> u32 {
    text.last().map_or(0, |&digit| u32::from(digit - b'0'))
}
