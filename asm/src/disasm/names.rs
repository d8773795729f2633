//! Names of labels, as symbols have them.

use crate::lexer::is_name;
use crate::listing::Symbols;
use std::collections::{HashMap, HashSet};

/// The names of labels by their addresses.
#[derive(Debug, Default)]
pub(super) struct Names<'s>(HashMap<u32, &'s str>);

/// Whether a label without a name might be called so.
fn is_made_up(name: &str) -> bool {
    name.strip_prefix('L').is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

impl<'s> Names<'s> {
    /// The names in symbols, the last one where a word has several. What no label can be called, or another one is called already, is
    /// left out.
    pub fn of(symbols: &'s Symbols) -> Names<'s> {
        let mut taken = HashSet::new();
        let can_be = |name: &str| is_name(name) && !is_made_up(name);
        let inside = symbols.labels.iter().filter(|label| label.offset < symbols.words && can_be(&label.name));
        Names(inside.filter(|label| taken.insert(&*label.name)).map(|label| (label.offset, &*label.name)).collect())
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
