//! `rum bench`: which engine, which option, which machine is faster, and how sure is that?
//!
//! `plan` decides what runs, `race` runs it (each child process by `measure`), `figures` sums it up; `table`, `export`,
//! `html`, `plot` and `scatter` show it.

pub mod args;
mod export;
pub mod figures;
mod html;
pub mod measure;
pub mod plan;
mod plot;
pub mod race;
mod scatter;
mod table;

use crate::failure::{Failure, reason};
use args::{BenchArgs, OutputArgs};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use measure::Measurer;
use race::{Effort, Race, race};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// Everything a bench found out, as `--json` writes it.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Where and when.
    pub environment: Environment,
    /// The contenders, with their command lines.
    pub contenders: Vec<Named>,
    /// One for each program.
    pub races: Vec<Race>,
}

/// A contender as it was run.
#[derive(Debug, Serialize)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The command; `{}` stands for the image. A rum of ours has no path.
    pub command: String,
}

/// What figures depend on besides the program.
#[derive(Debug, Serialize)]
pub struct Environment {
    /// The version of rum.
    pub rum: &'static str,
    /// When it began, in UTC.
    pub date: String,
    /// The processor, as the system calls it.
    pub cpu: String,
    /// Processors that may be used.
    pub cpus: usize,
    /// System and architecture.
    pub system: String,
}

impl Environment {
    /// That of this process.
    pub fn here() -> Environment {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let value = |key: &str| info.lines().find(|line| line.starts_with(key)).and_then(|line| line.split_once(": "));
        let cpu = value("model name").map_or("unknown", |(_, model)| model.trim());
        Environment {
            rum: env!("CARGO_PKG_VERSION"),
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            cpu: cpu.to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

/// Runs the bench.
///
/// # Errors
/// It is asked for the impossible, a command cannot be run, outputs differ, or a file cannot be written.
pub fn bench(args: &BenchArgs) -> Result<u8, Failure> {
    let outputs = outputs(&args.output)?;
    if cfg!(debug_assertions) {
        crate::failure::say("this rum was built with assertions: its figures mean little");
    }
    let programs = plan::programs(args)?;
    let contenders = plan::contenders(&args.field)?;
    outputs.iter().try_for_each(|(path, _)| writable(path))?;
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
    let named = |contender: &plan::Contender| Named { name: contender.name.clone(), command: contender.text() };
    let results = Results { environment, contenders: contenders.iter().map(named).collect(), races };
    outputs.iter().try_for_each(|(path, form)| write(path, &form.text(&results)?))?;
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

/// Writes a text to a file, or to standard output for `-`; a reader there that has seen enough is no failure.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if path == Path::new("-") {
        let mut stdout = io::stdout().lock();
        return match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::host(format!("cannot write to standard output: {}", reason(&error))))
            }
            _ => Ok(()),
        };
    }
    std::fs::write(path, text)
        .map_err(|error| Failure::host(format!("cannot write {}: {}", path.display(), reason(&error))))
}

/// A bar on standard error, where that is a terminal.
pub struct Progress {
    bar: ProgressBar,
    programs: usize,
}

impl Progress {
    /// Begins with nothing done.
    pub fn new(programs: usize) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(programs as u64), ProgressDrawTarget::stderr());
        // The template is a constant; a wrong one shows the default bar.
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}  run {prefix}") {
            bar.set_style(style);
        }
        bar.set_prefix("1");
        Progress { bar, programs }
    }

    /// Program `i` is next, after `elapsed`.
    pub fn begin(&self, i: usize, name: &str, elapsed: Duration) {
        self.bar.set_position(i as u64);
        let left = match i {
            0 => String::new(),
            _ => {
                let time = elapsed / i as u32 * (self.programs - i) as u32;
                format!(", about {} s left", time.as_secs().max(1))
            }
        };
        self.bar.set_message(format!("{name}{left}"));
        self.bar.set_prefix("1");
    }

    /// A run is over.
    pub fn tick(&self) {
        let run: u64 = self.bar.prefix().parse().unwrap_or_default();
        self.bar.set_prefix((run + 1).to_string());
    }

    /// All is over.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
