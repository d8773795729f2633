//! Statements that steer: branches, jumps, loops, calls, recursion.

use super::emit::{Bounds, Counter, Loop, Maker, TableWord, Value};
use super::function::Function;
use super::profile::Kind;
use super::tags::Tag;
use crate::builder::Label;
use rum_interp::isa::Reg;

impl Maker {
    /// A conditional with none, one or two sides.
    pub(super) fn branch(&mut self, bounds: Bounds) {
        let [c, x, y] = self.regs();
        let (then, otherwise, join) = (self.b.label(), self.b.label(), self.b.label());
        let cold = self.rng.percent(25);
        if self.rng.percent(10) {
            self.tag(Tag::BranchConstant);
            self.b.literal(c, self.rng.between(0, 1));
        } else if cold {
            self.tag(Tag::BranchCold);
            let mask = self.rng.pick(&[0x3f, 0x7f, 0x1ff]);
            self.mask(c, x, mask);
        } else {
            self.tag(Tag::Branch);
            self.condition(c, y);
        }
        self.branch_idiom(c, then, otherwise, [x, y]);
        let sides = if self.rng.percent(50) { [then, otherwise] } else { [otherwise, then] };
        let second_empty = self.rng.percent(35);
        self.b.bind(sides[0]);
        self.branch_side(bounds);
        if second_empty {
            self.b.bind(sides[1]);
        } else {
            if self.rng.percent(80) {
                self.goto(join, x);
            }
            self.b.bind(sides[1]);
            self.branch_side(bounds);
        }
        self.b.bind(join);
    }

    fn branch_side(&mut self, bounds: Bounds) {
        if let Some(site) = self.maybe_site(30) {
            self.sites.branch_targets.push(site);
        }
        let end = (self.b.here() + self.rng.between(1, 14)).min(bounds.end);
        self.block(Bounds { end, depth: bounds.depth + 1, ..bounds });
    }

    /// The compiler's conditional jump; its literals may be patchable, or the targets may come out of memory.
    fn branch_idiom(&mut self, c: Reg, then: Label, otherwise: Label, [x, y]: [Reg; 2]) {
        if self.rng.percent(12) {
            let table = self.table(vec![TableWord::Offset(otherwise), TableWord::Offset(then)]);
            self.value(x, Value::Word(table, 0), x);
            self.value(y, Value::Word(table, 1), y);
        } else {
            let first = self.patchable_literal(x, otherwise, then);
            let second = self.patchable_literal(y, then, otherwise);
            self.sites.branch_literals.extend(first.into_iter().chain(second));
        }
        let zero = self.zero();
        self.b.cond_move(x, y, c);
        self.b.load_program(zero, x);
    }

    /// A jump to one of several places, by table or by arithmetic.
    pub(super) fn jump(&mut self) {
        let [t, x, s] = self.regs();
        let cases = self.rng.pick(&[2, 4, 4, 8]);
        self.mask(t, s, cases - 1);
        let join = self.b.label();
        if self.rng.percent(60) {
            self.tag(Tag::JumpTable);
            let targets: Vec<Label> = (0..cases).map(|_| self.b.label()).collect();
            let table = self.table(targets.iter().map(|&target| TableWord::Offset(target)).collect());
            let zero = self.zero();
            self.b.literal_label(x, table, 0);
            self.b.add(t, t, x);
            self.b.index(t, zero, t);
            self.b.load_program(zero, t);
            // A few targets may share their code.
            for (number, target) in targets.into_iter().enumerate() {
                self.b.bind(target);
                if number == 0 || self.rng.percent(70) {
                    let word = self.harmless();
                    self.b.data(word);
                    self.maybe_site(20);
                    self.goto(join, x);
                }
            }
        } else {
            self.tag(Tag::JumpComputed);
            let stride = if self.zero_stable { 3 } else { 4 };
            let base = self.b.label();
            let zero = self.zero();
            self.b.literal(x, stride);
            self.b.mul(t, t, x);
            self.b.literal_label(x, base, 0);
            self.b.add(t, t, x);
            self.b.load_program(zero, t);
            self.b.bind(base);
            for _ in 0..cases {
                let word = self.harmless();
                self.b.data(word);
                self.goto(join, x);
            }
        }
        self.b.bind(join);
    }

