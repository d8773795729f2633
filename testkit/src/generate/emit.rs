//! The generator's state, and the small pieces that statements are made of.
//!
//! Registers have roles, dealt anew for each program:
//! - *zero* holds 0, for ever or anew before each use;
//! - *frame* (in some programs) holds the identifier of a segment where everything lives that must survive when segment
//!   0 is replaced by an old copy: counters, return addresses, identifiers. Other programs keep these in segment 0;
//! - *counter* (in some programs) counts the rounds of a loop;
//! - all others are *data*: any statement may change them, and no statement relies on them.
//!
//! Termination by construction: the only backward jumps are those of counted loops, of returns and of bounded recursion,
//! and whatever patches code stores only words that leave all roles but data alone. [`Maker::cost`] is an upper bound of
//! the instructions that the code so far executes.

use super::function::Function;
use super::profile::{Kind, size_tag};
use super::tags::Tag;
use crate::builder::{Builder, Label};
use crate::rng::Rng;
use rum_interp::isa::{Instruction, Reg};
use std::collections::BTreeSet;

/// Words in the contiguous area of variables; a power of two.
pub(super) const DATA_WORDS: u32 = 8;
/// Harmless instructions in the pool that patches are taken from; a power of two.
pub(super) const POOL_WORDS: u32 = 8;
/// Patchable instructions in a row; a power of two.
pub(super) const SLED_WORDS: u32 = 4;
/// Words at the start of the program that are executed once and serve as variables afterwards.
pub(super) const OLD_WORDS: u32 = 4;
/// The first words of the frame are nobody's, so that a store through a made-up identifier to a low offset does no
/// harm.
pub(super) const FRAME_FREE_WORDS: u32 = 2;

/// Where a value of the program's skeleton lives.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// An offset in the frame.
    Frame(u32),
    /// A word of segment 0.
    Program(Label),
}

/// A value to be brought into a register.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Constant(u32),
    /// The offset of a label, plus something.
    Offset(Label, u32),
    /// The word of segment 0 at a label, plus something.
    Word(Label, u32),
    /// What a place holds.
    Kept(Place),
}

/// The counter of a loop under construction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Counter {
    Register(Reg),
    Variable(Place),
}

/// A loop under construction.
#[derive(Debug)]
pub(super) struct Loop {
    pub counter: Counter,
    /// Literals to be set to the value that the counter has in the round when something happens.
    pub rounds: Vec<u32>,
}

/// A segment that stays allocated, perhaps under changing identifiers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub id: Place,
    /// It never has fewer words.
    pub words: u32,
}

/// Instructions that may be stored to.
#[derive(Debug, Default)]
pub(super) struct Sites {
    /// Any harmless word may stand here.
    pub anywhere: Vec<Label>,
    pub functions: Vec<Label>,
    pub loop_heads: Vec<Label>,
    pub branch_targets: Vec<Label>,
    /// A literal, and where its two possible words are.
    pub branch_literals: Vec<(Label, Label)>,
    pub call_literals: Vec<(Label, Label)>,
    /// A literal whose value is counted up.
    pub increments: Vec<Label>,
    /// Made at the start and put somewhere later.
    pub future: Vec<Label>,
}

/// How far a block of statements may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// What [`Maker::cost`] should not exceed.
    pub cost: i64,
    /// Offset where the code should end.
    pub end: u32,
    /// Statements around this one.
    pub depth: u32,
    /// The code is in no function.
    pub main: bool,
}

/// Labels of what every program has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Landmarks {
    /// [`OLD_WORDS`] words at the start.
    pub old: Label,
    /// [`DATA_WORDS`] variables.
    pub data: Label,
    /// [`POOL_WORDS`] instructions.
    pub pool: Label,
    /// [`SLED_WORDS`] patchable instructions.
    pub sled: Label,
    /// Four offsets of patchable instructions.
    pub site_table: Label,
    /// Four entries of functions.
    pub function_table: Label,
    /// A word that is 0 for ever.
    pub nil: Label,
    /// A word that is no instruction.
    pub invalid: Label,
    /// What a shortened copy leaves out starts here.
    pub tail: Label,
    /// The first offset behind the program.
    pub end: Label,
}

