//! What is wrong with a source, where, and what would help; and its rendering as text.
//!
//! A diagnostic owns everything that it shows, so it outlives the sources. The rendering is that of `rustc`, by the
//! same library.

use std::fmt;
use std::ops::{Deref, DerefMut, Range};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::source::{SourceMap, Span};

/// Whether an assembly fails because of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// There is no image.
    Error,
    /// The image is what the language defines, but hardly what was meant.
    Warning,
}

/// A place in a source, with the line that is shown for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// Name of the source.
    pub file: String,
    /// Line number, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The line, without its end, or what is around the place if it is very long; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// Whether the line's beginning is not in `text`.
    pub is_cut: bool,
    /// The bytes of `text` that are meant.
    pub range: Range<usize>,
    /// Short text beside the place; may be empty.
    pub label: String,
}

/// Of a line that is longer, so many bytes are shown before a place, of it, and behind it, at the most.
const AROUND_MAX: usize = 500;

/// One finding about a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, in a sentence without a final full stop.
    pub message: String,
    /// Where.
    pub primary: Excerpt,
    /// Other places that matter: the earlier definition, the macro call that led here.
    pub related: Vec<Excerpt>,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// The text for people, several lines without a final line end; `color` adds terminal escapes.
    pub fn render(&self, color: bool) -> String {
        let (level, kind) = match self.severity {
            Severity::Error => (Level::ERROR, AnnotationKind::Primary),
            Severity::Warning => (Level::WARNING, AnnotationKind::Primary),
        };
        let mut group = self.primary.show(Group::with_title(level.primary_title(&self.message)), kind);
        for excerpt in &self.related {
            group = excerpt.show(group, AnnotationKind::Context);
        }
        for hint in &self.hints {
            group = group.element(Level::HELP.message(hint));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}

impl fmt::Display for Diagnostic {
    /// The rendering without colour.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostic {}

impl Excerpt {
    pub(crate) fn new(sources: &SourceMap, span: Span, label: impl Into<String>) -> Excerpt {
        let file = sources.file(span.file);
        let (line, bytes) = file.line_at(span.start);
        let start = (span.start as usize).min(bytes.end);
        let end =
            (span.end as usize).clamp(start, bytes.end).min(boundary(&file.text, start.saturating_add(AROUND_MAX)));
        let before = boundary(&file.text, start.saturating_sub(AROUND_MAX)).clamp(bytes.start, start);
        let behind = boundary(&file.text, end.saturating_add(AROUND_MAX)).min(bytes.end);
        let column = String::from_utf8_lossy(&file.text[bytes.start..start]).chars().count() as u32 + 1;
        let mut text = String::from_utf8_lossy(&file.text[before..start]).into_owned();
        let from = text.len();
        text.push_str(&String::from_utf8_lossy(&file.text[start..end]));
        let to = text.len();
        text.push_str(&String::from_utf8_lossy(&file.text[end..behind]));
        let is_cut = before > bytes.start;
        Excerpt { file: file.name.clone(), line, column, text, is_cut, range: from..to, label: label.into() }
    }

    /// Adds it to what is shown.
    fn show<'a>(&'a self, group: Group<'a>, kind: AnnotationKind) -> Group<'a> {
        let mut annotation = kind.span(self.range.clone());
        if !self.label.is_empty() {
            annotation = annotation.label(&self.label);
        }
        let snippet = Snippet::source(&self.text).line_start(self.line as usize).annotation(annotation);
        if !self.is_cut {
            return group.element(snippet.path(&self.file));
        }
        // The renderer would count columns from where the text begins, and not the line.
        let place = format!("that is {}:{}:{}, in a very long line", self.file, self.line, self.column);
        group.element(snippet).element(Level::NOTE.message(place))
    }
}

/// The first place from `at` on where a character may begin.
fn boundary(text: &[u8], at: usize) -> usize {
    (at..text.len()).find(|&at| text[at] & 0xC0 != 0x80).unwrap_or(text.len())
}

/// A diagnostic on its way up, before its places are looked up. One pointer, because the good case is the common one.
#[derive(Debug)]
pub(crate) struct Failure(Box<Details>);

/// What a [`Failure`] points to.
#[derive(Debug)]
pub(crate) struct Details {
    pub severity: Severity,
    pub span: Span,
    pub message: String,
    pub label: String,
    pub related: Vec<(Span, String)>,
    pub hints: Vec<String>,
}

impl Deref for Failure {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl DerefMut for Failure {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

/// Result of whatever can find something wrong.
pub(crate) type Fallible<T> = Result<T, Failure>;

impl Failure {
    pub fn new(span: Span, message: impl Into<String>) -> Failure {
        Failure(Box::new(Details {
            severity: Severity::Error,
            span,
            message: message.into(),
            label: String::new(),
            related: Vec::new(),
            hints: Vec::new(),
        }))
    }

    pub fn warning(span: Span, message: impl Into<String>) -> Failure {
        let mut failure = Failure::new(span, message);
        failure.severity = Severity::Warning;
        failure
    }

    pub fn label(mut self, label: impl Into<String>) -> Failure {
        self.label = label.into();
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hints.push(hint.into());
        self
    }

    pub fn related(mut self, span: Span, label: impl Into<String>) -> Failure {
        self.related.push((span, label.into()));
        self
    }

    pub fn into_diagnostic(self, sources: &SourceMap) -> Diagnostic {
        let details = *self.0;
        Diagnostic {
            severity: details.severity,
            message: details.message,
            primary: Excerpt::new(sources, details.span, details.label),
            related: details.related.into_iter().map(|(span, label)| Excerpt::new(sources, span, label)).collect(),
            hints: details.hints,
        }
    }
}
