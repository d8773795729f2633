//! What can be written behind `rum bench`.

use crate::cli::engine::{EngineArg, takes_value};
use crate::cli::values::parse_duration;
use crate::measure::contender::{Other, parse_command};
use clap::{Args, ValueEnum, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// The help text's end.
pub const AFTER_HELP: &str = "\
Examples:
  rum bench                                        the programs of umbin/, interpreter against JIT
  rum bench prog.um --input game.txt --runs 20     one program of yours
  rum bench --off all --html page.html             what does each optimisation gain?
  rum bench --vary hot-threshold=1,100,1000 prog.um
  rum bench --against './um {}' --against 'old/rum --engine jit {}' prog.um

Exit status: 0, 1 if the outputs differ (then no figure is given), 2 for wrong usage or a system that refuses.";

/// The arguments of `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Images to run; without any, the programs of umbin/ in this folder or one above, or those that rum brings with it
    #[arg(value_hint = ValueHint::FilePath)]
    pub images: Vec<PathBuf>,
    /// The input of every image named
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "images")]
    pub input: Option<PathBuf>,
    /// Run only these programs or groups of umbin/
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', conflicts_with = "images")]
    pub only: Vec<String>,
    /// Tell what has changed since a run that was kept with --json
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub compare: Option<PathBuf>,
    /// How much programs of umbin/ have to do
    #[arg(long, value_enum, value_name = "SIZE", default_value_t = Size::Bench, conflicts_with = "images")]
    pub size: Size,
    /// What takes part.
    #[command(flatten)]
    pub field: FieldArgs,
    /// How often.
    #[command(flatten)]
    pub effort: EffortArgs,
    /// What is written besides the table.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Who takes part in a race.
#[derive(Debug, Args)]
#[command(next_help_heading = "Contenders")]
pub struct FieldArgs {
    /// Engines to compare; ratios are taken against the first
    #[arg(long, value_enum, value_name = "ENGINE,...", value_delimiter = ',', default_value = "interp,jit")]
    pub engines: Vec<EngineArg>,
    /// Run the compiling engine with each of these values too; several options give all combinations
    #[arg(long, value_name = "OPTION=VALUE,...", value_parser = parse_vary)]
    pub vary: Vec<Vary>,
    /// Run the compiling engine without each of these optimisations, one at a time, and compare with it; `all` for all of them
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = parse_off)]
    pub off: Vec<String>,
    /// Another command that takes part; {} stands for the image, which comes last without it
    #[arg(long, value_name = "CMD {}", value_parser = parse_command)]
    pub against: Vec<Other>,
}

/// How much is measured.
#[derive(Debug, Args)]
#[command(next_help_heading = "Effort")]
pub struct EffortArgs {
    /// Timed runs of every contender [default: 3 to 20, as many as fit into --time]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub runs: Option<u32>,
    /// Runs that are not counted, after the one that checks the output
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub warmup: u32,
    /// Try to be done by then, if --runs is not given
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "75s")]
    pub time: Duration,
    /// Give up if a run takes longer
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "10m")]
    pub run_limit: Duration,
}

/// Where figures go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output (besides the table; - is standard output, instead of it)")]
pub struct OutputArgs {
    /// Everything that was measured, every run
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub json: Option<PathBuf>,
    /// One line for each program and contender
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub csv: Option<PathBuf>,
    /// The table, for a pull request or a README
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub markdown: Option<PathBuf>,
    /// A page with plots, in one file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
    /// What a CI service reads: github-action-benchmark, bencher or hyperfine
    #[arg(long, num_args = 2, value_names = ["FORMAT", "FILE"], action = clap::ArgAction::Append)]
    pub export: Vec<OsString>,
}

/// The sizes that the list of programs knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Size {
    /// The interpreter works for some 0.4 s
    Bench,
    /// At most about 50 million instructions
    Small,
    /// The JIT works for half a second and more
    Figure,
}

/// An option of `rum run` and the values that it takes in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vary {
    /// The option, without its dashes.
    pub option: String,
    /// The values, in the order in which they were given.
    pub values: Vec<String>,
}

fn parse_vary(text: &str) -> Result<Vary, String> {
    const OPTIONS: [&str; 4] = ["hot-threshold", "compile-threads", "code-budget", "force-exit-every"];
    let (option, values) = text.split_once('=').ok_or("an option and its values, such as hot-threshold=1,100,1000")?;
    let option = option.trim_start_matches('-');
    if !OPTIONS.contains(&option) {
        return Err(format!("one of {} can be varied", OPTIONS.join(", ")));
    }
    let values: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
    for value in &values {
        if value.is_empty() || !takes_value(option, value) {
            return Err(format!("{option} cannot be {value:?}"));
        }
    }
    Ok(Vary { option: option.to_owned(), values })
}

fn parse_off(text: &str) -> Result<String, String> {
    let names = rum::Optimisation::ALL.map(rum::Optimisation::name);
    match text {
        "all" => Ok(text.to_owned()),
        _ if names.contains(&text) => Ok(text.to_owned()),
        _ => Err(format!("the optimisations are {}, or all of them", names.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_engine_takes_is_varied() {
        let vary = parse_vary("hot-threshold=1,1e3").expect("fine");
        assert_eq!((vary.option.as_str(), vary.values.len()), ("hot-threshold", 2));
        for wrong in ["hot-threshold", "engine=jit", "hot-threshold=0", "hot-threshold=1,", "compile-threads=many"] {
            assert!(parse_vary(wrong).is_err(), "{wrong}");
        }
    }
}
