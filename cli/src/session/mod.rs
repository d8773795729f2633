//! Sessions: a program that is played with. What it is given beside standard input, what is kept of what it reads and puts out, and when
//! everything is saved.
//!
//! Files: `console.rs` between the program and its console, `ends.rs` that or plain standard input and output, `output.rs` what is shown from where on, `save.rs` snapshots in files,
//! `recording.rs` what a recording is and who writes it, `editor.rs` lines from a terminal, `drive.rs` a run that is saved, resumed and recorded.

pub mod console;
pub mod drive;
pub mod editor;
pub mod ends;
mod output;
pub mod recording;
pub mod save;

use self::console::SessionConsole;
use self::editor::Editor;
use self::ends::Ends;
use self::output::Shown;
use self::recording::Recorder;
use crate::apart::Apart;
use crate::cli::session::SessionArgs;
use crate::cli::values::{Mark, SaveAt};
use crate::failure::{Failure, reason};
use crate::files;
use crate::signals::Control;
use crate::stdio::StdConsole;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A session, decided.
#[derive(Debug, Default)]
pub struct Session {
    /// What the program reads before standard input.
    script: Vec<u8>,
    echo: bool,
    transcript: Option<BufWriter<File>>,
    from: Option<Mark>,
    /// Whether lines from a terminal can be edited.
    edits: bool,
    /// When to save; where, then or by a key.
    save_at: Option<SaveAt>,
    save_path: PathBuf,
    /// Whether to save there when the run is interrupted.
    saves_at_interrupt: bool,
    record: Option<File>,
}

impl Session {
    /// What was asked for; `apart` makes files that are not the image.
    ///
    /// # Errors
    /// A file cannot be read, or be had to write to.
    pub fn of(args: &SessionArgs, image: &Path, pending: Vec<u8>, apart: &Apart<'_>) -> Result<Session, Failure> {
        let mut script = pending;
        if let Some(path) = &args.input_script {
            let text = files::bytes_of(path).map_err(|error| {
                Failure::host(format!("cannot read the script {}: {}", path.display(), reason(&error)))
            })?;
            script.extend(text);
        }
        let file =
            |path: &Option<PathBuf>| path.as_ref().map(|path| apart.create(path).map(|(file, _)| file)).transpose();
        Ok(Session {
            script,
            echo: args.echo,
            transcript: file(&args.transcript)?.map(BufWriter::new),
            from: args.output_from.clone(),
            edits: !args.no_edit,
            save_at: args.save_at,
            save_path: args.save.clone().unwrap_or_else(|| save::path_beside(image)),
            saves_at_interrupt: args.save.is_some() && args.save_at.is_none(),
            record: file(&args.record)?,
        })
    }

    /// Whether instructions have to be counted.
    pub fn counts(&self) -> bool {
        self.save_at.is_some() || self.saves_at_interrupt || self.record.is_some() || self.is_edited()
    }

    /// Whether lines are edited before the program reads them.
    fn is_edited(&self) -> bool {
        self.edits && Editor::is_possible()
    }

    /// When to save, if at all.
    pub fn save_at(&self) -> Option<SaveAt> {
        self.save_at
    }

    /// Whether to save when the run is interrupted.
    pub fn saves_at_interrupt(&self) -> bool {
        self.saves_at_interrupt
    }

    /// Where to save.
    pub fn save_path(&self) -> &Path {
        &self.save_path
    }

    /// Whether it is no more than a run.
    fn is_plain(&self) -> bool {
        let keeps = self.transcript.is_some() || self.record.is_some() || self.save_at.is_some();
        self.script.is_empty() && self.from.is_none() && !self.echo && !keeps && !self.is_edited()
    }

    /// The console of the session, on standard input and output.
    ///
    /// # Errors
    /// The system has no pipes or threads.
    pub fn console(&mut self, control: &Arc<Control>, with_input: bool) -> io::Result<Ends> {
        let inner = StdConsole::new(control, with_input);
        if self.is_plain() {
            return Ok(Ends::Plain(inner));
        }
        let editor = (with_input && self.is_edited()).then(|| Editor::start(control)).transpose()?;
        Ok(Ends::Session(Box::new(SessionConsole {
            inner,
            control: Arc::clone(control),
            editor,
            script: std::mem::take(&mut self.script),
            at: 0,
            echo: self.echo,
            transcript: self.transcript.take(),
            shown: Shown::from(self.from.take()),
            stops_at_input: self.save_at == Some(SaveAt::Input),
            wanted: None,
            recorder: self.record.take().map(Recorder::new),
        })))
    }
}
