//! The programs of `umbin/`: what they print and how many instructions that takes, with every engine.
//!
//! At the sizes that the programs have by themselves each runs once with each of two engines; whatever is slower runs at
//! the small sizes that the list has for tests. `umum` also runs the others, as a machine inside the machine.

use crate::support::{ENGINES, arg, counter, rum, stats, status, with};
use rum_testkit::programs::{Program, folder, programs};
use rum_testkit::workloads::expected_for_input;
use std::fs;
use std::process::Output;

/// Runs a program of the list. The last line on standard error are its statistics, and there is no other.
fn run(program: &Program, engine: &[&str], input: &[u8]) -> Output {
    let path = program.image_path();
    let run =
        rum(&with(engine, &["--stats=json", arg(&path)])).write_stdin(input.to_vec()).output().expect("it starts");
    assert_eq!((status(&run), stats(&run)["end"].as_str()), (0, Some("halt")), "{} with {engine:?}", program.name);
    run
}

/// Runs each program as the list describes it.
fn each_is_as_listed(engine: &[&str]) {
    for program in programs() {
        let input = program.input.clone().unwrap_or_default();
        let run = run(&program, engine, input.as_bytes());
        assert_eq!(String::from_utf8_lossy(&run.stdout), program.expected(), "{} with {engine:?}", program.name);
        assert_eq!(counter(&run, "instructions"), program.instructions, "{} with {engine:?}", program.name);
    }
}

#[test]
fn interpreted_each_is_as_listed() {
    each_is_as_listed(&["--engine", "interp"]);
}

#[test]
fn compiled_each_is_as_listed() {
    each_is_as_listed(&["--engine", "jit"]);
}

/// A size for tests as input, or what a program without a size is fed.
fn small_input(program: &Program) -> Vec<u8> {
    match program.small {
        Some(size) => format!("{size}\n").into_bytes(),
        None => program.input.clone().unwrap_or_default().into_bytes(),
    }
}

#[test]
fn all_engines_agree_with_the_reference() {
    for program in programs() {
        let input = small_input(&program);
        let default = program.default.unwrap_or_default();
        let expected = expected_for_input(&program.name, &input, default).expect("every program has a reference");
        let mut instructions = Vec::new();
        for engine in ENGINES {
            let run = run(&program, engine, &input);
            assert!(run.stdout == expected, "{} with {engine:?} differs from the reference", program.name);
            instructions.push(counter(&run, "instructions"));
        }
        assert!(instructions.iter().all(|count| *count == instructions[0]), "{}: {instructions:?}", program.name);
    }
}

/// The input that makes `umum` run an image on some input.
fn for_umum(image: &[u8], input: &[u8]) -> Vec<u8> {
    [format!("U{}\n", image.len() / 4).as_bytes(), image, input].concat()
}

#[test]
fn a_machine_in_the_machine_runs_images_from_its_input() {
    let programs = programs();
    let umum = programs.iter().find(|program| program.name == "umum").expect("it is on the list");
    for name in ["hello", "cat", "calc", "count", "fib", "fibpush", "closure", "concat", "symtab"] {
        let guest = programs.iter().find(|program| program.name == name).expect("it is on the list");
        // Sizes that suit a machine thirty times as slow.
        let input = match name {
            "fib" | "fibpush" => b"12\n".to_vec(),
            _ if guest.unit.is_some() => b"500\n".to_vec(),
            _ => small_input(guest),
        };
        let expected = expected_for_input(name, &input, 0).expect("every program has a reference");
        let image = fs::read(guest.image_path()).expect("the image");
        for engine in ENGINES {
            let run = run(umum, engine, &for_umum(&image, &input));
            assert!(run.stdout == expected, "{name} in umum with {engine:?}: {}", String::from_utf8_lossy(&run.stdout));
        }
    }
}

#[test]
fn three_machines_stand_in_one_another() {
    let programs = programs();
    let umum = programs.iter().find(|program| program.name == "umum").expect("it is on the list");
    let [umum_image, hello] = ["umum.um", "hello.um"].map(|name| fs::read(folder().join(name)).expect("the image"));
    let input = for_umum(&umum_image, &for_umum(&umum_image, &for_umum(&hello, b"")));
    let interpreted = run(umum, &["--engine", "interp"], &input);
    let compiled = run(umum, &["--engine", "jit"], &input);
    assert_eq!(String::from_utf8_lossy(&interpreted.stdout), "Hello, world!\n");
    assert_eq!(interpreted.stdout, compiled.stdout);
    assert_eq!(counter(&interpreted, "instructions"), counter(&compiled, "instructions"));
}