    /// A counted loop of any statements.
    pub(super) fn counted_loop(&mut self, bounds: Bounds) {
        let wish = match self.rng.below(4) {
            0 => self.rng.between(2, 30),
            1 | 2 => self.rng.logarithmic(60, 800),
            _ => self.rng.logarithmic(500, 4000),
        };
        self.loop_of(bounds, wish, Maker::block);
    }

    /// A loop around `body`, of `wish` rounds if they fit; how many is settled when the cost of the body is known.
    pub(super) fn loop_of(&mut self, bounds: Bounds, wish: u32, body: fn(&mut Maker, Bounds)) {
        let room = bounds.cost - self.cost();
        let wish = i64::from(wish).min(room / 14).max(1);
        if !self.loops.is_empty() {
            self.tag(Tag::LoopNested);
        }
        let by_register = self.counter.filter(|_| bounds.main && !self.counter_busy && self.rng.percent(60));
        let [n, t] = self.regs();
        let (start, counter) = match by_register {
            Some(k) => {
                self.tag(Tag::LoopRegister);
                self.counter_busy = true;
                self.b.literal(k, 1);
                (self.b.here() - 1, Counter::Register(k))
            }
            None => {
                self.tag(Tag::LoopVariable);
                self.b.literal(n, 1);
                let start = self.b.here() - 1;
                let place = self.place();
                self.store(place, n, t);
                (start, Counter::Variable(place))
            }
        };
        self.loops.push(Loop { counter, rounds: Vec::new() });
        let before = self.cost();
        let first = self.rng.percent(25);
        let inner = Bounds { cost: before + (room / wish).max(20), depth: bounds.depth + 1, ..bounds };
        self.loop_rounds(first, inner, body);
        let round_cost = self.cost() - before;
        let rounds = (room / round_cost).clamp(1, wish);
        self.extra_cost += (rounds - if first { 0 } else { 1 }) * round_cost;
        let rounds = u32::try_from(rounds).expect("at most 4000");
        self.b.set_literal(start, rounds);
        let done = self.loops.pop().expect("pushed above");
        for literal in done.rounds {
            // Counting down, so low values come when the body is hot.
            let late = if self.rng.percent(75) { (rounds / 4).max(1) } else { rounds };
            let value = self.rng.between(1, late) - u32::from(first);
            self.b.set_literal(literal, value);
        }
        if by_register.is_some() {
            self.counter_busy = false;
        }
    }

    /// Head, body and end of a loop.
    fn loop_rounds(&mut self, tested_first: bool, bounds: Bounds, body: fn(&mut Maker, Bounds)) {
        let (head, start, exit) = (self.b.label(), self.b.label(), self.b.label());
        self.b.bind(head);
        if let Some(site) = self.maybe_site(30) {
            self.sites.loop_heads.push(site);
        }
        if tested_first {
            self.tag(Tag::LoopTestedFirst);
            self.loop_test(false, start, exit);
            self.b.bind(start);
            self.count_down();
        } else {
            self.b.bind(start);
        }
        let end = (self.b.here() + self.rng.between(2, 45)).min(bounds.end.max(self.b.here() + 2));
        body(self, Bounds { end, ..bounds });
        if tested_first {
            let [t] = self.regs();
            self.goto(head, t);
        } else {
            self.loop_test(true, head, exit);
        }
        self.b.bind(exit);
    }

