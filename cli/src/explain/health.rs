//! What costs time, and what to do about it.

use super::sources::{Sources, Tier};
use crate::human;
use rum::Stats;

/// What is worth a word: a share of all instructions.
const SHARE_MIN: f64 = 0.05;
/// Exits of one place that are worth a word, one in so many instructions.
const EXITS_MIN: u64 = 2000;

/// Looks at a run.
pub(super) fn look(sources: &Sources, stats: &Stats, programs: u64) -> Vec<String> {
    let mut found = Vec::new();
    let name = |pc: u32| sources.places.at(pc).map_or_else(|| format!("{pc}"), |place| format!("{pc} ({place})"));
    let times = |pc: u32| {
        let block = sources.counts.iter().find(|&&(start, words, _)| (start..start + words).contains(&pc));
        block.map_or(0, |&(_, _, count)| count)
    };
    let mut patched: Vec<(u64, u32)> = sources.told.volatile.iter().map(|&pc| (times(pc), pc)).collect();
    patched.sort_by_key(|&(count, pc)| (std::cmp::Reverse(count), pc));
    for &(count, pc) in patched.iter().take(5) {
        let executed =
            if count > 0 { format!(" and was executed {}", human::number_of(count, "time")) } else { String::new() };
        found.push(format!(
            "The word at {} is patched again and again{executed}: it is read each time instead of being compiled. Keep what changes in a segment or a register, \
             so that the code stays the same.",
            name(pc)
        ));
    }
    if programs > 100 {
        found.push(format!(
            "Another segment became the program {}, and each time code is made anew. If these programs are alike, jump within one \
             program instead (load-program with segment 0).",
            human::number_of(programs, "time")
        ));
    }
    let stored: u64 = sources.told.ended.iter().filter(|((_, why), _)| *why == "stored").map(|(_, count)| count).sum();
    if stored > 10 {
        found.push(format!(
            "Compiled code was thrown away {} because words that it was made from were stored to. Keep data apart from code.",
            human::number_of(stored, "time")
        ));
    }
    let mut exits: Vec<(u64, u32, &str)> =
        sources.told.exits.iter().map(|(&(pc, why), &count)| (count, pc, why)).collect();
    exits.retain(|&(count, _, why)| {
        matches!(why, "check" | "leave") && count > 1000 && count > sources.total / EXITS_MIN
    });
    exits.sort_by_key(|&(count, pc, _)| (std::cmp::Reverse(count), pc));
    for (count, pc, _) in exits.into_iter().take(3) {
        found.push(format!(
            "Compiled code was left {} before the instruction at {}: what it does there (a large segment, a wait for input, a program loaded) takes the \
             interpreter.",
            human::number_of(count, "time"),
            name(pc)
        ));
    }
    let interpreted = |&&(pc, words, count): &&(u32, u32, u64)| {
        sources.tier(pc) == Tier::Interpreted && f64::from(words) * count as f64 > SHARE_MIN * sources.total as f64
    };
    if sources.total > 1_000_000 && !sources.interpreter_only {
        for &(pc, words, count) in sources.counts.iter().filter(interpreted).take(3) {
            let share = f64::from(words) * count as f64 * 100.0 / sources.total as f64;
            found.push(format!(
                "The block at {} is interpreted at the end, with {share:.0}% of all instructions.",
                name(pc)
            ));
        }
    }
    for (kind, &count) in stats.compiler_failures.iter().filter(|(_, count)| **count > 0) {
        found.push(format!("The compiler failed {} ({kind}).", human::number_of(count, "time")));
    }
    found.extend(stats.gave_up.as_ref().map(|why| format!("No more code is made: {why}.")));
    found
}
