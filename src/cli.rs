//! The command line: what can be written there, and nothing about what it does.
//!
//! `rum IMAGE` is `rum run IMAGE`: the arguments of `run` are also those of the command itself. A word that is the name
//! of a subcommand is that subcommand; any other word, and so every name with a slash or a dot, is an image. Files are
//! opened and choices made in `config.rs`.

use crate::bench::args::BenchArgs;
use crate::gate::args::GateArgs;
use clap::builder::ArgAction;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, ValueHint};
use rum::{EngineKind, Optimisation, Options};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

const ABOUT: &str = "Runs Universal Machine (UM-32) programs, fast and exactly";

const LONG_ABOUT: &str = "\
Runs Universal Machine (UM-32) programs, fast and exactly.

A program is an image: a file of big-endian 32-bit words. Its input is standard input, its output standard output; \
whatever rum itself has to say goes to standard error.";

/// `rum` itself, to which the arguments of `run` are added.
#[derive(Debug, Parser)]
#[command(
    name = "rum",
    version,
    long_version = LONG_VERSION,
    subcommand_negates_reqs = true,
    arg_required_else_help = true,
    after_help = EXIT_STATUS,
    max_term_width = 110
)]
struct Frame {
    #[command(subcommand)]
    command: Option<Command>,
}

/// What bug reports need to say about the binary.
const LONG_VERSION: &str = if cfg!(debug_assertions) {
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("RUM_COMPILER"), ", with assertions)")
} else {
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("RUM_COMPILER"), ", without assertions)")
};

const EXIT_STATUS: &str = "\
Exit status:
  0    the program halted, or nobody reads its output any more
  1    the program failed (a fault)
  2    wrong usage, or the system refused something
  3    a limit was reached (memory, instructions, time)
  130  interrupted (SIGINT)
  143  terminated (SIGTERM)

A command's name is taken as a command: write ./run for an image named run.";

const ASM_HELP: &str = "\
The files make one program: labels are global, sections go on from file to file.

Exit status:
  0  the image was written; there may be warnings
  1  the sources have errors, and nothing was written
  2  wrong usage, or the system refused something";

const DISASM_HELP: &str = "\
Without colour the output is a source for rum asm, which makes the same image of it, word for word.";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a program (the default)
    #[command(after_help = EXIT_STATUS)]
    Run(RunArgs),
    /// Assemble sources into an image
    #[command(after_help = ASM_HELP)]
    Asm(AsmArgs),
    /// Show an image as a source that assembles to it
    #[command(after_help = DISASM_HELP)]
    Disasm(DisasmArgs),
    /// Compare engines, options and other machines: which is faster, and how sure is that?
    #[command(after_help = crate::bench::args::AFTER_HELP)]
    Bench(BenchArgs),
    /// Tell whether performance got worse: counters without noise, and races
    Gate(GateArgs),
    /// Write a manual page to standard output
    #[command(hide = true)]
    Man {
        /// The subcommand that the page is about; rum itself without one
        command: Option<String>,
    },
    /// Write a completion script for a shell to standard output
    #[command(hide = true)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// The arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The program's image, or - for standard input (the program then has no input)
    #[arg(value_hint = ValueHint::FilePath)]
    pub image: PathBuf,
    /// Report on the run when it ends, on standard error: text for people, json for machines
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "text"
    )]
    pub stats: Option<StatsFormat>,
    /// The arguments that say how.
    #[command(flatten)]
    pub engine: EngineArgs,
    /// The arguments that say how far.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// The arguments that choose and tune an engine.
#[derive(Debug, Args)]
#[command(next_help_heading = "Engine")]
pub struct EngineArgs {
    /// What executes the program
    #[arg(long, value_enum, value_name = "ENGINE", default_value_t = EngineArg::Auto)]
    pub engine: EngineArg,
    /// Compile a block when it has been entered this often
    #[arg(long, value_name = "N", value_parser = parse_threshold, default_value_t = Options::default().hot_threshold)]
    pub hot_threshold: u32,
    /// Threads that compile while the program runs; 0 compiles at once, and makes every run count the same
    #[arg(long, value_name = "N", value_parser = parse_threads, default_value_t = Options::default().compile_threads)]
    pub compile_threads: usize,
    /// Keep at most this much compiled code (64M, 1G)
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = code_budget())]
    pub code_budget: u64,
    /// Leave compiled code at every Nth check, whether it holds or not (slow; for tests of rum itself)
    #[arg(long, value_name = "N", value_parser = parse_count, hide = true)]
    pub force_exit_every: Option<u64>,
    /// Optimisations that are switched off.
    #[command(flatten)]
    pub disabled: DisabledArgs,
}

