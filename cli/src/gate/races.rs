//! The second layer: times, as ratios within one race, so that the machine and its mood cancel out.
//!
//! Noise mostly slows down, so two estimates that prefer undisturbed runs have to agree: the ratio of the minima, and that of
//! the lower quartiles. And so many rounds have to say the same one by one that chance does not explain it. That is a pass
//! or a regression; otherwise the race goes on, and if that never ends, nobody could tell. Runs that are slow now and then
//! are no noise if they are those of one side: they keep a race from being a pass.

use super::config::{BASE, Config, RatioRule, Time};
use super::judge::{Finding, Verdict, round};
use crate::failure::Failure;
use crate::human;
use crate::measure::check::succeeded;
use crate::measure::child::{Measurer, Outcome, Sample, input_file};
use crate::measure::contender::Contender;
use crate::measure::figures::{Summary, quantile};
use crate::measure::program::Program;
use std::fs::File;
use std::time::Duration;

/// By how many standard deviations more, or less, than half of the rounds have to be beyond the limit (a sign test). Chance
/// does that to a ratio that is just at the limit once in a hundred looks, on either side.
const SURE: f64 = 2.33;
/// A race that is over sooner says more about starting processes than about engines.
const RACE_MIN: Duration = Duration::from_millis(50);
/// So many more rounds may be far beyond the limit than as far below its inverse.
const OFTEN: usize = 1;

/// A rule on one program: which runners it compares, and how far it has got.
struct Question<'a> {
    rule: &'a RatioRule,
    this: usize,
    other: usize,
    limit: f64,
    estimate: f64,
    verdict: Verdict,
    rounds: u32,
    /// Rounds that are beyond the limit one by one.
    beyond: u32,
}

/// Runs all races of `head`, against `base` where there is one.
///
/// # Errors
/// Something cannot be run, or engines do not put out the same.
pub fn race(
    config: &Config,
    base: Option<&str>,
    head: &str,
    run_limit: Duration,
    tick: &mut dyn FnMut(),
) -> Result<Vec<Finding>, Failure> {
    let mut measurer = Measurer::new(run_limit)?;
    let mut findings = Vec::new();
    for race in &config.races {
        let Some(case) = config.programs.iter().find(|case| case.name == race.program) else { continue };
        let mut runners = Runners { all: Vec::new() };
        let mut questions = Vec::new();
        for rule in config.ratios.iter().filter(|rule| race.is_about(rule)) {
            let this = runners.index(config.contender(&rule.engine, head)?);
            let (other, limit) = match (rule.to.as_str(), base) {
                (BASE, None) => continue,
                (BASE, Some(base)) => {
                    let mut contender = config.contender(&rule.engine, base)?;
                    contender.name = format!("{} of base", rule.engine);
                    (runners.index(contender), 1.0 + rule.tolerance.unwrap_or_default())
                }
                (name, _) => (runners.index(config.contender(name, head)?), rule.at_most.unwrap_or_default()),
            };
            questions.push(Question {
                rule,
                this,
                other,
                limit,
                estimate: 0.0,
                verdict: Verdict::Unclear,
                rounds: 0,
                beyond: 0,
            });
        }
        let program = case.program(race.input.as_deref());
        if !questions.is_empty() {
            settle(config, &program, &runners.all, &mut questions, &mut measurer, tick)?;
        }
        let name = race.name();
        findings.extend(questions.into_iter().map(|question| question.finding(&name)));
    }
    Ok(findings)
}

/// Who runs in a race, each only once.
struct Runners {
    all: Vec<Contender>,
}

impl Runners {
    fn index(&mut self, contender: Contender) -> usize {
        match self.all.iter().position(|runner| runner.name == contender.name) {
            Some(i) => i,
            None => {
                self.all.push(contender);
                self.all.len() - 1
            }
        }
    }
}

fn settle(
    config: &Config,
    program: &Program,
    runners: &[Contender],
    questions: &mut [Question<'_>],
    measurer: &mut Measurer,
    tick: &mut dyn FnMut(),
) -> Result<(), Failure> {
    let input: File = input_file(&program.input)?;
    let mut first: Option<Outcome> = None;
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); runners.len()];
    for rounds in 1..=config.rounds_max {
        // Every other round backwards, so that nobody always follows the same neighbour.
        let forwards = 0..runners.len();
        let order: Vec<usize> = if rounds % 2 == 1 { forwards.collect() } else { forwards.rev().collect() };
        for i in order {
            let outcome = measurer.run(&runners[i].command(&program.image), &input)?;
            succeeded(program, &runners[i], &outcome, first.as_ref())?;
            samples[i].push(outcome.sample);
            first.get_or_insert(outcome);
            tick();
        }
        if rounds < config.rounds_min {
            continue;
        }
        if rounds == config.rounds_min {
            questions.iter().try_for_each(|question| question.takes_long_enough(program, &samples))?;
        }
        for question in questions.iter_mut().filter(|question| question.verdict == Verdict::Unclear) {
            question.ask(&samples[question.this], &samples[question.other]);
        }
        if questions.iter().all(|question| question.verdict != Verdict::Unclear) {
            break;
        }
    }
    Ok(())
}

