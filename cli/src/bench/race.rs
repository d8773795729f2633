//! The races: every contender runs every program, in turn, so that a disturbance hits all alike.
//!
//! First each contender runs once to be looked at: its output must be that of the first contender, and a rum reports its
//! counters. That run is not timed, for counting costs something. Every timed run is compared as well.

use crate::failure::Failure;
use crate::measure::check::{check, killed_by, stats_of};
use crate::measure::child::{Measurer, Outcome, Sample, input_file};
use crate::measure::contender::Contender;
use crate::measure::figures::{Ratio, Summary, outliers, ratio};
use crate::measure::program::Program;
use serde::Serialize;
use serde_json::Value;
use std::time::{Duration, Instant};

/// All contenders on one program.
#[derive(Debug, Serialize)]
pub struct Race {
    /// The program.
    pub program: String,
    /// Its group.
    pub group: String,
    /// Bytes that it put out.
    pub output_bytes: usize,
    /// The contenders, in the order of the plan.
    pub entries: Vec<Entry>,
}

/// One contender on one program.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// The contender.
    pub contender: String,
    /// The exit status of every run.
    pub exit_status: i32,
    /// Why it has no figures, if it has none: it was killed by a signal.
    pub failed: Option<String>,
    /// Runs that something disturbed: further from the quartiles than one and a half times their distance.
    pub outliers: usize,
    /// Time on the clock.
    pub wall: Summary,
    /// User and system time.
    pub cpu: Summary,
    /// Against the first contender, by time on the clock; none for the first itself.
    pub ratio: Option<Ratio>,
    /// The same by CPU time.
    pub ratio_cpu: Option<Ratio>,
    /// The most memory of any run, in bytes.
    pub peak_rss_bytes: u64,
    /// Guest instructions by the median of wall time; for others than rum, those that rum counted.
    pub instructions_per_second: Option<f64>,
    /// The counters of a rum.
    pub counters: Option<Counters>,
    /// Every timed run.
    pub runs: Vec<Sample>,
}

/// What a rum reports about itself (`docs/stats.md`), as far as tables use it.
#[derive(Clone, Debug, Serialize)]
pub struct Counters {
    /// Guest instructions.
    pub instructions: u64,
    /// Of these, executed by compiled code, as a share.
    pub share_compiled: f64,
    /// Time spent compiling, in nanoseconds.
    pub compile_ns: u64,
    /// Host code, in bytes.
    pub code_bytes: u64,
    /// Regions compiled.
    pub regions: u64,
}

impl Counters {
    fn of(stats: &Value) -> Counters {
        let number = |key: &str| stats[key].as_u64().unwrap_or_default();
        let instructions = number("instructions");
        Counters {
            instructions,
            share_compiled: number("instructions_compiled") as f64 / instructions.max(1) as f64,
            compile_ns: number("compile_ns"),
            code_bytes: number("code_bytes"),
            regions: number("regions_published"),
        }
    }
}

/// How long to go on.
#[derive(Clone, Copy, Debug)]
pub enum Effort {
    /// So many rounds.
    Rounds(u32),
    /// As many as fit, within bounds.
    Time(Duration),
}

/// Fewer rounds have no median to speak of.
const ROUNDS_MIN: u32 = 3;
/// More rounds say nothing new in a table.
const ROUNDS_MAX: u32 = 20;

/// Runs one program with all contenders. `tick` is called after every run.
///
/// # Errors
/// A command cannot be started, the first is killed, or one puts out something else than the first.
pub fn race(
    program: &Program,
    contenders: &[Contender],
    effort: Effort,
    warmup: u32,
    measurer: &mut Measurer,
    tick: &mut dyn FnMut(),
) -> Result<Race, Failure> {
    let start = Instant::now();
    let input = input_file(&program.input)?;
    let mut first: Option<Outcome> = None;
    let mut counters = Vec::new();
    let mut statuses = Vec::new();
    // Those that crash; the others go on.
    let mut failed: Vec<Option<String>> = vec![None; contenders.len()];
    for (i, contender) in contenders.iter().enumerate() {
        let outcome = measurer.run(&contender.command_with_stats(&program.image), &input)?;
        tick();
        if first.is_some() && outcome.status.code().is_none() {
            failed[i] = Some(killed_by(outcome.status));
            counters.push(None);
            statuses.push(0);
            continue;
        }
        check(program, contender, &outcome, first.as_ref())?;
        counters.push(if contender.is_rum { Some(Counters::of(&stats_of(contender, &outcome)?)) } else { None });
        statuses.push(outcome.status.code().unwrap_or_default());
        first.get_or_insert(outcome);
    }
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); contenders.len()];
    let mut round = 0;
    loop {
        for (i, contender) in contenders.iter().enumerate() {
            if failed[i].is_some() {
                continue;
            }
            let outcome = measurer.run(&contender.command(&program.image), &input)?;
            if i > 0 && outcome.status.code().is_none() {
                failed[i] = Some(killed_by(outcome.status));
                samples[i].clear();
                continue;
            }
            check(program, contender, &outcome, first.as_ref())?;
            if round >= warmup {
                samples[i].push(outcome.sample);
            }
            tick();
        }
        round += 1;
        let counted = round.saturating_sub(warmup);
        let enough = match effort {
            Effort::Rounds(rounds) => counted >= rounds,
            Effort::Time(time) => {
                let next = start.elapsed() + start.elapsed() / (round + 1);
                counted >= ROUNDS_MIN && (next > time || counted >= ROUNDS_MAX)
            }
        };
        if enough {
            break;
        }
    }
    let instructions = counters.iter().flatten().map(|counters: &Counters| counters.instructions).next();
    let entries = contenders
        .iter()
        .zip(&samples)
        .zip(counters)
        .map(|((contender, runs), counters)| entry(contender, runs, &samples[0], counters, instructions));
    let mut entries: Vec<Entry> = entries.collect();
    for (entry, (status, failed)) in entries.iter_mut().zip(statuses.into_iter().zip(failed)) {
        (entry.exit_status, entry.failed) = (status, failed);
    }
    entries[0].ratio = None;
    entries[0].ratio_cpu = None;
    let output_bytes = first.map_or(0, |outcome| outcome.output.len());
    Ok(Race { program: program.name.clone(), group: program.group.clone(), output_bytes, entries })
}

fn entry(
    contender: &Contender,
    runs: &[Sample],
    base: &[Sample],
    counters: Option<Counters>,
    instructions: Option<u64>,
) -> Entry {
    let wall = |runs: &[Sample]| runs.iter().map(|run| run.wall_ns).collect::<Vec<_>>();
    let cpu = |runs: &[Sample]| runs.iter().map(Sample::cpu_ns).collect::<Vec<_>>();
    let summary = Summary::of(wall(runs));
    let executed = counters.as_ref().map(|counters| counters.instructions).or(instructions);
    Entry {
        contender: contender.name.clone(),
        exit_status: 0,
        failed: None,
        outliers: outliers(&wall(runs)),
        ratio: ratio(&wall(base), &wall(runs)),
        ratio_cpu: ratio(&cpu(base), &cpu(runs)),
        peak_rss_bytes: runs.iter().map(|run| run.peak_rss_bytes).max().unwrap_or_default(),
        instructions_per_second: executed
            .filter(|_| !runs.is_empty())
            .map(|count| count as f64 / (summary.median_ns.max(1) as f64 / 1e9)),
        counters,
        wall: summary,
        cpu: Summary::of(cpu(runs)),
        runs: runs.to_vec(),
    }
}
