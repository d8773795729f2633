//! Engines as contenders, and what it means that two of them agree.

use crate::generate::Tag;
use crate::oracle::{CountingIds, IdSource, Oracle};
use crate::outcome::{Case, FaultKind, Memory, Outcome, Stop};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a contender tells about a run.
#[derive(Clone, Debug)]
pub struct Run {
    /// What is compared.
    pub outcome: Outcome,
    /// What is counted: name and number, to be added up over many runs.
    pub counters: BTreeMap<String, u64>,
    /// How often each offset of the program was executed, if the contender knows.
    pub visits: Option<Vec<u32>>,
    /// All segments at the end; only when detail was asked for.
    pub memory: Option<Memory>,
    /// Text for the failure report: a title and what belongs under it (IR, host code); only when detail was asked for.
    pub listings: Vec<(String, String)>,
}

impl Run {
    /// A run of which nothing but the outcome is known.
    pub fn new(outcome: Outcome) -> Run {
        Run { outcome, counters: BTreeMap::new(), visits: None, memory: None, listings: Vec::new() }
    }
}

/// An engine, or one way of using it.
pub trait Contender {
    /// A short name for tables.
    fn name(&self) -> String;

    /// Runs a case from the start. With `detail`, the final memory and listings are filled in; it may be slow.
    fn run(&mut self, case: &Case, detail: bool) -> Run;
}

/// The oracle as a contender.
pub struct OracleContender {
    ids: IdFactory,
}

/// Makes the source of identifiers for a case.
pub type IdFactory = Box<dyn Fn(&Case) -> Box<dyn IdSource>>;

impl OracleContender {
    /// The oracle with identifiers of its own.
    pub fn with_own_ids() -> OracleContender {
        OracleContender::new(Box::new(|_| Box::new(CountingIds::default())))
    }

    /// The oracle with identifiers from elsewhere.
    pub fn new(ids: IdFactory) -> OracleContender {
        OracleContender { ids }
    }
}

impl Contender for OracleContender {
    fn name(&self) -> String {
        "oracle".into()
    }

    fn run(&mut self, case: &Case, detail: bool) -> Run {
        let mut oracle = Oracle::with_ids(&case.program, &case.input, (self.ids)(case));
        let mut run = Run::new(oracle.run(case.budget));
        run.visits = Some(oracle.visits().to_vec());
        run.counters.insert("identifiers-reused".into(), oracle.reused_ids());
        run.memory = detail.then(|| oracle.memory());
        run
    }
}

/// Something in which two outcomes differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What: `stop`, `pc`, `executed`, `r0` to `r7`, `output`, `memory`, `panic`.
    pub what: String,
    /// As the left side has it.
    pub left: String,
    /// As the right side has it.
    pub right: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} against {}", self.what, self.left, self.right)
    }
}

/// What comes of comparing two runs of the same case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They agree in everything.
    Same,
    /// They do not.
    Different(Vec<Difference>),
    /// One of them reached a limit on memory, which is no matter of agreement.
    Inconclusive,
}

/// Compares everything that two engines must agree on.
pub fn compare(left: &Outcome, right: &Outcome) -> Verdict {
    if [left.stop, right.stop].contains(&Stop::OutOfMemory) {
        return Verdict::Inconclusive;
    }
    if left == right {
        return Verdict::Same;
    }
    let mut differences = Vec::new();
    let mut note = |what: &str, left: String, right: String| {
        if left != right {
            differences.push(Difference { what: what.into(), left, right });
        }
    };
    note("stop", left.stop.to_string(), right.stop.to_string());
    note("pc", left.pc.to_string(), right.pc.to_string());
    note("executed", left.executed.to_string(), right.executed.to_string());
    for (number, (l, r)) in left.registers.iter().zip(right.registers).enumerate() {
        note(&format!("r{number}"), format!("{l:#x}"), format!("{r:#x}"));
    }
    if left.output != right.output {
        let same = left.output.iter().zip(&right.output).take_while(|(l, r)| l == r).count();
        let describe = |output: &[u8]| format!("{} bytes, {:?} at {same}", output.len(), output.get(same));
        note("output", describe(&left.output), describe(&right.output));
    }
    note("memory", format!("{:016x}", left.memory_digest), format!("{:016x}", right.memory_digest));
    Verdict::Different(differences)
}

/// Runs a case; a panic of the contender becomes its message.
///
/// # Errors
/// The message of the panic. The contender must not be used again.
pub fn run_guarded(contender: &mut dyn Contender, case: &Case, detail: bool) -> Result<Run, String> {
    catch_unwind(AssertUnwindSafe(|| contender.run(case, detail))).map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| text.to_string());
        text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
    })
}

