//! Load-program of other segments: copies of the program as it is, patched, longer, shorter and old, and programs of a
//! few words.
//!
//! These statements use fixed registers, because a copying function stands between their parts.

use super::emit::{Maker, TableWord, Value};
use super::function::Function;
use super::profile::Kind;
use super::tags::Tag;
use rum_interp::isa::{Instruction, Reg};

/// Words that a program is assumed to have at most when the cost of copying it is estimated.
pub(super) const ASSUMED_WORDS: u32 = 500;
/// Instructions that copying a word costs.
const COPY_WORD_COST: u32 = 11;
/// Most words that a longer copy has more.
pub(super) const ADDED_WORDS_MAX: u32 = 40;
/// Words of a tiny program; the first two are never executed.
const TINY_WORDS: u32 = 6;

impl Maker {
    /// Whether the program replaces segment 0.
    pub(super) fn loads(&self) -> bool {
        self.weights[Kind::Load as usize] > 0
    }

    /// The function that copies the program: size of the new segment in `data[1]`, words to copy in `data[2]`; gives
    /// its identifier in `data[1]`.
    pub(super) fn copying_function(&mut self) {
        let [link, id, i, x, y] = self.fixed();
        let entry = self.b.label_here();
        let before = self.cost();
        let place = self.place();
        self.store(place, link, x);
        self.b.alloc(id, id);
        let (head, exit) = (self.b.label_here(), self.b.label());
        self.b.literal(x, 0);
        self.b.not(x, x);
        self.b.add(i, i, x);
        let zero = self.zero();
        self.b.index(x, zero, i);
        self.b.amend(id, i, x);
        let zero = self.zero();
        self.b.branch(i, head, exit, [x, y], zero);
        self.b.bind(exit);
        self.load(y, place);
        let zero = self.zero();
        self.b.load_program(zero, y);
        let cost = i64::from(ASSUMED_WORDS * COPY_WORD_COST) + self.cost() - before;
        self.extra_cost -= self.cost() - before;
        self.copy_function = Some(Function { entry, cost });
    }

    /// The first five data registers: link, identifier, index, and two to work with.
    fn fixed(&self) -> [Reg; 5] {
        std::array::from_fn(|number| self.data[number])
    }

    /// Calls the copying function; the copy has `more` words at the end, the identifier is in `data[1]`.
    pub(super) fn copy_program(&mut self, shorter: bool, more: u32) {
        let Some(function) = self.copy_function else { return };
        let [link, id, count, x, _] = self.fixed();
        self.b.literal_label(id, if shorter { self.at.tail } else { self.at.end }, more);
        self.b.literal_label(count, self.at.tail, 0);
        let back = self.b.label();
        self.b.literal_label(link, back, 0);
        self.goto(function.entry, x);
        self.b.bind(back);
        self.extra_cost += function.cost;
    }

    /// One way of replacing segment 0 and going on.
    pub(super) fn load_statement(&mut self, room: i64) {
        // Half: programs are mostly shorter than assumed.
        let copy_cost = self.copy_function.map_or(i64::MAX, |function| function.cost / 2);
        match self.rng.below(10) {
            0 | 1 if room > copy_cost => self.load_copy(Tag::LoadCopy),
            2 if room > copy_cost => self.load_copy(Tag::LoadPatched),
            3 if room > copy_cost => self.load_longer(),
            4 if room > copy_cost => self.load_copy(Tag::LoadShorter),
            0..=6 if self.stale_copy.is_some() => self.load_stale(),
            7.. if self.tiny.is_some() => self.load_tiny(),
            _ => self.arithmetic(),
        }
    }

    fn load_copy(&mut self, tag: Tag) {
        let [_, id, t, v, x] = self.fixed();
        self.tag(tag);
        self.copy_program(tag == Tag::LoadShorter, 0);
        if tag == Tag::LoadPatched {
            let site = self.rng.pick(&self.sites.anywhere);
            let word = self.harmless();
            self.b.constant(v, word, x);
            self.b.literal_label(t, site, 0);
            self.b.amend(id, t, v);
        }
        let go_on = self.b.label();
        self.b.literal_label(t, go_on, 0);
        self.b.load_program(id, t);
        self.b.bind(go_on);
        self.drop_copy(id, t);
    }

