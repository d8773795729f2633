//! What the tests share: the command, small guest programs, and the folder of downloaded images.

use assert_cmd::Command;
use rum::isa::{Instruction, Reg};
use rum::{Word, encode_image};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{self, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempPath;

/// How every test of a meaning is run: each engine, and compiled code from the first execution on.
pub const ENGINES: [&[&str]; 4] = [
    &["--engine", "interp"],
    &["--engine", "jit"],
    &["--engine", "auto"],
    &["--engine", "jit", "--hot-threshold", "1", "--compile-threads", "0"],
];

/// Arguments behind those that choose an engine.
pub fn with<'a>(engine: &[&'a str], args: &[&'a str]) -> Vec<&'a str> {
    [engine, args].concat()
}

/// The command as Cargo built it for this test binary.
pub const RUM: &str = env!("CARGO_BIN_EXE_rum");

/// Nothing here takes that long: a run that does hangs.
const HANGS_AFTER: Duration = Duration::from_secs(300);

/// The command, with no input unless the test gives some.
pub fn rum(args: &[&str]) -> Command {
    let mut command = Command::new(RUM);
    command.args(args).timeout(HANGS_AFTER).write_stdin("");
    command
}

/// The command as a process to talk to: everything piped.
pub fn process(args: &[&str]) -> process::Child {
    let mut command = process::Command::new(RUM);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the command starts")
}

/// A program as a process to talk to, which ends by itself if the test does not come to its end.
pub fn guest(args: &[&str]) -> process::Child {
    process(&[&["--timeout", "60s"], args].concat())
}

/// The end of a process that puts little out, which must come soon: otherwise it is killed.
pub fn end_soon(mut process: process::Child) -> Output {
    const SOON: Duration = Duration::from_secs(10);
    let start = Instant::now();
    while process.try_wait().expect("a child").is_none() {
        if start.elapsed() > SOON {
            process.kill().expect("it still runs");
            panic!("still running after {SOON:?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    process.wait_with_output().expect("an end")
}

/// Sends a process a signal.
pub fn send(process: &process::Child, signal: Signal) {
    kill_process(Pid::from_child(process), signal).expect("it runs");
}

/// The exit status of a run that was not killed.
pub fn status(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("ended by a signal: {:?}", output.status))
}

/// Standard error as text.
pub fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("messages are UTF-8")
}

/// The first line on standard error, which must be rum's.
pub fn complaint(output: &Output) -> &str {
    let line = stderr(output).lines().next().unwrap_or_default();
    line.strip_prefix("rum: ").unwrap_or_else(|| panic!("no message of rum's: {line:?}"))
}

/// What `--stats=json` wrote: the last line on standard error.
pub fn stats(output: &Output) -> Value {
    let line = stderr(output).lines().last().expect("statistics");
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// A counter of the statistics.
pub fn counter(output: &Output, key: &str) -> u64 {
    let stats = stats(output);
    stats[key].as_u64().unwrap_or_else(|| panic!("no counter {key} in {stats}"))
}

/// A file with these bytes, gone when the test is over.
pub fn file(bytes: &[u8]) -> TempPath {
    let mut file = tempfile::Builder::new().suffix(".um").tempfile().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    file.into_temp_path()
}

/// The image of a program.
pub fn image(program: &[Word]) -> TempPath {
    file(&encode_image(program))
}

/// A path as an argument.
pub fn arg(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}

/// The root of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in a folder of the workspace")
}

/// All files below a folder with one of the extensions.
pub fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    paths
        .flat_map(|path| match path.extension().and_then(|extension| extension.to_str()) {
            _ if path.is_dir() && !path.ends_with("target") => files(&path, extensions),
            Some(extension) if extensions.contains(&extension) => vec![path],
            _ => Vec::new(),
        })
        .collect()
}

/// The folder of images that are not part of the project. Without it the test is skipped, and says so past the test
/// harness's capture: `scripts/test` counts these lines.
pub fn shared(test: &str) -> Option<PathBuf> {
    let folder = root().join("../shared");
    if folder.is_dir() {
        return Some(folder);
    }
    let line = format!("SKIPPED for want of ../shared: {test}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("standard error");
    None
}

/// A terminal: the side to watch, and the side for a process.
pub fn terminal() -> (File, File) {
    let watched = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&watched).expect("its other side");
    unlockpt(&watched).expect("its other side");
    let name = ptsname(&watched, Vec::new()).expect("its name");
    let side = OpenOptions::new().read(true).write(true).open(name.to_str().expect("ASCII")).expect("the other side");
    (File::from(watched), side)
}

fn r(number: u32) -> Reg {
    Reg::from_bits(number)
}

/// `rA := value`
pub fn lit(a: u32, value: u32) -> Word {
    assert!(value <= rum::isa::LITERAL_MAX, "a literal has 25 bits");
    Instruction::Literal { a: r(a), value }.encode()
}

/// `if rC != 0 { rA := rB }`
pub fn cmov(a: u32, b: u32, c: u32) -> Word {
    Instruction::CondMove { a: r(a), b: r(b), c: r(c) }.encode()
}

/// `rA := m[rB][rC]`
pub fn index(a: u32, b: u32, c: u32) -> Word {
    Instruction::Index { a: r(a), b: r(b), c: r(c) }.encode()
}

/// `m[rA][rB] := rC`
pub fn amend(a: u32, b: u32, c: u32) -> Word {
    Instruction::Amend { a: r(a), b: r(b), c: r(c) }.encode()
}

/// `rA := rB + rC`
pub fn add(a: u32, b: u32, c: u32) -> Word {
    Instruction::Add { a: r(a), b: r(b), c: r(c) }.encode()
}

/// `rA := rB / rC`
pub fn div(a: u32, b: u32, c: u32) -> Word {
    Instruction::Div { a: r(a), b: r(b), c: r(c) }.encode()
}

/// `rA := rB nand rC`
pub fn nand(a: u32, b: u32, c: u32) -> Word {
    Instruction::Nand { a: r(a), b: r(b), c: r(c) }.encode()
}

/// Stop.
pub fn halt() -> Word {
    Instruction::Halt.encode()
}

/// `rB := ` new segment of `rC` words
pub fn alloc(b: u32, c: u32) -> Word {
    Instruction::Alloc { b: r(b), c: r(c) }.encode()
}

/// Give segment `rC` back.
pub fn abandon(c: u32) -> Word {
    Instruction::Abandon { c: r(c) }.encode()
}

/// Put the byte `rC` out.
pub fn output(c: u32) -> Word {
    Instruction::Output { c: r(c) }.encode()
}

/// `rC := ` a byte of input
pub fn input(c: u32) -> Word {
    Instruction::Input { c: r(c) }.encode()
}

/// Segment 0 := `m[rB]`, pc := `rC`
pub fn load_program(b: u32, c: u32) -> Word {
    Instruction::LoadProgram { b: r(b), c: r(c) }.encode()
}

/// Puts a text out through r1.
pub fn print(text: &str) -> Vec<Word> {
    text.bytes().flat_map(|byte| [lit(1, byte.into()), output(1)]).collect()
}

/// Does nothing for ever; uses r7, which becomes the pc of the loop.
pub fn spin(pc: usize) -> Vec<Word> {
    let start = u32::try_from(pc).expect("a short program");
    vec![lit(7, start), lit(6, 0), load_program(6, 7)]
}

/// Prints a text, then does nothing for ever.
pub fn print_and_spin(text: &str) -> Vec<Word> {
    let mut program = print(text);
    program.extend(spin(program.len()));
    program
}

/// Prints `r`, waits for a byte, prints `s`, then does nothing for ever: who has read the `r` and sent a byte knows that
/// the program runs.
pub fn ready_set_spin() -> Vec<Word> {
    let mut program = print("r");
    program.push(input(2));
    program.extend(print("s"));
    program.extend(spin(program.len()));
    program
}

/// Prints `x` for ever.
pub fn print_for_ever() -> Vec<Word> {
    vec![lit(1, b'x'.into()), output(1), lit(7, 1), load_program(6, 7)]
}
