//! What was measured, held against the rules.

use super::config::{CounterRule, DependsOn, Worse};
use super::counters::{Counters, HOST_INSTRUCTIONS};
use super::host::Apart;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// What a rule has to say; the later, the more it weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nobody looked, for a reason that is told.
    NotMeasured,
    /// Within what is allowed.
    Pass,
    /// Nobody could tell.
    Unclear,
    /// Worse than allowed.
    Regression,
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The program.
    pub program: String,
    /// The engine.
    pub engine: String,
    /// What was measured.
    pub what: String,
    /// Before and now; `None` where it was not measured.
    pub base: Option<f64>,
    /// Now.
    pub head: Option<f64>,
    /// What is allowed, in words.
    pub allowed: String,
    /// Why, or what is wrong.
    pub reason: String,
    /// The outcome.
    pub verdict: Verdict,
}

impl Finding {
    /// The change as a share of what was before, where both are known.
    pub fn change(&self) -> Option<f64> {
        let (base, head) = (self.base?, self.head?);
        if base == head {
            return Some(0.0);
        }
        (base != 0.0).then(|| head / base - 1.0)
    }

    /// Whether anything moved at all.
    pub fn moved(&self) -> bool {
        self.base != self.head
    }
}

/// What was different work, and cannot be compared.
pub fn work(base: &Counters, head: &Counters) -> Vec<Finding> {
    let open = |program: &str, engine: &str, what: &str, reason: &str| Finding {
        program: program.to_owned(),
        engine: engine.to_owned(),
        what: what.to_owned(),
        base: None,
        head: None,
        allowed: "the same".to_owned(),
        reason: reason.to_owned(),
        verdict: Verdict::Unclear,
    };
    let mut findings = Vec::new();
    for (program, now) in &head.work {
        let Some(before) = base.work.get(program) else { continue };
        if before.input != now.input {
            findings.push(open(
                program,
                "",
                "input",
                "what was counted before read another one: bless what is counted now",
            ));
        } else if before.output != now.output {
            findings.push(open(program, "", "output", "it is not that of before: see which is right, and bless it"));
        }
    }
    for (engine, now) in &head.engines {
        if base.engines.get(engine).is_some_and(|before| before != now) {
            let reason = "what was counted before ran with other arguments: bless what is counted now";
            findings.push(open("", engine, "arguments", reason));
        }
    }
    findings
}

/// Holds counters against a rule. `apart` says which cannot be compared; `required`, whether that leaves the question open.
pub fn counters(rule: &CounterRule, base: &Counters, head: &Counters, apart: &Apart, required: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for program in base.programs.keys().chain(head.programs.keys()).collect::<BTreeSet<_>>() {
        let get = |counters: &'_ Counters| counters.programs.get(program).and_then(|p| p.get(&rule.engine)).cloned();
        let (base, head) = (get(base).unwrap_or_default(), get(head).unwrap_or_default());
        for pattern in &rule.counters {
            let names: Vec<String> = match pattern.strip_suffix('*') {
                Some(prefix) => {
                    let all: BTreeSet<&String> = base.keys().chain(head.keys()).collect();
                    all.into_iter().filter(|name| name.starts_with(prefix)).cloned().collect()
                }
                None => vec![pattern.clone()],
            };
            // A pattern that fits nothing is a rule that says nothing.
            let names = if names.is_empty() { vec![pattern.clone()] } else { names };
            for name in names {
                // In a group that is there, a name that is not has counted nothing: other versions have other names.
                let get = |side: &BTreeMap<String, f64>| {
                    let prefix = pattern.strip_suffix('*');
                    let group = prefix.is_some_and(|prefix| side.keys().any(|name| name.starts_with(prefix)));
                    side.get(&name).copied().or(group.then_some(0.0))
                };
                let (base, head) = (get(&base), get(&head));
                let mut finding = Finding {
                    program: program.clone(),
                    engine: rule.engine.clone(),
                    what: name,
                    base,
                    head,
                    allowed: allowed(rule),
                    reason: rule.reason.clone(),
                    verdict: Verdict::Pass,
                };
                let depends_on = match finding.what.as_str() {
                    HOST_INSTRUCTIONS => DependsOn::Host,
                    _ => rule.depends_on,
                };
                match apart.why(depends_on) {
                    Some(why) => {
                        finding.reason = why.to_owned();
                        finding.verdict = if required { Verdict::Unclear } else { Verdict::NotMeasured };
                    }
                    None => finding.verdict = judge(rule, base, head, &mut finding.reason),
                }
                findings.push(finding);
            }
        }
    }
    findings
}

