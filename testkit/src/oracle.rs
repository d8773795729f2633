//! The oracle: a Universal Machine written straight from the specification, to judge the real one.
//!
//! It is tiny, slow and plain, and shares no code with `interp/`: it decodes words itself and keeps segments in a hash
//! map. The specification leaves one thing open, the choice of identifiers. It comes from an [`IdSource`], so that a
//! program that computes with its identifiers can be compared too: the source then hands out what the engine under
//! test handed out, and the oracle only checks that this was allowed.

use crate::outcome::{Case, FaultKind, Memory, Outcome, Stop, memory_digest};
use rustc_hash::{FxHashMap, FxHashSet};

/// Where new identifiers come from.
pub trait IdSource {
    /// The identifier of a new segment of `words` words; none if its engine has no memory for it.
    fn allocate(&mut self, words: u32) -> Option<u32>;
    /// Segment `id` was given back.
    fn abandon(&mut self, id: u32);
    /// Segment 0 was replaced by a copy of segment `id`, which is not 0.
    fn load_program(&mut self, id: u32);
}

/// Counts up from 1 and hands out the identifier that was given back last.
#[derive(Debug, Default)]
pub struct CountingIds {
    highest: u32,
    free: Vec<u32>,
}

impl IdSource for CountingIds {
    fn allocate(&mut self, _words: u32) -> Option<u32> {
        self.free.pop().or_else(|| {
            self.highest = self.highest.checked_add(1)?;
            Some(self.highest)
        })
    }

    fn abandon(&mut self, id: u32) {
        self.free.push(id);
    }

    fn load_program(&mut self, _id: u32) {}
}

/// Plays a list back: the identifiers that another engine handed out in the same run.
#[derive(Debug)]
pub struct RecordedIds {
    ids: std::vec::IntoIter<u32>,
}

impl RecordedIds {
    /// A source that hands out `ids` in order.
    pub fn new(ids: Vec<u32>) -> RecordedIds {
        RecordedIds { ids: ids.into_iter() }
    }
}

impl IdSource for RecordedIds {
    fn allocate(&mut self, _words: u32) -> Option<u32> {
        // Running dry is as wrong as handing out 0.
        Some(self.ids.next().unwrap_or(0))
    }

    fn abandon(&mut self, _id: u32) {}

    fn load_program(&mut self, _id: u32) {}
}

/// Words that all segments of a guest may have together before the run stops with [`Stop::OutOfMemory`].
pub const DEFAULT_MAX_WORDS: u64 = 1 << 22;

/// The machine.
pub struct Oracle<'a> {
    segments: FxHashMap<u32, Vec<u32>>,
    registers: [u32; 8],
    pc: u32,
    executed: u64,
    input: &'a [u8],
    output: Vec<u8>,
    ids: Box<dyn IdSource + 'a>,
    live_words: u64,
    max_words: u64,
    visits: Vec<u32>,
    used_ids: FxHashSet<u32>,
    reused_ids: u64,
}

impl<'a> Oracle<'a> {
    /// A machine about to execute the first word of `program`, with its own identifiers.
    pub fn new(program: &[u32], input: &'a [u8]) -> Oracle<'a> {
        Oracle::with_ids(program, input, Box::new(CountingIds::default()))
    }

    /// The same with identifiers from `ids`.
    pub fn with_ids(program: &[u32], input: &'a [u8], ids: Box<dyn IdSource + 'a>) -> Oracle<'a> {
        Oracle {
            segments: FxHashMap::from_iter([(0, program.to_vec())]),
            registers: [0; 8],
            pc: 0,
            executed: 0,
            input,
            output: Vec::new(),
            ids,
            live_words: program.len() as u64,
            max_words: DEFAULT_MAX_WORDS,
            visits: vec![0; program.len()],
            used_ids: FxHashSet::default(),
            reused_ids: 0,
        }
    }

