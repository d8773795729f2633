//! Lines from a terminal, edited before the program reads them: on a thread of its own, because nothing else could end the wait for a key.
//!
//! The text that the program has put out since the last end of a line is the prompt, for it is drawn anew with each key. F5 saves the
//! session, F9 takes it back to where it was saved last. An interrupt gives up the line; the second in a row ends the run.

/// What a read has ended for.
#[cfg_attr(not(unix), expect(dead_code, reason = "what a key asks for"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The end of input, this once.
    End,
    /// To save everything, and go on.
    Save,
    /// To go back to what was saved.
    Restore,
    /// To save everything, and end.
    SaveAndEnd,
}

/// What came of asking for a line.
#[cfg_attr(not(unix), expect(dead_code, reason = "nobody is asked"))]
#[derive(Debug)]
pub enum Answer {
    /// A line, with its end.
    Line(Vec<u8>),
    /// Something else.
    Request(Request),
}

#[cfg(unix)]
pub use os::Editor;

/// Where lines cannot be edited they come as they are.
#[cfg(not(unix))]
mod other {
    use super::Answer;
    use crate::signals::Control;
    use std::io;
    use std::sync::Arc;

    #[derive(Debug)]
    pub enum Editor {}

    impl Editor {
        pub fn is_possible() -> bool {
            false
        }

        pub fn start(_: &Arc<Control>) -> io::Result<Editor> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub fn output(&mut self, _: &[u8]) {}

        pub fn read_line(&mut self) -> io::Result<Answer> {
            match *self {}
        }
    }
}

#[cfg(not(unix))]
pub use other::Editor;

#[cfg(unix)]
mod os {
    use super::{Answer, Request};
    use crate::failure::say;
    use crate::signals::{Cause, Control};
    use crate::stdio::os::read;
    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
    use rustyline::error::ReadlineError;
    use rustyline::{
        Cmd, ConditionalEventHandler, DefaultEditor, Event, EventContext, EventHandler, KeyCode, KeyEvent,
    };
    use std::io::{self, IsTerminal, PipeReader, Write};
    use std::os::fd::AsFd;
    use std::sync::atomic::{AtomicU8, Ordering};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::sync::{Arc, OnceLock};

    /// The longest part of a line that is drawn anew.
    const PROMPT_BYTES_MAX: usize = 512;

    /// The lines of a session, from a terminal.
    pub struct Editor {
        control: Arc<Control>,
        /// What the program has put out since the last end of a line.
        line: Vec<u8>,
        ask: Sender<String>,
        answers: Receiver<io::Result<Answer>>,
        /// Gives a byte with each answer: this can be waited for together with the control.
        ready: PipeReader,
        before: Option<Termios>,
    }

