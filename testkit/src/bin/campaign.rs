//! Runs generated programs through the engines and reports where they part.

use anyhow::Context;
use clap::{Parser, ValueEnum};
use rum_interp::Ids;
use rum_jit::Options;
use rum_testkit::campaign::{Lineup, Plan, Summary, run};
use rum_testkit::contenders::{Drive, InterpContender, JitContender, Pace, machine_options};
use rum_testkit::generate::Profile;
use rum_testkit::matrix::Contender;
use rum_testkit::policy::oracle_with_policy;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Run generated programs through the engines and compare them.
#[derive(Debug, Parser)]
#[command(name = "campaign")]
struct Args {
    /// First seed
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Number of seeds
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// Which engines; the first one of a line-up is the reference
    #[arg(long, value_enum, default_value_t = Engines::Interp)]
    engines: Engines,
    /// What the programs are like
    #[arg(long, default_value = "all", value_parser = parse_profile)]
    profile: NamedProfile,
    /// Threads; 0 means as many as there are processors
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// File that keeps the progress, to go on later
    #[arg(long)]
    progress: Option<PathBuf>,
    /// Divergences after which to stop
    #[arg(long, default_value_t = 5)]
    failures: usize,
    /// Attempts to make a divergence smaller
    #[arg(long, default_value_t = 4_000)]
    shrink_attempts: u32,
    /// Which identifiers the machines hand out
    #[arg(long, default_value = "mixed", value_parser = parse_ids)]
    ids: Ids,
    /// Use the full range of addresses instead of a small one that is quicker to set up
    #[arg(long)]
    full_space: bool,
    /// Say each seed before it is run (for crashes of the whole process; use one thread)
    #[arg(long)]
    announce: bool,
    /// Fail, too, if some kind of fault or some reason to leave compiled code never happened
    #[arg(long)]
    complete: bool,
    /// Print less: no progress
    #[arg(long)]
    quiet: bool,
}

/// A line-up of engines.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Engines {
    /// The oracle against the interpreter in one go
    Interp,
    /// The oracle against the interpreter in one go, step by step, and in pieces
    Paces,
    /// The oracle against the interpreter and the baseline tier, with an exit at every other check: quick, as nothing waits for Cranelift
    Blocks,
    /// The interpreter against compiled code from the first round on, with an exit at every check
    Jit,
    /// The oracle against the interpreter and every way of using compiled code
    Matrix,
}

/// A profile and what it is called.
#[derive(Clone, Debug)]
struct NamedProfile(Profile);

fn parse_profile(name: &str) -> Result<NamedProfile, String> {
    Profile::named(name).map(NamedProfile).ok_or_else(|| format!("profiles are {}", Profile::NAMES.join(", ")))
}

fn parse_ids(name: &str) -> Result<Ids, String> {
    let names = || Ids::ALL.map(Ids::name).join(", ");
    Ids::ALL.into_iter().find(|ids| ids.name() == name).ok_or_else(|| format!("identifiers are {}", names()))
}

fn lineup(engines: Engines, full_space: bool, ids: Ids) -> Lineup {
    let options = || machine_options(!full_space, ids);
    let interp = |pace| -> Box<dyn Contender> { Box::new(InterpContender::new(pace, options())) };
    let mut lineup: Lineup = vec![Box::new(oracle_with_policy(options()))];
    match engines {
        Engines::Interp => lineup.push(interp(Pace::Whole)),
        Engines::Paces => lineup.extend([Pace::Whole, Pace::Step, Pace::Pieces].map(interp)),
        Engines::Blocks => {
            let exits = Options { force_exit_every: Some(2), ..JitContender::blocks() };
            let blocks = JitContender::new("blocks, exit at every 2. check", Drive::Whole, exits, options());
            lineup.extend([interp(Pace::Whole), Box::new(blocks)]);
        }
        Engines::Jit => {
            let exits = Options { force_exit_every: Some(1), ..JitContender::eager() };
            let jit = JitContender::new("jit, exit at every check", Drive::Whole, exits, options());
            let exits = Options { force_exit_every: Some(1), ..JitContender::blocks() };
            let blocks = JitContender::new("blocks, exit at every check", Drive::Whole, exits, options());
            let both = Options { hot_threshold: 4, ..JitContender::blocks() };
            let both = JitContender::new("blocks, hot after 4", Drive::Whole, both, options());
            let kept = Options { cache: true, hot_threshold: 4, force_exit_every: Some(3), ..JitContender::blocks() };
            let second = JitContender::new("second run, exit at every 3. check", Drive::Whole, kept, options());
            lineup = vec![interp(Pace::Whole), Box::new(jit), Box::new(blocks), Box::new(both), Box::new(second)];
        }
        Engines::Matrix => {
            lineup.push(interp(Pace::Whole));
            let all = JitContender::all(&options);
            lineup.extend(all.into_iter().map(|jit| -> Box<dyn Contender> { Box::new(jit) }));
        }
    }
    lineup
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let threads = match args.threads {
        0 => std::thread::available_parallelism().context("the number of processors is not known")?.get(),
        threads => threads,
    };
    let plan = Plan {
        first: args.first,
        end: args.first.saturating_add(args.count),
        threads,
        profile: args.profile.0,
        failures_max: args.failures,
        shrink_attempts: args.shrink_attempts,
        progress: args.progress,
        announce: args.announce,
    };
    let start = Instant::now();
    let say = |summary: &Summary| {
        let done = summary.next - summary.first;
        if !args.quiet && done.is_multiple_of(10_000) {
            eprintln!("{done} programs, {} divergences, {:.0?}", summary.divergences.len(), start.elapsed());
        }
    };
    let summary =
        run(&plan, &|| lineup(args.engines, args.full_space, args.ids), &say).context("the campaign cannot go on")?;
    println!("{}", summary.coverage);
    let never = summary.coverage.never();
    if !never.is_empty() {
        println!("never happened: {}\n", never.join(", "));
    }
    for divergence in &summary.divergences {
        println!("{}", divergence.report);
    }
    println!(
        "seeds {} to {}: {} divergences, {:.1?}",
        summary.first,
        summary.next,
        summary.divergences.len(),
        start.elapsed()
    );
    let complete = never.is_empty() || !args.complete;
    Ok(if summary.divergences.is_empty() && complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
