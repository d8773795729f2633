//! What will be run: programs with their input, and contenders with their command lines.

use super::args::{BenchArgs, FieldArgs, Size};
use crate::cli::engine::EngineArg;
use crate::failure::{Failure, reason};
use crate::files;
use crate::measure::contender::{Contender, own_binary, rum_contender};
use crate::measure::program::Program;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// All who take part, in the order of the table.
///
/// # Errors
/// The binary of rum cannot be found, or nobody would take part.
pub fn contenders(field: &FieldArgs) -> Result<Vec<Contender>, Failure> {
    let rum = own_binary()?;
    let mut all = Vec::new();
    let mut compiling = None;
    let mut engines = field.engines.clone();
    if !field.off.is_empty() {
        // What an optimisation gains is told against the engine that has it.
        engines.sort_by_key(|engine| *engine == EngineArg::Interp);
        if engines.first().is_none_or(|engine| *engine == EngineArg::Interp) {
            engines.insert(0, EngineArg::Jit);
        }
    }
    for engine in &engines {
        let name = engine.name();
        all.push(rum_contender(name, &rum, &["--engine".to_owned(), name.to_owned()]));
        if name != "interp" {
            compiling = compiling.or(Some(name));
        }
    }
    let compiling = compiling.unwrap_or("jit");
    let base = vec!["--engine".to_owned(), compiling.to_owned()];
    let mut variants: Vec<(String, Vec<String>)> = Vec::new();
    for (i, vary) in field.vary.iter().enumerate() {
        if field.vary[..i].iter().any(|earlier| earlier.option == vary.option) {
            return Err(Failure::host(format!("{} is varied twice: give all its values at once", vary.option)));
        }
        let before = if variants.is_empty() { vec![(compiling.to_owned(), base.clone())] } else { variants };
        variants = before
            .iter()
            .flat_map(|(name, args)| {
                vary.values.iter().map(move |value| {
                    let mut args = args.clone();
                    args.extend([format!("--{}", vary.option), value.clone()]);
                    (format!("{name} {}={value}", vary.option), args)
                })
            })
            .collect();
    }
    let every = rum::Optimisation::ALL.map(rum::Optimisation::name);
    for off in &field.off {
        let names = if off == "all" { every.to_vec() } else { vec![off.as_str()] };
        for name in names {
            let mut args = base.clone();
            args.push(format!("--no-{name}"));
            variants.push((format!("{compiling} no-{name}"), args));
        }
    }
    all.extend(variants.into_iter().map(|(name, args)| rum_contender(name, &rum, &args)));
    for other in &field.against {
        all.push(Contender { name: other.text.clone(), words: other.words.clone(), is_rum: false });
    }
    for i in 0..all.len() {
        if all[..i].iter().any(|earlier| earlier.name == all[i].name) {
            return Err(Failure::host(format!("{} would take part twice", all[i].name)));
        }
    }
    Ok(all)
}

#[derive(Deserialize)]
struct List {
    program: Vec<Listed>,
}

/// An entry of `umbin/programs.toml`, as far as it matters here.
#[derive(Deserialize)]
struct Listed {
    name: String,
    group: String,
    input: Option<String>,
    small: Option<u64>,
    bench_size: Option<u64>,
    figure_size: Option<u64>,
}

/// The programs to run; those that are in the binary are put into a scratch folder.
///
/// # Errors
/// An input or the list of programs cannot be read, or has no such program.
pub fn programs(args: &BenchArgs, scratch: &Path) -> Result<Vec<Program>, Failure> {
    if args.images.is_empty() {
        return listed_programs(args, scratch);
    }
    let input = match &args.input {
        None => Vec::new(),
        Some(path) => files::bytes_of(path)
            .map_err(|error| Failure::host(format!("cannot read input {}: {}", path.display(), reason(&error))))?,
    };
    let mut programs: Vec<Program> = Vec::new();
    for image in &args.images {
        if !image.is_file() {
            return Err(Failure::host(format!("{} is no file that could be an image", image.display())));
        }
        if image.to_str().is_none() {
            return Err(Failure::host(format!("the name of {} is no text: give it another one", image.display())));
        }
        let short = image.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let taken = programs.iter().any(|program| program.name == short);
        let name = if taken { image.display().to_string() } else { short };
        programs.push(Program { name, group: String::new(), image: image.clone(), input: input.clone() });
    }
    Ok(programs)
}

/// The programs of `umbin/` as they were when this binary was made.
mod built_in {
    include!(concat!(env!("OUT_DIR"), "/programs.rs"));
}

/// The folder `umbin` here or in a folder above, if there is one.
fn umbin() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|folder| folder.join("umbin")).find(|umbin| umbin.join("programs.toml").is_file())
}

/// Writes the programs that are in the binary into a folder.
fn unpack(folder: &Path) -> Result<(), Failure> {
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes);
    let all = write("programs.toml", built_in::LIST.as_bytes())
        .and_then(|()| built_in::IMAGES.iter().try_for_each(|(name, image)| write(&format!("{name}.um"), image)));
    all.map_err(|error| Failure::host(format!("cannot write to {}: {}", folder.display(), reason(&error))))
}

fn listed_programs(args: &BenchArgs, scratch: &Path) -> Result<Vec<Program>, Failure> {
    let folder = match umbin() {
        Some(folder) => folder,
        None => {
            unpack(scratch)?;
            scratch.to_owned()
        }
    };
    let path = folder.join("programs.toml");
    let text = files::text_of(&path)
        .map_err(|error| Failure::host(format!("cannot read {}: {}", path.display(), reason(&error))))?;
    let list: List =
        toml::from_str(&text).map_err(|error| Failure::host(format!("{}: {}", path.display(), error.message())))?;
    if list.program.is_empty() {
        return Err(Failure::host("this rum was built without programs: name an image"));
    }
    for name in &args.only {
        if !list.program.iter().any(|program| program.name == *name || program.group == *name) {
            return Err(Failure::host(format!("umbin has no program or group {name}")));
        }
    }
    let chosen = |program: &Listed| match args.only.as_slice() {
        // What is over before a process has started says nothing about machines.
        [] => program.input.is_none(),
        only => only.iter().any(|name| program.name == *name || program.group == *name),
    };
    let mut programs: Vec<Program> = list
        .program
        .iter()
        .filter(|program| chosen(program))
        .map(|program| {
            let size = match args.size {
                Size::Bench => program.bench_size,
                Size::Small => program.small,
                Size::Figure => program.figure_size,
            };
            let input = match (&program.input, size) {
                (Some(input), _) => input.clone(),
                (None, Some(size)) => format!("{size}\n"),
                (None, None) => String::new(),
            };
            Program {
                name: program.name.clone(),
                group: program.group.clone(),
                image: folder.join(format!("{}.um", program.name)),
                input: input.into_bytes(),
            }
        })
        .collect();
    // Groups stand together, in the order of their first program.
    let order: Vec<String> = programs.iter().map(|program| program.group.clone()).collect();
    programs.sort_by_key(|program| order.iter().position(|group| *group == program.group));
    Ok(programs)
}
