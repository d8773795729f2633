//! Every kind of fault: what is printed, the status, and what had happened before.

use crate::support::*;
use rum::Word;

/// A program that faults, and what must be said about it.
pub struct Case {
    pub kind: &'static str,
    pub program: Vec<Word>,
    /// The message behind the kind.
    message: &'static str,
    /// Instructions executed before it.
    pub instructions: u64,
    /// A register and its value in the report.
    register: &'static str,
}

/// A segment of two words in r1, abandoned if so asked for; its identifier is the first there is.
fn with_segment(abandoned: bool, rest: &[Word]) -> Vec<Word> {
    let mut program = vec![lit(2, 2), alloc(1, 2)];
    program.extend(abandoned.then_some(abandon(1)));
    program.extend(rest);
    program
}

/// Every kind of fault, some several times.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn cases() -> Vec<Case> {
    let case = |kind, program: Vec<Word>, message, instructions, register| Case {
        kind,
        program,
        message,
        instructions,
        register,
    };
    vec![
        case(
            "invalid-instruction",
            vec![lit(1, 7), 0xf123_4567],
            "invalid instruction: word 0xf1234567 has operator 15 at pc 1: .data 0xf1234567",
            1,
            "r1 = 7          0x00000007",
        ),
        case(
            "invalid-instruction",
            vec![0xe000_0000],
            "invalid instruction: word 0xe0000000 has operator 14 at pc 0: .data 0xe0000000",
            0,
            "r0 = 0          0x00000000",
        ),
        case("pc-outside", vec![lit(1, 1)], "pc outside segment 0, which has 1 word at pc 1", 1, "r1 = 1 "),
        case(
            "pc-outside",
            vec![nand(3, 0, 0), load_program(0, 3)],
            "pc outside segment 0, which has 2 words at pc 4294967295",
            2,
            "r3 = 4294967295 0xffffffff",
        ),
        case(
            "index-inactive",
            vec![lit(1, 77), index(2, 1, 0)],
            "index of segment 77, which was never active at pc 1: r2 := m[r1][r0]",
            1,
            "r1 = 77         0x0000004d",
        ),
        case(
            "index-outside",
            vec![lit(1, 2), index(5, 0, 1)],
            "index outside segment 0: offset 2, capacity 2 words at pc 1: r5 := m[r0][r1]",
            1,
            "r1 = 2 ",
        ),
        case(
            "amend-inactive",
            vec![lit(1, 77), amend(1, 0, 2)],
            "amendment of segment 77, which was never active at pc 1: m[r1][r0] := r2",
            1,
            "r1 = 77 ",
        ),
        case(
            "amend-outside",
            vec![lit(1, 9), amend(0, 1, 2)],
            "amendment outside segment 0: offset 9, capacity 2 words at pc 1: m[r0][r1] := r2",
            1,
            "r1 = 9 ",
        ),
        case(
            "abandon-program",
            vec![abandon(4)],
            "abandonment of segment 0, the program at pc 0: unmap m[r4]",
            0,
            "r4 = 0 ",
        ),
        case(
            "abandon-inactive",
            vec![lit(4, 5), abandon(4)],
            "abandonment of segment 5, which was never active at pc 1: unmap m[r4]",
            1,
            "r4 = 5 ",
        ),
        case(
            "division-by-zero",
            vec![lit(1, 7), div(2, 1, 3)],
            "division of 7 by 0 at pc 1: r2 := r1 / r3",
            1,
            "r1 = 7 ",
        ),
        case(
            "load-inactive",
            vec![lit(1, 6), load_program(1, 2)],
            "load-program from segment 6, which was never active at pc 1: goto r2 in program m[r1]",
            1,
            "r1 = 6 ",
        ),
        case(
            "output-too-large",
            vec![lit(1, 256), output(1)],
            "output of 256, which is above 255 at pc 1: output r1",
            1,
            "r1 = 256 ",
        ),
    ]
}

#[test]
fn each_kind_is_named_with_its_place_and_values() {
    let cases = cases();
    for case in &cases {
        let path = image(&case.program);
        for engine in ENGINES {
            let run = rum(&with(engine, &[arg(&path)])).output().expect("it starts");
            assert_eq!(status(&run), 1, "{}", case.kind);
            assert_eq!(complaint(&run), format!("fault {}: {}", case.kind, case.message));
            let lines: Vec<_> = stderr(&run).lines().collect();
            assert_eq!(lines.len(), 3, "the message, and two lines of registers: {lines:?}");
            assert!(lines[1..].join("\n").contains(case.register), "{}: {lines:?}", case.kind);
            let run = rum(&with(engine, &["--stats=json", arg(&path)])).output().expect("it starts");
            assert_eq!(counter(&run, "instructions"), case.instructions, "{}", case.kind);
            assert_eq!((&stats(&run)["end"], &stats(&run)["fault"]), (&"fault".into(), &case.kind.into()));
        }
    }
    let mut kinds: Vec<_> = cases.iter().map(|case| case.kind).collect();
    kinds.dedup();
    assert_eq!(kinds.len(), 11, "every kind has its case");
}

