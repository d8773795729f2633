//! Statements that store into code.
//!
//! What is stored keeps the program terminating: a harmless word where a harmless word stood, or a literal with another
//! target that leads forward.

use super::emit::{Bounds, Maker, POOL_WORDS, SLED_WORDS, Value};
use super::tags::Tag;
use crate::builder::Label;
use rum_interp::isa::{Instruction, Reg};

impl Maker {
    /// One way or another of storing into code.
    pub(super) fn patch(&mut self, bounds: Bounds) {
        match self.rng.below(19) {
            0..=2 => {
                let site = self.b.label();
                self.patch_site(Tag::PatchNext, site);
                self.site(site);
            }
            3 | 4 => {
                let site = self.b.label();
                self.patch_site(Tag::PatchAhead, site);
                self.some_words();
                self.site(site);
            }
            5 | 6 => {
                let site = self.b.label();
                self.site(site);
                self.some_words();
                self.patch_site(Tag::PatchBehind, site);
            }
            7 => self.patch_one_of(Tag::PatchAnywhere, |maker| &maker.sites.anywhere),
            8 => self.patch_one_of(Tag::PatchFunction, |maker| &maker.sites.functions),
            9 => self.patch_one_of(Tag::PatchLoopHead, |maker| &maker.sites.loop_heads),
            10 | 16 => self.patch_one_of(Tag::PatchBranchTarget, |maker| &maker.sites.branch_targets),
            11 | 17 => self.patch_literal(Tag::PatchBranchLiteral, |maker| &maker.sites.branch_literals),
            12 | 18 => self.patch_literal(Tag::PatchCallLiteral, |maker| &maker.sites.call_literals),
            13 => self.patch_increment(),
            14 => self.patch_variable(),
            _ => self.place_future(bounds),
        }
    }

    /// One to three words of no consequence.
    fn some_words(&mut self) {
        for _ in 0..self.rng.between(1, 3) {
            let word = self.harmless();
            self.b.data(word);
        }
    }

    fn patch_one_of(&mut self, tag: Tag, sites: impl Fn(&Maker) -> &Vec<Label>) {
        let candidates = sites(self).clone();
        match candidates.is_empty() {
            true => self.patch_variable(),
            false => {
                let site = self.rng.pick(&candidates);
                self.patch_site(tag, site);
            }
        }
    }

    /// Stores a harmless word into `site`.
    fn patch_site(&mut self, tag: Tag, site: Label) {
        self.tag(tag);
        let [v, t, e, c, x] = self.regs();
        self.patch_word(v, [t, e], site);
        self.store_into_code(site, v, [t, e, c, x]);
    }

    /// Brings a harmless word into `v`; `t` and `e` are lost.
    fn patch_word(&mut self, v: Reg, [t, e]: [Reg; 2], site: Label) {
        match self.rng.below(10) {
            0..=3 => {
                let number = self.rng.below(POOL_WORDS);
                self.value(v, Value::Word(self.at.pool, number), v);
            }
            4 | 5 => {
                self.mask(v, e, POOL_WORDS - 1);
                self.b.literal_label(t, self.at.pool, 0);
                self.b.add(v, v, t);
                let zero = self.zero();
                self.b.index(v, zero, v);
            }
            6 | 7 => {
                let word = self.harmless();
                self.b.constant(v, word, t);
            }
            8 => {
                self.tag(Tag::PatchSameWord);
                self.value(v, Value::Word(site, 0), v);
            }
            _ => {
                let other = self.rng.pick(&self.sites.anywhere);
                self.value(v, Value::Word(other, 0), v);
            }
        }
    }

    /// Stores `v` at `site`, sometimes through an identifier that is 0 without looking it, or that may be another.
    fn store_into_code(&mut self, site: Label, v: Reg, [t, e, c, x]: [Reg; 4]) {
        let segment = match (self.rng.below(10), self.shadow) {
            (0 | 1, _) => {
                self.tag(Tag::PatchHiddenZero);
                self.value(e, Value::Word(self.at.nil, 0), e);
                e
            }
            (2, Some(shadow)) => {
                self.tag(Tag::MaybeZeroWrite);
                self.condition(c, t);
                self.select(e, x, c, Value::Kept(shadow), Value::Constant(0));
                e
            }
            _ => self.zero(),
        };
        self.b.literal_label(t, site, 0);
        self.b.amend(segment, t, v);
    }

    /// Exchanges the target in a literal.
    fn patch_literal(&mut self, tag: Tag, sites: impl Fn(&Maker) -> &Vec<(Label, Label)>) {
        let candidates = sites(self).clone();
        if candidates.is_empty() {
            return self.patch_increment();
        }
        self.tag(tag);
        let (site, words) = self.rng.pick(&candidates);
        let [v, t, e, c, x] = self.regs();
        if self.rng.percent(50) {
            self.condition(v, t);
            // 0 or 1: one of the two words.
            self.b.literal(e, 0);
            self.b.literal(t, 1);
            self.b.cond_move(e, t, v);
            self.b.literal_label(t, words, 0);
            self.b.add(e, e, t);
            let zero = self.zero();
            self.b.index(v, zero, e);
        } else {
            let number = self.rng.below(2);
            self.value(v, Value::Word(words, number), v);
        }
        self.store_into_code(site, v, [t, e, c, x]);
    }

    /// Counts the value of a literal up in place.
    fn patch_increment(&mut self) {
        self.tag(Tag::PatchIncrement);
        let [v, t, e] = self.regs();
        let old = self.sites.increments.clone();
        let fresh = old.is_empty() || self.rng.percent(70);
        let site = if fresh { self.b.label() } else { self.rng.pick(&old) };
        let behind = self.rng.percent(30);
        if fresh && behind {
            self.increment_site(site);
        }
        self.value(v, Value::Word(site, 0), v);
        self.b.literal(e, 1);
        self.b.add(v, v, e);
        let zero = self.zero();
        self.b.literal_label(t, site, 0);
        self.b.amend(zero, t, v);
        if fresh && !behind {
            self.increment_site(site);
        }
    }

    fn increment_site(&mut self, site: Label) {
        self.b.bind(site);
        let a = self.rng.pick(&self.data[1..]);
        let value = self.rng.below(1000);
        self.b.emit(Instruction::Literal { a, value });
        self.sites.increments.push(site);
    }

    /// A store whose offset is not known before it happens.
    fn patch_variable(&mut self) {
        self.tag(Tag::PatchVariable);
        let [v, t, e, s] = self.regs();
        self.patch_word(v, [t, e], self.at.sled);
        self.mask(t, s, SLED_WORDS - 1);
        let table = self.rng.percent(50);
        self.b.literal_label(e, if table { self.at.site_table } else { self.at.sled }, 0);
        self.b.add(t, t, e);
        let zero = self.zero();
        if table {
            self.b.index(t, zero, t);
        }
        self.b.amend(zero, t, v);
    }

    /// Puts code here that earlier statements already store to.
    fn place_future(&mut self, bounds: Bounds) {
        if !self.sled_placed && bounds.depth > 0 && self.rng.percent(60) {
            return self.place_sled();
        }
        match self.sites.future.pop() {
            Some(site) => self.site(site),
            None => self.patch_variable(),
        }
    }

    /// Puts the row of patchable instructions here.
    pub(super) fn place_sled(&mut self) {
        self.sled_placed = true;
        self.b.bind(self.at.sled);
        self.sites.anywhere.push(self.at.sled);
        for _ in 0..SLED_WORDS {
            let word = self.harmless();
            self.b.data(word);
        }
    }
}
