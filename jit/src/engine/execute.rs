//! Into compiled code and back.

use super::{Engine, state_of};
use crate::abi::Slot;
use crate::exit::Exit;
use crate::journal::Event;
use crate::policy::Outcome;
use crate::stubs::HostCalls;
use crate::units::WayIn;
use rum_interp::Machine;
use rum_interp::engine::Pause;

impl Engine {
    /// Runs compiled code from the pc on, and completes the state where it was left.
    #[inline(always)]
    pub(super) fn execute(&mut self, machine: &mut Machine, way: WayIn, until: u64) -> Outcome {
        let mut calls = HostCalls::new(machine);
        // SAFETY: `machine` is borrowed for the call, and compiled code and its host calls are the only users meanwhile.
        let state = state_of(unsafe { &mut *calls.machine });
        if !self.settings.count {
            state.give_up_counting();
        }
        let (counted, base) = (state.counted(), state.base());
        let slots = state.slots_mut();
        slots[Slot::Driver as usize] = &raw mut calls as u64;
        slots[Slot::Until as usize] = until;
        // The countdown goes on over entries: otherwise the same few checks would be forced each time.
        if slots[Slot::ForceExit as usize] == 0 {
            slots[Slot::ForceExit as usize] = self.force_exit_every;
        }
        let in_blocks = slots[Slot::BaselineExecuted as usize];
        // SAFETY: the tables hold entries of live units and blocks only, made for this machine, and `settle` has ended what
        // depends on something that has changed.
        let number = unsafe {
            match way {
                WayIn::Unit(entry) => self.factory.enter(base, entry, &mut calls),
                WayIn::Block => self.units.enter_block(base, state.pc()),
            }
        };
        let (stop, panic) = (calls.stop.take(), calls.panic.take());
        if let Some(panic) = panic {
            std::panic::resume_unwind(panic);
        }
        // SAFETY: compiled code has returned; the borrow for the call ends here.
        let state = state_of(unsafe { &mut *calls.machine });
        let exit = Exit::unpack(number, |unit, site| {
            self.units.get(unit).expect("compiled code returns sites of live units").sites[site].complete(state)
        });
        let instructions = state.counted() - counted;
        let in_blocks = state.slots_mut()[Slot::BaselineExecuted as usize] - in_blocks;
        self.journal.note(Event::Executed { instructions, in_blocks, host_steps: calls.steps });
        match stop {
            Some(stop) => {
                self.journal.note(Event::Left(&exit));
                Outcome::Paused(Pause::Stop(stop))
            }
            None => Outcome::Left(exit),
        }
    }
}