#[test]
fn segments_have_ends_and_lives() {
    let cases = [
        ("index-outside", with_segment(false, &[index(3, 1, 2)]), "offset 2, capacity 2 words"),
        ("amend-outside", with_segment(false, &[amend(1, 2, 3)]), "offset 2, capacity 2 words"),
        ("index-inactive", with_segment(true, &[index(3, 1, 4)]), "which was abandoned"),
        ("amend-inactive", with_segment(true, &[amend(1, 4, 3)]), "which was abandoned"),
        ("abandon-inactive", with_segment(true, &[abandon(1)]), "which was abandoned"),
        ("load-inactive", with_segment(true, &[load_program(1, 4)]), "which was abandoned"),
        ("index-outside", vec![alloc(1, 0), index(3, 1, 0)], "offset 0, capacity 0 words"),
        ("pc-outside", vec![alloc(1, 0), load_program(1, 0)], "which has 0 words at pc 0"),
    ];
    for (kind, program, message) in cases {
        let path = image(&program);
        for engine in ENGINES {
            let run = rum(&with(engine, &[arg(&path)])).output().expect("it starts");
            assert_eq!(status(&run), 1);
            let line = complaint(&run);
            assert!(line.starts_with(&format!("fault {kind}: ")) && line.contains(message), "{line}");
        }
    }
}

#[test]
fn output_from_before_a_fault_is_written_first() {
    let mut program = print("so far");
    program.push(div(1, 0, 0));
    let path = image(&program);
    for engine in ENGINES {
        // Both into one pipe: what comes first there was written first.
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let mut process = std::process::Command::new(RUM)
            .args(with(engine, &[arg(&path)]))
            .stdout(writer.try_clone().expect("another end"))
            .stderr(writer)
            .spawn()
            .expect("it starts");
        let mut text = String::new();
        std::io::Read::read_to_string(&mut reader, &mut text).expect("text");
        assert_eq!(process.wait().expect("an end").code(), Some(1));
        assert!(text.starts_with("so farrum: fault division-by-zero: division of 0 by 0 at pc 12"), "{text}");
    }
}

#[test]
fn data_that_is_no_instruction_is_no_fault() {
    // A jump over two such words, which are read and copied.
    let program = [lit(1, 5), lit(2, 4), index(3, 0, 2), load_program(0, 1), 0xffff_ffff, amend(0, 2, 3), halt()];
    let path = image(&program);
    for engine in ENGINES {
        rum(&with(engine, &[arg(&path)])).assert().code(0).stderr("").stdout("");
    }
}

/// A program whose source is known: where the fault is, in words of the source.
#[test]
fn faults_name_the_line_where_symbols_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, image) = (folder.path().join("buggy.ums"), folder.path().join("buggy.um"));
    std::fs::write(
        &source,
        ".zero r0\n.temps r6, r7\n  r1 := 7\n  goto div\n  halt\n\ndiv:\n  r2 := r1 / r3\n  halt\n",
    )
    .expect("room");
    let assemble = |more: &[&str]| {
        let args = [&["asm", "-o", "buggy.um"], more, &["buggy.ums"]].concat();
        rum(&args).current_dir(folder.path()).assert().success();
    };
    assemble(&["-g"]);
    let text = |args: &[&str]| {
        let run = rum(args).write_stdin(std::fs::read(&image).expect("an image")).output().expect("it starts");
        assert_eq!(status(&run), 1, "{}", stderr(&run));
        stderr(&run).lines().next().expect("a line").to_owned()
    };
    let plain = "rum: fault division-by-zero: division of 7 by 0 at pc 4: r2 := r1 / r3";
    let placed = "rum: fault division-by-zero: division of 7 by 0 at buggy.ums:8 in div, pc 4: r2 := r1 / r3";
    for engine in ENGINES {
        assert_eq!(text(&with(engine, &[arg(&image)])), placed);
    }
    let symbols = folder.path().join("buggy.um.sym");
    assert_eq!(text(&["--symbols", arg(&symbols), "-"]), placed);
    assert_eq!(text(&["-"]), plain, "nobody knows the source of a pipe");
    // Symbols that belong to another image, or are none, are not asked.
    let good = std::fs::read_to_string(&symbols).expect("symbols");
    for bad in [good.replace("\"words\":6", "\"words\":7"), String::new()] {
        assert_ne!(bad, good);
        std::fs::write(&symbols, bad).expect("room");
        assert_eq!(text(&[arg(&image)]), plain);
    }
    let run = rum(&["--symbols", arg(&symbols), arg(&image)]).output().expect("it starts");
    let start = format!("rum: cannot read symbols {}: ", symbols.display());
    assert!(status(&run) == 2 && stderr(&run).starts_with(&start), "{}", stderr(&run));
}
