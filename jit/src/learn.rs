//! What is learnt by watching the interpreter: what instructions meet, and where computed jumps go.

use crate::vm::Jit;
use rum_interp::isa::Instruction;
use rum_interp::memory::LARGE;
use rum_interp::program::{SITE_HOST, SITE_LARGE, SITE_PROGRAM};
use rum_interp::state::State;
use rum_interp::{Machine, Stop};

/// Instructions that are interpreted one by one to learn what they meet.
const OBSERVED_MAX: u32 = 200;
/// The same before a region is compiled.
const OBSERVED_HOT: u32 = 1000;
/// Targets that are remembered of a computed jump.
const TARGETS_MAX: usize = 64;

impl Jit {
    /// Interprets for a while from where compiled code left, or will be made for, and notes at each site what it meets.
    /// `unit` learns if it was made without knowing that.
    pub fn observe(&mut self, machine: &mut Machine, unit: u32, zero: u8, until: u64) -> Option<Stop> {
        // Before compiling, a longer look; after a failed check, only until compiled code can go on.
        let longest = if unit == 0 { OBSERVED_HOT } else { OBSERVED_MAX };
        for _ in 0..longest {
            let state = machine.state_mut();
            if state.executed >= until || state.polled() {
                break;
            }
            let (pc, replacements) = (state.pc, state.replacements);
            let bits = note_site(state, zero);
            if unit != 0 {
                self.learn(state, unit, bits);
            }
            if let Err(stop) = machine.step() {
                return Some(stop);
            }
            self.observed += 1;
            let state = machine.state();
            let jumped = state.pc != pc.wrapping_add(1);
            if jumped {
                self.note_target(pc, state.pc);
            }
            if state.replacements != replacements || (unit != 0 && jumped && self.cache.entry(state.pc) != 0) {
                break;
            }
        }
        None
    }

    /// The instruction at the pc has met something (`SITE_...`) on a way that a unit did not go.
    fn learn(&mut self, state: &mut State, unit: u32, mut bits: u8) {
        let pc = state.pc;
        let Some(&word) = state.memory.program().get(pc as usize) else { return };
        let patched = self.cache.unit_mut(unit).is_some_and(|unit| unit.learn_word(pc, word));
        if patched || self.stores_into_code(state) {
            state.program.change_watch(pc, SITE_HOST, 0);
            bits |= SITE_HOST;
        }
        if let Some(unit) = self.cache.unit_mut(unit).filter(|_| bits != 0) {
            unit.learn(pc, bits);
        }
    }

    /// Whether the instruction at the pc stores to a word that a live unit was made from.
    fn stores_into_code(&self, state: &State) -> bool {
        let Some(&word) = state.memory.program().get(state.pc as usize) else { return false };
        let Instruction::Amend { a, b, .. } = Instruction::decode(word) else { return false };
        let offset = state.registers[b.index()];
        state.registers[a.index()] == 0 && offset < state.memory.program_len && self.cache.depends_on(offset)
    }

    /// A jump was seen.
    pub fn note_target(&mut self, from: u32, to: u32) {
        let targets = self.targets.entry(from).or_default();
        if targets.len() < TARGETS_MAX && !targets.contains(&to) {
            targets.push(to);
        }
    }
}

/// Notes what the next translation of the instruction at the pc should be ready for, and gives that as `SITE_...` bits.
fn note_site(state: &mut State, zero: u8) -> u8 {
    let Some(&word) = state.memory.program().get(state.pc as usize) else { return 0 };
    let segment = match Instruction::decode(word) {
        Instruction::Index { b, .. } => b,
        Instruction::Amend { a, .. } => a,
        _ => return 0,
    };
    let id = state.registers[segment.index()];
    let mut bits = 0;
    if id == 0 && zero >> segment.index() & 1 == 0 {
        bits |= SITE_PROGRAM;
    }
    if state.memory.len_byte(id) == LARGE {
        bits |= SITE_LARGE;
    }
    if bits != 0 {
        state.program.change_watch(state.pc, bits, 0);
    }
    bits
}
