//! The state that every engine works on: the guest, what is known about its program, output; data and accessors, no loop.
//!
//! Code that another engine makes reaches it from a pinned register that holds the address of granule 0: the state lies right before
//! the segments ([`StateBox`]), is `repr(C)`, and never moves. [`offset`] says where its fields are.

use crate::guest::Guest;
use crate::heat::HeatTable;
use crate::input::Input;
use crate::memory::{AddressSpace, GRANULES_MIN, Memory, MemoryOptions, NAMES_IN_PREFIX, strict_overcommit};
use crate::memory::{NAMES_IN_PREFIX_END, PREFIX_BYTES};
use crate::output::Output;
use crate::poll::PollHandle;
use crate::probe::Probes;
use crate::program::Program;
use crate::reserve::{Backing, Reservation};
use crate::tally::Tally;
use crate::watch::Watch;
use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

/// Words that an engine above has for itself.
pub const SLOTS: usize = 32;

/// Everything that engines share.
#[derive(Debug)]
#[repr(C)]
pub struct State {
    pub(crate) guest: Guest,
    /// What is known about the words of segment 0.
    pub(crate) program: Program,
    /// Bytes put out and not yet written.
    pub(crate) output: Output,
    /// Bytes taken from the console and not yet read.
    pub(crate) input: Input,
    slots: [u64; SLOTS],
    /// What is counted for a profile.
    pub(crate) tally: Tally,
    /// Counts load-programs that replaced segment 0.
    pub(crate) replacements: u64,
    /// What [`State::programs_loaded`] counts more than that, after the state has become another one.
    pub(crate) loads_before: u64,
    /// Where a debugger wants the machine to stop.
    pub(crate) probes: Probes,
    poll: PollHandle,
}

/// Where fields of a [`State`] in its place are: distances from the address of granule 0, in bytes.
pub mod offset {
    use super::{NAMES_IN_PREFIX, PREFIX_BYTES, STATE_BEFORE_DATA_BYTES, State};
    use crate::poll::POLL_BEFORE_DATA_BYTES;
    use std::mem::offset_of;

    macro_rules! field {
        ($($field:tt)*) => {
            offset_of!(State, $($field)*) as i32 - STATE_BEFORE_DATA_BYTES as i32
        };
    }

    /// The poll word, 32 bits.
    pub const POLL: i32 = -(POLL_BEFORE_DATA_BYTES as i32);
    /// Register 0 of eight, 32 bits each.
    pub const REGISTERS: i32 = field!(guest.registers);
    /// The pc, 32 bits.
    pub const PC: i32 = field!(guest.pc);
    /// Instructions executed, 64 bits.
    pub const EXECUTED: i32 = field!(guest.executed);
    /// Address of granule 0's length byte, 64 bits.
    pub const LENS: i32 = field!(guest.memory.segments.lens);
    /// The entry of name 0, where few segments have names.
    pub const FEW_NAMES: i32 = NAMES_IN_PREFIX as i32 - PREFIX_BYTES as i32;
    /// Address of the entry of name 0, 64 bits.
    pub const NAMES: i32 = field!(guest.memory.segments.names);
    /// Names are below this, 32 bits.
    pub const NAMES_BOUND: i32 = field!(guest.memory.segments.names_bound);
    /// The name that was given back last, 0 if there is none, 32 bits.
    pub const NAMES_FREE: i32 = field!(guest.memory.names.free);
    /// How many segments will still be named, 32 bits.
    pub const NAMES_LEFT: i32 = field!(guest.memory.names.left);
    /// The next free granule of the current run, 32 bits.
    pub const CURSOR: i32 = field!(guest.memory.cursor);
    /// The end of the current run, 32 bits.
    pub const RUN_END: i32 = field!(guest.memory.run_end);
    /// The end of the granules given to small segments, 32 bits.
    pub const FRONTIER: i32 = field!(guest.memory.frontier);
    /// Granules at or above this are still zero, 32 bits.
    pub const TOUCHED: i32 = field!(guest.memory.touched);
    /// Granules of runs taken since the last walk began, 32 bits.
    pub const GRANTED: i32 = field!(guest.memory.granted);
    /// Length of segment 0 in words, 32 bits.
    pub const PROGRAM_LEN: i32 = field!(guest.memory.program_len);
    /// Address of the watch byte of word 0, 64 bits.
    pub const WATCH: i32 = field!(program.watch.bytes);
    /// Address where the next byte of output goes, 64 bits.
    pub const OUTPUT_NEXT: i32 = field!(output.next);
    /// Address of the end of the output buffer, 64 bits.
    pub const OUTPUT_END: i32 = field!(output.end);
    /// Address of the next byte of input that is there, 64 bits.
    pub const INPUT_NEXT: i32 = field!(input.next);
    /// Address of the end of the input that is there, 64 bits.
    pub const INPUT_END: i32 = field!(input.end);