fn judge(rule: &CounterRule, base: Option<f64>, head: Option<f64>, reason: &mut String) -> Verdict {
    let (Some(base), Some(head)) = (base, head) else {
        let side = if base.is_none() { "before" } else { "now" };
        *reason = format!("not measured {side}");
        return Verdict::Unclear;
    };
    let room = base.abs() * rule.tolerance + rule.slack;
    let worse = match rule.worse {
        Worse::More => head - base,
        Worse::Less => base - head,
        Worse::Different => (head - base).abs(),
    };
    match worse.partial_cmp(&room) {
        Some(Ordering::Greater) => Verdict::Regression,
        Some(_) => Verdict::Pass,
        None => Verdict::Unclear,
    }
}

fn allowed(rule: &CounterRule) -> String {
    let sign = match rule.worse {
        Worse::More => "+",
        Worse::Less => "-",
        Worse::Different => "±",
    };
    match (rule.tolerance, rule.slack) {
        (0.0, 0.0) => "no change for the worse".to_owned(),
        (tolerance, 0.0) => format!("{sign}{}%", round(tolerance * 100.0)),
        (0.0, slack) => format!("{sign}{}", round(slack)),
        (tolerance, slack) => format!("{sign}{}% and {}", round(tolerance * 100.0), round(slack)),
    }
}

/// At most four digits behind the point, and none that are 0.
pub fn round(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::host::Host;

    fn with(value: Option<f64>) -> Counters {
        let values: BTreeMap<String, f64> = value.into_iter().map(|value| ("exits.check".to_owned(), value)).collect();
        let engines = BTreeMap::from([("jit".to_owned(), values)]);
        Counters { programs: BTreeMap::from([("fib".to_owned(), engines)]), ..Counters::default() }
    }

    fn rule(worse: Worse) -> CounterRule {
        let counters = vec!["exits.*".to_owned()];
        CounterRule {
            engine: "jit".to_owned(),
            counters,
            worse,
            tolerance: 0.1,
            slack: 1.0,
            depends_on: DependsOn::Processor,
            reason: "why".to_owned(),
        }
    }

    #[test]
    fn rules_have_a_direction_and_room() {
        for (worse, head, verdict) in [
            (Worse::More, 111.0, Verdict::Pass),
            (Worse::More, 112.0, Verdict::Regression),
            (Worse::More, 1.0, Verdict::Pass),
            (Worse::Less, 89.0, Verdict::Pass),
            (Worse::Less, 88.0, Verdict::Regression),
            (Worse::Different, 112.0, Verdict::Regression),
            (Worse::Different, 88.0, Verdict::Regression),
        ] {
            let found = counters(&rule(worse), &with(Some(100.0)), &with(Some(head)), &Apart::default(), false);
            assert_eq!(found[0].verdict, verdict, "{worse:?} {head}");
        }
        let found = counters(&rule(Worse::More), &with(Some(1.0)), &with(Some(f64::NAN)), &Apart::default(), false);
        assert_eq!(found[0].verdict, Verdict::Unclear);
    }

    #[test]
    fn what_was_not_measured_is_unclear() {
        for (base, head) in [(None, Some(1.0)), (Some(1.0), None), (None, None)] {
            let found = counters(&rule(Worse::More), &with(base), &with(head), &Apart::default(), false);
            assert_eq!(found.iter().map(|f| f.verdict).collect::<Vec<_>>(), [Verdict::Unclear]);
        }
    }

    #[test]
    fn what_cannot_be_compared_is_no_pass() {
        let other = Host { processor: "another".to_owned(), ..Host::default() };
        let apart = Apart::of(&Host::default(), &other, true);
        for (required, verdict) in [(false, Verdict::NotMeasured), (true, Verdict::Unclear)] {
            let found = counters(&rule(Worse::More), &with(Some(1.0)), &with(Some(9.0)), &apart, required);
            assert_eq!(found[0].verdict, verdict);
        }
    }
}
