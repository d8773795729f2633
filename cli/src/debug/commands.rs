//! The commands of the debugger, as they are typed and as scripts have them.

use super::debugger::{Debugger, Failed, Stopped};
use super::stops::Condition;
use super::stops::{What, operator};
use super::value::Expr;
use super::{view, whence};
use crate::cli::values::parse_count;
use crate::human;
use crate::session::save;
use rum::WatchedWord;
use std::fmt::Write;
use std::path::Path;

/// What a command comes to.
pub enum Done {
    /// A text to show, and on with the next command.
    Text(String),
    /// The end of the session.
    Quit,
}

/// A command: its names, what is written behind them, and what it does.
pub struct Command {
    /// The names, the first of which is told.
    pub names: &'static [&'static str],
    /// What stands behind it.
    pub takes: &'static str,
    /// What it does.
    pub help: &'static str,
    run: fn(&mut Debugger, &str) -> Result<String, Failed>,
}

/// All commands but `quit`.
pub const COMMANDS: &[Command] = &[
    Command {
        names: &["continue", "c"],
        takes: "",
        help: "go on to the next stop",
        run: |debugger, _| moved(debugger, Debugger::go_on),
    },
    Command {
        names: &["step", "s"],
        takes: "[N]",
        help: "execute one instruction, or N",
        run: |debugger, rest| {
            let count = count_or(rest, 1)?;
            moved(debugger, |debugger| debugger.step(count))
        },
    },
    Command {
        names: &["next", "n"],
        takes: "[N]",
        help: "as step, but a call with all that it leads to",
        run: |debugger, rest| repeated(debugger, rest, Debugger::next),
    },
    Command {
        names: &["line", "ln"],
        takes: "",
        help: "go on to another line of the source, over calls",
        run: |debugger, _| moved(debugger, |debugger| debugger.line(true)),
    },
    Command {
        names: &["reverse-line", "rl"],
        takes: "",
        help: "go back to the beginning of the line before",
        run: |debugger, _| moved(debugger, Debugger::line_back),
    },
    Command {
        names: &["finish"],
        takes: "",
        help: "go on until the procedure returns",
        run: |debugger, _| moved(debugger, Debugger::finish),
    },
    Command {
        names: &["until", "u"],
        takes: "PC|LABEL|FILE:LINE",
        help: "go on until there",
        run: |debugger, rest| {
            let pc = pc_of(debugger, rest)?;
            debugger.add(What::Pc(pc), None, true);
            let text = moved(debugger, Debugger::go_on);
            debugger.remove(|stop| stop.once && stop.what == What::Pc(pc));
            text
        },
    },
    Command {
        names: &["reverse-continue", "rc"],
        takes: "",
        help: "go back to the last stop",
        run: |debugger, _| moved(debugger, Debugger::go_back),
    },
    Command {
        names: &["reverse-step", "rs"],
        takes: "[N]",
        help: "go back by one instruction, or N",
        run: |debugger, rest| {
            let count = count_or(rest, 1)?;
            moved(debugger, |debugger| debugger.step_back(count))
        },
    },
    Command {
        names: &["reverse-next", "rn"],
        takes: "[N]",
        help: "as reverse-step, but before the call that has returned",
        run: |debugger, rest| repeated(debugger, rest, Debugger::next_back),
    },
    Command {
        names: &["reverse-finish", "rf"],
        takes: "",
        help: "go back to the call of the procedure",
        run: |debugger, _| moved(debugger, Debugger::finish_back),
    },
    Command {
        names: &["goto", "g"],
        takes: "N|start|end",
        help: "go to after so many instructions, wherever that is",
        run: |debugger, rest| {
            let moment = match rest {
                "start" => debugger.line.first(),
                "end" => u64::MAX,
                _ => count_or(rest, u64::MAX)?,
            };
            moved(debugger, |debugger| debugger.goto(moment))
        },
    },
    Command {
        names: &["break", "b"],
        takes: "PC|LABEL|FILE:LINE|op NAME|output [N]|input [if EXPR]",
        help: "stop there",
        run: |debugger, rest| stop_at(debugger, rest, false),
    },
    Command {
        names: &["tbreak"],
        takes: "...",
        help: "as break, once",
        run: |debugger, rest| stop_at(debugger, rest, true),
    },
    Command {
        names: &["watch", "w"],
        takes: "rN|m[SEGMENT][OFFSET] [if EXPR]",
        help: "stop at changes of a register or a word",
        run: watch,
    },
    Command {
        names: &["delete", "d"],
        takes: "[N]",
        help: "take a stop away, or all",
        run: |debugger, rest| {
            let gone = match rest {
                "" => debugger.remove(|_| true),
                _ => {
                    let id = count_or(rest, 0)?;
                    debugger.remove(|stop| u64::from(stop.id) == id)
                }
            };
            if gone == 0 { Err(format!("there is no stop {rest}").into()) } else { Ok(String::new()) }
        },
    },
    Command { names: &["stops", "info"], takes: "", help: "list the stops", run: |debugger, _| Ok(stops(debugger)) },
    Command {
        names: &["print", "p"],
        takes: "EXPR",
        help: "show a value: r3, pc, count, m[r1][4], 'A', labels, + - * / % & == != < <= > >= && ||",
        run: |debugger, rest| {
            let value = debugger.expr(rest)?.value(debugger.machine())?;
            Ok(format!("{}\n", view::number(value)))
        },
    },
    Command {
        names: &["registers", "regs", "r"],
        takes: "",
        help: "show the registers",
        run: |debugger, _| Ok(format!("{}\n", rum::fault::format_registers(&debugger.machine().registers()))),
    },
    Command {
        names: &["memory", "x"],
        takes: "SEGMENT [OFFSET [WORDS]]",
        help: "show words of a segment",
        run: memory,
    },
    Command { names: &["segments"], takes: "[N]", help: "list the active segments, the longest first", run: segments },
    Command { names: &["list", "l"], takes: "[PC|LABEL [N]]", help: "show instructions", run: list },
    Command {
        names: &["backtrace", "bt"],
        takes: "",
        help: "show the procedures that were called and have not returned",
        run: backtrace,
    },
    Command {
        names: &["where"],
        takes: "",
        help: "show where it is",
        run: |debugger, _| Ok(format!("{}\n", view::position(debugger))),
    },
    Command {
        names: &["output"],
        takes: "[N]",
        help: "show what was put out up to here, or the last N bytes of it",
        run: output,
    },
    Command {
        names: &["input"],
        takes: "TEXT",
        help: "give the program a line to read",
        run: |debugger, rest| {
            let text = unescape(rest);
            debugger.line.stage.tape().waiting.extend(text.bytes());
            Ok(String::new())
        },
    },
    Command {
        names: &["input-end"],
        takes: "",
        help: "end the program's input",
        run: |debugger, _| {
            debugger.line.stage.tape().ends = true;
            Ok(String::new())
        },
    },
    Command {
        names: &["whence"],
        takes: "output N|rN|m[SEGMENT][OFFSET]",
        help: "tell where a byte of the output (the first is 0, the last -1), a register or a word comes from",
        run: whence,
    },
    Command {
        names: &["save"],
        takes: "FILE",
        help: "save everything here, for rum resume",
        run: |debugger, rest| {
            if rest.is_empty() {
                return Err("save to which file?".into());
            }
            if !debugger.may_write {
                return Err("no files are written here".into());
            }
            let name = debugger.name.clone();
            save::to_file(debugger.line.vm(), &name, Path::new(rest)).map_err(|failure| failure.text)?;
            Ok(format!("saved in {rest}\n"))
        },
    },
    Command { names: &["echo"], takes: "TEXT", help: "show a text", run: |_, rest| Ok(format!("{rest}\n")) },
];

