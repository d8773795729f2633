//! Many seeds through all contenders: in parallel, resumable, with coverage and shrunk failures.
//!
//! Seeds are dealt out in pieces. The results of a piece are added to the summary when all pieces before it are done,
//! so the progress file always speaks for a range without gaps, whatever the number of threads.

use crate::generate::{Generated, Profile, generate};
use crate::matrix::{Contender, Coverage, Run, Verdict, compare_guarded, run_guarded};
use crate::outcome::Case;
use crate::report::{Failure, Side, render};
use crate::shrink::shrink;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{fs, io, thread};

/// Seeds dealt out at once.
const PIECE_SEEDS: u64 = 100;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The first seed.
    pub first: u64,
    /// The seed after the last.
    pub end: u64,
    /// Threads to run them on.
    pub threads: usize,
    /// What the programs are like.
    pub profile: Profile,
    /// Divergences after which the campaign ends early.
    pub failures_max: usize,
    /// Attempts to make a divergence smaller.
    pub shrink_attempts: u32,
    /// File that keeps the progress; a campaign goes on where the file says.
    pub progress: Option<PathBuf>,
    /// Says each seed on standard error before it is run: for crashes of the process.
    pub announce: bool,
}

/// A divergence found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Divergence {
    /// The program's seed.
    pub seed: u64,
    /// The contender that differs from the reference.
    pub contender: String,
    /// The smallest case found.
    pub case: Case,
    /// The failure report.
    pub report: String,
}

/// What has come of a campaign so far; also the progress file's content.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    /// The first seed.
    pub first: u64,
    /// The first seed that is not done.
    pub next: u64,
    /// The contenders; the first is the reference.
    pub contenders: Vec<String>,
    /// What the programs have covered.
    pub coverage: Coverage,
    /// Where contenders differed from the reference.
    pub divergences: Vec<Divergence>,
}

/// Contenders for one thread; the first is the reference.
pub type Lineup = Vec<Box<dyn Contender>>;

/// Results of one piece.
#[derive(Default)]
struct Piece {
    end: u64,
    coverage: Coverage,
    divergences: Vec<Divergence>,
}

/// The part that threads share.
struct Shared {
    next: u64,
    summary: Summary,
    waiting: BTreeMap<u64, Piece>,
    error: Option<io::Error>,
}

/// Runs a campaign; `progress` is told the summary whenever it has grown.
///
/// # Errors
/// The progress file cannot be read or written, or belongs to another campaign.
pub fn run(
    plan: &Plan,
    lineup: &(dyn Fn() -> Lineup + Sync),
    progress: &(dyn Fn(&Summary) + Sync),
) -> io::Result<Summary> {
    let names: Vec<String> = lineup().iter().map(|contender| contender.name()).collect();
    let summary = match plan.progress.as_deref().filter(|path| path.exists()) {
        Some(path) => resume(path, plan, &names)?,
        None => Summary { first: plan.first, next: plan.first, contenders: names, ..Summary::default() },
    };
    let shared = Mutex::new(Shared { next: summary.next, summary, waiting: BTreeMap::new(), error: None });
    let lock = || shared.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    thread::scope(|scope| {
        for _ in 0..plan.threads.max(1) {
            scope.spawn(|| {
                let mut contenders = lineup();
                loop {
                    // A statement of its own: the lock must not be held while the piece is run.
                    let taken = take_piece(&mut lock(), plan);
                    let Some((start, end)) = taken else { break };
                    let piece = run_piece(start, end, plan, &mut contenders, lineup);
                    let mut shared = lock();
                    shared.waiting.insert(start, piece);
                    if hand_in(&mut shared, plan) {
                        progress(&shared.summary);
                    }
                }
            });
        }
    });
    let shared = shared.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    shared.error.map_or(Ok(shared.summary), Err)
}

fn resume(path: &Path, plan: &Plan, names: &[String]) -> io::Result<Summary> {
    let summary: Summary = serde_json::from_slice(&fs::read(path)?)?;
    if summary.first != plan.first || summary.contenders != names {
        let message = format!(
            "{} is of another campaign: seeds from {}, contenders {}",
            path.display(),
            summary.first,
            summary.contenders.join(", ")
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok(summary)
}

fn take_piece(shared: &mut Shared, plan: &Plan) -> Option<(u64, u64)> {
    let enough = shared.summary.divergences.len() >= plan.failures_max || shared.error.is_some();
    if enough || shared.next >= plan.end {
        return None;
    }
    let start = shared.next;
    shared.next = (start + PIECE_SEEDS).min(plan.end);
    Some((start, shared.next))
}

/// Adds the pieces that follow without a gap to the summary, and saves it. Whether there were any.
fn hand_in(shared: &mut Shared, plan: &Plan) -> bool {
    let before = shared.summary.next;
    while let Some(piece) = shared.waiting.remove(&shared.summary.next) {
        shared.summary.next = piece.end;
        shared.summary.coverage.merge(piece.coverage);
        shared.summary.divergences.extend(piece.divergences);
    }
    let grown = shared.summary.next > before;
    if let Some(path) = plan.progress.as_deref().filter(|_| grown)
        && let Err(error) = save(path, &shared.summary)
    {
        shared.error = Some(error);
    }
    grown
}

/// Writes beside the file and renames, so that a crash leaves the old one.
fn save(path: &Path, summary: &Summary) -> io::Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, serde_json::to_vec_pretty(summary)?)?;
    fs::rename(&beside, path)
}

