//! How far a measurement is.

use crate::failure::say;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A bar on standard error, where that is a terminal; else a line now and then.
pub struct Progress {
    bar: ProgressBar,
    programs: usize,
    /// When the last line was written.
    line: Cell<Instant>,
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
        Progress { bar, programs, line: Cell::new(Instant::now()) }
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
        if self.bar.is_hidden() && self.line.get().elapsed() >= LINE_EVERY {
            self.line.set(Instant::now());
            let at = self.bar.position() + 1;
            say(format_args!("program {at} of {}: {}, run {run}", self.programs, self.bar.message()));
        }
    }

    /// All is over.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