/// The generator of one program.
pub(super) struct Maker {
    pub rng: Rng,
    pub b: Builder,
    pub weights: [u32; Kind::COUNT],
    pub tags: BTreeSet<Tag>,
    pub marks: Vec<(Tag, u32)>,
    pub zero_reg: Reg,
    pub zero_stable: bool,
    pub frame: Option<Reg>,
    pub counter: Option<Reg>,
    pub counter_busy: bool,
    pub data: Vec<Reg>,
    pub frame_words: u32,
    /// Words of segment 0 that places need.
    pub slots: Vec<Label>,
    /// Data to be put behind the code: label and words, each a constant or an instruction with a label's offset.
    pub tables: Vec<(Label, Vec<TableWord>)>,
    pub at: Landmarks,
    pub sites: Sites,
    pub sled_placed: bool,
    pub segments: Vec<Segment>,
    /// A segment as long as the program.
    pub shadow: Option<Place>,
    pub stale_copy: Option<Place>,
    pub tiny: Option<Place>,
    /// Where the newest cell of a list is.
    pub chain: Option<Place>,
    pub copy_function: Option<Function>,
    pub functions: Vec<Function>,
    pub recursion: Option<(Function, Place)>,
    pub loops: Vec<Loop>,
    pub fault_placed: bool,
    pub extra_cost: i64,
}

/// A word of a table behind the code.
#[derive(Clone, Copy, Debug)]
pub(super) enum TableWord {
    Plain(u32),
    Offset(Label),
    Literal(Reg, Label),
}

impl Maker {
    /// An upper bound of the instructions executed by the code so far.
    pub fn cost(&self) -> i64 {
        i64::from(self.b.here()) + self.extra_cost
    }

    /// Notes that the next words are an instance of a feature.
    pub fn tag(&mut self, tag: Tag) {
        self.tags.insert(tag);
        self.marks.push((tag, self.b.here()));
    }

    /// `N` different data registers.
    pub fn regs<const N: usize>(&mut self) -> [Reg; N] {
        let mut pool = self.data.clone();
        std::array::from_fn(|_| pool.swap_remove(self.rng.below(pool.len() as u32) as usize))
    }

    /// Any data register.
    pub fn reg(&mut self) -> Reg {
        self.rng.pick(&self.data)
    }

    /// The register that functions get their return address in.
    pub fn link(&self) -> Reg {
        self.data[0]
    }

    /// A register that holds 0 now.
    pub fn zero(&mut self) -> Reg {
        if !self.zero_stable {
            self.b.literal(self.zero_reg, 0);
        }
        self.zero_reg
    }

    /// A new place for the skeleton.
    pub fn place(&mut self) -> Place {
        if self.frame.is_some() {
            self.frame_words += 1;
            Place::Frame(self.frame_words - 1)
        } else {
            let label = self.b.label();
            self.slots.push(label);
            Place::Program(label)
        }
    }

    /// Brings the offset of `place` into `d`; returns the register with its segment's identifier.
    fn locate(&mut self, place: Place, d: Reg) -> Reg {
        match (place, self.frame) {
            (Place::Frame(offset), Some(frame)) => {
                self.b.literal(d, offset);
                frame
            }
            (Place::Program(label), _) => {
                let zero = self.zero();
                self.b.literal_label(d, label, 0);
                zero
            }
            (Place::Frame(_), None) => unreachable!("places in the frame are made where there is one"),
        }
    }

    /// `d` = what `place` holds
    pub fn load(&mut self, d: Reg, place: Place) {
        let base = self.locate(place, d);
        self.b.index(d, base, d);
    }

    /// `place` = `value`; `t` is lost.
    pub fn store(&mut self, place: Place, value: Reg, t: Reg) {
        debug_assert_ne!(value, t);
        let base = self.locate(place, t);
        self.b.amend(base, t, value);
    }

    /// Brings `value` into `d`; large constants lose `t`.
    pub fn value(&mut self, d: Reg, value: Value, t: Reg) {
        match value {
            Value::Constant(constant) => self.b.constant(d, constant, t),
            Value::Offset(label, addend) => self.b.literal_label(d, label, addend),
            Value::Word(label, addend) => {
                let zero = self.zero();
                self.b.literal_label(d, label, addend);
                self.b.index(d, zero, d);
            }
            Value::Kept(place) => self.load(d, place),
        }
    }

    /// `d = if c != 0 { good } else { bad }`; `e` is lost, and `good` is no constant above 25 bits.
    pub fn select(&mut self, d: Reg, e: Reg, c: Reg, good: Value, bad: Value) {
        self.value(d, bad, e);
        self.value(e, good, e);
        self.b.cond_move(d, e, c);
    }

    /// `d = s & mask`; `d` and `s` differ.
    pub fn mask(&mut self, d: Reg, s: Reg, mask: u32) {
        self.b.literal(d, mask);
        self.b.and(d, d, s);
    }

    /// Goes to `target`; `t` is lost.
    pub fn goto(&mut self, target: Label, t: Reg) {
        let zero = self.zero();
        self.b.goto(target, t, zero);
    }

