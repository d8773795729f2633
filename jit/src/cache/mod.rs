//! Code that outlives the process: what is kept of a run, so that the next run of the same program starts compiled.
//!
//! What one image has left is a *book*, with a *chapter* for each program that was segment 0, because many images unpack another program
//! and load it. When a program becomes segment 0 and there is a chapter of it, its blocks and units become live at once; those whose
//! words are not in place (the program patches itself later), or that were made for a later moment, stay on the *shelf* until
//! they suit. Everything is compared word for word with the program before it is entered, and goes through the same door as
//! code that was just compiled (`engine/keep.rs`, `units/`), so that a cache can be missing, old or thrown away, and nothing
//! but the time changes.
//!
//! Files: `kept.rs` the data; `format.rs` the bytes, and the name that they go by. Where they are kept is the embedder's
//! business.

mod format;
mod kept;

pub(crate) use self::format::key;
pub use self::format::{CacheError, sealed};
pub(crate) use self::kept::{
    Chapter, Identity, KeptBlock, KeptBlocks, KeptLink, KeptProfile, KeptUnit, Shape, Spent, Words,
};

use self::format::Line;
use rum_interp::Word;
use rustc_hash::FxHashMap;

/// Programs of which one run may leave a chapter.
const CHAPTERS_MAX: usize = 8;
/// Bytes of code that one chapter may keep: more would take longer to read than it saves.
const CODE_BYTES_MAX: usize = 64 << 20;

/// The bytes of a book, wherever they are.
pub(crate) type Bytes = Box<dyn AsRef<[u8]> + Send>;

/// Reads every chapter of a book, and holds its units against a program: how many would suit. Nothing is executed.
///
/// # Errors
/// The bytes are none that this build has written.
pub fn read(bytes: &[u8], program: &[Word]) -> Result<usize, CacheError> {
    let lines = format::open(bytes)?;
    let chapters = lines.into_iter().filter_map(|line| format::decode_chapter(bytes.get(line.place)?));
    let suit = |unit: &KeptUnit| unit.suits(program, true) || unit.suits(program, false);
    Ok(chapters.map(|chapter| chapter.units.iter().filter(|unit| suit(unit)).count()).sum())
}

/// What the engine knows of other runs, and keeps of this one.
#[derive(Default)]
pub(crate) struct Cache {
    /// What was read, and what is in it.
    book: Option<Bytes>,
    contents: Vec<Line>,
    /// Chapters of this run.
    written: Vec<(Identity, u32, Vec<u8>)>,
    /// The program that is segment 0.
    program: Identity,
    /// Units that are kept and not live, by their roots.
    pub shelf: FxHashMap<u32, KeptUnit<'static>>,
    /// Whether units on it were made for when new segments have no names any more.
    pub waits_for_names: bool,
    /// Programs that were replaced in this run.
    replaced: usize,
    /// Whether segment 0 may be a program of before, in another state.
    is_rewound: bool,
    /// Whether code is made otherwise than the name of the book says: it is of no use for other runs, nor is theirs for this one.
    is_private: bool,
}

impl Cache {
    /// Takes over what other runs have left. Gives the highest number of a unit in it.
    ///
    /// # Errors
    /// The bytes are none that this build has written.
    pub fn read(&mut self, bytes: Bytes) -> Result<u32, CacheError> {
        if self.is_private {
            return Ok(0);
        }
        self.contents = format::open((*bytes).as_ref())?;
        self.book = Some(bytes);
        Ok(self.contents.iter().map(|line| line.number_max).max().unwrap_or(0))
    }

    /// A program has become segment 0.
    pub fn open(&mut self, program: &[Word]) {
        self.shelf.clear();
        self.waits_for_names = false;
        let hash = if self.is_open() { format::hash(program) } else { 0 };
        self.program = Identity { len: program.len() as u32, hash };
    }

    /// The program that is segment 0.
    pub fn program(&self) -> Identity {
        self.program
    }

    /// What is kept of the program that is segment 0, if anything.
    pub fn chapter(&self) -> Option<Chapter<'_>> {
        let written =
            |which: &dyn Fn(Identity) -> bool| self.written.iter().rev().find(|(program, ..)| which(*program));
        let same = written(&|program| program == self.program);
        let alike = || written(&|program| self.is_rewound && program.len == self.program.len);
        if let Some((.., bytes)) = same.or_else(alike) {
            return format::decode_chapter(bytes);
        }
        let line = self.contents.iter().find(|line| line.program == self.program)?;
        format::decode_chapter((**self.book.as_ref()?).as_ref().get(line.place.clone())?)
    }

    /// Puts units on the shelf.
    pub fn shelve(&mut self, units: Vec<KeptUnit<'static>>) {
        self.waits_for_names = units.iter().any(|unit| !unit.shape.naming);
        self.shelf = units.into_iter().map(|unit| (unit.shape.root, unit)).collect();
    }

    /// Takes units from the shelf.
    pub fn take(&mut self, which: impl Fn(&KeptUnit) -> bool) -> Vec<KeptUnit<'static>> {
        let roots: Vec<u32> = self.shelf.iter().filter(|(_, unit)| which(unit)).map(|(&root, _)| root).collect();
        roots.iter().filter_map(|root| self.shelf.remove(root)).collect()
    }

    /// Whether a chapter of the program that is segment 0 would be kept.
    pub fn is_open(&self) -> bool {
        self.replaced <= CHAPTERS_MAX
    }

    /// What is to be kept of the program that is, or was, segment 0.
    pub fn close(&mut self, mut chapter: Chapter) {
        self.replaced += 1;
        if chapter.units.is_empty() && chapter.blocks.blocks.is_empty() {
            return;
        }
        let bytes: usize = chapter.units.iter().map(|unit| unit.code.len()).sum();
        if bytes + chapter.blocks.code.len() + chapter.blocks.cold.len() > CODE_BYTES_MAX {
            chapter.blocks = KeptBlocks::default();
        }
        let number_max = chapter.units.iter().map(|unit| unit.number).max().unwrap_or(0);
        let Some(bytes) = format::encode_chapter(&chapter) else { return };
        self.written.retain(|(program, ..)| *program != self.program);
        self.written.push((self.program, number_max, bytes));
        if self.written.len() > CHAPTERS_MAX {
            self.written.remove(0);
        }
    }

    /// The machine was taken to another moment of its life, as it may be again and again: what it leaves it will come back to, and the
    /// program there is one that was seen before, but for words that change.
    pub fn rewind(&mut self) {
        (self.replaced, self.is_rewound) = (0, true);
    }

    /// From now on code is made otherwise.
    pub fn forget(&mut self) {
        *self =
            Cache { program: self.program, replaced: self.replaced, is_rewound: self.is_rewound, ..Cache::default() };
        self.is_private = true;
    }

    /// Everything that is kept, as bytes; none if it cannot be written, or is of no use for others.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        if self.is_private {
            return None;
        }
        let written = self.written.iter().map(|(program, number, bytes)| (*program, *number, &bytes[..]));
        let is_old = |line: &&Line| !self.written.iter().any(|(program, ..)| *program == line.program);
        let book = self.book.as_ref().map_or(&[][..], |book| (**book).as_ref());
        let old = self.contents.iter().filter(is_old);
        let old = old.map(|line| (line.program, line.number_max, &book[line.place.clone()]));
        let chapters: Vec<_> = written.chain(old).take(CHAPTERS_MAX).collect();
        format::bind(&chapters)
    }
}
