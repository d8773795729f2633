//! For tests: sessions of the debugger, typed or by the protocol, from bytes.

use super::commands::{self, Done};
use super::dap;
use super::debugger::Debugger;
use super::stage::Stage;
use super::timeline::Timeline;
use crate::origin::Origin;
use crate::signals::Control;
use crate::symbols;
use rum::{AddressSpace, EngineKind, Machine, MachineOptions, Options, Word};
use rum_asm::{Source, assemble};
use rum_testkit::generate::{Profile, generate};
use serde_json::Value;
use std::sync::Arc;

/// Lines of a session that are done: what is longer only takes longer.
const LINES_MAX: usize = 40;

/// A program that calls, reads, stores and puts out.
const PROGRAM: &str = "\
.zero r0
.temps r3, r6, r7
.stack r2
start:
        r1 := 1
        r2 := top
again:
        r5 := input()
        r4 := 10
        if (r5 == r4) goto done
        push r5 on stack r2
        goto show linking r1
        pop r5 off stack r2
        m[r0][cell] := r5
        goto again
show:
        output r5
        goto r1
done:
        r4 := map segment (3 words)
        m[r4][r0] := r1
        unmap m[r4]
        halt
cell:   .data 0
        .space 9
top:    .data 0
";

/// A program, and what is known of it: one of our own, or one that is generated.
fn program(number: u8) -> (Vec<Word>, symbols::Source) {
    if number == 0 {
        let options = rum_asm::Options { debug: true, extended: true, ..rum_asm::Options::default() };
        let made = assemble(&[Source::new("p.ums", PROGRAM)], &options).expect("a source of our own");
        return (made.words.clone(), symbols::Source::Given(made.symbols()));
    }
    let profile = Profile { executed: (50, 1_000), words: (10, 60), ..Profile::default() };
    (generate(u64::from(number), &profile).case.program, symbols::Source::Nowhere)
}

fn machine_options() -> MachineOptions {
    MachineOptions {
        memory_bytes_max: 6 << 20,
        address_space: AddressSpace::Granules(1 << 20),
        ..MachineOptions::default()
    }
}

/// A debugger that writes no files.
fn debugger(number: u8, control: Arc<Control>) -> Debugger {
    let (words, symbols) = program(number);
    // The baseline tier alone is quicker than any.
    let hot_threshold = if number % 4 == 3 { 20 } else { u32::MAX };
    let options = Options { engine: EngineKind::Jit, hot_threshold, compile_threads: 0, ..Options::default() };
    let line = Timeline::new(Origin::Program(words), &machine_options(), &options, control, 1 << 22).expect("room");
    let mut debugger = Debugger::new(line, "p.um".to_owned(), Arc::new(symbols));
    debugger.may_write = false;
    debugger
}

/// What is typed, in lines: a program (a byte), the lines.
///
/// # Panics
/// The debugger is elsewhere in the end than a run that has gone there straight.
pub fn commands(bytes: &[u8]) {
    let Some((&number, text)) = bytes.split_first() else { return };
    let mut debugger = debugger(number, Control::new().expect("a pipe"));
    for line in String::from_utf8_lossy(text).lines().take(LINES_MAX) {
        match commands::run(&mut debugger, line) {
            Ok(Done::Quit) => break,
            Ok(Done::Text(_)) => {}
            Err(error) => assert!(!error.to_string().is_empty(), "no reason"),
        }
    }
    assert_there(&mut debugger, &program(number).0);
}

fn assert_there(debugger: &mut Debugger, program: &[Word]) {
    debugger.line.vm().flush().expect("a console in memory");
    let stage = Stage::default();
    {
        let (mut copy, tape) = (stage.tape(), debugger.line.stage.tape());
        copy.input.extend_from_slice(&tape.input[..tape.at]);
    }
    let mut straight = Machine::new(program, Box::new(stage.clone()), &machine_options()).expect("room");
    let now = debugger.line.now();
    let stop = straight.run(Some(now));
    straight.flush().expect("a console in memory");
    let there = debugger.machine();
    assert_eq!((straight.executed(), straight.pc()), (Some(now), there.pc()), "{stop:?}");
    assert_eq!(straight.registers(), there.registers());
    assert!(straight.active_segments().eq(there.active_segments()));
    let ids = straight.active_segments().map(|(id, _)| id).chain([0]);
    ids.for_each(|id| assert!(straight.segment(id) == there.segment(id), "segment {id}"));
    let (copy, tape) = (stage.tape(), debugger.line.stage.tape());
    assert_eq!(copy.output, tape.output[..tape.put as usize]);
}

/// What an editor says: whether it is only the messages, one a line, which are still to get their lengths (a byte), the bytes.
///
/// # Panics
/// An answer is no message, or there is not one for each request.
pub fn protocol(bytes: &[u8]) {
    let Some((&form, text)) = bytes.split_first() else { return };
    let lines = text.split(|&byte| byte == b'\n').take(LINES_MAX);
    let framed = |line: &[u8]| [format!("Content-Length: {}\r\n\r\n", line.len()).as_bytes(), line].concat();
    let text = if form == 0 { lines.flat_map(framed).collect() } else { text.to_vec() };
    let launch = |wanted: &serde_json::Map<String, Value>, control: Arc<Control>| {
        let number = wanted.get("program").and_then(Value::as_u64).unwrap_or_default();
        Ok(debugger(number as u8, control))
    };
    let (requests, answers) = dap::talk(&text, &launch).expect("a vector takes everything");
    let told = dap::messages(&answers);
    let responses = told.iter().filter(|message| message["type"] == "response").count();
    let ended = told.iter().any(|message| message["command"] == "disconnect" || message["command"] == "terminate");
    assert!(responses == requests || ended && responses < requests, "{responses} answers to {requests} requests");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Larger numbers than the protocol allows.
    #[test]
    fn far_away_there_is_nothing() {
        let mut session = "\0{\"command\":\"launch\"}".to_owned();
        for command in ["readMemory", "disassemble"] {
            for extreme in [i64::MIN, i64::MAX] {
                let number = |name: &str| format!("\"{name}\":{extreme}");
                let numbers = ["offset", "count", "instructionOffset", "instructionCount"].map(number).join(",");
                session +=
                    &format!("\n{{\"command\":\"{command}\",\"arguments\":{{\"memoryReference\":\"0x1\",{numbers}}}}}");
            }
        }
        protocol(session.as_bytes());
    }
}
