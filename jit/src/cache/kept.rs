//! What is kept of a program for later runs of it: code, what it depends on, and what watching has taught. Data only.
//!
//! No address of the process is in it, and nothing that another process might not share: code stands at offsets, finds everything
//! through the pinned register, and was made by settings that belong to the name of the file ([`super::format`]).

use crate::exit::Site;
use crate::guest::inst::Volatile;
use crate::guest::met::Met;
use rum_interp::Word;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Everything that is kept of a program that was segment 0.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Chapter<'a> {
    #[serde(borrow)]
    pub units: Vec<KeptUnit<'a>>,
    #[serde(borrow)]
    pub blocks: KeptBlocks<'a>,
    pub spent: Spent,
    pub profile: KeptProfile,
}

/// What making code has cost: thresholds go by that.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Spent {
    pub clif_instructions: u64,
    /// Instructions that the baseline tier has translated.
    pub instructions_in_blocks: u64,
}

/// Which program it is, as it was when it became segment 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Its length in words.
    pub len: u32,
    /// A hash of its words.
    pub hash: u64,
}

/// A unit. It keeps its number, which stands in its code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeptUnit<'a> {
    pub number: u32,
    pub shape: Shape,
    pub entries: Vec<u32>,
    pub sites: Vec<Site>,
    pub blind_stores: Vec<u32>,
    /// The words of its ranges, one range after the other.
    #[serde(borrow)]
    pub words: Words<'a>,
    #[serde(borrow, with = "serde_bytes")]
    pub code: Cow<'a, [u8]>,
    pub align: u64,
}

/// What a unit has to do with the program.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Shape {
    pub root: u32,
    /// Ranges of words it was made from, in order. Words read at run time are not among them.
    pub ranges: Vec<(u32, u32)>,
    /// Where its blocks begin.
    pub starts: Vec<u32>,
    /// Registers it takes to be 0.
    pub zero: u8,
    /// Whether it was made when new segments might get names where later ones do not.
    pub naming: bool,
    /// What was known of its instructions when it was made.
    pub met: Vec<(u32, Met)>,
    /// How it executes words that are patched again and again.
    pub volatile: Vec<(u32, Volatile)>,
}

/// The blocks of the baseline tier, with the memory that their code stands in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct KeptBlocks<'a> {
    pub blocks: Vec<KeptBlock>,
    /// The words of all blocks, one block after the other.
    #[serde(borrow)]
    pub words: Words<'a>,
    /// Their jumps to known words.
    pub links: Vec<KeptLink>,
    /// Code from an offset on, behind what every program's has.
    pub from: u32,
    #[serde(borrow, with = "serde_bytes")]
    pub code: Cow<'a, [u8]>,
    /// What is hardly ever executed, from the start of its part on.
    #[serde(borrow, with = "serde_bytes")]
    pub cold: Cow<'a, [u8]>,
}

/// A block: where it begins, its words, and the offset of its code.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct KeptBlock {
    pub pc: u32,
    pub words: u32,
    pub code: u32,
}

/// A jump of the block at `block`, whose distance stands at offset `at`, to the word `to`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct KeptLink {
    pub to: u32,
    pub block: u32,
    pub at: u32,
}

/// What watching the program has taught.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct KeptProfile {
    pub met: Vec<(u32, Met)>,
    pub names: Vec<(u32, u32)>,
    pub targets: Vec<(u32, Vec<u32>)>,
    /// Registers not to be taken to be 0, by roots.
    pub not_zero: Vec<(u32, u8)>,
}

/// Words, as bytes: little-endian.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Words<'a>(#[serde(borrow, with = "serde_bytes")] Cow<'a, [u8]>);

impl Words<'_> {
    /// The words of ranges of a program, one range after the other.
    pub fn of(ranges: &[(u32, u32)], program: &[Word]) -> Words<'static> {
        let mut words = Words::default();
        ranges.iter().for_each(|&(start, end)| words.extend(&program[start as usize..end as usize]));
        words
    }

    /// Adds words.
    pub fn extend(&mut self, words: &[Word]) {
        self.0.to_mut().extend(words.iter().flat_map(|word| word.to_le_bytes()));
    }

    /// Adds `count` of other words, from number `first` on.
    pub fn take_from(&mut self, others: &Words<'_>, first: usize, count: usize) {
        let bytes = first * size_of::<Word>()..(first + count) * size_of::<Word>();
        self.0.to_mut().extend(others.0.get(bytes).unwrap_or_default());
    }

    /// The same words, in memory of their own.
    pub fn into_owned(self) -> Words<'static> {
        Words(Cow::Owned(self.0.into_owned()))
    }

    /// The same words, elsewhere still.
    pub fn borrow(&self) -> Words<'_> {
        Words(Cow::Borrowed(&self.0))
    }

    /// Number of words.
    pub fn len(&self) -> usize {
        self.0.len() / size_of::<Word>()
    }

    /// Whether the words from number `first` on are those of a range of the program.
    pub fn are_at(&self, first: usize, program: &[Word], range: (u32, u32)) -> bool {
        let Some(there) = program.get(range.0 as usize..range.1 as usize) else { return false };
        let Some(kept) = self.0.get(first * size_of::<Word>()..(first + there.len()) * size_of::<Word>()) else {
            return false;
        };
        there.iter().zip(kept.chunks_exact(size_of::<Word>())).all(|(word, bytes)| word.to_le_bytes() == *bytes)
    }
}

impl KeptUnit<'_> {
    /// The same, in memory of its own.
    pub fn into_owned(self) -> KeptUnit<'static> {
        KeptUnit { words: self.words.into_owned(), code: Cow::Owned(self.code.into_owned()), ..self }
    }

    /// Whether everything that it was made from is so in a program, and whether that is enough while new segments get names, or
    /// do not any more.
    pub fn suits(&self, program: &[Word], naming: bool) -> bool {
        let mut first = 0;
        let same = self.shape.ranges.iter().all(|&(start, end)| {
            let same = self.words.are_at(first, program, (start, end));
            first += end.saturating_sub(start) as usize;
            same
        });
        same && first == self.words.len() && (self.shape.naming || !naming)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_with_the_program() {
        let program = [7, 8, 9, 10];
        let words = Words::of(&[(1, 2), (2, 3)], &program);
        assert_eq!(words.len(), 2);
        assert!(words.are_at(0, &program, (1, 3)));
        assert!(words.are_at(1, &program, (2, 3)));
        assert!(!words.are_at(0, &program, (2, 4)), "other words");
        assert!(!words.are_at(1, &program, (1, 3)), "too few");
        assert!(!words.are_at(0, &program, (3, 5)), "beyond the program");
    }
}
