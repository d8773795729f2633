//! What is known of each block: how it is executed and why, and what became of its instructions.

use super::health;
use super::sources::{Sources, Tier, Wanted};
use crate::cli::engine::EngineArg;
use crate::config::RunConfig;
use crate::human;
use crate::native;
use crate::symbols::Places;
use rum::isa::{Instruction, Op};
use rum::tally::{Counted, called};
use rum::{CodePart, Note, Optimisation, Vm, Word};
use std::collections::BTreeSet;

/// An instruction, and what became of it.
#[derive(Debug)]
pub struct Row {
    pub pc: u32,
    pub text: String,
    pub notes: Vec<String>,
    pub clif: Vec<String>,
    pub host: Vec<String>,
}

/// A straight piece of code.
#[derive(Debug)]
pub struct Block {
    pub from: u32,
    pub to: u32,
    /// What it is called, and where it comes from.
    pub name: Option<String>,
    pub place: Option<String>,
    /// How often it was executed, if that is known.
    pub count: Option<u64>,
    /// Instructions executed in it, of all.
    pub share: f64,
    pub tier: Tier,
    /// Why it is executed like that, and what holds in it.
    pub facts: Vec<String>,
    /// Why its code was left, and how often.
    pub exits: Vec<String>,
    pub rows: Vec<Row>,
}

/// A program whose code is explained.
#[derive(Debug)]
pub struct Explained {
    pub image: String,
    pub blocks: Vec<Block>,
    /// Blocks that are not told.
    pub more: usize,
    /// Instructions by how their blocks are executed at the end, in shares of all.
    pub tiers: Vec<(&'static str, f64)>,
    /// What costs time, and what to do.
    pub health: Vec<String>,
}

impl Explained {
    pub fn new(config: &RunConfig, vm: &Vm, counted: Result<Counted, String>, places: &Places, wanted: Wanted) -> Self {
        let words = vm.machine().segment(0).unwrap_or_default();
        let last = vm.machine().programs_loaded();
        let (counted, uncounted) = match counted {
            Ok(counted) => (Some(counted), None),
            Err(why) => (None, Some(format!("How often blocks were executed is not known: {why}."))),
        };
        let counts = match &counted {
            Some(counted) => of_program(counted, last),
            None => straight(words),
        };
        let all = counted
            .as_ref()
            .map_or(0, |counted| counted.blocks.iter().map(|block| u64::from(block.words) * block.count).sum());
        let told = vm.explanation();
        let sources = Sources {
            words,
            places,
            told: &told,
            listings: vm.listings(),
            counts: &counts,
            total: all,
            threshold: config.options.baseline_threshold,
            interpreter_only: config.engine == EngineArg::Interp || !vm.has_jit(),
        };
        let mut health: Vec<String> = uncounted.into_iter().collect();
        health.extend(health::look(&sources, &vm.stats(), last));
        let chosen = sources.chosen(wanted);
        Explained {
            image: config.name.clone(),
            more: counts.len() - chosen.len(),
            blocks: chosen.into_iter().map(|block| sources.block(block)).collect(),
            tiers: sources.tiers(),
            health,
        }
    }
}

/// The blocks of the last program.
fn of_program(counted: &Counted, last: u64) -> Vec<(u32, u32, u64)> {
    let blocks = counted.blocks.iter().filter(|block| block.site.program == last);
    blocks.map(|block| (block.site.pc, block.words, block.count)).collect()
}

/// Pieces of a program up to each jump and from each place that calls go to, where nobody knows what was executed.
fn straight(words: &[Word]) -> Vec<(u32, u32, u64)> {
    let ends =
        (1..).zip(words).filter(|(_, word)| matches!(Op::of(**word), Op::LoadProgram | Op::Halt)).map(|(pc, _)| pc);
    let starts: BTreeSet<u32> = ends.chain(called(words)).chain([words.len() as u32]).collect();
    let starts: Vec<u32> = starts.into_iter().collect();
    starts.windows(2).map(|pair| (pair[0], pair[1] - pair[0], 0)).collect()
}

impl Sources<'_> {
    fn block(&self, (from, words, count): (u32, u32, u64)) -> Block {
        let tier = self.tier(from);
        let exits =
            self.told.exits.range((from, "")..(from + words, "")).map(|(&(pc, why), &count)| exit(pc, why, count));
        Block {
            from,
            to: from + words - 1,
            name: self.places.label(from).map(str::to_owned),
            place: self.places.at(from),
            count: (self.total > 0).then_some(count),
            share: u64::from(words) as f64 * count as f64 / self.total.max(1) as f64,
            tier,
            facts: self.facts(from, count, tier),
            exits: exits.collect(),
            rows: (from..from + words).map(|pc| self.row(pc, tier)).collect(),
        }
    }

    fn facts(&self, from: u32, count: u64, tier: Tier) -> Vec<String> {
        let mut facts = match tier {
            Tier::Optimised { unit, root } => {
                let listing = self.unit(from).expect("it has one");
                let words: u32 = listing.blocks.iter().map(|&(_, words)| words).sum();
                let mut facts = vec![format!(
                    "in unit {unit}, compiled as a whole from {} with {}, because the word at {root} became hot",
                    human::number_of(listing.blocks.len() as u64, "block"),
                    human::number_of(words.into(), "word")
                )];
                let zero: Vec<String> =
                    (0..8).filter(|reg| listing.zero >> reg & 1 != 0).map(|reg| format!("r{reg}")).collect();
                if !zero.is_empty() {
                    facts.push(format!("in all of the unit {} 0: checked where it is entered", are(&zero)));
                }
                facts
            }
            Tier::Baseline => {
                vec!["translated by itself, instruction by instruction, with every check in place".to_owned()]
            }
            Tier::Interpreted => vec![self.why_interpreted(from, count)],
        };
        let ended = self.told.ended.iter().filter(|((root, _), _)| *root == from);
        facts.extend(ended.map(|(&(_, why), &count)| {
            format!(
                "code of a unit made for this word was thrown away {}: {}",
                human::number_of(count, "time"),
                cause(why)
            )
        }));
        facts
    }