    impl std::fmt::Debug for Editor {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("Editor").field("line", &self.line).finish_non_exhaustive()
        }
    }

    /// The key that was pressed, if it was one that ends a line by itself.
    struct Key {
        pressed: Arc<AtomicU8>,
        request: Request,
    }

    impl ConditionalEventHandler for Key {
        fn handle(&self, _: &Event, _: u16, _: bool, _: &EventContext) -> Option<Cmd> {
            self.pressed.store(self.request as u8 + 1, Ordering::Release);
            Some(Cmd::AcceptLine)
        }
    }

    impl Editor {
        /// Whether somebody sits there who could edit lines.
        pub fn is_possible() -> bool {
            static POSSIBLE: OnceLock<bool> = OnceLock::new();
            *POSSIBLE.get_or_init(|| {
                let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
                io::stdin().is_terminal() && io::stdout().is_terminal() && !dumb
            })
        }

        /// Starts the thread, which waits until a line is asked for.
        ///
        /// # Errors
        /// The system has no pipes or threads.
        pub fn start(control: &Arc<Control>) -> io::Result<Editor> {
            let (ready, mut told) = io::pipe()?;
            let (ask, asked) = channel::<String>();
            let (answer, answers) = channel();
            let before = tcgetattr(rustix::stdio::stdin()).ok();
            let run = Arc::clone(control);
            std::thread::Builder::new().name("rum-editor".to_owned()).spawn(move || {
                let mut lines = Lines::new(run).map_err(io::Error::other);
                while let Ok(prompt) = asked.recv() {
                    let line = match &mut lines {
                        Ok(lines) => lines.next(&prompt).transpose(),
                        Err(error) => {
                            Some(Err(io::Error::other(format!("no line can be edited: {error} (--no-edit?)"))))
                        }
                    };
                    let Some(line) = line else { return };
                    // Where nobody listens the run is over.
                    if answer.send(line).is_err() || told.write_all(&[0]).is_err() {
                        return;
                    }
                }
            })?;
            Ok(Editor { control: Arc::clone(control), line: Vec::new(), ask, answers, ready, before })
        }

        /// Takes note of what the program puts out.
        pub fn output(&mut self, bytes: &[u8]) {
            match bytes.iter().rposition(|&byte| byte == b'\n') {
                Some(at) => self.line = bytes[at + 1..].to_vec(),
                None => self.line.extend_from_slice(bytes),
            }
            let surplus = self.line.len().saturating_sub(PROMPT_BYTES_MAX);
            self.line.drain(..surplus);
        }

        /// Waits for a line, or a key.
        ///
        /// # Errors
        /// The run is to end, and then the terminal is as it was before.
        pub fn read_line(&mut self) -> io::Result<Answer> {
            let prompt = String::from_utf8_lossy(&self.line).into_owned();
            let asked = self.ask.send(prompt).is_ok();
            let waited = if asked { read(&self.control, self.ready.as_fd(), &mut [0]) } else { Ok(0) };
            match waited {
                Ok(1) => {
                    let answer = self.answers.recv().map_err(|_| io::ErrorKind::UnexpectedEof)??;
                    if matches!(answer, Answer::Line(_)) {
                        self.line.clear();
                    }
                    Ok(answer)
                }
                Ok(_) if self.control.cause().is_none() => Ok(Answer::Request(Request::End)),
                // Who interrupts ends the thread, too: that is no end of input.
                waited => {
                    if let Some(before) = &self.before {
                        // There is nobody left who could be told.
                        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, before);
                    }
                    Err(waited.err().unwrap_or_else(|| io::ErrorKind::Interrupted.into()))
                }
            }
        }
    }

    /// Where the lines come from.
    struct Lines {
        control: Arc<Control>,
        editor: DefaultEditor,
        pressed: Arc<AtomicU8>,
        /// A line that was not finished when a key was pressed.
        unfinished: String,
        interrupted: bool,
    }

    impl Lines {
        fn new(control: Arc<Control>) -> Result<Lines, ReadlineError> {
            let mut editor = DefaultEditor::new()?;
            let pressed = Arc::new(AtomicU8::new(0));
            for (key, request) in [(5, Request::Save), (9, Request::Restore)] {
                let handler = Key { pressed: Arc::clone(&pressed), request };
                editor.bind_sequence(
                    KeyEvent(KeyCode::F(key), rustyline::Modifiers::NONE),
                    EventHandler::Conditional(Box::new(handler)),
                );
            }
            // A tab is a character like others: there is nothing to complete.
            editor.bind_sequence(KeyEvent(KeyCode::Tab, rustyline::Modifiers::NONE), Cmd::SelfInsert(1, '\t'));
            Ok(Lines { control, editor, pressed, unfinished: String::new(), interrupted: false })
        }

        /// The next line, or what was pressed; none if the run ends.
        ///
        /// # Errors
        /// The terminal's.
        fn next(&mut self, prompt: &str) -> io::Result<Option<Answer>> {
            loop {
                let unfinished = std::mem::take(&mut self.unfinished);
                let read = self.editor.readline_with_initial(prompt, (&unfinished, ""));
                let again = std::mem::replace(&mut self.interrupted, false);
                match read {
                    Ok(line) => match self.pressed.swap(0, Ordering::AcqRel) {
                        0 => {
                            // A history that takes no more is none the worse.
                            let _ = self.editor.add_history_entry(&line);
                            return Ok(Some(Answer::Line((line + "\n").into_bytes())));
                        }
                        key => {
                            self.unfinished = line;
                            let request = if key == Request::Save as u8 + 1 { Request::Save } else { Request::Restore };
                            return Ok(Some(Answer::Request(request)));
                        }
                    },
                    Err(ReadlineError::Interrupted) if again => {
                        self.control.stop(Cause::Interrupt);
                        return Ok(None);
                    }
                    Err(ReadlineError::Interrupted) => {
                        say("press ^C again to end the session, ^D to end its input");
                        self.interrupted = true;
                    }
                    Err(ReadlineError::Eof) => return Ok(Some(Answer::Request(Request::End))),
                    Err(error) => return Err(io::Error::other(format!("no line can be read: {error}"))),
                }
            }
        }
    }
}