    /// Address of how often word 0 was jumped to, 64 bits; of its mark; where the next event goes, and where there is no more room.
    pub const JUMPS: i32 = field!(tally.jumps);
    /// See [`JUMPS`].
    pub const MARKS: i32 = field!(tally.marks);
    /// See [`JUMPS`].
    pub const EVENT: i32 = field!(tally.next);
    /// See [`JUMPS`].
    pub const EVENTS_END: i32 = field!(tally.end);
    /// Address of how many words word 0 has allocated, 64 bits.
    pub const MADE: i32 = field!(tally.made);
    /// Address of where the segment with identifier 0 was made, 32 bits, and the number of word 0 as such a place.
    pub const SITES: i32 = field!(tally.sites);
    /// See [`SITES`].
    pub const FIRST_SITE: i32 = field!(tally.first_site);

    /// Slot `index` of the engine above, 64 bits.
    pub const fn slot(index: usize) -> i32 {
        field!(slots) + index as i32 * 8
    }

    const _: () = assert!(offset_of!(State, guest.registers) == 0 && STATE_BEFORE_DATA_BYTES < 1 << 16);
}

/// How far before granule 0 a machine keeps its state, in bytes.
pub const STATE_BEFORE_DATA_BYTES: usize = size_of::<State>().next_multiple_of(64);
const _: () =
    assert!(size_of::<AtomicU32>() <= NAMES_IN_PREFIX && NAMES_IN_PREFIX_END + STATE_BEFORE_DATA_BYTES <= PREFIX_BYTES);

/// A [`State`] in its place: [`STATE_BEFORE_DATA_BYTES`] bytes before granule 0 of its own segments.
#[derive(Debug)]
pub(crate) struct StateBox {
    state: NonNull<State>,
    _space: Arc<Reservation>,
}

// SAFETY: the box owns its state, which is `Send`.
unsafe impl Send for StateBox {}

/// Address space that must be left when there is little, for stacks, the heap and buffers.
const REST_BYTES: usize = 32 << 20;
/// What an engine above the interpreter should find beside that: for code, its compiler and its thread, and for each word that a
/// program may have.
const ENGINE_BYTES: usize = 96 << 20;
const ENGINE_BYTES_PER_WORD: usize = 16;

