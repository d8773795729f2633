//! From sources to an image: the passes in order.

use std::sync::Arc;

use rum_interp::isa::Word;
use serde::{Deserialize, Serialize};

use crate::ast::Labels;
use crate::codegen::Generator;
use crate::diagnostic::{Diagnostic, Failure, Severity};
use crate::link::Linked;
use crate::options::Options;
use crate::parser::{Definitions, Parser};
use crate::source::{Source, SourceFile, SourceMap, Span, TEXT_MAX};

/// After so many errors the rest is not looked at: the file is something else than a source.
const ERRORS_MAX: usize = 1000;

/// A program that was assembled.
#[derive(Clone, Debug)]
pub struct Assembly {
    /// The image.
    pub words: Vec<Word>,
    /// Sections in the order in which they are laid out.
    pub sections: Vec<Section>,
    /// Labels in order of addresses, without those that are private to a procedure or a macro's expansion.
    pub labels: Vec<LabelPlace>,
    /// Which statement each word comes from, in order of addresses: an entry holds up to the next one. Empty unless
    /// [`Options::debug`] is set.
    pub lines: Vec<LinePlace>,
    /// What is legal but hardly meant.
    pub warnings: Vec<Diagnostic>,
    pub(crate) files: Vec<Arc<SourceFile>>,
}

impl Assembly {
    /// The image as a file holds it: four bytes a word, the most significant one first.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// Names of all sources, the included ones too; [`LinePlace::file`] and [`LabelPlace::file`] count in it.
    pub fn file_names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.name.as_str())
    }
}

/// Where a section ended up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Address of its first word.
    pub offset: u32,
    /// Its length in words.
    pub words: u32,
}

/// Where a label ended up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelPlace {
    /// Its name.
    pub name: String,
    /// The address that it stands for.
    pub offset: u32,
    /// Number of the source that defines it.
    pub file: u32,
    /// The line of its definition, from 1.
    pub line: u32,
}

/// The first word of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinePlace {
    /// Its address.
    pub offset: u32,
    /// Number of the source.
    pub file: u32,
    /// The statement's line, from 1.
    pub line: u32,
}

/// Assembles `sources` as one program: sections go on from file to file, labels are global, `.zero` and `.temps` hold
/// for one file.
///
/// # Errors
/// All errors of all sources, in the order of the text.
pub fn assemble(sources: &[Source], options: &Options) -> Result<Assembly, Vec<Diagnostic>> {
    let mut run = Run {
        sources: SourceMap::default(),
        labels: Labels::default(),
        definitions: Definitions::new(),
        generator: Generator::new(options.debug),
        failures: Vec::new(),
        errors: 0,
    };
    for source in sources {
        run.file(source, options);
    }
    run.finish()
}

struct Run {
    sources: SourceMap,
    labels: Labels,
    definitions: Definitions,
    generator: Generator,
    failures: Vec<Failure>,
    errors: usize,
}

impl Run {
    fn file(&mut self, source: &Source, options: &Options) {
        if source.text.len() > TEXT_MAX {
            let file = self.sources.add(&source.name, &[]);
            self.errors += 1;
            self.failures.push(Failure::new(Span { file, start: 0, end: 0 }, "this file is too large"));
            return;
        }
        let file = self.sources.add(&source.name, &source.text);
        self.generator.begin_file();
        let mut parser = Parser::new(file, &mut self.sources, &mut self.labels, &mut self.definitions, options);
        while self.errors < ERRORS_MAX {
            let result = match parser.statement() {
                Ok(None) => break,
                Ok(Some(statement)) => {
                    let line = parser.outermost(statement.span);
                    self.generator.statement(&statement, line, parser.labels())
                }
                Err(failure) => {
                    let failure = parser.explain(failure);
                    parser.recover();
                    self.errors += 1;
                    self.failures.push(failure);
                    continue;
                }
            };
            if let Err(failure) = result {
                self.errors += 1;
                self.failures.push(parser.explain(failure));
            }
        }
        self.failures.extend(parser.take_warnings());
    }

    fn finish(mut self) -> Result<Assembly, Vec<Diagnostic>> {
        let linked = self.generator.output.link(&self.labels);
        let linked = match linked {
            Ok(mut linked) => {
                self.failures.append(&mut linked.warnings);
                Some(linked)
            }
            Err(mut errors) => {
                errors.truncate(ERRORS_MAX.saturating_sub(self.errors));
                self.failures.append(&mut errors);
                None
            }
        };
        self.failures.sort_by_key(|failure| (failure.span.file, failure.span.start));
        let failed = self.failures.iter().any(|failure| failure.severity == Severity::Error);
        let sources = &self.sources;
        let diagnostics = self.failures.into_iter().map(|failure| failure.into_diagnostic(sources)).collect();
        match linked {
            Some(linked) if !failed => Ok(assembly(linked, &self.sources, &self.labels, diagnostics)),
            _ => Err(diagnostics),
        }
    }
}

fn assembly(linked: Linked, sources: &SourceMap, labels: &Labels, warnings: Vec<Diagnostic>) -> Assembly {
    let line_of = |span: Span| sources.file(span.file).line_at(span.start).0;
    let mut lines: Vec<LinePlace> = Vec::with_capacity(linked.lines.len());
    for &(offset, span) in &linked.lines {
        let place = LinePlace { offset, file: span.file, line: line_of(span) };
        match lines.last_mut() {
            // A statement that left no word.
            Some(last) if last.offset == offset => *last = place,
            _ => lines.push(place),
        }
    }
    let labels = linked.labels.iter().map(|&(label, offset, span)| LabelPlace {
        name: labels.name(label),
        offset,
        file: span.file,
        line: line_of(span),
    });
    Assembly {
        labels: labels.collect(),
        sections: linked.sections.into_iter().map(|(name, offset, words)| Section { name, offset, words }).collect(),
        words: linked.words,
        lines,
        warnings,
        files: sources.files().to_vec(),
    }
}
