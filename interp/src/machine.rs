//! A machine: state and console together, with what an embedder needs.

use crate::console::Console;
use crate::host;
use crate::image::{ImageError, ImageReader};
use crate::isa::Word;
use crate::memory::{AddressSpace, Ids, Memory, MemoryOptions, NAMED_ALLOCS, OutOfMemory};
use crate::poll::{POLL_ENGINE, POLL_FLUSH, PollHandle, stop_for};
use crate::run::{Pause, run};
use crate::state::{State, StateBox};
use crate::step::step;
use crate::stop::Stop;
use crate::tally::Counted;
use crate::timer::Timer;
use std::any::Any;
use std::io::{self, Read};
use std::time::Duration;

/// How a machine is made.
#[derive(Clone, Debug)]
pub struct MachineOptions {
    /// Limit on the memory that segments take with their overhead, in bytes.
    pub memory_bytes_max: u64,
    /// Address space to reserve.
    pub address_space: AddressSpace,
    /// Which identifiers new segments get.
    pub ids: Ids,
    /// With [`Ids::Mixed`], how many segments are numbered, at most [`NAMED_ALLOCS`]: fewer are for tests.
    pub named_allocs: u32,
    /// Limit on the bytes that the program may put out, kept exactly; none if there is no limit.
    pub output_bytes_max: Option<u64>,
    /// Whether everything is counted that a profile tells ([`Machine::take_counted`]).
    pub tally: bool,
}

impl Default for MachineOptions {
    /// Three quarters of the memory that the machine or container has, and no limit on output.
    fn default() -> Self {
        MachineOptions {
            memory_bytes_max: host::memory_bytes() / 4 * 3,
            address_space: AddressSpace::Auto,
            ids: Ids::default(),
            named_allocs: NAMED_ALLOCS,
            output_bytes_max: None,
            tally: false,
        }
    }
}

impl MachineOptions {
    /// Those that the segments are made by.
    pub fn memory(&self) -> MemoryOptions {
        MemoryOptions {
            limit_bytes: self.memory_bytes_max,
            space: self.address_space,
            ids: self.ids,
            named_allocs: self.named_allocs,
        }
    }
}

