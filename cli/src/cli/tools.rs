//! The arguments of the tools around a program: `profile`, `explain`, `asm`, `disasm`.

use super::engine::EngineArgs;
use super::run::{LimitArgs, RunArgs};
use super::values::ColorArg;
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// A program that a tool runs, and how.
#[derive(Debug, Args)]
pub struct ProgramArgs {
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

impl ProgramArgs {
    /// The run that the tool is about.
    pub fn run(self) -> RunArgs {
        RunArgs::plain(self.image, self.symbols, self.engine, self.limits)
    }
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
    /// What is run, and how.
    #[command(flatten)]
    pub program: ProgramArgs,
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
    /// What is run, and how.
    #[command(flatten)]
    pub program: ProgramArgs,
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
