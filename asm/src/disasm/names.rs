//! Names of labels, as symbols have them.

use crate::listing::Symbols;
use std::collections::HashMap;

/// The names of labels by their addresses.
#[derive(Debug, Default)]
pub(super) struct Names<'s>(HashMap<u32, &'s str>);

/// Whether a label without a name might be called so.
fn is_made_up(name: &str) -> bool {
    name.strip_prefix('L').is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

impl<'s> Names<'s> {
    /// The names in symbols, the last one where a word has several.
    pub fn of(symbols: &'s Symbols) -> Names<'s> {
        let inside = symbols.labels.iter().filter(|label| label.offset < symbols.words && !is_made_up(&label.name));
        Names(inside.map(|label| (label.offset, &*label.name)).collect())
    }

    /// Where labels have names.
    pub fn addresses(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.keys().copied()
    }

    /// The name of the label at an address.
    pub fn at(&self, address: u32) -> Option<&'s str> {
        self.0.get(&address).copied()
    }
}