/// Does what a line says.
///
/// # Errors
/// There is no such command, or it cannot be done; the text says why.
pub fn run(debugger: &mut Debugger, line: &str) -> Result<Done, Failed> {
    // What the command before was ended by does not end this one.
    debugger.line.control().forget();
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(Done::Text(String::new()));
    }
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match name {
        "quit" | "q" | "exit" => return Ok(Done::Quit),
        "help" | "h" | "?" => return Ok(Done::Text(help())),
        _ => {}
    }
    match COMMANDS.iter().find(|command| command.names.contains(&name)) {
        Some(command) => (command.run)(debugger, rest.trim()).map(Done::Text),
        None => Err(format!("there is no command {name} (help lists them)").into()),
    }
}

fn help() -> String {
    let mut text = String::new();
    for command in COMMANDS {
        let usage = format!("{} {}", command.names.join(", "), command.takes);
        let _ = writeln!(text, "  {usage:<44}  {}", command.help);
    }
    text + "  quit, q                                       end the session\n"
}

fn count_or(text: &str, default: u64) -> Result<u64, Failed> {
    if text.is_empty() { Ok(default) } else { Ok(parse_count(text)?) }
}

/// Moves, and tells where that led to.
fn moved(debugger: &mut Debugger, to: impl FnOnce(&mut Debugger) -> Result<Stopped, Failed>) -> Result<String, Failed> {
    let stopped = to(debugger)?;
    let mut text = String::new();
    let fresh = debugger.line.stage.tape().take_fresh();
    if !fresh.is_empty() {
        let shown = String::from_utf8_lossy(&fresh);
        let _ = write!(text, "{shown}{}", if shown.ends_with('\n') { "" } else { "\n" });
    }
    if let Some(why) = view::stopped(debugger, &stopped) {
        let _ = writeln!(text, "{why}");
    }
    let _ = writeln!(text, "{}", view::position(debugger));
    Ok(text)
}

