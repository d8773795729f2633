//! The programs of `umbin/`: what they print, with every engine.

use crate::support::{ENGINES, arg, root, rum, status, stderr, with};
use serde::Deserialize;
use std::fs;

#[derive(Deserialize)]
struct Programs {
    program: Vec<Program>,
}

#[derive(Deserialize)]
struct Program {
    name: String,
    #[serde(default)]
    input: String,
    expected: Option<String>,
    expected_file: Option<String>,
}

#[test]
fn each_prints_what_it_should() {
    let folder = root().join("umbin");
    let list = fs::read_to_string(folder.join("programs.toml")).expect("the list");
    for program in toml::from_str::<Programs>(&list).expect("a list").program {
        let expected = match (program.expected, program.expected_file) {
            (Some(text), None) => text,
            (None, Some(file)) => fs::read_to_string(folder.join(file)).expect("the expected output"),
            other => panic!("{}: one expectation, not {other:?}", program.name),
        };
        let path = folder.join(format!("{}.um", program.name));
        for engine in ENGINES {
            let mut command = rum(&with(engine, &[arg(&path)]));
            let run = command.write_stdin(program.input.clone()).output().expect("it starts");
            assert_eq!((status(&run), stderr(&run)), (0, ""), "{}", program.name);
            assert_eq!(String::from_utf8_lossy(&run.stdout), expected, "{} with {engine:?}", program.name);
        }
    }
}
