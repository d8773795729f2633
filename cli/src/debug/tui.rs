//! The debugger on the whole terminal: code, registers, stops, output, and a line for commands, all of which are there.
//!
//! Keys for moves: F5 goes on, shift-F5 back, F10 next, F11 step, the same with shift back (F6, F7 and F8 where a terminal keeps shift to itself),
//! F9 sets a stop at the next instruction; page up and down scroll what was said. Everything else is a command.

use super::commands::{self, Done};
use super::debugger::{Debugger, Failed};
use super::view;
use crate::failure::{Failure, reason};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};
use ratatui::{DefaultTerminal, Frame};

/// Lines of what was said that are kept.
const SAID_MAX: usize = 2_000;

struct Screen<'a> {
    debugger: &'a mut Debugger,
    said: Vec<String>,
    /// How many lines one has scrolled up.
    scrolled: usize,
    line: String,
    history: Vec<String>,
    recalled: Option<usize>,
}

/// Debugs on the whole terminal, to the end of the session.
///
/// # Errors
/// The terminal cannot be used.
pub fn talk(debugger: &mut Debugger) -> Result<u8, Failure> {
    let cannot = |error: std::io::Error| Failure::host(format!("cannot use the terminal: {}", reason(&error)));
    let mut terminal = ratatui::try_init().map_err(cannot)?;
    let mut screen =
        Screen { debugger, said: Vec::new(), scrolled: 0, line: String::new(), history: Vec::new(), recalled: None };
    screen.say(
        "help lists the commands; F5 goes on, F10 next, F11 step, with shift (or F6, F7, F8) the other way; quit ends",
    );
    let result = screen.run(&mut terminal);
    ratatui::restore();
    result.map(|()| 0).map_err(cannot)
}

/// The command that a key stands for.
fn command_of(key: KeyEvent) -> Option<&'static str> {
    let back = key.modifiers.contains(KeyModifiers::SHIFT);
    Some(match (key.code, back) {
        (KeyCode::F(5), false) => "continue",
        (KeyCode::F(5), true) | (KeyCode::F(6), _) => "reverse-continue",
        (KeyCode::F(10), false) => "next",
        (KeyCode::F(10), true) | (KeyCode::F(7), _) => "reverse-next",
        (KeyCode::F(11), false) => "step",
        (KeyCode::F(11), true) | (KeyCode::F(8), _) => "reverse-step",
        (KeyCode::F(9), _) => "break",
        _ => return None,
    })
}

