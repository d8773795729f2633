//! From a straight line of words to code, in one pass: each instruction becomes a fixed piece of a processor's (`target.rs`), with all its checks.
//!
//! What the block itself knows of its registers is used (a jump to a constant, a segment that is 0), and what registers
//! hold when it is translated says which way of an access comes first; nothing else is looked at.

use super::buffer::{Buffer, Label};
use super::parts::{Access, Place};
use super::table::{Table, WAY_SHIFT};
use super::target::{Before, Routines, Target};
use crate::guest::inst::Inst;
use crate::guest::met::Met;
use crate::guest::values::{Known, Values};
use crate::settings::Settings;
use crate::tuning::BLOCK_WORDS_MAX;
use rum_interp::Word;
use rum_interp::engine::layout::SMALL_WORDS_MAX;
use rum_interp::engine::{State, WATCH_BLIND};
use rum_interp::isa::{Instruction, Reg};
use rum_interp::tally::{MARK_BACK, MARK_CALL, MARK_CALLED, MARK_ENTRY, MARK_SHIFT};
use rustc_hash::FxHashSet;
use std::marker::PhantomData;

/// The largest pc whose entry in the table has a displacement.
pub(super) const PC_MAX: u32 = (1 << (31 - WAY_SHIFT)) - 2;

/// What blocks are translated with.
pub(super) struct Circumstances<'a> {
    pub state: &'a State,
    pub routines: &'a Routines,
    pub table: &'a Table,
    /// Address of offset 0 of the code that the table leads to.
    pub base: usize,
    /// Where the part of the block's code will stand that is hardly ever executed.
    pub cold: usize,
    /// Words whose instructions are the host's: what they were translated to failed too often.
    pub by_host: &'a FxHashSet<u32>,
    pub settings: &'a Settings,
}

/// A block that was translated; its code is in the buffer.
pub(super) struct Block {
    /// Words that it was made from.
    pub words: u32,
    /// Its jumps to where it is known to go.
    pub links: Vec<Link>,
    /// Where in its code that of each word begins, if that is to be told.
    pub starts: Vec<(u32, u32)>,
}

/// A jump straight to the code of a word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    /// The word.
    pub to: u32,
    /// Where in the block's code the distance stands.
    pub at: u32,
}

/// Translates the block at `pc` into a buffer that was started. None if its first instruction is not for the tier.
pub(super) fn translate<T: Target>(around: &Circumstances, pc: u32, ops: &mut Buffer) -> Option<Block> {
    let program = around.state.memory().program();
    let registers = around.state.registers();
    let zero = (0..8).filter(|&reg| registers[reg] == 0).fold(0, |set, reg| set | 1 << reg);
    let mut translator = Translator::<T> {
        ops: &mut *ops,
        around,
        program_len: program.len() as u32,
        pc,
        uncounted: 0,
        values: Values::at_start(0),
        zero,
        exits: Vec::new(),
        slow: Vec::new(),
        inputs: Vec::new(),
        length_at: None,
        links: Vec::new(),
        starts: Vec::new(),
        target: PhantomData,
    };
    translator.start();
    let words = translator.line(program);
    if words == 0 {
        return None;
    }
    if T::COLD_APART {
        translator.ops.cold(around.cold);
    }
    translator.cold_code();
    let Translator { length_at, links, starts, .. } = translator;
    if let Some(at) = length_at {
        T::set_words(ops.finish().0, at, words);
    }
    Some(Block { words, links, starts })
}

/// Why a block is left: which routine does it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Check,
    Next,
    Poll,
    Limit,
    Hot,
}

/// A way out of the block, out of line.
struct ExitTo {
    label: Label,
    why: Why,
    pc: u32,
    uncounted: u32,
}

/// An input for which no byte is there, out of line.
struct NoInput {
    from: Label,
    back: Label,
    pc: u32,
    uncounted: u32,
}

/// An access that the quick way is not for, out of line.
struct Slow {
    from: Label,
    back: Label,
    exit: Label,
    access: Access,
}

