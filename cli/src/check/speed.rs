//! How fast a machine is: fifty million instructions, measured.

use super::runner::{tell, write_image};
use super::suite::program;

use crate::failure::Failure;
use crate::foreign::{Ended, Foreign};
use crate::human;
use std::path::Path;
use std::time::Duration;

/// A loop over a segment with what programs do most: literals, index, amendment, addition, a jump.
const SOURCE: &str = "
r1 := 16
r2 := map segment (r1 words)
r5 := 4545454
r4 := -1
again:
r3 := 3
r1 := m[r2][r3]
r1 := r1 + r5
m[r2][r3] := r1
r5 := r5 + r4
r6 := end
r7 := again
.data 0x000001bd
.data 0xc0000006
end: halt
";
/// Instructions around the loop, and in it.
const AROUND: u64 = 6;
const LOOP: u64 = 9;
const TIMES: u64 = 4_545_454;
/// Runs, of which the quickest counts.
const RUNS: u32 = 3;
/// Instructions of the official benchmark (design notes; `rum --stats` counts the same).
const SANDMARK: f64 = 5.556e9;

/// Measures a machine, and says what was measured and what follows from it.
///
/// # Errors
/// The machine cannot be started.
pub fn measure(foreign: &Foreign, folder: &Path) -> Result<String, Failure> {
    tell("how fast...");
    let mut foreign = foreign.clone();
    foreign.limit = foreign.limit.max(Duration::from_secs(30));
    let nothing = write_image(folder, "nothing", &program("nothing", "halt\n"))?;
    let image = write_image(folder, "speed", &program("speed", SOURCE))?;
    let instructions = AROUND + LOOP * TIMES;
    let best = |image: &Path| -> Result<Option<Duration>, Failure> {
        let mut best: Option<Duration> = None;
        for _ in 0..RUNS {
            let ran = foreign.run(image, &[])?;
            if ran.ended == Ended::Hang {
                return Ok(None);
            }
            best = Some(best.map_or(ran.time, |best| best.min(ran.time)));
        }
        Ok(best)
    };
    let (Some(start_up), Some(time)) = (best(&nothing)?, best(&image)?) else {
        return Ok(format!(
            "speed: {} take more than {}",
            human::number_of(instructions, "instruction"),
            humantime::format_duration(foreign.limit)
        ));
    };
    let ns = |time: Duration| human::time(time.as_nanos() as u64);
    let running = time.saturating_sub(start_up).max(Duration::from_micros(1));
    let rate = instructions as f64 / running.as_secs_f64();
    let sandmark = Duration::from_secs_f64(SANDMARK / rate);
    Ok(format!(
        "speed: {} in {}, the best of {RUNS} runs, of which {} are start-up: {:.0} million a second\n\
         (extrapolated, not measured: sandmark, with 5.6e9 instructions of another mix, would take about {})",
        human::number_of(instructions, "instruction"),
        ns(time),
        ns(start_up),
        rate / 1e6,
        ns(sandmark)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rum::{Machine, MachineOptions, Scripted, Stop};

    #[test]
    fn the_instructions_are_as_many_as_is_said() {
        let words = program("speed", SOURCE);
        let mut machine =
            Machine::new(&words, Box::new(Scripted::default()), &MachineOptions::default()).expect("room");
        assert!(matches!(machine.run(None), Stop::Halt));
        assert_eq!(machine.executed(), Some(AROUND + LOOP * TIMES));
    }
}
