//! What a stretch does to the host's memory: loads, stores, and calls to the host.

use crate::address::{self, NUMBERS, POINTERS, Place};
use crate::events::{self, Call};
use crate::layout::TABLE;
use crate::machine::{Kind, Number};
use crate::run::{Access, Run, State};
use crate::term::{Pool, Term, Width};
use anyhow::{Context, bail, ensure};
use rum_interp::engine::offset;
use rum_jit::contract::slots;

impl Run<'_, '_> {
    pub(crate) fn load(&mut self, address: Term, width: Width, state: &mut State) -> anyhow::Result<Term> {
        let place = address::place(self.pool, &state.machine, address).context("an unknown address")?;
        let memory = &state.machine.memory;
        let (bits, kind, index) = match place {
            Place::Field(at) => return self.field(at, width, state),
            Place::Word(granule, offset) => {
                ensure!(width == 32, "a word of other size");
                let at = self.access(state, [granule, offset]);
                return Ok(state.machine.memory.read(self.pool, Kind::Word, &at));
            }
            Place::Table(index) => {
                ensure!(width == 64, "an entry of other size");
                let length = self.pool.word(self.layout.contract.program_len);
                let inside = self.pool.less(index, length);
                self.demand(state, "there is an entry", inside);
                return Ok(self.pool.app(TABLE, vec![index]));
            }
            Place::Len(index) => (8, Kind::Len, index),
            Place::Header(index) => (32, Kind::Header, index),
            Place::Name(index) => (32, Kind::Place, index),
            Place::Size(index) => (32, Kind::Size, index),
            Place::Watch(index) => (8, Kind::Watch, index),
            Place::Out(index) => (8, Kind::Out, index),
            Place::In(index) => (8, Kind::In, index),
        };
        ensure!(width == bits, "an element of other size");
        let value = memory.read(self.pool, kind, &[index]);
        self.bound(kind, index, state);
        Ok(value)
    }

    /// Demands that a table reaches to an index.
    fn bound(&mut self, kind: Kind, index: Term, state: &State) {
        let contract = self.layout.contract;
        let bound = match kind {
            Kind::Watch => self.pool.word(contract.program_len),
            Kind::Len => match contract.id_bound.filter(|&bound| bound < 1 << 32 && !contract.all_named) {
                Some(bound) => self.pool.word(bound as u32),
                None => return,
            },
            Kind::Place | Kind::Size => match (contract.all_named, contract.names_bound) {
                (false, Some(bound)) => self.pool.word(bound),
                (true, Some(_)) => state.machine.memory.number(Number::NamesBound),
                (_, None) => return,
            },
            _ => return,
        };
        let inside = self.pool.less(index, bound);
        self.demand(state, "a table reaches so far", inside);
    }

    /// Demands that a word is there. Gives it in the terms that the operators have for it.
    fn access(&mut self, state: &State, at: [Term; 2]) -> [Term; 2] {
        let expected = state.word.and_then(|word| self.expected.get(&word)).copied();
        self.trace.accesses.push(Access { word: state.word, path: state.path.clone(), at, expected });
        expected.unwrap_or(at)
    }

    fn field(&mut self, at: i32, width: Width, state: &mut State) -> anyhow::Result<Term> {
        if at == offset::POLL {
            // Others may write it at any time.
            return Ok(self.pool.fresh("poll", width));
        }
        let value = if let Some(&(_, name)) = POINTERS.iter().find(|&&(found, _)| found == at) {
            self.pool.var(name, 64)
        } else if let Some(&(_, number)) = NUMBERS.iter().find(|&&(found, _)| found == at) {
            state.machine.memory.number(number)
        } else if at == offset::PC {
            state.machine.pc
        } else if let Some(index) = register(at) {
            state.machine.registers[index]
        } else if let Some(&value) = state.slots.get(&at) {
            value
        } else {
            self.pool.var(format!("slot {at}"), 64)
        };
        ensure!(self.pool.width(value) >= width, "a field of other size");
        Ok(self.pool.low(width, value))
    }

    pub(crate) fn store(&mut self, address: Term, value: Term, state: &mut State) -> anyhow::Result<()> {
        let place = address::place(self.pool, &state.machine, address).context("an unknown address")?;
        let width = self.pool.width(value);
        let (bits, kind, index) = match place {
            Place::Field(at) => return self.set_field(at, value, state),
            Place::Word(granule, offset) => {
                ensure!(width == 32, "a word of other size");
                let at = self.access(state, [granule, offset]);
                state.machine.memory.write(self.pool, Kind::Word, &at, value);
                return Ok(());
            }
            Place::Len(index) => (8, Kind::Len, index),
            Place::Name(index) => (32, Kind::Place, index),
            Place::Out(index) => (8, Kind::Out, index),
            _ => bail!("a store to {place:?}"),
        };
        ensure!(width == bits, "an element of other size");
        state.machine.memory.write(self.pool, kind, &[index], value);
        Ok(())
    }

    fn set_field(&mut self, at: i32, value: Term, state: &mut State) -> anyhow::Result<()> {
        let width = self.pool.width(value);
        let old = if let Some(&(_, number)) = NUMBERS.iter().find(|&&(found, _)| found == at) {
            state.machine.memory.number_mut(number)
        } else if at == offset::PC {
            &mut state.machine.pc
        } else if let Some(index) = register(at) {
            &mut state.machine.registers[index]
        } else if at == slots::FORCE_EXIT {
            state.slots.insert(at, value);
            return Ok(());
        } else {
            bail!("a store to the field at {at}");
        };
        ensure!(self.pool.width(*old) == width, "a field of other size");
        *old = value;
        Ok(())
    }

    pub(crate) fn call(&mut self, stub: Term, argument: Option<Term>, state: &mut State) -> anyhow::Result<()> {
        let word = state.word.context("a call that comes from no word")?;
        let moment = match self.moments.get(&word) {
            Some(&moment) => moment,
            None => self.pool.fresh_number(),
        };
        self.moments.insert(word, moment);
        let call = Call { path: state.path.clone(), machine: state.machine.clone(), argument, moment };
        let is = |pool: &mut Pool, at: i32| pool.var(format!("slot {at}"), 64) == stub;
        let pool = &mut *self.pool;
        let (calls, result) = if is(pool, slots::ALLOC_STUB) {
            let words = argument.context("a length")?;
            events::alloc(pool, self.layout, &mut state.machine.memory, words, moment);
            let [id, place] = events::allocated(pool, moment).map(|term| pool.wide(64, term));
            state.slots.insert(slots::PLACE, place);
            (&mut self.trace.events.allocs, id)
        } else if is(pool, slots::ABANDON_STUB) {
            let id = argument.context("an identifier")?;
            events::abandon(pool, self.layout, &mut state.machine.memory, id, moment);
            let done = events::abandoned(pool, moment);
            (&mut self.trace.events.abandons, pool.wide(64, done))
        } else if is(pool, slots::STEP_STUB) {
            let code = *self.codes.get(&word).context("a step at no word")?;
            events::step(pool, &mut state.machine, code, moment);
            let stopped = events::stopped(pool, moment);
            (&mut self.trace.events.steps, pool.wide(64, stopped))
        } else {
            bail!("a call of an unknown stub")
        };
        state.slots.insert(slots::RESULT, result);
        ensure!(calls.insert(word, call).is_none(), "two calls for one word");
        Ok(())
    }
}

/// The register whose home is at a distance from the pinned register.
fn register(at: i32) -> Option<usize> {
    let bytes = usize::try_from(at - offset::REGISTERS).ok()?;
    (bytes.is_multiple_of(4) && bytes < 32).then_some(bytes / 4)
}
