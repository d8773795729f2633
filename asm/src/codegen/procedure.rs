//! The stack, and the extended dialect's procedures.
//!
//! A frame, from the stack pointer up: locals, saved registers, the return address, the parameters (first one lowest).
//! The caller pushes the arguments from the last to the first and takes them off again. Parameters and locals are memory
//! words at a distance from the stack pointer, so what a procedure pushes is counted, in the order of the text.

use rum_interp::isa::{Op, Reg};

use crate::ast::{BinaryOp, Constant, Labels, Operand, Procedure, Slot};
use crate::codegen::frame::{Convention, Frame};
use crate::codegen::generator::Generator;
use crate::diagnostic::{Failure, Fallible};
use crate::pool::Regs;

impl Generator {
    /// The memory word at `offset` words from the top of the stack.
    fn stack_word(&self, zero: Reg, offset: i64) -> Operand {
        let stack = self.convention.stack;
        let index = if offset == 0 { Operand::Reg(stack) } else { Operand::Offset(stack, Constant::new(offset)) };
        Operand::Element(zero, Box::new(index))
    }

    /// The memory word of a parameter or local.
    pub(super) fn slot(&self, slot: Slot) -> Fallible<Operand> {
        let (Some(frame), Some(zero)) = (&self.frame, self.zero) else {
            return Err(self.no_procedure());
        };
        let offset = match slot {
            Slot::Local(index) => index,
            Slot::Param(index) => frame.locals + frame.saved() + 1 + index,
        };
        Ok(self.stack_word(zero, i64::from(offset) + frame.pushed))
    }

    pub(super) fn is_stack_pointer(&self, reg: Reg) -> bool {
        reg == self.convention.stack
    }

    fn no_procedure(&self) -> Failure {
        if self.zero.is_none() {
            return Failure::new(self.span, "procedures need a register that is always 0")
                .hint("name it with `.zero r0` before");
        }
        Failure::new(self.span, "this stands outside of a procedure")
    }

    /// Counts `words` more on the stack, if it is the procedure's.
    fn count(&mut self, stack: Reg, words: i64) {
        if let Some(frame) = &mut self.frame
            && stack == self.convention.stack
        {
            frame.pushed += words;
        }
    }

    pub(super) fn push(&mut self, value: &Operand, stack: Reg, mut pool: Regs) -> Fallible<()> {
        let temp = self.need(&mut pool, "-1")?;
        let source = match self.zero {
            Some(zero) => zero,
            None => {
                self.literal(temp, 0);
                temp
            }
        };
        self.emit(Op::Nand, temp, source, source);
        self.emit(Op::Add, stack, stack, temp);
        // From here on the value's own place, if it is on this stack, is one word farther away.
        self.count(stack, 1);
        pool.give(temp);
        let zero = self.zero_reg(&mut pool)?;
        self.mov(&Operand::Element(zero, Box::new(Operand::Reg(stack))), value, pool)
    }

    pub(super) fn pop(&mut self, to: Option<&Operand>, stack: Reg, mut pool: Regs) -> Fallible<()> {
        if let Some(to) = to {
            let zero = self.zero_reg(&mut pool)?;
            self.mov(to, &Operand::Element(zero, Box::new(Operand::Reg(stack))), pool)?;
            if self.zero.is_none() {
                pool.give(zero);
            }
        }
        self.move_stack(stack, 1, pool)
    }

    /// Takes `words` off the stack, or adds room for as many if negative.
    fn move_stack(&mut self, stack: Reg, words: i64, pool: Regs) -> Fallible<()> {
        self.count(stack, -words);
        let stack = Operand::Reg(stack);
        self.simple(&stack, BinaryOp::Add, &stack, &Operand::Literal(Constant::new(words)), pool)
    }

    pub(super) fn begin_procedure(&mut self, procedure: &Procedure, labels: &mut Labels) -> Fallible<()> {
        self.output.define(procedure.label, labels, self.span)?;
        if self.zero.is_none() {
            return Err(self.no_procedure());
        }
        let Convention { stack, link } = self.convention;
        if procedure.saves.as_slice().contains(&link) || procedure.saves.as_slice().contains(&stack) {
            return Err(Failure::new(self.span, "the link register and the stack pointer cannot be saved")
                .hint("the return address is saved anyway, and the link register returns the result"));
        }
        self.frame = Some(Frame { locals: procedure.locals, saves: procedure.saves, pushed: 0 });
        let pool = self.pool(&Regs::default());
        self.push(&Operand::Reg(link), stack, pool)?;
        for &saved in procedure.saves.as_slice().iter().rev() {
            self.push(&Operand::Reg(saved), stack, pool)?;
        }
        if procedure.locals > 0 {
            self.move_stack(stack, -i64::from(procedure.locals), pool)?;
        }
        // What was pushed so far is the frame itself.
        if let Some(frame) = &mut self.frame {
            frame.pushed = 0;
        }
        Ok(())
    }

    pub(super) fn ret(&mut self, value: Option<&Operand>, mut pool: Regs) -> Fallible<()> {
        let (Some(frame), Some(zero)) = (self.frame.clone(), self.zero) else {
            return Err(self.no_procedure());
        };
        if frame.pushed != 0 {
            let words = if frame.pushed == 1 { "1 word".to_owned() } else { format!("{} words", frame.pushed) };
            return Err(Failure::new(self.span, format!("the stack is off by {words} at this return"))
                .hint("pop what was pushed since the procedure began"));
        }
        let Convention { stack, link } = self.convention;
        if let Some(value) = value {
            self.mov(&Operand::Reg(link), value, pool)?;
        }
        for (index, &saved) in frame.saves.as_slice().iter().enumerate() {
            let word = self.stack_word(zero, i64::from(frame.locals) + index as i64);
            self.load(saved, &word, &pool)?;
        }
        let address = i64::from(frame.locals + frame.saved());
        let temp = self.need(&mut pool, "the return address")?;
        let word = self.stack_word(zero, address);
        self.load(temp, &word, &pool)?;
        self.move_stack(stack, address + 1, pool)?;
        // The procedure's text may go on behind this return, where the frame still stands.
        self.frame = Some(frame);
        self.emit(Op::LoadProgram, Reg::ALL[0], zero, temp);
        Ok(())
    }

    pub(super) fn call(
        &mut self,
        to: Option<&Operand>,
        target: &Operand,
        arguments: &[Operand],
        pool: Regs,
        labels: &mut Labels,
    ) -> Fallible<()> {
        if self.zero.is_none() {
            return Err(self.no_procedure());
        }
        let Convention { stack, link } = self.convention;
        for argument in arguments.iter().rev() {
            self.push(argument, stack, pool)?;
        }
        let next = labels.fresh();
        // A target that the link register holds must be read first.
        let mut rest = pool;
        let target = match target {
            Operand::Label(..) => target.clone(),
            _ => {
                let temp = self.need(&mut rest, "the target")?;
                self.load(temp, target, &rest)?;
                Operand::Reg(temp)
            }
        };
        self.address(link, next, Constant::ZERO);
        self.goto(&target, &rest)?;
        self.output.define(next, labels, self.span)?;
        if !arguments.is_empty() {
            self.move_stack(stack, arguments.len() as i64, pool)?;
        }
        match to {
            Some(to) => self.mov(to, &Operand::Reg(link), pool),
            None => Ok(()),
        }
    }
}
