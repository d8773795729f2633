//! `rum check`: whether a machine is right, and how fast it is.
//!
//! A program for each rule of the specification (`suite.rs`), then generated programs that mix everything (`random.rs`); what fails is made
//! as small as possible, and written to files. `runner.rs` runs them, `speed.rs` measures.

mod random;
mod runner;
mod speed;
mod suite;

use self::runner::{run, write_image};
use self::suite::{Case, suite};
use crate::cli::check::CheckArgs;
use crate::failure::{Failure, reason};
use crate::files::print;
use crate::foreign::{Ended, Foreign, Ran, file_in, on_all};
use crate::human;
use rum::Word;
use rum_asm::{DisasmOptions, disassemble};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// Lines of a program that are shown.
const LINES_SHOWN: usize = 24;

/// What a machine did wrong.
struct Wrong {
    name: String,
    rule: String,
    needs: Vec<String>,
    program: Vec<Word>,
    input: Vec<u8>,
    output: Vec<u8>,
    fails: bool,
    ran: Ran,
}

/// Checks a machine.
///
/// # Errors
/// It cannot be started, or a file cannot be written.
pub fn check(args: &CheckArgs) -> Result<u8, Failure> {
    let start = Instant::now();
    let mut foreign = Foreign::parse(&args.machine)?;
    foreign.limit = args.limit;
    foreign.memory_bytes_max = args.max_memory;
    let folder =
        tempfile::tempdir().map_err(|error| Failure::host(format!("no temporary folder: {}", reason(&error))))?;
    let cases: Vec<Case> = suite()
        .into_iter()
        .filter(|case| args.only.as_ref().is_none_or(|only| case.name.contains(only.as_str())))
        .collect();
    if cases.is_empty() {
        return Err(Failure::host(format!("no rule's name has {:?} in it", args.only.as_deref().unwrap_or_default())));
    }
    let ran = on_all(cases.len(), |i| run(&foreign, folder.path(), &cases[i]))?;
    let (mut wrong, mut unnoticed) = (Vec::new(), Vec::new());
    let mut kept = 0;
    for (case, ran) in cases.into_iter().zip(ran) {
        match judge(&case, &ran) {
            Verdict::Right => kept += 1,
            Verdict::Unnoticed => unnoticed.push(case.rule),
            Verdict::Wrong => wrong.push(wrong_of(case, ran)),
        }
    }
    print(&format!(
        "{} of {} kept\n",
        human::count(kept),
        human::number_of((kept as usize + wrong.len() + unnoticed.len()) as u64, "rule")
    ))?;
    if args.only.is_none() && args.programs > 0 {
        let found = random::check(&foreign, folder.path(), args.seed, args.programs, !wrong.is_empty())?;
        print(&format!("{}\n", found.told()))?;
        // What is known to be wrong explains it.
        if wrong.is_empty() {
            wrong.extend(found.wrong.map(|(case, ran)| wrong_of(case, ran)));
        }
    }
    let names: Vec<String> = wrong.iter().map(|wrong| wrong.name.clone()).collect();
    let (follows, wrong): (Vec<Wrong>, Vec<Wrong>) =
        wrong.into_iter().partition(|wrong| wrong.needs.iter().any(|need| names.contains(need)));
    for wrong in &wrong {
        print(&format!("\n{}\n", report(wrong, &foreign, &args.keep)?))?;
    }
    if !follows.is_empty() {
        let names: Vec<&str> = follows.iter().map(|wrong| wrong.name.as_str()).collect();
        print(&format!("\nalso wrong, which may follow from that: {}\n", names.join(", ")))?;
    }
    if !unnoticed.is_empty() {
        print(
            "\nnot noticed (the specification lets a machine fail here as it likes; one that goes on is hard to debug programs on):\n",
        )?;
        for rule in &unnoticed {
            print(&format!("  {rule}\n"))?;
        }
    }
    if wrong.is_empty() && args.only.is_none() {
        print(&format!("{}\n", speed::measure(&foreign, folder.path())?))?;
    }
    let time = human::time(start.elapsed().as_nanos() as u64);
    if wrong.is_empty() {
        print(&format!("\nthe machine is right, as far as this tells ({time})\n"))?;
        return Ok(0);
    }
    print(&format!(
        "\nthe machine is wrong: {} ({time}); the programs are in {}\n",
        human::number_of(wrong.len() as u64, "finding"),
        args.keep.display()
    ))?;
    Ok(1)
}

enum Verdict {
    Right,
    Wrong,
    /// A failure that the machine has not noticed.
    Unnoticed,
}

