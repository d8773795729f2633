//! Where the words of an image come from, as `rum asm -g` has written it down beside the image.

use crate::failure::{Failure, reason};
use crate::files;
use crate::human;
use rum_asm::Symbols;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where the symbols of an image stand: beside it, with `.sym` behind its name.
pub fn path_beside(image: &Path) -> PathBuf {
    let mut name = OsString::from(image);
    name.push(".sym");
    PathBuf::from(name)
}

/// Symbols that were named, or that may be beside the image.
#[derive(Debug)]
pub enum Source {
    /// These.
    Given(Symbols),
    /// Those in this file, if it is one: it is looked at when it is needed.
    Beside(PathBuf),
    /// None.
    Nowhere,
}

impl Source {
    /// The symbols in a file that was named.
    ///
    /// # Errors
    /// It cannot be read, or is no such file.
    pub fn given(path: &Path) -> Result<Source, Failure> {
        let symbols = files::bytes_of(path).and_then(|text| Symbols::from_json(&text));
        symbols.map(Source::Given).map_err(|error| {
            Failure::host(format!(
                "cannot read symbols {}: {} (rum asm -g writes them)",
                path.display(),
                reason(&error)
            ))
        })
    }

    /// The same, with no file to be read later.
    pub fn read_now(self) -> Source {
        match self {
            Source::Beside(path) => {
                let symbols = files::bytes_of(&path).and_then(|text| Symbols::from_json(&text));
                symbols.map_or(Source::Nowhere, Source::Given)
            }
            known => known,
        }
    }

    /// The symbols of a program of `words` words: none if those that there are belong to another.
    pub fn of_program(&self, words: usize) -> Option<Symbols> {
        let symbols = match self {
            Source::Given(symbols) => symbols.clone(),
            Source::Beside(path) => Symbols::from_json(&files::bytes_of(path).ok()?).ok()?,
            Source::Nowhere => return None,
        };
        (symbols.words as usize == words).then_some(symbols)
    }

    /// What the source says about the word at `pc` of a program of `words` words: `fib.ums:18 in loop`, or a part of it.
    pub fn place(&self, pc: u32, words: usize) -> Option<String> {
        Places::new(self, words).at(pc)
    }
}

/// What the source says about the words of one program.
#[derive(Debug)]
pub struct Places(Option<Symbols>);

impl Places {
    /// About a program of `words` words.
    pub fn new(source: &Source, words: usize) -> Places {
        Places(source.of_program(words))
    }

    /// The label at or before the word at `pc`, and how many words before.
    pub fn label_before(&self, pc: u32) -> Option<(&str, u32)> {
        let label = self.0.as_ref()?.label_at(pc)?;
        Some((&label.name, pc - label.offset))
    }

    /// The label of the word at `pc`.
    pub fn label(&self, pc: u32) -> Option<&str> {
        self.label_before(pc).filter(|&(_, words)| words == 0).map(|(label, _)| label)
    }

    /// The offset that a user means, in a program of `words` words: a number, or a label.
    ///
    /// # Errors
    /// There is no such word; the text says why.
    pub fn offset_of(&self, what: &str, words: usize) -> Result<u32, String> {
        let hex = what.strip_prefix("0x").map(|digits| u32::from_str_radix(digits, 16));
        if let Ok(offset) = hex.unwrap_or_else(|| what.parse()) {
            return match (offset as usize) < words {
                true => Ok(offset),
                false => {
                    Err(format!("there is no word {what}: the program has {}", human::number_of(words as u64, "word")))
                }
            };
        }
        let labels = self.0.as_ref().map_or(&[][..], |symbols| &symbols.labels);
        match labels.iter().find(|label| label.name == what) {
            Some(label) if (label.offset as usize) < words => Ok(label.offset),
            Some(_) => Err(format!("the label {what} is at the end of the program")),
            None if labels.is_empty() => {
                Err(format!("no label {what} is known: there are no symbols (rum asm -g writes them)"))
            }
            None => Err(format!("there is no label {what}")),
        }
    }

    /// The file and the line that the word at `pc` comes from.
    pub fn line(&self, pc: u32) -> Option<(&str, u32)> {
        let symbols = self.0.as_ref()?;
        let line = symbols.line_at(pc)?;
        Some((symbols.files.get(line.file as usize)?, line.line))
    }

    /// The first word of a line of a file, which may be named by the end of its path; of the next line that has one, otherwise.
    pub fn word_of_line(&self, file: &str, line: u32) -> Option<u32> {
        let symbols = self.0.as_ref()?;
        let is_meant = |name: &String| name == file || name.strip_suffix(file).is_some_and(|rest| rest.ends_with('/'));
        let file = symbols.files.iter().position(is_meant)? as u32;
        let lines = symbols.lines.iter().filter(|known| known.file == file && known.line >= line);
        lines.min_by_key(|known| (known.line, known.offset)).map(|known| known.offset)
    }

    /// `fib.ums:18 in loop`, or a part of it, for the word at `pc`.
    pub fn at(&self, pc: u32) -> Option<String> {
        let symbols = self.0.as_ref()?;
        let line = symbols.line_at(pc).and_then(|line| {
            let file = symbols.files.get(line.file as usize)?;
            Some(format!("{file}:{}", line.line))
        });
        let label = symbols.label_at(pc).filter(|_| pc < symbols.words).map(|label| format!("in {}", label.name));
        let parts: Vec<String> = [line, label].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_of_another_program_say_nothing() {
        let text = br#"{"version":1,"words":3,"files":["a.ums"],"sections":[],
            "labels":[{"name":"go","offset":1,"file":0,"line":5}],"lines":[{"offset":0,"file":0,"line":4},{"offset":2,"file":0,"line":9}]}"#;
        let source = Source::Given(Symbols::from_json(text).expect("symbols"));
        assert_eq!(source.place(0, 3).as_deref(), Some("a.ums:4"));
        assert_eq!(source.place(1, 3).as_deref(), Some("a.ums:4 in go"));
        assert_eq!(source.place(2, 3).as_deref(), Some("a.ums:9 in go"));
        assert_eq!(source.place(3, 3), None, "behind the program");
        assert_eq!(source.place(1, 4), None, "of another length");
        assert_eq!(Source::Nowhere.place(0, 3), None);
    }
}
