//! An image and what is known about it, as a source.

use std::io;

use rum_interp::isa::{LITERAL_MAX, Op, Reg, Word};

use crate::disasm::flow::{ADDRESS, CALLED, CODE, Flow, LABEL};
use crate::disasm::fold::{Folder, Macro, is_text};
use crate::disasm::names::Names;
use crate::disasm::options::DisasmOptions;
use crate::disasm::sink::{Sink, Style};
use crate::disasm::word::is_canonical;

/// Column of the comments.
const COMMENT_COLUMN: usize = 44;
/// Jumps that a label lists; of the others it says how many they are.
const REFERENCES_MAX: usize = 6;
/// Data words in a line.
const ROW: usize = 4;
/// Characters in a line that is not a `.string`.
const TEXT_ROW: usize = 8;
/// Characters that make a string.
const STRING_MIN: usize = 4;
/// The longest string in one line.
const STRING_MAX: usize = 4000;
/// Characters of a string that a literal's comment shows.
const PREVIEW: usize = 32;

struct Writer<'w, 's> {
    words: &'w [Word],
    flow: &'w Flow,
    names: &'w Names<'w>,
    sink: Sink<'s>,
    /// References before this one belong to labels that are written.
    reference: usize,
}

pub(super) fn write(
    words: &[Word],
    flow: &Flow,
    names: &Names<'_>,
    options: &DisasmOptions,
    sink: Sink<'_>,
) -> io::Result<()> {
    let folder = options.fold.then(|| Folder::new(words, &flow.flags, flow.zero));
    let mut writer = Writer { words, flow, names, sink, reference: 0 };
    writer.head(folder.is_some())?;
    let mut at = 0;
    let mut block_ended = false;
    while at < words.len() {
        let flags = flow.flags[at];
        if flags & LABEL != 0 {
            writer.label(at)?;
        } else if block_ended {
            writer.sink.end_line()?;
        }
        let (length, ends) = match folder.as_ref().filter(|_| flags & CODE != 0).and_then(|folder| folder.at(at)) {
            Some((folded, length)) => (length, writer.folded(at, folded, length)?),
            None if flags & CODE != 0 => (1, writer.instruction(at)?),
            None => (writer.data(at)?, false),
        };
        at += length;
        // Code ends where data begins.
        let changes = flow.flags.get(at).is_some_and(|next| (next ^ flags) & CODE != 0);
        block_ended = ends || changes;
    }
    writer.sink.finish()
}

impl Writer<'_, '_> {
    fn head(&mut self, folding: bool) -> io::Result<()> {
        let count = |flag: u8| self.flow.flags.iter().filter(|flags| *flags & flag != 0).count() as u64;
        let (code, labels) = (count(CODE), count(LABEL));
        self.sink.begin(Style::Comment);
        self.sink.put(b"// ");
        self.sink.number(self.words.len() as u64);
        self.sink.put(b" words: ");
        self.sink.number(code);
        self.sink.put(b" of code, ");
        self.sink.number(self.words.len() as u64 - code);
        self.sink.put(b" of data; ");
        self.sink.number(labels);
        self.sink.put(b" labels");
        self.sink.end();
        self.sink.end_line()?;
        if let (Some(zero), true) = (self.flow.zero, folding) {
            self.sink.put(b".zero r");
            self.sink.number(zero.into());
            self.sink.end_line()?;
        }
        Ok(())
    }

    /// The label at `at`, after an empty line, with the jumps that lead there.
    fn label(&mut self, at: usize) -> io::Result<()> {
        self.sink.end_line()?;
        self.sink.begin(Style::Label);
        self.label_name(at as u32);
        self.sink.put(b":");
        self.sink.end();
        let references = &self.flow.references;
        // Targets are labels, and labels are written in order.
        let start = self.reference;
        let count = references[start..].iter().take_while(|&&(target, _)| target == at as u32).count();
        self.reference += count;
        if count > 0 {
            self.sink.pad_to(COMMENT_COLUMN);
            self.sink.begin(Style::Comment);
            let called = self.flow.flags[at] & CALLED != 0;
            self.sink.put(if called { b"// called from " } else { b"// from " });
            for (index, &(_, source)) in references[start..start + count.min(REFERENCES_MAX)].iter().enumerate() {
                if index > 0 {
                    self.sink.put(b", ");
                }
                self.sink.number(source.into());
            }
            if count > REFERENCES_MAX {
                self.sink.put(b" and ");
                self.sink.number((count - REFERENCES_MAX) as u64);
                self.sink.put(b" more");
            }
            self.sink.end();
        }
        self.sink.end_line()
    }

    fn label_name(&mut self, address: u32) {
        match self.names.at(address) {
            Some(name) => self.sink.put(name.as_bytes()),
            None => {
                self.sink.put(b"L");
                self.sink.number(address.into());
            }
        }
    }

