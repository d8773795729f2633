//! Between a program and its console: a script before standard input, what is kept, and requests that end a read.

use super::editor::{Answer, Editor, Request};
use super::output::Shown;
use super::recording::Recorder;
use crate::failure::reason;
use crate::signals::Control;
use crate::stdio::StdConsole;
use rum::Console;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

/// A failure of a file that something is kept in: not of the program's own output, whatever kind it is of.
fn cannot_keep(what: &'static str) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::other(format!("cannot write the {what}: {}", reason(&error)))
}

/// The console of a session.
pub struct SessionConsole {
    pub(super) inner: StdConsole,
    pub(super) control: Arc<Control>,
    pub(super) editor: Option<Editor>,
    /// What the program reads first, and how much of it it has read.
    pub(super) script: Vec<u8>,
    pub(super) at: usize,
    pub(super) echo: bool,
    pub(super) transcript: Option<BufWriter<File>>,
    pub(super) shown: Shown,
    /// Whether a read that the script does not serve is to end the run.
    pub(super) stops_at_input: bool,
    pub(super) wanted: Option<Request>,
    pub(super) recorder: Option<Recorder>,
}

impl SessionConsole {
    /// What a read has ended for, told once.
    pub fn take_request(&mut self) -> Option<Request> {
        self.wanted.take()
    }

    /// Input that is there and was not read by the machine.
    pub fn unread(&self) -> Vec<u8> {
        [&self.script[self.at..], self.inner.unread()].concat()
    }

    /// Has this input there and no other.
    pub fn set_unread(&mut self, bytes: Vec<u8>) {
        self.inner.feed(Vec::new());
        (self.script, self.at) = (bytes, 0);
    }

    /// Writes what is kept in the transcript.
    ///
    /// # Errors
    /// Its file's, with words for people.
    pub fn flush(&mut self) -> io::Result<()> {
        self.transcript.as_mut().map_or(Ok(()), Write::flush).map_err(cannot_keep("transcript"))
    }

    fn transcribe(&mut self, bytes: &[u8]) -> io::Result<()> {
        let transcript = self.transcript.as_mut();
        transcript.map_or(Ok(()), |out| out.write_all(bytes)).map_err(cannot_keep("transcript"))
    }

    fn record(&mut self, what: impl FnOnce(&mut Recorder) -> io::Result<()>) -> io::Result<()> {
        self.recorder.as_mut().map_or(Ok(()), what).map_err(cannot_keep("recording"))
    }

    /// The recording, if there is one.
    pub fn recorder(&mut self) -> Option<&mut Recorder> {
        self.recorder.as_mut()
    }

    /// Whether output was left out, and its place has never come by.
    pub fn showed_nothing(&self) -> bool {
        !self.shown.has_begun()
    }

    fn keep_input(&mut self, byte: Option<u8>, is_echoed: bool) -> io::Result<()> {
        if let Some(byte) = byte {
            self.transcribe(&[byte])?;
            if is_echoed {
                self.inner.write(&[byte])?;
            }
        }
        self.record(|recorder| recorder.input(byte))
    }

    /// Ends a read: something is to be done first.
    fn request(&mut self, request: Request) -> io::Error {
        self.wanted = Some(request);
        // A machine that only shows what it has put out now and then would read again.
        self.control.nudge();
        io::ErrorKind::Interrupted.into()
    }

    fn read_behind_script(&mut self) -> io::Result<Option<u8>> {
        if self.stops_at_input {
            return Err(self.request(Request::SaveAndEnd));
        }
        if let Some(editor) = self.editor.as_mut().filter(|_| !self.inner.ready()) {
            match editor.read_line()? {
                Answer::Line(line) => self.inner.feed(line),
                Answer::Request(Request::End) => return Ok(None),
                Answer::Request(request) => return Err(self.request(request)),
            }
        }
        self.inner.read()
    }
}

impl Console for SessionConsole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.record(|recorder| recorder.output(bytes))?;
        let shown = self.shown.part(bytes);
        if shown.is_empty() {
            return Ok(());
        }
        self.transcribe(shown)?;
        if let Some(editor) = &mut self.editor {
            editor.output(shown);
        }
        self.inner.write(shown)
    }

    fn read(&mut self) -> io::Result<Option<u8>> {
        if let Some(&byte) = self.script.get(self.at) {
            self.at += 1;
            self.keep_input(Some(byte), self.echo)?;
            return Ok(Some(byte));
        }
        self.flush()?;
        self.record(Recorder::flush)?;
        let byte = self.read_behind_script()?;
        // A terminal has shown it already.
        self.keep_input(byte, self.echo && self.editor.is_none())?;
        Ok(byte)
    }

    fn ready(&self) -> bool {
        self.at < self.script.len() || self.inner.ready()
    }
}
