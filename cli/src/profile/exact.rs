//! Counting everything: instructions, calls, allocations.
//!
//! A call is a jump behind a literal that is the address of the word behind the jump (`procedures.rs`); a return is a jump to
//! such an address that waits on the stack of calls. A jump to where calls go, without a return address, is a *tail call*: what
//! returns from there returns for its caller.

use super::model::{Counted, Node, Seen, Site};
use super::procedures::Line;
use crate::config::RunConfig;
use crate::end::End;
use crate::run::end_of;
use crate::signals::Control;
use rum::isa::Instruction;
use rum::{Stop, Vm};
use std::collections::HashMap;

/// How far down the stack a return address is looked for: more than one call may be left at once.
const UNWOUND_MAX: usize = 64;
/// Deeper calls belong to this depth in stacks that are told. Each procedure that calls itself is there once.
const DEPTH_MAX: usize = 200;

/// A procedure that was called and has not returned.
struct Frame {
    procedure: Site,
    /// Where it returns to.
    back: u32,
    /// Instructions executed before it.
    entered: u64,
    /// Its place in the tree of stacks.
    node: usize,
}

/// What is counted while a program runs.
struct Counter {
    counted: Counted,
    stack: Vec<Frame>,
    /// How often a procedure is on the stack.
    active: HashMap<Site, u32>,
    /// Where segments that live were made.
    made: HashMap<u32, (Site, u32)>,
    now: u64,
    /// What the straight line that is executed says of its jump.
    line: Line,
}

/// Runs a program to its end, instruction by instruction.
pub fn run(vm: &mut Vm, config: &RunConfig, control: &Control) -> (End, Seen) {
    let start = Site { program: vm.machine().programs_loaded(), pc: vm.machine().pc() };
    let mut counter = Counter::new(start);
    let end = loop {
        if let Some(cause) = control.cause() {
            break End::Outside(cause);
        }
        if config.instructions_max.is_some_and(|max| counter.now >= max) {
            break End::Instructions;
        }
        if let Err(stop) = counter.step(vm)
            && let Some(end) = end_of(stop, control)
        {
            break end;
        }
    };
    let end = match vm.flush() {
        Ok(()) => end,
        Err(error) => end_of(Stop::Console(error), control).unwrap_or(end),
    };
    (end, Seen::Counted(counter.finish(vm.machine().programs_loaded())))
}

impl Counter {
    fn new(start: Site) -> Counter {
        let node = Node { procedure: start, parent: None, instructions: 0 };
        let counted = Counted { nodes: vec![node], ..Counted::default() };
        let frame = Frame { procedure: start, back: u32::MAX, entered: 0, node: 0 };
        let mut counter = Counter {
            counted,
            stack: vec![],
            active: HashMap::new(),
            made: HashMap::new(),
            now: 0,
            line: Line::default(),
        };
        counter.enter(frame);
        counter
    }

    /// Executes an instruction, and counts what it did.
    fn step(&mut self, vm: &mut Vm) -> Result<(), Stop> {
        let machine = vm.machine();
        let (registers, pc, program) = (machine.registers(), machine.pc(), machine.programs_loaded());
        let instruction =
            machine.segment(0).and_then(|words| words.get(pc as usize)).map(|&word| Instruction::decode(word));
        let stepped = match vm.step() {
            Err(stop) if !matches!(stop, Stop::Halt) => return Err(stop),
            stepped => stepped,
        };
        let site = Site { program, pc };
        self.now += 1;
        *self.counted.sites.entry(site).or_default() += 1;
        let node = self.stack.last().map_or(0, |frame| frame.node);
        self.counted.nodes[node].instructions += 1;
        match instruction {
            Some(Instruction::Alloc { b, c }) => {
                let (id, words) = (vm.machine().registers()[b.index()], registers[c.index()]);
                let made = self.counted.allocations.entry(site).or_default();
                made.segments += 1;
                made.words += u64::from(words);
                self.made.insert(id, (site, words));
            }
            Some(Instruction::Abandon { c }) => drop(self.made.remove(&registers[c.index()])),
            Some(Instruction::LoadProgram { b, c }) => {
                let (target, is_call) = (registers[c.index()], self.line.calls(pc, c));
                if registers[b.index()] == 0 {
                    self.jumped(site, target, is_call);
                } else {
                    self.loaded(Site { program: vm.machine().programs_loaded(), pc: target });
                }
            }
            _ => {}
        }
        if let Some(instruction) = instruction {
            self.line.follow(instruction);
        }
        stepped
    }

