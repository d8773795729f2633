//! The options of a session: what a program is given, what is kept of it, and where it is saved.

use super::values::{Mark, SaveAt, parse_mark, parse_save_at};
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// The arguments of a session.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Session")]
pub struct SessionArgs {
    /// Give the program the bytes of this file first, and standard input behind it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub input_script: Option<PathBuf>,
    /// Show what the program reads, as a terminal would
    #[arg(long)]
    pub echo: bool,
    /// Write what the program puts out and reads to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub transcript: Option<PathBuf>,
    /// Leave out what the program puts out before this text has come by, the text included; or so many bytes
    #[arg(long, value_name = "TEXT|N", value_parser = parse_mark)]
    pub output_from: Option<Mark>,
    /// Read lines from a terminal as they come, without editing and history
    #[arg(long)]
    pub no_edit: bool,
    /// Save everything after so many instructions, or when the program asks for input that no script gives, and end
    #[arg(long, value_name = "N|input", value_parser = parse_save_at)]
    pub save_at: Option<SaveAt>,
    /// The file that is saved to [default: IMAGE.snap]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub save: Option<PathBuf>,
    /// Record the run for rum replay: how it starts, what it reads, what it puts out
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub record: Option<PathBuf>,
}
