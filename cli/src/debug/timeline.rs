//! A run through which one can move in both directions.
//!
//! Identifiers follow from the past, and input is kept: so a program that is run again from a snapshot does the same. Going forward leaves
//! *checkpoints* behind, one for each few milliseconds of running; going back restores the one before, and runs on to the instruction that is wanted, by compiled
//! code, which survives that. If checkpoints take too much memory, every other one is given up.

use super::stage::Stage;
use crate::origin::Origin;
use crate::signals::Control;
use rum::{Fault, Machine, MachineOptions, Options, OutOfMemory, Stop, Vm, tally};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long it may take to run from one checkpoint to the next.
const STRIDE: Duration = Duration::from_millis(8);
/// Running takes at least so many times as long as keeping checkpoints.
const KEEP_SHARE: u32 = 4;
/// Instructions from the first checkpoint to the second: how long these take tells how far apart others are.
const STRIDE_MIN: u64 = 200_000;

/// A moment to which one can return.
struct Checkpoint {
    state: Vec<u8>,
    input: usize,
}

/// Why a program does not go on.
#[derive(Clone, Debug)]
pub enum End {
    /// It has halted.
    Halt,
    /// It has failed.
    Fault(Fault),
    /// Its memory is used up.
    Memory(OutOfMemory),
    /// Something about the host.
    Host(String),
}

/// Why it stopped.
#[derive(Clone, Debug)]
pub enum Paused {
    /// As many instructions were executed as were asked for.
    Reached,
    /// There is a breakpoint at the pc.
    Breakpoint,
    /// The instruction before has changed a word that is watched.
    Watchpoint,
    /// It has put out as many bytes as it may.
    Output,
    /// It wants to read.
    Input,
    /// Somebody is tired of waiting.
    Interrupted,
    /// It has ended.
    End(End),
}

/// A run through which one can move.
pub struct Timeline {
    /// The machine, at the moment.
    vm: Vm,
    /// What it reads and puts out.
    pub stage: Stage,
    control: Arc<Control>,
    origin: Origin,
    how: MachineOptions,
    options: Options,
    first: u64,
    checkpoints: BTreeMap<u64, Checkpoint>,
    bytes: usize,
    bytes_max: usize,
    stride: u64,
    /// Where the run ends, once that was seen.
    end: Option<(u64, End)>,
}

impl Timeline {
    /// A run that begins somewhere.
    ///
    /// # Errors
    /// There is no machine.
    pub fn new(
        origin: Origin,
        how: &MachineOptions,
        options: &Options,
        control: Arc<Control>,
        bytes_max: usize,
    ) -> Result<Timeline, Box<dyn Error>> {
        let stage = Stage::default();
        let how = MachineOptions { tally: false, output_bytes_max: None, ..how.clone() };
        // Code that is kept waits for the return to its program.
        let options = Options { count: true, watch: true, cache: true, ..options.clone() };
        let machine = origin.machine(Box::new(stage.clone()), &how)?;
        control.watch(machine.poll_handle());
        let mut vm = Vm::new(machine, &options)?;
        vm.ignore_probes(true);
        let first = vm.machine().executed().unwrap_or_default();
        {
            let (mut tape, before) = (stage.tape(), vm.machine().output_bytes());
            (tape.before, tape.put, tape.shown) = (before, before, before);
        }
        let mut timeline = Timeline {
            vm,
            stage,
            control,
            origin,
            how,
            options,
            first,
            checkpoints: BTreeMap::new(),
            bytes: 0,
            bytes_max,
            stride: STRIDE_MIN,
            end: None,
        };
        timeline.keep()?;
        Ok(timeline)
    }

    /// Instructions executed up to now.
    pub fn now(&self) -> u64 {
        self.vm.machine().executed().unwrap_or_default()
    }

    /// Instructions executed where the run begins.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The machine, to look at.
    pub fn machine(&self) -> &Machine {
        self.vm.machine()
    }

    /// Whether the run has come to its end.
    pub fn is_at_end(&self) -> Option<&End> {
        self.end.as_ref().filter(|(at, _)| *at == self.now()).map(|(_, end)| end)
    }

    /// The machine, to set what is to stop it.
    pub fn vm(&mut self) -> &mut Vm {
        &mut self.vm
    }

