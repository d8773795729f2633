//! The state that both tiers work on: registers, pc, segments, tables, output; data and accessors, no loop.
//!
//! Compiled code reaches it from a pinned register that holds the address of granule 0: the state lies right before the
//! segments ([`StateBox`]), is `repr(C)`, and never moves.

use crate::console::Output;
use crate::memory::{AddressSpace, GRANULES_MIN, Memory, PREFIX_BYTES};
use crate::program::Program;
use crate::reserve::{Backing, Reservation};
use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Registers, pc, segments, and everything else that interpreted and compiled code share.
#[derive(Debug)]
#[repr(C)]
pub struct State {
    /// The eight registers.
    pub registers: [u32; 8],
    /// Offset in segment 0 of the next instruction (the specification's execution finger).
    pub pc: u32,
    /// Padding made visible, so that the layout has none.
    pub reserved: u32,
    /// Instructions executed so far. Compiled code adds to it only when it was asked to count.
    pub executed: u64,
    /// The segments.
    pub memory: Memory,
    /// What is known about the words of segment 0.
    pub program: Program,
    /// Bytes put out and not yet written.
    pub output: Output,
    /// Counts load-programs that replaced segment 0.
    pub replacements: u64,
    /// Scratch space of the owner of compiled code; the interpreter never touches it.
    pub jit: [u64; 32],
    /// Where the jump came from that ended the interpreter's loop with `Stop::Hot`.
    pub jumped_from: u32,
    poll: PollHandle,
}

/// Something else to do before the program goes on: the bits of the poll word. Bits above these are the embedder's.
pub mod poll {
    /// Write out what is in the output buffer (a ticker asks for that when a person is watching).
    pub const FLUSH: u32 = 1;
    /// Give control back to the caller of `run`.
    pub const INTERRUPT: u32 = 2;
    /// A compiled unit is ready to be published.
    pub const PUBLISH: u32 = 4;
}

/// Asks a running machine for attention, from any thread.
///
/// The word whose bits do that stands at a fixed distance before the segments ([`POLL_BEFORE_DATA_BYTES`]), so that
/// compiled code reads it at no cost; the handle keeps that memory.
#[derive(Clone, Debug)]
pub struct PollHandle {
    space: Arc<Reservation>,
}

/// How far before granule 0 the poll word stands, in bytes.
pub const POLL_BEFORE_DATA_BYTES: usize = PREFIX_BYTES;

impl PollHandle {
    #[inline(always)]
    fn word(&self) -> &AtomicU32 {
        // SAFETY: the range starts with the prefix, which is committed, zero at first, and used by nobody else here.
        unsafe { &*self.space.start().cast::<AtomicU32>() }
    }

    /// Sets bits of the poll word; the machine reacts at its next jump.
    pub fn raise(&self, bits: u32) {
        self.word().fetch_or(bits, Ordering::Release);
    }

    /// Makes the machine return from `run` with `Stop::Interrupted`.
    pub fn interrupt(&self) {
        self.raise(poll::INTERRUPT);
    }
}

/// A [`State`] in its place: [`STATE_BEFORE_DATA_BYTES`] bytes before granule 0 of its own segments.
#[derive(Debug)]
pub struct StateBox {
    state: NonNull<State>,
    _space: Arc<Reservation>,
}

// SAFETY: the box owns its state, which is `Send`.
unsafe impl Send for StateBox {}

/// How far before granule 0 a [`StateBox`] keeps its state, in bytes.
pub const STATE_BEFORE_DATA_BYTES: usize = size_of::<State>().next_multiple_of(64);
const _: () = assert!(STATE_BEFORE_DATA_BYTES + size_of::<AtomicU32>() <= PREFIX_BYTES);

/// Address space that must be left when there is little, for stacks, the heap and buffers.
const REST_BYTES: usize = 32 << 20;

impl StateBox {
    /// Moves a state to its place.
    pub fn new(state: State) -> StateBox {
        let space = state.memory.data_space();
        let place = state.memory.data.wrapping_sub(STATE_BEFORE_DATA_BYTES).cast::<State>();
        // SAFETY: the place lies in the committed prefix of the data range, is aligned (the range starts at a page),
        // and holds no state yet: every `Memory` has a range of its own.
        unsafe { place.write(state) };
        StateBox { state: NonNull::new(place).expect("an address within a mapping"), _space: space }
    }
}

impl Deref for StateBox {
    type Target = State;

    fn deref(&self) -> &State {
        // SAFETY: written by `new`, and owned by the box.
        unsafe { self.state.as_ref() }
    }
}

impl DerefMut for StateBox {
    fn deref_mut(&mut self) -> &mut State {
        // SAFETY: as above.
        unsafe { self.state.as_mut() }
    }
}

impl Drop for StateBox {
    fn drop(&mut self) {
        // SAFETY: owned by the box, which keeps the range mapped until after this.
        unsafe { self.state.drop_in_place() }
    }
}

impl State {
    /// The state of a machine before its first instruction, without a program.
    ///
    /// # Errors
    /// The system has no address space for it.
    pub fn new(limit_bytes: u64, space: AddressSpace) -> io::Result<State> {
        let mut memory = Memory::new(limit_bytes, space)?;
        loop {
            let granules = memory.id_bound;
            match State::around(memory) {
                // Where address space is scarce, the segments must leave room for the tables and for everything else.
                Err(_) if space == AddressSpace::Auto && granules > GRANULES_MIN => {
                    memory = Memory::new(limit_bytes, AddressSpace::Granules(granules / 2))?;
                }
                state => return state,
            }
        }
    }

    fn around(memory: Memory) -> io::Result<State> {
        let program = Program::new(memory.program_words_max())?;
        if !memory.covers_all_ids() {
            // Given back at once: the rest of the process needs it.
            Reservation::new(REST_BYTES, Backing::OnCommit)?;
        }
        Ok(State {
            registers: [0; 8],
            pc: 0,
            reserved: 0,
            executed: 0,
            poll: PollHandle { space: memory.data_space() },
            memory,
            program,
            output: Output::new()?,
            replacements: 0,
            jit: [0; 32],
            jumped_from: 0,
        })
    }

    /// A handle for other threads.
    pub fn poll_handle(&self) -> PollHandle {
        self.poll.clone()
    }

    /// Whether somebody asked for attention.
    #[inline(always)]
    pub fn polled(&self) -> bool {
        self.poll.word().load(Ordering::Relaxed) != 0
    }

    /// Clears the poll word if `bits` is exactly what it holds.
    pub fn take_poll_if_only(&self, bits: u32) -> bool {
        self.poll.word().compare_exchange(bits, 0, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// The bits asked for, which are cleared.
    pub fn take_poll(&self) -> u32 {
        self.poll.word().swap(0, Ordering::Acquire)
    }
}
