//! `rum replay`: a recorded run once more, exactly; and `rum snapshot`: what a snapshot holds.

use crate::apart::Apart;
use crate::cli::saved::{ReplayArgs, SnapshotCommand};
use crate::config::engine_options;
use crate::end::End;
use crate::failure::{Failure, reason, say};
use crate::files::print;
use crate::human;
use crate::run::end_of;
use crate::session::recording::{Recording, Replayed};
use crate::session::save;
use crate::signals::Control;
use crate::stdio::StdConsole;
use rum::{About, MachineOptions, Options, Snapshot, Stop, Vm, fault};
use serde_json::json;
use std::fs::File;
use std::io::BufReader;

/// Repeats a recorded run, and compares.
///
/// # Errors
/// The recording cannot be used.
pub fn replay(args: &ReplayArgs) -> Result<u8, Failure> {
    let name = args.recording.display().to_string();
    let cannot = |why: String| Failure::host(format!("cannot replay {name}: {why}"));
    if let Some(path) = &args.save {
        Apart::from([(args.recording.as_path(), "the recording")]).check(path)?;
    }
    let file = File::open(&args.recording).map_err(|error| cannot(reason(&error)))?;
    let recording = Recording::read(BufReader::new(file)).map_err(cannot)?;
    let control = Control::new().map_err(|error| cannot(reason(&error)))?;
    control.stop_at_signals().map_err(|error| cannot(reason(&error)))?;
    let console = Replayed::new(&recording, Box::new(StdConsole::new(&control, false)));
    let snapshot = Snapshot::open(&recording.start[..]).map_err(|error| cannot(save::explain(&error)))?;
    args.engine.settle_ids(snapshot.about().ids(), &args.recording)?;
    let note = save::Note::of(&snapshot.about().note);
    let machine = snapshot
        .into_machine(Box::new(console), &MachineOptions::default())
        .map_err(|error| cannot(save::explain(&error)))?;
    control.watch(machine.poll_handle());
    let options = Options { count: true, cache: false, ..engine_options(&args.engine) };
    let mut vm = Vm::new(machine, &options).map_err(|error| Failure::host(error.to_string()))?;
    // A run that ended by an instruction that could not be executed has tried one more.
    let tried = |end: &str| u64::from(matches!(end, "fault" | "memory"));
    let last = recording.ending.as_ref().map(|ending| ending.executed + tried(&ending.end));
    let until = args.to.into_iter().chain(last).min();
    let started = vm.machine().executed().unwrap_or_default();
    if until.is_some_and(|until| until < started) {
        return Err(cannot(format!("it begins after {}", human::number_of(started, "instruction"))));
    }
    let stop = vm.run(until.map(|until| until - started));
    let status = tell(&mut vm, stop, &recording, args, &control);
    if let Some(path) = &args.save {
        save::to_file(&mut vm, &note.image, path)?;
    }
    std::mem::forget(vm);
    Ok(status)
}

/// Tells how a repeated run compares with the recorded one; the exit status.
fn tell(vm: &mut Vm, stop: Stop, recording: &Recording, args: &ReplayArgs, control: &Control) -> u8 {
    let executed = vm.machine().executed().unwrap_or_default();
    let broke_off = vm.console_mut::<Replayed>().is_some_and(|console| console.broke_off);
    let output = vm.machine().output_bytes();
    match (&stop, &recording.ending) {
        (Stop::Console(error), _) => {
            say(format_args!("after {}: {}", human::number_of(executed, "instruction"), reason(error)));
            1
        }
        (Stop::Budget, _) if args.to == Some(executed) => {
            let (pc, registers) = (vm.machine().pc(), fault::format_registers(&vm.machine().registers()));
            say(format_args!("after {}, at pc {pc}\n{registers}", human::number_of(executed, "instruction")));
            0
        }
        (Stop::Interrupted, _) if control.cause().is_some() => {
            let end = end_of(stop, control).unwrap_or(End::Halt);
            say(end.name());
            end.status()
        }
        (stop, Some(ending)) if executed == ending.executed && is_as_recorded(stop, &ending.end) => {
            let bytes = human::number_of(output, "byte");
            say(format_args!(
                "as recorded: {}, {bytes} of output, {}",
                human::number_of(executed, "instruction"),
                ending.end
            ));
            0
        }
        (stop, None) => {
            let end =
                if broke_off { "where it breaks off".to_owned() } else { format!("the end that it lacks: {stop}") };
            say(format_args!("as recorded, up to {end}, after {}", human::number_of(executed, "instruction")));
            0
        }
        (stop, ending) => {
            let expected = ending.as_ref().map_or("more input".to_owned(), |ending| {
                format!("{} after {}", ending.end, human::number_of(ending.executed, "instruction"))
            });
            say(format_args!(
                "not as recorded: {stop} after {}, and {expected} was recorded",
                human::number_of(executed, "instruction")
            ));
            1
        }
    }
}

