//! The programs of `umbin/` against the same algorithms in Rust, C and Python: what `umbin/programs.toml` says they print
//! is what the algorithm gives, and the versions in `benches/` print the same where a compiler or Python is installed.

use rum_testkit::programs::{Program, folder, programs};
use rum_testkit::workloads::{expected, expected_for_input};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn is_installed(command: &str) -> bool {
    let found = Command::new(command).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// Runs `command` on `input` and returns what it prints.
fn output_of(command: &mut Command, input: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the command starts");
    // A program that does not read its input may end before it is written.
    let _unread = child.stdin.take().expect("standard input is a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("the command can be waited for");
    assert!(output.status.success(), "{command:?} failed: {}", output.status);
    String::from_utf8(output.stdout).expect("the programs print text")
}

/// The inputs with which versions of a program are compared, with what must be printed.
fn cases(program: &Program) -> Vec<(String, String)> {
    let Some(small) = program.small else {
        return vec![(program.input.clone().unwrap_or_default(), program.expected())];
    };
    let expected = |size| expected(&program.name, size).expect("every program with a size has a reference");
    [small, 0].map(|size| (format!("{size}\n"), expected(size))).to_vec()
}

fn source(language: &str, program: &Program, extension: &str) -> PathBuf {
    folder().with_file_name("benches").join(language).join(&program.name).with_extension(extension)
}

/// The version of `umum` in another language is a machine of its own, and is told which image to run.
fn with_image<'a>(command: &'a mut Command, program: &Program) -> &'a mut Command {
    if program.name == "umum" { command.arg(program.image_path()) } else { command }
}

#[test]
fn list_is_complete() {
    let programs = programs();
    let names: BTreeSet<_> = programs.iter().map(|program| program.name.as_str()).collect();
    assert_eq!(names.len(), programs.len(), "a name occurs twice");
    for program in &programs {
        let sizes = [program.default, program.small, program.figure_size, program.python_size];
        assert!(sizes.iter().all(|size| size.is_some() == program.unit.is_some()), "{}: sizes", program.name);
        assert_ne!(program.input.is_some(), program.unit.is_some(), "{}: either an input or sizes", program.name);
        assert!(program.image_path().is_file(), "{}: no image", program.name);
        for path in program.source_paths() {
            assert!(path.is_file(), "{}: no {}", program.name, path.display());
        }
    }
    let files = std::fs::read_dir(folder()).expect("the folder is there");
    let images = files
        .map(|file| file.expect("the folder can be read").path())
        .filter(|path| path.extension() == Some("um".as_ref()));
    let images: BTreeSet<_> =
        images.map(|path| path.file_stem().expect("a file has a name").to_string_lossy().into_owned()).collect();
    assert_eq!(images, names.into_iter().map(str::to_owned).collect(), "images and list");
}

#[test]
fn expected_output_is_the_one_of_the_reference() {
    for program in programs() {
        let input = program.input.clone().unwrap_or_default();
        let reference = expected_for_input(&program.name, input.as_bytes(), program.default.unwrap_or(0));
        let reference = reference.unwrap_or_else(|| panic!("{}: no reference", program.name));
        assert_eq!(String::from_utf8_lossy(&reference), program.expected(), "{}", program.name);
    }
}

fn compile(source: &Path, to: &Path) {
    let mut gcc = Command::new("gcc");
    let status =
        gcc.args(["-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(to).arg(source).status().expect("gcc starts");
    assert!(status.success(), "{gcc:?}");
}

#[test]
fn c_versions_print_the_same() {
    if !is_installed("gcc") {
        println!("skipped: gcc is not installed");
        return;
    }
    for program in programs() {
        let binary = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("workload-{}", program.name));
        compile(&source("c", &program, "c"), &binary);
        for (input, expected) in cases(&program) {
            let printed = output_of(with_image(&mut Command::new(&binary), &program), &input);
            assert_eq!(printed, expected, "{} in C on {input:?}", program.name);
        }
    }
}

#[test]
fn python_versions_print_the_same() {
    if !is_installed("python3") {
        println!("skipped: python3 is not installed");
        return;
    }
    for program in programs() {
        for (input, expected) in cases(&program) {
            let mut python = Command::new("python3");
            python.arg("-B").arg(source("python", &program, "py"));
            let printed = output_of(with_image(&mut python, &program), &input);
            assert_eq!(printed, expected, "{} in Python on {input:?}", program.name);
        }
    }
}
