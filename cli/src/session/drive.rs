//! A run that is saved, resumed and recorded: what happens between the machine's stops, and at its end.

use super::editor::Request;
use super::ends::Ends;
use super::recording::Ending;
use super::{Session, save};
use crate::cli::values::SaveAt;
use crate::end::End;
use crate::failure::{Failure, reason, say};
use crate::human;
use crate::signals::Cause;
use crate::trace::tape;
use rum::{Stop, Vm};
use std::path::Path;

/// What the contest's codex puts out before the image that it holds.
const DUMP: &[u8] = b"UM program follows colon:";

/// How many instructions may be executed before something is to be done.
pub fn budget(session: &Session, instructions_max: Option<u64>) -> Option<u64> {
    match session.save_at() {
        Some(SaveAt::Count(count)) => Some(instructions_max.map_or(count, |max| max.min(count))),
        _ => instructions_max,
    }
}

/// What becomes of a run that has stopped.
pub enum Next {
    /// It goes on.
    GoOn,
    /// It has ended.
    Ended(End),
    /// That was not for the session.
    Stopped(Stop),
}

/// Does what a stop asks for.
///
/// # Errors
/// It cannot be saved.
pub fn answer(vm: &mut Vm, session: &Session, image: &str, stop: Stop) -> Result<Next, Failure> {
    let is_due = match (session.save_at(), &stop) {
        (Some(SaveAt::Count(count)), Stop::Budget) => vm.machine().executed() == Some(count),
        _ => false,
    };
    let asked = match stop {
        Stop::Interrupted => save::session(vm).and_then(|console| console.take_request()),
        _ if is_due => Some(Request::SaveAndEnd),
        _ => None,
    };
    let Some(request) = asked else { return Ok(Next::Stopped(stop)) };
    match request {
        Request::SaveAndEnd => {
            save_and_say(vm, image, session.save_path())?;
            return Ok(Next::Ended(End::Saved));
        }
        Request::Save => {
            // Who plays hears of a failure and plays on.
            if let Err(failure) = save_and_say(vm, image, session.save_path()) {
                say(failure.text);
            }
        }
        Request::Restore => match restore(vm, image, session.save_path())? {
            Ok(()) => say(format_args!("back to what was saved in {}", session.save_path().display())),
            Err(why) => say(format_args!("cannot go back to {}: {why}", session.save_path().display())),
        },
        Request::End => {}
    }
    Ok(Next::GoOn)
}

fn save_and_say(vm: &mut Vm, image: &str, path: &Path) -> Result<(), Failure> {
    save::to_file(vm, image, path)?;
    let count = human::number_of(vm.machine().executed().unwrap_or_default(), "instruction");
    say(format_args!("saved in {} after {count}; rum resume goes on", path.display()));
    Ok(())
}

/// Goes back to what a file holds; if that cannot be, tells why and stays where it is.
///
/// # Errors
/// The machine is neither there nor here.
fn restore(vm: &mut Vm, image: &str, path: &Path) -> Result<Result<(), String>, Failure> {
    let (bytes, unread) = match restorable(vm, path) {
        Ok(found) => found,
        Err(why) => return Ok(Err(why)),
    };
    let here = match save::to_bytes(vm, image) {
        Ok(here) => here,
        Err(error) => return Ok(Err(save::explain(&error))),
    };
    if let Err(error) = vm.restore(&bytes[..]) {
        let why = save::explain(&error);
        let lost = |error| Failure::host(format!("cannot go back to {}: {why}; nor go on: {error}", path.display()));
        return vm.restore(&here[..]).map(|()| Err(why.clone())).map_err(lost);
    }
    if let Some(console) = save::session(vm) {
        console.set_unread(unread);
    }
    Ok(Ok(()))
}

/// What a file holds that a machine may go back to, and the input that was unread then.
fn restorable(vm: &mut Vm, path: &Path) -> Result<(Vec<u8>, Vec<u8>), String> {
    let bytes = save::bytes(path).map_err(|error| reason(&error))?;
    if save::session(vm).is_some_and(|console| console.recorder().is_some()) {
        return Err("a run that is recorded does not go back".to_owned());
    }
    if vm.console_mut::<tape::Recorder<Ends>>().is_some() {
        return Err("a run that is traced or verified does not go back".to_owned());
    }
    let snapshot = rum::Snapshot::open(&bytes[..]).map_err(|error| save::explain(&error))?;
    let unread = save::Note::of(&snapshot.about().note).unread;
    // What is damaged is found out before the machine is touched.
    let whole = rum::Snapshot::open(&bytes[..]).and_then(|snapshot| snapshot.verify());
    whole.map_err(|error| save::explain(&error))?;
    Ok((bytes, unread))
}

/// Writes how a run begins, if it is recorded.
///
/// # Errors
/// It cannot be written, or the moment to save or to end is over.
pub fn begin(vm: &mut Vm, session: &Session, instructions_max: Option<u64>, image: &str) -> Result<(), Failure> {
    let executed = vm.machine().executed().unwrap_or_default();
    let save_at = match session.save_at() {
        Some(SaveAt::Count(count)) => Some(count),
        _ => None,
    };
    let passed =
        [("save", save_at), ("end", instructions_max)].into_iter().find(|(_, at)| at.is_some_and(|at| at < executed));
    if let Some((what, Some(count))) = passed {
        let count = human::number_of(count, "instruction");
        return Err(Failure::host(format!(
            "cannot {what} after {count}: {} were executed already",
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

/// Writes what is kept of a run that has come to its end. What cannot be written does not keep the rest from being written.
///
/// # Errors
/// Something could not be written.
pub fn ended(vm: &mut Vm, session: &Session, image: &str, end: &End) -> Result<(), Failure> {
    let executed = vm.machine().executed().unwrap_or_default();
    if let (Some(SaveAt::Count(count)), false) = (session.save_at(), matches!(end, End::Saved)) {
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
    let flushed = console.flush().map_err(|error| Failure::host(reason(&error)));
    let ending = Ending { end: end.name().to_owned(), executed };
    let recorded =
        console.recorder().map_or(Ok(()), |recorder| recorder.finish(&ending)).map_err(|error| cannot_record(&error));
    let saved = match end {
        End::Outside(Cause::Interrupt) if session.saves_at_interrupt() => save_and_say(vm, image, session.save_path()),
        _ => Ok(()),
    };
    flushed.and(recorded).and(saved)
}
