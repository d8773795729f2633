//! Sections, the places of labels in them, and the words that wait for an address.

use std::collections::{BTreeMap, HashMap};

use rum_interp::isa::{LITERAL_MAX, Op, Word};

use crate::ast::{Constant, Label, Labels};
use crate::closest::closest;
use crate::diagnostic::{Failure, Fallible};
use crate::source::Span;

/// The most words an image may have: 1 GiB.
pub(crate) const WORDS_MAX: usize = 1 << 28;

/// Uses of a missing label that are shown beside the first.
const USES_SHOWN: usize = 3;

/// How an address goes into its word.
#[derive(Clone, Copy, Debug)]
enum Use {
    /// Into the value of the literal instruction that is there.
    Literal,
    /// The whole word.
    Data,
    /// The whole word, less the address of this label.
    DistanceFrom(Label),
}

#[derive(Debug)]
struct Fixup {
    at: u32,
    label: Label,
    addend: Constant,
    how: Use,
    span: Span,
}

/// A run of statements: where in its section it begins and where it was written.
#[derive(Clone, Copy, Debug)]
struct LineMark {
    at: u32,
    span: Span,
}

#[derive(Debug, Default)]
struct Section {
    name: Vec<u8>,
    words: Vec<Word>,
    fixups: Vec<Fixup>,
    lines: Vec<LineMark>,
}

/// Where a label stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    section: u32,
    offset: u32,
    span: Span,
}

/// An image in the making.
#[derive(Debug)]
pub(crate) struct Output {
    sections: Vec<Section>,
    by_name: HashMap<Vec<u8>, usize>,
    current: usize,
    places: Vec<Option<Place>>,
    total: usize,
    keep_lines: bool,
}

/// An image, and where its parts come from.
#[derive(Debug)]
pub(crate) struct Linked {
    pub words: Vec<Word>,
    /// Name, first word and length of each section.
    pub sections: Vec<(String, u32, u32)>,
    /// Name, address and definition of each label that a source names.
    pub labels: Vec<(Label, u32, Span)>,
    /// First word of each statement, in order of addresses.
    pub lines: Vec<(u32, Span)>,
    pub warnings: Vec<Failure>,
}

impl Output {
    pub fn new(keep_lines: bool) -> Output {
        let mut output = Output {
            sections: Vec::new(),
            by_name: HashMap::new(),
            current: 0,
            places: Vec::new(),
            total: 0,
            keep_lines,
        };
        output.section(b"init".to_vec());
        output
    }

    pub fn section(&mut self, name: Vec<u8>) {
        let next = self.sections.len();
        self.current = *self.by_name.entry(name.clone()).or_insert(next);
        if self.current == next {
            self.sections.push(Section { name, ..Section::default() });
        }
    }

    #[inline]
    fn here(&mut self) -> &mut Section {
        &mut self.sections[self.current]
    }

    #[inline]
    pub fn word(&mut self, word: Word) {
        self.total += 1;
        self.here().words.push(word);
    }

    pub fn zeros(&mut self, count: usize) {
        self.total += count;
        let section = self.here();
        section.words.resize(section.words.len() + count, 0);
    }

    /// Words in all sections so far.
    pub fn total(&self) -> usize {
        self.total
    }

    fn fixup(&mut self, word: Word, label: Label, addend: Constant, how: Use, span: Span) {
        let section = self.here();
        let at = section.words.len() as u32;
        section.fixups.push(Fixup { at, label, addend, how, span });
        self.word(word);
    }

    /// A literal instruction that takes the label's address.
    pub fn literal_address(&mut self, instruction: Word, label: Label, addend: Constant, span: Span) {
        self.fixup(instruction, label, addend, Use::Literal, span);
    }

    pub fn data_address(&mut self, label: Label, addend: Constant, span: Span) {
        self.fixup(0, label, addend, Use::Data, span);
    }

    pub fn distance(&mut self, end: Label, start: Label, span: Span) {
        self.fixup(0, end, Constant::ZERO, Use::DistanceFrom(start), span);
    }

    /// Puts `label` here.
    pub fn define(&mut self, label: Label, labels: &Labels, span: Span) -> Fallible<()> {
        let index = label.0 as usize;
        if self.places.len() <= index {
            self.places.resize(labels.len().max(index + 1), None);
        }
        if let Some(earlier) = self.places[index] {
            let name = labels.name(label);
            return Err(Failure::new(span, format!("label `{name}` is defined twice"))
                .related(earlier.span, "first defined here")
                .hint("labels are global to all files of a program"));
        }
        let offset = self.sections[self.current].words.len() as u32;
        self.places[index] = Some(Place { section: self.current as u32, offset, span });
        Ok(())
    }