/// Moves so often, or until something stops it.
fn repeated(
    debugger: &mut Debugger,
    times: &str,
    to: impl Fn(&mut Debugger) -> Result<Stopped, Failed>,
) -> Result<String, Failed> {
    let times = count_or(times, 1)?;
    moved(debugger, |debugger| {
        for _ in 0..times {
            match to(debugger)? {
                Stopped::There => {}
                other => return Ok(other),
            }
        }
        Ok(Stopped::There)
    })
}

/// The word that a text names: an offset, a label, or a line of a source.
///
/// # Errors
/// There is no such word.
pub fn pc_of(debugger: &mut Debugger, text: &str) -> Result<u32, Failed> {
    let (places, words) = (debugger.places(), debugger.words());
    if let Some((file, line)) = text.rsplit_once(':')
        && let Ok(line) = line.parse()
    {
        return places.word_of_line(file, line).ok_or_else(|| format!("no instruction comes from {text}").into());
    }
    Ok(places.offset_of(text, words)?)
}

/// Splits a condition off.
fn condition<'a>(debugger: &mut Debugger, text: &'a str) -> Result<(&'a str, Option<Condition>), Failed> {
    let (what, condition) = match text.split_once(" if ") {
        Some((what, condition)) => (what.trim(), condition.trim()),
        None => return Ok((text, None)),
    };
    Ok((what, Some((debugger.expr(condition)?, condition.to_owned()))))
}

fn stop_at(debugger: &mut Debugger, rest: &str, once: bool) -> Result<String, Failed> {
    let (what, condition) = condition(debugger, rest)?;
    let (first, more) = what.split_once(' ').unwrap_or((what, ""));
    let what = match first {
        "" => What::Pc(debugger.machine().pc()),
        "op" => What::Op(operator(more.trim())?),
        "output" if more.is_empty() => What::Output(None),
        "output" => What::Output(Some(count_or(more.trim(), 1)?)),
        "input" => What::Input,
        _ => What::Pc(pc_of(debugger, what)?),
    };
    let told = condition.as_ref().map_or_else(String::new, |(_, text)| format!(" if {text}"));
    let id = debugger.add(what.clone(), condition, once);
    Ok(format!("stop {id}: {}{told}\n", described(debugger, &what)))
}

/// What a stop is about, with the place in the source.
fn described(debugger: &mut Debugger, what: &What) -> String {
    match what {
        What::Pc(pc) => debugger.places().at(*pc).map_or_else(|| what.to_string(), |place| format!("{what}, {place}")),
        _ => what.to_string(),
    }
}

/// What an expression names that can be watched.
///
/// # Errors
/// It names nothing of the kind.
pub fn watched(debugger: &mut Debugger, text: &str) -> Result<What, Failed> {
    let number = |value: u64| u32::try_from(value).map_err(|_| format!("{value} is no number of 32 bits"));
    match debugger.expr(text)? {
        Expr::Register(reg) => Ok(What::Register(reg)),
        Expr::Word(segment, offset) => {
            let (segment, offset) = (segment.value(debugger.machine())?, offset.value(debugger.machine())?);
            Ok(What::Word(WatchedWord { segment: number(segment)?, offset: number(offset)? }))
        }
        _ => Err("a register (r3) or a word (m[0][5]) can be watched".into()),
    }
}

fn watch(debugger: &mut Debugger, rest: &str) -> Result<String, Failed> {
    let (what, condition) = condition(debugger, rest)?;
    let what = watched(debugger, what)?;
    let id = debugger.add(what.clone(), condition, false);
    Ok(format!("stop {id}: changes of {what}\n"))
}