/// Words of an image that are read at once, at first and at the most: memory for them is asked for before.
const READ_WORDS_MIN: usize = 1 << 10;
const READ_WORDS_MAX: usize = 1 << 16;

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
    pub(crate) state: StateBox,
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
        let mut reader = ImageReader::new(image);
        let mut piece = READ_WORDS_MIN;
        while machine.state.guest.memory.read_program(piece, |room| reader.fill(room)).map_err(SetupError::Read)? {
            piece = (2 * piece).min(READ_WORDS_MAX);
        }
        // There is no more to read, or no more room.
        let mut beyond = [[0; 4]; 16];
        let words = reader.fill(&mut beyond).map_err(SetupError::Read)?;
        let beyond: Vec<Word> = beyond[..words].iter().map(|&word| Word::from_ne_bytes(word)).collect();
        machine.extend_program(&beyond)?;
        if words > 0 {
            // There was no room for a piece, and by chance there is for a few words: the rest is not to be lost without a word.
            let memory = &machine.state.guest.memory;
            return Err(OutOfMemory { words: memory.program_len(), limit_bytes: memory.limit_bytes() }.into());
        }
        reader.finish(machine.state.guest.memory.program())?;
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

    pub(crate) fn without_program(console: Box<dyn Console>, options: &MachineOptions) -> Result<Machine, SetupError> {
        let state =
            State::new(options.memory(), options.output_bytes_max, options.tally).map_err(SetupError::Reserve)?;
        Ok(Machine { state: StateBox::new(state), console })
    }

    fn extend_program(&mut self, words: &[Word]) -> Result<(), SetupError> {
        let memory = &mut self.state.guest.memory;
        let limit = memory.program_words_max();
        let total = memory.program_len() as usize + words.len();
        if total > limit {
            return Err(ImageError::TooLarge { words: total, limit }.into());
        }
        Ok(memory.extend_program(words)?)
    }

    pub(crate) fn with_program(mut self) -> Result<Machine, SetupError> {
        let words = self.state.guest.memory.program_len() as usize;
        if words == 0 {
            return Err(ImageError::Empty.into());
        }
        self.state.program.make_room(words).map_err(SetupError::Reserve)?;
        let State { guest, tally, .. } = &mut *self.state;
        if tally.is_on() {
            tally.start(guest.memory.program()).map_err(SetupError::Reserve)?;
        }
        Ok(self)
    }

    /// Interprets until the program stops by itself or `budget` more instructions have been executed.
    ///
    /// Output is written before this returns. After `Budget` and `Interrupted` the machine can go on.
    pub fn run(&mut self, budget: Option<u64>) -> Stop {
        let until = budget.map_or(u64::MAX, |budget| self.state.guest.executed.saturating_add(budget));
        let mut for_engine = 0;
        let stop = loop {
            match self.pause_at(until, None) {
                Pause::Stop(Stop::Interrupted) => {
                    let bits = self.state.poll().take();
                    for_engine |= bits & POLL_ENGINE;
                    match stop_for(bits) {
                        // Whoever asked has been heard. If none has, it was the console that gives up.
                        None if bits == 0 => break Stop::Interrupted,
                        None => {}
                        Some(stop) => break stop,
                    }
                }
                Pause::Stop(stop) => break stop,
                Pause::Hot { .. } | Pause::HasCode => unreachable!("the loop was given no threshold"),
            }
        };
        if for_engine != 0 {
            // That was for an engine above, which hears of it when it runs the machine.
            self.state.poll().raise(for_engine);
        }
        stop
    }

    /// As [`Machine::run`], for at most `time`: then it stops as [`Stop::TimeUp`], and can go on. A console that keeps its
    /// program waiting is not interrupted.
    ///
    /// # Errors
    /// The system has no thread to watch the clock.
    pub fn run_for(&mut self, time: Duration, budget: Option<u64>) -> io::Result<Stop> {
        let _timer = Timer::start(self.poll_handle(), time)?;
        Ok(self.run(budget))
    }

    /// Interprets up to a count of instructions ([`State::counted`]), or until a jump to a word whose heat is `threshold`.
    /// For engines that execute hot code otherwise. A machine that is polled stops as `Interrupted`; the bits stay set.
    pub fn run_until_hot(&mut self, until: u64, threshold: i32) -> Pause {
        self.pause_at(until, Some(threshold))
    }

    fn pause_at(&mut self, until: u64, threshold: Option<i32>) -> Pause {
        loop {
            let pause = run(&mut self.state, &mut *self.console, until, threshold);
            let Pause::Stop(stop) = pause else { return pause };
            let written = self.flush();
            let stop = stop.once_written(written);
            // A ticker that wants nothing but a flush has got it.
            if !(matches!(stop, Stop::Interrupted) && self.state.poll().take_if_only(POLL_FLUSH)) {
                return stop.into();
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
        self.state.guest.registers
    }

    /// Offset in segment 0 of the next instruction.
    pub fn pc(&self) -> u32 {
        self.state.guest.pc
    }

    /// Instructions executed so far; a faulting one does not count, a halt does. None if compiled code has executed some
    /// without counting them.
    pub fn executed(&self) -> Option<u64> {
        (self.state.guest.uncounted == 0).then_some(self.state.guest.executed)
    }

    /// The words of an active segment.
    pub fn segment(&self, id: u32) -> Option<&[Word]> {
        self.state.guest.memory.segment(id)
    }

    /// How often another segment has become the program.
    pub fn programs_loaded(&self) -> u64 {
        self.state.programs_loaded()
    }

    /// Which identifiers segments get.
    pub fn ids(&self) -> Ids {
        self.state.guest.memory.ids()
    }

    /// Whether the next segment is numbered: gets an identifier that counts from 1.
    pub fn is_naming(&self) -> bool {
        self.state.guest.memory.is_naming()
    }

    /// The highest number that a segment had as its identifier, 0 if none had one.
    pub fn names_max(&self) -> u32 {
        self.state.guest.memory.names_max()
    }

    /// Identifiers and lengths in words of all active segments but 0. Walks over all of them.
    pub fn active_segments(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.state.guest.memory.active()
    }

    /// Ends counting for a profile, and gives what was counted; None if nothing was ([`MachineOptions::tally`]).
    pub fn take_counted(&mut self) -> Option<Counted> {
        let State { guest, tally, .. } = &mut *self.state;
        tally.is_on().then(|| tally.finish(guest.memory.program(), guest.executed, guest.pc, guest.memory.active()))
    }

    /// Bytes that count against the limit on memory: segments with their overhead.
    pub fn memory_bytes(&self) -> u64 {
        self.memory().used_bytes()
    }

    /// The limit on memory in bytes.
    pub fn memory_bytes_max(&self) -> u64 {
        self.memory().limit_bytes()
    }

    /// Whether the system has granted address space for every identifier. If not, fewer segments may fit than the limit on memory
    /// allows.
    pub fn covers_all_ids(&self) -> bool {
        self.memory().covers_all_ids()
    }

    fn memory(&self) -> &Memory {
        &self.state.guest.memory
    }

    /// Sets the limit on the bytes that the program may put out, of which it keeps exactly so many.
    ///
    /// # Errors
    /// The console's, when what it has put out so far is written.
    pub fn limit_output(&mut self, bytes_max: Option<u64>) -> io::Result<()> {
        self.flush()?;
        self.state.output.set_limit(bytes_max);
        Ok(())
    }

    /// Bytes that the program has put out so far, written or not.
    pub fn output_bytes(&self) -> u64 {
        self.state.output.total_bytes()
    }

    /// A handle with which other threads can ask the machine to stop.
    pub fn poll_handle(&self) -> PollHandle {
        self.state.poll().clone()
    }

    /// The console, if it is of this type.
    pub fn console<C: Console>(&self) -> Option<&C> {
        let console: &dyn Any = &*self.console;
        console.downcast_ref()
    }

    /// The console, if it is of this type.
    pub fn console_mut<C: Console>(&mut self) -> Option<&mut C> {
        let console: &mut dyn Any = &mut *self.console;
        console.downcast_mut()
    }

    /// Ends the machine and gives its console back.
    ///
    /// # Errors
    /// The console's, when the rest of the output is written.
    pub fn into_console(mut self) -> io::Result<Box<dyn Console>> {
        self.flush()?;
        Ok(self.console)
    }

    /// The state, for engines that execute it in other ways.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The state, for engines that execute it in other ways.
    ///
    /// # Safety
    /// The state and its parts stay where they are: nothing is moved out of them, swapped or replaced.
    pub unsafe fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Scripted;
    use crate::memory::GRANULES_MIN;

    /// A program that replaces itself by itself for ever still keeps its budget and answers polls.
    #[test]
    fn endless_replacement_can_be_stopped() {
        // r1 := 2; r2 := map segment (r1 words); r4 := 5; r3 := m[r0][r4]; m[r2][r0] := r3; goto r0 in program m[r2]
        let program = [0xd200_0002, 0x8000_0011, 0xd800_0005, 0x1000_00c4, 0x2000_0083, 0xc000_0010];
        let mut machine =
            Machine::new(&program, Box::new(Scripted::default()), &MachineOptions::default()).expect("a machine");
        let handle = machine.poll_handle();
        assert!(matches!(machine.run(Some(1_000_003)), Stop::Budget));
        assert_eq!((machine.executed(), machine.state().replacements()), (Some(1_000_003), 999_998));
        // What is for an engine above is no reason to stop, and is there for it afterwards.
        handle.raise(POLL_ENGINE);
        assert!(matches!(machine.run(Some(1000)), Stop::Budget));
        assert_eq!(handle.take(), POLL_ENGINE);
    }

    /// However often a word is stored to before an engine above asks, it is told once, and again after it was marked again.
    #[test]
    fn a_store_is_news_once() {
        // r1 := 5; m[r0][r1] := r2; r3 := 1; goto r3 in program m[r0]
        let program = [0xd200_0005, 0x2000_000a, 0xd600_0001, 0xc000_0003, 0, 0];
        let mut machine =
            Machine::new(&program, Box::new(Scripted::default()), &MachineOptions::default()).expect("a machine");
        for _ in 0..2 {
            machine.state.watch_mut().mark_derived(5);
            assert!(matches!(machine.run(Some(1000)), Stop::Budget));
            assert_eq!(machine.state.watch_mut().take_stored(), [5]);
        }
    }

    /// The limit on output is kept to the byte, and what was put out before it is written.
    #[test]
    fn output_has_a_limit() {
        // r1 := 65; output r1; r2 := 1; goto r2 in program m[r0]
        let program = [0xd200_0041, 0xa000_0001, 0xd400_0001, 0xc000_0002];
        for max in [0, 1, 1000, 65_536, 70_000] {
            let options = MachineOptions { output_bytes_max: Some(max), ..MachineOptions::default() };
            let mut machine = Machine::new(&program, Box::new(Scripted::default()), &options).expect("a machine");
            let stop = machine.run(None);
            assert!(matches!(stop, Stop::OutputLimit { bytes_max } if bytes_max == max), "{stop}");
            assert_eq!((machine.pc(), machine.output_bytes()), (1, max));
            assert_eq!(machine.console::<Scripted>().expect("a script").output, vec![b'A'; max as usize]);
        }
    }

    /// Gives a few bytes at a time, never the same number as before, and fails if it is asked after its end.
    struct Trickle<'a>(&'a [u8], usize, bool);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(!std::mem::replace(&mut self.2, self.0.is_empty()), "the end was told");
            self.1 = self.1 % 70_001 + 1237;
            let count = self.1.min(buffer.len());
            self.0.read(&mut buffer[..count])
        }
    }

    /// Images of all sizes around those of the pieces, in machines that have room for them or not.
    #[test]
    fn images_are_read_where_they_stay() {
        let options =
            MachineOptions { address_space: AddressSpace::Granules(GRANULES_MIN), ..MachineOptions::default() };
        let read = |bytes: &[u8], options: &MachineOptions| {
            Machine::from_reader(&mut Trickle(bytes, 0, false), Box::new(Scripted::default()), options)
        };
        let words_max = read(&[0; 4], &options).expect("a word").memory().program_words_max();
        let image: Vec<u8> = (0..words_max as u32 + 1).flat_map(|i| i.wrapping_mul(0x1_0107).to_be_bytes()).collect();
        let sizes = [1, 1023, 1024, 1025, 3071, 3072, 3073, 50_000, words_max - 1, words_max];
        for words in sizes {
            let machine = read(&image[..4 * words], &options).expect("there is room");
            let program = machine.segment(0).expect("segment 0");
            assert_eq!(program.len(), words);
            assert!(program.iter().enumerate().all(|(i, &word)| word == (i as u32).wrapping_mul(0x1_0107)));
            let ragged = read(&image[..4 * words + 3], &options).expect_err("three bytes more");
            assert!(ragged.to_string().contains(&format!("3 left over after {words} word")), "{ragged}");
        }
        let error = read(&image, &options).expect_err("a word too many");
        assert!(
            matches!(error, SetupError::Image(ImageError::TooLarge { words, limit }) if words == limit + 1),
            "{error}"
        );
        let narrow = MachineOptions { memory_bytes_max: 20_000, ..options };
        assert!(read(&image[..20_000], &narrow).is_ok());
        let error = read(&image[..20_004], &narrow).expect_err("a word too many");
        assert!(matches!(error, SetupError::OutOfMemory(OutOfMemory { words: 5001, .. })), "{error}");
    }

    #[test]
    fn a_console_can_be_had_back() {
        let program = [0xd200_0048, 0xa000_0001, 0x7000_0000];
        let console = Box::new(Scripted::new(b"input"));
        let mut machine = Machine::new(&program, console, &MachineOptions::default()).expect("a machine");
        machine.step().and_then(|()| machine.step()).expect("no stop");
        assert_eq!(machine.console_mut::<Scripted>().expect("a script").input.pop_front(), Some(b'i'));
        let console: Box<dyn Any> = machine.into_console().expect("memory takes everything");
        assert_eq!(console.downcast::<Scripted>().expect("a script").output, b"H");
    }

    #[test]
    fn time_has_a_limit() {
        // r2 := 0; goto r2 in program m[r0]
        let program = [0xd400_0000, 0xc000_0002];
        let mut machine =
            Machine::new(&program, Box::new(Scripted::default()), &MachineOptions::default()).expect("a machine");
        for _ in 0..2 {
            let stop = machine.run_for(Duration::from_millis(5), None).expect("a thread");
            assert!(matches!(stop, Stop::TimeUp), "{stop}");
        }
        let stop = machine.run_for(Duration::from_secs(3600), Some(1000)).expect("a thread");
        assert!(matches!(stop, Stop::Budget), "the clock that did not ring leaves nothing behind: {stop}");
        machine.poll_handle().interrupt();
        let stop = machine.run_for(Duration::from_secs(3600), None).expect("a thread");
        assert!(matches!(stop, Stop::Interrupted), "{stop}");
    }
}