    fn keep(&mut self) -> Result<(), Box<dyn Error>> {
        let now = self.now();
        if self.checkpoints.contains_key(&now) {
            return Ok(());
        }
        let mut state = Vec::new();
        self.vm.save(&mut state, &[])?;
        state.shrink_to_fit();
        self.bytes += state.len();
        let input = self.stage.tape().at;
        self.checkpoints.insert(now, Checkpoint { state, input });
        while self.bytes > self.bytes_max && self.checkpoints.len() > 2 {
            let every_other: Vec<u64> = self.checkpoints.keys().copied().skip(1).step_by(2).collect();
            for at in every_other {
                self.bytes -= self.checkpoints.remove(&at).map_or(0, |checkpoint| checkpoint.state.len());
            }
            self.stride *= 2;
        }
        Ok(())
    }

    /// Goes back to the last checkpoint that is not behind a moment.
    fn restore(&mut self, moment: u64) -> Result<(), Box<dyn Error>> {
        let (_, checkpoint) = self.checkpoints.range(..=moment).next_back().ok_or("that is before the beginning")?;
        self.vm.restore(&checkpoint.state[..])?;
        let mut tape = self.stage.tape();
        tape.at = checkpoint.input;
        tape.put = self.vm.machine().output_bytes();
        Ok(())
    }

    /// Goes to the moment after so many instructions, whatever lies between. A run that ends before, or wants input that there is not, is
    /// left there.
    ///
    /// # Errors
    /// The moment is before the beginning, or somebody is tired of waiting.
    pub fn goto(&mut self, moment: u64) -> Result<Paused, Box<dyn Error>> {
        let before = self.checkpoints.range(..=moment).next_back().map(|(&at, _)| at);
        if moment < self.now() || before.is_some_and(|at| at > self.now()) {
            self.restore(moment)?;
        }
        self.vm.ignore_probes(true);
        self.run(moment)
    }

    /// Goes back to where one was, after something that may have been interrupted.
    ///
    /// # Errors
    /// The machine cannot be taken back.
    pub fn return_to(&mut self, moment: u64) -> Result<(), Box<dyn Error>> {
        self.control.forget();
        self.goto(moment).map(drop)
    }

    /// Runs up to a moment; what stops it is what was set.
    ///
    /// # Errors
    /// There is no room for a checkpoint.
    pub fn run(&mut self, moment: u64) -> Result<Paused, Box<dyn Error>> {
        loop {
            if let Some(end) = self.is_at_end() {
                return Ok(Paused::End(end.clone()));
            }
            let now = self.now();
            if now >= moment {
                return Ok(Paused::Reached);
            }
            if self.control.cause().is_some() {
                return Ok(Paused::Interrupted);
            }
            let last = self.checkpoints.range(..=now).next_back().map_or(self.first, |(&at, _)| at);
            let due = (last + self.stride).max(now + 1);
            let begun = Instant::now();
            let stop = self.vm.run(Some(moment.min(due) - now));
            let executed = self.now() - now;
            if self.now() >= due {
                let ran = begun.elapsed();
                self.keep()?;
                self.adapt(executed, ran, begun.elapsed() - ran);
            }
            if let Some(paused) = self.paused(stop) {
                return Ok(paused);
            }
        }
    }

    /// Makes the way between checkpoints longer or shorter, by how long this one took, and what it took to keep its end.
    fn adapt(&mut self, executed: u64, ran: Duration, kept: Duration) {
        if executed * 2 > self.stride {
            let wanted = STRIDE.max(kept * KEEP_SHARE);
            let by_time = executed as f64 * wanted.as_secs_f64() / ran.as_secs_f64().max(1e-6);
            self.stride = (by_time as u64).clamp(self.stride / 2, self.stride * 2).max(STRIDE_MIN);
        }
    }

    /// What a stop is here; none if the run only goes on.
    fn paused(&mut self, stop: Stop) -> Option<Paused> {
        let end = match stop {
            Stop::Budget => return None,
            Stop::Breakpoint => return Some(Paused::Breakpoint),
            Stop::Watchpoint => return Some(Paused::Watchpoint),
            Stop::OutputLimit { .. } => return Some(Paused::Output),
            Stop::Interrupted | Stop::TimeUp => {
                let wants_input = std::mem::take(&mut self.stage.tape().stopped);
                return match (wants_input, self.control.cause()) {
                    (true, _) => Some(Paused::Input),
                    (false, Some(_)) => Some(Paused::Interrupted),
                    (false, None) => None,
                };
            }
            Stop::Halt => End::Halt,
            Stop::Fault(fault) => End::Fault(fault),
            Stop::OutOfMemory(failure) => End::Memory(failure),
            Stop::Console(error) => End::Host(error.to_string()),
        };
        self.end = Some((self.now(), end.clone()));
        Some(Paused::End(end))
    }