    fn why_interpreted(&self, from: u32, count: u64) -> String {
        if self.interpreter_only {
            return "the interpreter was asked for, or nothing else can be had here".to_owned();
        }
        if self.told.volatile.contains(&from) {
            return "its first word is patched again and again: code made from it would not live".to_owned();
        }
        if self.told.rejected.contains(&from) {
            return "no code could be made of it".to_owned();
        }
        match count {
            0 => "it was never executed".to_owned(),
            _ if count < u64::from(self.threshold) => {
                format!(
                    "it was executed only {}; code is made after {}",
                    human::number_of(count, "time"),
                    self.threshold
                )
            }
            _ => "no jump leads to its first word often enough, or its code was thrown away or still waited for"
                .to_owned(),
        }
    }

    fn row(&self, pc: u32, tier: Tier) -> Row {
        let instruction = Instruction::decode(self.words[pc as usize]);
        let (mut notes, mut clif, mut host) = (Vec::new(), Vec::new(), Vec::new());
        match tier {
            Tier::Optimised { .. } => {
                if let Some(listing) = self.unit(pc) {
                    notes.extend(
                        listing.notes.iter().filter(|&&(at, _)| at == pc).map(|&(_, note)| said(note).to_owned()),
                    );
                    clif = clif_of(&listing.clif, pc);
                    host = code_of(&listing.bytes, &listing.parts, pc);
                }
                if notes.is_empty() && host.is_empty() {
                    notes.push(match instruction {
                        Instruction::Literal { .. } => {
                            "no code of its own: a constant, folded into what uses it".to_owned()
                        }
                        _ => "no code of its own: folded into what uses it, or not needed".to_owned(),
                    });
                }
            }
            Tier::Baseline => {
                if let Some(block) = self.baseline(pc) {
                    host = code_of(&block.bytes, &block.parts, pc);
                }
                if self.told.by_host.contains(&pc) {
                    notes.push(said(Note::ByHost).to_owned());
                }
            }
            Tier::Interpreted => {}
        }
        if self.told.volatile.contains(&pc) && notes.is_empty() {
            notes.push(said(Note::ReadAnew).to_owned());
        }
        Row { pc, text: instruction.to_string(), notes, clif, host }
    }
}

/// `r0 is`, `r0 and r6 are`.
fn are(registers: &[String]) -> String {
    match registers {
        [one] => format!("{one} is"),
        [all @ .., last] => format!("{} and {last} are", all.join(", ")),
        [] => String::new(),
    }
}

/// What a note says.
fn said(note: Note) -> &'static str {
    match note {
        Note::Checked => "checked: where the check does not hold, the interpreter takes over before this instruction",
        Note::ByHost => "executed by the host, called from compiled code",
        Note::Left => "compiled code ends before it: the interpreter executes it",
        Note::ReadAnew => "patched again and again: its word is read each time",
        Note::Gained(optimisation) => match optimisation {
            Optimisation::Baseline => "translated by itself",
            Optimisation::Forwarding => "not read again: the value is known from an earlier access",
            Optimisation::Fresh => "the segment is new: its words are known to be 0",
            Optimisation::Idioms => "part of a pattern (subtraction, or, division), executed as one operation",
            Optimisation::Lengths => "the segment's length is known from before",
            Optimisation::Links => "goes on in other code directly",
            Optimisation::Loops => "registers stay in host registers around the loop",
            Optimisation::Numbering => "not computed again: the same was computed before",
            Optimisation::Targets => "goes to targets that it was seen to go to without looking them up",
        },
    }
}

/// Why code was left, for people.
fn exit(pc: u32, why: &str, count: u64) -> String {
    let times = human::number_of(count, "time");
    match why {
        "check" => format!("left before {pc} {times}: a check did not hold"),
        "leave" => format!("left before {pc} {times}: the instruction is the interpreter's"),
        "poll" => format!("left before {pc} {times}: attention was wanted (for finished code, by a signal or a clock)"),
        "limit" => format!("left before {pc} {times}: the limit on instructions was near"),
        "miss" => format!("left at {pc} {times}: there was no code to go on in"),
        "guard" => format!("left at {pc} {times}: a register was not 0 as the code there takes it to be"),
        "host" => format!("left at {pc} {times}: what the host executed had changed something"),
        "hot" => format!("left at {pc} {times}: the block was hot"),
        other => format!("left at {pc} {times}: {other}"),
    }
}

/// Why a unit was thrown away, for people.
fn cause(why: &str) -> &str {
    match why {
        "stored" => "one of its words was stored to",
        "decoded" => "a word that it stores to became code",
        "replaced" => "another segment became the program",
        "improved" => "it was compiled again with more knowledge",
        "budget" => "there was no more room for code",
        other => other,
    }
}

/// The lines of a unit's CLIF that come from a word.
fn clif_of(clif: &str, pc: u32) -> Vec<String> {
    let mark = format!("@{pc:04x}");
    let lines =
        clif.lines().filter_map(|line| line.trim_start().strip_prefix(&mark)?.strip_prefix(char::is_whitespace));
    lines.map(|line| line.trim().to_owned()).collect()
}

/// The instructions of the host that come from a word.
fn code_of(bytes: &[u8], parts: &[CodePart], pc: u32) -> Vec<String> {
    let parts = parts.iter().filter(|part| part.pc == pc);
    parts.flat_map(|part| native::instructions(&bytes[part.start as usize..part.end as usize])).collect()
}
