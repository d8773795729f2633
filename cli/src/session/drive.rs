//! A run that is saved, resumed and recorded: what happens between the machine's stops, and at its end.

use super::editor::Request;
use super::recording::Ending;
use super::{Session, save};
use crate::cli::values::SaveAt;
use crate::end::End;
use crate::failure::{Failure, reason, say};
use crate::human;
use crate::signals::Cause;
use rum::{Stop, Vm};
use std::path::Path;

/// What the contest's codex puts out before the image that it holds.
const DUMP: &[u8] = b"UM program follows colon:";

/// How many instructions may be executed before something is to be done.
pub fn budget(session: &Session, instructions_max: Option<u64>) -> Option<u64> {
    match (session.save(), instructions_max) {
        (Some((SaveAt::Count(count), _)), Some(max)) => Some(count.min(max)),
        (Some((SaveAt::Count(count), _)), None) => Some(count),
        (_, max) => max,
    }
}

/// Does what a stop asks for. Gives the stop if it was not for the session, and the end if it was.
///
/// # Errors
/// It cannot be saved.
pub fn answer(vm: &mut Vm, session: &Session, image: &str, stop: Stop) -> Result<Option<Result<End, Stop>>, Failure> {
    let executed = vm.machine().executed();
    let is_due =
        matches!((session.save(), &stop), (Some((SaveAt::Count(count), _)), Stop::Budget) if executed == Some(count));
    let asked = match stop {
        Stop::Interrupted => save::session(vm).and_then(|console| console.take_request()),
        _ if is_due => Some(Request::SaveAndEnd),
        _ => None,
    };
    let Some(request) = asked else { return Ok(Some(Err(stop))) };
    match request {
        Request::SaveAndEnd => {
            let (_, path) = session.save().expect("that asked for it");
            save_and_say(vm, image, path)?;
            return Ok(Some(Ok(End::Saved)));
        }
        Request::Save => {
            // Who plays hears of a failure and plays on.
            if let Err(failure) = save_and_say(vm, image, session.save_path()) {
                say(failure.text);
            }
        }
        Request::Restore => match restore(vm, session.save_path()) {
            Ok(()) => say(format_args!("back to what was saved in {}", session.save_path().display())),
            Err(why) => say(format_args!("cannot go back to {}: {why}", session.save_path().display())),
        },
        Request::End => {}
    }
    Ok(None)
}

fn save_and_say(vm: &mut Vm, image: &str, path: &Path) -> Result<(), Failure> {
    save::to_file(vm, image, path)?;
    let count = human::number_of(vm.machine().executed().unwrap_or_default(), "instruction");
    say(format_args!("saved in {} after {count}; rum resume goes on", path.display()));
    Ok(())
}

fn restore(vm: &mut Vm, path: &Path) -> Result<(), String> {
    let bytes = std::fs::read(path).map_err(|error| reason(&error))?;
    if save::session(vm).is_some_and(|console| console.recorder().is_some()) {
        return Err("a run that is recorded does not go back".to_owned());
    }
    let snapshot = rum::Snapshot::open(&bytes[..]).map_err(|error| save::explain(&error))?;
    let unread = save::Note::of(&snapshot.about().note).unread;
    // What is damaged is found out before the machine is touched.
    let whole = rum::Snapshot::open(&bytes[..]).and_then(|snapshot| snapshot.verify());
    whole.and_then(|()| vm.restore(&bytes[..])).map_err(|error| save::explain(&error))?;
    if let Some(console) = save::session(vm) {
        console.set_unread(unread);
    }
    Ok(())
}

/// Writes how a run begins, if it is recorded.
///
/// # Errors
/// It cannot be written, or the moment to save is over.
pub fn begin(vm: &mut Vm, session: &Session, image: &str) -> Result<(), Failure> {
    let executed = vm.machine().executed().unwrap_or_default();
    if let Some((SaveAt::Count(count), _)) = session.save()
        && count < executed
    {
        let count = human::number_of(count, "instruction");
        return Err(Failure::host(format!(
            "cannot save after {count}: {} were executed already",
            human::count(executed)
        )));
    }
    if save::session(vm).is_none_or(|console| console.recorder().is_none()) {
        return Ok(());
    }
    let start = save::to_bytes(vm, image)
        .map_err(|error| Failure::host(format!("cannot record the run: {}", save::explain(&error))))?;
    let recorder = save::session(vm).and_then(|console| console.recorder());
    recorder.map_or(Ok(()), |recorder| recorder.start(&start)).map_err(|error| cannot_record(&error))
}

fn cannot_record(error: &std::io::Error) -> Failure {
    Failure::host(format!("cannot write the recording: {}", reason(error)))
}

/// Writes what is kept of a run that has come to its end.
///
/// # Errors
/// It cannot be written.
pub fn ended(vm: &mut Vm, session: &Session, image: &str, end: &End) -> Result<(), Failure> {
    if let (End::Outside(Cause::Interrupt), true) = (end, session.saves_at_interrupt()) {
        save_and_say(vm, image, session.save_path())?;
    }
    let executed = vm.machine().executed().unwrap_or_default();
    if let (Some((SaveAt::Count(count), _)), false) = (session.save(), matches!(end, End::Saved)) {
        let ended = human::number_of(executed, "instruction");
        say(format_args!("nothing was saved: the run ended after {ended}, before {}", human::count(count)));
    }
    if save::ends(vm).is_some_and(|ends| ends.has_begun_with(DUMP)) {
        let text = String::from_utf8_lossy(DUMP);
        say(format_args!(
            "that was an image behind some text: --output-from {text:?} leaves the text out, for a file.um"
        ));
    }
    let Some(console) = save::session(vm) else { return Ok(()) };
    if console.showed_nothing() {
        say("nothing was shown: the place that --output-from names never came by");
    }
    console.flush().map_err(|error| Failure::host(format!("cannot write the transcript: {}", reason(&error))))?;
    let ending = Ending { end: end.name().to_owned(), executed };
    console.recorder().map_or(Ok(()), |recorder| recorder.finish(&ending)).map_err(|error| cannot_record(&error))
}