    /// ` // ` and the address; what follows belongs to the comment until the line is ended by `end_comment`.
    fn begin_comment(&mut self, at: usize) {
        self.sink.pad_to(COMMENT_COLUMN);
        self.sink.begin(Style::Comment);
        self.sink.put(b"// ");
        self.sink.number(at as u64);
    }

    fn end_comment(&mut self) -> io::Result<()> {
        self.sink.end();
        self.sink.end_line()
    }

    /// One word of code as one line; true if the block ends with it.
    fn instruction(&mut self, at: usize) -> io::Result<bool> {
        let word = self.words[at];
        let op = Op::of(word);
        self.sink.put(b"    ");
        if !is_canonical(word) {
            self.sink.begin(Style::Data);
            self.sink.put(b".data ");
            self.sink.hex_word(word);
            self.sink.end();
            self.begin_comment(at);
            if op != Op::Invalid {
                self.sink.put(b"  ");
                self.sink.instruction(word);
                self.sink.put(b", with bits that it does not use");
            }
            self.end_comment()?;
            return Ok(matches!(op, Op::LoadProgram | Op::Halt));
        }
        let ends = matches!(op, Op::LoadProgram | Op::Halt);
        if op == Op::Literal && self.flow.flags[at] & ADDRESS != 0 {
            self.sink.reg(Reg::from_bits(word >> 25));
            self.sink.put(b" := ");
            self.label_name(word & LITERAL_MAX);
            self.begin_comment(at);
            return self.end_comment().map(|()| false);
        }
        if ends {
            self.sink.begin(Style::Jump);
        }
        self.sink.instruction(word);
        if ends {
            self.sink.end();
        }
        self.begin_comment(at);
        if op == Op::Literal {
            self.value_note(word & LITERAL_MAX);
        }
        self.end_comment().map(|()| ends)
    }

    /// What a number may mean: a character, or the address of a string.
    fn value_note(&mut self, value: u32) {
        if is_text(value) {
            self.sink.put(b"  '");
            self.sink.character(value as u8);
            self.sink.put(b"'");
            return;
        }
        let start = value as usize;
        if start >= self.words.len() || !is_text(self.words[start]) || self.flow.flags[start] & CODE != 0 {
            return;
        }
        let begins = start == 0 || !is_text(self.words[start - 1]);
        let length = self.words[start..].iter().take(PREVIEW + 1).take_while(|&&word| is_text(word)).count();
        if begins && length >= STRING_MIN {
            self.sink.put(b"  \"");
            self.text(start, length.min(PREVIEW));
            self.sink.put(if length > PREVIEW { b"..." } else { b"\"" });
        }
    }

    fn text(&mut self, start: usize, length: usize) {
        for index in start..start + length {
            self.sink.character(self.words[index] as u8);
        }
    }

    /// A macro instruction; true if the block ends with it.
    fn folded(&mut self, at: usize, folded: Macro, length: usize) -> io::Result<bool> {
        let ends = matches!(folded, Macro::Goto { .. } | Macro::GotoLinking { .. } | Macro::Branch { .. });
        self.sink.put(b"    ");
        if ends {
            self.sink.begin(Style::Jump);
        }
        self.macro_text(at, folded, length);
        if ends {
            self.sink.end();
        }
        self.begin_comment(at);
        if let Macro::Constant { value, .. } | Macro::Offset { value, .. } = folded {
            self.value_note(value);
        }
        self.end_comment()?;
        Ok(ends)
    }

    fn macro_text(&mut self, at: usize, folded: Macro, length: usize) {
        match folded {
            Macro::Goto { target, temp } => {
                self.sink.put(b"goto ");
                self.label_name(target);
                self.using(&[temp]);
            }
            Macro::GotoLinking { target, link, temp } => {
                self.sink.put(b"goto ");
                self.label_name(target);
                self.sink.put(b" linking ");
                self.sink.reg(link);
                self.using(&[temp]);
            }
            Macro::Branch { condition, if_zero, target, using } => {
                self.sink.put(b"if (");
                self.sink.reg(condition);
                self.sink.put(if if_zero { b" == 0) goto " } else { b" != 0) goto " });
                self.label_name(target);
                self.using(&using);
            }
            Macro::Constant { to, value, temp } => {
                self.sink.reg(to);
                self.sink.put(b" := ");
                match temp {
                    Some(temp) => {
                        self.sink.hex_word(value);
                        self.using(&[temp]);
                    }
                    None => {
                        self.sink.put(b"-");
                        self.sink.number(u64::from(value.wrapping_neg()));
                    }
                }
            }
            Macro::Offset { to, base, value, temp } => {
                self.assign(to, base, b" + ");
                self.sink.number(value.into());
                if let Some(temp) = temp {
                    self.using(&[temp]);
                }
            }
            Macro::OutputString { temp } => {
                self.sink.put(b"output \"");
                for index in (at..at + length).step_by(2) {
                    self.sink.character((self.words[index] & LITERAL_MAX) as u8);
                }
                self.sink.put(b"\"");
                self.using(&[temp]);
            }
            Macro::Push { value, stack, temp } => {
                self.sink.put(b"push ");
                self.sink.reg(value);
                self.sink.put(b" on stack ");
                self.sink.reg(stack);
                self.using(&[temp]);
            }
            Macro::Pop { to, stack, temp } => {
                self.sink.put(b"pop ");
                self.sink.reg(to);
                self.sink.put(b" off stack ");
                self.sink.reg(stack);
                self.using(&[temp]);
            }
            _ => self.operator_text(folded),
        }
    }

