//! The command `rum`.
//!
//! From the command line to the exit status: `cli` says what can be written, `config` decides and opens, `run` runs,
//! `session` is a run that is recorded, saved or typed at, `report` reports, and `end` says how it ended. `symbols`
//! knows the sources of an image; `trace` tells what each instruction did, `replay` repeats it, `verify` has the
//! interpreter beside compiled code, `diff` says where two machines part, `check` and `test` whether one is right, and
//! `debug` goes through a run in both directions. `profile` shows where time goes, `explain` what became of code, `page`
//! how both look in a browser; `native` reads host code, `outside` tells tools like perf and gdb of compiled code,
//! `cache` keeps compiled code between runs. `bench` compares and `gate` judges, by what `measure` measures; `foreign`
//! runs machines that are not ours. `stdio`, `sink` and `signals` connect the machine to the world, `heap` and
//! `surroundings` see to what there is of memory and the rest, `sandbox` gives it up; `files` reads and writes what is
//! converted as a whole, `apart` keeps what is written from what is read; `fuzz` is for tests. One file or folder for each subcommand.

mod apart;
mod asm;
mod bench;
mod cache;
mod check;
mod cli;
mod config;
mod debug;
mod diff;
mod disasm;
mod end;
mod explain;
mod failure;
mod files;
mod foreign;
#[doc(hidden)]
pub mod fuzz;
mod gate;
mod heap;
mod human;
mod measure;
mod native;
mod origin;
mod outside;
mod page;
mod pages;
mod profile;
mod replay;
mod report;
mod run;
#[doc(hidden)]
pub mod sandbox;
mod session;
mod signals;
#[cfg(unix)]
mod sink;
mod stdio;
mod surroundings;
mod symbols;
mod test;
mod trace;
mod verify;

pub use heap::Heap;

use cli::Command;
use std::io::{self, Write};
use std::process::ExitCode;

/// The command: does what its arguments say.
pub fn main() -> ExitCode {
    heap::put_by();
    surroundings::with_stack(|| failure::guard(command))
}

/// Shows what is wrong with a command line, or help, which is what was asked for: who cannot have that hears it.
fn show_usage(error: &clap::Error) -> Result<u8, failure::Failure> {
    match error.print().and_then(|()| io::stdout().flush()) {
        Err(failed) if !error.use_stderr() && failed.kind() != io::ErrorKind::BrokenPipe => {
            Err(files::write_failure(files::STDOUT, &failed))
        }
        _ => Ok(error.exit_code() as u8),
    }
}

fn command() -> Result<u8, failure::Failure> {
    signals::heed_full_files();
    let command = match cli::parse(std::env::args_os()) {
        Ok(command) => command,
        Err(error) => return show_usage(&error),
    };
    match command {
        Command::Run(args) => run::run(args),
        Command::Resume(args) => run::resume(args.run),
        Command::Replay(args) => replay::replay(&args),
        Command::Snapshot(command) => replay::snapshot(&command),
        Command::Debug(args) => debug::debug(args),
        Command::Check(args) => check::check(&args),
        Command::Test(args) => test::test(&args),
        Command::Diff(args) => diff::diff(&args),
        Command::Asm(args) => asm::asm(&args),
        Command::Disasm(args) => disasm::disasm(&args),
        Command::Profile(args) => profile::profile(args),
        Command::Explain(args) => explain::explain(args),
        Command::Bench(args) => bench::bench(&args),
        Command::Gate(args) => gate::gate(&args),
        Command::Cache(command) => cache::cache(command),
        Command::Man { command } => pages::man(command.as_deref()),
        Command::Completions { shell } => pages::completions(shell),
    }
}
