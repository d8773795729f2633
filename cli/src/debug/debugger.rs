//! What a debugger does, whoever asks for it: stops, steps and moves through time. Knows no commands and no screen.

use super::stops::{Break, Condition, What};
use super::timeline::{End, Paused, Timeline};
use super::value::Expr;
use crate::symbols::{Places, Source};
use rum::isa::{Instruction, Op};
use rum::tally::Call;
use rum::{Machine, WatchedWord};
use std::error::Error;
use std::sync::Arc;

/// What goes wrong.
pub type Failed = Box<dyn Error>;

/// Why it stopped.
#[derive(Clone, Debug)]
pub enum Stopped {
    /// It is where it was to go.
    There,
    /// Before an instruction, because of these stops.
    At(Vec<u32>),
    /// By an instruction that changes something that these stops are about: what, from what, to what.
    Changed { ids: Vec<u32>, what: String, old: Option<u64>, new: Option<u64> },
    /// The program wants to read.
    Input,
    /// Somebody is tired of waiting.
    Interrupted,
    /// The run has come to its end.
    End(End),
    /// There is nothing before.
    Beginning,
}

/// What was met on the way.
#[derive(Clone, Debug)]
pub(super) enum Hit {
    /// Before the instruction at hand.
    At(Vec<u32>),
    /// Behind the instruction that did it.
    Changed(Vec<u32>),
    /// Something that is no stop.
    Paused(Paused),
}

/// Instructions that are looked at one by one when time goes back: at first, and at the most.
const WALK_MIN: u64 = 1 << 14;
const WALK_MAX: u64 = 1 << 22;

/// A program that is debugged.
pub struct Debugger {
    /// Its run.
    pub line: Timeline,
    /// The image's name.
    pub name: String,
    /// Whether commands may write files.
    pub may_write: bool,
    symbols: Arc<Source>,
    places: (usize, Arc<Places>),
    breaks: Vec<Break>,
    made: u32,
}

impl Debugger {
    /// A debugger at the beginning of a run.
    pub fn new(line: Timeline, name: String, symbols: Arc<Source>) -> Debugger {
        let words = line.machine().segment(0).map_or(0, <[_]>::len);
        let places = (words, Arc::new(Places::new(&symbols, words)));
        Debugger { line, name, may_write: true, symbols, places, breaks: Vec::new(), made: 0 }
    }

    /// What the sources say about the program that is loaded now.
    pub fn places(&mut self) -> Arc<Places> {
        let words = self.words();
        if self.places.0 != words {
            self.places = (words, Arc::new(Places::new(&self.symbols, words)));
        }
        Arc::clone(&self.places.1)
    }

    /// The machine.
    pub fn machine(&self) -> &Machine {
        self.line.machine()
    }

    /// Words of the program that is loaded now.
    pub fn words(&self) -> usize {
        self.machine().segment(0).map_or(0, <[_]>::len)
    }

    /// The instruction that comes next, if there is one.
    pub fn instruction(&self) -> Option<Instruction> {
        let machine = self.machine();
        machine.segment(0)?.get(machine.pc() as usize).map(|&word| Instruction::decode(word))
    }

    /// Identifiers and lengths of the active segments but 0, the longest first.
    pub fn segments(&self) -> Vec<(u32, u32)> {
        let mut all: Vec<(u32, u32)> = self.machine().active_segments().collect();
        all.sort_by_key(|&(id, words)| (std::cmp::Reverse(words), id));
        all
    }

    /// Where each procedure is that was called and has not returned, and its call; the last one first.
    ///
    /// # Errors
    /// The run cannot be repeated.
    pub fn call_stack(&mut self) -> Result<Vec<(u32, Call)>, Failed> {
        let mut at = self.machine().pc();
        let frame = |call: &Call| (std::mem::replace(&mut at, call.back.wrapping_sub(1)), *call);
        Ok(self.line.calls()?.iter().rev().map(frame).collect())
    }

    /// Reads an expression.
    ///
    /// # Errors
    /// It is none.
    pub fn expr(&mut self, text: &str) -> Result<Expr, String> {
        let (places, words) = (self.places(), self.words());
        Expr::parse(text, &places, words)
    }