    fn operator_text(&mut self, folded: Macro) {
        let (to, left, op, right, using): (Reg, Reg, &[u8], Reg, &[Reg]) = match &folded {
            Macro::Not { to, of } => return self.unary(*to, b" := ~", *of, &[]),
            Macro::Negate { to, of, temp } => return self.unary(*to, b" := -", *of, &[*temp]),
            Macro::Move { to, from } => return self.unary(*to, b" := ", *from, &[]),
            Macro::And { to, left, right } => (*to, *left, b" & ", *right, &[]),
            Macro::Or { to, left, right, temp } => (*to, *left, b" | ", *right, std::slice::from_ref(temp)),
            Macro::Xor { to, left, right, using } => (*to, *left, b" xor ", *right, using),
            Macro::Sub { to, left, right, temp } => (*to, *left, b" - ", *right, std::slice::from_ref(temp)),
            _ => return,
        };
        self.assign(to, left, op);
        self.sink.reg(right);
        self.using(using);
    }

    fn unary(&mut self, to: Reg, op: &[u8], of: Reg, using: &[Reg]) {
        self.sink.reg(to);
        self.sink.put(op);
        self.sink.reg(of);
        self.using(using);
    }

    fn assign(&mut self, to: Reg, left: Reg, op: &[u8]) {
        self.sink.reg(to);
        self.sink.put(b" := ");
        self.sink.reg(left);
        self.sink.put(op);
    }

    fn using(&mut self, regs: &[Reg]) {
        for (index, &reg) in regs.iter().enumerate() {
            self.sink.put(if index == 0 { b" using " } else { b", " });
            self.sink.reg(reg);
        }
    }

    /// How many words from `at` on are data, have no label but at `at`, and satisfy `fits`; at most `limit`.
    fn data_run(&self, at: usize, limit: usize, fits: impl Fn(Word) -> bool) -> usize {
        let end = self.words.len().min(at.saturating_add(limit));
        (at..end)
            .take_while(|&index| {
                let flags = self.flow.flags[index];
                flags & CODE == 0 && (index == at || flags & LABEL == 0) && fits(self.words[index])
            })
            .count()
    }

    /// A line of data; the number of its words.
    fn data(&mut self, at: usize) -> io::Result<usize> {
        let zeros = self.data_run(at, usize::MAX, |word| word == 0);
        let string = self.data_run(at, STRING_MAX, is_text);
        let ended = self.data_run(at, string + 1, |_| true) == string + 1 && self.words[at + string] == u32::MAX;
        self.sink.put(b"    ");
        self.sink.begin(Style::Data);
        let length;
        if zeros >= ROW {
            length = zeros;
            self.sink.put(b".space ");
            self.sink.number(zeros as u64);
        } else if ended && string >= STRING_MIN - 1 {
            length = string + 1;
            self.sink.put(b".string \"");
            self.text(at, string);
            self.sink.put(b"\"");
        } else if string >= STRING_MIN {
            return self.text_row(at, string.min(TEXT_ROW));
        } else {
            let starts = |index: usize| {
                self.data_run(index, ROW, |word| word == 0) == ROW
                    || self.data_run(index, STRING_MIN, is_text) == STRING_MIN
            };
            let row = self.data_run(at, ROW, |_| true);
            length = (1..row).find(|&ahead| starts(at + ahead)).unwrap_or(row).max(1);
            self.data_words(at, length);
        }
        self.sink.end();
        self.begin_comment(at);
        self.end_comment()?;
        Ok(length)
    }

    fn data_words(&mut self, at: usize, length: usize) {
        for (index, &word) in self.words[at..at + length].iter().enumerate() {
            self.sink.put(if index == 0 { b".data " } else { b"; .data " });
            self.sink.hex_word(word);
        }
    }

    fn text_row(&mut self, at: usize, length: usize) -> io::Result<usize> {
        for index in at..at + length {
            self.sink.put(if index == at { b".data '" } else { b"; .data '" });
            self.sink.character(self.words[index] as u8);
            self.sink.put(b"'");
        }
        self.sink.end();
        self.begin_comment(at);
        self.sink.put(b"  \"");
        self.text(at, length);
        self.sink.put(b"\"");
        self.end_comment()?;
        Ok(length)
    }
}
