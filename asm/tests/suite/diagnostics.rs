//! What is said about sources that have no image, as people see it.

use rum_asm::{Options, Severity, Source, assemble};

fn report(sources: &[(&str, &str)], extended: bool) -> String {
    let sources: Vec<Source> = sources.iter().map(|&(name, text)| Source::new(name, text)).collect();
    let options = Options { extended, ..Options::default() };
    let diagnostics = assemble(&sources, &options).map_or_else(|errors| errors, |assembly| assembly.warnings);
    diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n\n")).collect()
}

#[test]
fn all_errors_of_a_run() {
    let first = "main: r1 = 5\n\tr9 := 4   # no such register\nfoo r1\nhlt\nhalt r\nr1 := r2 | r3\noutput \"abc\ngoto loop using r6, r7\n\
                 .dta 5 ; if (r1 < 5) goto main\nr1 := 'ab' $\nr1 := é\nif (r1 == ) goto main\nm[r1] := 3\nhalt := 5\n";
    let second = "main: halt\nlop: goto loop using r6, r7\n.data r1\n.data m\nr1 := 5 @ 3\npush r1 stack r2\n";
    insta::assert_snapshot!(report(&[("first.ums", first), ("dir/second.ums", second)], false));
}

#[test]
fn every_shape_of_a_missing_temporary() {
    let source = "goto L\noutput 5\noutput \"x\"\nr1 := r2 - r3\nr1 := 0x12345678\nr1 := r1 + 5\nr1 := r2 xor r3\nr1 := r2 mod r3\n\
                  if (r1 == r2) goto L\nif (r1 == 0) r3 := r4\npush r1 on stack r2\npop stack r2\nm[r1][r2] := 5\nL:";
    insta::assert_snapshot!(report(&[("temps.ums", source)], false));
}

#[test]
fn warnings() {
    let source =
        ".string hello\n.section 5\nr1 := \"\noutput \"two\nlines\" using r1\nL: r1 := L + 0x2000000\n.section \"x\"";
    let valid = source.replace("r1 := \"\n", "");
    insta::assert_snapshot!(report(&[("odd.ums", &valid)], false));
    insta::assert_snapshot!(report(&[("open.ums", source)], false));
}

#[test]
fn the_extended_dialect() {
    let source = ".const A = 5 / 0\n.macro move x\n\tr9 := x\n\tgoto x using\n.endmacro\nmove here\nmove 5\nmove 5, 6\n.endmacro\n.include \"none.ums\"\n.proc p(a, a)\n\
                  .endproc\n.const B = 1\n.const B = 2\n.data C + 1\nr1 := x + B\n@l: halt\n.proc open()\n";
    insta::assert_snapshot!(report(&[("extended.ums", source)], true));
}

#[test]
fn places_are_exact() {
    let errors =
        assemble(&[Source::new("a.ums", "halt\n  r1 := \u{e9}\u{e9} 5")], &Options::default()).expect_err("an error");
    let place = &errors[0].primary;
    assert_eq!((place.file.as_str(), place.line, place.column), ("a.ums", 2, 9));
    assert_eq!(&place.text[place.range.clone()], "\u{e9}");
    assert_eq!(errors[0].severity, Severity::Error);
    assert!(errors[0].render(true).contains("\x1b["));
    assert!(!errors[0].render(false).contains("\x1b["));
}

/// Some editors begin a text with one.
#[test]
fn a_byte_order_mark_begins_a_text_and_nothing_else() {
    let options = Options::default();
    let plain = assemble(&[Source::new("a.ums", "halt")], &options).expect("a program");
    let marked = assemble(&[Source::new("a.ums", "\u{feff}halt")], &options).expect("a program");
    assert_eq!(plain.words, marked.words);
    assert!(assemble(&[Source::new("a.ums", "halt\u{feff}")], &options).is_err());
}

#[test]
fn whatever_the_file_is() {
    // An image, a long line, nothing but brackets: an answer, and not too much of it.
    let binary: Vec<u8> = (0..100_000u32).flat_map(|word| word.wrapping_mul(0x9e37_79b9).to_be_bytes()).collect();
    let errors = assemble(&[Source::new("a.um", binary)], &Options::default()).expect_err("errors");
    assert!(errors.len() <= 1100);
    errors.iter().for_each(|error| assert!(!error.to_string().is_empty()));
    let nested = format!("r1 := {}", "m[r1][".repeat(100_000));
    let errors = assemble(&[Source::new("a.ums", nested)], &Options::default()).expect_err("an error");
    assert_eq!(errors[0].message, "this is nested too deeply");
    assert!(errors[0].to_string().len() < 10_000);
    // What is shown of a long line does not grow with it.
    let long = format!("{}{}\n", " halt;".repeat(20_000), " bogus;".repeat(500));
    let errors = assemble(&[Source::new("a.ums", long)], &Options::default()).expect_err("errors");
    assert_eq!((errors.len(), errors[499].primary.column), (500, 20_000 * 6 + 499 * 7 + 2));
    for error in &errors {
        let shown = error.to_string();
        assert!(shown.len() < 2_000 && error.primary.text.len() < 2_000 && shown.contains("a.ums:1:"), "{shown}");
        assert_eq!(&error.primary.text[error.primary.range.clone()], "bogus");
    }
    let parens = format!(".data {}", "(".repeat(100_000));
    let extended = Options { extended: true, ..Options::default() };
    assert!(assemble(&[Source::new("a.ums", parens)], &extended).is_err());
    let huge =
        assemble(&[Source::new("a.ums", ".space 0xffffffffff; .space 1")], &Options::default()).expect_err("too large");
    assert_eq!(huge[0].message, "the image is larger than 268435456 words");
}

#[test]
fn random_damage_never_panics() {
    use crate::generator::Generator;
    use crate::random::Random;
    let mut random = Random::new(7);
    for seed in 0..5000 {
        let mut text = Generator::new(seed).file(true);
        for _ in 0..1 + random.below(5) {
            let at = random.below(text.len());
            match random.below(3) {
                0 => drop(text.remove(at)),
                1 => text[at] = random.next() as u8,
                _ => text.extend_from_within(..at.min(20)),
            }
            if text.is_empty() {
                break;
            }
        }
        for extended in [false, true] {
            let options = Options { extended, debug: true, ..Options::default() };
            if let Err(errors) = assemble(&[Source::new("a.ums", text.clone())], &options) {
                assert!(errors.iter().any(|error| error.severity == Severity::Error));
                errors.iter().for_each(|error| assert!(error.to_string().contains("a.ums:")));
            }
        }
    }
}
