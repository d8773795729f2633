//! Text to tokens, one at a time.
//!
//! The rules, in the order in which they are tried: blanks (space, tab, form feed), comments (`#` or `//` to the end of
//! the line), line ends, strings, characters, `0x` numbers, decimal numbers, identifiers (with an optional leading dot),
//! operators. What fits none of them is a [`Tok::Bad`] token: the parser reports it and goes on after that line.

use std::sync::Arc;

use crate::source::{SourceFile, Span};
use crate::token::{Bad, Punct, Tok, Token, Word};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads the tokens of one file.
#[derive(Debug)]
pub(crate) struct Lexer {
    file: Arc<SourceFile>,
    number: u32,
    at: usize,
    extended: bool,
}

fn is_ident_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn is_ident(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a text is the name of a label in the plain dialect.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && scan(text.as_bytes(), false) == (Tok::Ident, text.len())
}

impl Lexer {
    pub fn new(file: Arc<SourceFile>, number: u32, extended: bool) -> Lexer {
        Lexer { file, number, at: 0, extended }
    }

    /// The next token; [`Tok::Eof`] again and again at the end.
    pub fn next(&mut self) -> Token {
        let text = &self.file.text[..];
        let mut at = self.at;
        loop {
            match text.get(at) {
                Some(b' ' | b'\t' | b'\x0c') => at += 1,
                // What some editors begin a text with.
                Some(0xEF) if at == 0 && text.starts_with(BYTE_ORDER_MARK) => at += BYTE_ORDER_MARK.len(),
                Some(b'#') => at = line_end(text, at),
                Some(b'/') if text.get(at + 1) == Some(&b'/') => at = line_end(text, at),
                _ => break,
            }
        }
        let (kind, length) = match text.get(at) {
            None => (Tok::Eof, 0),
            Some(_) => scan(&text[at..], self.extended),
        };
        let span = Span { file: self.number, start: at as u32, end: (at + length) as u32 };
        self.at = at + length;
        Token { kind, span, scope: 0 }
    }
}

fn line_end(text: &[u8], at: usize) -> usize {
    text[at..].iter().position(|&byte| byte == b'\n').map_or(text.len(), |length| at + length)
}

/// Kind and length of the token that non-empty `text` begins with.
fn scan(text: &[u8], extended: bool) -> (Tok, usize) {
    let run = |from: usize, accepts: fn(u8) -> bool| {
        from + text[from..].iter().position(|&byte| !accepts(byte)).unwrap_or(text.len() - from)
    };
    match text[0] {
        b'\n' => (Tok::Newline, 1),
        b'"' => scan_string(text),
        b'\'' => scan_char(text),
        b'0' if text.get(1) == Some(&b'x') && text.get(2).is_some_and(u8::is_ascii_hexdigit) => {
            (Tok::Hex, run(2, |byte| byte.is_ascii_hexdigit()))
        }
        b'0'..=b'9' => (Tok::Num, run(1, |byte| byte.is_ascii_digit())),
        b'.' if text.get(1).copied().is_some_and(is_ident_start) => (Tok::Ident, run(2, is_ident)),
        b'@' if extended && text.get(1).copied().is_some_and(is_ident_start) => (Tok::Local, run(2, is_ident)),
        first if is_ident_start(first) => {
            let length = run(1, is_ident);
            (classify(&text[..length]), length)
        }
        _ => scan_punct(text, extended),
    }
}

fn classify(ident: &[u8]) -> Tok {
    if ident[0] == b'r' && ident.len() > 1 && ident[1..].iter().all(u8::is_ascii_digit) {
        return Tok::Reg;
    }
    Word::from_bytes(ident).map_or(Tok::Ident, Tok::Word)
}

fn scan_string(text: &[u8]) -> (Tok, usize) {
    let mut at = 1;
    loop {
        match text.get(at) {
            Some(b'"') => return (Tok::Str, at + 1),
            Some(b'\\') if text.get(at + 1).is_some_and(|&next| next != b'\n') => at += 2,
            None | Some(b'\\') => return (Tok::Bad(Bad::Str), line_end(text, 0)),
            Some(_) => at += 1,
        }
    }
}

fn scan_char(text: &[u8]) -> (Tok, usize) {
    match text {
        [_, b'\\', escaped, b'\'', ..] if *escaped != b'\n' => (Tok::Char, 4),
        [_, plain, b'\'', ..] if !matches!(plain, b'\'' | b'\\') => (Tok::Char, 3),
        _ => (Tok::Bad(Bad::Char), 1),
    }
}

/// The extended operators, longest first.
const EXTENDED: [(&[u8], Punct); 13] = [
    (b"<=u", Punct::LessEqualU),
    (b">=u", Punct::GreaterEqualU),
    (b"<u", Punct::LessU),
    (b">u", Punct::GreaterU),
    (b"<<", Punct::ShiftLeft),
    (b">>", Punct::ShiftRight),
    (b"<=", Punct::LessEqual),
    (b">=", Punct::GreaterEqual),
    (b"<", Punct::Less),
    (b">", Punct::Greater),
    (b"=", Punct::Is),
    (b"%", Punct::Percent),
    (b"^", Punct::Caret),
];

