//! Tokens from a stack of files and macro expansions, with a look ahead of two.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::lexer::Lexer;
use crate::source::{SourceFile, Span};
use crate::token::{Tok, Token};

/// Where tokens come from at the moment.
#[derive(Debug)]
enum Frame {
    File(Lexer),
    /// Tokens that are ready: what had been looked ahead at, or a macro's body with the arguments put in.
    Tokens {
        tokens: Arc<[Token]>,
        at: usize,
    },
}

#[derive(Debug)]
struct Level {
    frame: Frame,
    /// The `.include` or macro call that brought the frame here.
    cause: Option<Span>,
    /// Whether this is a file or expansion of its own, not tokens that were put back.
    entered: bool,
}

/// The tokens of one source file and of everything that it includes and expands.
#[derive(Debug)]
pub(crate) struct Stream {
    levels: Vec<Level>,
    ahead: VecDeque<Token>,
    extended: bool,
}

impl Stream {
    pub fn new(file: Arc<SourceFile>, number: u32, extended: bool) -> Stream {
        let frame = Frame::File(Lexer::new(file, number, extended));
        Stream {
            levels: vec![Level { frame, cause: None, entered: true }],
            ahead: VecDeque::with_capacity(4),
            extended,
        }
    }

    /// The token `distance` ahead (0 is the next one).
    #[inline]
    pub fn peek(&mut self, distance: usize) -> Token {
        while self.ahead.len() <= distance {
            let token = self.read();
            self.ahead.push_back(token);
        }
        self.ahead[distance]
    }

    /// Takes the next token.
    #[inline]
    pub fn next(&mut self) -> Token {
        match self.ahead.pop_front() {
            Some(token) => token,
            None => self.read(),
        }
    }

    fn read(&mut self) -> Token {
        let outermost = self.levels.len() == 1;
        let Some(level) = self.levels.last_mut() else { unreachable!("the outermost file is never popped") };
        let token = match &mut level.frame {
            Frame::File(lexer) => lexer.next(),
            Frame::Tokens { tokens, at } => match tokens.get(*at) {
                Some(&token) => {
                    *at += 1;
                    return token;
                }
                None => {
                    self.levels.pop();
                    return self.read();
                }
            },
        };
        if token.kind == Tok::Eof && !outermost {
            // The end of an included file ends the statement that it stands in.
            self.levels.pop();
            return Token { kind: Tok::Newline, ..token };
        }
        token
    }

    /// Reads `file` before everything that is still to come.
    pub fn enter_file(&mut self, file: Arc<SourceFile>, number: u32, cause: Span) {
        self.keep_ahead();
        let frame = Frame::File(Lexer::new(file, number, self.extended));
        self.levels.push(Level { frame, cause: Some(cause), entered: true });
    }

    /// Reads `tokens` before everything that is still to come.
    pub fn enter_tokens(&mut self, tokens: Vec<Token>, cause: Span) {
        self.keep_ahead();
        self.levels.push(Level {
            frame: Frame::Tokens { tokens: tokens.into(), at: 0 },
            cause: Some(cause),
            entered: true,
        });
    }

    fn keep_ahead(&mut self) {
        if !self.ahead.is_empty() {
            let tokens = self.ahead.drain(..).collect();
            let cause = self.levels.last().and_then(|level| level.cause);
            self.levels.push(Level { frame: Frame::Tokens { tokens, at: 0 }, cause, entered: false });
        }
    }

    /// How many files and expansions are open.
    pub fn depth(&self) -> usize {
        self.levels.iter().filter(|level| level.entered).count()
    }

    /// The calls and includes that lead to the current token, innermost first.
    pub fn causes(&self) -> impl Iterator<Item = Span> + '_ {
        let mut last = None;
        self.levels.iter().rev().filter_map(|level| level.cause).filter(move |&cause| {
            let new = last != Some(cause);
            last = Some(cause);
            new
        })
    }
}