impl Question<'_> {
    /// Refuses a race that is over too soon to tell anything.
    fn takes_long_enough(&self, program: &Program, samples: &[Vec<Sample>]) -> Result<(), Failure> {
        let median = |runner: usize| Summary::of(samples[runner].iter().map(Sample::undisturbed_ns)).median_ns;
        let longer = median(self.this).max(median(self.other));
        if u128::from(longer) >= RACE_MIN.as_nanos() {
            return Ok(());
        }
        Err(Failure::host(format!(
            "the race on {} between {} and {} is over in {}: below {} starting processes decides; give it more to do",
            program.name,
            self.rule.engine,
            self.rule.to,
            human::time(longer),
            human::time(RACE_MIN.as_nanos() as u64)
        )))
    }

    fn ask(&mut self, this: &[Sample], other: &[Sample]) {
        let times = |runs: &[Sample]| -> Vec<u64> {
            let time = |run: &Sample| match self.rule.time {
                Time::Cpu => run.cpu_ns(),
                Time::Wall => run.undisturbed_ns(),
            };
            runs.iter().map(time).collect()
        };
        let (mut this, mut other) = (times(this), times(other));
        let count = |is: &dyn Fn(f64) -> bool| {
            let rounds = this.iter().zip(&other).map(|(&this, &other)| this as f64 / (other as f64).max(1.0));
            rounds.filter(|&ratio| is(ratio)).count()
        };
        let beyond = count(&|ratio| ratio > self.limit);
        let far = self.limit * self.limit;
        let now_and_then = count(&|ratio| ratio > far) > count(&|ratio| ratio < far.recip()) + OFTEN;
        let half = this.len() as f64 / 2.0;
        let sure = SURE * (this.len() as f64).sqrt() / 2.0;
        this.sort_unstable();
        other.sort_unstable();
        let ratio = |share: f64| quantile(&this, share) / quantile(&other, share).max(1.0);
        let (minimum, quartile) = (ratio(0.0), ratio(0.25));
        self.rounds = this.len() as u32;
        self.beyond = beyond as u32;
        self.estimate = minimum;
        self.verdict = match (minimum <= self.limit, quartile <= self.limit) {
            (true, true) if beyond as f64 <= half - sure && !now_and_then => Verdict::Pass,
            (false, false) if beyond as f64 >= half + sure => Verdict::Regression,
            _ => Verdict::Unclear,
        };
    }

    fn finding(self, program: &str) -> Finding {
        let time = match self.rule.time {
            Time::Cpu => "CPU time",
            Time::Wall => "wall time",
        };
        Finding {
            program: program.to_owned(),
            engine: self.rule.engine.clone(),
            what: format!("{time} by that of {} ({} rounds, {} beyond)", self.rule.to, self.rounds, self.beyond),
            base: None,
            head: Some(self.estimate),
            allowed: format!("at most {}", round(self.limit)),
            reason: self.rule.reason.clone(),
            verdict: self.verdict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(times: &[u64]) -> Vec<Sample> {
        let sample = |&ms: &u64| Sample { user_ns: ms * 1_000_000, ..Sample::default() };
        times.iter().map(sample).collect()
    }

    fn verdict(this: &[u64], other: &[u64]) -> Verdict {
        let rule = RatioRule {
            engine: "jit".to_owned(),
            to: "base".to_owned(),
            time: Time::Cpu,
            tolerance: Some(0.1),
            at_most: None,
            reason: "why".to_owned(),
        };
        let mut question = Question {
            rule: &rule,
            this: 0,
            other: 1,
            limit: 1.1,
            estimate: 0.0,
            verdict: Verdict::Unclear,
            rounds: 0,
            beyond: 0,
        };
        question.ask(&samples(this), &samples(other));
        question.verdict
    }

    /// Rounds of which the first `slow` are 15% slower, the others 5%.
    fn rounds(slow: usize, all: usize) -> Verdict {
        let this: Vec<u64> = (0..all).map(|i| if i < slow { 115 } else { 120 }).collect();
        let other: Vec<u64> = (0..all).map(|i| if i < slow { 100 } else { 114 }).collect();
        verdict(&this, &other)
    }

    #[test]
    fn a_regression_is_confirmed_before_it_is_told() {
        assert_eq!(verdict(&[115, 116, 117], &[100, 101, 102]), Verdict::Unclear);
        assert_eq!(verdict(&[115, 116, 117, 116, 115, 118], &[100, 101, 102, 100, 101, 100]), Verdict::Regression);
        // The more rounds, the smaller the majority that chance does not explain.
        assert_eq!([rounds(8, 10), rounds(9, 10)], [Verdict::Unclear, Verdict::Regression]);
        assert_eq!([rounds(39, 60), rounds(40, 60)], [Verdict::Unclear, Verdict::Regression]);
        // What only some rounds say is no regression, be they the best ones.
        let (this, other) = ([115, 116, 117, 150, 150, 150], [100, 101, 102, 150, 150, 150]);
        assert_eq!(verdict(&this, &other), Verdict::Unclear);
    }

    #[test]
    fn a_pass_is_confirmed_as_well() {
        assert_eq!(verdict(&[100, 101, 102], &[100, 101, 102]), Verdict::Unclear);
        assert_eq!(verdict(&[100, 101, 102, 103, 104, 105], &[100, 101, 102, 100, 101, 100]), Verdict::Pass);
        // The minimum alone says nothing if all else says otherwise.
        assert_eq!(verdict(&[100, 180, 180, 190, 170, 200], &[100, 101, 102, 100, 101, 100]), Verdict::Unclear);
    }

    #[test]
    fn slow_runs_of_one_side_are_no_noise() {
        let calm = [100_u64; 20];
        let disturbed =
            |at: &[usize]| -> Vec<u64> { (0..20).map(|i| if at.contains(&i) { 180 } else { 100 }).collect() };
        let now_and_then = disturbed(&[3, 9, 17]);
        assert_eq!(verdict(&now_and_then, &calm), Verdict::Unclear);
        assert_eq!(verdict(&calm, &now_and_then), Verdict::Pass);
        assert_eq!(verdict(&now_and_then, &disturbed(&[1, 8])), Verdict::Pass);
    }
}