fn scan_punct(text: &[u8], extended: bool) -> (Tok, usize) {
    let ends_word = |at: usize| !text.get(at).copied().is_some_and(is_ident);
    let (punct, length) = match text {
        [b':', b'=', ..] => (Punct::Assign, 2),
        [b'=', b'=', ..] => (Punct::Equal, 2),
        [b'!', b'=', ..] => (Punct::NotEqual, 2),
        [b'<', b'=', b's', ..] if ends_word(3) => (Punct::LessEqualS, 3),
        [b'>', b'=', b's', ..] if ends_word(3) => (Punct::GreaterEqualS, 3),
        [b'<', b's', ..] if ends_word(2) => (Punct::LessS, 2),
        [b'>', b's', ..] if ends_word(2) => (Punct::GreaterS, 2),
        [b'-', ..] => (Punct::Minus, 1),
        [b'+', ..] => (Punct::Plus, 1),
        [b'*', ..] => (Punct::Star, 1),
        [b'/', ..] => (Punct::Slash, 1),
        [b'&', ..] => (Punct::And, 1),
        [b'|', ..] => (Punct::Or, 1),
        [b'~', ..] => (Punct::Tilde, 1),
        [b':', ..] => (Punct::Colon, 1),
        [b';', ..] => (Punct::Semicolon, 1),
        [b',', ..] => (Punct::Comma, 1),
        [b'(', ..] => (Punct::ParenOpen, 1),
        [b')', ..] => (Punct::ParenClose, 1),
        [b'[', ..] => (Punct::BracketOpen, 1),
        [b']', ..] => (Punct::BracketClose, 1),
        _ => return scan_extended(text, extended),
    };
    (Tok::Punct(punct), length)
}

fn scan_extended(text: &[u8], extended: bool) -> (Tok, usize) {
    let fits = |spelling: &[u8]| {
        let word_like = spelling.ends_with(b"u");
        text.starts_with(spelling) && !(word_like && text.get(spelling.len()).copied().is_some_and(is_ident))
    };
    match EXTENDED.iter().find(|(spelling, _)| fits(spelling)) {
        Some(&(spelling, punct)) if extended => (Tok::Punct(punct), spelling.len()),
        Some(&(spelling, _)) => (Tok::Bad(Bad::Extended), spelling.len()),
        None if text[0] == b'@' && !extended => (Tok::Bad(Bad::Extended), 1),
        // A character of several bytes is pointed at as a whole.
        None => (
            Tok::Bad(Bad::Byte),
            1 + text[1..].iter().take(3).take_while(|&&b| text[0] >= 0xc0 && b & 0xc0 == 0x80).count(),
        ),
    }
}

/// The bytes that the inside of a string or character literal stands for: `\n \t \\ \' \"` are one byte each, any other
/// backslash stands for itself.
pub(crate) fn unescape(inside: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(inside.len());
    let mut at = 0;
    while at < inside.len() {
        let escaped = match inside[at..] {
            [b'\\', b'n', ..] => Some(b'\n'),
            [b'\\', b't', ..] => Some(b'\t'),
            [b'\\', same @ (b'\\' | b'\'' | b'"'), ..] => Some(same),
            _ => None,
        };
        out.push(escaped.unwrap_or(inside[at]));
        at += if escaped.is_some() { 2 } else { 1 };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceMap;

    fn kinds(text: &str, extended: bool) -> Vec<(Tok, String)> {
        let mut map = SourceMap::default();
        let number = map.add("t", text.as_bytes());
        let mut lexer = Lexer::new(map.file(number).clone(), number, extended);
        let mut out = Vec::new();
        loop {
            let token = lexer.next();
            if token.kind == Tok::Eof {
                return out;
            }
            out.push((token.kind, String::from_utf8_lossy(map.text(token.span)).into_owned()));
        }
    }

    #[test]
    fn longest_rules_first() {
        let of = |text: &str| kinds(text, false).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
        assert_eq!(of("0x1G 0x 12ab"), [Tok::Hex, Tok::Ident, Tok::Num, Tok::Ident, Tok::Num, Tok::Ident]);
        assert_eq!(of("r12 rx m .data"), [Tok::Reg, Tok::Ident, Tok::Word(Word::M), Tok::Ident]);
        assert_eq!(of("<s <=s"), [Tok::Punct(Punct::LessS), Tok::Punct(Punct::LessEqualS)]);
        assert_eq!(of("<sx")[0], Tok::Bad(Bad::Extended));
        let char_bad = [Tok::Char, Tok::Char, Tok::Bad(Bad::Char), Tok::Ident];
        assert_eq!(of("'\\'' '\\\\' 'ab"), char_bad);
    }

    #[test]
    fn strings_run_over_line_ends() {
        assert_eq!(kinds("\"a\nb\" c", false), [(Tok::Str, "\"a\nb\"".into()), (Tok::Ident, "c".into())]);
        assert_eq!(kinds("\"a\nb", false)[0], (Tok::Bad(Bad::Str), "\"a".into()));
        assert_eq!(unescape(br#"\n\t\\\'\"\q\"#), b"\n\t\\'\"\\q\\");
    }

    #[test]
    fn extended_operators() {
        let of = |text: &str| kinds(text, true).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
        assert_eq!(
            of("< <u <= <<")[..],
            [Punct::Less, Punct::LessU, Punct::LessEqual, Punct::ShiftLeft].map(Tok::Punct)
        );
        assert_eq!(of("<up @x"), [Tok::Punct(Punct::Less), Tok::Ident, Tok::Local]);
    }
}
