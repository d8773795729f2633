//! Strings: `concat`, `strhash`, `wordcount`, `symtab`.

use super::runtime::Random;
use std::collections::HashMap;

/// Where every hash begins.
const HASH_START: u32 = 2_166_136_261;

/// The hash of a string, which goes from its last character to the first.
fn hash(string: &[u8], start: u32) -> u32 {
    string.iter().rev().fold(start, |h, &c| (h ^ u32::from(c)).wrapping_mul(16_777_619))
}

fn random_string(random: &mut Random, length: u32) -> Vec<u8> {
    let mut string: Vec<u8> = (0..length).map(|_| b'a' + (random.next() / 4096 % 26) as u8).collect();
    string.reverse();
    string
}

/// A text that is built from random pieces.
pub(super) struct Builder {
    /// Strings of 1 to 8 letters.
    pieces: Vec<Vec<u8>>,
}

impl Builder {
    pub(super) fn new(random: &mut Random) -> Self {
        let mut pieces: Vec<Vec<u8>> = (1..=8).rev().map(|length| random_string(random, length)).collect();
        pieces.reverse();
        Self { pieces }
    }

    /// Appends `n` pieces, beginning a new text whenever there are 500 characters; the hash of all texts.
    pub(super) fn build(&self, random: &mut Random, n: u32, start: u32) -> u32 {
        let (mut text, mut h) = (Vec::new(), start);
        for _ in 0..n {
            text.extend_from_slice(&self.pieces[(random.next() / 4096 % 8) as usize]);
            if text.len() >= 500 {
                h = hash(&text, h);
                text.clear();
            }
        }
        hash(&text, h)
    }
}

/// A hash of the texts built from `n` pieces.
pub(super) fn concat(n: u32) -> u32 {
    let mut random = Random::default();
    Builder::new(&mut random).build(&mut random, n, HASH_START)
}

/// The hash of 1,000 letters, taken `size` times, each time beginning with the last one.
pub(super) fn hash_again(size: u32) -> u32 {
    let text = random_string(&mut Random::default(), 1000);
    (0..size).fold(HASH_START, |h, _| hash(&text, h))
}

fn random_char(random: &mut Random) -> u8 {
    match random.next() / 4096 % 32 {
        letter @ 0..26 => b'a' + letter as u8,
        30 => b'\n',
        31 => b',',
        _ => b' ',
    }
}

/// Lines, words, letters in `size` passes over a slowly changing text of 10,000 characters, and the longest word.
pub(super) fn word_count(size: u32) -> [u32; 4] {
    let mut random = Random::default();
    let mut text: Vec<u8> = (0..10_000).map(|_| random_char(&mut random)).collect();
    text.reverse();
    let (mut lines, mut words, mut letters, mut longest) = (0u32, 0u32, 0u32, 0u32);
    for left in (0..size).rev() {
        text[left as usize % 10_000] = random_char(&mut random);
        lines = lines.wrapping_add(text.iter().filter(|&&c| c == b'\n').count() as u32);
        for word in text.split(|c| !c.is_ascii_lowercase()).filter(|word| !word.is_empty()) {
            words = words.wrapping_add(1);
            letters = letters.wrapping_add(word.len() as u32);
            longest = longest.max(word.len() as u32);
        }
    }
    [lines, words, letters, longest]
}

/// Variables by name.
pub(super) struct Symbols {
    names: Vec<String>,
    values: HashMap<String, u32>,
}

impl Symbols {
    pub(super) fn new() -> Self {
        let name = |index: u32| {
            let (mut number, mut name) = (index * 7919 + 1, String::new());
            while number > 0 {
                name.push(char::from(b'a' + (number % 26) as u8));
                number /= 26;
            }
            name
        };
        Self { names: (0..1000).map(name).collect(), values: HashMap::new() }
    }

    /// Updates `n` random variables; the sum of their new values.
    pub(super) fn run(&mut self, random: &mut Random, n: u32) -> u32 {
        let mut total = 0u32;
        for left in (1..=n).rev() {
            let name = &self.names[(random.next() / 16 % 1000) as usize];
            let value = self.values.entry(name.clone()).or_default();
            *value = value.wrapping_mul(3).wrapping_add(left);
            total = total.wrapping_add(*value);
        }
        total
    }
}

/// The number of variables after `n` updates, and the sum of the values they were given.
pub(super) fn symbol_table(n: u32) -> [u32; 2] {
    let mut symbols = Symbols::new();
    let total = symbols.run(&mut Random::default(), n);
    [symbols.values.len() as u32, total]
}