/// Whether a stop is the end that was recorded. What ended the run from outside is no matter of the machine's.
fn is_as_recorded(stop: &Stop, end: &str) -> bool {
    match stop {
        Stop::Halt => end == "halt",
        Stop::Fault(_) => end == "fault",
        Stop::OutOfMemory(_) => end == "memory",
        Stop::Budget | Stop::Interrupted => !matches!(end, "halt" | "fault" | "memory"),
        Stop::OutputLimit { .. } => end == "output",
        _ => false,
    }
}

/// Looks after snapshots.
///
/// # Errors
/// The file cannot be read, or is none.
pub fn snapshot(command: &SnapshotCommand) -> Result<u8, Failure> {
    let SnapshotCommand::Info { file, json } = command;
    let bytes = save::read(file)?;
    let snapshot = Snapshot::open(&bytes[..]).map_err(|error| save::unusable(&file.display().to_string(), &error))?;
    let about = snapshot.about().clone();
    let machine = snapshot.into_machine(Box::new(rum::Scripted::default()), &MachineOptions::default());
    let machine = machine.map_err(|error| save::unusable(&file.display().to_string(), &error))?;
    let note = save::Note::of(&about.note);
    let program = machine.segment(0).map_or(0, <[_]>::len);
    let (segments, words) =
        machine.active_segments().fold((0u64, 0u64), |sum, (_, len)| (sum.0 + 1, sum.1 + u64::from(len)));
    let About { registers, pc, executed, programs_loaded, output_bytes, ref pending_input, .. } = about;
    let unread = pending_input.len() + note.unread.len();
    if *json {
        let object = json!({
            "image": note.image, "rum": note.rum, "bytes": bytes.len(), "executed": executed, "pc": pc,
            "registers": registers, "programs_loaded": programs_loaded, "output_bytes": output_bytes,
            "input_unread_bytes": unread, "program_words": program, "segments": segments, "segment_words": words,
            "ids": about.ids().name(), "memory_bytes": machine.memory_bytes(), "memory_bytes_max": about.memory_bytes_max(),
        });
        print(&format!("{object}\n"))?;
        return Ok(0);
    }
    let rows = [
        ("program", format!("{}, {}", note.image, human::number_of(program as u64, "word"))),
        ("written by", format!("rum {}, {}", note.rum, human::bytes(bytes.len() as u64))),
        ("executed", human::number_of(executed, "instruction")),
        ("next", format!("pc {pc}")),
        ("registers", fault::format_registers(&registers).trim().to_owned()),
        ("segments", format!("{} with {}", human::count(segments), human::number_of(words, "word"))),
        ("memory", format!("{} of {}", human::bytes(machine.memory_bytes()), human::bytes(about.memory_bytes_max()))),
        ("identifiers", about.ids().name().to_owned()),
        ("put out", human::number_of(output_bytes, "byte")),
        ("input", format!("{} that the program has not read", human::number_of(unread as u64, "byte"))),
        ("loaded", human::number_of(programs_loaded, "program")),
    ];
    let lines: Vec<String> = rows.iter().map(|(key, value)| format!("{key:<12} {value}")).collect();
    print(&format!("{}\n", lines.join("\n")))?;
    Ok(0)
}