/// The arguments that limit a run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Memory for the program's segments with their overhead (2G, 512M) [default: three quarters of what there is]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_memory: Option<u64>,
    /// Stop after exactly this many instructions (1e9, 1_000_000)
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub max_instructions: Option<u64>,
    /// Stop after this long (60s, 500ms, 2m, "1m 30s")
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
}

/// The arguments of `asm`.
#[derive(Debug, Args)]
pub struct AsmArgs {
    /// The sources, in order; - for standard input
    #[arg(required = true, value_name = "FILES", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// Where the image goes; standard output without it, or where it is -
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Understand the extended dialect: expressions, macros, includes, procedures, comparisons that are always right
    #[arg(long)]
    pub extended: bool,
    /// Write symbols beside the image, to OUT.sym: which label and which line of which file each word belongs to
    #[arg(short = 'g', long, requires = "output")]
    pub symbols: bool,
    /// Write a listing: each source line with the words that it became
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub listing: Option<PathBuf>,
    /// Colour in messages; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorArg::Auto)]
    pub color: ColorArg,
}

/// The arguments of `disasm`.
#[derive(Debug, Args)]
pub struct DisasmArgs {
    /// The image; - for standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub image: PathBuf,
    /// The course's format instead: address, word and instruction, a line a word
    #[arg(long, conflicts_with_all = ["no_fold", "color"])]
    pub umdump: bool,
    /// Show every instruction of the machine by itself, instead of the macro instructions that several stand for
    #[arg(long)]
    pub no_fold: bool,
    /// Colour; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorArg::Auto)]
    pub color: ColorArg,
}

/// When text has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorArg {
    /// On a terminal that can show them, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How statistics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatsFormat {
    /// A report for people.
    Text,
    /// One JSON object with its keys in alphabetical order.
    Json,
}

/// The engines by the names they have on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineArg {
    /// The interpreter alone
    Interp,
    /// Interpreter and compiled code; an error where the system allows no compiled code
    Jit,
    /// As jit where that is possible, else as interp
    Auto,
}

impl EngineArg {
    /// The name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            EngineArg::Interp => "interp",
            EngineArg::Jit => "jit",
            EngineArg::Auto => "auto",
        }
    }
}

impl From<EngineArg> for EngineKind {
    fn from(engine: EngineArg) -> EngineKind {
        match engine {
            EngineArg::Interp => EngineKind::Interp,
            EngineArg::Jit => EngineKind::Jit,
            EngineArg::Auto => EngineKind::Auto,
        }
    }
}

/// One flag `--no-NAME` for every optimisation there is.
#[derive(Debug, Default)]
pub struct DisabledArgs(pub Vec<Optimisation>);

impl DisabledArgs {
    fn flag(optimisation: Optimisation) -> String {
        format!("no-{}", optimisation.name())
    }
}

impl Args for DisabledArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        Optimisation::ALL.into_iter().fold(command, |command, optimisation| {
            let flag = DisabledArgs::flag(optimisation);
            let help = optimisation.help();
            command.arg(
                Arg::new(flag.clone())
                    .long(flag)
                    .help(help)
                    .help_heading("Optimisations, each of which can be left out")
                    .action(ArgAction::SetTrue),
            )
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        DisabledArgs::augment_args(command)
    }
}