fn stops(debugger: &mut Debugger) -> String {
    let all = debugger.breaks().to_vec();
    if all.is_empty() {
        return "no stops (break and watch set them)\n".to_owned();
    }
    let line = |debugger: &mut Debugger, stop: &super::stops::Break| {
        let condition = stop.condition.as_ref().map_or_else(String::new, |(_, text)| format!(" if {text}"));
        let what = described(debugger, &stop.what);
        format!("{:>4}  {what}{condition}, hit {}\n", stop.id, human::number_of(stop.hits, "time"))
    };
    all.iter().map(|stop| line(debugger, stop)).collect()
}

fn memory(debugger: &mut Debugger, rest: &str) -> Result<String, Failed> {
    let mut values = Vec::new();
    for text in rest.split_whitespace() {
        values.push(debugger.expr(text)?.value(debugger.machine())?);
    }
    let (Some(&segment), offset, count) = (values.first(), values.get(1).copied().unwrap_or(0), values.get(2)) else {
        return Err("memory of which segment?".into());
    };
    let words = u32::try_from(segment).ok().and_then(|id| debugger.machine().segment(id));
    let words = words.ok_or_else(|| format!("there is no segment {segment}"))?;
    let count = count.copied().unwrap_or(64);
    Ok(format!(
        "segment {segment}, {}\n{}",
        human::number_of(words.len() as u64, "word"),
        view::words(words, offset as usize, count as usize)
    ))
}

fn segments(debugger: &mut Debugger, rest: &str) -> Result<String, Failed> {
    let shown = count_or(rest, 20)? as usize;
    let all = debugger.segments();
    let total: u64 = all.iter().map(|&(_, words)| u64::from(words)).sum();
    let mut text = format!(
        "{} with {} beside the program, which has {}\n",
        human::number_of(all.len() as u64, "segment"),
        human::number_of(total, "word"),
        human::number_of(debugger.words() as u64, "word")
    );
    for (id, words) in all.iter().take(shown) {
        let _ = writeln!(text, "{id:>12}  {}", human::number_of(u64::from(*words), "word"));
    }
    Ok(text)
}

fn list(debugger: &mut Debugger, rest: &str) -> Result<String, Failed> {
    let mut parts = rest.split_whitespace();
    let from = match parts.next() {
        Some(at) => pc_of(debugger, at)?,
        None => debugger.machine().pc().saturating_sub(5),
    };
    let lines = count_or(parts.next().unwrap_or(""), 16)? as usize;
    Ok(view::listing(debugger, from, lines))
}

fn backtrace(debugger: &mut Debugger, _: &str) -> Result<String, Failed> {
    let frames = debugger.call_stack()?;
    let places = debugger.places();
    let name = |pc: u32| match places.label_before(pc) {
        Some((label, 0)) => label.to_owned(),
        Some((label, words)) => format!("{label}+{words}"),
        None => format!("pc {pc}"),
    };
    let mut text = String::new();
    for (number, (at, call)) in frames.iter().enumerate() {
        let entered = human::count(call.entered);
        let _ = writeln!(text, "#{number:<3} {} in {}, called after {entered}", name(*at), name(call.pc));
    }
    Ok(text)
}

fn output(debugger: &mut Debugger, rest: &str) -> Result<String, Failed> {
    let tape = debugger.line.stage.tape();
    let end = tape.put.saturating_sub(tape.before) as usize;
    let count = count_or(rest, u64::MAX)?;
    let start = end.saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
    let text = String::from_utf8_lossy(&tape.output[start..end]);
    Ok(format!("{text}{}", if text.ends_with('\n') || text.is_empty() { "" } else { "\n" }))
}

fn whence(debugger: &mut Debugger, rest: &str) -> Result<String, Failed> {
    if let Some(number) = rest.strip_prefix("output") {
        let put = debugger.line.stage.tape().put;
        let byte = match number.trim().strip_prefix('-') {
            Some(from_end) => put.checked_sub(count_or(from_end, 1)?).ok_or("so much was not put out yet")?,
            None => count_or(number.trim(), put.saturating_sub(1))?,
        };
        return whence::output(debugger, byte);
    }
    match watched(debugger, rest)? {
        What::Register(reg) => whence::register(debugger, reg),
        What::Word(word) => whence::word(debugger, word),
        _ => Err("whence of what?".into()),
    }
}

/// A line as it is typed: in quotes, characters that are hard to write stand as `\n`, `\t`, `\\`; without them a line's end is added.
fn unescape(text: &str) -> String {
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(text) => text.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace('\0', "\\"),
        None => format!("{text}\n"),
    }
}