impl StateBox {
    /// Moves a state to its place.
    pub fn new(state: State) -> StateBox {
        let space = state.guest.memory.data_space();
        let place = state.guest.memory.segments.data.wrapping_sub(STATE_BEFORE_DATA_BYTES).cast::<State>();
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
    pub(crate) fn new(mut options: MemoryOptions, output_bytes_max: Option<u64>, tally: bool) -> io::Result<State> {
        let may_be_smaller = options.space == AddressSpace::Auto;
        loop {
            let memory = Memory::new(&options)?;
            let granules = memory.granules();
            match State::around(memory, output_bytes_max, tally) {
                // Where address space is scarce, the segments must leave room for the tables and for everything else.
                Err(_) if may_be_smaller && granules > GRANULES_MIN => {
                    options.space = AddressSpace::Granules(granules / 2);
                }
                state => return state,
            }
        }
    }

    fn around(memory: Memory, output_bytes_max: Option<u64>, tally: bool) -> io::Result<State> {
        // Where memory is counted or scarce, so is what is only promised.
        let is_scarce = strict_overcommit() || !memory.covers_all_ids();
        let backing = if is_scarce { Backing::OnCommit } else { Backing::OnTouch };
        let program = Program::new(memory.program_words_max(), memory.limit_bytes(), backing)?;
        let tally = match tally {
            true => Tally::new(memory.program_words_max(), memory.ids_bound(), backing)?,
            false => Tally::off(),
        };
        // Given back at once: the rest of the process needs it. The smallest machine is better than none.
        let engine_bytes = match memory.granules() > GRANULES_MIN {
            true => ENGINE_BYTES + memory.program_words_max() * ENGINE_BYTES_PER_WORD,
            false => 0,
        };
        Reservation::new(REST_BYTES + engine_bytes, Backing::OnCommit)?;
        Ok(State {
            poll: PollHandle::new(memory.data_space()),
            guest: Guest::new(memory),
            program,
            output: Output::new(output_bytes_max)?,
            input: Input::new(),
            replacements: 0,
            loads_before: 0,
            probes: Probes::default(),
            tally,
            slots: [0; SLOTS],
        })
    }

    /// The poll word; a clone of it is for other threads.
    #[inline(always)]
    pub fn poll(&self) -> &PollHandle {
        &self.poll
    }

    /// The address of granule 0, from which everything is reached.
    pub fn base(&self) -> *mut u8 {
        self.guest.memory.segments.data
    }

    /// The eight registers.
    pub fn registers(&self) -> &[u32; 8] {
        &self.guest.registers
    }

    /// The eight registers, to be changed.
    pub fn registers_mut(&mut self) -> &mut [u32; 8] {
        &mut self.guest.registers
    }

    /// Offset in segment 0 of the next instruction.
    pub fn pc(&self) -> u32 {
        self.guest.pc
    }

    /// Sets the pc, to anything.
    pub fn set_pc(&mut self, pc: u32) {
        self.guest.pc = pc;
    }

    /// Instructions executed so far, as far as they were counted.
    pub fn counted(&self) -> u64 {
        self.guest.executed
    }

    /// Adds to the instructions executed.
    pub fn count(&mut self, more: u64) {
        self.guest.executed = self.guest.executed.saturating_add(more);
    }

    /// From now on the count of instructions is not complete: something is executed that does not count.
    pub fn give_up_counting(&mut self) {
        self.guest.uncounted = 1;
    }

    /// The segments.
    pub fn memory(&self) -> &Memory {
        &self.guest.memory
    }

    /// A new segment of `words` zeros, none if there is no room within the limit.
    pub fn alloc(&mut self, words: u32) -> Option<u32> {
        self.guest.memory.alloc(words).ok()
    }

    /// Gives segment `id` back; false if it is not active or is segment 0.
    pub fn abandon(&mut self, id: u32) -> bool {
        self.guest.memory.abandon(id)
    }

    /// Who depends on which word of segment 0.
    pub fn watch(&self) -> &Watch {
        &self.program.watch
    }

    /// Who depends on which word of segment 0, to be told more or to tell its news.
    pub fn watch_mut(&mut self) -> &mut Watch {
        &mut self.program.watch
    }

    /// Counts bytes of an engine's tables beside the program. False if there may be no more.
    pub fn charge_tables(&mut self, bytes: u64) -> bool {
        self.program.charge(bytes)
    }

    /// Bytes of tables beside the program, with those of engines above.
    pub fn tables_bytes(&self) -> u64 {
        self.program.tables_bytes()
    }

    /// How hot each word of segment 0 is.
    pub fn heat(&self) -> &HeatTable {
        &self.program.heat
    }

    /// How hot each word of segment 0 is, to be changed.
    pub fn heat_mut(&mut self) -> &mut HeatTable {
        &mut self.program.heat
    }

    /// From now on the interpreter derives nothing from the word at `offset`: it is patched again and again.
    ///
    /// # Panics
    /// The offset lies outside every program so far.
    pub fn make_volatile(&mut self, offset: u32) {
        self.program.make_volatile(offset);
    }

    /// Has the interpreter forget what it derived from the word at `offset`; it derives it again when it is executed.
    ///
    /// # Panics
    /// As [`State::make_volatile`].
    pub fn forget_decoded(&mut self, offset: u32) {
        self.program.forget_decoded(offset);
    }

    /// What is counted for a profile.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What is counted for a profile, to be brought up to date.
    pub fn tally_mut(&mut self) -> &mut Tally {
        &mut self.tally
    }

    /// Something is about to be derived from some words, before the instruction at the pc: says so to what counts.
    pub fn look_at(&mut self, words: std::ops::Range<u32>) {
        if self.tally.is_on() {
            self.tally.look_at(self.guest.memory.program(), words, self.guest.pc);
        }
    }

    /// How often another segment has become the program since the program began, which may have been in another machine.
    pub fn programs_loaded(&self) -> u64 {
        self.loads_before.wrapping_add(self.replacements)
    }

    /// Bytes of input that were taken from the console and not read.
    pub(crate) fn pending_input(&self) -> &[u8] {
        self.input.pending()
    }

    /// How often segment 0 was replaced.
    pub fn replacements(&self) -> u64 {
        self.replacements
    }

    /// Words that an engine above has for itself; the interpreter never touches them.
    pub fn slots_mut(&mut self) -> &mut [u64; SLOTS] {
        &mut self.slots
    }
}
