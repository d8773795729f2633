//! What the programs share: the library that their sources include.

/// The size that the programs read from `input`: the digits of the first line, modulo 2^32, or `default` when that line
/// has none. Everything else on the line is skipped.
pub fn read_size(input: &[u8], default: u32) -> u32 {
    let line = input.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let digits = line.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0'));
    digits
        .fold(None, |value: Option<u32>, digit| Some(value.unwrap_or(0).wrapping_mul(10).wrapping_add(digit)))
        .unwrap_or(default)
}

/// The generator of rt_random.ums: linear congruential, 32 bits of state of which the upper 24 are a number.
pub(super) struct Random(u32);

impl Default for Random {
    fn default() -> Self {
        Self(12345)
    }
}

impl Random {
    /// The next number, below 2^24.
    pub fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 8
    }
}

/// A checksum of numbers in the order in which the programs mix them: `sum = sum * 31 + value`.
pub(super) fn checksum(values: impl IntoIterator<Item = u32>) -> u32 {
    values.into_iter().fold(0, |sum: u32, value| sum.wrapping_mul(31).wrapping_add(value))
}
