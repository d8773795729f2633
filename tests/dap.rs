//! What editors speak with the debugger: a session by the Debug Adapter Protocol, each message held against its schema.

use crate::debug::Program;
use crate::support::*;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A client of the protocol.
struct Client {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    seq: u64,
    schema: Value,
    /// What was received and not asked for.
    events: Vec<Value>,
}

impl Client {
    fn start(program: &Program) -> Client {
        let mut process = Command::new(RUM)
            .current_dir(program.0.path())
            .args(["debug", "--dap", "--compile-threads", "0"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let (to, from) = (process.stdin.take().expect("piped"), process.stdout.take().expect("piped"));
        let text = fs::read(root().join("tests/schemas/debug-adapter-protocol.json")).expect("the schema");
        let schema = serde_json::from_slice(&text).expect("JSON");
        Client { process, to, from: BufReader::new(from), seq: 0, schema, events: Vec::new() }
    }

    /// A message is what the protocol says of its kind.
    fn validate(&self, kind: &str, message: &Value) {
        let definition = format!("#/definitions/{kind}");
        assert!(self.schema.pointer(&definition[1..]).is_some(), "the protocol has no {kind}");
        let mut schema = json!({ "$schema": "http://json-schema.org/draft-04/schema#", "$ref": definition });
        schema["definitions"] = self.schema["definitions"].clone();
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let errors: Vec<String> = validator.iter_errors(message).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{kind}: {errors:?} in {message}");
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.from.read_line(&mut line).expect("a header");
            match line.trim_end().strip_prefix("Content-Length: ") {
                Some(bytes) => length = bytes.parse().expect("a number"),
                None => break,
            }
        }
        let mut bytes = vec![0; length];
        self.from.read_exact(&mut bytes).expect("a message");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    /// Asks, and gives the body of the answer, or what is wrong.
    fn ask(&mut self, command: &str, arguments: Value) -> Result<Value, String> {
        self.seq += 1;
        let request = json!({ "seq": self.seq, "type": "request", "command": command, "arguments": arguments });
        let mut kind: String = command[..1].to_uppercase() + &command[1..];
        self.validate(&format!("{kind}Request"), &request);
        let text = request.to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{text}", text.len()).expect("somebody reads");
        loop {
            let message = self.receive();
            if message["type"] == "event" {
                self.events.push(message);
                continue;
            }
            assert_eq!((&message["request_seq"], &message["command"]), (&json!(self.seq), &json!(command)));
            if message["success"] == json!(false) {
                self.validate("Response", &message);
                return Err(message["message"].as_str().unwrap_or_default().to_owned());
            }
            kind.push_str("Response");
            self.validate(&kind, &message);
            return Ok(message["body"].clone());
        }
    }

    /// The next event of a kind; others are passed over.
    fn event(&mut self, name: &str) -> Value {
        loop {
            let event = if self.events.is_empty() { self.receive() } else { self.events.remove(0) };
            assert_eq!(event["type"], "event");
            let kind = event["event"].as_str().expect("a name");
            let kind = format!("{}{}Event", kind[..1].to_uppercase(), &kind[1..]);
            self.validate(&kind, &event);
            if event["event"] == name {
                return event["body"].clone();
            }
        }
    }

    fn moved(&mut self, command: &str, reason: &str) {
        self.ask(command, json!({ "threadId": 1 })).expect("it can");
        assert_eq!(self.event("stopped")["reason"], reason, "{command}");
    }

    fn line(&mut self) -> u64 {
        let frames = self.ask("stackTrace", json!({ "threadId": 1 })).expect("frames");
        frames["stackFrames"][0]["line"].as_u64().expect("a line")
    }

    fn value(&mut self, expression: &str) -> String {
        let body = self.ask("evaluate", json!({ "expression": expression })).expect("a value");
        body["result"].as_str().expect("text").to_owned()
    }
}

#[test]
fn editors_speak_with_it_by_the_protocol() {
    let program = Program::new();
    let mut client = Client::start(&program);
    let can = client.ask("initialize", json!({ "adapterID": "rum" })).expect("an answer");
    assert_eq!((&can["supportsStepBack"], &can["supportsDataBreakpoints"]), (&json!(true), &json!(true)));
    let early = client.ask("stackTrace", json!({ "threadId": 1 }));
    assert_eq!(early, Err("no program was launched".to_owned()));
    let missing = client.ask("launch", json!({ "program": "nowhere.um" }));
    assert!(missing.expect_err("there is none").contains("cannot open image nowhere.um"));
    client.ask("launch", json!({ "program": "p.um", "input": "in", "stopOnEntry": true })).expect("it starts");
    client.event("initialized");
    let set = json!({ "source": { "path": program.path("p.ums") }, "breakpoints": [{ "line": 9 }, { "line": 900 }] });
    let set = client.ask("setBreakpoints", set).expect("an answer");
    assert_eq!((&set["breakpoints"][0]["verified"], &set["breakpoints"][0]["line"]), (&json!(true), &json!(9)));
    assert_eq!(set["breakpoints"][1]["verified"], json!(false));
    client.ask("setExceptionBreakpoints", json!({ "filters": [] })).expect("an answer");
    client.ask("configurationDone", json!({})).expect("an answer");
    assert_eq!(client.event("stopped")["reason"], "entry");
    assert_eq!(client.ask("threads", json!({})).expect("one")["threads"][0]["id"], 1);

    client.moved("continue", "breakpoint");
    assert_eq!(client.line(), 9);
    assert_eq!(client.value("r2"), "97 (0x61, 'a')");
    client.moved("stepIn", "step");
    client.moved("stepBack", "step");
    assert_eq!(client.line(), 9);
    client.moved("next", "step");
    client.moved("next", "step");
    assert_eq!(client.line(), 11, "the call as a whole");
    client.moved("continue", "breakpoint");
    client.moved("reverseContinue", "breakpoint");
    assert_eq!(client.value("r2"), "97 (0x61, 'a')");

    let scopes = client.ask("scopes", json!({ "frameId": 0 })).expect("scopes");
    for scope in scopes["scopes"].as_array().expect("some") {
        let reference = scope["variablesReference"].clone();
        let variables = client.ask("variables", json!({ "variablesReference": reference })).expect("some");
        assert!(!variables["variables"].as_array().expect("some").is_empty(), "{scope}");
    }
    let segments = client.ask("variables", json!({ "variablesReference": 3 })).expect("some");
    let zero = segments["variables"][0]["variablesReference"].clone();
    let words = client.ask("variables", json!({ "variablesReference": zero, "start": 0, "count": 2 })).expect("some");
    assert_eq!(words["variables"].as_array().map(Vec::len), Some(2));
    let info = client.ask("dataBreakpointInfo", json!({ "name": "m[0][cell]" })).expect("an answer");
    assert_eq!(info["dataId"], "m[0][cell]");
    let set = json!({ "breakpoints": [{ "dataId": "m[0][cell]", "accessType": "write" }] });
    client.ask("setDataBreakpoints", set).expect("an answer");
    client.moved("continue", "data breakpoint");
    let set = json!({ "breakpoints": [{ "name": "show", "condition": "r5 == 'd'" }] });
    client.ask("setFunctionBreakpoints", set).expect("an answer");
    client.ask("setDataBreakpoints", json!({ "breakpoints": [] })).expect("an answer");
    client
        .ask("setBreakpoints", json!({ "source": { "path": program.path("p.ums") }, "breakpoints": [] }))
        .expect("none");
    client.moved("continue", "breakpoint");
    assert_eq!(client.value("r5"), "100 (0x64, 'd')");
    let frames = client.ask("stackTrace", json!({ "threadId": 1 })).expect("frames");
    assert_eq!((&frames["totalFrames"], &frames["stackFrames"][0]["name"]), (&json!(2), &json!("show")));
    client.moved("stepOut", "step");
    let repl = client.ask("evaluate", json!({ "expression": "whence output 0", "context": "repl" })).expect("a text");
    assert!(repl["result"].as_str().expect("text").contains("byte 0 of the input"), "{repl}");
    let code = json!({ "memoryReference": "0x0", "instructionCount": 3 });
    let code = client.ask("disassemble", code).expect("code");
    assert_eq!(code["instructions"][0]["instruction"], "r1 := 1");
    let bytes = client.ask("readMemory", json!({ "memoryReference": "0x0", "count": 4 })).expect("bytes");
    assert_eq!(bytes["data"], "0gAAAQ==");
    client.moved("continue", "exit");
    client.moved("restart", "entry");
    assert!(client.ask("evaluate", json!({ "expression": "r9" })).is_err());
    client.ask("pause", json!({ "threadId": 1 })).expect("an answer");
    client.ask("disconnect", json!({})).expect("an answer");
    assert_eq!(client.process.wait().expect("an end").code(), Some(0));
}

/// A client that connects, and one that talks nonsense.
#[test]
fn it_listens_at_a_port_and_survives_nonsense() {
    let mut process = process(&["debug", "--dap-port", "0"]);
    let mut line = String::new();
    BufReader::new(process.stderr.take().expect("piped")).read_line(&mut line).expect("a line");
    let at = line.trim_end().rsplit(' ').next().expect("an address").to_owned();
    let mut client = std::net::TcpStream::connect(at).expect("it listens");
    let text = r#"{"seq":1,"type":"request","command":"initialize","arguments":{"adapterID":"x"}}"#;
    write!(client, "Content-Length: {}\r\n\r\n{text}", text.len()).expect("somebody reads");
    let mut some = [0; 16];
    client.read_exact(&mut some).expect("an answer");
    assert_eq!(&some, b"Content-Length: ");
    drop(client);
    assert_eq!(end_soon(process).status.code(), Some(0));
    for nonsense in ["Content-Length: 99999999999\r\n\r\n", "Content-Length: 2\r\n\r\n{]", "Content-Length: x\r\n\r\n"]
    {
        let run = rum(&["debug", "--dap"]).write_stdin(nonsense).output().expect("it starts");
        assert!(status(&run) == 2 && complaint(&run).contains("the client is not understood"), "{}", stderr(&run));
    }
    rum(&["debug", "--dap"]).write_stdin("").assert().code(0);
}
