//! What is known of a run in the end.

use crate::symbols::Places;
use rum::Word;
use rum::isa::Op;
use rum::tally::{self, Counted, Made, Site, Stack, called};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// What was seen of a run.
#[derive(Debug)]
pub enum Seen {
    /// How often it was met where, by looking now and then, and the number of its last program.
    Sampled { period: Duration, program: u64, sites: HashMap<Site, u64> },
    /// Everything, and the number of the last program.
    Counted { program: u64, counted: Counted },
}

/// Where a run spent its time.
#[derive(Debug, Serialize)]
pub struct Profile {
    pub image: String,
    /// What is counted: `samples` or `instructions`.
    pub unit: &'static str,
    /// Time between two samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_ns: Option<u64>,
    pub total: u64,
    /// Procedures, those with most of their own first.
    pub procedures: Vec<Procedure>,
    /// Straight pieces of code, those with most first.
    pub blocks: Vec<Block>,
    /// Where segments were made, most words first.
    pub allocations: Vec<Allocation>,
    /// Names from the outermost to the innermost, and what is counted there.
    #[serde(skip)]
    pub stacks: Vec<(Vec<String>, u64)>,
}

/// What is known of a procedure.
#[derive(Debug, Serialize)]
pub struct Procedure {
    pub name: String,
    pub program: u64,
    pub pc: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    pub own: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inclusive: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tail_calls: Option<u64>,
    /// Names of callers and how often they called, most first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub callers: Vec<(String, u64)>,
}

/// A straight piece of code.
#[derive(Debug, Serialize)]
pub struct Block {
    pub program: u64,
    /// Its first and its last word.
    pub from: u32,
    pub to: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    pub own: u64,
}

/// Where segments were made.
#[derive(Debug, Serialize)]
pub struct Allocation {
    pub program: u64,
    pub pc: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    pub segments: u64,
    pub words: u64,
    pub live_segments: u64,
    pub live_words: u64,
}

/// The last program, and what it calls its words.
struct Program<'a> {
    number: u64,
    words: &'a [Word],
    places: &'a Places,
}

impl Program<'_> {
    fn place(&self, site: Site) -> Option<String> {
        self.places.at(site.pc).filter(|_| site.program == self.number)
    }

    /// The name of the procedure that begins at a word.
    fn name(&self, site: Site) -> String {
        if site.program != self.number {
            return format!("program_{}_at_{}", site.program, site.pc);
        }
        match (self.places.label(site.pc), site.pc) {
            (Some(label), _) => label.to_owned(),
            (None, 0) => "start".to_owned(),
            (None, pc) => format!("proc_{pc}"),
        }
    }

    /// The last word of the straight code from a word on.
    fn end(&self, site: Site) -> u32 {
        let words = self.words.get(site.pc as usize..).filter(|_| site.program == self.number).unwrap_or_default();
        let length = words.iter().position(|&word| matches!(Op::of(word), Op::LoadProgram | Op::Halt));
        site.pc + length.unwrap_or_default() as u32
    }
}

impl Profile {
    /// What was seen of the run of an image, whose last program is known.
    pub fn new(image: &str, seen: Seen, words: &[Word], places: &Places) -> Profile {
        let mut profile = match seen {
            Seen::Sampled { period, program, sites } => {
                let program = Program { number: program, words, places };
                let period_ns = Some(u64::try_from(period.as_nanos()).unwrap_or(u64::MAX));
                Profile { unit: "samples", period_ns, ..Profile::sampled(&sites, &program) }
            }
            Seen::Counted { program, counted } => {
                let program = Program { number: program, words, places };
                Profile::counted(&counted, &program)
            }
        };
        image.clone_into(&mut profile.image);
        profile.procedures.sort_by(|left, right| right.own.cmp(&left.own).then(left.pc.cmp(&right.pc)));
        profile.blocks.sort_by(|left, right| right.own.cmp(&left.own).then(left.from.cmp(&right.from)));
        profile.allocations.sort_by(|left, right| right.words.cmp(&left.words).then(left.pc.cmp(&right.pc)));
        profile
    }

