//! The extended dialect, by what the programs do.

use std::io;
use std::path::Path;

use rum_asm::{Assembly, Diagnostic, Options, Source, Symbols, assemble};

use crate::generator::Generator;
use crate::machine::run;

fn extended() -> Options {
    Options { extended: true, debug: true, read_include: include }
}

/// Files that includes find.
fn include(path: &Path) -> io::Result<Vec<u8>> {
    match path.to_str() {
        Some("lib/two.ums") => Ok(b".include \"three.ums\"\n.const TWO = 2".to_vec()),
        Some("lib/three.ums") => Ok(b".const THREE = 3 .macro say text\noutput text using r7\n.endmacro".to_vec()),
        Some("lib/self.ums") => Ok(b".include \"self.ums\"".to_vec()),
        Some(path) if path.starts_with("lib/twice") => {
            let deeper = format!(".include \"{}x\"\n", path.trim_start_matches("lib/"));
            Ok((if path.len() < 50 { deeper.repeat(2) } else { String::new() }).into_bytes())
        }
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

fn try_assemble(source: &str) -> Result<Assembly, Vec<Diagnostic>> {
    assemble(&[Source::new("lib/test.ums", source)], &extended())
}

#[track_caller]
fn assembled(source: &str) -> Assembly {
    try_assemble(source).unwrap_or_else(|errors| {
        let all: String = errors.iter().map(|error| format!("{error}\n")).collect();
        panic!("{source}\n{all}")
    })
}

#[track_caller]
fn words(source: &str) -> Vec<u32> {
    assembled(source).words
}

#[track_caller]
fn error(source: &str) -> String {
    let errors = try_assemble(source).expect_err("an error");
    assert_eq!(errors.len(), 1, "{}", errors[1]);
    errors[0].message.clone()
}

#[track_caller]
fn output(source: &str) -> String {
    String::from_utf8(run(&words(source), b"", 10_000_000)).expect("text")
}

/// Prints unsigned numbers and ends lines.
const PRELUDE: &str = r#"
.zero r0
.temps r6, r7, r5
    r2 := STACK
    goto main
.section stack
    .space 20000
STACK:
.section init
// Prints n in decimal.
.proc print(n) locals rest
    rest := n / 10
    if (rest == 0) goto @last
    call print(rest)
@last:
    rest := n mod 10
    rest := rest + '0'
    output rest
    return
.endproc
.macro line value
    call print(value)
    output '\n'
.endmacro
"#;

#[track_caller]
fn program(body: &str) -> String {
    output(&format!("{PRELUDE}\nmain:\n{body}\nhalt\n"))
}

#[test]
fn constants_and_expressions() {
    let source = ".const A = 2 + 3 * 4\n.const B = (A - 4) << 4 | 1 ^ 0x10 & 0x30 # not more\n.data A; .data B; .data A / 3 % 3\n\
                  .data -A; .data ~0; .data 'a' + 1\n.space A - 12; r1 := A; r2 := r1 + B; r3 := (A + 1); .data L + A - 1\nL:";
    let words = words(source);
    let b = (14 - 4) << 4 | 1 ^ (0x10 & 0x30);
    assert_eq!(words[..8], [14, b, 1, 14u32.wrapping_neg(), u32::MAX, 98, 0, 0]);
    assert_eq!(words[8..12], [0xd200_000e, 0xd400_0000 | b, 0x3000_0091, 0xd600_000f]);
    assert_eq!(error(".const A = 1 / 0"), "this constant expression has no value");
    assert_eq!(error(".const A = 1 << 64"), "this constant expression has no value");
    assert_eq!(error(".const A = 9223372036854775807 + 1"), "this constant expression has no value");
    assert_eq!(error(".const A = 1; .const A = 2"), "constant `A` is defined twice");
    assert_eq!(error(".const A = B"), "there is no constant `B` so far");
    assert_eq!(error(".const A = 1\nA: halt"), "`A` is a constant already");
}

#[test]
fn distances_between_labels() {
    let words = words("A: .data 1; .data 2\n.section b\nB: .data B - A; .data A - B\n.section c\n.data B + 1");
    assert_eq!(words, [1, 2, 2, u32::MAX - 1, 3]);
    assert_eq!(error("A: .data A - C"), "label `C` is not defined");
}

#[test]
fn macros() {
    let text = program(
        ".macro twice reg, times
            r4 := times
        again:
            reg := reg + reg
            r4 := r4 - 1
            if (r4 != 0) goto again
        .endmacro
        .macro both reg, times
            twice reg, times ; twice reg, (times + 1)
        .endmacro
        r3 := 1
        twice r3, 3
        line r3
        both r3, 1
        line r3
        again: line m[r0][main]
        ",
    );
    assert_eq!(text.lines().take(2).collect::<Vec<_>>(), ["8", "64"]);
    assert_eq!(error(".macro a x\nhalt\n.endmacro\na"), "macro `a` takes 1 argument, not 0");
    assert_eq!(error(".macro a x\nhalt\n.endmacro\na 1, 2"), "macro `a` takes 1 argument, not 2");
    assert_eq!(error(".macro a\na\n.endmacro\na"), "macros are nested too deeply");
    assert_eq!(error(".macro a\nhalt"), "this macro has no end");
    assert_eq!(error(".macro a\n.endmacro\n.macro a\n.endmacro"), "macro `a` is defined twice");
    // Doubling forty times is stopped by what it would produce.
    let bomb: String = (0..40).map(|level| format!(".macro m{}\nm{level}; m{level}\n.endmacro\n", level + 1)).collect();
    let source = format!(".macro m0\n.endmacro\n{bomb}m40\n");
    let errors = try_assemble(&source).expect_err("too much");
    assert_eq!(errors[0].message, "macros have produced too much text");
}

#[test]
fn includes() {
    let text = output(".include \"two.ums\"\nr1 := TWO * THREE using r3, r4\nsay 'x'\nhalt");
    assert_eq!(text, "x");
    assert!(error(".include \"none.ums\"").starts_with("cannot read `lib/none.ums`"));
    assert_eq!(error(".include \"self.ums\""), "includes are nested too deeply");
    let errors = try_assemble(".include \"twice\"").expect_err("2^40 files");
    assert!(errors.iter().all(|error| error.message == "too many files are included"), "{errors:?}");
}

#[test]
fn procedures() {
    let text = program(
        "call fib(20)
        line r1
        r3 := 77; r4 := fib
        r3 := call r4(10)
        line r3
        r3 := call sum(1, 20, 300)
        line r3
        r3 := 5
        call clobber()
        line r3
        goto over
        .proc fib(n) locals a
            if (n >= 2) goto @more
            return n
        @more:
            a := n - 1
            a := call fib(a)
            n := n - 2
            n := call fib(n)
            a := a + n
            return a
        .endproc
        .proc sum(a, b, c) saves r3, r4
            r3 := a + b
            push r3 on stack r2
            r4 := c
            pop r3 off stack r2
            r3 := r3 + r4
            return r3
        .endproc
        .proc clobber() saves r3
            r3 := 0
            @more: return
        .endproc
        over:",
    );
    assert_eq!(text, "6765\n55\n321\n5\n");
    assert_eq!(error(".zero r0; .temps r6, r7\n.proc a()\nreturn"), "this procedure has no end");
    assert_eq!(error(".proc a()\n.endproc"), "procedures need a register that is always 0");
    assert_eq!(error(".zero r0; .temps r6, r7\n.proc a(x, x)\n"), "`x` is declared twice in this procedure");
    assert_eq!(error("@a: halt"), "a label with `@` belongs to a procedure, and this is outside of one");
    assert_eq!(error(".endproc"), "there is no procedure to end here");
    assert_eq!(
        error(".zero r0; .temps r6, r7\n.proc a()\npush r1 on stack r2\nreturn\n.endproc"),
        "the stack is off by 1 word at this return"
    );
}

/// The indented block of the manual that contains `part`.
fn manual(part: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/assembler.md");
    let text = std::fs::read_to_string(path).expect("the manual");
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        match line.strip_prefix("    ") {
            Some(code) => *blocks.last_mut().expect("one") += &format!("{code}\n"),
            None if line.is_empty() => {}
            None => blocks.push(String::new()),
        }
    }
    blocks.into_iter().find(|block| block.contains(part)).unwrap_or_else(|| panic!("{part} is in no example"))
}

#[test]
fn the_examples_of_the_manual() {
    let gcd = manual(".proc gcd").replace("r4 := call", "\nmain:\nr4 := call");
    let source = PRELUDE.replace(".temps r6, r7, r5\n", "").replace(".zero r0\n", ".zero r0\n.temps r5, r6, r7\n");
    assert_eq!(output(&format!("{source}\n{gcd}\nline r4\nhalt")), "21\n");
    let twice = manual(".macro print_twice");
    assert_eq!(output(&format!(".zero r0\n.temps r6, r7, r5\n{twice}\nprint_twice 'y'\nhalt")), "xxyy");
    let cat = manual("// 10 words");
    assert!(cat.lines().count() >= 5);
    assembled(&format!("{cat}\nL9: halt"));
}

#[test]
fn three_temporaries_are_enough_for_locals() {
    let body = "x := y\nx := 0x12345678\nx := x - y\nx := y mod x\nx := -y\nx := ~y\nx := x xor y\nx := x | y\nr3 := x - y\n\
                if (x != 0) x := y\nif (x < 5) goto @e\nif (3 <u y) goto @e\nif (r3 > r4) goto @e\n\
                push x on stack r2\npop y off stack r2\noutput x\nm[r3][x] := y\nx := m[r3][y]\nx := input()\n\
                x := map segment (y words)\ny := call p(x)\n@e: return y";
    let source = |temps: &str, body: &str| {
        format!(".zero r0\n.temps {temps}\n.proc p(y) locals x saves r3, r4\n{body}\n.endproc")
    };
    assembled(&source("r5, r6, r7", body));
    assembled(&source("r3, r4, r5, r6, r7", "if (x < y) goto @e\n@e: return"));
    assembled(&source("r4, r5, r6, r7", "if (x == y) goto @e\nif (x >= 5) x := y\n@e: return"));
    let few = try_assemble(&source("r4, r5, r6, r7", "if (x < y) goto @e\n@e: return")).expect_err("too few");
    assert!(few[0].message.starts_with("not enough temporary registers"));
}

/// Values around which comparisons go wrong.
const CORNERS: [u32; 12] = [
    0,
    1,
    2,
    0x7fff_ffff,
    0x8000_0000,
    0x8000_0001,
    u32::MAX,
    0x01ff_ffff,
    0x0200_0000,
    0xfe00_0000,
    0x1234_5678,
    0x9234_5678,
];

type Compare = fn(u32, u32) -> bool;

/// The comparisons that are right for all operands, and what they mean.
const RIGHT: [(&str, Compare); 8] = [
    ("<", |a, b| (a as i32) < b as i32),
    (">", |a, b| (a as i32) > b as i32),
    ("<=", |a, b| a as i32 <= b as i32),
    (">=", |a, b| a as i32 >= b as i32),
    ("<u", |a, b| a < b),
    (">u", |a, b| a > b),
    ("<=u", |a, b| a <= b),
    (">=u", |a, b| a >= b),
];

#[test]
fn comparisons_are_right_for_all_operands() {
    for (relation, holds) in RIGHT {
        let mut source = ".zero r0\n.temps r6, r7, r5, r4\n".to_owned();
        let mut expected = String::new();
        for left in CORNERS {
            for right in CORNERS {
                source += &format!("r1 := {left}; r2 := {right}\n");
                let operands = [
                    ("r1".to_owned(), "r2".to_owned()),
                    ("r1".to_owned(), right.to_string()),
                    (left.to_string(), "r2".to_owned()),
                    (left.to_string(), right.to_string()),
                    // A memory word, and an operand that is a temporary too.
                    ("m[r0][A]".to_owned(), "r2".to_owned()),
                    ("r6".to_owned(), "r2".to_owned()),
                ];
                for (index, (x, y)) in operands.iter().enumerate() {
                    let label = format!("L{}_{index}", expected.len());
                    source +=
                        &format!("m[r0][A] := r1; r6 := r1; r3 := 'n'; if ({x} {relation} {y}) r3 := 'y'; output r3\n");
                    source += &format!("r6 := r1; if ({x} {relation} {y}) goto {label}; output 'N'; goto {label}e\n");
                    source += &format!("{label}: output 'Y'; {label}e:\n");
                    expected += if holds(left, right) { "yY" } else { "nN" };
                }
            }
        }
        source += "halt\nA: .data 0\n";
        assert_eq!(output(&source), expected, "{relation}");
    }
}

#[test]
fn comparisons_with_constants_need_three_temporaries() {
    for (relation, holds) in RIGHT {
        for value in CORNERS {
            for left in [0u32, 5, 0x8000_0000, u32::MAX, value] {
                let source = format!(
                    ".zero r0\nr1 := {left} using r7\nif (r1 {relation} {value}) goto L using r5, r6, r7\noutput 'n' using r7; halt\nL: output 'y' using r7; halt"
                );
                let expected = if holds(left, value) { "y" } else { "n" };
                assert_eq!(output(&source), expected, "{left} {relation} {value}");
            }
        }
    }
}

#[test]
fn a_plain_program_means_the_same() {
    let mut images = 0;
    for seed in 0..3000 {
        let text = Generator::new(seed).file(true);
        let source = [Source::new("plain.ums", text)];
        if let Ok(plain) = assemble(&source, &Options::default()) {
            let extended = assemble(&source, &extended()).expect("also understood");
            assert_eq!(plain.words, extended.words, "{}", String::from_utf8_lossy(&source[0].text));
            images += 1;
        }
    }
    assert!(images > 1000);
}

#[test]
fn the_listing_and_the_symbols_say_where_words_come_from() {
    let source = ".zero r0\n.macro stop\nhalt\n.endmacro\n\nmain: r1 := -1 // two words\n.section data\nd: .data 7; .data 8\n.section init\nstop\n";
    let assembly = assembled(source);
    let mut listing = Vec::new();
    assembly.write_listing(&mut listing).expect("a vector takes everything");
    insta::assert_snapshot!(String::from_utf8(listing).expect("text"));
    let mut json = Vec::new();
    assembly.write_symbols(&mut json).expect("a vector takes everything");
    insta::assert_snapshot!(String::from_utf8(json.clone()).expect("text"));
    let symbols = Symbols::from_json(&json).expect("what was written");
    assert_eq!(symbols, assembly.symbols());
    assert_eq!(symbols.label_at(2).expect("main").name, "main");
    assert_eq!(symbols.label_at(4).expect("d").name, "d");
    assert_eq!(symbols.line_at(1).expect("r1 := -1").line, 6);
    assert_eq!(symbols.line_at(2).expect("stop").line, 10);
    assert_eq!(symbols.line_at(5), None);
    assert!(Symbols::from_json(b"{}").is_err());
    let other = String::from_utf8(json).expect("text").replace("\"version\":1", "\"version\":9");
    assert!(Symbols::from_json(other.as_bytes()).expect_err("another version").to_string().contains("version 9"));
}
