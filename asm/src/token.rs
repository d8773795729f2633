//! The kinds of tokens, and the reserved words.

use crate::source::Span;

/// A token is its kind and its place; the text is looked up where it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: Tok,
    pub span: Span,
    /// Number of the macro expansion that an identifier is private to; 0 for all others.
    pub scope: u32,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tok {
    Newline,
    /// `"..."`, which may run over line ends
    Str,
    /// `'c'`
    Char,
    /// `0x...`
    Hex,
    /// Decimal digits
    Num,
    /// `r` and digits, in range or not
    Reg,
    Word(Word),
    /// Any other identifier; directives and labels may begin with a dot
    Ident,
    /// `@name`, a label local to a procedure (extended)
    Local,
    Punct(Punct),
    Bad(Bad),
    Eof,
}

/// Why text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    Byte,
    Str,
    Char,
    /// A token of the extended dialect in the plain one
    Extended,
}

/// Reserved words of both spellings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Goto,
    Halt,
    Here,
    If,
    In,
    Inactivate,
    Input,
    M,
    Map,
    Mod,
    Nand,
    New,
    Off,
    On,
    Output,
    Pop,
    Program,
    Push,
    Segment,
    Stack,
    String,
    Unmap,
    Using,
    Words,
    Xor,
}

impl Word {
    /// The reserved word spelled `text`.
    pub fn from_bytes(text: &[u8]) -> Option<Word> {
        Some(match text {
            b"goto" => Word::Goto,
            b"halt" => Word::Halt,
            b"here" => Word::Here,
            b"if" => Word::If,
            b"in" => Word::In,
            b"inactivate" => Word::Inactivate,
            b"input" => Word::Input,
            b"m" => Word::M,
            b"map" => Word::Map,
            b"mod" => Word::Mod,
            b"nand" => Word::Nand,
            b"new" => Word::New,
            b"off" => Word::Off,
            b"on" => Word::On,
            b"output" => Word::Output,
            b"pop" => Word::Pop,
            b"program" => Word::Program,
            b"push" => Word::Push,
            b"segment" => Word::Segment,
            b"stack" => Word::Stack,
            b"string" => Word::String,
            b"unmap" => Word::Unmap,
            b"using" => Word::Using,
            b"words" => Word::Words,
            b"xor" => Word::Xor,
            _ => return None,
        })
    }

    /// Its spelling.
    pub fn text(self) -> &'static str {
        match self {
            Word::Goto => "goto",
            Word::Halt => "halt",
            Word::Here => "here",
            Word::If => "if",
            Word::In => "in",
            Word::Inactivate => "inactivate",
            Word::Input => "input",
            Word::M => "m",
            Word::Map => "map",
            Word::Mod => "mod",
            Word::Nand => "nand",
            Word::New => "new",
            Word::Off => "off",
            Word::On => "on",
            Word::Output => "output",
            Word::Pop => "pop",
            Word::Program => "program",
            Word::Push => "push",
            Word::Segment => "segment",
            Word::Stack => "stack",
            Word::String => "string",
            Word::Unmap => "unmap",
            Word::Using => "using",
            Word::Words => "words",
            Word::Xor => "xor",
        }
    }
}

/// Operators and brackets. The second group exists in the extended dialect only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Punct {
    Assign,
    Equal,
    NotEqual,
    LessS,
    GreaterS,
    LessEqualS,
    GreaterEqualS,
    Plus,
    Minus,
    Star,
    Slash,
    And,
    Or,
    Tilde,
    Colon,
    Semicolon,
    Comma,
    ParenOpen,
    ParenClose,
    BracketOpen,
    BracketClose,

    Is,
    Less,
    Greater,
    LessEqual,
    GreaterEqual,
    LessU,
    GreaterU,
    LessEqualU,
    GreaterEqualU,
    ShiftLeft,
    ShiftRight,
    Percent,
    Caret,
}

impl Punct {
    /// Its spelling.
    pub fn text(self) -> &'static str {
        match self {
            Punct::Assign => ":=",
            Punct::Equal => "==",
            Punct::NotEqual => "!=",
            Punct::LessS => "<s",
            Punct::GreaterS => ">s",
            Punct::LessEqualS => "<=s",
            Punct::GreaterEqualS => ">=s",
            Punct::Plus => "+",
            Punct::Minus => "-",
            Punct::Star => "*",
            Punct::Slash => "/",
            Punct::And => "&",
            Punct::Or => "|",
            Punct::Tilde => "~",
            Punct::Colon => ":",
            Punct::Semicolon => ";",
            Punct::Comma => ",",
            Punct::ParenOpen => "(",
            Punct::ParenClose => ")",
            Punct::BracketOpen => "[",
            Punct::BracketClose => "]",
            Punct::Is => "=",
            Punct::Less => "<",
            Punct::Greater => ">",
            Punct::LessEqual => "<=",
            Punct::GreaterEqual => ">=",
            Punct::LessU => "<u",
            Punct::GreaterU => ">u",
            Punct::LessEqualU => "<=u",
            Punct::GreaterEqualU => ">=u",
            Punct::ShiftLeft => "<<",
            Punct::ShiftRight => ">>",
            Punct::Percent => "%",
            Punct::Caret => "^",
        }
    }
}
