//! A profile for other programs.

use super::model::Profile;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Everything, as one JSON object.
///
/// # Errors
/// The sink's.
pub fn json(profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, profile)?;
    writeln!(out)
}

/// A stack a line: names with semicolons between them, and what is counted there.
fn lines(profile: &Profile) -> Vec<String> {
    let mut stacks: BTreeMap<String, u64> = BTreeMap::new();
    for (names, count) in &profile.stacks {
        let names: Vec<String> = names.iter().map(|name| name.replace(';', ":")).collect();
        *stacks.entry(names.join(";")).or_default() += count;
    }
    stacks.into_iter().map(|(stack, count)| format!("{stack} {count}")).collect()
}

/// The format that flame graph tools take.
///
/// # Errors
/// The sink's.
pub fn collapsed(profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    lines(profile).iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// A picture.
///
/// # Errors
/// The sink's; nothing was counted.
pub fn flame_graph(profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    let mut options = inferno::flamegraph::Options::default();
    options.title = format!("{} ({})", profile.image, profile.unit);
    profile.unit.clone_into(&mut options.count_name);
    let lines = lines(profile);
    inferno::flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), out).map_err(io::Error::other)
}