    /// All stops.
    pub fn breaks(&self) -> &[Break] {
        &self.breaks
    }

    /// Adds a stop; its number.
    pub fn add(&mut self, what: What, condition: Option<Condition>, once: bool) -> u32 {
        self.add_to("", what, condition, once)
    }

    /// Adds a stop to a group; its number.
    pub fn add_to(&mut self, group: &str, what: What, condition: Option<Condition>, once: bool) -> u32 {
        self.made += 1;
        if let What::Pc(pc) = what {
            self.line.vm().set_breakpoint(pc, true);
        }
        let group = group.to_owned();
        self.breaks.push(Break { id: self.made, what, condition, group, once, hits: 0 });
        self.watch();
        self.made
    }

    /// Takes away the stops of which something holds; how many that were.
    pub fn remove(&mut self, which: impl Fn(&Break) -> bool) -> usize {
        let before = self.breaks.len();
        let (gone, left): (Vec<Break>, Vec<Break>) = std::mem::take(&mut self.breaks).into_iter().partition(which);
        self.breaks = left;
        for stop in gone {
            if let What::Pc(pc) = stop.what
                && !self.breaks.iter().any(|other| other.what == What::Pc(pc))
            {
                self.line.vm().set_breakpoint(pc, false);
            }
        }
        self.watch();
        before - self.breaks.len()
    }

    /// Takes all stops away for a while.
    pub fn take_breaks(&mut self) -> Vec<Break> {
        let all = std::mem::take(&mut self.breaks);
        self.watch();
        all
    }

    /// Brings stops back.
    pub fn put_breaks(&mut self, breaks: Vec<Break>) {
        self.breaks = breaks;
        self.watch();
    }

    fn watch(&mut self) {
        let words: Vec<WatchedWord> = self.breaks.iter().filter_map(|stop| stop.what.word()).collect();
        self.line.vm().watch_words(&words);
    }

    fn holds(machine: &Machine, stop: &Break) -> bool {
        // What cannot be told is told: somebody wants to know.
        stop.condition.as_ref().is_none_or(|(expr, _)| expr.value(machine) != Ok(0))
    }

    /// The stops before the instruction at hand.
    pub(super) fn stops_here(&self) -> Vec<u32> {
        let (machine, instruction) = (self.machine(), self.instruction());
        let word = machine.segment(0).and_then(|program| program.get(machine.pc() as usize).copied());
        let put = machine.output_bytes();
        let here = |stop: &&Break| match &stop.what {
            What::Pc(pc) => *pc == machine.pc(),
            What::Op(op) => word.is_some_and(|word| Op::of(word) == *op),
            What::Output(number) => {
                matches!(instruction, Some(Instruction::Output { .. })) && number.is_none_or(|number| number == put + 1)
            }
            What::Input => matches!(instruction, Some(Instruction::Input { .. })),
            What::Word(_) | What::Register(_) => false,
        };
        self.breaks.iter().filter(here).filter(|stop| Debugger::holds(machine, stop)).map(|stop| stop.id).collect()
    }

    /// The stops that the instruction at hand is about to touch.
    fn touched(&self) -> Vec<u32> {
        let Some(instruction) = self.instruction() else { return Vec::new() };
        let registers = self.machine().registers();
        let get = |reg: rum::isa::Reg| registers[reg.index()];
        let touches = |stop: &&Break| match (&stop.what, instruction) {
            (What::Word(word), Instruction::Amend { a, b, .. }) => word.segment == get(a) && word.offset == get(b),
            (What::Word(word), Instruction::Abandon { c }) => word.segment == get(c),
            (What::Word(word), Instruction::LoadProgram { b, .. }) => word.segment == 0 && get(b) != 0,
            (What::Register(reg), Instruction::CondMove { a, c, .. }) => a.index() == *reg && get(c) != 0,
            (What::Register(reg), other) => other.writes().is_some_and(|written| written.index() == *reg),
            _ => false,
        };
        self.breaks.iter().filter(touches).map(|stop| stop.id).collect()
    }

