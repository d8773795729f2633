//! The debugger: its commands, and going back.

use crate::support::*;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Prints 'A' plus what it reads, as often as there is something to read; then a newline, by a procedure.
const SOURCE: &str = r#".zero r0
.temps r4, r6
start:
    r1 := 1
again:
    r2 := input()
    r3 := ~r2
    if (r3 == 0) goto done
    r5 := r2 + r1
    goto show linking r7
    m[r0][cell] := r5
    goto again
show:
    output r5
    goto r7
done:
    r5 := 10
    goto show linking r7
    halt
.section data
cell:
    .data 0
"#;

/// A folder with a program that was assembled with its symbols.
pub struct Program(pub TempDir);

impl Program {
    pub fn new() -> Program {
        let program = Program(tempfile::tempdir().expect("a folder"));
        fs::write(program.path("p.ums"), SOURCE).expect("room");
        let made = Command::new(RUM)
            .current_dir(program.0.path())
            .args(["asm", "--extended", "-g", "-o", "p.um", "p.ums"])
            .output()
            .expect("it starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::write(program.path("in"), "abc").expect("room");
        program
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// What the debugger says to some commands, and its status.
    fn debug(&self, commands: &[&str]) -> (String, String, i32) {
        let mut process = Command::new(RUM)
            .current_dir(self.0.path())
            .args(["debug", "p.um", "--input", "in", "--compile-threads", "0"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let text = commands.iter().map(|line| format!("{line}\n")).collect::<String>();
        process.stdin.take().expect("piped").write_all(text.as_bytes()).expect("somebody reads");
        let run = process.wait_with_output().expect("an end");
        let out = String::from_utf8(run.stdout).expect("text");
        (out, String::from_utf8(run.stderr).expect("text"), run.status.code().expect("a status"))
    }
}

/// The commands are obeyed, and the answers hold the texts in this order.
#[track_caller]
fn assert_says(program: &Program, commands: &[&str], expected: &[&str]) {
    let (out, err, status) = program.debug(commands);
    assert_eq!((err.as_str(), status), ("", 0), "{out}");
    let mut rest = out.as_str();
    for text in expected {
        let at = rest.find(text).unwrap_or_else(|| panic!("no {text:?} in {rest:?} of\n{out}"));
        rest = &rest[at + text.len()..];
    }
}

#[test]
fn it_steps_in_both_directions() {
    let program = Program::new();
    assert_says(&program, &["where"], &["after 0, pc 0  p.ums:4 in start: r1 := 1"]);
    assert_says(&program, &["step", "s 2", "rs", "reverse-step 2"], &["after 1,", "after 3,", "after 2,", "after 0,"]);
    assert_says(&program, &["rs"], &["the beginning of the run", "after 0,"]);
    assert_says(&program, &["goto end", "s", "where"], &["bcd\n", "the program has halted after", "halt"]);
    assert_says(&program, &["goto 9", "goto start", "g 9"], &["after 9,", "after 0,", "after 9,"]);
}

#[test]
fn no_step_is_no_step() {
    let steps = ["step 2", "step 0", "reverse-step 0", "next 0", "where"];
    assert_says(&Program::new(), &steps, &["after 2,", "after 2,", "after 2,"]);
    let (out, ..) = Program::new().debug(&steps);
    assert!(!out.contains("after 3,"), "{out}");
}

#[test]
fn it_stops_at_words_and_goes_on() {
    let program = Program::new();
    let line = ["b show", "c", "c", "c", "c", "c"];
    assert_says(
        &program,
        &line,
        &["stop 1: pc", "in show", "stop 1\n", "b\nstop 1\n", "c\nstop 1\n", "d\nstop 1\n", "halted"],
    );
    assert_says(&program, &["break p.ums:9", "c", "p r2"], &["stop 1: pc", "p.ums:9", "stop 1\n", "97 (0x61, 'a')"]);
    assert_says(
        &program,
        &["b show if r5 == 'c'", "c", "p r5", "stops"],
        &["99 (0x63, 'c')", "if r5 == 'c', hit 1 time\n"],
    );
    assert_says(&program, &["tbreak show", "c", "c"], &["stop 1\n", "bcd\n", "halted"]);
    assert_says(&program, &["until done", "where"], &["in done"]);
    assert_says(&program, &["b show", "delete 1", "c"], &["halted"]);
    assert_says(&program, &["b show", "b done", "delete", "stops"], &["no stops"]);
}

#[test]
fn it_stops_at_operators_output_and_input() {
    let program = Program::new();
    assert_says(&program, &["b op halt", "c"], &["stop 1\n", ": halt"]);
    assert_says(
        &program,
        &["b output if r5 == 'c'", "c", "p r5"],
        &["stop 1: every output if r5 == 'c'\n", "99 (0x63, 'c')"],
    );
    assert_says(&program, &["b output 2", "c", "p r5"], &["output r5", "99 (0x63, 'c')"]);
    assert_says(&program, &["b output", "c", "c", "p r5", "rc", "p r5"], &["99 (", "98 ("]);
    assert_says(&program, &["b input", "c", "c", "p r5", "rc"], &["98 (0x62, 'b')", "after "]);
    assert_says(&program, &["watch r5", "c", "c"], &["r5 changes from 0 to 98", "r5 changes from 98 to 99"]);
}

#[test]
fn it_goes_back_to_what_changed_a_word() {
    let program = Program::new();
    let line = ["p cell", "goto end", "watch m[0][cell]", "rc", "rc", "rc", "rc"];
    let expected = ["m[0][", "changes from 99 to 100", "changes from 98 to 99", "changes from 0 to 98", "beginning"];
    assert_says(&program, &line, &expected);
    assert_says(&program, &["watch m[0][cell] if m[0][cell] == 99", "c", "rc"], &["98 to 99", "98 to 99"]);
    assert_says(&program, &["goto end", "b show if r5 == 'c'", "rc", "p r5", "rc"], &["stop 1\n", "99 (", "beginning"]);
}

#[test]
fn it_follows_calls() {
    let program = Program::new();
    assert_says(&program, &["b show", "c", "bt"], &["#0   show in show", "#1   again+"]);
    // A call as a whole, and back over it.
    assert_says(
        &program,
        &["b p.ums:10", "c", "delete", "n 3", "where", "rn"],
        &["b\n", "p.ums:11", "p.ums:11", "p.ums:10"],
    );
    assert_says(&program, &["b p.ums:10", "c", "delete", "line", "rl", "ln"], &["p.ums:11", "p.ums:10", "p.ums:11"]);
    assert_says(&program, &["b show", "c", "delete", "finish"], &["b\n", "p.ums:11"]);
    assert_says(&program, &["b show", "c", "s", "rf"], &["p.ums:10"]);
}

#[test]
fn it_shows_what_there_is() {
    let program = Program::new();
    assert_says(&program, &["goto 4", "registers"], &["r0 = 0", "r7 = 0"]);
    assert_says(&program, &["list start 3"], &["start:\n", ">       0", "r1 := 1"]);
    assert_says(&program, &["x 0 0 4", "memory 0"], &["segment 0, ", "d2000001"]);
    assert_says(&program, &["segments"], &["0 segments with 0 words beside the program"]);
    assert_says(&program, &["goto end", "output", "output 2"], &["bcd\n", "d\n"]);
    assert_says(&program, &["echo all is well", "help"], &["all is well\n", "reverse-continue, rc"]);
    assert_says(&program, &["p count + 1", "p pc == start", "p 0x10 * 2"], &["1\n", "1\n", "32 (0x20, ' ')"]);
}

#[test]
fn it_tells_where_something_comes_from() {
    let program = Program::new();
    let expected = [
        "byte 1 of the output is 99 (0x63, 'c')",
        "output r5",
        "r5 := r2 + r1",
        "r2 := input",
        "byte 1 of the input, 98 (0x62, 'b')",
        "r1 := 1",
        "input behind it: byte 1",
    ];
    assert_says(&program, &["goto end", "whence output 1"], &expected);
    assert_says(&program, &["goto end", "whence output -1"], &["byte 3 of the output is 10", "r5 := 10"]);
    assert_says(&program, &["goto end", "whence m[0][cell]"], &["is 100", "byte 2 of the input, 99"]);
    assert_says(&program, &["goto end", "whence r1", "where"], &["r1 is 1", "r1 := 1", "halt"]);
    assert_says(&program, &["whence m[0][cell]"], &["is as the image has it"]);
}

#[test]
fn input_can_be_given_as_it_is_wanted() {
    let program = Program::new();
    fs::write(program.path("script"), "c\ninput \"xy\"\nc\ninput-end\nc\nsave s.snap\n").expect("room");
    let run = Command::new(RUM)
        .current_dir(program.0.path())
        .args(["debug", "p.um", "-x", "script"])
        .output()
        .expect("it starts");
    let out = String::from_utf8(run.stdout).expect("text");
    assert!(run.status.success() && out.contains("the program wants input") && out.contains("yz"), "{out}");
    // What was saved is debugged, too.
    let run = Command::new(RUM)
        .current_dir(program.0.path())
        .args(["debug", "s.snap", "-e", "where", "-e", "rs", "-e", "quit"])
        .output()
        .expect("it starts");
    let out = String::from_utf8(run.stdout).expect("text");
    assert!(out.contains("halt") && out.contains("the beginning of the run"), "{out}");
}

/// Whoever interrupts a command of a script has that one ended; those behind it come where they should.
#[cfg(unix)]
#[test]
fn an_interrupted_command_of_a_script_ends_no_other() {
    use std::io::{BufRead, BufReader};
    let path = image(&spin(0));
    let mut process = Command::new(RUM)
        .args(["debug", arg(&path), "-e", "where", "-e", "continue", "-e", "goto 1000", "-e", "reverse-step"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut out = BufReader::new(process.stdout.take().expect("piped")).lines().map(|line| line.expect("text"));
    assert!(out.next().expect("a line").starts_with("after 0,"));
    std::thread::sleep(std::time::Duration::from_millis(200));
    send(&process, rustix::process::Signal::INT);
    process.stdin.take().expect("piped").write_all(b"goto 500\n\xff\nstep\n").expect("somebody reads");
    let lines: Vec<String> = out.collect();
    assert_eq!(lines[0], "interrupted");
    for (line, moment) in lines[2..].iter().zip([1000, 999, 500, 501]) {
        assert!(line.starts_with(&format!("after {moment},")), "{lines:#?}");
    }
    assert_eq!(process.wait().expect("an end").code(), Some(1), "one command was wrong");
}

#[test]
fn faults_stop_it_and_can_be_gone_back_from() {
    let path = image(&[lit(1, 7), div(2, 1, 0), halt()]);
    let run = rum(&["debug", arg(&path)]).write_stdin("c\nrs\nwhere\n").output().expect("it starts");
    let out = String::from_utf8(run.stdout).expect("text");
    assert!(out.contains("fault division-by-zero: ") && out.ends_with("pc 0: r1 := 7\n"), "{out}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let program = Program::new();
    for (command, expected) in [
        ("fly", "there is no command fly"),
        ("b nowhere", "there is no label nowhere"),
        ("b p.ums:999", "no instruction comes from p.ums:999"),
        ("p r9", "there is no register r9"),
        ("p m[77][0]", "there is no segment 77"),
        ("watch 5", "can be watched"),
        ("delete 9", "there is no stop 9"),
        ("step many", "a count is a whole number"),
        ("b op jump", "operators are cmov, "),
        ("whence output 9", "not put out yet"),
        ("finish", "nothing was called"),
        ("save /nowhere/x", "cannot save to"),
    ] {
        let (_, err, status) = program.debug(&[command]);
        assert!(status == 1 && err.contains(expected), "{command}: {err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
    let run = rum(&["debug", "nowhere.um"]).output().expect("it starts");
    assert!(status(&run) == 2 && complaint(&run).contains("cannot open image nowhere.um"), "{}", stderr(&run));
}

/// Going back over the whole of a long run.
#[test]
fn it_goes_back_over_two_thousand_million_instructions() {
    let Some(shared) = shared("it_goes_back_over_two_thousand_million_instructions") else { return };
    let image = shared.join("umbin/sandmark-short.umz");
    let run = rum(&["debug", arg(&image)]).write_stdin("goto end\nwatch m[0][129]\nrc\nrs\nwhere\n").output();
    let out = String::from_utf8(run.expect("it starts").stdout).expect("text");
    assert!(out.contains("m[0][129] changes from 0 to 14\nafter 15001143, pc 4783"), "{out}");
    assert!(out.contains("after 15001142,"), "{out}");
}

/// A terminal that tmux keeps, gone when the test is over.
struct Tmux {
    folder: TempDir,
}

impl Tmux {
    fn start(command: &str) -> Option<Tmux> {
        let tmux = Tmux { folder: tempfile::tempdir().expect("a folder") };
        let started = tmux.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40", command]);
        if started.is_err() {
            let line = "SKIPPED for want of tmux: the_whole_terminal_can_be_taken\n";
            std::io::stderr().write_all(line.as_bytes()).expect("standard error");
            return None;
        }
        Some(tmux)
    }

    fn tmux(&self, args: &[&str]) -> std::io::Result<String> {
        let socket = self.folder.path().join("socket");
        let run = Command::new("tmux").args(["-S", arg(&socket)]).args(args).output()?;
        Ok(String::from_utf8_lossy(&run.stdout).into_owned())
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat()).expect("it is there");
    }

    /// Waits until the terminal shows something.
    fn wait_for(&self, text: &str) -> String {
        for _ in 0..600 {
            let screen = self.tmux(&["capture-pane", "-p"]).expect("it is there");
            if screen.contains(text) {
                return screen;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("no {text:?} in\n{}", self.tmux(&["capture-pane", "-p"]).expect("it is there"))
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]);
    }
}

#[test]
fn the_whole_terminal_can_be_taken() {
    let program = Program::new();
    let command = format!("cd {} && {RUM} debug p.um --input in --tui; sleep 60", arg(program.0.path()));
    let Some(tmux) = Tmux::start(&command) else { return };
    tmux.wait_for("F5 goes on");
    let screen = tmux.wait_for("(rum)");
    for part in ["start:", ">       0", "r1 := 1", "registers, stops, output", "after 0", "(rum)"] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
    tmux.keys(&["b show", "Enter"]);
    tmux.wait_for("stop 1 pc");
    tmux.keys(&["F5"]);
    let screen = tmux.wait_for("> continue");
    assert!(screen.contains("show:"), "{screen}");
    tmux.wait_for("r5         98 0x00000062");
    tmux.keys(&["F11"]);
    tmux.wait_for("r5         98");
    tmux.keys(&["F8"]);
    tmux.wait_for("> reverse-step");
    tmux.keys(&["F6"]);
    tmux.wait_for("the beginning of the run");
    tmux.keys(&["goto end", "Enter"]);
    tmux.wait_for("bcd");
    tmux.keys(&["fly", "Enter"]);
    tmux.wait_for("there is no command fly");
    tmux.keys(&["Up", "Up", "Enter"]);
    tmux.wait_for("> goto end");
    // When it ends, the terminal is as it was.
    tmux.keys(&["quit", "Enter"]);
    for _ in 0..100 {
        if !tmux.tmux(&["capture-pane", "-p"]).expect("it is there").contains("registers, stops") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("it does not end");
}
