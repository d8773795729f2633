//! The arguments of `check`.

use super::values::{parse_duration, parse_size};
use clap::{Args, ValueHint};
use std::path::PathBuf;
use std::time::Duration;

/// The arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The command that runs an image, as for a shell; {} stands for the image ('./um {}')
    #[arg(value_name = "COMMAND")]
    pub machine: String,
    /// Only the rules whose names have this in them
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Run so many generated programs behind the rules
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub programs: u32,
    /// The first of their seeds
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Write programs that go wrong to this folder: NAME.um, NAME.0 (input), NAME.1 (output as it should be)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, default_value = "um-check")]
    pub keep: PathBuf,
    /// A run that takes longer hangs
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "10s")]
    pub limit: Duration,
    /// A run that uses more memory leaks
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "1G")]
    pub max_memory: u64,
}
