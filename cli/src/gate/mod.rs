//! `rum gate`: did performance get worse? Exit status 0 says no, 1 says yes, 2 that nobody could tell.
//!
//! `config` reads the rules, `counters` and `races` measure, `host` says what can be compared, `judge` holds one against
//! the other, `report` says it.

pub mod args;
mod config;
mod counters;
pub mod fuzz;
mod host;
mod judge;
mod races;
mod report;

use crate::failure::{Failure, reason, say, status};
use crate::files::write_text;
use crate::measure::contender::own_binary;
use crate::measure::progress::Progress;
use args::{CommonArgs, GateAction, GateArgs};
use config::Config;
use counters::Counters;
use host::Apart;
use judge::{Finding, Verdict};
use std::path::Path;
use std::time::Duration;

/// Runs a gate.
///
/// # Errors
/// The rules or what they are about cannot be read, or something cannot be measured.
pub fn gate(args: &GateArgs) -> Result<u8, Failure> {
    // Where something cannot be measured, nobody can tell: that is not the status of a regression.
    run(args).map_err(|failure| Failure { status: status::HOST, text: failure.text })
}

fn run(args: &GateArgs) -> Result<u8, Failure> {
    match &args.action {
        GateAction::Run { common, rum, bless } => {
            let config = Config::read(&common.config)?;
            let rum = rum.as_ref().map_or_else(own_binary, |path| binary(path))?;
            if *bless {
                let head = measure(&config, &rum, common, "counters")?;
                head.write(&config.baseline)?;
                say(format_args!("{} is the new baseline", config.baseline.display()));
                return Ok(0);
            }
            if !config.baseline.exists() {
                let path = config.baseline.display();
                return Err(Failure::host(format!(
                    "there is no baseline yet at {path}: rum gate run --bless makes it"
                )));
            }
            let base = Counters::read(&config.baseline)?;
            let head = measure(&config, &rum, common, "counters")?;
            let mut gate = Gate { config: &config, common, findings: Vec::new(), notes: Vec::new() };
            gate.counters(&base, &head, true);
            gate.races(None, &rum)?;
            gate.end(&head)
        }
        GateAction::Compare { base, head, common } => {
            let config = Config::read(&common.config)?;
            let [base, head] = [Side::open(base)?, Side::open(head)?];
            let base_counters = base.counters(&config, common, "counters of base")?;
            let head_counters = head.counters(&config, common, "counters of head")?;
            let mut gate = Gate { config: &config, common, findings: Vec::new(), notes: Vec::new() };
            let stored = matches!((&base, &head), (Side::Stored(_), _) | (_, Side::Stored(_)));
            gate.counters(&base_counters, &head_counters, stored);
            match (&base, &head) {
                (Side::Binary(base), Side::Binary(head)) => gate.races(Some(base), head)?,
                (Side::Stored(_), Side::Binary(head)) => gate.races(None, head)?,
                _ if config.ratios.is_empty() => {}
                _ => gate.notes.push("Not measured: times, for stored counters do not race.".to_owned()),
            }
            gate.end(&head_counters)
        }
    }
}

/// What stands on one side of a comparison.
enum Side {
    /// A rum, by its path.
    Binary(String),
    /// What was stored.
    Stored(Counters),
}

impl Side {
    fn open(path: &Path) -> Result<Side, Failure> {
        let cannot = |error| Failure::host(format!("cannot open {}: {}", path.display(), reason(&error)));
        let mut start = [0];
        let mut file = std::fs::File::open(path).map_err(cannot)?;
        let read = std::io::Read::read(&mut file, &mut start).map_err(cannot)?;
        if read == 1 && start == *b"{" {
            return Ok(Side::Stored(Counters::read(path)?));
        }
        Ok(Side::Binary(binary(path)?))
    }

    fn counters(&self, config: &Config, common: &CommonArgs, about: &str) -> Result<Counters, Failure> {
        match self {
            Side::Binary(rum) => measure(config, rum, common, about),
            Side::Stored(counters) => Ok(counters.clone()),
        }
    }
}

/// A binary's path. Without a slash the system would look for a command of that name.
fn binary(path: &Path) -> Result<String, Failure> {
    let path = std::path::absolute(path)
        .map_err(|error| Failure::host(format!("cannot open {}: {}", path.display(), reason(&error))))?;
    Ok(path.display().to_string())
}

fn measure(config: &Config, rum: &str, common: &CommonArgs, about: &str) -> Result<Counters, Failure> {
    let valgrind = if common.no_valgrind { None } else { host::valgrind() };
    let progress = Progress::new(1);
    progress.begin(0, about, Duration::ZERO);
    let counters = counters::count(config, rum, valgrind, common.run_limit, &mut || progress.tick());
    progress.end();
    counters
}

/// A gate at work.
struct Gate<'a> {
    config: &'a Config,
    common: &'a CommonArgs,
    findings: Vec<Finding>,
    notes: Vec<String>,
}

impl Gate<'_> {
    fn counters(&mut self, base: &Counters, head: &Counters, stored: bool) {
        let apart = Apart::of(&base.host, &head.host, stored);
        self.findings.extend(judge::work(base, head));
        for rule in &self.config.counters {
            if !stored && self.config.is_command(&rule.engine) {
                let note =
                    format!("Not measured: {}, a command on which the two binaries have no influence.", rule.engine);
                if !self.notes.contains(&note) {
                    self.notes.push(note);
                }
                continue;
            }
            self.findings.extend(judge::counters(rule, base, head, &apart, self.config.host_required));
        }
    }

    fn races(&mut self, base: Option<&str>, head: &str) -> Result<(), Failure> {
        if self.common.no_times {
            self.notes.push("Not measured: times, as asked.".to_owned());
            return Ok(());
        }
        if base.is_none() && self.config.ratios.iter().any(|rule| rule.to == "base") {
            let note = "Not measured: times by those of base, for there is no second binary here (`rum gate compare`).";
            self.notes.push(note.to_owned());
        }
        let progress = Progress::new(1);
        progress.begin(0, "races", Duration::ZERO);
        let findings = races::race(self.config, base, head, self.common.run_limit, &mut || progress.tick());
        progress.end();
        self.findings.extend(findings?);
        Ok(())
    }

    /// Writes what is to be written, and gives the exit status.
    fn end(self, head: &Counters) -> Result<u8, Failure> {
        if let Some(path) = &self.common.save {
            head.write(path)?;
        }
        let text = report::markdown(&self.findings, &self.notes);
        if let Some(path) = &self.common.markdown {
            write_text(path, &text)?;
        }
        write_text(Path::new("-"), &text)?;
        // A regression that was found stands, whatever else is open.
        Ok(match self.findings.iter().map(|finding| finding.verdict).max() {
            Some(Verdict::Regression) => status::FAULT,
            Some(Verdict::Pass) => 0,
            Some(Verdict::Unclear | Verdict::NotMeasured) | None => status::HOST,
        })
    }
}
