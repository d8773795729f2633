//! Each rule of the plain dialect with the words that it must give, written by hand.

use rum_asm::{Options, Source, assemble};
use rum_interp::isa::Instruction;

/// The words of a source as instructions; whatever no instruction writes is a number.
fn words(source: &str) -> Vec<String> {
    let assembly = assemble(&[Source::new("rule.ums", source)], &Options::default())
        .unwrap_or_else(|errors| panic!("{source}\n{}", errors[0]));
    let show = |&word: &u32| {
        let instruction = Instruction::decode(word);
        // Of the conditional moves, those with an operand above r1 as target: small numbers are data.
        let exact = instruction.encode() == word && (0x80..0xe000_0000).contains(&word);
        if exact { instruction.to_string() } else { word.to_string() }
    };
    assembly.words.iter().map(show).collect()
}

#[track_caller]
fn check(source: &str, expected: &[&str]) {
    assert_eq!(words(source), expected, "{source}");
}

#[test]
fn moves() {
    check("r1 := r2", &["r1 := r2 nand r2", "r1 := r1 nand r1"]);
    check("r1 := r1", &[]);
    check("r1 := 33554431", &["r1 := 33554431"]);
    check("r1 := 'a'; r2 := 0x10; r3 := '\\n'", &["r1 := 97", "r2 := 16", "r3 := 10"]);
    check("r1 := -1", &["r1 := 0", "r1 := r1 nand r1"]);
    check("r1 := -33554432", &["r1 := 33554431", "r1 := r1 nand r1"]);
    check("r1 := 33554432 using r6", &["r1 := 512", "r6 := 65536", "r1 := r1 * r6", "r6 := 0", "r1 := r1 + r6"]);
    check("r1 := 0x12345678 using r6", &["r1 := 4660", "r6 := 65536", "r1 := r1 * r6", "r6 := 22136", "r1 := r1 + r6"]);
    check("r1 := r2 + 5", &["r1 := 5", "r1 := r1 + r2"]);
    check("r1 := r1 + 5 using r7", &["r7 := 5", "r1 := r1 + r7"]);
}

#[test]
fn memory() {
    check("r1 := m[r2][r3]", &["r1 := m[r2][r3]"]);
    check("r1 := m[r2][7]", &["r1 := 7", "r1 := m[r2][r1]"]);
    check("r1 := m[r1][7] using r6", &["r6 := 7", "r1 := m[r1][r6]"]);
    check("r1 := m[r2][r3 + 4]", &["r1 := 4", "r1 := r1 + r3", "r1 := m[r2][r1]"]);
    check("r1 := m[r2][m[r3][r4]]", &["r1 := m[r3][r4]", "r1 := m[r2][r1]"]);
    check("m[r1][r2] := r3", &["m[r1][r2] := r3"]);
    check("m[r1][5] := 6 using r3, r5", &["r3 := 6", "r5 := 5", "m[r1][r5] := r3"]);
    check("m[r1][r2] := r3 + r4 using r5", &["r5 := r3 + r4", "m[r1][r2] := r5"]);
    check("r1 := map segment (r2 words)", &["r1 := map segment (r2 words)"]);
    check("r1 := new segment (3 words) using r6", &["r6 := 3", "r1 := map segment (r6 words)"]);
    check("unmap m[r3]; inactivate m[r4]", &["unmap m[r3]", "unmap m[r4]"]);
    check(
        "r1 := map segment (string \"A\") using r6, r7",
        &[
            "r6 := 2",
            "r1 := map segment (r6 words)",
            "r6 := 65",
            "r7 := 0",
            "m[r1][r7] := r6",
            "r6 := 0",
            "r6 := r6 nand r6",
            "r7 := 1",
            "m[r1][r7] := r6",
        ],
    );
}

#[test]
fn operators() {
    check("r1 := r2 + r3; r1 := r2 * r3", &["r1 := r2 + r3", "r1 := r2 * r3"]);
    check("r1 := r2 / r3; r1 := r2 nand r3", &["r1 := r2 / r3", "r1 := r2 nand r3"]);
    check("r1 := r2 & r3", &["r1 := r2 nand r3", "r1 := r1 nand r1"]);
    check("r1 := r2 | r3 using r6", &["r6 := r2 nand r2", "r1 := r3 nand r3", "r1 := r6 nand r1"]);
    check("r1 := r2 - r3 using r6", &["r6 := r3 nand r3", "r1 := r2 + r6", "r6 := 1", "r1 := r1 + r6"]);
    check("r1 := -r2 using r6", &["r6 := r2 nand r2", "r1 := 1", "r1 := r1 + r6"]);
    check("r1 := ~r2", &["r1 := r2 nand r2"]);
    check(
        "r1 := r2 mod r3 using r6, r7",
        &["r6 := r2 / r3", "r6 := r6 * r3", "r7 := r6 nand r6", "r1 := r2 + r7", "r7 := 1", "r1 := r1 + r7"],
    );
    check(
        "r1 := r2 xor r3 using r6, r7",
        &["r6 := r2 nand r3", "r7 := r2 nand r6", "r1 := r3 nand r6", "r1 := r7 nand r1"],
    );
    check(
        "r1 := r2 xor r3 using r6",
        &[
            "r6 := r2 nand r2",
            "r1 := r3 nand r3",
            "r1 := r6 nand r1",
            "r6 := r2 nand r3",
            "r1 := r6 nand r1",
            "r1 := r1 nand r1",
        ],
    );
    // Operands that are in the pool are left alone, if another register is there.
    check("r1 := r6 * 3 using r6, r7", &["r7 := 3", "r1 := r6 * r7"]);
    check("r1 := r6 * 3 using r6", &["r6 := 3", "r1 := r6 * r6"]);
    check("r1 := 2 * 3 using r6, r7", &["r6 := 2", "r7 := 3", "r1 := r6 * r7"]);
}