    fn empty() -> Profile {
        Profile {
            image: String::new(),
            unit: "instructions",
            period_ns: None,
            total: 0,
            procedures: Vec::new(),
            blocks: Vec::new(),
            allocations: Vec::new(),
            stacks: Vec::new(),
        }
    }

    fn sampled(sites: &HashMap<Site, u64>, program: &Program) -> Profile {
        let starts = called(program.words);
        let mut own: BTreeMap<Site, u64> = BTreeMap::new();
        for (&site, &count) in sites {
            *own.entry(procedure_of(site, program.number, &starts)).or_default() += count;
        }
        let procedures = own.iter().map(|(&site, &own)| Procedure {
            name: program.name(site),
            program: site.program,
            pc: site.pc,
            place: program.place(site),
            own,
            inclusive: None,
            calls: None,
            tail_calls: None,
            callers: Vec::new(),
        });
        let block = |(&site, &own): (&Site, &u64)| Block {
            program: site.program,
            from: site.pc,
            to: program.end(site),
            place: program.place(site),
            own,
        };
        let stacks = sites.iter().map(|(&site, &count)| {
            let procedure = program.name(procedure_of(site, program.number, &starts));
            (vec![procedure, program.place(site).unwrap_or_else(|| format!("pc {}", site.pc))], count)
        });
        Profile {
            total: sites.values().sum(),
            procedures: procedures.collect(),
            blocks: sites.iter().map(block).collect(),
            stacks: stacks.collect(),
            ..Profile::empty()
        }
    }

    fn counted(counted: &Counted, program: &Program) -> Profile {
        let name = |procedure: usize| program.name(counted.procedures[procedure].site);
        let procedure = |known: &tally::Procedure| {
            let mut callers: Vec<(String, u64)> =
                known.callers.iter().map(|&(caller, count)| (name(caller), count)).collect();
            callers.sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(&right.0)));
            Procedure {
                name: program.name(known.site),
                program: known.site.program,
                pc: known.site.pc,
                place: program.place(known.site),
                own: known.own,
                inclusive: Some(known.inclusive),
                calls: Some(known.calls),
                tail_calls: Some(known.tail_calls),
                callers,
            }
        };
        let allocation = |&(site, made): &(Site, Made)| Allocation {
            program: site.program,
            pc: site.pc,
            place: program.place(site),
            segments: made.segments,
            words: made.words,
            live_segments: made.live_segments,
            live_words: made.live_words,
        };
        let block = |block: &tally::Block| Block {
            program: block.site.program,
            from: block.site.pc,
            to: block.site.pc + block.words - 1,
            place: program.place(block.site),
            own: u64::from(block.words) * block.count,
        };
        // Names from the outermost procedure to the one of a node.
        let stack = |node: &Stack| {
            let up = |node: &&Stack| node.parent.map(|parent| &counted.stacks[parent]);
            let mut names: Vec<String> =
                std::iter::successors(Some(node), up).map(|node| name(node.procedure)).collect();
            names.reverse();
            (names, node.instructions)
        };
        let stacks = counted.stacks.iter().filter(|node| node.instructions > 0);
        Profile {
            total: counted.blocks.iter().map(|block| u64::from(block.words) * block.count).sum(),
            procedures: counted.procedures.iter().map(procedure).collect(),
            blocks: counted.blocks.iter().map(block).collect(),
            allocations: counted.allocations.iter().map(allocation).collect(),
            stacks: stacks.map(stack).collect(),
            ..Profile::empty()
        }
    }
}

/// The procedure that a word belongs to, of those that begin at some words of the last program.
fn procedure_of(site: Site, last: u64, starts: &BTreeSet<u32>) -> Site {
    let start = starts.range(..=site.pc).next_back().copied().filter(|_| site.program == last);
    Site { pc: start.unwrap_or_default(), ..site }
}
