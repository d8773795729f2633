//! `rum run`: one program, from its image to its end.

use crate::cache::RunCache;
use crate::cli::run::RunArgs;
use crate::config::{Image, RunConfig};
use crate::end::End;
use crate::failure::{Failure, reason, say};
use crate::human;
use crate::origin::Origin;
use crate::report::Report;
use crate::sandbox;
use crate::session::drive::{self, Next};
use crate::session::save;
use crate::signals::{Control, show_output_every};
use crate::stdio::SHOW_OUTPUT_EVERY;
use crate::surroundings::has_output;
use crate::trace::Again;
use crate::verify::Verifier;
use rum::{Machine, SetupError, Snapshot, Stop, Vm};
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Instant;

/// Instructions that are shown before a difference between compiled code and the interpreter.
const DIFFERS_AFTER: u32 = 20;

/// A machine with its engine, ready to run.
pub struct Started {
    /// What may end it.
    pub control: Arc<Control>,
    /// The machine; how it ended if that was before it could be made.
    pub machine: Result<Vm, End>,
    /// What it takes to run it again, if that is wanted.
    pub again: Option<Again>,
    /// Who compares compiled code with the interpreter, if somebody does.
    pub verifier: Option<Verifier>,
}

/// Reads the image, and connects a machine to the world.
///
/// # Errors
/// That cannot be.
pub fn start(config: &mut RunConfig, image: Image) -> Result<Started, Failure> {
    has_output()?;
    let control = Control::new().map_err(|error| Failure::host(format!("cannot make a pipe: {}", reason(&error))))?;
    control.stop_at_signals().map_err(|error| Failure::host(format!("cannot handle signals: {}", reason(&error))))?;
    control.be_patient(config.patience);
    let no_thread = |error| Failure::host(format!("cannot start a thread: {}", reason(&error)));
    if let Some(time) = config.timeout {
        control.stop_after(time).map_err(no_thread)?;
    }
    let console = config.session.console(&control, !matches!(image, Image::Stdin)).map_err(no_thread)?;
    let (console, tape) = config.trace.keep(console);
    let mut origin = None;
    let machine = match image {
        Image::Snapshot(bytes) => {
            let made = Snapshot::open(&bytes[..]).and_then(|saved| saved.into_machine(console, &config.machine));
            origin = tape.is_some().then_some(Origin::Snapshot(bytes));
            made.map_err(|error| save::unusable(&config.name, &error))?
        }
        image => {
            let mut image = image.reader(&control);
            match (Machine::from_reader(&mut *image, console, &config.machine), control.cause()) {
                (Err(_), Some(cause)) => {
                    return Ok(Started { control, machine: Err(End::Outside(cause)), again: None, verifier: None });
                }
                (Err(error), None) => return Err(cannot_start(&config.name, &error)),
                (Ok(machine), _) => machine,
            }
        }
    };
    let handle = machine.poll_handle();
    control.watch(handle.clone());
    let program = || Origin::Program(machine.segment(0).unwrap_or_default().to_vec());
    let origin = tape.is_some().then(|| origin.unwrap_or_else(program));
    let verifier = match (config.verify, &tape, &origin) {
        (true, Some(tape), Some(origin)) => Some(Verifier::new(origin, tape.follow(), &config.machine)?),
        _ => None,
    };
    let again = tape.zip(origin).map(|(tape, origin)| Again::new(origin, tape, &config.machine, &config.options));
    let mut vm = Vm::new(machine, &config.options)
        .map_err(|error| Failure::host(format!("{error} (--engine auto runs the program all the same)")))?;
    if config.sandbox {
        sandbox::close_files()?;
    }
    if io::stdout().is_terminal() {
        show_output_every(SHOW_OUTPUT_EVERY, handle).map_err(no_thread)?;
    }
    config.outside.watch(&mut vm, &config.symbols)?;
    drive::begin(&mut vm, &config.session, config.instructions_max, &config.name)?;
    Ok(Started { control, machine: Ok(vm), again, verifier })
}

/// Runs a program and says how it ended.
///
/// # Errors
/// It could not be started.
pub fn run(args: RunArgs) -> Result<u8, Failure> {
    let started_at = Instant::now();
    let (config, image) = RunConfig::new(args)?;
    finish(config, image, started_at)
}

/// Goes on with a program that was saved, and says how it ended.
///
/// # Errors
/// It could not be resumed.
pub fn resume(args: RunArgs) -> Result<u8, Failure> {
    let started_at = Instant::now();
    let (config, image) = RunConfig::resume(args)?;
    finish(config, image, started_at)
}

