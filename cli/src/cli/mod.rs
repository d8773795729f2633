//! The command line: what can be written there, and nothing about what it does.
//!
//! `rum IMAGE` is `rum run IMAGE`: the arguments of `run` are also those of the command itself. A word that is the name
//! of a subcommand is that subcommand; any other word, and so every name with a slash or a dot, is an image. Files are
//! opened and choices made in `config.rs`.

pub mod engine;
pub mod values;

use crate::bench::args::BenchArgs;
use crate::gate::args::GateArgs;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint};
use engine::EngineArgs;
use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;
use values::{ColorArg, LogLevel, StatsFormat, TraceFormat, parse_count, parse_duration, parse_range, parse_size};

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

const PROFILE_HELP: &str = "\
The program's output goes to standard output as ever, what is found to standard error. The exit status is that of rum run.";

const EXPLAIN_HELP: &str = "\
The program runs, and then once more with the same input to count what was executed. Its output goes to standard output as ever, the
explanation to standard error. The exit status is that of rum run.";

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
    /// Tell where a program spends its time: by procedure and by block
    #[command(after_help = PROFILE_HELP)]
    Profile(ProfileArgs),
    /// Tell what became of a program's code, and why: block by block, instruction by instruction
    #[command(after_help = EXPLAIN_HELP)]
    Explain(ExplainArgs),
    /// Compare engines, options and other machines: which is faster, and how sure is that?
    #[command(after_help = crate::bench::args::AFTER_HELP)]
    Bench(BenchArgs),
    /// Tell whether performance got worse: counters without noise, and races
    Gate(GateArgs),
    /// Look after the code that is kept between runs (run --cache)
    #[command(subcommand)]
    Cache(CacheCommand),
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

/// What can be done about the code that is kept between runs.
#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// Say where it is, and how much there is
    Info(CacheFolderArgs),
    /// Throw it away
    Clear(CacheFolderArgs),
}

/// The folder that a cache command is about.
#[derive(Debug, Args)]
pub struct CacheFolderArgs {
    /// The folder [default: RUM_CACHE, or rum in your folder for caches]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub cache_dir: Option<PathBuf>,
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
    /// Write the report to this file instead [format without --stats: json]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub stats_file: Option<PathBuf>,
    /// Where the words come from, as rum asm -g wrote it, for messages [default: IMAGE.sym, if there is one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub symbols: Option<PathBuf>,
    /// The tools that are to know of compiled code.
    #[command(flatten)]
    pub outside: OutsideArgs,
    /// The arguments that say what is to be told of each instruction.
    #[command(flatten)]
    pub trace: TraceArgs,
    /// The arguments that say how.
    #[command(flatten)]
    pub engine: EngineArgs,
    /// The arguments that say how far.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// The arguments that trace a run.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Trace")]
pub struct TraceArgs {
    /// When the run ends, show the last N instructions and what they did, on standard error: it is run again for that [N: 20]
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..),
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "20"
    )]
    pub trace: Option<u32>,
    /// Write every instruction and what it did to this file, which takes long
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub trace_file: Option<PathBuf>,
    /// Only instructions from number FROM up to before TO go to the file, the first being number 1
    #[arg(long, value_name = "FROM..TO", value_parser = parse_range, requires = "trace_file")]
    pub trace_range: Option<Range<u64>>,
    /// How instructions are written: columns for people, or a JSON object a line
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub trace_format: TraceFormat,
}

impl RunArgs {
    /// A run of which nothing is told.
    fn plain(image: PathBuf, symbols: Option<PathBuf>, engine: EngineArgs, limits: LimitArgs) -> RunArgs {
        let (outside, trace) = (OutsideArgs::default(), TraceArgs::default());
        RunArgs { image, stats: None, stats_file: None, symbols, outside, trace, engine, limits }
    }
}