struct Translator<'a, T> {
    ops: &'a mut Buffer,
    around: &'a Circumstances<'a>,
    program_len: u32,
    pc: u32,
    /// Instructions of the block that are executed and not counted.
    uncounted: u32,
    values: Values,
    /// Registers that hold 0 now and were not written by the block.
    zero: u8,
    exits: Vec<ExitTo>,
    slow: Vec<Slow>,
    inputs: Vec<NoInput>,
    /// Where the block's length stands in its code, if that counts.
    length_at: Option<usize>,
    links: Vec<Link>,
    starts: Vec<(u32, u32)>,
    target: PhantomData<T>,
}

/// The host register that holds one of the guest.
fn host<T: Target>(reg: Reg) -> u8 {
    T::GUEST[reg.index()]
}

impl<T: Target> Translator<'_, T> {
    /// The start of the block: leaves if its end is beyond the limit, or if it is hot.
    fn start(&mut self) {
        if self.around.settings.count {
            let limit = self.exit(Why::Limit);
            self.length_at = Some(T::limit(self.ops, limit));
        }
        let hot = self.exit(Why::Hot);
        T::heat(self.ops, self.pc, hot);
    }

    /// Translates instruction after instruction. Gives their number.
    fn line(&mut self, program: &[Word]) -> u32 {
        let start = self.pc;
        loop {
            let words = self.pc - start;
            if self.pc >= self.program_len || self.is_barred(words) {
                if words > 0 {
                    self.leave_to_interpreter();
                }
                return words;
            }
            if self.around.settings.listings {
                self.starts.push((self.pc, self.ops.len() as u32));
            }
            let instruction = Instruction::decode(program[self.pc as usize]);
            if matches!(instruction, Instruction::Halt | Instruction::Invalid { .. }) {
                if words > 0 {
                    self.leave_to_interpreter();
                }
                return words;
            }
            if words >= BLOCK_WORDS_MAX || self.ops.is_filling() {
                self.go_on_at(self.pc);
                return words;
            }
            if self.around.by_host.contains(&self.pc) || self.is_watched(instruction) {
                self.step();
            } else if let Instruction::Input { c } = instruction {
                self.input(host::<T>(c));
            } else if let Instruction::LoadProgram { b, c } = instruction {
                self.jump(b, c);
                return words + 1;
            } else {
                self.one(instruction);
            }
            let inst = Inst::Fixed(instruction, Met::default());
            self.values.follow(inst);
            if let Some(reg) = inst.writes() {
                self.zero &= !(1 << reg.index());
            }
            self.pc += 1;
        }
    }

    /// Whether an instruction may change a word that somebody watches, which the host looks at.
    fn is_watched(&self, instruction: Instruction) -> bool {
        self.around.settings.watch
            && match instruction {
                Instruction::Amend { a, .. } => self.values.get(a) != Known::Const(0),
                Instruction::Abandon { .. } => true,
                _ => false,
            }
    }

    /// Whether the word at the pc is none to derive code from.
    fn is_barred(&self, words: u32) -> bool {
        let watch = self.around.state.watch();
        // A unit may store to it without a look: nothing but the start of a block, which was executed, ends that.
        watch.is_volatile(self.pc)
            || watch.has_breakpoint(self.pc)
            || (words > 0 && watch.byte(self.pc) & WATCH_BLIND != 0)
    }

    fn exit(&mut self, why: Why) -> Label {
        let label = self.ops.label();
        self.exits.push(ExitTo { label, why, pc: self.pc, uncounted: self.uncounted });
        label
    }

    /// An exit for a check, which tests may force.
    fn check(&mut self) -> Label {
        let exit = self.exit(Why::Check);
        if self.around.settings.forced_exits {
            T::force_exit(self.ops, exit);
        }
        exit
    }

    fn one(&mut self, instruction: Instruction) {
        let routines = self.around.routines;
        match instruction {
            Instruction::Literal { a, value } => T::set(self.ops, host::<T>(a), value),
            Instruction::CondMove { a, b, c } if a != b => T::cond_move(self.ops, host::<T>(a), host::<T>(b), host::<T>(c)),
            Instruction::CondMove { .. } => {}
            Instruction::Index { a, b, c } => self.access(b, c, a, false),
            Instruction::Amend { a, b, c } => self.access(a, b, c, true),
            Instruction::Add { a, b, c } => T::add(self.ops, host::<T>(a), host::<T>(b), host::<T>(c)),
            Instruction::Mul { a, b, c } => T::mul(self.ops, host::<T>(a), host::<T>(b), host::<T>(c)),
            Instruction::Div { a, b, c } => {
                let exit = self.check();
                T::div(self.ops, host::<T>(a), host::<T>(b), host::<T>(c), exit);
            }
            Instruction::Nand { a, b, c } => T::nand(self.ops, host::<T>(a), host::<T>(b), host::<T>(c)),
            Instruction::Alloc { b, c } => {
                let exit = self.check();
                let tally = self.around.settings.tally.then_some(self.pc);
                T::alloc(self.ops, host::<T>(c), routines.alloc, host::<T>(b), exit, tally);
            }
            Instruction::Abandon { c } => self.call(c, routines.abandon),
            Instruction::Output { c } => self.call(c, routines.put),
            Instruction::Halt
            | Instruction::Invalid { .. }
            | Instruction::Input { .. }
            | Instruction::LoadProgram { .. } => unreachable!("ends a block, or is the host's"),
        }
        self.uncounted += 1;
    }

    /// Calls a routine with a register, and leaves if it gives 0.
    fn call(&mut self, argument: Reg, routine: usize) {
        let exit = self.check();
        T::call(self.ops, host::<T>(argument), routine, exit);
    }

    /// An access to a segment: a quick way for the segments that are met most, in line; everything else by a routine, out of line.
    fn access(&mut self, segment: Reg, offset: Reg, data: Reg, store: bool) {
        let exit = self.check();
        let offset = match self.values.get(offset) {
            Known::Const(offset) => Place::Const(offset),
            _ => Place::Register(host::<T>(offset)),
        };
        let access = Access { segment: host::<T>(segment), offset, data: host::<T>(data), store };
        if self.values.get(segment) == Known::Const(0) {
            return self.access_program(access, exit);
        }
        let from = self.ops.label();
        if self.zero >> segment.index() & 1 != 0 {
            T::unless_zero(self.ops, access.segment, from);
            self.access_program(access, exit);
        } else if matches!(offset, Place::Const(SMALL_WORDS_MAX..)) {
            T::jump(self.ops, from);
        } else {
            T::access_small(self.ops, access, &self.around.settings.lookup, from);
        }
        let back = self.ops.label();
        self.ops.bind(back);
        self.slow.push(Slow { from, back, exit, access });
    }

    /// An access to segment 0.
    fn access_program(&mut self, access: Access, exit: Label) {
        match access.offset {
            Place::Const(offset) if offset >= self.program_len => T::jump(self.ops, exit),
            _ => T::access_program(self.ops, access, self.program_len, exit),
        }
    }

    /// Before the instruction at the pc.
    fn before(&self) -> Before {
        self.before_at(self.pc, self.uncounted)
    }

    fn before_at(&self, pc: u32, uncounted: u32) -> Before {
        Before { pc, uncounted: self.around.settings.count.then_some(uncounted) }
    }

    /// Has the host execute the instruction at the pc.
    fn step(&mut self) {
        let before = self.before();
        T::call_step(self.ops, before, self.around.routines.step);
        // It is counted by the host, and everything before it was counted first.
        self.uncounted = 0;
    }

    /// The input at the pc: a byte that is there already, or the host's step.
    fn input(&mut self, to: u8) {
        let (from, back) = (self.ops.label(), self.ops.label());
        T::input(self.ops, to, from);
        self.count(self.uncounted + 1);
        self.ops.bind(back);
        self.inputs.push(NoInput { from, back, pc: self.pc, uncounted: self.uncounted });
        self.uncounted = 0;
    }

    /// Counts instructions, if they are counted.
    fn count(&mut self, instructions: u32) {
        if self.around.settings.count {
            T::count(self.ops, instructions);
        }
    }

    /// The load-program at the pc: a jump, or a case for the interpreter.
    fn jump(&mut self, b: Reg, c: Reg) {
        let poll = self.exit(Why::Poll);
        T::if_polled(self.ops, poll);
        if self.values.get(b) != Known::Const(0) {
            let exit = self.exit(Why::Next);
            T::unless_zero(self.ops, host::<T>(b), exit);
        }
        // Exits before the jump do not count it.
        let (reg, from) = (host::<T>(c), self.pc);
        match self.values.get(c) {
            Known::Const(target) if target < self.program_len => {
                self.count(self.uncounted + 1);
                self.uncounted = 0;
                self.tally(Place::Const(target));
                self.go_to(target);
            }
            Known::Choice(x, y) if x.max(y) < self.program_len => {
                self.count(self.uncounted + 1);
                self.tally(Place::Register(reg));
                let addresses = [x, y].map(|to| self.code_of(to));
                let at = T::link_either(self.ops, reg, from, [x, y], addresses);
                self.links.extend([Link { to: x, at: at[0] }, Link { to: y, at: at[1] }]);
            }
            _ => {
                let exit = self.exit(Why::Next);
                T::unless_below(self.ops, reg, self.program_len, exit);
                self.count(self.uncounted + 1);
                self.tally(Place::Register(reg));
                T::go_to(self.ops, reg, from);
            }
        }
    }

    /// Counts the jump at the pc, which was made and was counted as an instruction, if a profile wants that.
    fn tally(&mut self, target: Place) {
        if !self.around.settings.tally {
            return;
        }
        let kinds = self.around.state.tally().mark(self.pc) >> MARK_SHIFT;
        T::tally_jump(self.ops, target);
        let known = match target {
            Place::Const(target) => self.around.state.tally().mark(target) & (MARK_BACK | MARK_ENTRY),
            Place::Register(_) => 0,
        };
        let routine = self.around.routines.event;
        if kinds & (MARK_CALL | known) != 0 {
            if kinds & MARK_CALL != 0 {
                T::mark_called(self.ops, target);
            }
            T::event(self.ops, self.pc, target, routine);
        } else if kinds != 0 && (kinds & MARK_CALLED != 0 || matches!(target, Place::Register(_))) {
            let go_on = self.ops.label();
            T::unless_marked(self.ops, target, kinds, go_on);
            T::event(self.ops, self.pc, target, routine);
            self.ops.bind(go_on);
        }
    }

    /// The block ends before the word at `pc`, and another begins there.
    fn go_on_at(&mut self, pc: u32) {
        self.pc -= 1; // the last word of this block is where it comes from
        self.go_to(pc);
    }

    /// Goes to the word at a known pc.
    fn go_to(&mut self, to: u32) {
        if self.uncounted > 0 {
            self.count(self.uncounted);
        }
        let at = T::link(self.ops, self.pc, to, self.code_of(to));
        self.links.push(Link { to, at });
    }

    /// Address of the code of a word, as it is now.
    fn code_of(&self, to: u32) -> usize {
        self.around.base + self.around.table.get(to).map_or(0, |way| way.code) as usize
    }

    /// The instruction at the pc is not for the tier.
    fn leave_to_interpreter(&mut self) {
        let exit = self.exit(Why::Next);
        T::jump(self.ops, exit);
    }

    /// What stands out of line.
    fn cold_code(&mut self) {
        let routines = self.around.routines;
        for Slow { from, back, exit, access } in std::mem::take(&mut self.slow) {
            self.ops.bind(from);
            let routine = if access.store { routines.find_store } else { routines.find_load };
            T::access_found(self.ops, access, routine, exit);
            T::jump(self.ops, back);
        }
        for NoInput { from, back, pc, uncounted } in std::mem::take(&mut self.inputs) {
            self.ops.bind(from);
            let before = self.before_at(pc, uncounted);
            T::call_step(self.ops, before, routines.step);
            T::jump(self.ops, back);
        }
        for ExitTo { label, why, pc, uncounted } in std::mem::take(&mut self.exits) {
            let routine = match why {
                Why::Check => routines.leave_check,
                Why::Next => routines.leave_next,
                Why::Poll => routines.leave_poll,
                Why::Limit => routines.leave_limit,
                Why::Hot => routines.hot,
            };
            self.ops.bind(label);
            let before = self.before_at(pc, uncounted);
            T::leave(self.ops, before, routine);
        }
    }
}
