//! The one list of calls that compiled code makes to the host, and what they do.
//!
//! A call takes the address of granule 0 and one argument, and gives its result through [`Slot::Result`]. For a new one add a
//! line to the list, a slot, and the function.

use crate::abi::Slot;
use rum_interp::engine::{STATE_BEFORE_DATA_BYTES, State};
use rum_interp::{Machine, Stop};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the engine lends compiled code for calls to the host.
pub(crate) struct HostCalls {
    pub machine: *mut Machine,
    /// Why a step by the host did not go through.
    pub stop: Option<Stop>,
    /// A console panicked; the engine lets the panic go on.
    pub panic: Option<Box<dyn Any + Send>>,
    /// Steps executed by the host.
    pub steps: u64,
}

impl HostCalls {
    /// Lends a machine to compiled code. Nothing else uses it until that has returned.
    pub fn new(machine: &mut Machine) -> HostCalls {
        HostCalls { machine, stop: None, panic: None, steps: 0 }
    }
}

/// A function of the host.
type HostFunction = unsafe extern "C" fn(*mut u8, u32);

/// A call as the stubs are made from it.
pub(super) struct HostCall {
    pub name: &'static str,
    /// Where compiled code finds the stub's address.
    pub slot: Slot,
    /// Parameters of the stub: none or one.
    pub params: usize,
    pub function: HostFunction,
}

macro_rules! host_calls {
    ($($name:literal, $slot:ident, $params:literal, $function:ident;)*) => {
        /// All calls.
        pub(super) const HOST_CALLS: [HostCall; [$($name),*].len()] = [
            $(HostCall { name: $name, slot: Slot::$slot, params: $params, function: $function },)*
        ];
    };
}

host_calls! {
    "alloc", AllocStub, 1, host_alloc;
    "abandon", AbandonStub, 1, host_abandon;
    "step", StepStub, 0, host_step;
    "drain", DrainStub, 0, host_drain;
}

/// # Safety
/// `data` is the address of granule 0 of a state in its place.
unsafe fn state_of<'a>(data: *mut u8) -> &'a mut State {
    // SAFETY: by the caller's promise; the driver holds no reference while compiled code runs.
    unsafe { &mut *data.sub(STATE_BEFORE_DATA_BYTES).cast::<State>() }
}

/// Allocates; the result is the identifier, or 0, and beside it stands the first granule.
pub(crate) unsafe extern "C" fn host_alloc(data: *mut u8, words: u32) {
    // SAFETY: compiled code passes the pinned register.
    let state = unsafe { state_of(data) };
    let id = state.alloc(words).unwrap_or(0);
    let place = state.memory().place(id).unwrap_or(0);
    state.slots_mut()[Slot::Result as usize] = u64::from(id);
    state.slots_mut()[Slot::Place as usize] = u64::from(place);
}

/// Abandons; the result is 1, or 0 if the interpreter has to report something.
pub(crate) unsafe extern "C" fn host_abandon(data: *mut u8, id: u32) {
    // SAFETY: as above.
    let state = unsafe { state_of(data) };
    let done = state.abandon(id);
    state.slots_mut()[Slot::Result as usize] = u64::from(done);
}

/// Brings the stack of calls up to date.
pub(crate) unsafe extern "C" fn host_drain(data: *mut u8, _: u32) {
    // SAFETY: as above.
    unsafe { state_of(data) }.tally_mut().drain();
}

/// Executes the instruction at the pc; the result is 0 if the next one follows and compiled code is still valid.
pub(crate) unsafe extern "C" fn host_step(data: *mut u8, _: u32) {
    // SAFETY: as above; the driver has set the slot for as long as compiled code runs.
    let calls = unsafe { &mut *(state_of(data).slots_mut()[Slot::Driver as usize] as *mut HostCalls) };
    // SAFETY: the driver lends the machine, and uses it only after compiled code has returned.
    let machine = unsafe { &mut *calls.machine };
    let next = machine.pc().wrapping_add(1);
    let replacements = machine.state().replacements();
    calls.steps += 1;
    let go_on = match catch_unwind(AssertUnwindSafe(|| machine.step())) {
        Ok(Ok(())) => {
            let state = machine.state();
            state.pc() == next && state.replacements() == replacements && !state.watch().has_news()
        }
        Ok(Err(stop)) => {
            calls.stop = Some(stop);
            false
        }
        Err(panic) => {
            calls.panic = Some(panic);
            false
        }
    };
    // SAFETY: as above.
    unsafe { state_of(data) }.slots_mut()[Slot::Result as usize] = u64::from(!go_on);
}
