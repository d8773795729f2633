//! The report, in markdown: what moved, by how much, and what was allowed.

use super::judge::{Finding, Verdict, round};
use crate::human;
use std::fmt::Write as _;

/// Rows that a table has at most; the rest is counted.
const ROWS_MAX: usize = 60;

/// The report. `notes` are what a reader has to know about what was not done.
pub fn markdown(findings: &[Finding], notes: &[String]) -> String {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let (regressions, unclear) = (count(Verdict::Regression), count(Verdict::Unclear));
    let looked_at = findings.len() - count(Verdict::NotMeasured);
    let title = match (regressions, unclear) {
        (0, 0) if looked_at == 0 => "performance gate: could not tell (nothing was measured)".to_owned(),
        (0, 0) => "performance gate: pass".to_owned(),
        (0, unclear) => format!("performance gate: could not tell ({unclear} open)"),
        (regressions, _) => format!("performance gate: REGRESSION ({regressions})"),
    };
    let mut text = format!("## {title}\n\n{} things looked at.\n", human::count(looked_at as u64));
    for (what, why, count) in not_measured(findings) {
        let _ = writeln!(text, "\n> Not measured: {what} ({count}), for {why}.");
    }
    for note in notes {
        // Writing to a string does not fail, here and below.
        let _ = writeln!(text, "\n> {note}");
    }
    let with = |verdict| findings.iter().filter(move |finding: &&Finding| finding.verdict == verdict);
    table(&mut text, "Worse than allowed", with(Verdict::Regression).collect(), true);
    table(&mut text, "Could not tell", with(Verdict::Unclear).collect(), true);
    let counters = with(Verdict::Pass).filter(|finding| finding.base.is_some() && finding.moved());
    table(&mut text, "Moved, within what is allowed", counters.collect(), false);
    let times = with(Verdict::Pass).filter(|finding| finding.base.is_none() && finding.head.is_some());
    table(&mut text, "Times", times.collect(), false);
    text
}

/// What was not measured: the counter, why, and how often.
fn not_measured(findings: &[Finding]) -> Vec<(&str, &str, usize)> {
    let mut all: Vec<(&str, &str, usize)> = Vec::new();
    for finding in findings.iter().filter(|finding| finding.verdict == Verdict::NotMeasured) {
        match all.iter_mut().find(|(what, why, _)| *what == finding.what && *why == finding.reason) {
            Some((.., count)) => *count += 1,
            None => all.push((&finding.what, &finding.reason, 1)),
        }
    }
    all
}

fn table(text: &mut String, title: &str, mut findings: Vec<&Finding>, reasons: bool) {
    if findings.is_empty() {
        return;
    }
    let size = |finding: &Finding| finding.change().map_or(f64::INFINITY, f64::abs);
    findings.sort_by(|a, b| size(b).total_cmp(&size(a)));
    let _ = write!(text, "\n### {title}\n\n| program | engine | what | before | now | change | allowed |");
    text.push_str(if reasons { " why |\n" } else { "\n" });
    text.push_str("|---|---|---|---:|---:|---:|---|");
    text.push_str(if reasons { "---|\n" } else { "\n" });
    for finding in findings.iter().take(ROWS_MAX) {
        let change = match finding.change() {
            Some(change) => format!("{:+.2}%", change * 100.0),
            None => String::new(),
        };
        let Finding { program, engine, what, allowed, .. } = finding;
        let (base, head) = (value(finding.base), value(finding.head));
        let _ = write!(text, "| {program} | {engine} | {what} | {base} | {head} | {change} | {allowed} |");
        let reason = finding.reason.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
        let _ = if reasons { writeln!(text, " {reason} |") } else { writeln!(text) };
    }
    if findings.len() > ROWS_MAX {
        let _ = writeln!(text, "\nand {} more", findings.len() - ROWS_MAX);
    }
}

fn value(value: Option<f64>) -> String {
    match value {
        None => String::new(),
        Some(value) if value.fract() == 0.0 && value.abs() < 1e15 && value >= 0.0 => human::count(value as u64),
        Some(value) => round(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(verdict: Verdict, base: f64, head: f64) -> Finding {
        Finding {
            program: "fib".to_owned(),
            engine: "jit".to_owned(),
            what: "code_bytes".to_owned(),
            base: Some(base),
            head: Some(head),
            allowed: "+2%".to_owned(),
            reason: "why\nnot".to_owned(),
            verdict,
        }
    }

    #[test]
    fn the_report_says_what_moved() {
        let findings = [
            finding(Verdict::Pass, 5.0, 5.0),
            finding(Verdict::Pass, 1000.0, 990.0),
            finding(Verdict::Regression, 1200.0, 1320.0),
        ];
        let text = markdown(&findings, &["no valgrind".to_owned()]);
        assert!(text.starts_with("## performance gate: REGRESSION (1)\n"), "{text}");
        assert!(text.contains("| fib | jit | code_bytes | 1,200 | 1,320 | +10.00% | +2% | why not |"), "{text}");
        assert!(text.contains("| fib | jit | code_bytes | 1,000 | 990 | -1.00% | +2% |\n"), "{text}");
        assert!(text.contains("> no valgrind") && !text.contains("| 5 |"), "{text}");
        assert!(markdown(&findings[..1], &[]).starts_with("## performance gate: pass"));
        let unclear = [finding(Verdict::Unclear, 1.0, 2.0)];
        assert!(markdown(&unclear, &[]).starts_with("## performance gate: could not tell (1 open)"));
        let open = [finding(Verdict::NotMeasured, 1.0, 2.0), finding(Verdict::NotMeasured, 1.0, 2.0)];
        let text = markdown(&open, &[]);
        assert!(text.starts_with("## performance gate: could not tell (nothing was measured)"), "{text}");
        assert!(text.contains("> Not measured: code_bytes (2), for why\nnot."), "{text}");
    }
}
