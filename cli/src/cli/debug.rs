//! The arguments of `debug`.

use super::engine::EngineArgs;
use super::run::{LimitArgs, RunArgs};
use super::values::parse_size;

use crate::failure::Failure;
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// The arguments of `debug`.
#[derive(Clone, Debug, Args)]
pub struct DebugArgs {
    /// The program's image, or a snapshot
    #[arg(value_hint = ValueHint::FilePath, required_unless_present_any = ["dap", "dap_port"])]
    pub image: Option<PathBuf>,
    /// Obey the commands in this file, and end
    #[arg(short = 'x', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub execute: Option<PathBuf>,
    /// Obey this command first; may be given more than once
    #[arg(short = 'e', long = "command", value_name = "COMMAND")]
    pub commands: Vec<String>,
    /// What the program reads [default: what the command input gives]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub input: Option<PathBuf>,
    /// Take the whole terminal: code, registers, stops and output at once
    #[arg(long, conflicts_with_all = ["execute", "dap", "dap_port"])]
    pub tui: bool,
    /// Speak the Debug Adapter Protocol on standard input and output, for editors
    #[arg(long, conflicts_with_all = ["execute", "commands", "dap_port"])]
    pub dap: bool,
    /// Speak it with one client at this port of this machine; 0 takes any that is free, and says which
    #[arg(long, value_name = "PORT", conflicts_with_all = ["execute", "commands"])]
    pub dap_port: Option<u16>,
    /// Memory for moments to which one can go back
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "1G")]
    pub history: u64,
    /// Where the words come from, as rum asm -g wrote it [default: IMAGE.sym, if there is one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub symbols: Option<PathBuf>,
    /// The arguments that say how.
    #[command(flatten)]
    pub engine: EngineArgs,
    /// Memory for the program's segments with their overhead (2G, 512M) [default: three quarters of what there is]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_memory: Option<u64>,
}

impl DebugArgs {
    /// The run that is debugged.
    ///
    /// # Errors
    /// No image was named.
    pub fn run(&self) -> Result<RunArgs, Failure> {
        let image = self.image.clone().ok_or_else(|| Failure::host("no program was named"))?;
        let limits = LimitArgs { max_memory: self.max_memory, ..LimitArgs::default() };
        Ok(RunArgs::plain(image, self.symbols.clone(), self.engine.clone(), limits))
    }
}
