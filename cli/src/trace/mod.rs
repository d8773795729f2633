//! What a program did, instruction by instruction: the last of them before the end (`rum run --trace`), or all of a range, into a
//! file (`--trace-file`).
//!
//! The last instructions are not watched for while the program runs: it runs at full speed, and what it reads is kept (`tape.rs`). At
//! its end it is run again up to a little before, which comes to the same, and only the rest is executed one by one.
//!
//! Files: `record.rs` what one instruction did, `tape.rs` the input kept and given again, `write.rs` lines of text and of JSON.

mod record;
pub mod tape;
mod write;

use self::record::{Record, executed};
use self::tape::Tape;
use self::write::Writer;
use crate::cli::run::TraceArgs;
use crate::cli::values::TraceFormat;
use crate::failure::Failure;
use crate::files::write_failure;
use crate::origin::Origin;
use crate::signals::Control;
use crate::symbols::{self, Places};
use rum::tally::Counted;
use rum::{Console, EngineKind, MachineOptions, Options, Stop, Vm, Word};
use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

/// How often a second run looks whether it is to end.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is to be traced of a run.
#[derive(Debug)]
pub struct Trace {
    /// How many instructions are to be shown at the end, if any.
    last: Option<u32>,
    /// Where all others go, and which.
    file: Option<Sink>,
    format: TraceFormat,
}

/// The file that instructions go to.
#[derive(Debug)]
struct Sink {
    file: File,
    name: String,
    /// Instructions by their numbers, from 1 on.
    range: Range<u64>,
}

/// What it takes to run a program again.
#[derive(Debug)]
pub struct Again {
    origin: Origin,
    tape: Tape,
    machine: MachineOptions,
    options: Options,
    /// Instructions that it has executed, and whether one more could not be.
    executed: u64,
    faulted: bool,
}

impl Again {
    /// What it takes to run the program of a machine that is about to run.
    pub fn new(origin: Origin, tape: Tape, how: &MachineOptions, options: &Options) -> Again {
        let options = Options { cache: false, ..options.clone() };
        Again { origin, tape, machine: how.clone(), options, executed: 0, faulted: false }
    }

    /// It is to be interpreted: what compiled code did is in doubt.
    pub fn interpreted(self) -> Again {
        Again { options: Options { engine: EngineKind::Interp, ..self.options }, ..self }
    }

    /// The run has come to its end.
    pub fn ended(&mut self, vm: &Vm, faulted: bool) {
        (self.executed, self.faulted) = (count(vm), faulted);
    }
}

impl Again {
    /// Runs it again, up to a limit on instructions, and counts everything.
    ///
    /// # Errors
    /// The machine cannot be had a second time.
    pub fn count(self, instructions_max: Option<u64>, control: &Control) -> Result<Counted, Box<dyn Error>> {
        let how = MachineOptions { tally: true, ..self.machine };
        let machine = self.origin.machine(Box::new(self.tape.play()), &how)?;
        let options = Options { keep_listings: false, ..self.options };
        let mut vm = Vm::new(machine, &options)?;
        // What is to end the run ends this one, too; it was made for the first machine.
        while matches!(
            vm.run_for(LOOK_EVERY, instructions_max.map(|max| max.saturating_sub(count(&vm))))?,
            Stop::Interrupted | Stop::TimeUp
        ) {
            if control.cause().is_some() {
                return Err("it was interrupted".into());
            }
        }
        Ok(vm.take_counted().unwrap_or_default())
    }
}

impl Trace {
    /// Keeps what a run takes to be run again, whatever is to be shown of it.
    pub fn keep_input(&mut self) {
        self.last = Some(self.last.unwrap_or_default());
    }

    /// What was asked for; `create` makes a file.
    ///
    /// # Errors
    /// The file cannot be had.
    pub fn of(
        args: &TraceArgs,
        create: impl FnOnce(&Path) -> Result<(File, String), Failure>,
    ) -> Result<Trace, Failure> {
        let range = args.trace_range.clone().unwrap_or(1..u64::MAX);
        let file = match &args.trace_file {
            Some(path) => create(path).map(|(file, name)| Some(Sink { file, name, range }))?,
            None => None,
        };
        Ok(Trace { last: args.trace, file, format: args.trace_format })
    }

