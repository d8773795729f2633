//! From a straight line of words to code, in one pass: each instruction becomes a fixed piece, with all its checks.
//!
//! What the block itself knows of its registers is used (a jump to a constant, a segment that is 0), and what registers
//! hold when it is translated says which way of an access comes first; nothing else is looked at.

use super::buffer::{Buffer, Label, When};
use super::parts::{Access, Slow, host};
use super::routines::Routines;
use super::table::{Table, WAY_COUNT, WAY_SHIFT};
use crate::abi::{self, Slot};
use crate::guest::inst::Inst;
use crate::guest::met::Met;
use crate::guest::values::{Known, Values};
use crate::settings::Settings;
use crate::tuning::BLOCK_WORDS_MAX;
use dynasmrt::{DynasmApi, dynasm};
use rum_interp::Word;
use rum_interp::engine::{State, WATCH_BLIND};
use rum_interp::isa::{Instruction, Reg};
use rustc_hash::FxHashSet;

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
pub(super) fn translate(around: &Circumstances, pc: u32, ops: &mut Buffer) -> Option<Block> {
    let program = around.state.memory().program();
    let registers = around.state.registers();
    let zero = (0..8).filter(|&reg| registers[reg] == 0).fold(0, |set, reg| set | 1 << reg);
    let mut translator = Translator {
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
    };
    translator.start();
    let words = translator.line(program);
    if words == 0 {
        return None;
    }
    translator.ops.cold(around.cold);
    translator.cold_code();
    let Translator { length_at, links, .. } = translator;
    if let Some(at) = length_at {
        ops.finish().0[at..at + 4].copy_from_slice(&words.to_le_bytes());
    }
    Some(Block { words, links })
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

pub(super) struct Translator<'a> {
    pub ops: &'a mut Buffer,
    pub around: &'a Circumstances<'a>,
    pub program_len: u32,
    pc: u32,
    /// Instructions of the block that are executed and not counted.
    uncounted: u32,
    pub values: Values,
    /// Registers that hold 0 now and were not written by the block.
    pub zero: u8,
    exits: Vec<ExitTo>,
    pub slow: Vec<Slow>,
    inputs: Vec<NoInput>,
    /// Where the block's length stands in its code, if that counts.
    length_at: Option<usize>,
    links: Vec<Link>,
}