    /// Leaves to `again` while the counter, counted down before on wish, is not 0.
    fn loop_test(&mut self, count: bool, again: Label, exit: Label) {
        let [c, x, y] = self.regs();
        if count {
            self.count_down();
        }
        let counter = match self.loops.last().expect("a loop is under construction").counter {
            Counter::Register(k) => k,
            Counter::Variable(place) => {
                self.load(c, place);
                c
            }
        };
        self.b.literal_label(x, exit, 0);
        // The other word ends the loop early.
        let site = self.patchable_literal(y, again, exit);
        self.sites.branch_literals.extend(site);
        let zero = self.zero();
        self.b.cond_move(x, y, counter);
        self.b.load_program(zero, x);
    }

    fn count_down(&mut self) {
        let [c, t] = self.regs();
        self.b.literal(t, 0);
        self.b.not(t, t);
        match self.loops.last().expect("a loop is under construction").counter {
            Counter::Register(k) => self.b.add(k, k, t),
            Counter::Variable(place) => {
                self.load(c, place);
                self.b.add(c, c, t);
                self.store(place, c, t);
            }
        }
    }

    /// A call of one of the functions, if one is cheap enough.
    pub(super) fn call(&mut self, bounds: Bounds) {
        let room = bounds.cost - self.cost();
        if bounds.main && self.rng.percent(25) && self.call_recursive(room) {
            return;
        }
        let affordable: Vec<Function> = self.functions.iter().copied().filter(|f| f.cost < room).collect();
        if affordable.is_empty() {
            return self.arithmetic();
        }
        let function = self.rng.pick(&affordable);
        let costliest = self.functions.iter().map(|f| f.cost).max().unwrap_or(0);
        let link = self.link();
        let mut t = self.reg();
        while t == link {
            t = self.reg();
        }
        let back = self.b.label();
        self.b.literal_label(link, back, 0);
        if bounds.main && costliest < room && self.rng.percent(25) {
            self.tag(Tag::CallIndirect);
            let number = self.rng.below(4);
            if self.rng.percent(50) {
                let s = self.rng.pick(&self.data[1..]);
                let mut x = self.rng.pick(&self.data[1..]);
                while x == t || x == s {
                    x = self.rng.pick(&self.data[1..]);
                }
                let source = if s == t { link } else { s };
                self.mask(t, source, 3);
                self.b.literal_label(x, self.at.function_table, 0);
                self.b.add(t, t, x);
                let zero = self.zero();
                self.b.index(t, zero, t);
            } else {
                self.value(t, Value::Word(self.at.function_table, number), t);
            }
            self.extra_cost += costliest;
        } else {
            self.tag(Tag::Call);
            let other = self.rng.pick(&affordable);
            let site = self.patchable_literal(t, function.entry, other.entry);
            self.sites.call_literals.extend(site);
            self.extra_cost += function.cost.max(other.cost);
        }
        let zero = self.zero();
        self.b.load_program(zero, t);
        self.b.bind(back);
    }

    fn call_recursive(&mut self, room: i64) -> bool {
        let Some((function, depth_place)) = self.recursion else { return false };
        let depth = i64::from(self.rng.between(1, 40)).min(room / function.cost);
        if depth < 1 {
            return false;
        }
        self.tag(Tag::Recursion);
        let [d, t] = self.regs();
        self.b.literal(d, depth as u32);
        self.store(depth_place, d, t);
        let link = self.link();
        let t = self.data[1];
        let zero = self.zero();
        if self.zero_stable {
            self.b.call(function.entry, link, t, zero);
        } else {
            let back = self.b.label();
            self.b.literal_label(link, back, 0);
            self.goto(function.entry, t);
            self.b.bind(back);
        }
        self.extra_cost += depth * function.cost;
        true
    }

