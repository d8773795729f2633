//! `docs/failures.md`: every way in which a run can end, what it prints, and its status. The table is made of what rum says here, with each engine.
//!
//! `RUM_BLESS=1` writes it anew.

use crate::support::*;
use crate::{faults, limits};
use rum::Word;
use rustix::process::Signal;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

const BEGIN: &str = "<!-- made by tests/failures.rs -->\n";
const END: &str = "<!-- end -->";

/// A way to end: its name, the program, options, and what else happens.
struct Way {
    what: &'static str,
    program: Vec<Word>,
    options: &'static [&'static str],
    happens: Happens,
}

/// What happens to a run.
#[derive(Clone, Copy)]
enum Happens {
    Nothing,
    Signal(Signal),
    /// Nobody reads what it puts out.
    NoReader,
    /// What it writes to is a device without room.
    Full,
}

fn ways() -> Vec<Way> {
    use Happens::{Full, NoReader, Nothing};
    let way = |what, program, options, happens| Way { what, program, options, happens };
    let halts = [print("x"), vec![halt()]].concat();
    let spins = print_and_spin("x");
    let grows = limits::allocate_for_ever(1000);
    let mut ways = vec![
        way("halt", halts.clone(), &[], Nothing),
        way("nobody reads the output any more", print_for_ever(), &[], NoReader),
    ];
    let faults = faults::cases().into_iter().map(|case| way(case.kind, case.program, &[], Nothing));
    ways.extend(faults);
    ways.push(way("a fault, and nobody reads the output", [print("x"), vec![div(1, 1, 0)]].concat(), &[], NoReader));
    ways.extend([
        way("memory", grows, &["--max-memory", "64M"], Nothing),
        way("a program larger than memory", vec![halt(); 10_000], &["--max-memory", "16K"], Nothing),
        way("instructions", spins.clone(), &["--max-instructions", "1000"], Nothing),
        way("output", print_for_ever(), &["--max-output", "1000"], Nothing),
        way("time", spins.clone(), &["--timeout", "100ms"], Nothing),
        way("time, and nobody reads the output", spins.clone(), &["--timeout", "100ms"], NoReader),
        way("no room for what is put out", halts, &[], Full),
        way("SIGHUP", spins.clone(), &[], Happens::Signal(Signal::HUP)),
        way("SIGINT", spins.clone(), &[], Happens::Signal(Signal::INT)),
        way("SIGQUIT", spins.clone(), &[], Happens::Signal(Signal::QUIT)),
        way("SIGTERM", spins, &[], Happens::Signal(Signal::TERM)),
    ]);
    ways
}

/// What a run says first, and its status.
fn end(way: &Way, engine: &[&str]) -> (String, i32) {
    let path = image(&way.program);
    let mut command = Command::new(RUM);
    command.args([engine, way.options, &[arg(&path)]].concat()).stdin(Stdio::null()).stderr(Stdio::piped());
    let mut reader = None;
    match way.happens {
        Happens::Nothing => command.stdout(Stdio::null()),
        Happens::Full => command.stdout(fs::File::options().write(true).open("/dev/full").expect("/dev/full")),
        Happens::NoReader => command.stdout(std::io::pipe().expect("a pipe").1),
        Happens::Signal(_) => {
            let (from, to) = std::io::pipe().expect("a pipe");
            reader = Some(from);
            command.stdout(to)
        }
    };
    let process = command.spawn().expect("it starts");
    if let Happens::Signal(signal) = way.happens {
        std::thread::sleep(Duration::from_millis(150));
        send(&process, signal);
    }
    let run = end_soon(process);
    drop(reader);
    let text = stderr(&run).lines().next().unwrap_or_default().replace(arg(&path), "IMAGE");
    (text, status(&run))
}

/// What happens where there is no run.
fn refusals() -> Vec<(&'static str, String, i32)> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).expect("room");
        name.to_owned()
    };
    let snapshot = folder.path().join("c.snap");
    let hello = root().join("umbin/hello.um");
    rum(&["--save-at", "10", "--save", arg(&snapshot), arg(&hello)]).assert().code(0);
    let mut damaged = fs::read(&snapshot).expect("a snapshot");
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    [
        ("no such file", vec!["a.um".to_owned()]),
        ("a folder", vec![".".to_owned()]),
        ("an empty file", vec![file("b.um", b"")]),
        ("a file of odd size", vec![file("c.um", &[0xd0, 0, 0, 1, 0x70, 0, 0])]),
        ("a text", vec![file("d.um", b"<!doctype html><html>404 Not Found</html>   ")]),
        ("a snapshot", vec!["c.snap".to_owned()]),
        ("no snapshot", vec!["resume".to_owned(), file("e.um", &[0x70, 0, 0, 0])]),
        ("a snapshot that was damaged", vec!["resume".to_owned(), file("f.snap", &damaged)]),
        ("no such option", vec!["--turbo".to_owned(), "a.um".to_owned()]),
    ]
    .into_iter()
    .map(|(what, args)| {
        let run = Command::new(RUM).args(&args).current_dir(folder.path()).output().expect("it starts");
        (what, stderr(&run).lines().next().unwrap_or_default().to_owned(), status(&run))
    })
    .collect()
}

#[test]
fn every_way_to_end_is_in_the_table() {
    let mut table = "| what happens | what is printed first | status |\n|---|---|---|\n".to_owned();
    let mut row = |what: &str, text: &str, status: i32| {
        let text = if text.is_empty() { String::new() } else { format!("`{}`", text.replace('|', "\\|")) };
        table += &format!("| {what} | {text} | {status} |\n");
    };
    for way in ways() {
        let ends = ENGINES.map(|engine| end(&way, engine));
        assert!(ends.iter().all(|end| *end == ends[0]), "{}: {ends:?}", way.what);
        row(way.what, &ends[0].0, ends[0].1);
    }
    refusals().iter().for_each(|(what, text, status)| row(what, text, *status));
    let path = root().join("docs/failures.md");
    let document = fs::read_to_string(&path).expect("the document");
    let (before, rest) = document.split_once(BEGIN).expect("a mark");
    let (there, after) = rest.split_once(END).expect("a mark");
    if std::env::var_os("RUM_BLESS").is_some() {
        fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).expect("room");
    } else {
        assert_eq!(there, table, "RUM_BLESS=1 writes it anew");
    }
}
