//! `rum profile`: where a program spends its time.
//!
//! By default the program runs as ever, and is looked at some thousand times a second: at a jump, which compiled code can be left at
//! (`sample.rs`). With `--exact` everything is counted, and calls are followed, compiled code included, which takes less than twice as long.
//!
//! Files: `model.rs` what is known in the end; `table.rs` that for people,
//! `export.rs` and `firefox.rs` for other programs, `page.rs` for a browser.

mod export;
mod firefox;
mod model;
mod page;
mod sample;
mod table;

use self::model::{Profile, Seen};
use crate::apart::Apart;
use crate::cli::tools::ProfileArgs;
use crate::config::RunConfig;
use crate::failure::{Failure, show};
use crate::files;
use crate::run::{Started, execute, start};
use crate::symbols::Places;
use rum::{Tier, Word};

/// Runs a program and tells where it spent its time.
///
/// # Errors
/// It could not be started, or a file cannot be written.
pub fn profile(args: ProfileArgs) -> Result<u8, Failure> {
    let (exact, top) = (args.exact, args.top);
    let [json, collapsed, svg] = [&args.json, &args.collapsed, &args.svg].map(Clone::clone);
    let [html, firefox] = [&args.html, &args.firefox].map(Clone::clone);
    let apart = Apart::from([(args.program.image.as_path(), "the program")]);
    [&json, &collapsed, &svg, &html, &firefox].into_iter().flatten().try_for_each(|path| apart.check(path))?;
    let (mut config, image) = RunConfig::new(args.program.run())?;
    config.machine.tally = exact;
    let Started { control, machine, .. } = start(&mut config, image)?;
    let mut vm = match machine {
        Ok(vm) => vm,
        Err(end) => {
            end.tell(&config, None);
            return Ok(end.status());
        }
    };
    let (end, sampled) = match exact {
        true => (execute(&mut vm, &config, &control, None)?, None),
        false => sample::run(&mut vm, &config, &control).map(|(end, seen)| (end, Some(seen)))?,
    };
    end.tell(&config, Some(&vm));
    let number = vm.machine().programs_loaded();
    let tiers: Vec<Option<Tier>> = match (&html, vm.machine().segment(0)) {
        (Some(_), Some(words)) => (0..words.len() as u32).map(|pc| vm.tier_at(pc)).collect(),
        _ => Vec::new(),
    };
    let seen = sampled.unwrap_or_else(|| {
        let counted = vm.take_counted().unwrap_or_default();
        Seen::Counted { program: number, counted }
    });
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
    if let Some(path) = firefox {
        files::write(&path, |out| firefox::firefox(&profile, out))?;
    }
    if let Some(path) = html {
        let program: Vec<(Word, Option<Tier>)> = program.iter().copied().zip(tiers).collect();
        files::write(&path, |out| out.write_all(page::page(&profile, number, &program).as_bytes()))?;
    }
    // The process is about to end.
    std::mem::forget(vm);
    Ok(end.status())
}
