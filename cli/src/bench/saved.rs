//! Against a run that was kept (`--json`): what is faster now, and what slower?

use super::results::Results;
use crate::failure::{Failure, reason};
use crate::files;
use crate::measure::figures::{Ratio, ratio_apart};
use serde::Deserialize;
use std::fmt::Write as _;
use std::path::Path;

/// What a file of `--json` has that matters here.
#[derive(Debug, Deserialize)]
pub struct Saved {
    environment: Environment,
    races: Vec<Race>,
}

#[derive(Debug, Deserialize)]
struct Environment {
    date: String,
    cpu: String,
}

#[derive(Debug, Deserialize)]
struct Race {
    program: String,
    entries: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    contender: String,
    runs: Vec<Run>,
}

#[derive(Debug, Deserialize)]
struct Run {
    wall_ns: u64,
}

impl Saved {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is no such file.
    pub fn read(path: &Path) -> Result<Saved, Failure> {
        let text = files::bytes_of(path)
            .map_err(|error| Failure::host(format!("cannot read {}: {}", path.display(), reason(&error))))?;
        serde_json::from_slice(&text).map_err(|error| {
            Failure::host(format!("{} is no saved run (rum bench --json writes them): {error}", path.display()))
        })
    }

    /// What has changed, a line for each contender on each program that both have, and one for each contender.
    pub fn against(&self, now: &Results) -> String {
        let mut text = format!("against the run of {}:\n", self.environment.date);
        if self.environment.cpu != now.environment.cpu {
            // Writing to a string does not fail, here and below.
            let _ = writeln!(
                text,
                "  that was another processor ({}): differences may be the processors'",
                self.environment.cpu
            );
        }
        for (i, contender) in now.contenders.iter().enumerate() {
            let mut ratios = Vec::new();
            for race in &now.races {
                let before = self.races.iter().find(|saved| saved.program == race.program);
                let before =
                    before.and_then(|race| race.entries.iter().find(|entry| entry.contender == contender.name));
                let Some(before) = before else { continue };
                let before: Vec<u64> = before.runs.iter().map(|run| run.wall_ns).collect();
                let after: Vec<u64> = race.entries[i].runs.iter().map(|run| run.wall_ns).collect();
                let Some(ratio) = ratio_apart(&before, &after) else { continue };
                let _ = writeln!(text, "  {}, {}: {}", race.program, contender.name, ratio.verdict("now", "then"));
                ratios.push(ratio);
            }
            match Ratio::mean(&ratios) {
                Some(mean) if ratios.len() > 1 => {
                    let _ = writeln!(text, "  {}: {}", contender.name, mean.verdict("now", "then"));
                }
                Some(_) => {}
                None => {
                    let _ = writeln!(text, "  {}: was not in that run", contender.name);
                }
            }
        }
        text
    }
}
