//! Builds the campaign with one mistake after the other, and tells how long it takes to find each.
//!
//! The workspace is copied into `target/seeded/`: what is built there never gets mixed up with what works.

use anyhow::{Context, bail, ensure};
use clap::Parser;
use rum_testkit::seeded::{Mistake, bring};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

/// Put mistakes into the engines, one at a time, and see whether the campaign finds them.
#[derive(Debug, Parser)]
#[command(name = "seeded-bugs")]
struct Args {
    /// Mistakes to make; all if none is named
    names: Vec<String>,
    /// Only look whether each mistake can still be made
    #[arg(long)]
    check: bool,
    /// Have the units of programs proved instead, where there is a solver: which mistakes of the optimising tier are refuted
    #[arg(long)]
    proofs: bool,
    /// Most programs for interpreter and compiled code with an exit at every check
    #[arg(long, default_value_t = 500)]
    exits: u64,
    /// Most programs for the whole matrix of engines
    #[arg(long, default_value_t = 2_000)]
    matrix: u64,
    /// Seconds after which a run is taken to hang
    #[arg(long, default_value_t = 900)]
    hangs: u64,
    /// Compiler processes at once; as many as there are processors if not given
    #[arg(long)]
    jobs: Option<u32>,
}

/// What became of one mistake.
struct Found {
    contender: String,
    seed: u64,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace is the folder around")?;
    let mut mistakes = Mistake::all(&root.join("testkit/seeded"))?;
    if let Some(unknown) = args.names.iter().find(|&name| mistakes.iter().all(|mistake| mistake.name != *name)) {
        bail!("there is no mistake called {unknown}");
    }
    mistakes.retain(|mistake| args.names.is_empty() || args.names.contains(&mistake.name));
    let folder = root.join("target/seeded");
    let tree = folder.join("tree");
    let mut lost = Vec::new();
    if !args.check {
        bring(root, &tree).context("the workspace cannot be copied")?;
        println!("{:<28} {:<44} {:>8} {:>8}", "mistake", "caught by", "seed", "seconds");
    }
    for mistake in &mistakes {
        let made = if args.check { mistake.edited(root).map(|_| Vec::new()) } else { mistake.make(&tree) };
        let before = match made {
            Ok(before) => before,
            Err(error) => {
                println!("{:<28} cannot be made: {error:#}", mistake.name);
                lost.push(mistake);
                continue;
            }
        };
        let result = match (args.check, args.proofs) {
            (true, _) => Ok(true),
            (_, true) => refute(mistake, &tree, &folder, &args),
            _ => hunt(mistake, &tree, &folder, &args),
        };
        for (path, text) in before {
            fs::write(path, text)?;
        }
        match result {
            Ok(true) => {}
            Ok(false) => lost.push(mistake),
            Err(error) => {
                println!("{:<28} {error:#}", mistake.name);
                lost.push(mistake);
            }
        }
    }
    println!("\n{} of {} {}", mistakes.len() - lost.len(), mistakes.len(), if args.check { "found" } else { "caught" });
    for mistake in &lost {
        println!("missed: {} ({})", mistake.name, mistake.mistake);
    }
    Ok(if lost.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Builds the campaign with a mistake and runs it until the first divergence; whether there was one.
fn hunt(mistake: &Mistake, tree: &Path, folder: &Path, args: &Args) -> anyhow::Result<bool> {
    let campaign = build(tree, folder, args.jobs, ["rum-testkit", "campaign"])?;
    let start = Instant::now();
    for (engines, count) in [("jit", args.exits), ("matrix", args.matrix)] {
        if let Some(found) = run(&campaign, engines, count, folder, Duration::from_secs(args.hangs))? {
            let seconds = start.elapsed().as_secs_f64();
            println!("{:<28} {:<44} {:>8} {seconds:>8.1}", mistake.name, found.contender, found.seed);
            return Ok(true);
        }
    }
    println!("{:<28} {:<44} {:>8} {:>8.1}", mistake.name, "NOBODY", "", start.elapsed().as_secs_f64());
    Ok(false)
}

/// Builds what proves units, with a mistake, and has it prove some until one is refuted; whether there was one.
fn refute(mistake: &Mistake, tree: &Path, folder: &Path, args: &Args) -> anyhow::Result<bool> {
    let prove = build(tree, folder, args.jobs, ["rum-proofs", "prove"])?;
    let start = Instant::now();
    let count = args.exits.to_string();
    let arguments = ["--generated", &count, "--units", "3", "--timeout", "3000", "--unit-seconds", "20", "--first"];
    let output = Command::new(prove).args(arguments).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text.lines().map(str::trim).find(|line| line.starts_with("refuted: "));
    let what: String = found.unwrap_or("refuted: NOTHING").chars().take(44).collect();
    println!("{:<28} {what:<44} {:>8} {:>8.1}", mistake.name, "", start.elapsed().as_secs_f64());
    Ok(found.is_some())
}

/// Builds a program; gives its path.
fn build(tree: &Path, folder: &Path, jobs: Option<u32>, [package, binary]: [&str; 2]) -> anyhow::Result<PathBuf> {
    let (target, messages) = (folder.join("build"), folder.join("messages.txt"));
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Warnings are to be expected.
    command.current_dir(tree).env("CARGO_TARGET_DIR", &target).stderr(File::create(&messages)?);
    command.args(["build", "--quiet", "--package", package, "--bin", binary]);
    // A binary for a few seconds: what is changed all the time is built quickly.
    for package in ["rum-jit", "rum-testkit"] {
        command.args(["--config", &format!("profile.dev.package.{package}.opt-level=1")]);
    }
    command.args(jobs.map(|jobs| format!("-j{jobs}")));
    ensure!(command.status()?.success(), "cannot be built: see {}", messages.display());
    Ok(target.join("debug").join(binary))
}

/// Runs the campaign; what it found first, if anything.
fn run(
    campaign: &Path,
    engines: &str,
    count: u64,
    folder: &Path,
    hangs_after: Duration,
) -> anyhow::Result<Option<Found>> {
    let [output, errors] = ["output", "errors"].map(|name| folder.join(format!("{name}.txt")));
    let mut child = Command::new(campaign)
        .args(["--engines", engines, "--count", &count.to_string()])
        .args(["--threads", "1", "--failures", "1", "--shrink-attempts", "0", "--quiet", "--announce"])
        .stdout(File::create(&output)?)
        .stderr(File::create(&errors)?)
        .spawn()?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if start.elapsed() > hangs_after {
            child.kill()?;
            child.wait()?;
            break None;
        }
        thread::sleep(Duration::from_millis(20));
    };
    let last_seed = || -> anyhow::Result<u64> {
        let errors = String::from_utf8_lossy(&fs::read(&errors)?).into_owned();
        let mut seeds = errors.lines().filter_map(|line| line.strip_prefix("seed ")?.parse().ok());
        seeds.next_back().context("the campaign did not start")
    };
    match status.map(|status| status.code()) {
        Some(Some(0)) => Ok(None),
        Some(Some(1)) => divergence(&fs::read_to_string(&output)?).map(Some),
        Some(_) => Ok(Some(Found { contender: format!("the process died ({engines})"), seed: last_seed()? })),
        None => Ok(Some(Found { contender: format!("it hangs ({engines})"), seed: last_seed()? })),
    }
}

/// The first divergence in a campaign's output.
fn divergence(output: &str) -> anyhow::Result<Found> {
    let line = output.lines().find_map(|line| line.strip_prefix("divergence: ")).context("no divergence is told")?;
    let (names, seed) = line.rsplit_once(", seed ").context("no seed is told")?;
    let (_, contender) = names.split_once(" against ").context("no contender is told")?;
    Ok(Found { contender: contender.to_owned(), seed: seed.parse()? })
}
