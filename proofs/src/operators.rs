//! The fourteen operators, written from the specification: what an instruction does to a machine, and when it is no affair of the
//! interpreter's alone.

use crate::events::{self, Events, Fields, fields, is_input};
use crate::layout::Layout;
use crate::machine::{Kind, Machine, Number};
use crate::term::{Pool, Term};
use rum_interp::engine::WATCH_VALUE;
use rum_interp::engine::layout::SMALL_WORDS_MAX;
use rum_jit::contract::Code;

/// What an instruction did.
#[derive(Clone, Debug)]
pub struct Step {
    /// Whether compiled code may execute it: it does not fault, changes no code, and needs nobody.
    pub quiet: Term,
    pub after: Machine,
    /// The word that it accessed: first granule and offset.
    pub access: Option<[Term; 2]>,
}

/// An instruction about to be executed.
pub struct Operator<'a, 'b> {
    pub pool: &'a mut Pool,
    pub layout: &'a Layout<'b>,
    pub events: &'a Events,
    /// Its offset in segment 0.
    pub pc: u32,
    /// What holds where control comes here and the machine is as it should be.
    pub reached: &'a [Term],
}

impl Operator<'_, '_> {
    /// Executes what stands at the pc.
    pub fn execute(&mut self, code: Code, before: &Machine) -> Step {
        let mut after = before.clone();
        after.pc = self.pool.word(self.pc.wrapping_add(1));
        let executed = before.memory.number(Number::Executed);
        *after.memory.number_mut(Number::Executed) = self.pool.plus(executed, 1);
        let quiet = self.pool.truth(true);
        let mut step = Step { quiet, after, access: None };
        match code {
            Code::Fixed(word) if is_input(code) => self.input(word, before, &mut step),
            _ if self.events.steps.contains_key(&self.pc) => step.after = self.host(code, before),
            Code::Fixed(word) => self.fixed(word, before, &mut step),
            Code::Literal(a) => self.patched(usize::from(a), before, &mut step),
            Code::Anything => step.quiet = self.pool.truth(false),
        }
        step
    }

    fn host(&mut self, code: Code, before: &Machine) -> Machine {
        let mut after = before.clone();
        events::step(self.pool, &mut after, code, self.events.steps[&self.pc].moment);
        after.pc = self.pool.word(self.pc.wrapping_add(1));
        after
    }

    fn fixed(&mut self, word: u32, before: &Machine, step: &mut Step) {
        let Fields { operator, a, b, c } = fields(word);
        let [x, y, z] = [a, b, c].map(|reg| before.registers[reg]);
        let pool = &mut *self.pool;
        let result = match operator {
            0 => {
                let condition = pool.nonzero(z);
                pool.ite(condition, y, x)
            }
            1 => self.index(y, z, before, step),
            2 => return self.amend([x, y, z], before, step),
            3 => pool.add(y, z),
            4 => pool.mul(y, z),
            5 => {
                step.quiet = pool.nonzero(z);
                pool.div(y, z)
            }
            6 => {
                let both = pool.and(y, z);
                pool.complement(both)
            }
            8 => return self.alloc(b, z, before, step),
            9 => return self.abandon(z, before, step),
            10 => return self.output(z, before, step),
            12 => {
                let zero = pool.word(0);
                step.quiet = pool.eq(y, zero);
                step.after.pc = z;
                return;
            }
            13 => {
                step.after.registers[(word >> 25 & 7) as usize] = pool.word(word & 0x1ff_ffff);
                return;
            }
            // Halt, and what is no instruction.
            _ => {
                step.quiet = pool.truth(false);
                return;
            }
        };
        step.after.registers[a] = result;
    }

    /// The word accessed, and whether there is such a word.
    fn word(&mut self, id: Term, offset: Term, before: &Machine, step: &mut Step) -> [Term; 2] {
        let found = self.layout.locate(self.pool, &before.memory, id);
        step.quiet = self.pool.less(offset, found.length);
        step.access = Some([found.place, offset]);
        [found.place, offset]
    }

    fn index(&mut self, id: Term, offset: Term, before: &Machine, step: &mut Step) -> Term {
        let at = self.word(id, offset, before, step);
        before.memory.read(self.pool, Kind::Word, &at)
    }

    fn amend(&mut self, [id, offset, value]: [Term; 3], before: &Machine, step: &mut Step) {
        let at = self.word(id, offset, before, step);
        let pool = &mut *self.pool;
        let mut safe = Vec::new();
        for &plain in &self.layout.contract.plain_stores {
            let plain = pool.word(plain);
            safe.push(pool.eq(offset, plain));
        }
        let (plain, fixed) = (pool.any(safe), self.layout.is_fixed(pool, offset));
        let free = pool.not(fixed);
        let plain = pool.all([plain, free]);
        let (byte, mask) = (before.memory.read(pool, Kind::Watch, &[offset]), pool.constant(8, u64::from(WATCH_VALUE)));
        let (marks, zero) = (pool.and(byte, mask), pool.word(0));
        let (watched, elsewhere) = (pool.nonzero(marks), pool.eq(at[0], zero));
        let (unwatched, elsewhere) = (pool.not(watched), pool.not(elsewhere));
        let safe = pool.any([elsewhere, plain, unwatched]);
        step.quiet = pool.all([step.quiet, safe]);
        step.after.memory.write(pool, Kind::Word, &at, value);
    }

