//! Bytes that decide what happens.

use rum_interp::{Ids, Word};

/// Bytes that are taken from the front; behind their end come zeros.
pub(super) struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// The next one.
    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    /// So many, or what is left.
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A choice of identifiers.
    pub fn ids(&mut self) -> Ids {
        Ids::ALL[usize::from(self.byte()) % Ids::ALL.len()]
    }

    /// The rest as words of an image; what makes no word is left out.
    pub fn words(self) -> Vec<Word> {
        self.0.as_chunks().0.iter().map(|&word| Word::from_be_bytes(word)).collect()
    }
}
