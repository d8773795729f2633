//! Requests, in order, and their answers.

use crate::debug::debugger::{Debugger, Failed, Stopped};
use crate::debug::timeline::End;
use crate::debug::{commands, view};
use crate::signals::Control;
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// The numbers of what variables belong to; segments follow.
const REGISTERS: u64 = 1;
const MACHINE: u64 = 2;
const SEGMENTS: u64 = 3;
const SEGMENT_FIRST: u64 = 16;
/// Words of a segment that are shown when no range is asked for.
const WORDS_SHOWN: u64 = 256;

/// Makes the debugger of a program that a client asks for.
pub type Launch<'a> = &'a dyn Fn(&Map<String, Value>, Arc<Control>) -> Result<Debugger, String>;

/// A conversation.
pub struct Session<'a, W> {
    to: W,
    seq: u64,
    control: Arc<Control>,
    launch: Launch<'a>,
    debugger: Option<Debugger>,
    stops_on_entry: bool,
    /// Segments that were shown: their variables have the numbers from [`SEGMENT_FIRST`] on.
    shown: Vec<u32>,
    over: bool,
}

/// What is done when a request was answered.
enum After {
    Nothing,
    /// Something moved, and stopped.
    Stopped(Stopped),
    Initialized,
}

impl<'a, W: Write> Session<'a, W> {
    /// A conversation that begins.
    pub fn new(to: W, control: Arc<Control>, launch: Launch<'a>) -> Session<'a, W> {
        Session { to, seq: 0, control, launch, debugger: None, stops_on_entry: false, shown: Vec::new(), over: false }
    }

    /// Whether the client has ended it.
    pub fn is_over(&self) -> bool {
        self.over
    }

    fn send(&mut self, mut message: Map<String, Value>) -> io::Result<()> {
        self.seq += 1;
        message.insert("seq".to_owned(), json!(self.seq));
        let text = Value::Object(message).to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{text}", text.len())?;
        self.to.flush()
    }

    fn event(&mut self, name: &str, body: Value) -> io::Result<()> {
        let Value::Object(message) = json!({ "type": "event", "event": name, "body": body }) else { unreachable!() };
        self.send(message)
    }

    /// Answers until there is no more.
    ///
    /// # Errors
    /// The client cannot be told.
    pub fn answer_all(&mut self, requests: &Receiver<Value>) -> io::Result<()> {
        while let Ok(request) = requests.recv() {
            let command = request["command"].as_str().unwrap_or_default().to_owned();
            self.control.forget();
            let nothing = Map::new();
            let arguments = request["arguments"].as_object().unwrap_or(&nothing);
            let answer = self.answer(&command, arguments);
            let mut response = json!({
                "type": "response",
                "request_seq": request["seq"].as_u64().unwrap_or_default(),
                "command": command,
                "success": answer.is_ok(),
            });
            let after = match answer {
                Ok((body, after)) => {
                    if !body.is_null() {
                        response["body"] = body;
                    }
                    after
                }
                Err(error) => {
                    response["message"] = json!(error.to_string());
                    After::Nothing
                }
            };
            let Value::Object(response) = response else { unreachable!() };
            self.send(response)?;
            match after {
                After::Nothing => {}
                After::Initialized => self.event("initialized", json!({}))?,
                After::Stopped(stopped) => self.tell(&stopped)?,
            }
            if self.over {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Tells the client what was put out, and why it stopped.
    fn tell(&mut self, stopped: &Stopped) -> io::Result<()> {
        let Some(debugger) = &mut self.debugger else { return Ok(()) };
        let fresh = debugger.line.stage.tape().take_fresh();
        let text = view::stopped(debugger, stopped);
        self.shown.clear();
        if !fresh.is_empty() {
            let output = String::from_utf8_lossy(&fresh);
            self.event("output", json!({ "category": "stdout", "output": output }))?;
        }
        let (reason, ids): (&str, &[u32]) = match stopped {
            Stopped::There => ("step", &[]),
            Stopped::At(ids) => ("breakpoint", ids),
            Stopped::Changed { ids, .. } => ("data breakpoint", ids),
            Stopped::Input => ("pause", &[]),
            Stopped::Interrupted => ("pause", &[]),
            Stopped::Beginning => ("entry", &[]),
            Stopped::End(End::Halt) => ("exit", &[]),
            Stopped::End(_) => ("exception", &[]),
        };
        let mut body = json!({ "reason": reason, "threadId": 1, "allThreadsStopped": true });
        if !ids.is_empty() {
            body["hitBreakpointIds"] = json!(ids);
        }
        if let Some(text) = text {
            self.event("output", json!({ "category": "console", "output": format!("{text}\n") }))?;
            body["description"] = json!(text);
            body["text"] = json!(text);
        }
        self.event("stopped", body)
    }

    fn debugger(&mut self) -> Result<&mut Debugger, Failed> {
        self.debugger.as_mut().ok_or_else(|| "no program was launched".into())
    }

    fn answer(&mut self, command: &str, arguments: &Map<String, Value>) -> Result<(Value, After), Failed> {
        let plain = |body: Value| Ok((body, After::Nothing));
        let text = |name: &str| arguments.get(name).and_then(Value::as_str);
        match command {
            "initialize" => plain(capabilities()),
            "launch" => {
                self.stops_on_entry = arguments.get("stopOnEntry").and_then(Value::as_bool).unwrap_or(true);
                self.debugger = Some((self.launch)(arguments, Arc::clone(&self.control))?);
                Ok((Value::Null, After::Initialized))
            }
            "configurationDone" => {
                if self.stops_on_entry {
                    return Ok((Value::Null, After::Stopped(Stopped::Beginning)));
                }
                let stopped = self.debugger()?.go_on()?;
                Ok((Value::Null, After::Stopped(stopped)))
            }
            "setBreakpoints" | "setFunctionBreakpoints" | "setInstructionBreakpoints" | "setDataBreakpoints" => {
                plain(json!({ "breakpoints": self.set_stops(command, arguments)? }))
            }
            "dataBreakpointInfo" => plain(self.can_be_watched(arguments)?),
            "setExceptionBreakpoints" => plain(Value::Null),
            "threads" => plain(json!({ "threads": [{ "id": 1, "name": "the machine" }] })),
            "stackTrace" => plain(self.debugger()?.frames(arguments)?),
            "scopes" => plain(json!({ "scopes": [
                { "name": "Registers", "variablesReference": REGISTERS, "expensive": false, "presentationHint": "registers" },
                { "name": "Machine", "variablesReference": MACHINE, "expensive": false },
                { "name": "Segments", "variablesReference": SEGMENTS, "expensive": true },
            ] })),
            "variables" => plain(json!({ "variables": self.variables(arguments)? })),
            "evaluate" => self.evaluate(text("expression").unwrap_or_default(), text("context").unwrap_or_default()),
            "exceptionInfo" => {
                let debugger = self.debugger()?;
                let end = debugger.line.is_at_end().cloned().ok_or("nothing has failed")?;
                let text = view::stopped(debugger, &Stopped::End(end)).unwrap_or_default();
                plain(json!({ "exceptionId": "fault", "description": text, "breakMode": "always" }))
            }
            "disassemble" => plain(json!({ "instructions": self.debugger()?.disassembled(arguments)? })),
            "readMemory" => plain(self.debugger()?.memory(arguments)?),
            "continue" => {
                let stopped = self.debugger()?.go_on()?;
                Ok((json!({ "allThreadsContinued": true }), After::Stopped(stopped)))
            }
            "pause" => plain(Value::Null),
            "disconnect" | "terminate" => {
                self.over = true;
                plain(Value::Null)
            }
            _ => match self.moved(command, text("granularity") == Some("instruction"))? {
                Some(stopped) => Ok((Value::Null, After::Stopped(stopped))),
                None => Err(format!("{command} is not supported").into()),
            },
        }
    }

    /// Sets the stops of a kind anew.
    fn set_stops(&mut self, command: &str, arguments: &Map<String, Value>) -> Result<Vec<Value>, Failed> {
        let wanted = arguments.get("breakpoints").and_then(Value::as_array).cloned().unwrap_or_default();
        let debugger = self.debugger()?;
        Ok(match command {
            "setFunctionBreakpoints" => debugger.set_words("name", &wanted),
            "setInstructionBreakpoints" => debugger.set_words("instructionReference", &wanted),
            "setDataBreakpoints" => debugger.set_data(&wanted),
            _ => {
                let source = arguments.get("source");
                let file = source.and_then(|source| source["path"].as_str().or(source["name"].as_str()));
                debugger.set_lines(file.unwrap_or_default(), &wanted)
            }
        })
    }

    /// Whether a variable's changes can stop the program, and what it is called then.
    fn can_be_watched(&mut self, arguments: &Map<String, Value>) -> Result<Value, Failed> {
        let name = arguments.get("name").and_then(Value::as_str).unwrap_or_default();
        let parent = arguments.get("variablesReference").and_then(Value::as_u64).unwrap_or_default();
        let segment = self.shown.get(usize::try_from(parent.wrapping_sub(SEGMENT_FIRST)).unwrap_or(usize::MAX));
        let id = match segment {
            Some(segment) => format!("m[{segment}][{name}]"),
            None => name.to_owned(),
        };
        let can = commands::watched(self.debugger()?, &id).is_ok();
        let description = if can { format!("changes of {id}") } else { format!("{id} cannot be watched") };
        let id = if can { json!(id) } else { Value::Null };
        Ok(json!({ "dataId": id, "description": description, "accessTypes": ["write"] }))
    }

    /// Moves as a request says; none if it says nothing of the kind.
    fn moved(&mut self, command: &str, by_instruction: bool) -> Result<Option<Stopped>, Failed> {
        let debugger = self.debugger()?;
        Ok(Some(match command {
            "next" if by_instruction => debugger.next()?,
            "next" => debugger.line(true)?,
            "stepIn" if by_instruction => debugger.step(1)?,
            "stepIn" => debugger.line(false)?,
            "stepOut" => debugger.finish()?,
            "stepBack" if by_instruction => debugger.step_back(1)?,
            "stepBack" => debugger.line_back()?,
            "reverseContinue" => debugger.go_back()?,
            "restart" => {
                let first = debugger.line.first();
                debugger.goto(first)?;
                Stopped::Beginning
            }
            _ => return Ok(None),
        }))
    }

    /// The value of an expression; in the console, a command of the debugger's.
    fn evaluate(&mut self, expression: &str, context: &str) -> Result<(Value, After), Failed> {
        let debugger = self.debugger()?;
        let value =
            debugger.expr(expression).map_err(Failed::from).and_then(|expr| Ok(expr.value(debugger.machine())?));
        match value {
            Ok(value) => Ok((json!({ "result": view::number(value), "variablesReference": 0 }), After::Nothing)),
            Err(error) if context != "repl" => Err(error),
            Err(_) => {
                let before = debugger.line.now();
                let result = match commands::run(debugger, expression)? {
                    commands::Done::Text(text) => text,
                    commands::Done::Quit => "disconnect ends the session".to_owned(),
                };
                let moved = debugger.line.now() != before;
                let after = if moved { After::Stopped(Stopped::There) } else { After::Nothing };
                Ok((json!({ "result": result.trim_end(), "variablesReference": 0 }), after))
            }
        }
    }

    fn variables(&mut self, arguments: &Map<String, Value>) -> Result<Vec<Value>, Failed> {
        let number = |name: &str| arguments.get(name).and_then(Value::as_u64);
        let of = number("variablesReference").unwrap_or_default();
        let (start, count) = (number("start").unwrap_or(0), number("count").filter(|&count| count > 0));
        let mut shown = std::mem::take(&mut self.shown);
        let debugger = self.debugger()?;
        let plain = |name: String, value: u64| json!({ "name": name, "value": view::number(value), "variablesReference": 0, "evaluateName": name });
        let machine = debugger.machine();
        let variables = match of {
            REGISTERS => (0..8).map(|reg| plain(format!("r{reg}"), u64::from(machine.registers()[reg]))).collect(),
            MACHINE => vec![
                plain("pc".to_owned(), u64::from(machine.pc())),
                plain("count".to_owned(), debugger.line.now()),
                json!({ "name": "output", "value": format!("{} bytes", machine.output_bytes()), "variablesReference": 0 }),
            ],
            SEGMENTS => {
                let mut all = debugger.segments();
                all.insert(0, (0, debugger.words() as u32));
                let range = all.into_iter().skip(start as usize).take(count.unwrap_or(100) as usize);
                let each = range.map(|(id, words)| {
                    let at = shown.iter().position(|&known| known == id).unwrap_or_else(|| {
                        shown.push(id);
                        shown.len() - 1
                    });
                    json!({
                        "name": format!("m[{id}]"), "value": format!("{words} words"),
                        "variablesReference": SEGMENT_FIRST + at as u64, "indexedVariables": words,
                    })
                });
                each.collect()
            }
            _ => {
                let id = shown.get(usize::try_from(of.wrapping_sub(SEGMENT_FIRST)).unwrap_or(usize::MAX));
                let id = *id.ok_or("that was shown at another stop")?;
                let words = machine.segment(id).unwrap_or_default();
                let range = words.iter().enumerate().skip(start as usize).take(count.unwrap_or(WORDS_SHOWN) as usize);
                let word = |(at, &word): (usize, &u32)| {
                    json!({
                        "name": at.to_string(), "value": view::number(u64::from(word)), "variablesReference": 0,
                        "evaluateName": format!("m[{id}][{at}]"),
                    })
                };
                range.map(word).collect()
            }
        };
        self.shown = shown;
        Ok(variables)
    }
}

fn capabilities() -> Value {
    json!({
        "supportsConfigurationDoneRequest": true,
        "supportsFunctionBreakpoints": true,
        "supportsConditionalBreakpoints": true,
        "supportsInstructionBreakpoints": true,
        "supportsDataBreakpoints": true,
        "supportsStepBack": true,
        "supportsRestartRequest": true,
        "supportsTerminateRequest": true,
        "supportsDisassembleRequest": true,
        "supportsReadMemoryRequest": true,
        "supportsExceptionInfoRequest": true,
        "supportsSteppingGranularity": true,
        "supportsEvaluateForHovers": true,
    })
}
