//! Proves the units of programs, and prints how many, and how long it took.

use anyhow::Context;
use clap::Parser;
use rum_interp::{AddressSpace, Ids};
use rum_jit::Options;
use rum_proofs::{Answer, Course, Kind, Open, Patience, Proof, Unit, mutants, prove};
use rum_testkit::generate::{Profile, generate};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Prove that the units made of programs do what their words say.
#[derive(Debug, Parser)]
struct Args {
    /// Images; IMAGE.stdin beside one is its input
    images: Vec<PathBuf>,
    /// So many programs made from seeds
    #[arg(long, default_value_t = 0)]
    generated: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Jumps to a block of an image after which it is compiled
    #[arg(long, default_value_t = 4000)]
    threshold: u32,
    /// Identifiers of segments: mixed, sequential or address
    #[arg(long, default_value = "mixed")]
    ids: String,
    /// Most units of a program
    #[arg(long)]
    units: Option<usize>,
    /// Only the unit with this number
    #[arg(long)]
    unit: Option<u32>,
    /// Milliseconds for a question
    #[arg(long, default_value_t = 4000)]
    timeout: u64,
    /// Seconds for a unit: what is not proved by then is told as unknown
    #[arg(long)]
    unit_seconds: Option<u64>,
    /// Seconds for all: units not reached by then are counted, and as not proved
    #[arg(long)]
    limit_seconds: Option<u64>,
    /// Stop when something is refuted
    #[arg(long)]
    first: bool,
    /// Solvers at once
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Print functions, too
    #[arg(long)]
    show: bool,
    /// Put mistakes into the functions, so many in each, and see whether they are refuted
    #[arg(long)]
    mutate: Option<usize>,
}

/// What became of a program's units.
#[derive(Default)]
struct Row {
    whole: usize,
    units: usize,
    proved: usize,
    lines: usize,
    claims: usize,
    /// Units that there was no time for.
    left: usize,
    times: Vec<Duration>,
    told: Vec<String>,
    /// Mutants refuted and made, by kind.
    mutants: BTreeMap<Kind, [usize; 2]>,
}

impl Row {
    fn add(&mut self, other: Row) {
        self.whole += other.whole;
        self.units += other.units;
        self.proved += other.proved;
        self.lines += other.lines;
        self.claims += other.claims;
        self.left += other.left;
        self.times.extend(other.times);
        self.told.extend(other.told);
        for (kind, [refuted, made]) in other.mutants {
            let sum = self.mutants.entry(kind).or_default();
            *sum = [sum[0] + refuted, sum[1] + made];
        }
    }