/// Compares a reference's run with a contender's, either of which may have panicked.
pub fn compare_guarded(left: &Result<Run, String>, right: &Result<Run, String>) -> Verdict {
    let describe = |side: &Result<Run, String>| match side {
        Ok(run) => run.outcome.stop.to_string(),
        Err(message) => message.clone(),
    };
    match (left, right) {
        (Ok(left), Ok(right)) => compare(&left.outcome, &right.outcome),
        _ => {
            Verdict::Different(vec![Difference { what: "panic".into(), left: describe(left), right: describe(right) }])
        }
    }
}

/// How many programs showed what.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Coverage {
    /// Programs run.
    pub programs: u64,
    /// Instructions that the reference executed.
    pub executed: u64,
    /// Comparisons without a result, because a limit on memory was reached.
    pub inconclusive: u64,
    /// Programs of which some contender executed a part in compiled code.
    #[serde(default)]
    pub compiled: u64,
    /// Programs by how the reference stopped.
    pub stops: BTreeMap<String, u64>,
    /// Programs by feature: that contain it, that execute it, that execute it often. The latter two only if the
    /// reference counts visits.
    pub tags: BTreeMap<String, [u64; 3]>,
    /// By contender and counter: the sum, and the number of programs where it is not 0.
    pub counters: BTreeMap<String, BTreeMap<String, [u64; 2]>>,
}

/// What the names of counters of exits start with.
pub(crate) const EXIT_COUNTERS: &str = "exit ";

/// Executions from which on an instruction counts as executed often.
pub const OFTEN: u32 = 50;

impl Coverage {
    /// Adds a program by its features and its reference run.
    pub fn add_program<'a>(&mut self, tags: impl Iterator<Item = &'a Tag>, marks: &[(Tag, u32)], reference: &Run) {
        self.programs += 1;
        self.executed += reference.outcome.executed;
        *self.stops.entry(reference.outcome.stop.name().into()).or_default() += 1;
        for &tag in tags {
            let visits = marks.iter().filter(|(marked, _)| *marked == tag).map(|&(_, pc)| {
                reference.visits.as_ref().and_then(|visits| visits.get(pc as usize)).copied().unwrap_or(0)
            });
            // A feature without a place is one of the whole run.
            let most = visits.max().unwrap_or(1);
            let counts = self.tags.entry(tag.name().into()).or_default();
            counts[0] += 1;
            counts[1] += u64::from(most > 0);
            counts[2] += u64::from(most >= OFTEN);
        }
    }

    /// Adds what a contender counted in one run.
    pub fn add_counters(&mut self, contender: &str, counters: &BTreeMap<String, u64>) {
        if counters.is_empty() {
            return;
        }
        let of_contender = self.counters.entry(contender.into()).or_default();
        for (name, &count) in counters {
            let sums = of_contender.entry(name.clone()).or_default();
            sums[0] += count;
            sums[1] += u64::from(count > 0);
        }
    }

    /// How often compiled code was left for each reason, by all contenders: the number of exits, and of runs with one.
    pub fn exits(&self) -> BTreeMap<&str, [u64; 2]> {
        let mut exits: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
        for (name, counts) in self.counters.values().flatten() {
            if let Some(reason) = name.strip_prefix(EXIT_COUNTERS) {
                let sums = exits.entry(reason).or_default();
                (0..2).for_each(|i| sums[i] += counts[i]);
            }
        }
        exits
    }

    /// Kinds of faults that ended no program, and reasons for which compiled code was never left (if there was any).
    pub fn never(&self) -> Vec<String> {
        let kinds = FaultKind::NAMES.into_iter().filter(|&kind| !self.stops.contains_key(kind));
        let exits = self.exits().into_iter().filter(|(_, [sum, _])| *sum == 0);
        kinds.map(str::to_owned).chain(exits.map(|(reason, _)| format!("exit by {reason}"))).collect()
    }

    /// Adds what other runs showed.
    pub fn merge(&mut self, other: Coverage) {
        self.programs += other.programs;
        self.executed += other.executed;
        self.inconclusive += other.inconclusive;
        self.compiled += other.compiled;
        for (name, count) in other.stops {
            *self.stops.entry(name).or_default() += count;
        }
        for (name, counts) in other.tags {
            let sums = self.tags.entry(name).or_default();
            (0..3).for_each(|i| sums[i] += counts[i]);
        }
        for (contender, counters) in other.counters {
            let mine = self.counters.entry(contender).or_default();
            for (name, counts) in counters {
                let sums = mine.entry(name).or_default();
                (0..2).for_each(|i| sums[i] += counts[i]);
            }
        }
    }
}