    /// The same with fewer words for all segments together than [`DEFAULT_MAX_WORDS`].
    pub fn limit(self, words: u64) -> Oracle<'a> {
        Oracle { max_words: words, ..self }
    }

    /// Runs a whole case with the oracle's own identifiers.
    pub fn run_case(case: &Case) -> Outcome {
        Oracle::new(&case.program, &case.input).run(case.budget)
    }

    /// Executes until the program stops or `budget` instructions have been executed since the start.
    pub fn run(&mut self, budget: u64) -> Outcome {
        let stop = loop {
            if self.executed >= budget {
                break Stop::OutOfBudget;
            }
            match self.step() {
                Ok(()) => self.executed += 1,
                Err(Stop::Halt) => {
                    self.executed += 1;
                    self.pc += 1;
                    break Stop::Halt;
                }
                Err(stop) => break stop,
            }
        };
        Outcome {
            stop,
            registers: self.registers,
            pc: self.pc,
            executed: self.executed,
            output: self.output.clone(),
            memory_digest: memory_digest(self.segments.iter().map(|(&id, words)| (id, words.as_slice()))),
        }
    }

    /// A copy of all active segments.
    pub fn memory(&self) -> Memory {
        self.segments.iter().map(|(&id, words)| (id, words.clone())).collect()
    }

    /// How often each offset of the first program was the pc of an executed instruction.
    pub fn visits(&self) -> &[u32] {
        &self.visits
    }

    /// How many new segments got an identifier that an earlier one had.
    pub fn reused_ids(&self) -> u64 {
        self.reused_ids
    }

    /// One instruction. Nothing has changed when it returns an error.
    #[expect(clippy::too_many_lines, reason = "the one match over all operators, to be held against the specification")]
    fn step(&mut self) -> Result<(), Stop> {
        let pc = self.pc;
        let fault = |kind| Err(Stop::Fault { kind, pc });
        let program = &self.segments[&0];
        let Some(&word) = program.get(pc as usize) else {
            return fault(FaultKind::PcOutside { capacity: program.len() as u32 });
        };
        let operator = word >> 28;
        let a = (word >> 6 & 7) as usize;
        let b = self.registers[(word >> 3 & 7) as usize];
        let c = self.registers[(word & 7) as usize];
        let mut next = pc + 1;
        match operator {
            0 => {
                if c != 0 {
                    self.registers[a] = b;
                }
            }
            1 => {
                let Some(segment) = self.segments.get(&b) else {
                    return fault(FaultKind::IndexInactive { id: b });
                };
                let Some(&value) = segment.get(c as usize) else {
                    return fault(FaultKind::IndexOutside { id: b, offset: c, capacity: segment.len() as u32 });
                };
                self.registers[a] = value;
            }
            2 => {
                let id = self.registers[a];
                let Some(segment) = self.segments.get_mut(&id) else {
                    return fault(FaultKind::AmendInactive { id });
                };
                let capacity = segment.len() as u32;
                let Some(place) = segment.get_mut(b as usize) else {
                    return fault(FaultKind::AmendOutside { id, offset: b, capacity });
                };
                *place = c;
            }
            3 => self.registers[a] = b.wrapping_add(c),
            4 => self.registers[a] = b.wrapping_mul(c),
            5 => {
                if c == 0 {
                    return fault(FaultKind::DivisionByZero { dividend: b });
                }
                self.registers[a] = b / c;
            }
            6 => self.registers[a] = !(b & c),
            7 => {
                self.count_visit();
                return Err(Stop::Halt);
            }
            8 => self.allocate((word >> 3 & 7) as usize, c)?,
            9 => {
                if c == 0 {
                    return fault(FaultKind::AbandonProgram);
                }
                let Some(segment) = self.segments.remove(&c) else {
                    return fault(FaultKind::AbandonInactive { id: c });
                };
                self.live_words -= segment.len() as u64;
                self.ids.abandon(c);
            }
            10 => {
                if c > 255 {
                    return fault(FaultKind::OutputTooLarge { value: c });
                }
                self.output.push(c as u8);
            }
            11 => {
                self.registers[(word & 7) as usize] = match self.input.split_first() {
                    Some((&byte, rest)) => {
                        self.input = rest;
                        u32::from(byte)
                    }
                    None => u32::MAX,
                };
            }
            12 => {
                if b != 0 {
                    self.load_program(b)?;
                }
                next = c;
            }
            13 => self.registers[(word >> 25 & 7) as usize] = word & 0x01ff_ffff,
            _ => return fault(FaultKind::InvalidInstruction { word }),
        }
        self.count_visit();
        self.pc = next;
        Ok(())
    }

    fn count_visit(&mut self) {
        if let Some(count) = self.visits.get_mut(self.pc as usize) {
            *count = count.saturating_add(1);
        }
    }

    fn allocate(&mut self, register: usize, words: u32) -> Result<(), Stop> {
        if self.live_words + u64::from(words) > self.max_words {
            return Err(Stop::OutOfMemory);
        }
        let id = self.ids.allocate(words).ok_or(Stop::OutOfMemory)?;
        if id == 0 || self.segments.contains_key(&id) {
            return Err(Stop::BrokenIdentifier { id });
        }
        self.segments.insert(id, vec![0; words as usize]);
        self.live_words += u64::from(words);
        self.registers[register] = id;
        self.reused_ids += u64::from(!self.used_ids.insert(id));
        Ok(())
    }

    fn load_program(&mut self, id: u32) -> Result<(), Stop> {
        let Some(segment) = self.segments.get(&id) else {
            return Err(Stop::Fault { kind: FaultKind::LoadInactive { id }, pc: self.pc });
        };
        let copy = segment.clone();
        let live_words = self.live_words - self.segments[&0].len() as u64 + copy.len() as u64;
        if live_words > self.max_words {
            return Err(Stop::OutOfMemory);
        }
        self.live_words = live_words;
        self.segments.insert(0, copy);
        self.ids.load_program(id);
        Ok(())
    }
}
