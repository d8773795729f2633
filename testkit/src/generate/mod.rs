//! Random programs that terminate: the same program for the same seed and profile, for ever.
//!
//! - [`Profile`]: how often what; [`Tag`]: what a program contains
//! - `emit`: roles of registers, small pieces, the bound on what is executed
//! - `control`, `values`, `patch`, `load`, `fault`: the statements; `end`: what some do at their end
//!
//! A program is laid out as: words that are executed once; the segments it uses; functions; the main part; its end;
//! tables and variables; a tail that shortened copies lack.

mod control;
mod emit;
mod end;
mod fault;
mod function;
mod load;
mod patch;
mod profile;
mod tags;
mod values;

use crate::builder::{Builder, Label};
use crate::outcome::Case;
use crate::rng::Rng;
use emit::{Bounds, DATA_WORDS, FRAME_FREE_WORDS, Landmarks, Maker, OLD_WORDS, POOL_WORDS, Segment, Sites, TableWord};
pub use profile::{END_COUNT, Kind, Profile};
use rum_interp::isa::Reg;
use std::collections::BTreeSet;
pub use tags::Tag;

/// A generated program.
#[derive(Clone, Debug)]
pub struct Generated {
    /// What it was made from.
    pub seed: u64,
    /// The program, its input, and a budget: [`Generated::bound`] or, in a few cases, less.
    pub case: Case,
    /// No run executes more instructions.
    pub bound: u64,
    /// What it contains.
    pub tags: BTreeSet<Tag>,
    /// Where the instances of its features start: tag and offset in segment 0.
    pub marks: Vec<(Tag, u32)>,
}

/// The program of `seed`.
pub fn generate(seed: u64, profile: &Profile) -> Generated {
    steered(seed, &[], profile)
}

/// The program of `seed` with its first choices made by bytes.
pub fn steered(seed: u64, choices: &[u8], profile: &Profile) -> Generated {
    let mut rng = Rng::steered(seed, choices);
    let input_bytes = if rng.percent(20) { 0 } else { rng.logarithmic(1, 64) };
    let input = (0..input_bytes).map(|_| if rng.percent(15) { 0xff } else { rng.word() as u8 }).collect();
    let (low, high) = profile.executed;
    let executed = rng.logarithmic(low, high);
    let words = rng.between(profile.words.0, profile.words.1);
    let cut = rng.percent(profile.cut_percent);
    let mut maker = Maker::deal(rng, profile);
    // Decided apart, so that programs without such ends are the same whatever there is.
    let mut ends = Rng::new(!seed);
    let ends = profile.end_percents.map(|percent| ends.percent(percent));
    maker.program(words, i64::from(executed), ends);
    let growth = i64::from(maker.b.here().div_ceil(load::ASSUMED_WORDS));
    let bound = if maker.copy_function.is_some() { maker.cost() * growth } else { maker.cost() };
    let bound = u64::try_from(bound).expect("costs add up to more than nothing");
    let budget = if cut {
        maker.tags.insert(Tag::CutShort);
        u64::from(maker.rng.logarithmic(1, executed))
    } else {
        bound + 1
    };
    Generated {
        seed,
        case: Case { program: maker.b.build(), input, budget },
        bound,
        tags: maker.tags,
        marks: maker.marks,
    }
}

impl Maker {
    /// Deals the roles of the registers, and decides what the program is like.
    fn deal(mut rng: Rng, profile: &Profile) -> Maker {
        let weights = profile.for_one_program(&mut rng);
        let loads = weights[Kind::Load as usize] > 0;
        let mut order = Reg::ALL.to_vec();
        // As the contest's compiler has it, or any.
        let zero_reg = order.remove(if rng.percent(60) { 6 } else { rng.below(8) as usize });
        let mut take = |rng: &mut Rng, percent: u32| {
            rng.percent(percent).then(|| order.remove(rng.below(order.len() as u32) as usize))
        };
        let frame = take(&mut rng, if loads { 70 } else { 20 });
        let counter = take(&mut rng, 60);
        for i in (1..order.len()).rev() {
            order.swap(i, rng.below(i as u32 + 1) as usize);
        }
        let mut b = Builder::new();
        let at = Landmarks {
            old: b.label(),
            data: b.label(),
            pool: b.label(),
            sled: b.label(),
            site_table: b.label(),
            function_table: b.label(),
            nil: b.label(),
            invalid: b.label(),
            tail: b.label(),
            end: b.label(),
        };
        let future: Vec<Label> = (0..3).map(|_| b.label()).collect();
        let mut sites = Sites { future: future.clone(), ..Sites::default() };
        sites.anywhere.extend(future);
        Maker {
            zero_stable: rng.percent(70),
            rng,
            b,
            weights,
            tags: BTreeSet::new(),
            marks: Vec::new(),
            zero_reg,
            frame,
            counter,
            counter_busy: false,
            data: order,
            frame_words: FRAME_FREE_WORDS,
            slots: Vec::new(),
            tables: Vec::new(),
            at,
            sites,
            sled_placed: false,
            segments: Vec::new(),
            shadow: None,
            stale_copy: None,
            tiny: None,
            chain: None,
            copy_function: None,
            functions: Vec::new(),
            recursion: None,
            loops: Vec::new(),
            fault_placed: false,
            extra_cost: 0,
        }
    }