    fn print(&mut self, name: &str) {
        self.times.sort();
        let ms = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
        let (median, max) = (ms(self.times.get(self.times.len() / 2)), ms(self.times.last()));
        let Row { whole, units, proved, lines, claims, .. } = self;
        println!(
            "{name:<20} {whole:>6} of {units:<6} {proved:>6} of {lines:<6} {claims:>8} {median:>10.1} {max:>10.1}"
        );
        self.told.drain(..).for_each(|line| println!("  {line}"));
        if self.left > 0 {
            println!("  {} units were not reached in time", self.left);
        }
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let ids =
        Ids::ALL.into_iter().find(|ids| ids.name() == args.ids).context("ids are mixed, sequential or address")?;
    println!("{:<20} {:>16} {:>16} {:>8} {:>10} {:>10}", "program", "units", "lines", "claims", "median ms", "max ms");
    let mut total = Row::default();
    let after = |seconds: u64| Instant::now() + Duration::from_secs(seconds);
    let prover = Prover { args: &args, until: args.limit_seconds.map(after), is_over: AtomicBool::new(false) };
    let mut add = |name: &str, mut row: Row| {
        row.print(name);
        total.add(row);
    };
    for image in &args.images {
        let options = Options::default();
        let (space, time) = (AddressSpace::Auto, Duration::from_secs(600));
        let course = Course { ids, space, threshold: args.threshold, budget: None, time, options };
        let name = image.file_name().unwrap_or_default().to_string_lossy();
        add(&name, prover.all(units_of(image, &course)?)?);
    }
    let mut generated = Row::default();
    for seed in (args.seed..).take(args.generated as usize) {
        if !prover.is_over.load(Ordering::Relaxed) {
            generated.add(prover.all(generated_units(&args, seed)?)?);
        }
    }
    if args.generated > 0 {
        add("generated", generated);
    }
    total.print("all");
    for (kind, [refuted, made]) in &total.mutants {
        println!("mistakes of kind {kind:?}: {refuted} of {made} refuted");
    }
    Ok(if total.whole == total.units { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn units_of(image: &Path, course: &Course) -> anyhow::Result<Vec<Unit>> {
    let bytes = std::fs::read(image).with_context(|| image.display().to_string())?;
    let mut input = image.as_os_str().to_owned();
    input.push(".stdin");
    course.units(&rum_interp::decode_image(&bytes)?, &std::fs::read(input).unwrap_or_default())
}

/// What is made of a program that comes from a seed.
fn generated_units(args: &Args, seed: u64) -> anyhow::Result<Vec<Unit>> {
    let made = generate(seed, &Profile::default());
    let options = Options { count: seed.is_multiple_of(2), baseline_threshold: 1, ..Options::default() };
    let budget = options.count.then_some(made.case.budget);
    let ids = Ids::ALL[seed as usize % 3];
    // In a small space identifiers have a bound.
    let is_small = seed.is_multiple_of(4);
    let space = if is_small { AddressSpace::Granules(1 << 24) } else { AddressSpace::Auto };
    let course = Course { ids, space, threshold: 3, budget, time: Duration::from_secs(2), options };
    let mut units = course.units(&made.case.program, &made.case.input)?;
    units.truncate(args.units.unwrap_or(usize::MAX));
    Ok(units)
}

/// What was not proved of a unit, in words.
fn told(unit: u32, proof: &Proof) -> Vec<String> {
    let mut told = Vec::new();
    for Open { word, what, answer } in &proof.open {
        let why = match answer {
            Answer::Refuted { failed, values } => {
                let values: Vec<String> =
                    values.iter().take(12).map(|(name, value)| format!("{name} = {value:#x}")).collect();
                format!("refuted: {}; for {}", failed.join(", "), values.join(", "))
            }
            Answer::Lost(why) => format!("not asked: {why}"),
            Answer::Proved | Answer::Unknown => continue,
        };
        told.extend([format!("unit {unit} word {word}: {what}"), format!("  {why}")]);
    }
    let late: Vec<&Open> = proof.open.iter().filter(|open| open.answer == Answer::Unknown).collect();
    if let Some(Open { word, what, .. }) = late.first() {
        told.push(format!("unit {unit}: {} questions take too long, the first at word {word}: {what}", late.len()));
    }
    told
}

/// Proves units as long as there is time.
struct Prover<'a> {
    args: &'a Args,
    until: Option<Instant>,
    /// Whether no more units are wanted.
    is_over: AtomicBool,
}

impl Prover<'_> {
    /// Proves units, several at once.
    fn all(&self, mut units: Vec<Unit>) -> anyhow::Result<Row> {
        let args = self.args;
        units.retain(|(contract, _)| args.unit.is_none_or(|unit| contract.unit == unit));
        if args.generated == 0 {
            units.truncate(args.units.unwrap_or(usize::MAX));
        }
        let waiting = Mutex::new(units.into_iter());
        let next = || waiting.lock().expect("no prover panics").next();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..args.threads.max(1))
                .map(|_| {
                    scope.spawn(|| -> anyhow::Result<Row> {
                        let mut row = Row::default();
                        while let Some(unit) = next() {
                            row.add(self.one(&unit)?);
                        }
                        Ok(row)
                    })
                })
                .collect();
            let mut all = Row::default();
            for worker in workers {
                all.add(worker.join().expect("no prover panics")?);
            }
            Ok(all)
        })
    }

    fn one(&self, unit: &Unit) -> anyhow::Result<Row> {
        let (contract, clif) = unit;
        let mut row = Row { units: 1, lines: contract.blocks.len(), ..Row::default() };
        if self.is_over.load(Ordering::Relaxed) || self.until.is_some_and(|until| Instant::now() >= until) {
            row.left = 1;
            return Ok(row);
        }
        if self.args.show {
            println!("{contract:?}\n{clif}");
        }
        let proof = prove(contract, clif, self.patience())?;
        row.whole = usize::from(proof.is_whole());
        row.claims = proof.claims;
        row.proved = row.lines - proof.open_blocks().len();
        row.told = told(contract.unit, &proof);
        self.is_over.fetch_or(self.args.first && proof.is_refuted(), Ordering::Relaxed);
        self.mutate(unit, &mut row);
        row.times = proof.times;
        Ok(row)
    }

    /// Puts mistakes into a unit, if that is wanted, and has the row say which are refuted.
    fn mutate(&self, (contract, clif): &Unit, row: &mut Row) {
        let Some(most) = self.args.mutate else { return };
        let all = mutants(clif);
        let step = all.len().div_ceil(most).max(1);
        for mutant in all.into_iter().step_by(step) {
            let refuted = prove(contract, &mutant.clif, self.patience()).map_or(true, |proof| proof.is_refuted());
            let sum = row.mutants.entry(mutant.kind).or_default();
            *sum = [sum[0] + usize::from(refuted), sum[1] + 1];
            if !refuted {
                row.told.push(format!("unit {} {:?} not refuted: {}", contract.unit, mutant.kind, mutant.line));
            }
        }
    }

    /// How long a proof that begins now may take.
    fn patience(&self) -> Patience {
        let unit = self.args.unit_seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let until = unit.into_iter().chain(self.until).min();
        Patience { question_ms: self.args.timeout, until }
    }
}
