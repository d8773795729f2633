//! Counts, sizes and times for people: the one place that knows how they are written and rounded.
//!
//! humansize and bytesize write sizes as well, but neither counts with separators nor times, and neither says "1 byte"; three
//! functions with one rule (as many digits as say something: three or four) are less than two crates and their settings.

/// `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 word`, `1,234 words`.
pub fn number_of(number: u64, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// `1 byte`, `512 bytes`, `1.5 MiB`.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    match size {
        1 => "1 byte".to_owned(),
        0..1024 => format!("{size} bytes"),
        _ => {
            let power = (size.ilog2() / 10) as usize;
            let value = size as f64 / (1u64 << (10 * power)) as f64;
            format!("{value:.1} {}", UNITS[power - 1])
        }
    }
}

/// `950 ns`, `56.7 µs`, `123 ms`, `6.40 s`: three digits.
pub fn time(ns: u64) -> String {
    let digits = |value: f64| match value {
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    // What would be rounded to 1000 of a unit is 1 of the next.
    match ns as f64 {
        ..1e3 => format!("{ns} ns"),
        time @ ..999.5e3 => format!("{} µs", digits(time / 1e3)),
        time @ ..999.5e6 => format!("{} ms", digits(time / 1e6)),
        time => format!("{} s", digits(time / 1e9)),
    }
}

/// A round time, as it stands at an axis: `5 µs`, `20 ms`, `1 s`.
pub fn round_time(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{} µs", ns / 1_000),
        1_000_000..1_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => format!("{} s", ns / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 1, 2000].map(|number| number_of(number, "word")), ["0 words", "1 word", "2,000 words"]);
        assert_eq!(
            [0, 1, 5, 1024, 3 << 29, u64::MAX].map(bytes),
            ["0 bytes", "1 byte", "5 bytes", "1.0 KiB", "1.5 GiB", "16.0 EiB"]
        );
        let times = [7, 1500, 56_700, 1_234_567, 99_960_000, 999_600_000, 6_400_000_000, 123_000_000_000].map(time);
        assert_eq!(times, ["7 ns", "1.50 µs", "56.7 µs", "1.23 ms", "100.0 ms", "1.00 s", "6.40 s", "123 s"]);
        assert_eq!([5_000, 20_000_000, 1_000_000_000].map(round_time), ["5 µs", "20 ms", "1 s"]);
    }
}
