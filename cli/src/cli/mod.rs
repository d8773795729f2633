//! The command line: what can be written there, and nothing about what it does.
//!
//! `rum IMAGE` is `rum run IMAGE`: the arguments of `run` are also those of the command itself. A word that is the name
//! of a subcommand is that subcommand; any other word, and so every name with a slash or a dot, is an image. Files are
//! opened and choices made in `config.rs`.

pub mod check;
pub mod debug;
pub mod engine;
pub mod run;
pub mod saved;
pub mod session;
pub mod test;
pub mod tools;
pub mod values;

use crate::bench::args::BenchArgs;
use crate::gate::args::GateArgs;
use check::CheckArgs;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint};
use debug::DebugArgs;
use engine::EngineArgs;
use run::{LimitArgs, RunArgs};
use saved::{ReplayArgs, ResumeArgs, SnapshotCommand};
use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use test::{DiffArgs, TestArgs};
use tools::{AsmArgs, DisasmArgs, ExplainArgs, ProfileArgs};

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
  129  hung up (SIGHUP)
  130  interrupted (SIGINT)
  131  quit (SIGQUIT)
  143  terminated (SIGTERM)

A command's name is taken as a command: write ./run for an image named run.";

const ASM_HELP: &str = "\
The files make one program: labels are global, sections go on from file to file.

Exit status:
  0  the image was written; there may be warnings
  1  the sources have errors, and nothing was written
  2  wrong usage, or the system refused something";

const CHECK_HELP: &str = "\
Exit status:
  0  the machine is right, as far as this tells
  1  it is wrong
  2  wrong usage, or it cannot be started";

const TEST_HELP: &str = "\
NAME.toml may say what else is expected: fault = \"division-by-zero\", status = 1, timeout = \"5s\", max_instructions = 1000, max_memory = \"1M\".

Exit status:
  0  all passed
  1  some failed
  2  wrong usage, or there are no tests";

const DIFF_HELP: &str = "\
Exit status:
  0  they are the same
  1  they differ
  2  wrong usage, or a file cannot be read";

const DEBUG_HELP: &str = "\
Commands come from standard input: help lists them. On a terminal, a line that is empty repeats the last move, and ^C stops what takes long.";

const REPLAY_HELP: &str = "\
What the program put out is compared with what was recorded.

Exit status:
  0  all was as recorded
  1  something was not
  2  wrong usage, or the recording cannot be used";

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
    /// Go on with a program that was saved (run --save-at)
    #[command(after_help = EXIT_STATUS)]
    Resume(ResumeArgs),
    /// Repeat a run that was recorded (run --record), exactly
    #[command(after_help = REPLAY_HELP)]
    Replay(ReplayArgs),
    /// Look after what run --save-at has saved
    #[command(subcommand)]
    Snapshot(SnapshotCommand),
    /// Stop a program, look at it, go on, and go back
    #[command(after_help = DEBUG_HELP)]
    Debug(DebugArgs),
    /// Is a machine right? Run it on a program for each rule, and on generated ones
    #[command(after_help = CHECK_HELP)]
    Check(CheckArgs),
    /// Run programs with what they read, and compare what they put out
    #[command(after_help = TEST_HELP)]
    Test(TestArgs),
    /// Find the first instruction after which two machines, or their traces, differ
    #[command(after_help = DIFF_HELP)]
    Diff(DiffArgs),
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

/// The definition of the whole command line.
pub fn definition() -> clap::Command {
    RunArgs::augment_args(Frame::command())
        .about(ABOUT)
        .long_about(LONG_ABOUT)
        .override_usage("rum [OPTIONS] <IMAGE>\n       rum <COMMAND> ...")
        .mut_subcommand("resume", |resume| {
            resume.mut_arg("image", |image| image.value_name("SNAPSHOT").help("What run --save-at has saved"))
        })
}

/// What a command line asks for.
///
/// # Errors
/// It is wrong, or asks for help; the error knows how to tell its user.
pub fn parse(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Command, clap::Error> {
    let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
    match simple_run(&words).or_else(|| plain_run(&words)) {
        Some(run) => Ok(Command::Run(run)),
        None => parse_fully(words),
    }
}

/// A run without any option, as most are. Values are as the definition has them, which a test compares.
fn simple_run(words: &[OsString]) -> Option<RunArgs> {
    let [_, image] = words else { return None };
    let text = image.to_str()?;
    let is_plain = !text.starts_with('-') && !Command::has_subcommand(text) && text != "help" && !text.is_empty();
    is_plain.then(|| RunArgs::plain(image.into(), None, EngineArgs::default(), LimitArgs::default()))
}

/// A run without the word of any command, as many are: to define all of them would take longer than to read this. None if it may be
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
        let simple = simple_run(&["rum", "x.um"].map(OsString::from)).map(|run| format!("{run:?}"));
        assert_eq!(simple, plain_run(&["rum", "x.um"].map(OsString::from)).map(|run| format!("{run:?}")));
        for words in
            [&["rum"][..], &["rum", "-"], &["rum", "asm"], &["rum", "--help"], &["rum", ""], &["rum", "a", "b"]]
        {
            assert!(simple_run(&words.iter().map(OsString::from).collect::<Vec<_>>()).is_none(), "{words:?}");
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
