//! `rum explain`: what became of a program's code, and why.
//!
//! The program runs as ever, and what the engine did is kept. Then it is run again, with the same input, to count how often each word was
//! executed. `sources.rs` has both, `model.rs` puts them together, block by block; `health.rs` looks for what costs time and says what to do; `text.rs` and
//! `page.rs` show it.

mod health;
mod model;
mod page;
mod sources;
mod text;

use self::model::Explained;
use self::sources::Wanted;
use crate::apart::Apart;
use crate::cli::tools::ExplainArgs;
use crate::config::RunConfig;
use crate::end::End;
use crate::failure::{Failure, show};
use crate::files;
use crate::run::{Started, execute, start};
use crate::symbols::Places;

/// Runs a program and explains what became of its code.
///
/// # Errors
/// It could not be started, there is no such place, or a file cannot be written.
pub fn explain(args: ExplainArgs) -> Result<u8, Failure> {
    let (at, top, html) = (args.at.clone(), args.top as usize, args.html.clone());
    let code = args.code;
    if let Some(path) = &html {
        Apart::from([(args.program.image.as_path(), "the program")]).check(path)?;
    }
    let (mut config, image) = RunConfig::new(args.program.run())?;
    config.options.keep_listings = true;
    config.trace.keep_input();
    let Started { control, machine, again, .. } = start(&mut config, image)?;
    let mut vm = match machine {
        Ok(vm) => vm,
        Err(end) => {
            end.tell(&config, None);
            return Ok(end.status());
        }
    };
    let end = execute(&mut vm, &config, &control, None)?;
    end.tell(&config, Some(&vm));
    let status = end.status();
    // Where somebody else has ended it, nobody knows where it would have to end again.
    let counted = match (end, again) {
        (ended @ End::Outside(_), _) => Err(format!("the run was ended from outside ({})", ended.name())),
        (_, Some(again)) => again.count(config.instructions_max, &control).map_err(|error| error.to_string()),
        (_, None) => Err("its input was not kept".to_owned()),
    };
    let words = vm.machine().segment(0).unwrap_or_default();
    let places = Places::new(&config.symbols, words.len());
    let wanted = match at {
        Some(at) => Wanted::At(places.offset_of(&at, words.len()).map_err(Failure::host)?),
        None => Wanted::Top(top),
    };
    let explained = Explained::new(&config, &vm, counted, &places, wanted);
    show(text::text(&explained, code || matches!(wanted, Wanted::At(_))).trim_end());
    if let Some(path) = html {
        files::write(&path, |out| out.write_all(page::page(&explained).as_bytes()))?;
    }
    std::mem::forget(vm);
    Ok(status)
}