    /// Brings the counter of `index`-th loop around into `d`.
    pub fn counter_value(&mut self, index: usize, d: Reg) {
        match self.loops[index].counter {
            Counter::Register(k) => {
                let zero = self.zero();
                self.b.add(d, k, zero);
            }
            Counter::Variable(place) => self.load(d, place),
        }
    }

    /// A condition in `c` from whatever is at hand; `t` is lost.
    pub fn condition(&mut self, c: Reg, t: Reg) {
        let s = self.rng.pick(&self.data);
        match self.rng.below(6) {
            0 | 1 if s != c => {
                let mask = self.rng.pick(&[1, 1, 3, 7, 0x100, 0x1f]);
                self.mask(c, s, mask);
            }
            2 if !self.loops.is_empty() => {
                let index = self.rng.below(self.loops.len() as u32) as usize;
                self.counter_value(index, t);
                let mask = self.rng.pick(&[1, 1, 3, 4, 15]);
                self.mask(c, t, mask);
            }
            3 if s != c && s != t => self.b.sub(c, c, s, t),
            4 => {
                let word = self.rng.below(DATA_WORDS);
                self.value(t, Value::Word(self.at.data, word), t);
                self.mask(c, t, 1);
            }
            _ => {
                let other = self.rng.word() & 0xffff;
                self.b.literal(t, other);
                self.b.mul(c, c, t);
                self.b.add(c, c, t);
                self.b.literal(t, 1 << self.rng.below(16));
                self.b.and(c, c, t);
            }
        }
    }

    /// An instruction that reads what it likes and writes a data register other than the link: it may stand in
    /// place of any other such instruction.
    pub fn harmless(&mut self) -> u32 {
        let targets = &self.data[1..];
        let a = self.rng.pick(targets);
        let mut sources = self.data.clone();
        sources.extend(self.counter);
        sources.push(self.zero_reg);
        let (b, c) = (self.rng.pick(&sources), self.rng.pick(&sources));
        let instruction = match self.rng.below(16) {
            0..=3 => Instruction::Add { a, b, c },
            4 | 5 => Instruction::Mul { a, b, c },
            6 | 7 => Instruction::Nand { a, b, c },
            8 | 9 => Instruction::CondMove { a, b, c },
            10 => Instruction::Input { c: a },
            11 if self.zero_stable => Instruction::Index { a, b: self.zero_reg, c: self.zero_reg },
            12 if self.zero_stable => Instruction::Literal { a: self.zero_reg, value: 0 },
            _ => Instruction::Literal { a, value: self.rng.word() >> self.rng.between(7, 31) },
        };
        instruction.encode()
    }

    /// A patchable instruction at this place, for `label`.
    pub fn site(&mut self, label: Label) {
        self.b.bind(label);
        let word = self.harmless();
        self.b.data(word);
        self.sites.anywhere.push(label);
    }

    /// Whether the program stores into code.
    pub fn patches(&self) -> bool {
        self.weights[Kind::Patch as usize] > 0
    }

    /// A patchable instruction at this place, `percent` times out of a hundred, if the program stores into code.
    pub fn maybe_site(&mut self, percent: u32) -> Option<Label> {
        (self.patches() && self.rng.percent(percent)).then(|| {
            let label = self.b.label();
            self.site(label);
            label
        })
    }

    /// A table behind the code.
    pub fn table(&mut self, words: Vec<TableWord>) -> Label {
        let label = self.b.label();
        self.tables.push((label, words));
        label
    }

    /// A literal with the offset of `label` in `d`; perhaps patchable, to be `other` instead.
    pub fn patchable_literal(&mut self, d: Reg, label: Label, other: Label) -> Option<(Label, Label)> {
        if !self.patches() || !self.rng.percent(40) {
            self.b.literal_label(d, label, 0);
            return None;
        }
        let words = self.table(vec![TableWord::Literal(d, label), TableWord::Literal(d, other)]);
        let site = self.b.label_here();
        self.b.literal_label(d, label, 0);
        Some((site, words))
    }

    /// A size of a segment, and its tag. Large ones only when `large`.
    pub fn size(&mut self, large: bool) -> u32 {
        let words = match self.rng.below(if large { 20 } else { 14 }) {
            0 => 0,
            1 => 1,
            2..=6 => self.rng.between(2, 7),
            7 | 8 => self.rng.between(8, 20),
            9 | 10 => self.rng.between(252, 256),
            11 => self.rng.between(21, 600),
            12 | 13 => self.rng.between(2, 4),
            14..=17 => self.rng.between(8189, 8195),
            18 => self.rng.between(65_533, 65_538),
            _ => self.rng.between(600, 20_000),
        };
        self.tag(size_tag(words));
        words
    }

    /// Counts the work of clearing and digesting `words` words.
    pub fn charge_words(&mut self, words: u32) {
        self.extra_cost += i64::from(words / 32);
    }
}
