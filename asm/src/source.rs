//! Source texts, positions in them, and where a position stands in lines and columns.
//!
//! A text is bytes: every byte is one character (as in Latin-1), because that is how the course's assembler counts the
//! characters of a string. Line ends of other systems (`\r\n`, a lone `\r`) become `\n` before anything looks at them.

use std::sync::{Arc, OnceLock};

/// One source text and the name it is reported under (normally its path).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Shown in diagnostics, listings and symbols; `.include` paths are relative to its directory.
    pub name: String,
    /// The text as read from the file.
    pub text: Vec<u8>,
}

impl Source {
    /// A source named `name` with the given text.
    pub fn new(name: impl Into<String>, text: impl Into<Vec<u8>>) -> Source {
        Source { name: name.into(), text: text.into() }
    }
}

/// The longest text that positions can describe.
pub(crate) const TEXT_MAX: usize = u32::MAX as usize - 1;

/// The most texts of one run, the included ones too, each as often as it is included.
pub(crate) const FILES_MAX: usize = 1 << 14;

/// Bytes `start..end` of file number `file`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub file: u32,
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// From the beginning of `self` to the end of `last`, or `self` alone where they stand in different files.
    pub fn to(self, last: Span) -> Span {
        if self.file == last.file && last.end >= self.start { Span { end: last.end, ..self } } else { self }
    }
}

/// A text with normalised line ends.
#[derive(Debug)]
pub(crate) struct SourceFile {
    pub name: String,
    pub text: Vec<u8>,
    line_starts: OnceLock<Vec<u32>>,
}

impl SourceFile {
    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let ends = self.text.iter().enumerate().filter(|&(_, &byte)| byte == b'\n');
            std::iter::once(0).chain(ends.map(|(at, _)| at as u32 + 1)).collect()
        })
    }

    /// Number of the line (from 1) that holds byte `at`, and the byte range of that line without its end.
    pub fn line_at(&self, at: u32) -> (u32, std::ops::Range<usize>) {
        let starts = self.line_starts();
        let index = starts.partition_point(|&start| start <= at) - 1;
        let end = starts.get(index + 1).map_or(self.text.len(), |&next| next as usize - 1);
        (index as u32 + 1, starts[index] as usize..end)
    }

    /// Every line in order, without line ends; what follows the last line end is no line if it is empty.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let starts = self.line_starts();
        let unended = starts.last().is_some_and(|&last| (last as usize) < self.text.len());
        (0..starts.len() - usize::from(!unended)).map(move |index| {
            let end = starts.get(index + 1).map_or(self.text.len(), |&next| next as usize - 1);
            &self.text[starts[index] as usize..end]
        })
    }
}

/// All texts of one run, the included ones too.
#[derive(Debug, Default)]
pub(crate) struct SourceMap {
    files: Vec<Arc<SourceFile>>,
}

impl SourceMap {
    /// Takes a text in and returns its number.
    pub fn add(&mut self, name: &str, text: &[u8]) -> u32 {
        let text = normalise(text);
        self.files.push(Arc::new(SourceFile { name: name.to_owned(), text, line_starts: OnceLock::new() }));
        self.files.len() as u32 - 1
    }

    /// The text with that number.
    pub fn file(&self, file: u32) -> &Arc<SourceFile> {
        &self.files[file as usize]
    }

    /// All texts, by number.
    pub fn files(&self) -> &[Arc<SourceFile>] {
        &self.files
    }

    /// The bytes that `span` covers.
    pub fn text(&self, span: Span) -> &[u8] {
        &self.files[span.file as usize].text[span.start as usize..span.end as usize]
    }
}

fn normalise(text: &[u8]) -> Vec<u8> {
    if !text.contains(&b'\r') {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\r' {
            bytes.next_if_eq(&b'\n');
            out.push(b'\n');
        } else {
            out.push(byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_of_three_systems_are_one() {
        assert_eq!(normalise(b"a\r\nb\rc\n\r\n\rd"), b"a\nb\nc\n\n\nd");
    }

    #[test]
    fn positions_become_lines() {
        let mut map = SourceMap::default();
        let file = map.add("a", b"one\n\nthree");
        let file = map.file(file).clone();
        assert_eq!(file.line_at(0), (1, 0..3));
        assert_eq!(file.line_at(3), (1, 0..3));
        assert_eq!(file.line_at(4), (2, 4..4));
        assert_eq!(file.line_at(9), (3, 5..10));
        assert_eq!(file.lines().collect::<Vec<_>>(), [&b"one"[..], b"", b"three"]);
        for (text, lines) in [(&b""[..], 0), (b"\n", 1), (b"a\n", 1), (b"a\nb", 2)] {
            let file = map.add("b", text);
            assert_eq!(map.file(file).lines().count(), lines);
        }
    }
}