fn run_piece(start: u64, end: u64, plan: &Plan, contenders: &mut Lineup, lineup: &dyn Fn() -> Lineup) -> Piece {
    let mut piece = Piece { end, ..Piece::default() };
    for seed in start..end {
        if plan.announce {
            eprintln!("seed {seed}");
        }
        let generated = generate(seed, &plan.profile);
        run_seed(&generated, plan, contenders, lineup, &mut piece);
        if piece.divergences.len() >= plan.failures_max {
            // The campaign ends here; it would go on behind this seed.
            piece.end = seed + 1;
            break;
        }
    }
    piece
}

fn run_seed(
    generated: &Generated,
    plan: &Plan,
    contenders: &mut Lineup,
    lineup: &dyn Fn() -> Lineup,
    piece: &mut Piece,
) {
    let case = &generated.case;
    let mut fresh = false;
    let mut guarded = |contenders: &mut Lineup, index: usize| {
        let run = run_guarded(&mut *contenders[index], case, false);
        if run.is_err() {
            *contenders = lineup();
            fresh = true;
        }
        run
    };
    let mut compiled = false;
    let reference = guarded(contenders, 0);
    if let Ok(run) = &reference {
        piece.coverage.add_program(generated.tags.iter(), &generated.marks, run);
        piece.coverage.add_counters(&contenders[0].name(), &run.counters);
    }
    for index in 1..contenders.len() {
        let run = guarded(contenders, index);
        if let Ok(run) = &run {
            compiled |= run.counters.get("instructions compiled").is_some_and(|&count| count > 0);
            piece.coverage.add_counters(&contenders[index].name(), &run.counters);
        }
        match compare_guarded(&reference, &run) {
            Verdict::Same => {}
            Verdict::Inconclusive => piece.coverage.inconclusive += 1,
            Verdict::Different(_) => {
                let found = describe(Some(generated.seed), case, index, plan.shrink_attempts, lineup);
                piece.divergences.push(found);
            }
        }
    }
    piece.coverage.compiled += u64::from(compiled);
}

/// Makes a divergence of contender `index` from the reference smaller and writes the report.
///
/// Contenders are made anew where one panics.
pub fn describe(
    seed: Option<u64>,
    case: &Case,
    index: usize,
    shrink_attempts: u32,
    lineup: &dyn Fn() -> Lineup,
) -> Divergence {
    let mut contenders = lineup();
    let mut runs = |case: &Case, detail: bool| -> [Result<Run, String>; 2] {
        [0, index].map(|number| {
            let run = run_guarded(&mut *contenders[number], case, detail);
            if run.is_err() {
                contenders = lineup();
            }
            run
        })
    };
    let differs =
        |runs: &[Result<Run, String>; 2]| matches!(compare_guarded(&runs[0], &runs[1]), Verdict::Different(_));
    // Smaller cases may run for ever: a little more than the case itself needs is enough for all of them.
    let executed = runs(case, false).iter().flatten().map(|run| run.outcome.executed).max().unwrap_or(case.budget);
    let capped = Case { budget: case.budget.min(2 * executed + 1000), ..case.clone() };
    let start = if differs(&runs(&capped, false)) { capped } else { case.clone() };
    let small = shrink(&start, shrink_attempts, &mut |case| differs(&runs(case, false))).case;
    let [left, right] = runs(&small, true);
    let differences = match compare_guarded(&left, &right) {
        Verdict::Different(differences) => differences,
        Verdict::Same | Verdict::Inconclusive => Vec::new(),
    };
    let names = lineup().into_iter().map(|contender| contender.name()).collect::<Vec<_>>();
    let left = Side { name: names[0].clone(), run: left };
    let right = Side { name: names[index].clone(), run: right };
    let report = render(&Failure { seed, case: &small, left: &left, right: &right, differences: &differences });
    Divergence { seed: seed.unwrap_or(0), contender: right.name, case: small, report }
}
