//! `rum bench`: which engine, which option, which machine is faster, and how sure is that?
//!
//! `plan` decides what runs, `race` runs it (by `crate::measure`); `table`, `export`, `html`, `plot` and `scatter` show the
//! `results`, `saved` holds them against earlier ones.

pub mod args;
mod export;
mod html;
mod plan;
mod plot;
mod race;
mod results;
mod saved;
mod scatter;
mod table;

use crate::apart::Apart;
use crate::failure::{Failure, reason, say, show};
use crate::files::write_text;
use crate::measure::child::Measurer;
use crate::measure::contender::Contender;
use crate::measure::progress::Progress;
use args::{BenchArgs, OutputArgs};
use race::{Effort, race};
use results::{Environment, Named, Results};
use saved::Saved;
use std::path::Path;
use std::time::Instant;

/// Runs the bench.
///
/// # Errors
/// It is asked for the impossible, a command cannot be run, outputs differ, or a file cannot be written.
pub fn bench(args: &BenchArgs) -> Result<u8, Failure> {
    let outputs = outputs(&args.output)?;
    if cfg!(debug_assertions) {
        say("this rum was built with assertions: its figures mean little");
    }
    let scratch =
        tempfile::tempdir().map_err(|error| Failure::host(format!("no temporary folder: {}", reason(&error))))?;
    let programs = plan::programs(args, scratch.path())?;
    let saved = args.compare.as_deref().map(Saved::read).transpose()?;
    let contenders = plan::contenders(&args.field)?;
    let apart = Apart::from(args.images.iter().map(|image| (image.as_path(), "the program")));
    outputs.iter().try_for_each(|(path, _)| apart.check(path).and_then(|()| writable(path)))?;
    let mut measurer = Measurer::new(args.effort.run_limit)?;
    let environment = Environment::here();
    let progress = Progress::new(programs.len());
    let start = Instant::now();
    let mut races = Vec::with_capacity(programs.len());
    for (i, program) in programs.iter().enumerate() {
        progress.begin(i, &program.name, start.elapsed());
        let left = args.effort.time.saturating_sub(start.elapsed()) / (programs.len() - i) as u32;
        let effort = args.effort.runs.map_or(Effort::Time(left), Effort::Rounds);
        races.push(race(program, &contenders, effort, args.effort.warmup, &mut measurer, &mut || progress.tick())?);
    }
    progress.end();
    let named = |contender: &Contender| Named { name: contender.name.clone(), command: contender.text() };
    let results = Results { environment, contenders: contenders.iter().map(named).collect(), races };
    outputs.iter().try_for_each(|(path, form)| write_text(path, &form.text(&results)?))?;
    if let Some(saved) = saved {
        // Beside what may be for a machine.
        show(saved.against(&results).trim_end());
    }
    Ok(0)
}

/// A way to show results.
#[derive(Clone, Copy, Debug)]
enum Form {
    Table,
    Json,
    Csv,
    Markdown,
    Html,
    Export(export::Format),
}

impl Form {
    fn text(self, results: &Results) -> Result<String, Failure> {
        Ok(match self {
            Form::Table => table::text(results),
            Form::Json => export::json(results),
            Form::Csv => export::csv(results)?,
            Form::Markdown => table::markdown(results),
            Form::Html => html::page(results),
            Form::Export(format) => export::export(results, format),
        })
    }
}

/// Where everything goes that was asked for, and the table.
fn outputs(args: &OutputArgs) -> Result<Vec<(&Path, Form)>, Failure> {
    let named =
        [(&args.json, Form::Json), (&args.csv, Form::Csv), (&args.markdown, Form::Markdown), (&args.html, Form::Html)];
    let mut outputs: Vec<(&Path, Form)> =
        named.into_iter().filter_map(|(path, form)| Some((path.as_deref()?, form))).collect();
    let exports = export::parse(&args.export)?;
    outputs.extend(exports.into_iter().map(|(format, path)| (Path::new(path), Form::Export(format))));
    let twice = outputs.iter().enumerate().find(|(i, (path, _))| outputs[..*i].iter().any(|(other, _)| other == path));
    if let Some((_, (path, _))) = twice {
        return Err(Failure::host(format!("two things cannot both go to {}", path.display())));
    }
    if !outputs.iter().any(|(path, _)| *path == Path::new("-")) {
        outputs.push((Path::new("-"), Form::Table));
    }
    Ok(outputs)
}

/// Finds out before minutes have passed whether a file can be written; what it holds stays.
fn writable(path: &Path) -> Result<(), Failure> {
    if path == Path::new("-") {
        return Ok(());
    }
    let old = path.exists();
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    // Nothing is left behind if there will be no results.
    let tried = file.and_then(|_| if old { Ok(()) } else { std::fs::remove_file(path) });
    tried.map_err(|error| Failure::host(format!("cannot write {}: {}", path.display(), reason(&error))))
}
