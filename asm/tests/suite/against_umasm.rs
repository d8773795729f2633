//! Byte for byte against the reference implementation of the course's assembler.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use rum_asm::{Options, Source, assemble};

use crate::generator::Generator;
use crate::shared;

/// Reads programs (count, then for each: number of files, each with length and bytes) and answers for each with the
/// number of words and the words, or with -1 where it has no image.
const DRIVER: &str = r#"
import io, struct, sys
sys.path.insert(0, sys.argv[1])
import umasm
data = sys.stdin.buffer.read()
at = 0
def number():
    global at
    at += 4
    return struct.unpack_from('>I', data, at - 4)[0]
files = {}
umasm.open = lambda name, encoding: io.TextIOWrapper(io.BytesIO(files[name]), encoding=encoding)
out = []
for _ in range(number()):
    files = {}
    for name in range(number()):
        length = number()
        files[name] = data[at:at + length]
        at += length
    try:
        words = umasm.assemble(sorted(files))
        out.append(struct.pack('>I%dI' % len(words), len(words), *words))
    except Exception:
        out.append(struct.pack('>i', -1))
sys.stdout.buffer.write(b''.join(out))
"#;

type Program = Vec<Vec<u8>>;

/// What the reference makes of each program.
fn reference(folder: &Path, programs: &[Program]) -> Vec<Option<Vec<u32>>> {
    let mut input = (programs.len() as u32).to_be_bytes().to_vec();
    for program in programs {
        input.extend((program.len() as u32).to_be_bytes());
        for file in program {
            input.extend((file.len() as u32).to_be_bytes());
            input.extend(file);
        }
    }
    let mut child = Command::new("python3")
        .args(["-B", "-c", DRIVER])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    child.stdin.take().expect("piped").write_all(&input).expect("the driver reads everything first");
    let output = child.wait_with_output().expect("the driver ends");
    assert!(output.status.success());
    let mut words = output.stdout.chunks_exact(4).map(|word| u32::from_be_bytes(word.try_into().expect("four bytes")));
    let mut next = || words.next().expect("the driver answers for every program");
    programs
        .iter()
        .map(|_| match next() {
            u32::MAX => None,
            count => Some((0..count).map(|_| next()).collect()),
        })
        .collect()
}

fn ours(program: &Program) -> Result<Vec<u32>, String> {
    let sources: Vec<Source> =
        program.iter().enumerate().map(|(index, text)| Source::new(format!("{index}.ums"), text.clone())).collect();
    match assemble(&sources, &Options::default()) {
        Ok(assembly) => Ok(assembly.words),
        Err(diagnostics) => Err(diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect()),
    }
}

fn show(program: &Program) -> String {
    program.iter().map(|file| format!("--- file\n{}\n", String::from_utf8_lossy(file))).collect()
}

/// Checks all programs and returns those that have an image.
fn compare<'p>(folder: &Path, programs: &'p [Program]) -> Vec<&'p Program> {
    let half = programs.len() / 2;
    let expected: Vec<Option<Vec<u32>>> = std::thread::scope(|scope| {
        let first = scope.spawn(|| reference(folder, &programs[..half]));
        let mut second = reference(folder, &programs[half..]);
        let mut all = first.join().expect("no panic");
        all.append(&mut second);
        all
    });
    for (index, (program, expected)) in programs.iter().zip(&expected).enumerate() {
        match (ours(program), expected) {
            (Ok(words), Some(expected)) if words == *expected => {}
            (Err(_), None) => {}
            (Ok(words), expected) => {
                panic!("program {index}\n{}\n ours {words:08x?}\n reference {expected:08x?}", show(program))
            }
            (Err(errors), Some(_)) => panic!("program {index}\n{}\n ours:\n{errors}", show(program)),
        }
    }
    programs.iter().zip(&expected).filter(|(_, image)| image.is_some()).map(|(program, _)| program).collect()
}

/// What must turn up in programs that have an image.
const COVERED: [&str; 52] = [
    "halt",
    "output \"",
    "output r",
    "output m",
    "unmap m",
    "inactivate m",
    "goto r",
    "goto *",
    " in program m",
    " linking ",
    "if (",
    " == ",
    " != ",
    " <s ",
    " >s ",
    " <=s ",
    " >=s ",
    ") goto ",
    "push ",
    "pop stack ",
    " off stack ",
    "input()",
    "map segment (r",
    "new segment (",
    "(string \"",
    ":= -",
    ":= ~",
    " + ",
    " - ",
    " * ",
    " / ",
    " nand ",
    " & ",
    " | ",
    " xor ",
    " mod ",
    " using ",
    ".section ",
    ".data ",
    ".space ",
    ".string \"",
    ".zero off",
    ".zero r",
    ".temps off",
    ".temp ",
    "0x",
    "'\\n'",
    " + '",
    "main",
    "\r\n",
    " == -0)",
    "(0 ==",
];