    /// Those of some stops whose conditions hold now.
    fn holding(&self, ids: Vec<u32>) -> Vec<u32> {
        let holds = |id: &u32| self.breaks.iter().any(|stop| stop.id == *id && Debugger::holds(self.machine(), stop));
        ids.into_iter().filter(holds).collect()
    }

    /// Whether something can be found only by looking at each instruction.
    fn is_slow(&self) -> bool {
        self.breaks.iter().any(|stop| matches!(stop.what, What::Op(_) | What::Register(_)))
    }

    /// Executes the instruction at hand; what that changed.
    pub(super) fn pass(&mut self) -> Result<Option<Hit>, Failed> {
        let touched = self.touched();
        let registers = self.machine().registers();
        match self.line.step()? {
            Paused::Reached => {}
            other => return Ok(Some(Hit::Paused(other))),
        }
        let after = self.machine().registers();
        let is_news = |id: &u32| match self.breaks.iter().find(|stop| stop.id == *id).map(|stop| &stop.what) {
            Some(What::Register(reg)) => registers[*reg] != after[*reg],
            _ => true,
        };
        let changed = self.holding(touched.into_iter().filter(is_news).collect());
        Ok((!changed.is_empty()).then_some(Hit::Changed(changed)))
    }

    /// Goes on to the next stop, the instruction at hand included, or to a moment.
    fn run_to_stop(&mut self, moment: u64) -> Result<Hit, Failed> {
        let mut steps = 0u32;
        loop {
            if self.line.now() >= moment {
                return Ok(Hit::Paused(Paused::Reached));
            }
            let here = self.stops_here();
            if !here.is_empty() {
                return Ok(Hit::At(here));
            }
            if !self.is_slow() {
                match self.run(moment)? {
                    Some(hit) => return Ok(hit),
                    None => continue,
                }
            }
            if let Some(hit) = self.pass()? {
                return Ok(hit);
            }
            steps += 1;
            if steps.is_multiple_of(1 << 16) && self.line.breathe()? {
                return Ok(Hit::Paused(Paused::Interrupted));
            }
        }
    }

    /// Runs on at full speed; none if what stopped it was not meant.
    fn run(&mut self, moment: u64) -> Result<Option<Hit>, Failed> {
        let put = self.machine().output_bytes();
        let wanted = self.breaks.iter().filter_map(|stop| match stop.what {
            What::Output(None) => Some(put),
            What::Output(Some(number)) => Some(number.saturating_sub(1)).filter(|&bytes| bytes >= put),
            _ => None,
        });
        let limit = wanted.min();
        self.line.stage.tape().stops = self.breaks.iter().any(|stop| stop.what == What::Input);
        self.line.vm().limit_output(limit)?;
        self.line.vm().ignore_probes(false);
        let paused = self.line.run(moment);
        self.line.vm().ignore_probes(true);
        self.line.vm().limit_output(None)?;
        self.line.stage.tape().stops = false;
        let here = || self.stops_here();
        let hit = match paused? {
            Paused::Breakpoint | Paused::Output => Some(here()).filter(|ids| !ids.is_empty()).map(Hit::At),
            Paused::Input => match here() {
                ids if ids.is_empty() => return Ok(Some(Hit::Paused(Paused::Input))),
                ids => Some(Hit::At(ids)),
            },
            Paused::Watchpoint => {
                let ids = self.breaks.iter().filter(|stop| stop.what.word().is_some()).map(|stop| stop.id).collect();
                let ids = self.which_changed(ids)?;
                return Ok((!ids.is_empty()).then_some(Hit::Changed(ids)));
            }
            other => return Ok(Some(Hit::Paused(other))),
        };
        if hit.is_none() {
            // A condition does not hold.
            return self.pass();
        }
        Ok(hit)
    }

    /// Which of some watched words the last instruction has touched, and for which that is wanted.
    fn which_changed(&mut self, ids: Vec<u32>) -> Result<Vec<u32>, Failed> {
        if ids.len() == 1 {
            return Ok(self.holding(ids));
        }
        let now = self.line.now();
        self.line.goto(now - 1)?;
        let touched = self.touched();
        self.line.goto(now)?;
        Ok(self.holding(touched.into_iter().filter(|id| ids.contains(id)).collect()))
    }

