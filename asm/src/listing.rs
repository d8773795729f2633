//! Where the words of an image come from: a listing for people and symbols for programs.

use std::io;

use serde::{Deserialize, Serialize};

use crate::assemble::{Assembly, LabelPlace, LinePlace, Section};

/// The version of the symbols format.
pub const SYMBOLS_VERSION: u32 = 1;

/// What a profiler or debugger wants to know about an image; as JSON it is the symbols file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symbols {
    /// [`SYMBOLS_VERSION`] of the writer.
    pub version: u32,
    /// Length of the image in words.
    pub words: u32,
    /// Names of the sources. The other lists refer to them by number, from 0.
    pub files: Vec<String>,
    /// Sections, in order of addresses.
    pub sections: Vec<Section>,
    /// Labels, in order of addresses.
    pub labels: Vec<LabelPlace>,
    /// Statements, in order of addresses; each holds up to the next one.
    pub lines: Vec<LinePlace>,
}

impl Symbols {
    /// Reads a symbols file.
    ///
    /// # Errors
    /// If `text` is no such file, one of another version, or one that is out of order.
    pub fn from_json(text: &[u8]) -> io::Result<Symbols> {
        let symbols: Symbols = serde_json::from_slice(text)?;
        if symbols.version != SYMBOLS_VERSION {
            let found = symbols.version;
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("symbols of version {found}, version {SYMBOLS_VERSION} is understood"),
            ));
        }
        let in_order = symbols.labels.is_sorted_by_key(|label| label.offset)
            && symbols.lines.is_sorted_by_key(|line| line.offset)
            && symbols.sections.is_sorted_by_key(|section| section.offset);
        if !in_order {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "symbols are in the order of addresses"));
        }
        Ok(symbols)
    }

    /// The label at or before word `offset`, the last one where several stand together.
    pub fn label_at(&self, offset: u32) -> Option<&LabelPlace> {
        let after = self.labels.partition_point(|label| label.offset <= offset);
        self.labels.get(after.checked_sub(1)?)
    }

    /// The statement that word `offset` belongs to.
    pub fn line_at(&self, offset: u32) -> Option<&LinePlace> {
        let after = self.lines.partition_point(|line| line.offset <= offset);
        self.lines.get(after.checked_sub(1)?).filter(|_| offset < self.words)
    }
}

impl Assembly {
    /// What is known about the image's words. Without [`crate::Options::debug`] there are no lines.
    pub fn symbols(&self) -> Symbols {
        Symbols {
            version: SYMBOLS_VERSION,
            words: self.words.len() as u32,
            files: self.file_names().map(str::to_owned).collect(),
            sections: self.sections.clone(),
            labels: self.labels.clone(),
            lines: self.lines.clone(),
        }
    }

    /// Writes [`Assembly::symbols`] as JSON.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_symbols(&self, out: &mut dyn io::Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, &self.symbols())?;
        out.write_all(b"\n")
    }

    /// Writes every source line with the words that it became: address, word, line number, text. What a macro or a
    /// procedure expands to stands at the line that called for it. Needs [`crate::Options::debug`].
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_listing(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let end_of = |index: usize| self.lines.get(index + 1).map_or(self.words.len(), |next| next.offset as usize);
        let mut statements: Vec<(LinePlace, usize)> =
            self.lines.iter().enumerate().map(|(index, &line)| (line, end_of(index))).collect();
        statements.sort_by_key(|(line, _)| (line.file, line.line, line.offset));
        let mut statements = statements.into_iter().peekable();
        for (number, file) in self.files.iter().enumerate() {
            writeln!(out, "{}", file.name)?;
            for (line, text) in (1u32..).zip(file.lines()) {
                let mut text = Some(String::from_utf8_lossy(text));
                let is_here = |(place, _): &(LinePlace, usize)| (place.file as usize, place.line) == (number, line);
                while let Some((place, end)) = statements.next_if(is_here) {
                    for offset in place.offset as usize..end {
                        write!(out, "{offset:8}  {:08x}", self.words[offset])?;
                        match text.take() {
                            Some(text) => writeln!(out, "  {line:5}  {text}")?,
                            None => writeln!(out)?,
                        }
                    }
                }
                if let Some(text) = text {
                    writeln!(out, "{:18}  {line:5}  {text}", "")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is looked up in a list by halves would be found anywhere in it.
    #[test]
    fn symbols_out_of_order_are_refused() {
        let text = |labels: [u32; 2], lines: [u32; 2]| {
            let label = |offset| format!(r#"{{"name":"a","offset":{offset},"file":0,"line":1}}"#);
            let line = |offset| format!(r#"{{"offset":{offset},"file":0,"line":1}}"#);
            let (labels, lines) = (labels.map(label).join(","), lines.map(line).join(","));
            format!(r#"{{"version":1,"words":9,"files":["a"],"sections":[],"labels":[{labels}],"lines":[{lines}]}}"#)
        };
        assert!(Symbols::from_json(text([1, 1], [0, 2]).as_bytes()).is_ok());
        assert!(Symbols::from_json(text([2, 1], [0, 2]).as_bytes()).is_err());
        assert!(Symbols::from_json(text([1, 2], [2, 0]).as_bytes()).is_err());
    }
}