#[test]
fn input_and_output() {
    check("r1 := input()", &["r1 := input()"]);
    check("m[r1][r2] := input() using r6", &["r6 := input()", "m[r1][r2] := r6"]);
    check("output r1; output 'x' using r6", &["output r1", "r6 := 120", "output r6"]);
    check("output \"a\\n\" using r6", &["r6 := 97", "output r6", "r6 := 10", "output r6"]);
    check("halt", &["halt"]);
}

#[test]
fn jumps() {
    check(".zero r0\nL: goto L using r7", &["r7 := 0", "goto r7 in program m[r0]"]);
    check("L: goto L using r6, r7", &["r6 := 0", "r7 := 0", "goto r7 in program m[r6]"]);
    check(".zero r0; goto r3; goto *r3", &["goto r3 in program m[r0]", "goto r3 in program m[r0]"]);
    check("goto r1 in program m[r2]", &["goto r1 in program m[r2]"]);
    check(".zero r0; goto r3 linking r1", &["r1 := 2", "goto r3 in program m[r0]"]);
    check(
        ".zero r0; L: if (r1 == 0) goto L using r6, r7; halt",
        &["r6 := 0", "r7 := 4", "if (r1 != 0) r6 := r7", "goto r6 in program m[r0]", "halt"],
    );
    check(
        ".zero r0; L: if (r1 != 0) goto L using r6, r7",
        &["r6 := 4", "r7 := 0", "if (r1 != 0) r6 := r7", "goto r6 in program m[r0]"],
    );
    check(
        ".zero r0; .temps r3, r6, r7; L: if (r1 == r2) goto L",
        &[
            "r6 := r1 nand r2",
            "r7 := r1 nand r6",
            "r3 := r2 nand r6",
            "r3 := r7 nand r3",
            "r6 := 0",
            "r7 := 8",
            "if (r3 != 0) r6 := r7",
            "goto r6 in program m[r0]",
        ],
    );
}

#[test]
fn comparisons_by_the_sign_of_the_difference() {
    check(
        ".zero r0; L: if (r1 <s r2) goto L using r5, r6, r7",
        &[
            "r6 := r2 nand r2",
            "r5 := r1 + r6",
            "r6 := 1",
            "r5 := r5 + r6",
            "r6 := 32768",
            "r5 := r5 / r6",
            "r6 := 65536",
            "r5 := r5 / r6",
            "r6 := 12",
            "r7 := 0",
            "if (r5 != 0) r6 := r7",
            "goto r6 in program m[r0]",
        ],
    );
}

#[test]
fn conditional_moves() {
    check("if (r1 != 0) r2 := r3", &["if (r1 != 0) r2 := r3"]);
    check(".zero r0; if (r1 == 0) r2 := r3 using r6", &["r6 := 1", "if (r1 != 0) r6 := r0", "if (r6 != 0) r2 := r3"]);
    check("if (r1 != 0) m[r2][r3] := r4 using r6", &["r6 := m[r2][r3]", "if (r1 != 0) r6 := r4", "m[r2][r3] := r6"]);
}

#[test]
fn stacks() {
    check(".zero r0; push r1 on stack r2 using r6", &["r6 := r0 nand r0", "r2 := r2 + r6", "m[r0][r2] := r1"]);
    check(".zero r0; pop r1 off stack r2 using r6", &["r1 := m[r0][r2]", "r6 := 1", "r2 := r2 + r6"]);
    check("pop stack r2 using r6", &["r6 := 1", "r2 := r2 + r6"]);
}

#[test]
fn data_and_sections() {
    check(".data 5; .data -1; .data 'c'; .data 0x5", &["5", "4294967295", "99", "5"]);
    check(".string \"a\\t\"", &["97", "9", "4294967295"]);
    check(".space 3", &["0", "0", "0"]);
    check("A: .data B - 1; .data B + 2; B: .data A", &["1", "4", "0"]);
    // `init` is first even where it is empty at first; others follow in order of appearance.
    check(
        ".section x; .data 1; .section y; .data 2; .section x; .data 3; .section init; .data 4",
        &["4", "1", "3", "2"],
    );
}