    /// Goes on to the next stop.
    ///
    /// # Errors
    /// The machine cannot go on.
    pub fn go_on(&mut self) -> Result<Stopped, Failed> {
        self.go_on_to(u64::MAX)
    }

    pub(super) fn go_on_to(&mut self, moment: u64) -> Result<Stopped, Failed> {
        if let Some(end) = self.line.is_at_end() {
            return Ok(Stopped::End(end.clone()));
        }
        let hit = match self.pass()? {
            Some(hit) => hit,
            None => self.run_to_stop(moment)?,
        };
        self.stopped(hit, true)
    }

    pub(super) fn stopped(&mut self, hit: Hit, forward: bool) -> Result<Stopped, Failed> {
        Ok(match hit {
            Hit::At(ids) => {
                self.count_hits(&ids);
                Stopped::At(ids)
            }
            Hit::Changed(ids) => {
                self.count_hits(&ids);
                let now = self.line.now();
                self.line.goto(now - 1)?;
                let what = self.breaks.iter().find(|stop| ids.contains(&stop.id)).map(|stop| stop.what.clone());
                let old = what.as_ref().and_then(|what| what.value(self.machine()));
                self.line.goto(now)?;
                let new = what.as_ref().and_then(|what| what.value(self.machine()));
                if !forward {
                    self.line.goto(now - 1)?;
                }
                Stopped::Changed { ids, what: what.map(|what| what.to_string()).unwrap_or_default(), old, new }
            }
            Hit::Paused(Paused::End(end)) => Stopped::End(end),
            Hit::Paused(Paused::Input) => Stopped::Input,
            Hit::Paused(Paused::Interrupted) => Stopped::Interrupted,
            Hit::Paused(_) => Stopped::There,
        })
    }

    fn count_hits(&mut self, ids: &[u32]) {
        for stop in self.breaks.iter_mut().filter(|stop| ids.contains(&stop.id)) {
            stop.hits += 1;
        }
        if self.breaks.iter().any(|stop| stop.once && ids.contains(&stop.id)) {
            let ids = ids.to_vec();
            self.remove(|stop| stop.once && ids.contains(&stop.id));
        }
    }

    /// Goes back to the last stop before the instruction at hand: for what is changed, to before the instruction that does it.
    ///
    /// # Errors
    /// The machine cannot be taken back.
    pub fn go_back(&mut self) -> Result<Stopped, Failed> {
        let (mut high, from) = (self.line.now(), self.line.now());
        let mut walk = WALK_MIN;
        while high > self.line.first() {
            let checkpoint = self.line.checkpoint_before(high).unwrap_or(self.line.first());
            let low = if self.is_slow() { checkpoint.max(high.saturating_sub(walk)) } else { checkpoint };
            walk = (walk * 4).min(WALK_MAX);
            match self.last_between(low, high, from)? {
                Some((_, Hit::Paused(Paused::Interrupted))) => {
                    self.line.return_to(from)?;
                    return Ok(Stopped::Interrupted);
                }
                Some((moment, hit)) => {
                    self.line.goto(moment)?;
                    return self.stopped(hit, false);
                }
                None => high = low,
            }
        }
        self.line.goto(self.line.first())?;
        Ok(Stopped::Beginning)
    }

    /// The last stop between two moments, and the moment to be at for it, which is before `from`.
    fn last_between(&mut self, low: u64, high: u64, from: u64) -> Result<Option<(u64, Hit)>, Failed> {
        self.line.goto(low)?;
        let mut last = None;
        let mut hit = self.run_to_stop(high)?;
        loop {
            let now = self.line.now();
            match &hit {
                Hit::At(_) if now < from => last = Some((now, hit.clone())),
                Hit::Changed(_) if now <= from => last = Some((now, hit.clone())),
                Hit::Paused(Paused::Interrupted) => return Ok(Some((low, hit))),
                Hit::Paused(_) => return Ok(last),
                _ => {}
            }
            if now >= high {
                return Ok(last);
            }
            let is_at = matches!(hit, Hit::At(_));
            hit = match if is_at { self.pass()? } else { None } {
                Some(hit) => hit,
                None => self.run_to_stop(high)?,
            };
        }
    }
}
