//! Generated programs: everything mixed, self-modification included, in ways that nobody thinks of.

use super::runner::{self, tell, write_image};
use super::suite::{Case, by_rum};

use crate::failure::Failure;
use crate::foreign::{Ended, Foreign, Ran, on_all};
use crate::human;
use rum::{Ids, Machine, MachineOptions, Scripted, Stop};
use rum_testkit::generate::{Profile, generate};
use rum_testkit::outcome;
use rum_testkit::shrink::shrink;
use std::path::Path;
use std::time::{Duration, Instant};

/// Instructions that a program may execute: slow machines want to be done, too.
const BUDGET: u64 = 1_000_000;
/// Programs between two looks whether one has failed: a machine that hangs is not waited for hundreds of times.
const AT_ONCE: usize = 16;
/// Tries to make a program smaller, and how long that may take.
const TRIES: u32 = 2_000;
const SHRINK_TIME: Duration = Duration::from_secs(20);

/// What came of it.
pub struct Found {
    run: usize,
    /// The smallest program that fails, and what the machine did with it.
    pub wrong: Option<(Case, Ran)>,
}

impl Found {
    /// For people.
    pub fn told(&self) -> String {
        let run = human::number_of(self.run as u64, "generated program");
        match self.wrong {
            Some(_) => format!("{run}: one at least comes to something else"),
            None => format!("{run}: all come to the same"),
        }
    }
}

/// What a program puts out, if it halts, and that does not depend on identifiers.
fn expected(program: &[u32], input: &[u8]) -> Option<Vec<u8>> {
    let (stop, output) = by_rum(program, input, BUDGET)?;
    if !matches!(stop, Stop::Halt) {
        return None;
    }
    let options = MachineOptions { ids: Ids::Address, memory_bytes_max: 1 << 30, ..MachineOptions::default() };
    let mut other = Machine::new(program, Box::new(Scripted::new(input)), &options).ok()?;
    let same = matches!(other.run(Some(BUDGET)), Stop::Halt) && other.console::<Scripted>()?.output == output;
    (same && !output.is_empty()).then_some(output)
}

/// Runs generated programs on a machine; makes the first that fails smaller, unless something is known to be wrong already.
///
/// # Errors
/// The machine cannot be started.
pub fn check(foreign: &Foreign, folder: &Path, seed: u64, count: u32, known_wrong: bool) -> Result<Found, Failure> {
    tell("generated programs...");
    let profile = Profile::default();
    let mut cases = Vec::new();
    for seed in seed.. {
        if cases.len() == count as usize {
            break;
        }
        let case = generate(seed, &profile).case;
        if let Some(output) = expected(&case.program, &case.input) {
            let name = format!("generated-{seed}");
            let rule =
                "a program that mixes operators, jumps, segments, self-modification and input comes to what it must"
                    .to_owned();
            let outcome::Case { program, input, .. } = case;
            cases.push(Case { name, rule, program, input, output, needs: Vec::new(), fails: false });
        }
    }
    let mut run = 0;
    let mut failing = None;
    for some in cases.chunks(AT_ONCE) {
        let ran = on_all(some.len(), |i| runner::run(foreign, folder, &some[i]))?;
        run += some.len();
        failing = some.iter().cloned().zip(ran).find(|(case, ran)| !is_right(case, ran));
        if failing.is_some() {
            break;
        }
    }
    let Some((case, ran)) = failing else { return Ok(Found { run, wrong: None }) };
    if known_wrong {
        return Ok(Found { run, wrong: Some((case, ran)) });
    }
    tell("making the program smaller...");
    Ok(Found { run, wrong: Some(smaller(foreign, folder, case, ran)) })
}

fn is_right(case: &Case, ran: &Ran) -> bool {
    ran.output == case.output && matches!(ran.ended, Ended::Status(_))
}

/// The smallest program that can be found which the machine gets wrong.
fn smaller(foreign: &Foreign, folder: &Path, case: Case, ran: Ran) -> (Case, Ran) {
    let start = Instant::now();
    let mut quick = foreign.clone();
    quick.limit = foreign.limit.min((4 * ran.time).max(Duration::from_millis(500)));
    let mut last = (case.clone(), ran);
    let first = outcome::Case { program: case.program.clone(), input: case.input.clone(), budget: BUDGET };
    shrink(&first, TRIES, &mut |candidate| {
        if start.elapsed() > SHRINK_TIME {
            return false;
        }
        let Some(output) = expected(&candidate.program, &candidate.input) else { return false };
        let Ok(image) = write_image(folder, "smaller", &candidate.program) else { return false };
        let Ok(ran) = quick.run(&image, &candidate.input) else { return false };
        let candidate =
            Case { program: candidate.program.clone(), input: candidate.input.clone(), output, ..case.clone() };
        let fails = !is_right(&candidate, &ran);
        if fails {
            last = (candidate, ran);
        }
        fails
    });
    last
}
