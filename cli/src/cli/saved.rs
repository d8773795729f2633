//! The arguments of what goes on from files: `resume`, `replay`, `snapshot`.

use clap::{Args, ValueHint};
use std::path::PathBuf;

/// The arguments of `resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The arguments of the run that goes on.
    #[command(flatten)]
    pub run: super::run::RunArgs,
}

/// The arguments of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// What run --record has written
    #[arg(value_hint = ValueHint::FilePath)]
    pub recording: PathBuf,
    /// Stop after so many instructions, and show where that is
    #[arg(long, value_name = "N", value_parser = super::values::parse_count)]
    pub to: Option<u64>,
    /// Save everything there to this file, for rum resume
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub save: Option<PathBuf>,
    /// The arguments that say how.
    #[command(flatten)]
    pub engine: super::engine::EngineArgs,
}

/// What can be done about snapshots.
#[derive(Debug, clap::Subcommand)]
pub enum SnapshotCommand {
    /// Verify a snapshot, and tell what it holds
    Info {
        /// The file
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
}
