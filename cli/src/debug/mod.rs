//! `rum debug`: stop, look, go on, and go back.
//!
//! Files: `timeline.rs` a run in both directions, `stage.rs` what it reads and puts out; `debugger.rs` what a debugger does, `moves.rs` steps, `stops.rs` what it
//! stops for, `value.rs` expressions, `whence.rs` where something comes from; `commands.rs` and `view.rs` that as text, `prompt.rs` lines from a
//! terminal; `tui.rs` the whole of it; `dap/` for editors; `fuzz.rs` for tests.

mod commands;
mod dap;
mod debugger;
pub mod fuzz;
mod moves;
mod prompt;
mod stage;
mod stops;
mod timeline;
mod tui;
mod value;
mod view;
mod whence;

use self::commands::Done;
use self::debugger::Debugger;
use self::timeline::Timeline;
use crate::cli::debug::DebugArgs;
use crate::config::{Image, RunConfig};
use crate::failure::{Failure, reason};
use crate::files;
use crate::origin::Origin;
use crate::run::cannot_start;
use crate::signals::Control;
use rum::{Machine, Scripted, SetupError};
use serde_json::{Map, Value};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::Arc;

/// Debugs a program.
///
/// # Errors
/// It cannot be started, or a script has a command that cannot be done.
pub fn debug(args: DebugArgs) -> Result<u8, Failure> {
    if args.dap || args.dap_port.is_some() {
        let launch = |wanted: &Map<String, Value>, control: Arc<Control>| {
            let mut args = args.clone();
            let path = |name: &str| wanted.get(name).and_then(Value::as_str).map(PathBuf::from);
            args.image = Some(path("program").or(args.image).ok_or("launch says no program")?);
            args.input = path("input").or(args.input);
            args.symbols = path("symbols").or(args.symbols);
            start(&args, control).map_err(|failure| failure.text)
        };
        return match args.dap_port {
            Some(port) => dap::on_port(port, &launch),
            None => dap::on_stdio(&launch),
        };
    }
    let control = Control::new().map_err(|error| Failure::host(reason(&error)))?;
    control.interrupt_at_signals().map_err(|error| Failure::host(reason(&error)))?;
    let (script, more) = (args.execute.clone(), args.commands.clone());
    let mut debugger = start(&args, control)?;
    for command in &more {
        if !obey(&mut debugger, command)? {
            return Ok(0);
        }
    }
    if let Some(path) = &script {
        let text = files::text_of(path)
            .map_err(|error| Failure::host(format!("cannot read the script {}: {}", path.display(), reason(&error))))?;
        for line in text.lines() {
            if !obey(&mut debugger, line)? {
                return Ok(0);
            }
        }
        return Ok(0);
    }
    if args.tui { tui::talk(&mut debugger) } else { prompt::talk(&mut debugger) }
}

/// A debugger at the beginning of a program, or where a snapshot was taken.
fn start(args: &DebugArgs, control: Arc<Control>) -> Result<Debugger, Failure> {
    let (config, image) = RunConfig::new(args.run()?)?;
    let mut image = BufReader::new(image.reader(&control));
    let start = image.fill_buf().map_err(|error| cannot_start(&config.name, &SetupError::Read(error)))?;
    let (config, origin) = if start.starts_with(rum::SNAPSHOT_MAGIC) {
        let (config, image) = RunConfig::resume(args.run()?)?;
        let Image::Snapshot(bytes) = image else { unreachable!("a snapshot is resumed") };
        (config, Origin::Snapshot(bytes))
    } else {
        let machine = Machine::from_reader(&mut image, Box::new(Scripted::default()), &config.machine)
            .map_err(|error| cannot_start(&config.name, &error))?;
        let words = machine.segment(0).unwrap_or_default().to_vec();
        (config, Origin::Program(words))
    };
    let cannot = |error: &dyn std::fmt::Display| Failure::host(format!("cannot debug {}: {error}", config.name));
    let bytes_max = usize::try_from(args.history).unwrap_or(usize::MAX);
    let line =
        Timeline::new(origin, &config.machine, &config.options, control, bytes_max).map_err(|error| cannot(&error))?;
    if let Some(path) = &args.input {
        let bytes = files::bytes_of(path)
            .map_err(|error| Failure::host(format!("cannot read the input {}: {}", path.display(), reason(&error))))?;
        let mut tape = line.stage.tape();
        (tape.waiting, tape.ends) = (bytes.into(), true);
    }
    Ok(Debugger::new(line, config.name.clone(), Arc::clone(&config.symbols)))
}

/// Does what a line says, and shows what comes of it. False if it ends the session.
///
/// # Errors
/// It cannot be done.
fn obey(debugger: &mut Debugger, line: &str) -> Result<bool, Failure> {
    match commands::run(debugger, line) {
        Ok(Done::Quit) => Ok(false),
        Ok(Done::Text(text)) => {
            files::print(&text)?;
            Ok(true)
        }
        Err(error) => Err(Failure { status: 1, text: format!("{line}: {error}") }),
    }
}