impl FromArgMatches for DisabledArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let off = |&optimisation: &Optimisation| matches.get_flag(&DisabledArgs::flag(optimisation));
        Ok(DisabledArgs(Optimisation::ALL.into_iter().filter(off).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = DisabledArgs::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The definition of the whole command line.
pub fn definition() -> clap::Command {
    RunArgs::augment_args(Frame::command())
        .about(ABOUT)
        .long_about(LONG_ABOUT)
        .override_usage("rum [OPTIONS] <IMAGE>\n       rum <COMMAND> ...")
}

/// What a command line asks for.
///
/// # Errors
/// It is wrong, or asks for help; the error knows how to tell its user.
pub fn parse(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Command, clap::Error> {
    let mut definition = definition();
    let matches = definition.try_get_matches_from_mut(words)?;
    let Some(command) = Frame::from_arg_matches(&matches)?.command else {
        return Ok(Command::Run(RunArgs::from_arg_matches(&matches)?));
    };
    let given = |id: &clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    let before = definition.get_arguments().map(Arg::get_id).any(given);
    match (before, matches.subcommand_name()) {
        (true, Some(name)) => {
            let text = format!("arguments of the command {name} stand behind its name (./{name} is an image)");
            Err(definition.error(ErrorKind::ArgumentConflict, text))
        }
        _ => Ok(command),
    }
}

/// A size in bytes: `512M`, `2G`, `1.5GiB`, `4096`. All units are binary.
fn parse_size(text: &str) -> Result<u64, String> {
    parse_size::Config::new()
        .with_binary()
        .parse_size(text)
        .map_err(|_| "a size is a number with an optional unit K, M, G or T (powers of 1024), such as 512M".to_owned())
}

/// A time with its unit: `60s`, `500ms`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "a duration is whole numbers with units, such as 60s, 500ms, 2m or \"1m 30s\"".to_owned())
}

/// A whole number, with `_` between digits and a power of ten if one likes: `1e9`, `1.5e6`, `1_000_000`.
fn parse_count(text: &str) -> Result<u64, String> {
    let wrong = || "a count is a whole number, such as 1000000, 1_000_000 or 1e6".to_owned();
    let plain = text.replace('_', "");
    let (mantissa, power) = plain.split_once(['e', 'E']).unwrap_or((&plain, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let power: u32 = power.parse().map_err(|_| wrong())?;
    let zeros = power.checked_sub(u32::try_from(fraction.len()).map_err(|_| wrong())?).ok_or_else(wrong)?;
    let digits: u128 = digits.parse().map_err(|_| wrong())?;
    let value = match digits {
        0 => Some(0),
        _ => 10u128.checked_pow(zeros).and_then(|scale| digits.checked_mul(scale)),
    };
    value.and_then(|value| u64::try_from(value).ok()).ok_or_else(|| format!("a count is at most {}", u64::MAX))
}

fn parse_threads(text: &str) -> Result<usize, String> {
    const THREADS_MAX: usize = 64;
    text.parse().ok().filter(|&threads| threads <= THREADS_MAX).ok_or_else(|| format!("0 to {THREADS_MAX} threads"))
}

/// The default code budget as one would write it.
fn code_budget() -> String {
    format!("{}M", Options::default().code_budget_bytes >> 20)
}

fn parse_threshold(text: &str) -> Result<u32, String> {
    match parse_count(text)? {
        0 => Err("a block cannot be hot before it has been entered once: at least 1".to_owned()),
        count => u32::try_from(count).map_err(|_| format!("a threshold is at most {}", u32::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        definition().debug_assert();
    }

    #[test]
    fn counts_have_powers_and_underscores() {
        for (text, value) in [
            ("0", 0),
            ("1e9", 1_000_000_000),
            ("1_000", 1000),
            ("1.5e3", 1500),
            ("2.50e1", 25),
            ("0e99", 0),
            ("7E0", 7),
        ] {
            assert_eq!(parse_count(text), Ok(value), "{text}");
        }
        assert_eq!(parse_count("18446744073709551615"), Ok(u64::MAX));
        for text in ["", "e9", "1.5", "-1", "1e-1", "1e20", "18446744073709551616", "1e999", "ten", "1 000", "0x10"] {
            assert!(parse_count(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_binary() {
        for (text, bytes) in
            [("2G", 2 << 30), ("512M", 512 << 20), ("64k", 64 << 10), ("1GiB", 1 << 30), ("4096", 4096)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        assert!(parse_size("lots").is_err() && parse_size("-1G").is_err());
    }

    #[test]
    fn durations_have_units() {
        for (text, ms) in [("60s", 60_000), ("500ms", 500), ("2m", 120_000), ("1m 30s", 90_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        assert!(parse_duration("60").is_err() && parse_duration("soon").is_err());
    }

    #[test]
    fn every_optimisation_has_its_flag() {
        for optimisation in Optimisation::ALL {
            let flag = format!("--no-{}", optimisation.name());
            match parse(["rum", &flag, "x.um"]) {
                Ok(Command::Run(run)) => assert_eq!(run.engine.disabled.0, [optimisation]),
                other => panic!("{flag}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_word_is_a_command_or_an_image() {
        let image = |words: &[&str]| match parse(words) {
            Ok(Command::Run(run)) => run.image.to_str().expect("ASCII").to_owned(),
            other => panic!("{words:?}: {other:?}"),
        };
        assert_eq!(image(&["rum", "x.um"]), "x.um");
        assert_eq!(image(&["rum", "run", "x.um"]), "x.um");
        assert_eq!(image(&["rum", "./run"]), "./run");
        assert_eq!(image(&["rum", "run", "run"]), "run");
        assert_eq!(image(&["rum", "man.um"]), "man.um");
        assert_eq!(image(&["rum", "runs"]), "runs");
        assert_eq!(image(&["rum", "--stats", "x.um"]), "x.um");
        assert_eq!(image(&["rum", "x.um", "--engine", "interp"]), "x.um");
        assert!(parse(["rum", "--engine", "interp"]).is_err());
        assert!(parse(["rum", "--engine", "interp", "run", "x.um"]).is_err());
        assert!(parse(["rum", "x.um", "run"]).is_err());
    }
}