impl fmt::Display for Coverage {
    /// Tables: stops, features, counters, each with its share of all programs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |count: u64| 100.0 * count as f64 / self.programs.max(1) as f64;
        writeln!(f, "{} programs, {} instructions", self.programs, self.executed)?;
        if self.inconclusive > 0 {
            writeln!(f, "{} comparisons without result: out of memory", self.inconclusive)?;
        }
        writeln!(f, "{} programs ({:.3}%) ran in compiled code", self.compiled, share(self.compiled))?;
        writeln!(f, "\n{:<24} {:>10} {:>8}", "stop", "programs", "%")?;
        let kinds = FaultKind::NAMES.into_iter().filter(|&kind| !self.stops.contains_key(kind));
        let none = kinds.map(|kind| (kind, 0));
        for (name, count) in self.stops.iter().map(|(name, &count)| (name.as_str(), count)).chain(none) {
            writeln!(f, "{name:<24} {count:>10} {:>8.3}", share(count))?;
        }
        writeln!(f, "\n{:<24} {:>14} {:>10}", "exit, all contenders", "sum", "runs")?;
        for (reason, [sum, runs]) in self.exits() {
            writeln!(f, "{reason:<24} {sum:>14} {runs:>10}")?;
        }
        writeln!(f, "\n{:<24} {:>10} {:>10} {:>10}", "feature", "contained", "executed", "often")?;
        for (name, [contained, executed, often]) in &self.tags {
            writeln!(f, "{name:<24} {contained:>10} {executed:>10} {often:>10}")?;
        }
        for (contender, counters) in &self.counters {
            writeln!(f, "\n{contender:<40} {:>14} {:>10} {:>8}", "sum", "programs", "%")?;
            for (name, &[sum, programs]) in counters {
                writeln!(f, "{name:<40} {sum:>14} {programs:>10} {:>8.3}", share(programs))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        let case = Case { program: vec![0x7000_0000], input: vec![], budget: 10 };
        OracleContender::with_own_ids().run(&case, false).outcome
    }

    #[test]
    fn every_part_of_an_outcome_is_compared() {
        let base = outcome();
        assert_eq!(compare(&base, &base), Verdict::Same);
        type Change = fn(&mut Outcome);
        let changed: [(&str, Change); 6] = [
            ("stop", |o| o.stop = Stop::OutOfBudget),
            ("pc", |o| o.pc += 1),
            ("executed", |o| o.executed += 1),
            ("r5", |o| o.registers[5] = 1),
            ("output", |o| o.output.push(0)),
            ("memory", |o| o.memory_digest ^= 1),
        ];
        for (what, change) in changed {
            let mut other = base.clone();
            change(&mut other);
            let Verdict::Different(differences) = compare(&base, &other) else { panic!("{what} goes unnoticed") };
            assert_eq!(differences.iter().map(|d| d.what.as_str()).collect::<Vec<_>>(), [what]);
        }
        let full = Outcome { stop: Stop::OutOfMemory, ..base.clone() };
        assert_eq!(compare(&base, &full), Verdict::Inconclusive);
    }

    #[test]
    fn a_panic_is_a_difference() {
        struct Panics;
        impl Contender for Panics {
            fn name(&self) -> String {
                "panics".into()
            }
            fn run(&mut self, _: &Case, _: bool) -> Run {
                panic!("on purpose")
            }
        }
        let case = Case { program: vec![0x7000_0000], input: vec![], budget: 10 };
        let good = Ok(Run::new(outcome()));
        let bad = run_guarded(&mut Panics, &case, false);
        let Verdict::Different(differences) = compare_guarded(&good, &bad) else { panic!("a panic goes unnoticed") };
        assert_eq!(differences[0].right, "on purpose");
    }

    #[test]
    fn coverage_adds_up() {
        let run = Run { visits: Some(vec![60]), ..Run::new(outcome()) };
        let mut one = Coverage::default();
        one.add_program([Tag::Branch].iter(), &[(Tag::Branch, 0)], &run);
        one.add_counters("jit", &BTreeMap::from([("exits".to_string(), 3)]));
        let mut two = one.clone();
        two.merge(one);
        assert_eq!(two.tags["branch"], [2, 2, 2]);
        assert_eq!(two.counters["jit"]["exits"], [6, 2]);
        assert_eq!((two.programs, two.stops["halt"]), (2, 2));
        assert!(two.to_string().contains("exits"));
    }
}