/// The tools that are to know of compiled code.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Outside tools")]
pub struct OutsideArgs {
    /// At the end, tell Linux's perf what the compiled code in its samples belongs to (/tmp/perf-PID.map)
    #[arg(long)]
    pub perf_map: bool,
    /// Write compiled code with its names to jit-PID.dump in this folder, for perf inject --jit and perf annotate
    #[arg(long)]
    pub jitdump: bool,
    /// Tell debuggers (gdb, lldb) what compiled code belongs to
    #[arg(long)]
    pub gdb: bool,
    /// Tell what the engine does as it does it, on standard error
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub log: Option<LogLevel>,
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

/// The arguments of `profile`.
#[derive(Debug, Args)]
pub struct ProfileArgs {
    /// Count every instruction, follow calls and allocations, instead of looking now and then; at most twice as slow
    #[arg(long)]
    pub exact: bool,
    /// Show so many procedures and blocks
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub top: u32,
    /// Write everything that was found as JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub json: Option<PathBuf>,
    /// Write collapsed stacks, a line each, for flame graph tools
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub collapsed: Option<PathBuf>,
    /// Write a page for a browser: calls as boxes, procedures, the hottest code and how it was executed
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
    /// Write a profile for the Firefox Profiler (profiler.firefox.com)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub firefox: Option<PathBuf>,
    /// Write a flame graph
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub svg: Option<PathBuf>,
    /// The program's image, or - for standard input (the program then has no input)
    #[arg(value_hint = ValueHint::FilePath)]
    pub image: PathBuf,
    /// Where the words come from, as rum asm -g wrote it [default: IMAGE.sym, if there is one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub symbols: Option<PathBuf>,
    /// The arguments that say how.
    #[command(flatten)]
    pub engine: EngineArgs,
    /// The arguments that say how far.
    #[command(flatten)]
    pub limits: LimitArgs,
}

impl ProfileArgs {
    /// The run that is looked at.
    pub fn run(self) -> RunArgs {
        RunArgs::plain(self.image, self.symbols, self.engine, self.limits)
    }
}

/// The arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Only the block with this word: an offset, or a label
    #[arg(long, value_name = "PC|LABEL")]
    pub at: Option<String>,
    /// Explain so many blocks, those that took the most instructions
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub top: u32,
    /// Show the code of each instruction beside it, as with --at
    #[arg(long)]
    pub code: bool,
    /// Write a page for a browser, with the code of each instruction
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
    /// The program's image, or - for standard input (the program then has no input)
    #[arg(value_hint = ValueHint::FilePath)]
    pub image: PathBuf,
    /// Where the words come from, as rum asm -g wrote it [default: IMAGE.sym, if there is one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub symbols: Option<PathBuf>,
    /// The arguments that say how.
    #[command(flatten)]
    pub engine: EngineArgs,
    /// The arguments that say how far.
    #[command(flatten)]
    pub limits: LimitArgs,
}

impl ExplainArgs {
    /// The run that is explained.
    pub fn run(self) -> RunArgs {
        RunArgs::plain(self.image, self.symbols, self.engine, self.limits)
    }
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
    /// Names of labels, as rum asm -g wrote them [default: IMAGE.sym, if there is one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "umdump")]
    pub symbols: Option<PathBuf>,
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
    let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
    match plain_run(&words) {
        Some(run) => Ok(Command::Run(run)),
        None => parse_fully(words),
    }
}

/// A run without the word of any command, as most are: to define all of them would take longer than to read this. None if it may be
/// something else, or wrong.
fn plain_run(words: &[OsString]) -> Option<RunArgs> {
    let may_be_another = |word: &OsString| {
        word.to_str().is_none_or(|word| {
            Command::has_subcommand(word) || word == "help" || word.starts_with("-h") || word == "--help"
        })
    };
    if words.iter().skip(1).any(may_be_another) {
        return None;
    }
    let mut definition = ManuallyDrop::new(RunArgs::augment_args(clap::Command::new("rum").disable_help_flag(true)));
    let matches = ManuallyDrop::new(definition.try_get_matches_from_mut(words).ok()?);
    RunArgs::from_arg_matches(&matches).ok()
}

fn parse_fully(words: Vec<OsString>) -> Result<Command, clap::Error> {
    // Once in a process: giving back its hundreds of small pieces would take longer than parsing.
    let mut definition = ManuallyDrop::new(definition());
    let matches = ManuallyDrop::new(definition.try_get_matches_from_mut(words)?);
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

#[cfg(test)]
mod tests {
    use super::*;
    use rum::Optimisation;

    #[test]
    fn the_definition_is_consistent() {
        definition().debug_assert();
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

    /// The short way says what the long one does, or nothing.
    #[test]
    fn a_plain_run_is_a_run() {
        let lines: [&[&str]; 9] = [
            &["x.um"],
            &["--stats", "x.um", "--engine", "interp"],
            &["--trace=3", "--no-loops", "--max-memory", "2G", "-"],
            &["--", "x.um"],
            &["x.um", "y.um"],
            &["--engine", "steam", "x.um"],
            &["--hot-threshold", "7", "x.um"],
            &["-V"],
            &[],
        ];
        for line in lines {
            let words: Vec<OsString> = ["rum"].iter().chain(line).map(OsString::from).collect();
            match (plain_run(&words), parse_fully(words)) {
                (Some(short), Ok(Command::Run(long))) => {
                    assert_eq!(format!("{short:?}"), format!("{long:?}"), "{line:?}")
                }
                (None, Err(_)) => {}
                (short, long) => panic!("{line:?}: {short:?} but {long:?}"),
            }
        }
        for command in ["run", "asm", "help", "--help", "-h", "profile"] {
            assert!(plain_run(&["rum", command, "x.um"].map(OsString::from)).is_none(), "{command}");
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