    /// The whole program.
    fn program(&mut self, words: u32, executed: i64, ends: [bool; END_COUNT]) {
        self.b.bind(self.at.old);
        for _ in 0..OLD_WORDS.max(self.data.len() as u32) {
            let a = self.reg();
            let value = self.rng.word() >> self.rng.between(7, 31);
            self.b.literal(a, value);
        }
        let frame_size = self.frame.map(|frame| {
            let t = self.reg();
            self.b.literal(t, 0);
            self.b.alloc(frame, t);
            self.b.here() - 2
        });
        self.standing_segments();
        let [main, t] = [self.b.label(), self.b.label()];
        let scratch = self.reg();
        self.goto(main, scratch);
        self.b.bind(t);
        self.all_functions(executed);
        self.b.bind(main);
        self.prepare_loads();
        let start = self.cost();
        let end = self.b.here() + words;
        while self.b.here() < end && self.cost() < start + executed {
            let piece = (self.b.here() + self.rng.between(8, 60)).min(end);
            let bounds = Bounds { cost: start + executed, end: piece, depth: 0, main: true };
            if self.rng.percent(60) && executed + start - self.cost() > 100 {
                self.counted_loop(bounds);
            } else {
                self.block(bounds);
            }
        }
        let all = [
            Maker::late_end,
            Maker::sweep,
            Maker::shortened,
            Maker::load_loop,
            Maker::straight_loop,
            Maker::late_code,
            Maker::patched_loop,
            Maker::scans,
        ];
        // Those that end the program come last.
        for (_, end) in ends.into_iter().zip(all).rev().filter(|(wanted, _)| *wanted) {
            end(self);
        }
        self.finish(frame_size);
    }

    /// Segments that live as long as the program.
    fn standing_segments(&mut self) {
        let [id, t] = self.regs();
        for _ in 0..self.rng.between(1, 3) {
            let large = self.rng.percent(20);
            let words = self.size(large);
            self.b.literal(t, words);
            self.b.alloc(id, t);
            let place = self.place();
            self.store(place, id, t);
            self.segments.push(Segment { id: place, words });
            self.charge_words(words);
        }
        if self.weights[Kind::MaybeZero as usize] > 0 {
            self.b.literal_label(t, self.at.end, 0);
            self.b.alloc(id, t);
            let place = self.place();
            self.store(place, id, t);
            self.shadow = Some(place);
        }
    }

    /// The functions, before the main part, so that their costs are known there.
    fn all_functions(&mut self, executed: i64) {
        if self.loads() {
            self.copying_function();
        }
        if self.weights[Kind::Call as usize] == 0 {
            return;
        }
        for _ in 0..self.rng.between(1, 3) {
            let budget = i64::from(self.rng.logarithmic(20, 400)).min(executed / 8);
            self.function(budget);
        }
        if self.rng.percent(50) {
            self.recursive_function();
        }
    }

    /// The end of the main part, and everything that is not executed.
    fn finish(&mut self, frame_size: Option<u32>) {
        let fall = self.b.label();
        let [t, s] = self.regs();
        self.mask(t, s, 255);
        self.b.output(t);
        let falls_off = match self.rng.below(10) {
            0 => {
                self.goto(fall, t);
                true
            }
            1 if self.loads() => {
                self.tag(Tag::LoadEmpty);
                self.b.literal(t, 0);
                self.b.alloc(s, t);
                self.b.load_program(s, t);
                false
            }
            _ => {
                self.b.halt();
                false
            }
        };
        if let Some(offset) = frame_size {
            self.b.set_literal(offset, self.frame_words);
        }
        self.behind_the_code();
        self.b.bind(self.at.tail);
        self.b.bind(fall);
        if falls_off {
            self.tag(Tag::FallOff);
        }
        for _ in 0..self.rng.between(2, 8) {
            let word = self.harmless();
            self.b.data(word);
        }
        self.b.bind(self.at.end);
    }

    /// Variables and tables.
    fn behind_the_code(&mut self) {
        for label in std::mem::take(&mut self.slots) {
            self.b.bind(label);
            self.b.data(0);
        }
        self.b.bind(self.at.data);
        for _ in 0..DATA_WORDS {
            let word = self.rng.word();
            self.b.data(word);
        }
        self.b.bind(self.at.pool);
        for _ in 0..POOL_WORDS {
            let word = self.harmless();
            self.b.data(word);
        }
        for label in std::mem::take(&mut self.sites.future) {
            self.b.bind(label);
            let word = self.harmless();
            self.b.data(word);
        }
        if !self.sled_placed {
            self.place_sled();
        }
        self.b.bind(self.at.site_table);
        for _ in 0..4 {
            let site = self.rng.pick(&self.sites.anywhere);
            self.b.data_label(site);
        }
        self.b.bind(self.at.function_table);
        for _ in 0..4 {
            match self.functions.is_empty() {
                true => self.b.data(0),
                false => {
                    let entry = self.rng.pick(&self.functions).entry;
                    self.b.data_label(entry);
                }
            }
        }
        self.b.bind(self.at.nil);
        self.b.data(0);
        self.b.bind(self.at.invalid);
        let word = self.rng.word() | 0xe000_0000;
        self.b.data(word);
        for (label, words) in std::mem::take(&mut self.tables) {
            self.b.bind(label);
            for word in words {
                match word {
                    TableWord::Plain(word) => self.b.data(word),
                    TableWord::Offset(target) => self.b.data_label(target),
                    TableWord::Literal(a, target) => {
                        self.b.literal_label(a, target, 0);
                    }
                }
            }
        }
    }
}
