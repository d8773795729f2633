//! `rum profile`: where a program spends its time.
//!
//! By default the program runs as ever, and is looked at some thousand times a second: at a jump, which compiled code can be left at
//! (`sample.rs`). With `--exact` everything is counted, and calls are followed (`exact.rs`), which takes less than twice as long.
//!
//! Files: `model.rs` what is known in the end; `table.rs` that for people,
//! `export.rs` for other programs.

mod exact;
mod export;
mod model;
mod sample;
mod table;

use self::model::Profile;
use crate::cli::ProfileArgs;
use crate::config::RunConfig;
use crate::failure::{Failure, show};
use crate::files;
use crate::run::{Started, start};
use crate::symbols::Places;

/// Runs a program and tells where it spent its time.
///
/// # Errors
/// It could not be started, or a file cannot be written.
pub fn profile(args: ProfileArgs) -> Result<u8, Failure> {
    let (exact, top) = (args.exact, args.top);
    let [json, collapsed, svg] = [&args.json, &args.collapsed, &args.svg].map(Clone::clone);
    let (mut config, image) = RunConfig::new(args.run())?;
    config.machine.tally = exact;
    let Started { control, machine, .. } = start(&config, image)?;
    let mut vm = match machine {
        Ok(vm) => vm,
        Err(end) => {
            end.tell(&config, None);
            return Ok(end.status());
        }
    };
    let (end, seen) = match exact {
        true => exact::run(&mut vm, &config, &control),
        false => sample::run(&mut vm, &config, &control)?,
    };
    end.tell(&config, Some(&vm));
    let program = vm.machine().segment(0).unwrap_or_default();
    let places = Places::new(&config.symbols, program.len());
    let profile = Profile::new(&config.name, seen, program, &places);
    show(table::text(&profile, top as usize).trim_end());
    if let Some(path) = json {
        files::write(&path, |out| export::json(&profile, out))?;
    }
    if let Some(path) = collapsed {
        files::write(&path, |out| export::collapsed(&profile, out))?;
    }
    if let Some(path) = svg {
        if profile.stacks.is_empty() {
            let why = "the program ended too soon (--exact counts everything)";
            return Err(Failure::host(format!("no flame graph: nothing was met, {why}")));
        }
        files::write(&path, |out| export::flame_graph(&profile, out))?;
    }
    // The process is about to end.
    std::mem::forget(vm);
    Ok(end.status())
}
