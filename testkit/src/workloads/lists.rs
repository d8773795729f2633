//! Lists: `list`, `listshort`, `map`, `filter`, `match`. Vectors stand in for chains of cells.

use super::runtime::Random;

fn sum(list: &[u32]) -> u32 {
    list.iter().copied().fold(0, u32::wrapping_add)
}

/// Lists of `piece` cells, `size` cells in all: how many there were, and the sum of their elements.
pub(super) fn build(size: u32, piece: u32) -> [u32; 2] {
    let (mut left, mut cells, mut total) = (size, 0u32, 0u32);
    while left > 0 {
        let list: Vec<u32> = (0..left.min(piece)).collect();
        left -= left.min(piece);
        cells = cells.wrapping_add(list.len() as u32);
        total = total.wrapping_add(sum(&list));
    }
    [cells, total]
}

/// `x -> 3 x + 1` over 5,000 numbers, `size` times; the sum of the last list.
pub(super) fn map(size: u32) -> u32 {
    let mut list: Vec<u32> = (0..5000).collect();
    for _ in 0..size {
        list = list.iter().map(|&x| affine(x)).collect();
    }
    sum(&list)
}

/// The function of `map`.
pub(super) fn affine(x: u32) -> u32 {
    x.wrapping_mul(3).wrapping_add(1)
}

/// Keeps what is not divisible of 5,000 numbers, `size` times: how many were kept, and their sum.
pub(super) fn filter(size: u32) -> [u32; 2] {
    let list: Vec<u32> = (0..5000).collect();
    let (mut kept, mut total) = (0u32, 0u32);
    for left in (1..=size).rev() {
        let result: Vec<u32> = list.iter().copied().filter(|x| x % (left % 7 + 2) != 0).collect();
        kept = kept.wrapping_add(result.len() as u32);
        total = total.wrapping_add(sum(&result));
    }
    [kept, total]
}

/// How often eight patterns match `size` random texts.
pub(super) fn matches(size: u32) -> u32 {
    const PATTERNS: [&str; 8] =
        ["*ab*cd*", "a?b*c?d", "*a*b*c*d*a*", "??*dd*", "*abcd*", "a*a*a*a", "*b?b?b*", "*d*c*b*a*?d"];
    fn matched(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], text) => text.is_empty(),
            ([b'*', rest @ ..], text) => (0..=text.len()).any(|from| matched(rest, &text[from..])),
            ([first, rest @ ..], [letter, text @ ..]) => (*first == b'?' || first == letter) && matched(rest, text),
            (_, []) => false,
        }
    }
    let mut random = Random::default();
    let mut count = 0;
    for _ in 0..size {
        let mut text: Vec<u8> = (0..24).map(|_| b'a' + (random.next() / 4096 % 4) as u8).collect();
        text.reverse();
        count += PATTERNS.iter().filter(|pattern| matched(pattern.as_bytes(), &text)).count() as u32;
    }
    count
}