    fn alloc(&mut self, b: usize, words: Term, before: &Machine, step: &mut Step) {
        let pool = &mut *self.pool;
        let memory = &before.memory;
        let (one, most) = (pool.word(1), pool.word(SMALL_WORDS_MAX));
        // Two words to a granule, and one granule at least.
        let half = {
            let more = pool.plus(words, 1);
            pool.shift_right(more, one)
        };
        let tiny = pool.less(half, one);
        let granules = pool.ite(tiny, one, half);
        let (cursor, end) = (memory.number(Number::Cursor), memory.number(Number::RunEnd));
        let room = pool.sub(end, cursor);
        let (small, enough) = (pool.at_most(words, most), pool.at_most(granules, room));
        let name = memory.number(Number::NamesFree);
        let has_name = if self.layout.contract.all_named { pool.nonzero(name) } else { pool.truth(true) };
        if self.layout.contract.all_named {
            self.layout.explain_free_name(pool, memory, name, self.reached);
        }
        let fits = pool.all([small, enough, has_name]);

        let mut quick = step.after.clone();
        let after = &mut quick.memory;
        *after.number_mut(Number::Cursor) = pool.add(cursor, granules);
        let byte = pool.low(8, words);
        let byte = pool.plus(byte, 1);
        after.write(pool, Kind::Len, &[cursor], byte);
        // Its words are 0 as they are: those of the run's granules are.
        quick.registers[b] = cursor;
        if self.layout.contract.all_named {
            quick.registers[b] = name;
            let next = memory.read(pool, Kind::Place, &[name]);
            after.write(pool, Kind::Place, &[name], cursor);
            *after.number_mut(Number::NamesFree) = next;
        }
        let Some(call) = self.events.allocs.get(&self.pc) else {
            (step.quiet, step.after) = (fits, quick);
            return;
        };
        let mut slow = step.after.clone();
        events::alloc(pool, self.layout, &mut slow.memory, words, call.moment);
        let [id, _] = events::allocated(pool, call.moment);
        slow.registers[b] = id;
        let done = pool.nonzero(id);
        step.quiet = pool.any([fits, done]);
        step.after = quick.merge(pool, fits, &slow);
    }

    fn abandon(&mut self, id: Term, before: &Machine, step: &mut Step) {
        let pool = &mut *self.pool;
        let found = self.layout.locate(pool, &before.memory, id);
        let none = pool.constant(8, 0);
        let mut quick = step.after.clone();
        quick.memory.write(pool, Kind::Len, &[found.place], none);
        if self.layout.contract.all_named {
            let free = before.memory.number(Number::NamesFree);
            quick.memory.write(pool, Kind::Place, &[id], free);
            *quick.memory.number_mut(Number::NamesFree) = id;
        }
        let Some(call) = self.events.abandons.get(&self.pc) else {
            (step.quiet, step.after) = (found.is_small, quick);
            return;
        };
        let mut slow = step.after.clone();
        events::abandon(pool, self.layout, &mut slow.memory, id, call.moment);
        let done = events::abandoned(pool, call.moment);
        let done = pool.nonzero(done);
        step.quiet = pool.any([found.is_small, done]);
        step.after = quick.merge(pool, found.is_small, &slow);
    }

    fn output(&mut self, value: Term, before: &Machine, step: &mut Step) {
        let pool = &mut *self.pool;
        let (next, end) = (before.memory.number(Number::OutNext), before.memory.number(Number::OutEnd));
        let (most, full) = (pool.word(255), pool.eq(next, end));
        let (fits, room) = (pool.at_most(value, most), pool.not(full));
        step.quiet = pool.all([fits, room]);
        let byte = pool.low(8, value);
        step.after.memory.write(pool, Kind::Out, &[next], byte);
        *step.after.memory.number_mut(Number::OutNext) = pool.plus(next, 1);
    }

    fn input(&mut self, word: u32, before: &Machine, step: &mut Step) {
        let pool = &mut *self.pool;
        let (next, end) = (before.memory.number(Number::InNext), before.memory.number(Number::InEnd));
        let empty = pool.eq(next, end);
        let byte = before.memory.read(pool, Kind::In, &[next]);
        step.after.registers[fields(word).c] = pool.wide(32, byte);
        *step.after.memory.number_mut(Number::InNext) = pool.plus(next, 1);
        let some = pool.not(empty);
        match self.events.steps.get(&self.pc) {
            None => step.quiet = some,
            // The host alone, if there is no other way.
            Some(call) if !call.path.contains(&empty) => step.after = self.host(Code::Fixed(word), before),
            Some(_) => {
                let slow = self.host(Code::Fixed(word), before);
                step.after = step.after.merge(self.pool, some, &slow);
            }
        }
    }

    /// A literal that is patched again and again: the word says the value, if it still is one.
    fn patched(&mut self, a: usize, before: &Machine, step: &mut Step) {
        let pool = &mut *self.pool;
        let (zero, pc) = (pool.word(0), pool.word(self.pc));
        let word = before.memory.read(pool, Kind::Word, &[zero, pc]);
        let value = pool.word(0x1ff_ffff);
        let value = pool.and(word, value);
        let rest = pool.sub(word, value);
        let literal = pool.word(13 << 28 | (a as u32) << 25);
        step.quiet = pool.eq(rest, literal);
        step.after.registers[a] = value;
    }
}
