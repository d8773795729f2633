//! A machine: state and console together, with what an embedder needs.

use crate::console::Console;
use crate::image::{ImageError, ImageReader};
use crate::isa::Word;
use crate::memory::{AddressSpace, OutOfMemory};
use crate::run;
use crate::state::{PollHandle, State, StateBox, poll};
use crate::step::{Stop, step};
use std::io::{self, Read};

/// How a machine is made.
#[derive(Clone, Debug)]
pub struct MachineOptions {
    /// Limit on the memory that segments take with their overhead, in bytes.
    pub memory_bytes_max: u64,
    /// Address space to reserve.
    pub address_space: AddressSpace,
}

impl Default for MachineOptions {
    /// Three quarters of the memory that the machine or container has.
    fn default() -> Self {
        MachineOptions { memory_bytes_max: crate::host::memory_bytes() / 4 * 3, address_space: AddressSpace::Auto }
    }
}

/// Why a machine could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The bytes are no program image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The image cannot be read.
    #[error("cannot read the image: {0}")]
    Read(#[source] io::Error),
    /// The program does not fit into the memory limit.
    #[error(transparent)]
    OutOfMemory(#[from] OutOfMemory),
    /// The system does not grant the address space.
    #[error("cannot reserve address space for the machine: {0}")]
    Reserve(#[source] io::Error),
}

/// A Universal Machine with its console: feed it, run it for a while, look at it, go on.
pub struct Machine {
    state: StateBox,
    console: Box<dyn Console>,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").field("registers", &self.registers()).field("pc", &self.pc()).finish_non_exhaustive()
    }
}

impl Machine {
    /// A machine that will run `program`.
    ///
    /// # Errors
    /// The program is empty or does not fit, or the system does not grant the address space.
    pub fn new(program: &[Word], console: Box<dyn Console>, options: &MachineOptions) -> Result<Machine, SetupError> {
        let mut machine = Machine::without_program(console, options)?;
        machine.extend_program(program)?;
        machine.with_program()
    }

    /// A machine that will run the program in a big-endian image, read to its end piece by piece.
    ///
    /// # Errors
    /// As [`Machine::new`]; also if the bytes are no image or cannot be read.
    pub fn from_reader(
        image: &mut dyn Read,
        console: Box<dyn Console>,
        options: &MachineOptions,
    ) -> Result<Machine, SetupError> {
        let mut machine = Machine::without_program(console, options)?;
        let mut words = ImageReader::new(image);
        while let Some(piece) = words.next_piece().map_err(SetupError::Read)? {
            machine.extend_program(piece)?;
        }
        words.finish()?;
        machine.with_program()
    }

    /// A machine that will run the program in a big-endian image.
    ///
    /// # Errors
    /// As [`Machine::new`]; also if the bytes are no image.
    pub fn from_image(
        mut image: &[u8],
        console: Box<dyn Console>,
        options: &MachineOptions,
    ) -> Result<Machine, SetupError> {
        Machine::from_reader(&mut image, console, options)
    }

    fn without_program(console: Box<dyn Console>, options: &MachineOptions) -> Result<Machine, SetupError> {
        let state = State::new(options.memory_bytes_max, options.address_space).map_err(SetupError::Reserve)?;
        Ok(Machine { state: StateBox::new(state), console })
    }

    fn extend_program(&mut self, words: &[Word]) -> Result<(), SetupError> {
        let limit = self.state.memory.program_words_max();
        let total = self.state.memory.program_len as usize + words.len();
        if total > limit {
            return Err(ImageError::TooLarge { words: total, limit }.into());
        }
        Ok(self.state.memory.extend_program(words)?)
    }

    fn with_program(mut self) -> Result<Machine, SetupError> {
        let words = self.state.memory.program_len as usize;
        if words == 0 {
            return Err(ImageError::Empty.into());
        }
        self.state.program.make_room(words).map_err(SetupError::Reserve)?;
        Ok(self)
    }

    /// Interprets until the program stops by itself or `budget` more instructions have been executed.
    ///
    /// Output is written before this returns. After `Budget` and `Interrupted` the machine can go on.
    pub fn run(&mut self, budget: Option<u64>) -> Stop {
        let until = budget.map_or(u64::MAX, |budget| self.state.executed.saturating_add(budget));
        let stop = self.run_until(until, None);
        if matches!(stop, Stop::Interrupted) {
            // Whoever asked has been heard.
            self.state.take_poll();
        }
        stop
    }

    /// Interprets up to an instruction count, or until a jump to a word whose heat is `threshold`.
    pub fn run_until(&mut self, until: u64, threshold: Option<i32>) -> Stop {
        loop {
            let stop = run::run(&mut self.state, &mut *self.console, until, threshold);
            if matches!(stop, Stop::Hot) {
                return stop;
            }
            if let Err(error) = self.flush() {
                return Stop::Console(error);
            }
            // A ticker that wants nothing but a flush has got it.
            if !(matches!(stop, Stop::Interrupted) && self.state.take_poll_if_only(poll::FLUSH)) {
                return stop;
            }
        }
    }

    /// Executes exactly one instruction.
    ///
    /// # Errors
    /// Why it was not executed, or `Halt` if it was a halt.
    pub fn step(&mut self) -> Result<(), Stop> {
        step(&mut self.state, &mut *self.console)
    }

    /// Writes out what the program has put out so far.
    ///
    /// # Errors
    /// The console's.
    pub fn flush(&mut self) -> io::Result<()> {
        self.state.output.flush(&mut *self.console)
    }

    /// The eight registers.
    pub fn registers(&self) -> [u32; 8] {
        self.state.registers
    }

    /// Offset in segment 0 of the next instruction.
    pub fn pc(&self) -> u32 {
        self.state.pc
    }

    /// Instructions executed so far; a faulting one does not count, a halt does.
    pub fn executed(&self) -> u64 {
        self.state.executed
    }

    /// The words of an active segment.
    pub fn segment(&self, id: u32) -> Option<&[Word]> {
        self.state.memory.segment(id)
    }

    /// Identifiers and lengths in words of all active segments but 0. Walks over all of them.
    pub fn active_segments(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.state.memory.active()
    }

    /// A handle with which other threads can ask the machine to stop.
    pub fn poll_handle(&self) -> PollHandle {
        self.state.poll_handle()
    }

    /// The state, for engines that execute it in other ways.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The state, for engines that execute it in other ways.
    pub fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// State and console, for engines that execute it in other ways.
    pub fn parts_mut(&mut self) -> (&mut State, &mut dyn Console) {
        (&mut *self.state, &mut *self.console)
    }

    /// The console.
    pub fn console_mut(&mut self) -> &mut dyn Console {
        &mut *self.console
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Scripted;

    /// A program that replaces itself by itself for ever still keeps its budget and answers polls.
    #[test]
    fn endless_replacement_can_be_stopped() {
        // r1 := 2; r2 := map segment (r1 words); r4 := 5; r3 := m[r0][r4]; m[r2][r0] := r3; goto r0 in program m[r2]
        let program = [0xd200_0002, 0x8000_0011, 0xd800_0005, 0x1000_00c4, 0x2000_0083, 0xc000_0010];
        let mut machine =
            Machine::new(&program, Box::new(Scripted::default()), &MachineOptions::default()).expect("a machine");
        let handle = machine.poll_handle();
        assert!(matches!(machine.run(Some(1_000_003)), Stop::Budget));
        assert_eq!((machine.executed(), machine.state().replacements), (1_000_003, 999_998));
        handle.interrupt();
        assert!(matches!(machine.run(None), Stop::Interrupted));
    }
}
