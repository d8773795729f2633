//! Text in a buffer, fast: millions of lines, no formatting machinery, no allocation per line.

use std::io;

use rum_interp::isa::{Instruction, LITERAL_MAX, Op, Reg, Word};

/// Handed on when the buffer holds this many bytes.
const FLUSH_AT: usize = 1 << 16;

/// What a piece of text is, for colouring.
#[derive(Clone, Copy, Debug)]
pub(super) enum Style {
    Comment,
    Label,
    Jump,
    Data,
}

impl Style {
    fn escape(self) -> &'static [u8] {
        match self {
            Style::Comment => b"\x1b[2m",
            Style::Label => b"\x1b[1;33m",
            Style::Jump => b"\x1b[35m",
            Style::Data => b"\x1b[36m",
        }
    }
}

pub(super) struct Sink<'w> {
    out: &'w mut dyn io::Write,
    buffer: Vec<u8>,
    /// Where in the buffer the line begins; bytes of escapes are added, so that the distance is the width.
    line_start: usize,
    color: bool,
}

impl<'w> Sink<'w> {
    pub fn new(out: &'w mut dyn io::Write, color: bool) -> Sink<'w> {
        Sink { out, buffer: Vec::with_capacity(FLUSH_AT + 4096), line_start: 0, color }
    }

    #[inline]
    pub fn put(&mut self, text: &[u8]) {
        self.buffer.extend_from_slice(text);
    }

    fn escape(&mut self, escape: &[u8]) {
        if self.color {
            self.put(escape);
            self.line_start += escape.len();
        }
    }

    pub fn begin(&mut self, style: Style) {
        self.escape(style.escape());
    }

    pub fn end(&mut self) {
        self.escape(b"\x1b[0m");
    }

    pub fn end_line(&mut self) -> io::Result<()> {
        self.buffer.push(b'\n');
        self.line_start = self.buffer.len();
        if self.buffer.len() >= FLUSH_AT {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
            self.line_start = 0;
        }
        Ok(())
    }

    pub fn finish(self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.out.flush()
    }

    /// Blanks up to a column, at least one.
    pub fn pad_to(&mut self, column: usize) {
        const BLANKS: [u8; 64] = [b' '; 64];
        let width = self.buffer.len() - self.line_start;
        let missing = column.saturating_sub(width).clamp(1, BLANKS.len());
        self.put(&BLANKS[..missing]);
    }

    pub fn number(&mut self, value: u64) {
        self.right_aligned(value, 0);
    }

    /// Decimal, with blanks before it up to `width`.
    pub fn right_aligned(&mut self, mut value: u64, width: usize) {
        let mut digits = [b' '; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (value % 10) as u8;
            value /= 10;
            if value == 0 {
                break;
            }
        }
        let from = at.min(digits.len() - width);
        self.put(&digits[from..]);
    }

    /// `0x` and eight digits.
    pub fn hex_word(&mut self, word: Word) {
        let mut digits = *b"0x00000000";
        for (index, digit) in digits[2..].iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(word >> (28 - 4 * index) & 15) as usize];
        }
        self.put(&digits);
    }

    pub fn reg(&mut self, reg: Reg) {
        self.put(&[b'r', b'0' + reg.index() as u8]);
    }

    /// A byte inside quotes.
    pub fn character(&mut self, byte: u8) {
        match byte {
            b'\n' => self.put(b"\\n"),
            b'\t' => self.put(b"\\t"),
            b'"' | b'\'' | b'\\' => self.put(&[b'\\', byte]),
            _ => self.buffer.push(byte),
        }
    }

    /// The word in the course's notation, without what it does not use.
    pub fn instruction(&mut self, word: Word) {
        let [a, b, c] = [word >> 6, word >> 3, word].map(|bits| Reg::from_bits(bits).index() as u8 + b'0');
        match Op::of(word) {
            Op::CondMove => self.put(&[
                b'i', b'f', b' ', b'(', b'r', c, b' ', b'!', b'=', b' ', b'0', b')', b' ', b'r', a, b' ', b':', b'=',
                b' ', b'r', b,
            ]),
            Op::Index => self.put(&[b'r', a, b' ', b':', b'=', b' ', b'm', b'[', b'r', b, b']', b'[', b'r', c, b']']),
            Op::Amend => self.put(&[b'm', b'[', b'r', a, b']', b'[', b'r', b, b']', b' ', b':', b'=', b' ', b'r', c]),
            Op::Add => self.put(&[b'r', a, b' ', b':', b'=', b' ', b'r', b, b' ', b'+', b' ', b'r', c]),
            Op::Mul => self.put(&[b'r', a, b' ', b':', b'=', b' ', b'r', b, b' ', b'*', b' ', b'r', c]),
            Op::Div => self.put(&[b'r', a, b' ', b':', b'=', b' ', b'r', b, b' ', b'/', b' ', b'r', c]),
            Op::Nand => {
                self.put(&[b'r', a, b' ', b':', b'=', b' ', b'r', b]);
                self.put(b" nand r");
                self.buffer.push(c);
            }
            Op::Literal => {
                self.reg(Reg::from_bits(word >> 25));
                self.put(b" := ");
                self.number(u64::from(word & LITERAL_MAX));
            }
            Op::Halt => self.put(b"halt"),
            Op::Output => {
                self.put(b"output r");
                self.buffer.push(c);
            }
            // The rarer ones are what their definition says.
            Op::Alloc | Op::Abandon | Op::Input | Op::LoadProgram | Op::Invalid => {
                use io::Write;
                // Writing to a vector cannot fail.
                let _ = write!(self.buffer, "{}", Instruction::decode(word));
            }
        }
    }
}