    /// The console that a run is to have, and what it keeps, if it may have to be run again.
    pub fn keep(&self, console: impl Console) -> (Box<dyn Console>, Option<Tape>) {
        match self.last {
            None => (Box::new(console), None),
            Some(_) => {
                let tape = Tape::default();
                (Box::new(tape.record(console)), Some(tape))
            }
        }
    }

    /// Runs a machine up to a count of instructions, and writes what it does to the file, if one was asked for. Gives why it stopped.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn run(
        &self,
        vm: &mut Vm,
        instructions_max: Option<u64>,
        control: &Control,
        source: &symbols::Source,
    ) -> Result<Stop, Failure> {
        let run_to = |vm: &mut Vm, end: Option<u64>| vm.run(end.map(|end| end.saturating_sub(count(vm))));
        let Some(sink) = &self.file else { return Ok(run_to(vm, instructions_max)) };
        let max = instructions_max.unwrap_or(u64::MAX);
        let [start, end] = [sink.range.start, sink.range.end].map(|number| (number - 1).min(max));
        if count(vm) < start {
            let stop = run_to(vm, Some(start));
            if !matches!(stop, Stop::Budget) || start == max {
                return Ok(stop);
            }
        }
        match self.write(vm, end, control, source)? {
            Some(stop) => Ok(stop),
            None if count(vm) < max => Ok(run_to(vm, instructions_max)),
            None => Ok(Stop::Budget),
        }
    }

    /// Executes up to a count one by one, and writes what they do to the file.
    fn write(
        &self,
        vm: &mut Vm,
        end: u64,
        control: &Control,
        source: &symbols::Source,
    ) -> Result<Option<Stop>, Failure> {
        let sink = self.file.as_ref().expect("a file was asked for");
        let cannot = |error: io::Error| write_failure(&sink.name, &error);
        let places = Places::new(source, vm.machine().segment(0).map_or(0, <[Word]>::len));
        let mut out = Writer::new(self.format, BufWriter::with_capacity(1 << 16, &sink.file));
        let mut stop = None;
        while stop.is_none() && count(vm) < end {
            if control.cause().is_some() {
                stop = Some(Stop::Interrupted);
                break;
            }
            let (record, stopped) = executed(vm);
            out.write(&record, &places).map_err(cannot)?;
            stop = stopped;
        }
        out.finish().map_err(cannot)?;
        if let Err(error) = vm.flush() {
            stop = Some(Stop::Console(error));
        }
        Ok(stop)
    }

    /// Shows the last instructions of a run, as many as were asked for but at least `least`, by running it again.
    ///
    /// # Errors
    /// The machine cannot be had a second time.
    pub fn show_last(&self, again: Again, least: u32, source: &symbols::Source) -> Result<(), Failure> {
        let wanted = u64::from(self.last.unwrap_or_default().max(least));
        if wanted == 0 {
            return Ok(());
        }
        let total = again.executed + u64::from(again.faulted);
        let (records, words) = last_records(again, total, wanted)
            .map_err(|error| Failure::host(format!("the run cannot be repeated for its trace: {error}")))?;
        let mut out = Writer::new(self.format, BufWriter::new(io::stderr().lock()));
        let places = Places::new(source, words);
        // Where standard error is closed there is nobody to tell.
        let _ = out
            .title(records.len(), total)
            .and_then(|()| records.iter().try_for_each(|record| out.write(record, &places)))
            .and_then(|()| out.finish());
        Ok(())
    }
}

/// Instructions that a machine which counts has executed.
fn count(vm: &Vm) -> u64 {
    vm.machine().executed().unwrap_or_default()
}

/// The last of so many instructions, and the length of the program at the end.
fn last_records(again: Again, total: u64, wanted: u64) -> Result<(Vec<Record>, usize), Box<dyn Error>> {
    let machine = again.origin.machine(Box::new(again.tape.play()), &again.machine)?;
    drop(again.origin);
    let mut vm = Vm::new(machine, &again.options)?;
    // It may begin where a snapshot was saved.
    let begun = count(&vm);
    let before = total.saturating_sub(wanted).max(begun);
    if before > begun {
        let stop = vm.run(Some(before - begun));
        if !matches!(stop, Stop::Budget) {
            return Err(format!("it ended otherwise: {stop}").into());
        }
    }
    let mut records = Vec::new();
    for _ in before..total {
        let (record, stop) = executed(&mut vm);
        records.push(record);
        if stop.is_some() {
            break;
        }
    }
    Ok((records, vm.machine().segment(0).map_or(0, <[Word]>::len)))
}
