//! The documents that lead through commands do what they say: their files are written, their commands run in order in an empty folder, and
//! what they show behind a command is what comes out.
//!
//! The kinds of fenced blocks: `ums NAME` is a file of that name, `sh` is for a shell, `text` right behind `sh` is what
//! that prints, where `...` stands for anything. A reader types the commands; here the shell stops at the first that
//! fails.

use crate::support::{RUM, root};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A fenced block: what stands behind its opening fence, and its text.
struct Block {
    kind: String,
    text: String,
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let text: String = lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
            blocks.push(Block { kind: kind.to_owned(), text });
        }
    }
    blocks
}

/// Runs a block of commands. Gives what they print, to either stream.
fn shell(folder: &Path, commands: &str) -> String {
    let mut path = vec![PathBuf::from(RUM).parent().expect("a folder").to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").expect("a path")));
    let run = Command::new("sh")
        .args(["-euc", &format!("exec 2>&1\n{commands}")])
        .env("PATH", std::env::join_paths(path).expect("a path"))
        .current_dir(folder)
        .output()
        .expect("a shell");
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{commands}fails: {text}");
    text
}

/// Whether a text is the one shown, in which `...` stands for anything.
fn is_shown(shown: &str, text: &str) -> bool {
    let mut parts = shown.split("...");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    // The last part is what the text ends with.
    rest.is_empty() || last.is_some_and(|part| rest.ends_with(part))
}

#[test]
fn shown_texts_may_leave_things_out() {
    for (shown, text, fits) in [
        ("a\n", "a\n", true),
        ("a\n", "a\nb\n", false),
        ("a...\n", "abc\n\n", true),
        ("a...c\n", "abd\n", false),
        ("...b\n", "a\nb\n", true),
        ("...b\n", "b\nc\n", false),
    ] {
        assert_eq!(is_shown(shown, text), fits, "{shown} and {text}");
    }
}

/// Does what a document says, in a folder with some images of ours. Gives how many files, commands and outputs it has.
fn follow(document: &str, images: &[&str]) -> [usize; 3] {
    let document = fs::read_to_string(root().join(document)).expect("a document");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for image in images {
        fs::copy(root().join("umbin").join(image), folder.path().join(image)).expect("it is there");
    }
    let blocks = blocks(&document);
    let (mut files, mut commands, mut outputs) = (0, 0, 0);
    let mut shown = None;
    for block in &blocks {
        match block.kind.split_once(' ').unwrap_or((&block.kind, "")) {
            ("ums", name) if name.ends_with(".ums") => {
                let path = folder.path().join(name);
                fs::create_dir_all(path.parent().expect("a folder")).expect("room for it");
                fs::write(path, &block.text).expect("room for it");
                files += 1;
            }
            ("sh", "") => {
                shown = Some(shell(folder.path(), &block.text));
                commands += 1;
            }
            ("text", "") => {
                let text = shown.take().expect("commands stand before it");
                assert!(is_shown(&block.text, &text), "shown:\n{}\nprinted:\n{text}", block.text);
                outputs += 1;
            }
            (kind, rest) => panic!("no kind of block: {kind} {rest}"),
        }
    }
    [files, commands, outputs]
}

#[test]
fn the_tutorials_commands_do_what_it_says() {
    let [files, commands, outputs] = follow("docs/tutorial.md", &[]);
    assert!(files > 5 && commands > 8 && outputs > 6, "{files} files, {commands} commands, {outputs} outputs");
}

#[test]
fn commands_that_see_inside_do_what_is_said() {
    assert_eq!(follow("docs/profiling.md", &[]), [2, 7, 5]);
}

#[test]
fn is_my_machine_right() {
    assert_eq!(follow("docs/checking.md", &[]), [1, 6, 6]);
}

#[test]
fn a_bug_is_found_with_the_debugger() {
    assert_eq!(follow("docs/debugging.md", &[]), [1, 4, 4]);
}

#[test]
fn programs_are_played() {
    assert_eq!(follow("docs/playing.md", &["calc.um"]), [0, 4, 4]);
}
