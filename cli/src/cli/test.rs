//! The arguments of `test` and `diff`.

use super::values::{parse_count, parse_duration};
use clap::{Args, ValueHint};
use std::path::PathBuf;
use std::time::Duration;

/// The arguments of `test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Folders with tests, or programs: NAME.um or NAME.ums, which reads NAME.0 and must put out NAME.1 [default: this folder]
    #[arg(value_name = "DIR|FILES", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Test another machine: the command that runs an image, {} standing for it ('./um {}')
    #[arg(long, value_name = "COMMAND")]
    pub machine: Option<String>,
    /// Write what programs put out to NAME.1
    #[arg(long, conflicts_with = "machine")]
    pub bless: bool,
    /// A test that takes longer fails (NAME.toml may say otherwise)
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "10s")]
    pub timeout: Duration,
    /// A test that executes more instructions fails; rum alone counts them (NAME.toml may say otherwise)
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub max_instructions: Option<u64>,
    /// Write a report that CI systems read
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub junit: Option<PathBuf>,
    /// Write the results as JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub json: Option<PathBuf>,
}

/// The arguments of `diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// A program's image, or a trace of it
    #[arg(value_name = "IMAGE|TRACE", value_hint = ValueHint::FilePath)]
    pub first: PathBuf,
    /// A trace to compare with: a line for each instruction, with the pc and the eight registers before it
    #[arg(value_name = "TRACE", value_hint = ValueHint::FilePath, required_unless_present = "machine")]
    pub second: Option<PathBuf>,
    /// Compare with this machine instead: it runs the image, {} standing for it, and writes its trace to the file that the variable UM_TRACE names
    #[arg(long, value_name = "COMMAND", conflicts_with = "second")]
    pub machine: Option<String>,
    /// What the program reads [default: nothing]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub input: Option<PathBuf>,
    /// Compare so many instructions at the most
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub max_instructions: Option<u64>,
}
