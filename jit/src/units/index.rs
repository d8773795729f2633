//! Numbers of units by the stretches of the program that they have to do with: programs can have many thousand units. A leaf.

use rustc_hash::FxHashMap;

/// Words that are looked up together.
const STRETCH_WORDS: u32 = 64;

/// Which units have to do with which words, roughly.
#[derive(Default)]
pub(crate) struct Index(FxHashMap<u32, Vec<u32>>);

impl Index {
    /// The stretches that words lie in, each once if the words are in order.
    fn stretches(words: impl Iterator<Item = u32>) -> Vec<u32> {
        let mut stretches: Vec<u32> = words.map(|word| word / STRETCH_WORDS).collect();
        stretches.dedup();
        stretches
    }

    /// A unit has to do with words, which are in order.
    pub fn insert(&mut self, number: u32, words: impl Iterator<Item = u32>) {
        for stretch in Index::stretches(words) {
            self.0.entry(stretch).or_default().push(number);
        }
    }

    /// Takes back what was inserted with the same words.
    pub fn remove(&mut self, number: u32, words: impl Iterator<Item = u32>) {
        for stretch in Index::stretches(words) {
            if let Some(numbers) = self.0.get_mut(&stretch) {
                numbers.retain(|&other| other != number);
                if numbers.is_empty() {
                    self.0.remove(&stretch);
                }
            }
        }
    }

    /// The units that may have to do with the word at `offset`.
    pub fn near(&self, offset: u32) -> &[u32] {
        self.0.get(&(offset / STRETCH_WORDS)).map_or(&[], |numbers| numbers)
    }
}
