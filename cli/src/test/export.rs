//! Results of tests for other programs.

use super::outcome::Outcome;
use crate::failure::Failure;
use crate::files;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// Writes the report that CI systems read, as JUnit made it.
///
/// # Errors
/// The file cannot be written.
pub fn junit(results: &[Outcome], time: Duration, path: &Path) -> Result<(), Failure> {
    let mut suite = TestSuite::new("rum test");
    suite.set_time(time);
    for result in results {
        let mut status = match result.failed {
            None => TestCaseStatus::success(),
            Some(_) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        };
        if let Some((why, more)) = &result.failed {
            status.set_message(why.clone()).set_description(more.clone());
        }
        let mut case = TestCase::new(result.name.clone(), status);
        case.set_time(result.time);
        suite.add_test_case(case);
    }
    let mut report = Report::new("rum test");
    report.add_test_suite(suite);
    files::write(path, |out| report.serialize(out).map_err(std::io::Error::other))
}

/// Writes the results as JSON.
///
/// # Errors
/// The file cannot be written.
pub fn json(results: &[Outcome], path: &Path) -> Result<(), Failure> {
    let each = |result: &Outcome| {
        let failed = result.failed.as_ref();
        json!({
            "name": result.name, "passed": failed.is_none(), "seconds": result.time.as_secs_f64(),
            "why": failed.map(|(why, _)| why), "details": failed.map(|(_, more)| more),
        })
    };
    let all = json!({ "tests": results.iter().map(each).collect::<Vec<_>>() });
    files::write(path, |out| serde_json::to_writer_pretty(out, &all).map_err(std::io::Error::other))
}
