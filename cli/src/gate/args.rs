//! What can be written behind `rum gate`.

use crate::cli::values::parse_duration;
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;
use std::time::Duration;

/// What scripts have to know.
pub const AFTER_HELP: &str = "\
Exit status:
  0    nothing got worse than the rules allow
  1    a regression
  2    could not tell: something could not be measured, or wrong usage

docs/gating.md explains the file of rules.";

/// The arguments of `gate`.
#[derive(Debug, Args)]
pub struct GateArgs {
    /// What to hold against what.
    #[command(subcommand)]
    pub action: GateAction,
}

/// What to hold against what.
#[derive(Debug, Subcommand)]
pub enum GateAction {
    /// Measure, and compare with the stored baseline
    #[command(after_help = AFTER_HELP)]
    Run {
        /// How.
        #[command(flatten)]
        common: CommonArgs,
        /// Measure this rum instead of the one that runs
        #[arg(long, value_name = "RUM", value_hint = ValueHint::FilePath)]
        rum: Option<PathBuf>,
        /// Store what is measured as the new baseline instead of comparing
        #[arg(long, conflicts_with_all = ["markdown", "save", "no_times"])]
        bless: bool,
    },
    /// Compare two rum binaries, racing them against each other, or stored counters
    #[command(after_help = AFTER_HELP)]
    Compare {
        /// What was: a binary, or a file that --save or --bless wrote
        #[arg(value_hint = ValueHint::FilePath)]
        base: PathBuf,
        /// What is: the same
        #[arg(value_hint = ValueHint::FilePath)]
        head: PathBuf,
        /// How.
        #[command(flatten)]
        common: CommonArgs,
    },
}

/// What both have in common.
#[derive(Debug, Args)]
pub struct CommonArgs {
    /// The rules
    #[arg(long, value_name = "FILE", default_value = "gate.toml", value_hint = ValueHint::FilePath)]
    pub config: PathBuf,
    /// Write the report to a file too
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub markdown: Option<PathBuf>,
    /// Store what was measured
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub save: Option<PathBuf>,
    /// Give up if a run takes longer
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "10m")]
    pub run_limit: Duration,
    /// Compare counters only, no times
    #[arg(long)]
    pub no_times: bool,
    /// Do without host instructions even if valgrind is there
    #[arg(long)]
    pub no_valgrind: bool,
}