    /// Notes that a statement at `span` begins here.
    #[inline]
    pub fn mark_line(&mut self, span: Span) {
        if self.keep_lines {
            let section = self.here();
            let at = section.words.len() as u32;
            section.lines.push(LineMark { at, span });
        }
    }

    /// Lays the sections out in order of appearance and fills in the addresses; or all that is wrong with them.
    pub fn link(mut self, labels: &Labels) -> Result<Linked, Vec<Failure>> {
        let mut bases = Vec::with_capacity(self.sections.len());
        let mut next = 0u32;
        for section in &self.sections {
            bases.push(next);
            next += section.words.len() as u32;
        }
        let (mut errors, mut warnings) = (Vec::new(), Vec::new());
        let mut missing: BTreeMap<Label, Vec<Span>> = BTreeMap::new();
        let places = &self.places;
        let address = |label: Label| {
            let place = places.get(label.0 as usize).copied().flatten()?;
            Some(i128::from(bases[place.section as usize]) + i128::from(place.offset))
        };
        for section in &mut self.sections {
            for fixup in &section.fixups {
                let word = &mut section.words[fixup.at as usize];
                match resolve(fixup, *word, &address, &mut warnings) {
                    Ok(value) => *word = value,
                    // A label without a name is missing because its statement failed, which was reported.
                    Err(Unresolved::Undefined(label)) if !labels.is_named(label) => {}
                    Err(Unresolved::Undefined(label)) => missing.entry(label).or_default().push(fixup.span),
                    Err(Unresolved::Other(failure)) => errors.push(failure),
                }
            }
        }
        errors.extend(missing.iter().map(|(&label, uses)| undefined(label, uses, labels, places)));
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut named: Vec<(Label, u32, Span)> = (0..places.len() as u32)
            .map(Label)
            .filter(|&label| labels.is_global(label))
            .filter_map(|label| Some((label, address(label)? as u32, places[label.0 as usize]?.span)))
            .collect();
        named.sort_by_key(|&(label, at, _)| (at, label));
        let mut linked = Linked { words: Vec::new(), sections: Vec::new(), labels: named, lines: Vec::new(), warnings };
        for (section, base) in self.sections.into_iter().zip(bases) {
            let name = String::from_utf8_lossy(&section.name).into_owned();
            linked.sections.push((name, base, section.words.len() as u32));
            linked.lines.extend(section.lines.iter().map(|mark| (base + mark.at, mark.span)));
            if linked.words.is_empty() {
                linked.words = section.words;
            } else {
                linked.words.extend_from_slice(&section.words);
            }
        }
        Ok(linked)
    }
}

enum Unresolved {
    Undefined(Label),
    Other(Failure),
}

fn resolve(
    fixup: &Fixup,
    word: Word,
    address: &impl Fn(Label) -> Option<i128>,
    warnings: &mut Vec<Failure>,
) -> Result<Word, Unresolved> {
    let base = address(fixup.label).ok_or(Unresolved::Undefined(fixup.label))?;
    let value = base + fixup.addend.value();
    match fixup.how {
        Use::Data => Ok(value as u32),
        Use::DistanceFrom(start) => Ok((value - address(start).ok_or(Unresolved::Undefined(start))?) as u32),
        Use::Literal => {
            let Ok(bits) = u32::try_from(value) else {
                return Err(Unresolved::Other(
                    Failure::new(fixup.span, format!("address {value} is not in the range of 32 bits"))
                        .hint("the label's address and the constant are added before they are loaded"),
                ));
            };
            debug_assert_eq!(Op::of(word), Op::Literal);
            if bits > LITERAL_MAX {
                warnings.push(
                    Failure::warning(fixup.span, format!("address {value} does not fit into the 25 bits of a literal"))
                        .label("the bits beyond change the register that is loaded"),
                );
            }
            Ok(word | bits)
        }
    }
}

/// One message for all uses of a label that is not there.
fn undefined(label: Label, uses: &[Span], labels: &Labels, places: &[Option<Place>]) -> Failure {
    let name = labels.name(label);
    let mut uses = uses.to_vec();
    uses.sort_by_key(|span| (span.file, span.start));
    let mut failure = Failure::new(uses[0], format!("label `{name}` is not defined")).label("used here");
    for &other in uses[1..].iter().take(USES_SHOWN) {
        failure = failure.related(other, "and here");
    }
    if let Some(more @ 1..) = uses.len().checked_sub(1 + USES_SHOWN) {
        failure = failure.hint(format!("it is used in {more} more places"));
    }
    let defined: Vec<String> = (0..places.len() as u32)
        .map(Label)
        .filter(|&other| labels.is_global(other) && places[other.0 as usize].is_some())
        .take(10_000)
        .map(|other| labels.name(other))
        .collect();
    match closest(&name, defined.iter().map(String::as_str)) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint(format!("define it with `{name}:`, or add the file that does")),
    }
}
