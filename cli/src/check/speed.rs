//! How fast a machine is: fifty million instructions, measured.

use super::runner::{tell, write_image};
use super::suite::program;

use crate::failure::Failure;
use crate::foreign::Foreign;
use crate::human;
use crate::measure::child::{Measurer, input_file};
use std::path::Path;
use std::time::Duration;

/// A loop over a segment with what programs do most: literals, index, amendment, addition, a jump.
const SOURCE: &str = "
r1 := 16
r2 := map segment (r1 words)
r5 := 5555555
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
const TIMES: u64 = 5_555_555;
/// A run may take so long.
const LIMIT: Duration = Duration::from_secs(30);
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
    let nothing = write_image(folder, "nothing", &program("nothing", "halt\n"))?;
    let image = write_image(folder, "speed", &program("speed", SOURCE))?;
    let instructions = AROUND + LOOP * TIMES;
    let mut measurer = Measurer::new(foreign.limit.max(LIMIT))?;
    let no_input = input_file(&[])?;
    let mut best = |image: &Path| -> Result<Duration, Failure> {
        let words = foreign.words(image);
        let times = (0..RUNS).map(|_| Ok(measurer.run(&words, &no_input)?.sample.undisturbed_ns()));
        let best = times.collect::<Result<Vec<u64>, Failure>>()?.into_iter().min();
        Ok(Duration::from_nanos(best.unwrap_or_default()))
    };
    let (start_up, time) = match best(&nothing).and_then(|start_up| Ok((start_up, best(&image)?))) {
        Ok(times) => times,
        // The machine is right for all that: only how fast it is cannot be told.
        Err(failure) => return Ok(format!("speed: not measured, {}", failure.text)),
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
