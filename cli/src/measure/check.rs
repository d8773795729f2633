//! Whether a run may count.

use super::child::Outcome;
use super::contender::Contender;
use super::program::Program;
use crate::failure::{Failure, status};
use serde_json::Value;
use std::process::ExitStatus;

/// Whether a run may count: it ended by itself, and put out what it should.
pub fn check(
    program: &Program,
    contender: &Contender,
    outcome: &Outcome,
    first: Option<&Outcome>,
) -> Result<(), Failure> {
    let wrong = |what| Err(wrong(program, contender, outcome, what));
    let Some(code) = outcome.status.code() else { return wrong(format!("was {}", killed_by(outcome.status))) };
    let Some(first) = first else {
        return match code {
            0 | 1 => Ok(()),
            _ => wrong(format!("ends with exit status {code}")),
        };
    };
    // That is how shells and the like say that there is no such command, or that it was killed.
    if code >= 126 {
        return wrong(format!("ends with exit status {code}"));
    }
    if outcome.output != first.output {
        let same = outcome.output.iter().zip(&first.output).take_while(|(a, b)| a == b).count();
        let [ours, theirs] = [outcome.output.len(), first.output.len()];
        return wrong(format!(
            "puts out something else than the first contender (at byte {same}; {ours} bytes against {theirs})"
        ));
    }
    // Other machines may have other ways to tell their users that a program failed.
    if contender.is_rum && outcome.status != first.status {
        return wrong(format!("ends with exit status {code}, unlike the first contender"));
    }
    Ok(())
}

/// `killed by SIGSEGV`, of a process that did not end by itself.
pub fn killed_by(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(number) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = signal_hook::low_level::signal_name(number);
        return format!("killed by {}", name.map_or_else(|| format!("signal {number}"), str::to_owned));
    }
    format!("ended: {status}")
}

/// Whether a run may count where every program has to succeed: what fails is done too early.
///
/// # Errors
/// It may not, as [`check`] says or by its exit status.
pub fn succeeded(
    program: &Program,
    contender: &Contender,
    outcome: &Outcome,
    first: Option<&Outcome>,
) -> Result<(), Failure> {
    check(program, contender, outcome, first)?;
    match outcome.status.code() {
        Some(0) => Ok(()),
        code => {
            let what = format!("ends with exit status {}: what fails is not measured", code.unwrap_or_default());
            Err(wrong(program, contender, outcome, what))
        }
    }
}

/// What is wrong with a run, and what the contender said of it.
fn wrong(program: &Program, contender: &Contender, outcome: &Outcome, what: String) -> Failure {
    let said = String::from_utf8_lossy(&outcome.messages);
    let said = said.lines().next().map_or_else(String::new, |line| format!("; it said: {line}"));
    Failure { status: status::FAULT, text: format!("{}: {} {what}{said}", program.name, contender.name) }
}

/// The statistics that a rum wrote.
///
/// # Errors
/// It wrote none.
pub fn stats_of(contender: &Contender, outcome: &Outcome) -> Result<Value, Failure> {
    let text = String::from_utf8_lossy(&outcome.messages);
    let stats = text.lines().last().and_then(|line| serde_json::from_str(line).ok());
    stats.ok_or_else(|| Failure::host(format!("{} reports no statistics: is it a rum?", contender.words[0])))
}
