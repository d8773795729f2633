//! What is learnt by watching the interpreter: what instructions meet, and where jumps go.

use super::{Engine, state_of};
use crate::guest::met::Met;
use crate::policy::Circumstances;
use crate::tuning::{OBSERVED_HOT, OBSERVED_MAX};
use rum_interp::Ids;
use rum_interp::engine::State;
use rum_interp::engine::layout::SMALL_WORDS_MAX;
use rum_interp::isa::{Instruction, Reg};
use rum_interp::memory::Kind;
use rum_interp::{Machine, Stop};

impl Engine {
    /// A check of a unit did not hold: looks at what follows until compiled code can go on. A stop is what that came to.
    pub(super) fn learn_from_check(
        &mut self,
        machine: &mut Machine,
        number: u32,
        at: Circumstances,
        until: u64,
    ) -> Option<Stop> {
        let zero = self.units.get(number).map_or(0, |unit| unit.shape.zero);
        let stop = self.observe(machine, Some(number), zero, until);
        if self.policy.is_worth_improving(at.checks_failed) && self.units.get(number).is_some_and(|unit| unit.learnt) {
            self.improve(state_of(machine), number);
        }
        stop
    }

    /// Interprets for a while from where a region is to begin, before it is made. A stop is what that came to.
    pub(super) fn look_ahead(&mut self, machine: &mut Machine, zero: u8, until: u64) -> Option<Stop> {
        self.observe(machine, None, zero, until)
    }

    /// Interprets step by step, where the registers in the mask `zero` are taken to be 0, and notes what each instruction
    /// meets. The unit learns if it was made without knowing that.
    fn observe(&mut self, machine: &mut Machine, unit: Option<u32>, zero: u8, until: u64) -> Option<Stop> {
        // Before compiling, a longer look; after a failed check, only until compiled code can go on.
        let longest = if unit.is_some() { OBSERVED_MAX } else { OBSERVED_HOT };
        for _ in 0..longest {
            let state = state_of(machine);
            if state.counted() >= until || state.poll().is_raised() {
                break;
            }
            let (pc, replacements) = (state.pc(), state.replacements());
            let mut met = met_at(state, zero, unit.is_none());
            if let Some(name) = large_name_at(state) {
                met.insert(self.profile.meet_name(pc, name));
            }
            if let Some(unit) = unit {
                met.insert(self.learn(state, unit, met));
            }
            self.profile.meet(pc, met);
            if let Err(stop) = machine.step() {
                return Some(stop);
            }
            let state = machine.state();
            let jumped = state.pc() != pc.wrapping_add(1);
            if jumped {
                self.profile.jumped(pc, state.pc());
            }
            let can_enter = unit.is_some() && jumped && self.units.entry(state.pc()).is_some();
            if can_enter || state.replacements() != replacements {
                break;
            }
        }
        None
    }

    /// The instruction at the pc has met something on a way that a unit did not go. Gives what else it has met.
    fn learn(&mut self, state: &State, unit: u32, mut met: Met) -> Met {
        let pc = state.pc();
        let Some(&word) = state.memory().program().get(pc as usize) else { return met };
        let patched = self.units.get_mut(unit).is_some_and(|unit| unit.learn_word(pc, word));
        if patched || self.stores_into_code(state, word) {
            met.insert(Met::HOST);
        }
        if let Some(unit) = self.units.get_mut(unit).filter(|_| !met.is_empty()) {
            unit.learn(pc, met);
        }
        met
    }

    /// Whether the instruction at the pc, `word`, stores to a word that a live unit was made from.
    fn stores_into_code(&self, state: &State, word: u32) -> bool {
        let Instruction::Amend { a, b, .. } = Instruction::decode(word) else { return false };
        let offset = state.registers()[b.index()];
        let is_program = state.registers()[a.index()] == 0 && offset < state.memory().program_len();
        is_program && self.units.depend_on(offset)
    }
}

/// The segment that the instruction at the pc accesses, as an identifier; none if it is no access.
fn segment_at(state: &State) -> Option<(Reg, u32)> {
    let reg = match Instruction::decode(*state.memory().program().get(state.pc() as usize)?) {
        Instruction::Index { b, .. } => b,
        Instruction::Amend { a, .. } => a,
        _ => return None,
    };
    Some((reg, state.registers()[reg.index()]))
}

/// The name of the segment that the instruction at the pc accesses, if that is large, and others have no names.
fn large_name_at(state: &State) -> Option<u32> {
    let memory = state.memory();
    let (_, id) = segment_at(state).filter(|_| memory.ids() == Ids::Mixed)?;
    let is_large = memory.capacity(id).is_some_and(|words| words > SMALL_WORDS_MAX);
    (is_large && memory.kind(id) == Some(Kind::Named)).then_some(id)
}

/// What the next translation of the instruction at the pc should be ready for; `is_hot` says that this is what it meets all the
/// time, and not what code for it was not made for.
fn met_at(state: &State, zero: u8, is_hot: bool) -> Met {
    let mut met = Met::default();
    let Some((segment, id)) = segment_at(state) else { return met };
    if id == 0 && zero >> segment.index() & 1 == 0 {
        met.insert(Met::PROGRAM);
    }
    match state.memory().kind(id) {
        Some(Kind::Large) => met.insert(Met::LARGE),
        Some(Kind::Named) if is_hot => met.insert(Met::NAMED_WHEN_HOT),
        Some(Kind::Named) => met.insert(Met::NAMED),
        Some(Kind::Small) | None => {}
    }
    met
}
