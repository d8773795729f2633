//! The arguments of `run`, which those of the command itself are, too.

use super::engine::EngineArgs;
use super::session::SessionArgs;
use super::values::{LogLevel, StatsFormat, TraceFormat, parse_count, parse_duration, parse_range, parse_size};
use clap::{Args, ValueHint};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

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
    /// Interpret the program beside compiled code, and stop at the first difference between the two (several times slower)
    #[arg(long, conflicts_with = "trace_file")]
    pub verify: bool,
    /// Where the words come from, as rum asm -g wrote it, for messages [default: IMAGE.sym, if there is one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub symbols: Option<PathBuf>,
    /// Before the program runs, have the kernel refuse whatever a run does not take: files, processes, the network (Linux only)
    #[arg(long, conflicts_with_all = ["verify", "cache", "cache_dir", "save_at", "save", "trace", "perf_map", "jitdump"])]
    pub sandbox: bool,
    /// The tools that are to know of compiled code.
    #[command(flatten)]
    pub outside: OutsideArgs,
    /// The arguments that say what is to be told of each instruction.
    #[command(flatten)]
    pub trace: TraceArgs,
    /// The arguments that say how the program is played with.
    #[command(flatten)]
    pub session: SessionArgs,
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
    pub fn plain(image: PathBuf, symbols: Option<PathBuf>, engine: EngineArgs, limits: LimitArgs) -> RunArgs {
        let (outside, trace, session) = Default::default();
        RunArgs {
            image,
            stats: None,
            stats_file: None,
            verify: false,
            sandbox: false,
            symbols,
            outside,
            trace,
            session,
            engine,
            limits,
        }
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
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Memory for the program's segments with their overhead (2G, 512M) [default: three quarters of what there is]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_memory: Option<u64>,
    /// Stop before more than this is put out (64K, 1G)
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_output: Option<u64>,
    /// Stop after exactly this many instructions (1e9, 1_000_000)
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub max_instructions: Option<u64>,
    /// Stop after this long (60s, 500ms, 2m, "1m 30s")
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
    /// How long a reader of the output may take nothing after a signal or the time limit before the rest is given up [default: 1s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub patience: Option<Duration>,
}