    fn jumped(&mut self, from: Site, target: u32, is_call: bool) {
        let behind = from.pc.wrapping_add(1);
        let waits = self.stack.iter().skip(1).rev().take(UNWOUND_MAX).position(|frame| frame.back == target);
        if let Some(above) = waits {
            // The start has no address to return to: it stays.
            (0..=above).for_each(|_| self.leave());
        } else if is_call && target != behind {
            self.call(Site { pc: target, ..from }, behind);
        } else if self.counted.calls.contains_key(&Site { pc: target, ..from }) {
            self.tail_call(Site { pc: target, ..from });
        }
    }

    fn caller(&self) -> Site {
        self.stack.last().expect("the start is never left").procedure
    }

    fn call(&mut self, procedure: Site, back: u32) {
        let caller = self.caller();
        let call = self.counted.calls.entry(procedure).or_default();
        call.calls += 1;
        *call.callers.entry(caller).or_default() += 1;
        let node = self.node_below(procedure, self.stack.len());
        self.enter(Frame { procedure, back, entered: self.now, node });
    }

    fn tail_call(&mut self, procedure: Site) {
        let caller = self.caller();
        let call = self.counted.calls.entry(procedure).or_default();
        call.tail_calls += 1;
        *call.callers.entry(caller).or_default() += 1;
        if procedure == caller || self.stack.len() == 1 {
            return;
        }
        let back = self.stack.last().expect("looked at above").back;
        self.leave();
        let node = self.node_below(procedure, self.stack.len());
        self.enter(Frame { procedure, back, entered: self.now, node });
    }

    /// Another program goes on: nothing of the old one returns.
    fn loaded(&mut self, start: Site) {
        while !self.stack.is_empty() {
            self.leave();
        }
        self.counted.nodes.push(Node { procedure: start, parent: None, instructions: 0 });
        let node = self.counted.nodes.len() - 1;
        self.enter(Frame { procedure: start, back: u32::MAX, entered: self.now, node });
    }

    fn enter(&mut self, frame: Frame) {
        *self.active.entry(frame.procedure).or_default() += 1;
        self.stack.push(frame);
    }

    fn leave(&mut self) {
        let Some(Frame { procedure, entered, .. }) = self.stack.pop() else { return };
        let active = self.active.get_mut(&procedure).expect("it was entered");
        *active -= 1;
        // What a procedure does by calling itself counts once.
        if *active == 0 {
            *self.counted.inclusive.entry(procedure).or_default() += self.now - entered;
        }
    }

    /// The place of a procedure in the tree of stacks, below the one that is on top.
    fn node_below(&mut self, procedure: Site, depth: usize) -> usize {
        let above = self.stack.last().map_or(0, |frame| frame.node);
        if depth > DEPTH_MAX || self.counted.nodes[above].procedure == procedure {
            return above;
        }
        let nodes = &mut self.counted.nodes;
        *self.counted.below.entry((above, procedure)).or_insert_with(|| {
            nodes.push(Node { procedure, parent: Some(above), instructions: 0 });
            nodes.len() - 1
        })
    }

    fn finish(mut self, program: u64) -> Counted {
        while !self.stack.is_empty() {
            self.leave();
        }
        for (site, words) in self.made.into_values() {
            let made = self.counted.allocations.entry(site).or_default();
            made.live_segments += 1;
            made.live_words += u64::from(words);
        }
        self.counted.program = program;
        self.counted
    }
}