    /// Gives the copy back, keeps it as the old one, or forgets it.
    fn drop_copy(&mut self, id: Reg, t: Reg) {
        match (self.rng.below(4), self.stale_copy) {
            (0, Some(place)) => self.store(place, id, t),
            (1, _) => {}
            _ => self.b.abandon(id),
        }
    }

    /// A copy with words added, which lead back; the first of them stops a program that runs off its old end.
    fn load_longer(&mut self) {
        let [_, id, t, v, x] = self.fixed();
        self.tag(Tag::LoadLonger);
        let more = self.rng.between(3, ADDED_WORDS_MAX);
        self.copy_program(false, more);
        let value = self.rng.below(1 << 20);
        let zero = self.zero();
        let added =
            [Instruction::Halt, Instruction::Literal { a: v, value }, Instruction::LoadProgram { b: zero, c: x }];
        for (number, instruction) in added.into_iter().enumerate() {
            self.b.constant(v, instruction.encode(), x);
            self.b.literal_label(t, self.at.end, number as u32);
            self.b.amend(id, t, v);
        }
        let go_on = self.b.label();
        self.zero();
        self.b.literal_label(x, go_on, 0);
        self.b.literal_label(t, self.at.end, 1);
        self.b.load_program(id, t);
        self.b.bind(go_on);
        self.drop_copy(id, t);
    }

    fn load_stale(&mut self) {
        let Some(copy) = self.stale_copy else { return };
        self.tag(Tag::LoadStale);
        let [id, t] = self.regs();
        self.load(id, copy);
        let go_on = self.b.label();
        self.b.literal_label(t, go_on, 0);
        self.b.load_program(id, t);
        self.b.bind(go_on);
    }

    /// Loads the tiny program, which loads the old copy, which goes on here.
    fn load_tiny(&mut self) {
        let (Some(tiny), Some(copy)) = (self.tiny, self.stale_copy) else { return };
        self.tag(Tag::LoadTiny);
        let [_, id, back, x, _] = self.fixed();
        self.load(id, copy);
        let go_on = self.b.label();
        self.b.literal_label(back, go_on, 0);
        self.load(x, tiny);
        self.extra_cost += i64::from(TINY_WORDS);
        let t = self.data[4];
        self.b.literal(t, 2);
        self.b.load_program(x, t);
        self.b.bind(go_on);
    }

    /// Code that makes the old copy and the tiny program.
    pub(super) fn prepare_loads(&mut self) {
        if self.frame.is_none() || !self.loads() {
            return;
        }
        let place = self.place();
        self.copy_program(false, 0);
        let [_, id, back, x, t] = self.fixed();
        self.store(place, id, x);
        self.stale_copy = Some(place);
        let values = [self.rng.below(1 << 20), self.rng.below(1 << 20)];
        let unused = self.rng.word();
        let words = self.table(vec![
            TableWord::Plain(unused),
            TableWord::Plain(!unused),
            TableWord::Plain(Instruction::Literal { a: x, value: values[0] }.encode()),
            TableWord::Plain(Instruction::Add { a: t, b: x, c: t }.encode()),
            TableWord::Plain(Instruction::Literal { a: x, value: values[1] }.encode()),
            TableWord::Plain(Instruction::LoadProgram { b: id, c: back }.encode()),
        ]);
        self.b.literal(t, TINY_WORDS);
        self.b.alloc(id, t);
        for number in 0..TINY_WORDS {
            self.value(x, Value::Word(words, number), x);
            self.b.literal(t, number);
            self.b.amend(id, t, x);
        }
        let place = self.place();
        self.store(place, id, x);
        self.tiny = Some(place);
    }
}