    /// Executes one instruction, whatever there is at it.
    ///
    /// # Errors
    /// There is no room for a checkpoint.
    pub fn step(&mut self) -> Result<Paused, Box<dyn Error>> {
        self.vm.ignore_probes(true);
        if let Some(end) = self.is_at_end() {
            return Ok(Paused::End(end.clone()));
        }
        let stop = self.vm.step().err();
        self.vm.flush()?;
        Ok(stop.and_then(|stop| self.paused(stop)).unwrap_or(Paused::Reached))
    }

    /// Takes a breath between steps: leaves a checkpoint if one is due. Whether somebody is tired of waiting.
    ///
    /// # Errors
    /// There is no room for a checkpoint.
    pub fn breathe(&mut self) -> Result<bool, Box<dyn Error>> {
        self.vm.flush()?;
        let last = self.checkpoints.range(..=self.now()).next_back().map_or(0, |(&at, _)| at);
        if self.now() > last + self.stride.min(20 * STRIDE_MIN) {
            self.keep()?;
        }
        Ok(self.control.cause().is_some())
    }

    /// The moment of the last checkpoint before another moment.
    pub fn checkpoint_before(&self, moment: u64) -> Option<u64> {
        self.checkpoints.range(..moment).next_back().map(|(&at, _)| at)
    }

    /// Goes to the moment before a byte of the output is put out.
    ///
    /// # Errors
    /// There is no such byte.
    pub fn goto_output(&mut self, byte: u64) -> Result<(), Box<dyn Error>> {
        let (known, before) = {
            let tape = self.stage.tape();
            (tape.byte(byte).is_some(), tape.before)
        };
        if !known {
            return Err(match byte < before {
                true => "that byte was put out before the run began here",
                false => "that byte was not put out yet",
            }
            .into());
        }
        // Checkpoints know how much was put out only when they are there: the last one before is found by halves.
        let moments: Vec<u64> = self.checkpoints.keys().copied().collect();
        let (mut low, mut high) = (0, moments.len());
        while high - low > 1 {
            let middle = usize::midpoint(low, high);
            self.restore(moments[middle])?;
            if self.vm.machine().output_bytes() <= byte { low = middle } else { high = middle }
        }
        self.restore(moments[low])?;
        self.vm.limit_output(Some(byte))?;
        self.vm.ignore_probes(true);
        let paused = self.run(u64::MAX);
        self.vm.limit_output(None)?;
        match paused? {
            Paused::Output => Ok(()),
            Paused::Interrupted => Err("interrupted".into()),
            _ => Err("the run went another way".into()),
        }
    }

    /// The procedures that were called and have not returned, the first one first. The run is repeated for that from its beginning.
    ///
    /// # Errors
    /// It cannot be repeated.
    pub fn calls(&mut self) -> Result<Vec<tally::Call>, Box<dyn Error>> {
        let Origin::Program(_) = &self.origin else {
            return Err("calls are known of runs that begin with a program".into());
        };
        let stage = Stage::default();
        {
            let (mut copy, tape) = (stage.tape(), self.stage.tape());
            copy.input.clone_from(&tape.input);
        }
        let how = MachineOptions { tally: true, ..self.how.clone() };
        let machine = self.origin.machine(Box::new(stage), &how)?;
        let options = Options { watch: false, cache: false, keep_listings: false, ..self.options.clone() };
        let mut vm = Vm::new(machine, &options)?;
        let now = self.now();
        while vm.machine().executed().is_some_and(|executed| executed < now) {
            let left = now - vm.machine().executed().unwrap_or_default();
            match vm.run_for(Duration::from_millis(100), Some(left))? {
                Stop::Budget | Stop::Halt => break,
                Stop::TimeUp | Stop::Interrupted if self.control.cause().is_none() => {}
                _ => return Err("interrupted".into()),
            }
        }
        Ok(vm.call_stack())
    }

    /// The control, which ends what takes long.
    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }
}