fn judge(case: &Case, ran: &Ran) -> Verdict {
    if !case.fails {
        let right = ran.output == case.output && matches!(ran.ended, Ended::Status(_));
        return if right { Verdict::Right } else { Verdict::Wrong };
    }
    // Some machines say why on standard output.
    let told = ran.output.starts_with(&case.output) && !ran.output[case.output.len()..].starts_with(b"b");
    match ran.ended {
        Ended::Status(0) if told && !ran.messages.is_empty() => Verdict::Right,
        Ended::Status(0) => Verdict::Unnoticed,
        Ended::Status(_) | Ended::Signal(_) if told => Verdict::Right,
        // Output that is not written when a machine ends by itself is lost all the same.
        Ended::Status(_) | Ended::Signal(_) => Verdict::Unnoticed,
        Ended::Hang | Ended::Memory | Ended::Flood => Verdict::Wrong,
    }
}

fn wrong_of(case: Case, ran: Ran) -> Wrong {
    let Case { name, rule, program, input, output, needs, fails } = case;
    Wrong { name, rule, needs, program, input, output, fails, ran }
}

/// Bytes for people: as text, with escapes.
fn shown(bytes: &[u8]) -> String {
    const SHOWN: usize = 64;
    let mut text = String::from("\"");
    for &byte in &bytes[..bytes.len().min(SHOWN)] {
        let _ = write!(text, "{}", byte.escape_ascii());
    }
    text.push('"');
    if bytes.len() > SHOWN {
        let _ = write!(text, " and {} more", human::number_of((bytes.len() - SHOWN) as u64, "byte"));
    }
    text
}

/// Tells what is wrong, and writes the program to files.
fn report(wrong: &Wrong, foreign: &Foreign, keep: &Path) -> Result<String, Failure> {
    let cannot =
        |error: std::io::Error| Failure::host(format!("cannot write to {}: {}", keep.display(), reason(&error)));
    fs::create_dir_all(keep).map_err(cannot)?;
    let image = write_image(keep, &wrong.name, &wrong.program)?;
    fs::write(file_in(keep, &wrong.name, "0"), &wrong.input).map_err(cannot)?;
    fs::write(file_in(keep, &wrong.name, "1"), &wrong.output).map_err(cannot)?;
    // With more time or memory it might come to its end after all.
    let limit = match wrong.ran.ended {
        Ended::Hang => Some(format!("timeout = \"{}\"\n", humantime::format_duration(foreign.limit))),
        Ended::Memory => Some(format!("max_memory = \"{}\"\n", foreign.memory_bytes_max)),
        _ => None,
    };
    if let Some(limit) = limit {
        fs::write(file_in(keep, &wrong.name, "toml"), limit).map_err(cannot)?;
    }
    let mut text = format!("WRONG {}: {}\n", wrong.name, wrong.rule);
    let _ =
        writeln!(text, "  program ({}), in {}", human::number_of(wrong.program.len() as u64, "word"), image.display());
    let mut listing = Vec::new();
    let options = DisasmOptions { fold: false, ..DisasmOptions::default() };
    disassemble(&wrong.program, None, &options, &mut listing).map_err(cannot)?;
    let listing = String::from_utf8_lossy(&listing);
    let lines: Vec<&str> = listing.lines().filter(|line| !line.trim().is_empty()).collect();
    for line in lines.iter().take(LINES_SHOWN) {
        let _ = writeln!(text, "    {line}");
    }
    if lines.len() > LINES_SHOWN {
        let _ = writeln!(
            text,
            "    (rum disasm shows {} more)",
            human::number_of((lines.len() - LINES_SHOWN) as u64, "line")
        );
    }
    if !wrong.input.is_empty() {
        let _ = writeln!(text, "  it reads       {}", shown(&wrong.input));
    }
    let _ = writeln!(text, "  put out        {}", shown(&wrong.ran.output));
    let behind = if wrong.fails { ", and then the machine fails" } else { "" };
    let _ = writeln!(text, "  should put out {}{behind}", shown(&wrong.output));
    if let Some(at) =
        (0..wrong.output.len().max(wrong.ran.output.len())).find(|&i| wrong.output.get(i) != wrong.ran.output.get(i))
    {
        let _ = writeln!(text, "  the first byte that differs is byte {at}");
    }
    let _ = write!(text, "  {}", wrong.ran.ended.text(foreign));
    let message = String::from_utf8_lossy(&wrong.ran.messages);
    if let Some(line) = message.lines().find(|line| !line.trim().is_empty()) {
        let _ = write!(text, ", saying {:?}", line.chars().take(100).collect::<String>());
    }
    Ok(text)
}