impl Translator<'_> {
    /// The start of the block: leaves if its end is beyond the limit, or if it is hot.
    fn start(&mut self) {
        if self.around.settings.count {
            let limit = self.exit(Why::Limit);
            dynasm!(self.ops; .arch x64; mov rax, [r15 + abi::EXECUTED]; add rax, DWORD i32::MAX);
            self.length_at = Some(self.ops.len() - 4);
            dynasm!(self.ops; .arch x64; cmp rax, [r15 + abi::slot(Slot::Until)]);
            self.ops.jump_if(When::Above, limit);
        }
        let count = (self.pc << WAY_SHIFT) as i32 + WAY_COUNT;
        let hot = self.exit(Why::Hot);
        dynasm!(self.ops; .arch x64; inc DWORD [r14 + count]);
        self.ops.jump_if(When::NotNegative, hot);
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
            if self.around.by_host.contains(&self.pc) {
                self.step();
            } else if let Instruction::Input { c } = instruction {
                self.input(host(c));
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

    /// Whether the word at the pc is none to derive code from.
    fn is_barred(&self, words: u32) -> bool {
        let watch = self.around.state.watch();
        // A unit may store to it without a look: nothing but the start of a block, which was executed, ends that.
        watch.is_volatile(self.pc) || (words > 0 && watch.byte(self.pc) & WATCH_BLIND != 0)
    }

    fn exit(&mut self, why: Why) -> Label {
        let label = self.ops.label();
        self.exits.push(ExitTo { label, why, pc: self.pc, uncounted: self.uncounted });
        label
    }

    /// An exit for a check, which tests may force.
    pub fn check(&mut self) -> Label {
        let exit = self.exit(Why::Check);
        if self.around.settings.forced_exits {
            dynasm!(self.ops; .arch x64; dec QWORD [r15 + abi::slot(Slot::ForceExit)]);
            self.ops.jump_if(When::Zero, exit);
        }
        exit
    }

    /// Sets a host register to a number.
    pub fn set(&mut self, to: u8, value: u32) {
        match value {
            0 => dynasm!(self.ops; .arch x64; xor Rd(to), Rd(to)),
            _ => dynasm!(self.ops; .arch x64; mov Rd(to), value as i32),
        }
    }

    fn one(&mut self, instruction: Instruction) {
        match instruction {
            Instruction::Literal { a, value } => self.set(host(a), value),
            Instruction::CondMove { a, b, c } if a != b => {
                let (a, b, c) = (host(a), host(b), host(c));
                dynasm!(self.ops; .arch x64; test Rd(c), Rd(c); cmovnz Rd(a), Rd(b));
            }
            Instruction::CondMove { .. } => {}
            Instruction::Index { a, b, c } => {
                let access = Access { segment: host(b), offset: self.place(c), data: host(a), store: false };
                self.access(b, access);
            }
            Instruction::Amend { a, b, c } => {
                let access = Access { segment: host(a), offset: self.place(b), data: host(c), store: true };
                self.access(a, access);
            }
            Instruction::Add { a, b, c } => {
                let (a, b, c) = (host(a), host(b), host(c));
                dynasm!(self.ops; .arch x64; lea Rd(a), [Rq(b) + Rq(c)]);
            }
            Instruction::Mul { a, b, c } => {
                let (a, b, c) = (host(a), host(b), host(c));
                dynasm!(self.ops; .arch x64; mov eax, Rd(b); imul eax, Rd(c); mov Rd(a), eax);
            }
            Instruction::Div { a, b, c } => {
                let exit = self.check();
                let (a, b, c) = (host(a), host(b), host(c));
                dynasm!(self.ops; .arch x64; test Rd(c), Rd(c));
                self.ops.jump_if(When::Zero, exit);
                dynasm!(self.ops
                    ; .arch x64
                    ; mov eax, Rd(b)
                    ; xor edx, edx
                    ; div Rd(c)
                    ; mov Rd(a), eax
                );
            }
            Instruction::Nand { a, b, c } => self.nand(host(a), host(b), host(c)),
            Instruction::Alloc { b, c } => {
                self.call(host(c), self.around.routines.alloc);
                let b = host(b);
                dynasm!(self.ops; .arch x64; mov Rd(b), eax);
            }
            Instruction::Abandon { c } => self.call(host(c), self.around.routines.abandon),
            Instruction::Output { c } => self.call(host(c), self.around.routines.put),
            Instruction::Halt
            | Instruction::Invalid { .. }
            | Instruction::Input { .. }
            | Instruction::LoadProgram { .. } => unreachable!("ends a block, or is the host's"),
        }
        self.uncounted += 1;
    }

    fn nand(&mut self, a: u8, b: u8, c: u8) {
        match (a == b, a == c) {
            (_, true) => dynasm!(self.ops; .arch x64; and Rd(a), Rd(b); not Rd(a)),
            (true, _) => dynasm!(self.ops; .arch x64; and Rd(a), Rd(c); not Rd(a)),
            _ => dynasm!(self.ops; .arch x64; mov Rd(a), Rd(b); and Rd(a), Rd(c); not Rd(a)),
        }
    }

    /// Calls a routine with a register, and leaves if it gives 0.
    fn call(&mut self, argument: u8, routine: usize) {
        let exit = self.check();
        dynasm!(self.ops; .arch x64; mov edi, Rd(argument));
        self.ops.call(routine);
        dynasm!(self.ops; .arch x64; test eax, eax);
        self.ops.jump_if(When::Zero, exit);
    }

    /// Has the host execute the instruction at the pc.
    fn step(&mut self) {
        self.call_step(self.pc, self.uncounted);
        // It is counted by the host, and everything before it was counted first.
        self.uncounted = 0;
    }

    fn call_step(&mut self, pc: u32, uncounted: u32) {
        dynasm!(self.ops; .arch x64; mov edx, pc as i32);
        if self.around.settings.count {
            dynasm!(self.ops; .arch x64; mov ecx, uncounted as i32);
        }
        self.ops.call(self.around.routines.step);
    }

    /// The input at the pc: a byte that is there already, or the host's step.
    fn input(&mut self, to: u8) {
        let (from, back) = (self.ops.label(), self.ops.label());
        dynasm!(self.ops; .arch x64; mov rax, [r15 + abi::INPUT_NEXT]; cmp rax, [r15 + abi::INPUT_END]);
        self.ops.jump_if(When::Zero, from);
        dynasm!(self.ops; .arch x64; movzx Rd(to), BYTE [rax]; inc rax; mov [r15 + abi::INPUT_NEXT], rax);
        self.count(self.uncounted + 1);
        self.ops.bind(back);
        self.inputs.push(NoInput { from, back, pc: self.pc, uncounted: self.uncounted });
        self.uncounted = 0;
    }

    /// Counts instructions, if they are counted.
    fn count(&mut self, instructions: u32) {
        if self.around.settings.count {
            let more = instructions as i32;
            dynasm!(self.ops
                ; .arch x64
                ; add QWORD [r15 + abi::EXECUTED], more
                ; add QWORD [r15 + abi::slot(Slot::BaselineExecuted)], more
            );
        }
    }

    /// The load-program at the pc: a jump, or a case for the interpreter.
    fn jump(&mut self, b: Reg, c: Reg) {
        let poll = self.exit(Why::Poll);
        dynasm!(self.ops; .arch x64; cmp DWORD [r15 + abi::POLL], 0);
        self.ops.jump_if(When::NotZero, poll);
        match self.values.get(b) {
            Known::Const(0) => {}
            _ => {
                let exit = self.exit(Why::Next);
                let b = host(b);
                dynasm!(self.ops; .arch x64; test Rd(b), Rd(b));
                self.ops.jump_if(When::NotZero, exit);
            }
        }
        // Exits before the jump do not count it.
        match self.values.get(c) {
            Known::Const(target) if target < self.program_len => {
                self.uncounted += 1;
                self.go_to(target);
            }
            Known::Choice(x, y) if x.max(y) < self.program_len => {
                self.uncounted += 1;
                self.go_to_either(host(c), x, y);
            }
            _ => {
                let (c, length, exit) = (host(c), self.program_len as i32, self.exit(Why::Next));
                dynasm!(self.ops; .arch x64; cmp Rd(c), length);
                self.ops.jump_if(When::NotBelow, exit);
                dynasm!(self.ops; .arch x64; mov edi, Rd(c));
                self.uncounted += 1;
                self.go_to_edi();
            }
        }
    }

    /// The block ends before the word at `pc`, and another begins there.
    fn go_on_at(&mut self, pc: u32) {
        self.pc -= 1; // the last word of this block is where it comes from
        self.go_to(pc);
    }

    /// Goes to the word at a known pc.
    fn go_to(&mut self, target: u32) {
        self.count(self.uncounted);
        self.set(6, self.pc);
        self.set(7, target);
        self.link(None, target);
    }

    /// Goes to the word that a register holds, which is one of two.
    fn go_to_either(&mut self, c: u8, x: u32, y: u32) {
        self.count(self.uncounted);
        let (from, x_at, y_at) = (self.pc as i32, x as i32, y as i32);
        dynasm!(self.ops; .arch x64; mov esi, from; cmp Rd(c), x_at; mov edi, x_at);
        self.link(Some(When::Zero), x);
        dynasm!(self.ops; .arch x64; mov edi, y_at);
        self.link(None, y);
    }

    /// Jumps to the code of a word, whatever that is by then.
    fn link(&mut self, when: Option<When>, to: u32) {
        let code = self.around.table.get(to).map_or(0, |way| way.code);
        let at = self.ops.link(when, self.around.base + code as usize);
        self.links.push(Link { to, at });
    }

    /// Goes to the word that `edi` says.
    fn go_to_edi(&mut self) {
        self.count(self.uncounted);
        let from = self.pc as i32;
        dynasm!(self.ops
            ; .arch x64
            ; mov esi, from
            ; mov eax, [r14 + rdi * 8]
            ; add rax, [r15 + abi::slot(Slot::BaselineCode)]
            ; jmp rax
        );
    }

    /// The instruction at the pc is not for the tier.
    fn leave_to_interpreter(&mut self) {
        let exit = self.exit(Why::Next);
        self.ops.jump(exit);
    }

    /// What stands out of line.
    fn cold_code(&mut self) {
        self.slow_ways();
        for NoInput { from, back, pc, uncounted } in std::mem::take(&mut self.inputs) {
            self.ops.bind(from);
            self.call_step(pc, uncounted);
            self.ops.jump(back);
        }
        for ExitTo { label, why, pc, uncounted } in std::mem::take(&mut self.exits) {
            let routines = self.around.routines;
            let routine = match why {
                Why::Check => routines.leave_check,
                Why::Next => routines.leave_next,
                Why::Poll => routines.leave_poll,
                Why::Limit => routines.leave_limit,
                Why::Hot => routines.hot,
            };
            self.ops.bind(label);
            dynasm!(self.ops; .arch x64; mov edx, pc as i32);
            if self.around.settings.count {
                dynasm!(self.ops; .arch x64; mov ecx, uncounted as i32);
            }
            self.ops.jump_to(routine);
        }
    }
}