impl Screen<'_> {
    fn run(&mut self, terminal: &mut DefaultTerminal) -> std::io::Result<()> {
        loop {
            terminal.draw(|frame| self.draw(frame))?;
            let key = match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => key,
                Event::Paste(text) => {
                    self.line.push_str(&text.replace(['\n', '\r'], " "));
                    continue;
                }
                _ => continue,
            };
            if let Some(command) = command_of(key) {
                self.obey(command);
                continue;
            }
            match (key.code, key.modifiers.contains(KeyModifiers::CONTROL)) {
                (KeyCode::Char('d'), true) if self.line.is_empty() => return Ok(()),
                (KeyCode::Char('c' | 'u'), true) => self.line.clear(),
                (KeyCode::Char(c), false) => self.line.push(c),
                (KeyCode::Backspace, _) => _ = self.line.pop(),
                (KeyCode::PageUp, _) => self.scrolled = (self.scrolled + 5).min(self.said.len()),
                (KeyCode::PageDown, _) => self.scrolled = self.scrolled.saturating_sub(5),
                (KeyCode::Up, _) => self.recall(true),
                (KeyCode::Down, _) => self.recall(false),
                (KeyCode::Enter, _) => {
                    let line = std::mem::take(&mut self.line);
                    if !line.trim().is_empty() && !self.obey(&line) {
                        return Ok(());
                    }
                }
                _ => {}
            }
        }
    }

    /// Brings an earlier command back, or a later one.
    fn recall(&mut self, earlier: bool) {
        let at = self.recalled.unwrap_or(self.history.len());
        let at = if earlier { at.saturating_sub(1) } else { (at + 1).min(self.history.len()) };
        self.line = self.history.get(at).cloned().unwrap_or_default();
        self.recalled = Some(at);
    }

    fn say(&mut self, text: &str) {
        self.said.extend(text.lines().map(str::to_owned));
        let surplus = self.said.len().saturating_sub(SAID_MAX);
        self.said.drain(..surplus);
        self.scrolled = 0;
    }

    /// Does what a line says; false if it ends the session.
    fn obey(&mut self, line: &str) -> bool {
        self.recalled = None;
        if self.history.last().is_none_or(|last| last != line) {
            self.history.push(line.to_owned());
        }
        self.say(&format!("> {line}"));
        let done: Result<Done, Failed> = commands::run(self.debugger, line);
        match done {
            Ok(Done::Quit) => return false,
            Ok(Done::Text(text)) => self.say(&text),
            Err(error) => self.say(&error.to_string()),
        }
        true
    }

    fn draw(&mut self, frame: &mut Frame) {
        let [top, bottom, line] =
            Layout::vertical([Constraint::Percentage(60), Constraint::Min(4), Constraint::Length(1)])
                .areas(frame.area());
        let [code, state] = Layout::horizontal([Constraint::Min(40), Constraint::Length(34)]).areas(top);
        self.draw_code(frame, code);
        self.draw_state(frame, state);
        let height = usize::from(bottom.height.saturating_sub(2));
        let end = self.said.len().saturating_sub(self.scrolled).max(height.min(self.said.len()));
        let shown: Vec<Line> =
            self.said[end.saturating_sub(height)..end].iter().map(|line| Line::raw(line.as_str())).collect();
        frame.render_widget(Paragraph::new(shown).block(Block::bordered().title(" said ")), bottom);
        let prompt = format!("(rum) {}", self.line);
        let column = prompt.chars().count() as u16;
        frame.render_widget(Paragraph::new(prompt), line);
        frame.set_cursor_position(Position::new(line.x + column.min(line.width.saturating_sub(1)), line.y));
    }

    fn draw_code(&mut self, frame: &mut Frame, area: Rect) {
        let height = usize::from(area.height.saturating_sub(2));
        let from = self.debugger.machine().pc().saturating_sub(height as u32 / 3);
        let listing = view::listing(self.debugger, from, height);
        let style = |line: &str| match line.chars().next() {
            Some('>') => Style::new().add_modifier(Modifier::REVERSED),
            Some(c) if c != ' ' => Style::new().add_modifier(Modifier::BOLD),
            _ => Style::new(),
        };
        // Labels take lines of their own; the next instruction is to be seen all the same.
        let lines: Vec<&str> = listing.lines().collect();
        let next = lines.iter().position(|line| line.starts_with('>')).unwrap_or_default();
        let skip = (next + 1).saturating_sub(height);
        let lines: Vec<Line> = lines.iter().skip(skip).map(|line| Line::styled(*line, style(line))).collect();
        let title = format!(" {} ", self.debugger.name);
        frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(title)), area);
    }

    fn draw_state(&mut self, frame: &mut Frame, area: Rect) {
        let machine = self.debugger.machine();
        let mut lines: Vec<Line> = (0..8)
            .map(|reg| {
                let value = machine.registers()[reg];
                Line::from(vec![Span::raw(format!("r{reg} ")), Span::raw(format!("{value:>10} {value:#010x}"))])
            })
            .collect();
        lines.push(Line::raw(format!("pc {:>10}", machine.pc())));
        lines.push(Line::raw(format!("after {}", self.debugger.line.now())));
        lines.push(Line::raw(""));
        for stop in self.debugger.breaks() {
            lines.push(Line::raw(format!("stop {} {}", stop.id, stop.what)));
        }
        lines.push(Line::raw(""));
        let tape = self.debugger.line.stage.tape();
        let end = tape.put.saturating_sub(tape.before) as usize;
        let start = end.saturating_sub(400);
        let output = String::from_utf8_lossy(&tape.output[start..end]).into_owned();
        drop(tape);
        let room = usize::from(area.height.saturating_sub(2)).saturating_sub(lines.len());
        let shown: Vec<&str> = output.lines().collect();
        lines.extend(shown[shown.len().saturating_sub(room)..].iter().map(|line| Line::raw((*line).to_owned())));
        frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" registers, stops, output ")), area);
    }
}
