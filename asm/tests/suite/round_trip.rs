//! What the disassembler writes assembles to the image that it was given, word for word.

use std::time::{Duration, Instant};

use rum_asm::{DisasmOptions, Options, Source, assemble, disassemble, umdump};

use crate::random::Random;
use crate::shared;

fn text_of(words: &[u32], fold: bool) -> Vec<u8> {
    let mut out = Vec::new();
    disassemble(words, None, &DisasmOptions { color: false, fold }, &mut out).expect("a vector takes everything");
    out
}

fn check(words: &[u32], what: &dyn Fn() -> String) {
    for fold in [true, false] {
        let text = text_of(words, fold);
        match assemble(&[Source::new("image", text.clone())], &Options::default()) {
            Ok(assembly) if assembly.words == words => assert!(assembly.warnings.is_empty()),
            Ok(assembly) => {
                let at = assembly.words.iter().zip(words).position(|(ours, word)| ours != word);
                panic!("{}: differs from word {at:?} on\n{}", what(), String::from_utf8_lossy(&text))
            }
            Err(errors) => panic!("{}: {}\n{}", what(), errors[0], String::from_utf8_lossy(&text)),
        }
    }
}

fn words_of(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|word| u32::from_be_bytes(word.try_into().expect("four bytes"))).collect()
}

#[test]
fn every_image_of_the_collection() {
    let Some(folder) = shared("umbin") else { return };
    let mut images = 0;
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if !path.extension().is_some_and(|extension| extension == "um" || extension == "umz") {
            continue;
        }
        let words = words_of(&std::fs::read(&path).expect("readable"));
        let start = Instant::now();
        text_of(&words, true);
        let elapsed = start.elapsed();
        // With assertions on and the other core busy; see the release figure in the documentation.
        assert!(elapsed < Duration::from_secs(5), "{}: {elapsed:?}", path.display());
        println!("{}: {} words, {elapsed:?}", path.display(), words.len());
        let what = path.display().to_string();
        // The text of a large image is too long for a failure message.
        if words.len() > 1 << 20 {
            let text = text_of(&words, true);
            let assembly = assemble(&[Source::new("image", text)], &Options::default()).expect("assembles");
            assert!(assembly.words == words, "{what}");
        } else {
            check(&words, &|| what.clone());
        }
        images += 1;
    }
    assert!(images >= 12, "{images} images");
}

/// Words that are near what programs are made of.
fn likely_word(random: &mut Random, length: usize) -> u32 {
    let fields = random.word() & 0x1ff;
    match random.below(12) {
        0 => random.word(),
        1 => u32::from(b"hello world\n\t\"\\' ~!"[random.below(19)]),
        2 => 0,
        3 => u32::MAX,
        // A literal that may be an address.
        4 | 5 => 0xd000_0000 | random.word() & 7 << 25 | random.below(length + 2) as u32,
        6 => 0xd000_0000 | random.word() & 7 << 25 | random.below(128) as u32,
        7 => 0xd000_0000 | random.word() & 0x0fff_ffff,
        8 => 0xc000_0000 | fields & 0x3f,
        9 => (7 + random.below(7) as u32) << 28 | fields & 7,
        10 => (random.below(16) as u32) << 28 | fields | 1 << (9 + random.below(19)),
        _ => (random.below(7) as u32) << 28 | fields,
    }
}

