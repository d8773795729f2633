//! The generator's state, and the small steps that everything else is made of.

use rum_interp::isa::{LITERAL_MAX, Op, Reg};

use crate::ast::{Constant, Instruction, Item, Label, Labels, Operand, Statement};
use crate::diagnostic::{Failure, Fallible};
use crate::link::{Output, WORDS_MAX};
use crate::pool::{self, Regs};
use crate::source::Span;

use crate::codegen::frame::{Convention, Frame};

pub(super) const R0: Reg = Reg::ALL[0];

/// Turns statements into words.
#[derive(Debug)]
pub(crate) struct Generator {
    pub output: Output,
    pub(super) zero: Option<Reg>,
    pub(super) temps: Regs,
    /// The last pool worked out, with the lists that it comes from.
    pub(super) pool: (Regs, Regs, Regs),
    pub(super) convention: Convention,
    pub(super) frame: Option<Frame>,
    /// The statement at hand.
    pub(super) span: Span,
}

impl Generator {
    pub fn new(keep_lines: bool) -> Generator {
        Generator {
            output: Output::new(keep_lines),
            zero: None,
            temps: Regs::default(),
            pool: Default::default(),
            convention: Convention::default(),
            frame: None,
            span: Span::default(),
        }
    }

    /// Forgets what holds for one file only. The section goes on.
    pub fn begin_file(&mut self) {
        self.zero = None;
        self.temps = Regs::default();
        self.convention = Convention::default();
        self.frame = None;
    }

    /// Adds a statement that counts as written at `line`.
    pub fn statement(&mut self, statement: &Statement, line: Span, labels: &mut Labels) -> Fallible<()> {
        self.span = statement.span;
        match &statement.item {
            Item::Label(label) => self.output.define(*label, labels, statement.span)?,
            Item::Section(name) => self.output.section(name.clone()),
            Item::Zero(zero) => self.zero = *zero,
            Item::Temps(temps) => self.temps = *temps,
            Item::Stack(reg) => self.convention.stack = *reg,
            Item::Link(reg) => self.convention.link = *reg,
            _ => {
                self.output.mark_line(line);
                self.words(&statement.item, labels)?;
            }
        }
        if self.output.total() > WORDS_MAX { Err(self.too_large()) } else { Ok(()) }
    }

    pub(super) fn too_large(&self) -> Failure {
        Failure::new(self.span, format!("the image is larger than {WORDS_MAX} words"))
    }

