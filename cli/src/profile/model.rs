//! What is known of a run in the end.

use super::procedures::called;
use crate::symbols::Places;
use rum::Word;
use rum::isa::Op;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// A word of a program; programs are numbered as they were loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    pub program: u64,
    pub pc: u32,
}

/// What was seen of a run.
#[derive(Debug)]
pub enum Seen {
    /// How often it was met where, by looking now and then, and the number of its last program.
    Sampled { period: Duration, program: u64, sites: HashMap<Site, u64> },
    /// Everything.
    Counted(Counted),
}

/// What was counted.
#[derive(Debug, Default)]
pub struct Counted {
    /// The number of the last program.
    pub program: u64,
    /// How often each word was executed.
    pub sites: HashMap<Site, u64>,
    /// Stacks of calls, as a tree.
    pub nodes: Vec<Node>,
    /// Nodes below others.
    pub below: HashMap<(usize, Site), usize>,
    pub calls: HashMap<Site, Call>,
    /// Instructions between entry and return, once for those that call themselves.
    pub inclusive: HashMap<Site, u64>,
    pub allocations: HashMap<Site, Made>,
}

/// A procedure with those that called it.
#[derive(Debug)]
pub struct Node {
    pub procedure: Site,
    pub parent: Option<usize>,
    /// Instructions of its own.
    pub instructions: u64,
}

/// Calls of a procedure.
#[derive(Debug, Default)]
pub struct Call {
    pub calls: u64,
    pub tail_calls: u64,
    pub callers: HashMap<Site, u64>,
}

/// Segments made at a word.
#[derive(Clone, Copy, Debug, Default)]
pub struct Made {
    pub segments: u64,
    pub words: u64,
    pub live_segments: u64,
    pub live_words: u64,
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
            Seen::Counted(counted) => {
                let program = Program { number: counted.program, words, places };
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
        let mut own: BTreeMap<Site, u64> = BTreeMap::new();
        for node in &counted.nodes {
            *own.entry(node.procedure).or_default() += node.instructions;
        }
        let procedure = |(&site, &own): (&Site, &u64)| {
            let call = counted.calls.get(&site);
            let mut callers: Vec<(String, u64)> = call
                .into_iter()
                .flat_map(|call| &call.callers)
                .map(|(&site, &count)| (program.name(site), count))
                .collect();
            callers.sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(&right.0)));
            Procedure {
                name: program.name(site),
                program: site.program,
                pc: site.pc,
                place: program.place(site),
                own,
                inclusive: Some(counted.inclusive.get(&site).copied().unwrap_or_default()),
                calls: Some(call.map_or(0, |call| call.calls)),
                tail_calls: Some(call.map_or(0, |call| call.tail_calls)),
                callers,
            }
        };
        let allocation = |(&site, made): (&Site, &Made)| Allocation {
            program: site.program,
            pc: site.pc,
            place: program.place(site),
            segments: made.segments,
            words: made.words,
            live_segments: made.live_segments,
            live_words: made.live_words,
        };
        let stacks = counted.nodes.iter().enumerate().filter(|(_, node)| node.instructions > 0);
        Profile {
            total: counted.sites.values().sum(),
            procedures: own.iter().map(procedure).collect(),
            blocks: blocks(&counted.sites, program),
            allocations: counted.allocations.iter().map(allocation).collect(),
            stacks: stacks.map(|(number, node)| (stack(counted, number, program), node.instructions)).collect(),
            ..Profile::empty()
        }
    }
}

/// The procedure that a word belongs to, of those that begin at some words of the last program.
fn procedure_of(site: Site, last: u64, starts: &BTreeSet<u32>) -> Site {
    let start = starts.range(..=site.pc).next_back().copied().filter(|_| site.program == last);
    Site { pc: start.unwrap_or_default(), ..site }
}

/// Names from the outermost procedure to the one of a node.
fn stack(counted: &Counted, node: usize, program: &Program) -> Vec<String> {
    let up = |&node: &usize| counted.nodes[node].parent;
    let nodes = std::iter::successors(Some(node), up);
    let mut names: Vec<String> = nodes.map(|node| program.name(counted.nodes[node].procedure)).collect();
    names.reverse();
    names
}

/// Words that follow each other and were executed as often belong together, up to a jump.
fn blocks(sites: &HashMap<Site, u64>, program: &Program) -> Vec<Block> {
    let sites: BTreeMap<Site, u64> = sites.iter().map(|(&site, &count)| (site, count)).collect();
    let mut blocks: Vec<(Block, u64)> = Vec::new();
    for (&site, &count) in &sites {
        let jumps = |pc: u32| {
            let word = program.words.get(pc as usize).filter(|_| site.program == program.number);
            word.is_some_and(|&word| Op::of(word) == Op::LoadProgram)
        };
        match blocks.last_mut() {
            Some((block, each))
                if block.program == site.program && block.to + 1 == site.pc && *each == count && !jumps(block.to) =>
            {
                block.to = site.pc;
                block.own += count;
            }
            _ => {
                let place = program.place(site);
                blocks.push((Block { program: site.program, from: site.pc, to: site.pc, place, own: count }, count));
            }
        }
    }
    blocks.into_iter().map(|(block, _)| block).collect()
}