/// What macro instructions expand to, with registers that fit more or less.
fn likely_pattern(random: &mut Random, at: usize, length: usize, out: &mut Vec<u32>) {
    let few = 2 + random.below(7);
    let reg = |random: &mut Random| random.below(few) as u32 & 7;
    let (a, b, c, t, u, z) = (reg(random), reg(random), reg(random), reg(random), reg(random), reg(random));
    let lit = |reg: u32, value: u32| 0xd000_0000 | reg << 25 | value & 0x1ff_ffff;
    let op = |op: u32, a: u32, b: u32, c: u32| op << 28 | a << 6 | b << 3 | c;
    let target = random.below(length + 1) as u32;
    let here = at as u32;
    let value = random.word() >> random.below(32);
    let words: Vec<u32> = match random.below(18) {
        0 => vec![lit(t, here + 4), lit(u, target), op(0, t, u, c), op(12, 0, z, t)],
        1 => vec![lit(t, target), lit(u, here + 4), op(0, t, u, c), op(12, 0, z, t)],
        2 => vec![lit(t, target), op(12, 0, z, t)],
        3 => vec![lit(a, here + 3), lit(t, target), op(12, 0, z, t)],
        4 => vec![lit(a, value >> 16), lit(t, 0x10000), op(4, a, a, t), lit(t, value & 0x1ffff), op(3, a, a, t)],
        5 => vec![lit(a, value), op(6, a, a, a)],
        6 => vec![lit(a, value), op(3, a, a, b)],
        7 => vec![lit(t, value), op(3, a, a, t)],
        8 => vec![op(6, t, c, c), op(3, a, b, t), lit(t, 1), op(3, a, a, t)],
        9 => vec![op(6, t, b, b), lit(a, 1), op(3, a, a, t)],
        10 => vec![op(6, t, b, b), op(6, a, c, c), op(6, a, t, a)],
        11 => vec![op(6, t, b, c), op(6, u, b, t), op(6, a, c, t), op(6, a, u, a)],
        12 => vec![op(6, a, b, c), op(6, a, a, a)],
        13 => vec![op(6, t, z, z), op(3, b, b, t), op(2, z, b, a)],
        14 => vec![op(1, a, z, b), lit(t, 1), op(3, b, b, t)],
        16 => vec![0; 1 + random.below(9)],
        15 => {
            // Behind a halt, so that it is data, and now and then where a jump goes.
            let mut text = vec![0x7000_0000];
            text.extend((0..random.below(8)).map(|_| 0x20 + random.word() % 0x60));
            text.push(if random.one_in(4) { random.word() } else { u32::MAX });
            text
        }
        _ => (0..1 + random.below(5)).flat_map(|_| [lit(t, 0x20 + random.word() % 0x60), op(10, 0, 0, t)]).collect(),
    };
    out.extend(words);
}

fn random_image(seed: u64) -> Vec<u32> {
    let mut random = Random::new(seed);
    let length = if random.one_in(100) { random.below(2000) } else { random.below(40) };
    if random.one_in(4) {
        return (0..length).map(|_| random.word()).collect();
    }
    let mut words = Vec::new();
    while words.len() < length {
        if random.one_in(3) {
            let at = words.len();
            likely_pattern(&mut random, at, length, &mut words);
        } else {
            words.push(likely_word(&mut random, length));
        }
    }
    words
}

#[test]
fn a_hundred_thousand_random_images() {
    std::thread::scope(|scope| {
        for part in 0..2 {
            scope.spawn(move || {
                for seed in (part..100_000).step_by(2) {
                    check(&random_image(seed), &|| format!("seed {seed}"));
                }
            });
        }
    });
}

#[test]
fn the_patterns_are_found() {
    let all: Vec<u8> = (0..20_000).flat_map(|seed| text_of(&random_image(seed), true)).collect();
    let all = String::from_utf8(all).expect("ASCII");
    for part in [
        "goto L",
        " linking r",
        " == 0) goto L",
        " != 0) goto L",
        ":= -1",
        ":= -r",
        ":= ~r",
        " | r",
        " & r",
        " - r",
        " xor r",
        " + 1",
        "push r",
        "pop r",
        "output \"",
        ".string \"",
        ".space ",
        ".data '",
        "// from ",
        "called from ",
        "does not use",
        ":= 0x",
    ] {
        assert!(all.matches(part).count() >= 20, "{part:?} is missing");
    }
}

