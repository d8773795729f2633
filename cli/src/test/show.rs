//! What differs between two outputs, for people: as lines of text, or as bytes.

use similar::{ChangeTag, TextDiff};
use std::fmt::Write;

/// Lines that are shown at the most.
const LINES_SHOWN: usize = 40;
/// Texts that are longer are compared as bytes: comparing lines takes the square of their number.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// Tells what differs.
pub fn difference(expected: &[u8], found: &[u8]) -> String {
    let first = (0..expected.len().max(found.len())).find(|&i| expected.get(i) != found.get(i)).unwrap_or_default();
    let mut text = format!(
        "  byte {first} is the first that differs; {} bytes were expected, and {} were put out\n",
        expected.len(),
        found.len()
    );
    match (as_text(expected), as_text(found)) {
        (Some(expected), Some(found)) => text += &lines(expected, found),
        _ => {
            text += &bytes("expected", expected, first);
            text += &bytes("put out ", found, first);
        }
    }
    text
}

fn as_text(bytes: &[u8]) -> Option<&str> {
    let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\r');
    std::str::from_utf8(bytes).ok().filter(|text| text.len() <= TEXT_BYTES_MAX && !text.contains(is_control))
}

fn lines(expected: &str, found: &str) -> String {
    let mut text = String::new();
    let diff = TextDiff::from_lines(expected, found);
    let mut shown = 0;
    for group in diff.grouped_ops(2) {
        for op in group {
            for change in diff.iter_changes(&op) {
                shown += 1;
                if shown > LINES_SHOWN {
                    return text + "    (and more)\n";
                }
                let sign = match change.tag() {
                    ChangeTag::Delete => '-',
                    ChangeTag::Insert => '+',
                    ChangeTag::Equal => ' ',
                };
                let line = change.value();
                let (line, end) = match line.strip_suffix('\n') {
                    Some(line) => (line, ""),
                    None => (line, "   (no end of line)"),
                };
                let _ = writeln!(text, "    {sign} {}{end}", line.replace('\r', "\\r").replace('\t', "\\t"));
            }
        }
    }
    text + "    (- expected, + put out)\n"
}

/// Sixteen bytes in a line, around the first that differs.
fn bytes(what: &str, bytes: &[u8], first: usize) -> String {
    let start = first.saturating_sub(16) / 16 * 16;
    let mut text = String::new();
    for (i, line) in bytes[start.min(bytes.len())..].chunks(16).take(3).enumerate() {
        let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let chars: String =
            line.iter().map(|&byte| if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '.' }).collect();
        let _ = writeln!(text, "    {what} {:>8}  {:<47}  {chars}", start + 16 * i, hex.join(" "));
    }
    if text.is_empty() { format!("    {what} ends before\n") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_as_lines_and_all_else_as_bytes() {
        let text = difference(b"one\ntwo\nthree\n", b"one\n2\nthree");
        assert!(
            text.starts_with("  byte 4 is the first that differs; 14 bytes were expected, and 11 were put out\n"),
            "{text}"
        );
        for line in ["      one\n", "    - two\n", "    + 2\n", "    + three   (no end of line)\n"] {
            assert!(text.contains(line), "{line:?} in {text}");
        }
        let text = difference(&[0, 1, 2, 3], &[0, 1, 9]);
        assert!(
            text.contains("expected        0  00 01 02 03") && text.contains("put out         0  00 01 09"),
            "{text}"
        );
        assert!(difference(b"\0", b"").contains("put out  ends before"));
    }
}