#[test]
fn a_generated_corpus() {
    let Some(folder) = shared("umasm") else { return };
    let programs: Vec<Program> = (0..20_000)
        .map(|seed| {
            let mut generator = Generator::new(seed);
            let files = if seed % 7 == 0 { 3 } else { 1 };
            (1..=files).map(|file| generator.file(file == files)).collect()
        })
        .collect();
    let images = compare(&folder, &programs);
    println!("{} of {} programs have an image", images.len(), programs.len());
    assert!(images.len() >= 10_000, "only {} programs have an image", images.len());
    for part in COVERED {
        let holds = |program: &&&Program| program.iter().any(|file| String::from_utf8_lossy(file).contains(part));
        let count = images.iter().filter(holds).count();
        assert!(count >= 10, "{part:?} is in {count} programs only");
    }
}

/// Sources that stand for a corner of the language each.
const CORNERS: &[&str] = &[
    "halt halt",
    ".section",
    ".section \nhalt",
    ".string",
    ".string 'ab' ",
    ".string :=",
    "r1 := map segment (string )) using r2",
    "r1 := map segment (string hello) using r2",
    "goto L using r7, r6\nL",
    "L: goto L + 0x2000000 using r7, r6",
    "L: goto L - 1 using r7, r6",
    "L: .data L - 1",
    ".space 3\nL: r1 := L + 33554429",
    "L: r1 := L + 33554432",
    "L: r1 := L + 4294967295; r2 := L + 4294967296",
    "L: r1 := L + 4026531840",
    ".data r1",
    ".data m[r1][r2]",
    ".data r1 + 1",
    ".data 99999999999999999999999999999999999999999999999999",
    ".data -99999999999999999999999999999999999999999999999999",
    "r1 := r2 using r8",
    "r1 := r00000003",
    "r1 := r00000018",
    "r1 := - 'a' using r2",
    ".space 'a'",
    ".data .x\n.x: halt",
    ".data: .data .data",
    "r1 := m[r0][m[r0][m[r0][m[r0][r1 + 1]]]]",
    "m[r0][m[r0][5]] := m[r0][7] using r1, r2, r3",
    "if (r1 = 0) goto L",
    "if (r1 foo 0) goto L",
    "if (r1 <s2) goto L",
    "halt: halt",
    "if: halt",
    "r1: halt",
    "m: halt",
    "a: a: halt",
    "a:b:c: halt; .data c",
    "output \"a\nb\" using r1",
    "output \"a\r\nb\rc\" using r1",
    "output \"\\\nb\" using r1",
    "output 'a' using r1",
    "output '\r' using r1",
    "output '' using r1",
    "output \"\"",
    "output \"\" using r1",
    "output \"open",
    "r1 := 0x",
    "r1 := 12ab",
    "r1 := r2 + -3 using r4",
    "r1 := 5 - 3 - 2 using r4",
    "r1 := 5 -3 using r4, r5, r6",
    "r1 := foo -r3 using r4, r5\nfoo:",
    "r1 := r2 + 3 + r4",
    "r1 := r1 + 3 + r4 using r5",
    "r1 := (r2)",
    "r1 := input ( )",
    "r1 := input",
    "r1 :=\nr2",
    "goto r1 in program m[r2] using r3",
    "goto r1 + 2 in program m[r2] using r3, r4",
    "goto * r1 in program m[r2]",
    "goto linking linking r1 using r2, r3\nlinking:",
    "pop stack r2 using r3",
    "pop r1 off stack r2",
    "push push on stack r2 using r3",
    ".zero off; .temps off; .zero r3; push r1 on stack r2 using r4",
    ".zero",
    ".temps r1,",
    ".temps r1,\nr2",
    ".unknown",
    "\u{b}halt",
    "\u{c}halt",
    "halt\0",
    "new segment",
    "r1 := new segment (5 words) using r2",
    "r1 := map segment (m[r2][r3] words) using r2",
    "r1 := r1",
    "m[r1][r2] := r3",
    "# only a comment",
    "",
    "/ / halt",
    "/",
    "'",
    "@x: halt",
    ".const X = 5",
    "call f()",
];

#[test]
fn odd_corners() {
    let Some(folder) = shared("umasm") else { return };
    let programs: Vec<Program> = CORNERS.iter().map(|source| vec![source.as_bytes().to_vec()]).collect();
    let images = compare(&folder, &programs);
    assert!(images.len() >= 30, "{} programs have an image", images.len());
    // Sections go on from file to file; `.zero` and `.temps` do not; labels are global.
    let files = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Program>();
    let images = compare(
        &folder,
        &[
            files(&[
                ".section a\n.zero r0\n.temps r1\nhalt",
                "goto L using r6, r7\n.section b\nL: halt",
                ".section init\nhalt",
            ]),
            files(&[".temps r1", "output 5"]),
            files(&["L: halt", "L: halt"]),
            files(&["if (r1 ==", "r2) goto L"]),
        ],
    )
    .len();
    assert_eq!(images, 1);
}