#[test]
fn the_course_format() {
    let words = [
        0xd200_0002,
        0x0000_0053,
        0x1000_0053,
        0x2000_0053,
        0x3000_0053,
        0x4000_0053,
        0x5000_0053,
        0x6000_0053,
        0x7000_0000,
        0x8000_001a,
        0x9000_0003,
        0xa000_0004,
        0xb000_0005,
        0xc000_0032,
        0xe123_4567,
        0xffff_ffff,
        0x7fff_ffff,
        0xdfff_ffff,
    ];
    let mut out = Vec::new();
    umdump(&words, &mut out).expect("a vector takes everything");
    let expected = "     0: [0xd2000002] r1 := 2;
     1: [0x00000053] if (r3 != 0) r1 := r2;
     2: [0x10000053] r1 := m[r2][r3];
     3: [0x20000053] m[r1][r2] := r3;
     4: [0x30000053] r1 := r2 + r3;
     5: [0x40000053] r1 := r2 * r3;
     6: [0x50000053] r1 := r2 / r3;
     7: [0x60000053] r1 := r2 nand r3;
     8: [0x70000000] halt;
     9: [0x8000001a] r3 := map segment (r2 words);
    10: [0x90000003] unmap m[r3];
    11: [0xa0000004] output r4;
    12: [0xb0000005] r5 := input();
    13: [0xc0000032] goto r2 in program m[r6];
    14: [0xe1234567] .data 0xe1234567;
    15: [0xffffffff] .data 0xffffffff;
    16: [0x7fffffff] halt;
    17: [0xdfffffff] r7 := 33554431;
";
    assert_eq!(String::from_utf8(out).expect("ASCII"), expected);
}

#[test]
fn umdump_shows_what_the_instruction_set_says() {
    let mut random = Random::new(1);
    let words: Vec<u32> = (0..10_000).map(|_| random.word()).collect();
    let mut out = Vec::new();
    umdump(&words, &mut out).expect("a vector takes everything");
    let text = String::from_utf8(out).expect("ASCII");
    assert_eq!(text.lines().count(), words.len());
    for ((line, &word), at) in text.lines().zip(&words).zip(0..) {
        let instruction = rum_interp::isa::Instruction::decode(word);
        assert_eq!(line, format!("{at:6}: [0x{word:08x}] {instruction};"));
    }
}

#[test]
fn colour_changes_nothing_but_the_escapes() {
    for seed in 0..200 {
        let words = random_image(seed);
        let mut colored = Vec::new();
        disassemble(&words, None, &DisasmOptions { color: true, fold: true }, &mut colored)
            .expect("a vector takes everything");
        let colored = String::from_utf8(colored).expect("ASCII");
        assert!(colored.contains("\x1b[0m"));
        let mut plain = String::new();
        for (index, part) in colored.split('\x1b').enumerate() {
            plain += if index == 0 { part } else { part.split_once('m').expect("a whole escape").1 };
        }
        assert_eq!(plain.as_bytes(), text_of(&words, true));
    }
}

#[test]
fn a_failing_writer_is_reported() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let error = disassemble(&[0x7000_0000], None, &DisasmOptions::default(), &mut Full).expect_err("the disk is full");
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert!(umdump(&[1; 100_000], &mut Full).is_err());
}

/// With symbols labels are called as in the source, and the text still is the same image.
#[test]
fn labels_have_their_names() {
    let text = ".zero r0\n.temps r6, r7\n    goto third\nL9:\n    r1 := 1\nsecond:\nalias:\n    halt\nthird:\n    r2 := alias\n    goto L9\n";
    let options = Options { debug: true, ..Options::default() };
    let assembly = assemble(&[Source::new("named.ums", text)], &options).expect("it is right");
    let symbols = assembly.symbols();
    let shown = |symbols: Option<&rum_asm::Symbols>| {
        let mut out = Vec::new();
        disassemble(&assembly.words, symbols, &DisasmOptions::default(), &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("text")
    };
    let named = shown(Some(&symbols));
    for line in ["\nthird:", "\nalias:", "goto third using r"] {
        assert!(named.contains(line), "{line} in {named}");
    }
    assert!(!named.contains("L9:"), "a name that others may get is not used: {named}");
    let again = assemble(&[Source::new("again.ums", named.as_str())], &Options::default()).expect("it is right");
    assert_eq!(again.words, assembly.words);
    // Nor do names that no label can have, or that two have.
    for name in ["", "goto", "r3", "a b", "a:", "é", "7", "third", "x\nhalt", "@x"] {
        let mut odd = symbols.clone();
        odd.labels.iter_mut().filter(|label| label.name != "third").for_each(|label| label.name = name.to_owned());
        let again = assemble(&[Source::new("odd.ums", shown(Some(&odd)))], &Options::default()).expect("it is right");
        assert_eq!(again.words, assembly.words, "{name:?}");
    }
    // Symbols of another image say nothing.
    let mut other = symbols.clone();
    other.words += 1;
    assert_eq!(shown(Some(&other)), shown(None));
}