    /// The items that leave words.
    pub(super) fn words(&mut self, item: &Item, labels: &mut Labels) -> Fallible<()> {
        match item {
            Item::Data(Operand::Label(label, addend)) => self.output.data_address(*label, *addend, self.span),
            Item::Data(Operand::Literal(constant)) => self.output.word(constant.low_word()),
            Item::Distance(end, start) => self.output.distance(*end, *start, self.span),
            Item::Space(count) => match usize::try_from(count.value()) {
                Ok(count) if count <= WORDS_MAX && self.output.total() + count <= WORDS_MAX => self.output.zeros(count),
                Err(_) if count.value() < 0 => {
                    let failure = Failure::new(self.span, format!("there is no space of {} words", count.value()));
                    return Err(failure.hint("a space has 0 words at least"));
                }
                _ => return Err(self.too_large()),
            },
            Item::String(bytes) => {
                bytes.iter().for_each(|&byte| self.output.word(u32::from(byte)));
                self.output.word(u32::MAX);
            }
            Item::Procedure(procedure) => self.begin_procedure(procedure, labels)?,
            Item::EndProcedure => self.frame = None,
            Item::Instruction { instruction, using } => {
                let pool = self.pool(using);
                self.instruction(instruction, pool, labels)?;
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn pool(&mut self, using: &Regs) -> Regs {
        if self.pool.0 != *using || self.pool.1 != self.temps {
            self.pool = (*using, self.temps, pool::order(using, &self.temps));
        }
        self.pool.2
    }

    pub(super) fn instruction(
        &mut self,
        instruction: &Instruction,
        mut pool: Regs,
        labels: &mut Labels,
    ) -> Fallible<()> {
        match instruction {
            Instruction::Move { to, from } => self.mov(to, from, pool),
            Instruction::Binary { to, op, left, right } => self.binary(to, *op, left, right, pool),
            Instruction::Unary { to, op, of } => self.unary(to, *op, of, pool),
            Instruction::Input { to } => self.store(to, pool, |this, reg, _| {
                this.emit(Op::Input, R0, R0, reg);
                Ok(())
            }),
            Instruction::Map { to, length } => self.map(to, length, pool),
            Instruction::MapString { to, bytes } => self.map_string(to, bytes, pool),
            Instruction::Unmap { segment } => {
                self.emit(Op::Abandon, R0, R0, *segment);
                Ok(())
            }
            Instruction::Output { value } => {
                let reg = self.in_reg(value, &mut pool, "the value")?;
                self.emit(Op::Output, R0, R0, reg);
                Ok(())
            }
            Instruction::OutputString { bytes } => {
                let reg = pool.first().ok_or_else(|| self.out_of_temps("the characters"))?;
                for &byte in bytes {
                    self.literal(reg, u32::from(byte));
                    self.emit(Op::Output, R0, R0, reg);
                }
                Ok(())
            }
            Instruction::Halt => {
                self.emit(Op::Halt, R0, R0, R0);
                Ok(())
            }
            Instruction::Goto { target, linking: None } => self.goto(target, &pool),
            Instruction::Goto { target, linking: Some(link) } => {
                let next = labels.fresh();
                self.address(*link, next, Constant::ZERO);
                self.goto(target, &pool)?;
                self.output.define(next, labels, self.span)
            }
            Instruction::GotoProgram { target, segment } => {
                self.emit(Op::LoadProgram, R0, *segment, *target);
                Ok(())
            }
            Instruction::IfGoto { condition, target } => {
                let next = labels.fresh();
                self.if_goto(condition, target, next, pool)?;
                self.output.define(next, labels, self.span)
            }
            Instruction::IfMove { condition, to, from } => self.if_move(condition, to, from, pool),
            Instruction::Push { value, stack } => self.push(value, *stack, pool),
            Instruction::Pop { to, stack } => self.pop(to.as_ref(), *stack, pool),
            Instruction::Call { to, target, arguments } => self.call(to.as_ref(), target, arguments, pool, labels),
            Instruction::Return { value } => self.ret(value.as_ref(), pool),
        }
    }

    #[inline]
    pub(super) fn emit(&mut self, op: Op, a: Reg, b: Reg, c: Reg) {
        let fields = (a.index() << 6 | b.index() << 3 | c.index()) as u32;
        self.output.word((op as u32) << 28 | fields);
    }

    /// `reg := value` where the value fits into the instruction.
    pub(super) fn literal(&mut self, reg: Reg, value: u32) {
        self.output.word(literal_word(reg) | value);
    }

    pub(super) fn address(&mut self, reg: Reg, label: Label, addend: Constant) {
        self.output.literal_address(literal_word(reg), label, addend, self.span);
    }

    pub(super) fn out_of_temps(&self, what: &str) -> Failure {
        Failure::new(self.span, format!("not enough temporary registers for {what}"))
            .hint("name registers that may be overwritten: `using r6, r7` here, or `.temps r6, r7` for what follows")
    }

    pub(super) fn need(&self, pool: &mut Regs, what: &str) -> Fallible<Reg> {
        pool.take().ok_or_else(|| self.out_of_temps(what))
    }

    /// Any 32-bit value: in one instruction, by its complement, or from two halves with a temporary.
    pub(super) fn constant(&mut self, reg: Reg, constant: Constant, pool: &Regs) -> Fallible<()> {
        let value = constant.low_word();
        if value <= LITERAL_MAX {
            self.literal(reg, value);
        } else if !value <= LITERAL_MAX {
            self.literal(reg, !value);
            self.emit(Op::Nand, reg, reg, reg);
        } else {
            let temp = pool.first().ok_or_else(|| self.out_of_temps("a constant of more than 25 bits"))?;
            self.literal(reg, value >> 16);
            self.literal(temp, 1 << 16);
            self.emit(Op::Mul, reg, reg, temp);
            self.literal(temp, value & 0xffff);
            self.emit(Op::Add, reg, reg, temp);
        }
        Ok(())
    }

    /// A register that holds the operand: its own, or the next temporary.
    pub(super) fn in_reg(&mut self, operand: &Operand, pool: &mut Regs, what: &str) -> Fallible<Reg> {
        if let Operand::Reg(reg) = operand {
            return Ok(*reg);
        }
        let temp = self.need(pool, what)?;
        self.load(temp, operand, pool)?;
        Ok(temp)
    }

    /// Brings the operand into `reg`.
    pub(super) fn load(&mut self, reg: Reg, operand: &Operand, pool: &Regs) -> Fallible<()> {
        match operand {
            Operand::Reg(from) => {
                if *from != reg {
                    self.emit(Op::Nand, reg, *from, *from);
                    self.emit(Op::Nand, reg, reg, reg);
                }
            }
            Operand::Literal(constant) => self.constant(reg, *constant, pool)?,
            Operand::Label(label, addend) => self.address(reg, *label, *addend),
            Operand::Offset(base, constant) if *base != reg => {
                self.constant(reg, *constant, pool)?;
                self.emit(Op::Add, reg, reg, *base);
            }
            Operand::Offset(base, constant) => {
                let mut pool = *pool;
                let temp = self.need(&mut pool, "the constant that is added")?;
                self.constant(temp, *constant, &pool)?;
                self.emit(Op::Add, reg, *base, temp);
            }
            Operand::Element(segment, index) => {
                let index = match &**index {
                    Operand::Reg(index) => *index,
                    index if reg != *segment => {
                        self.load(reg, index, pool)?;
                        reg
                    }
                    index => self.in_reg(index, &mut { *pool }, "the index")?,
                };
                self.emit(Op::Index, reg, *segment, index);
            }
            Operand::Local(slot) => {
                let element = self.slot(*slot)?;
                self.load(reg, &element, pool)?;
            }
        }
        Ok(())
    }

    /// Has `compute` leave a value in a register, and brings it to where it belongs. `compute` is given the register
    /// and the temporaries that it may use.
    pub(super) fn store(
        &mut self,
        to: &Operand,
        mut pool: Regs,
        compute: impl FnOnce(&mut Self, Reg, Regs) -> Fallible<()>,
    ) -> Fallible<()> {
        match to {
            Operand::Reg(reg) => compute(self, *reg, pool),
            Operand::Local(slot) => {
                let element = self.slot(*slot)?;
                self.store(&element, pool, compute)
            }
            Operand::Element(segment, index) => {
                let temp = self.need(&mut pool, "the value")?;
                compute(self, temp, pool)?;
                let index = self.in_reg(index, &mut pool, "the index")?;
                self.emit(Op::Amend, *segment, index, temp);
                Ok(())
            }
            _ => Err(Failure::new(self.span, "this cannot be assigned to")),
        }
    }

    /// `to := from`
    pub(super) fn mov(&mut self, to: &Operand, from: &Operand, mut pool: Regs) -> Fallible<()> {
        match to {
            Operand::Reg(reg) => self.load(*reg, from, &pool),
            Operand::Local(slot) => {
                let element = self.slot(*slot)?;
                self.mov(&element, from, pool)
            }
            Operand::Element(segment, index) => {
                let value = self.in_reg(from, &mut pool, "the value")?;
                let index = self.in_reg(index, &mut pool, "the index")?;
                self.emit(Op::Amend, *segment, index, value);
                Ok(())
            }
            _ => Err(Failure::new(self.span, "this cannot be assigned to")),
        }
    }
}

fn literal_word(reg: Reg) -> u32 {
    (Op::Literal as u32) << 28 | (reg.index() as u32) << 25
}
