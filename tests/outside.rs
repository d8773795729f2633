//! What tools that look at the process from outside know of compiled code.

use crate::support::*;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A sieve with symbols, and its folder.
fn sieve(folder: &Path) -> PathBuf {
    let image = folder.join("sieve.um");
    let sources: Vec<PathBuf> =
        ["rt_start", "rt_io", "sieve", "lib_sieve"].map(|source| root().join(format!("umbin/src/{source}.ums"))).into();
    let files: Vec<&str> = sources.iter().map(|source| arg(source)).collect();
    rum(&[&["asm", "-g", "-o", arg(&image)], &files[..]].concat()).assert().success();
    image
}

/// A tool, if it is installed.
fn tool(test: &str, name: &str) -> Option<Command> {
    let there = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if there.is_ok_and(|status| status.success()) {
        return Some(Command::new(name));
    }
    eprintln!("{test}: {name} is not installed: what it shows is not tested");
    None
}

/// A dump begins as its specification says, and holds each piece of code under its name; perf puts it into a recording.
#[test]
#[cfg(target_os = "linux")]
fn perf_is_given_code_with_its_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let image = sieve(folder.path());
    let mut process = process_in(folder.path(), &["--jitdump", "--compile-threads", "0", arg(&image)]);
    let dump = folder.path().join(format!("jit-{}.dump", process.id()));
    assert!(process.wait().expect("an end").success());
    let bytes = std::fs::read(&dump).expect("a dump");
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    assert_eq!([word(0), word(8)], [0x4a69_5444, 40], "JiTD, and the length of the head");
    let mut names = Vec::new();
    let mut at = 40;
    while at < bytes.len() {
        let (kind, length) = (word(at), word(at + 4) as usize);
        assert_eq!(kind, 0, "code is loaded");
        let name: Vec<u8> = bytes[at + 56..at + length].iter().copied().take_while(|&byte| byte != 0).collect();
        let size = u64::from_le_bytes(bytes[at + 40..at + 48].try_into().expect("eight bytes")) as usize;
        assert_eq!(length, 56 + name.len() + 1 + size);
        names.push(String::from_utf8(name).expect("text"));
        at += length;
    }
    for kind in ["[block]", "[unit]"] {
        assert!(names.iter().any(|name| name.starts_with("sieve_") && name.ends_with(kind)), "{kind}: {names:?}");
    }
    let Some(mut perf) = tool("perf_is_given_code_with_its_names", "perf") else { return };
    let [data, injected] = ["perf.data", "injected.data"].map(|name| folder.path().join(name));
    perf.args(["record", "-q", "-k", "1", "-e", "cpu-clock", "-o", arg(&data), RUM, "--jitdump"]);
    perf.args(["--compile-threads", "0", arg(&image)]).current_dir(&folder).stdin(Stdio::null());
    if !perf.output().is_ok_and(|run| run.status.success()) {
        eprintln!("perf_is_given_code_with_its_names: perf may not be used here");
        return;
    }
    let inject = ["inject", "--jit", "-i", arg(&data), "-o", arg(&injected)];
    let run = Command::new("perf").args(inject).current_dir(&folder).output().expect("perf");
    assert!(run.status.success(), "{}", stderr(&run));
    let report = ["report", "--stdio", "-i", arg(&injected)];
    let run = Command::new("perf").args(report).current_dir(&folder).output().expect("perf");
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(text.contains("sieve_") && text.contains("jitted-"), "{text}");
}

#[cfg(target_os = "linux")]
fn process_in(folder: &Path, args: &[&str]) -> std::process::Child {
    let mut command = Command::new(RUM);
    command.args(args).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().expect("it starts")
}

#[test]
#[cfg(target_os = "linux")]
fn gdb_shows_the_guests_block() {
    let Some(mut gdb) = tool("gdb_shows_the_guests_block", "gdb") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let image = sieve(folder.path());
    let arguments = format!("set args --gdb --compile-threads 0 {} < /dev/null > /dev/null", arg(&image));
    let commands = ["set confirm off", "set debuginfod enabled off", "set breakpoint pending on"];
    gdb.args(["-q", "-nx", "-batch"]);
    for command in commands.iter().chain(&["tbreak 'sieve_look [unit]'", &arguments, "run", "bt 1", "kill"]) {
        gdb.args(["-ex", command]);
    }
    let run = gdb.arg(RUM).stdin(Stdio::null()).output().expect("gdb");
    let text = String::from_utf8_lossy(&run.stdout);
    if text.contains("not permitted") || stderr(&run).contains("not permitted") {
        eprintln!("gdb_shows_the_guests_block: gdb may not be used here");
        return;
    }
    assert!(text.contains(" in sieve_look [unit] ()") && text.contains("#0 "), "{text}{}", stderr(&run));
}

/// What the engine does is told as it happens, if that is asked for.
#[test]
fn the_engine_tells_what_it_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let image = sieve(folder.path());
    let run = rum(&["--log", "debug", "--compile-threads", "0", arg(&image)]).output().expect("it starts");
    let text = stderr(&run);
    assert_eq!(status(&run), 0, "{text}");
    for expected in ["DEBUG rum_jit", "a unit is live", "root=", "the optimiser is asked for code"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!text.contains("TRACE"), "{text}");
    let silent = rum(&["--compile-threads", "0", arg(&image)]).output().expect("it starts");
    assert_eq!(stderr(&silent), "");
}