    /// A function of its own, with its return address in a place of its own.
    pub(super) fn function(&mut self, budget: i64) {
        let entry = self.b.label_here();
        let before = self.cost();
        if let Some(site) = self.maybe_site(60) {
            self.sites.functions.push(site);
        }
        let link = self.link();
        let t = self.data[1];
        let place = self.place();
        self.store(place, link, t);
        let end = self.b.here() + self.rng.between(4, 40);
        self.block(Bounds { cost: before + budget, end, depth: 1, main: false });
        let r = self.reg();
        self.load(r, place);
        let zero = self.zero();
        self.b.load_program(zero, r);
        let cost = self.cost() - before;
        self.extra_cost -= cost;
        self.functions.push(Function { entry, cost });
    }

    /// A function that calls itself as often as a place says, and keeps a stack of cells.
    pub(super) fn recursive_function(&mut self) {
        let (depth, stack) = (self.place(), self.place());
        let entry = self.b.label_here();
        let before = self.cost();
        let (link, c, t, x, y) = (self.data[0], self.data[1], self.data[2], self.data[3], self.data[4]);
        // A cell: return address, cell before, something to carry.
        self.b.literal(t, 3);
        self.b.alloc(c, t);
        self.b.literal(t, 0);
        self.b.amend(c, t, link);
        self.load(x, stack);
        self.b.literal(t, 1);
        self.b.amend(c, t, x);
        self.store(stack, c, t);
        self.statement_within(8);
        self.load(c, depth);
        self.b.literal(t, 0);
        self.b.not(t, t);
        self.b.add(c, c, t);
        self.store(depth, c, t);
        let (more, unwind) = (self.b.label(), self.b.label());
        let zero = self.zero();
        self.b.branch(c, more, unwind, [x, y], zero);
        self.b.bind(more);
        self.b.literal_label(link, unwind, 0);
        self.goto(entry, t);
        self.b.bind(unwind);
        self.load(c, stack);
        self.b.literal(t, 1);
        self.b.index(x, c, t);
        self.b.literal(t, 0);
        self.b.index(link, c, t);
        self.store(stack, x, t);
        self.b.abandon(c);
        let zero = self.zero();
        self.b.load_program(zero, link);
        let cost = self.cost() - before;
        self.extra_cost -= cost;
        self.recursion = Some((Function { entry, cost }, depth));
    }

    /// A little arithmetic of at most about `words` words.
    fn statement_within(&mut self, words: u32) {
        let end = self.b.here() + words / 2;
        while self.b.here() < end {
            let word = self.harmless();
            self.b.data(word);
        }
    }

    /// Statements until a bound is reached.
    pub(super) fn block(&mut self, bounds: Bounds) {
        while self.b.here() < bounds.end && self.cost() < bounds.cost {
            let kind = self.rng.weighted(&self.weights).expect("arithmetic is never left out");
            self.statement(Kind::ALL[kind], bounds);
        }
    }

    fn statement(&mut self, kind: Kind, bounds: Bounds) {
        let room = bounds.cost - self.cost();
        match kind {
            Kind::Branch if bounds.depth < 5 => self.branch(bounds),
            Kind::Jump => self.jump(),
            Kind::Loop if bounds.depth < 4 && room > 60 => self.counted_loop(bounds),
            Kind::Call => self.call(bounds),
            Kind::Variable => self.variable(),
            Kind::Input => self.input(),
            Kind::Output => self.output(),
            Kind::ZeroBroken => self.zero_broken(),
            Kind::Access => self.access(),
            Kind::Heap if bounds.depth < 3 && room > 4000 && self.rng.percent(30) => self.churn(bounds),
            Kind::Heap => self.heap(room),
            Kind::Chain => self.chain(room),
            Kind::MaybeZero => self.maybe_zero(),
            Kind::Forged if bounds.depth > 0 => self.forged(),
            Kind::Patch => self.patch(bounds),
            Kind::Load if bounds.main => self.load_statement(room),
            Kind::Fault if !self.loops.is_empty() && !self.fault_placed => self.fault(),
            _ => self.arithmetic(),
        }
    }
}
