//! Values that options take. A leaf.

use clap::ValueEnum;
use std::ops::Range;
use std::time::Duration;

/// When text has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorArg {
    /// On a terminal that can show them, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How statistics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatsFormat {
    /// A report for people.
    Text,
    /// One JSON object with its keys in alphabetical order.
    Json,
}

/// How instructions are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TraceFormat {
    /// Columns for people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
    /// The pc and the eight registers before each instruction, as rum diff reads them.
    Plain,
}

/// A size in bytes: `512M`, `2G`, `1.5GiB`, `4096`. All units are binary.
pub fn parse_size(text: &str) -> Result<u64, String> {
    parse_size::Config::new()
        .with_binary()
        .parse_size(text)
        .map_err(|_| "a size is a number with an optional unit K, M, G or T (powers of 1024), such as 512M".to_owned())
}

/// A time with its unit: `60s`, `500ms`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "a duration is whole numbers with units, such as 60s, 500ms, 2m or \"1m 30s\"".to_owned())
}

/// A whole number, with `_` between digits and a power of ten if one likes: `1e9`, `1.5e6`, `1_000_000`.
pub fn parse_count(text: &str) -> Result<u64, String> {
    let wrong = || "a count is a whole number, such as 1000000, 1_000_000 or 1e6".to_owned();
    let plain = text.replace('_', "");
    let (mantissa, power) = plain.split_once(['e', 'E']).unwrap_or((&plain, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let power: u32 = power.parse().map_err(|_| wrong())?;
    let zeros = power.checked_sub(u32::try_from(fraction.len()).map_err(|_| wrong())?).ok_or_else(wrong)?;
    let digits: u128 = digits.parse().map_err(|_| wrong())?;
    let value = match digits {
        0 => Some(0),
        _ => 10u128.checked_pow(zeros).and_then(|scale| digits.checked_mul(scale)),
    };
    value.and_then(|value| u64::try_from(value).ok()).ok_or_else(|| format!("a count is at most {}", u64::MAX))
}

/// Numbers of instructions, from 1 on, of which the last does not belong to it: `1000..2000`, `1000..`, `..2000`.
pub fn parse_range(text: &str) -> Result<Range<u64>, String> {
    let wrong =
        || "a range of instructions is FROM..TO, such as 1000..2000, 1e6.. or ..500, FROM being below TO".to_owned();
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let number = |text: &str, missing| if text.is_empty() { Ok(missing) } else { parse_count(text) };
    let range = number(from, 1)?.max(1)..number(to, u64::MAX)?;
    if range.is_empty() { Err(wrong()) } else { Ok(range) }
}

/// When everything is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveAt {
    /// After so many instructions.
    Count(u64),
    /// When the program asks for input that nothing gives but the terminal, or whatever standard input is.
    Input,
}

/// A count of instructions, or `input`.
pub fn parse_save_at(text: &str) -> Result<SaveAt, String> {
    match text {
        "input" => Ok(SaveAt::Input),
        _ => parse_count(text)
            .map(SaveAt::Count)
            .map_err(|_| "a number of instructions, such as 1e6, or input".to_owned()),
    }
}

/// A place in what a program puts out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Behind so many bytes.
    Bytes(u64),
    /// Behind the first occurrence of these.
    Text(Vec<u8>),
}

/// A number of bytes, or a text, in which `\\n`, `\\t` and `\\\\` may stand for characters that are hard to write.
pub fn parse_mark(text: &str) -> Result<Mark, String> {
    if let Ok(bytes) = parse_count(text) {
        return Ok(Mark::Bytes(bytes));
    }
    let text = text.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace('\0', "\\");
    if text.is_empty() {
        Err("a text of at least one character, or a number of bytes".to_owned())
    } else {
        Ok(Mark::Text(text.into_bytes()))
    }
}

/// How much is told of what the engine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// What fails
    Warn,
    /// Units: made, live, thrown away and why; words that are patched again and again
    Debug,
    /// Blocks, too
    Trace,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_powers_and_underscores() {
        for (text, value) in [
            ("0", 0),
            ("1e9", 1_000_000_000),
            ("1_000", 1000),
            ("1.5e3", 1500),
            ("2.50e1", 25),
            ("0e99", 0),
            ("7E0", 7),
        ] {
            assert_eq!(parse_count(text), Ok(value), "{text}");
        }
        assert_eq!(parse_count("18446744073709551615"), Ok(u64::MAX));
        for text in ["", "e9", "1.5", "-1", "1e-1", "1e20", "18446744073709551616", "1e999", "ten", "1 000", "0x10"] {
            assert!(parse_count(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ranges_may_be_open() {
        assert_eq!(parse_range("1e3..2_000"), Ok(1000..2000));
        assert_eq!(parse_range("0..2"), Ok(1..2));
        assert_eq!([parse_range("7.."), parse_range("..9")], [Ok(7..u64::MAX), Ok(1..9)]);
        for text in ["", "5", "5..5", "9..5", "a..b", "1...3"] {
            assert!(parse_range(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_binary() {
        for (text, bytes) in
            [("2G", 2 << 30), ("512M", 512 << 20), ("64k", 64 << 10), ("1GiB", 1 << 30), ("4096", 4096)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        assert!(parse_size("lots").is_err() && parse_size("-1G").is_err());
    }

    #[test]
    fn durations_have_units() {
        for (text, ms) in [("60s", 60_000), ("500ms", 500), ("2m", 120_000), ("1m 30s", 90_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        assert!(parse_duration("60").is_err() && parse_duration("soon").is_err());
    }
}
