//! Misspelt names. A leaf.

/// The name among `known` that `name` is probably a misspelling of.
pub(crate) fn closest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let near = known.map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate)).min()?;
    (near.0 * 3 <= name.chars().count().max(3)).then_some(near.1)
}
