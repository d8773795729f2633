//! Stacks of calls as boxes: below each procedure what it called, as wide as what was counted there.

use super::escape::escape;
use crate::human;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Narrower boxes are left out.
const SHARE_MIN: f64 = 0.002;
/// Deeper stacks are cut.
const DEPTH_MAX: usize = 60;
/// Boxes have one of so many colours, by their names.
const COLOURS: u32 = 6;

/// A procedure with what it called.
#[derive(Default)]
struct Node {
    /// With all below it.
    count: u64,
    below: BTreeMap<String, Node>,
}

/// Boxes for stacks, each of which is a list of names from the outermost to the innermost, and a count of something.
pub fn flames(stacks: &[(Vec<String>, u64)], unit: &str) -> String {
    let mut root = Node::default();
    for (names, count) in stacks {
        let mut node = &mut root;
        node.count += count;
        for name in names.iter().take(DEPTH_MAX) {
            node = node.below.entry(name.clone()).or_default();
            node.count += count;
        }
    }
    let mut out = String::from("<div class=\"flames\">\n");
    boxes(&mut out, &root, root.count.max(1), unit);
    out.push_str("</div>\n");
    out
}

fn boxes(out: &mut String, node: &Node, total: u64, unit: &str) {
    let mut below: Vec<(&String, &Node)> = node.below.iter().collect();
    below.retain(|(_, node)| node.count as f64 >= SHARE_MIN * total as f64);
    if below.is_empty() {
        return;
    }
    below.sort_by_key(|(name, node)| (std::cmp::Reverse(node.count), *name));
    out.push_str("<div class=\"row\">");
    for (name, inner) in below {
        let width = inner.count as f64 * 100.0 / node.count.max(1) as f64;
        let share = inner.count as f64 * 100.0 / total as f64;
        let colour = name.bytes().fold(7u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into())) % COLOURS;
        let counted = human::number_of(inner.count, &unit[..unit.len() - 1]);
        let _ = write!(
            out,
            "<div class=\"frame\" style=\"width:{width:.3}%\"><span class=\"f{colour}\" title=\"{name}: {share:.1}%, {counted}\">{name}</span>",
            name = escape(name)
        );
        boxes(out, inner, total, unit);
        out.push_str("</div>");
    }
    out.push_str("</div>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_is_within_what_calls() {
        let stacks =
            [(vec!["a".to_owned(), "b<".to_owned()], 30), (vec!["a".to_owned()], 10), (vec!["c".to_owned()], 60)];
        let html = flames(&stacks, "samples");
        let positions = ["c: 60.0%", "a: 40.0%, 40 samples", "b&lt;: 30.0%"].map(|text| html.find(text).expect(text));
        assert!(positions.is_sorted(), "{html}");
        assert!(html.contains("width:75.000%"), "three quarters of what is above: {html}");
    }
}