fn finish(mut config: RunConfig, image: Image, started_at: Instant) -> Result<u8, Failure> {
    let Started { control, machine, again, mut verifier } = start(&mut config, image)?;
    let mut begun = 0;
    let (end, vm) = match machine {
        Err(end) => (end, None),
        Ok(mut vm) => {
            begun = vm.machine().executed().unwrap_or_default();
            let cache = config.cache.as_ref().and_then(|path| RunCache::start(path, &mut vm));
            if config.sandbox {
                vm.make_ready();
                sandbox::shut()?;
            }
            let end = execute(&mut vm, &config, &control, verifier.as_mut())?;
            (end, Some((vm, cache)))
        }
    };
    let wall = started_at.elapsed();
    end.tell(&config, vm.as_ref().map(|(vm, _)| vm));
    tell_what_was_lost(&config, &control);
    if let Some(verifier) = verifier.filter(|_| !matches!(end, End::Differs(_))) {
        say(verifier.told());
    }
    let report = match (&config.stats, &vm) {
        (Some(stats), Some((vm, _))) => Some((stats, Report::new(&config, &end, wall, begun, vm))),
        _ => None,
    };
    // What cannot be told does not keep the rest from being told.
    let (mut mapped, mut shown, mut kept) = (Ok(()), Ok(()), Ok(()));
    if let Some((mut vm, cache)) = vm {
        kept = drive::ended(&mut vm, &config.session, &config.name, &end);
        mapped = config.outside.ended(&vm, &config.symbols);
        if let Some(cache) = cache {
            cache.finish(&mut vm);
        }
        if let Some(mut again) = again {
            again.ended(&vm, end.is_of_an_instruction());
            drop(vm);
            shown = match end {
                End::Differs(_) => config.trace.show_last(again.interpreted(), DIFFERS_AFTER, &config.symbols),
                _ => config.trace.show_last(again, 0, &config.symbols),
            };
        } else {
            // The process is about to end. The system takes everything back at once, which is quicker than piece by piece with a thread that compiles.
            std::mem::forget(vm);
        }
    }
    if let Some((stats, report)) = report {
        let written = match &stats.file {
            Some((file, _)) => report.write(stats.format, &mut &*file),
            None => report.write(stats.format, &mut io::stderr()),
        };
        let place = stats.file.as_ref().map_or_else(String::new, |(_, name)| format!(" to {name}"));
        written.map_err(|error| Failure::host(format!("cannot write the statistics{place}: {}", reason(&error))))?;
    }
    kept.and(mapped).and(shown).map(|()| end.status())
}

fn tell_what_was_lost(config: &RunConfig, control: &Control) {
    let lost = control.lost_bytes();
    if lost > 0 {
        let (bytes, time) = (human::number_of(lost, "byte"), humantime::format_duration(config.patience));
        say(format_args!("nobody took the last {bytes} of the output for {time}: lost (--patience waits longer)"));
    }
}

/// Runs the machine to its end, or to that of its budget or its time.
///
/// # Errors
/// The file of its trace cannot be written.
pub fn execute(
    vm: &mut Vm,
    config: &RunConfig,
    control: &Control,
    mut verifier: Option<&mut Verifier>,
) -> Result<End, Failure> {
    loop {
        let budget = drive::budget(&config.session, config.instructions_max);
        let stop = match verifier.as_deref_mut() {
            None => config.trace.run(vm, budget, control, &config.symbols)?,
            Some(verifier) => match verifier.run(vm, budget) {
                Ok(stop) => stop,
                Err(difference) => return Ok(End::Differs(difference)),
            },
        };
        match drive::answer(vm, &config.session, &config.name, stop)? {
            Next::GoOn => {}
            Next::Ended(end) => return Ok(end),
            Next::Stopped(stop) => {
                if let Some(end) = end_of(stop, control) {
                    return Ok(end);
                }
            }
        }
    }
}

/// The end of a run that has stopped; none if it is to go on.
pub fn end_of(stop: Stop, control: &Control) -> Option<End> {
    Some(match stop {
        Stop::Halt => End::Halt,
        Stop::Fault(fault) => End::Fault(fault),
        Stop::OutOfMemory(failure) => End::Memory(failure),
        Stop::Budget => End::Instructions,
        Stop::Console(error) => match (error.kind(), control.cause()) {
            (io::ErrorKind::BrokenPipe, _) => End::OutputClosed,
            (io::ErrorKind::TimedOut, Some(cause)) => End::Outside(cause),
            _ => End::Console(error),
        },
        // None of that was set here; whoever asked for control is looked for.
        Stop::OutputLimit { bytes_max } => End::Output(bytes_max),
        Stop::Interrupted | Stop::TimeUp | Stop::Breakpoint | Stop::Watchpoint => End::Outside(control.cause()?),
    })
}

/// Why a program could not be started.
pub fn cannot_start(name: &str, error: &SetupError) -> Failure {
    match error {
        SetupError::Image(error) => Failure::host(format!("{name} is no program image: {error}")),
        SetupError::Read(error) => Failure::host(format!("cannot read image {name}: {}", reason(error))),
        SetupError::OutOfMemory(error) => Failure::limit(format!(
            "{name} does not fit into the memory limit of {} (--max-memory raises it)",
            human::bytes(error.limit_bytes)
        )),
        SetupError::Reserve(error) => Failure::host(format!(
            "the system grants no address space for the machine: {} (is there a limit, as ulimit -v sets it?)",
            reason(error)
        )),
    }
}
