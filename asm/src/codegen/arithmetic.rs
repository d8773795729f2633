//! Operators, new segments, and comparisons that are right for all operands.

use rum_interp::isa::{Op, Reg};

use crate::ast::{BinaryOp, Constant, Operand, UnaryOp};
use crate::codegen::generator::{Generator, R0};
use crate::diagnostic::Fallible;
use crate::pool::Regs;

fn used(operands: &[&Operand]) -> Regs {
    let mut used = Regs::default();
    operands.iter().filter_map(|operand| operand.reg()).for_each(|reg| used.add(reg));
    used
}

impl Generator {
    pub(super) fn binary(
        &mut self,
        to: &Operand,
        op: BinaryOp,
        left: &Operand,
        right: &Operand,
        mut pool: Regs,
    ) -> Fallible<()> {
        if [to, left].iter().any(|operand| matches!(operand, Operand::Local(_))) {
            return self.binary_in_place(to, op, left, right, pool);
        }
        match op {
            BinaryOp::Xor => self.xor(to, left, right, pool),
            BinaryOp::Mod => {
                let temp = Operand::Reg(self.need(&mut pool, "the quotient")?);
                self.simple(&temp, BinaryOp::Div, left, right, pool)?;
                self.simple(&temp, BinaryOp::Mul, &temp, right, pool)?;
                self.simple(to, BinaryOp::Sub, left, &temp, pool)
            }
            _ => self.simple(to, op, left, right, pool),
        }
    }

    /// With locals temporaries are short: the left operand goes where the result will be.
    fn binary_in_place(
        &mut self,
        to: &Operand,
        op: BinaryOp,
        left: &Operand,
        right: &Operand,
        mut pool: Regs,
    ) -> Fallible<()> {
        pool = pool.strictly_without(used(&[left, right]).as_slice());
        let result = match to {
            // A local is found by the stack pointer.
            Operand::Reg(reg) if !right.mentions(*reg) && !self.is_stack_pointer(*reg) => *reg,
            _ => self.need(&mut pool, "the value")?,
        };
        pool = pool.strictly_without(&[result]);
        self.load(result, left, &pool)?;
        let operand = Operand::Reg(result);
        self.binary(&operand, op, &operand, right, pool)?;
        if *to == operand { Ok(()) } else { self.mov(to, &operand, pool) }
    }

    /// The operators that avoid their own operands when they take temporaries.
    pub(super) fn simple(
        &mut self,
        to: &Operand,
        op: BinaryOp,
        left: &Operand,
        right: &Operand,
        pool: Regs,
    ) -> Fallible<()> {
        self.store(to, pool, |this, reg, pool| {
            let mut pool = pool.without(used(&[left, right]).as_slice());
            let left = this.in_reg(left, &mut pool, "an operand")?;
            let right = this.in_reg(right, &mut pool, "an operand")?;
            match op {
                BinaryOp::Add => this.emit(Op::Add, reg, left, right),
                BinaryOp::Mul => this.emit(Op::Mul, reg, left, right),
                BinaryOp::Div => this.emit(Op::Div, reg, left, right),
                BinaryOp::And => {
                    this.emit(Op::Nand, reg, left, right);
                    this.emit(Op::Nand, reg, reg, reg);
                }
                BinaryOp::Or => {
                    let temp = this.need(&mut pool, "`|`")?;
                    this.or(reg, left, right, temp);
                }
                BinaryOp::Sub => {
                    let temp = this.need(&mut pool, "`-`")?;
                    this.emit(Op::Nand, temp, right, right);
                    this.emit(Op::Add, reg, left, temp);
                    this.literal(temp, 1);
                    this.emit(Op::Add, reg, reg, temp);
                }
                // The other two never come here.
                BinaryOp::Nand | BinaryOp::Xor | BinaryOp::Mod => this.emit(Op::Nand, reg, left, right),
            }
            Ok(())
        })
    }

    fn or(&mut self, reg: Reg, left: Reg, right: Reg, temp: Reg) {
        self.emit(Op::Nand, temp, left, left);
        self.emit(Op::Nand, reg, right, right);
        self.emit(Op::Nand, reg, temp, reg);
    }

    pub(super) fn unary(&mut self, to: &Operand, op: UnaryOp, of: &Operand, pool: Regs) -> Fallible<()> {
        self.store(to, pool, |this, reg, pool| {
            let mut pool = pool.without(used(&[of]).as_slice());
            let of = this.in_reg(of, &mut pool, "the operand")?;
            match op {
                UnaryOp::Not => this.emit(Op::Nand, reg, of, of),
                UnaryOp::Negate => {
                    let temp = this.need(&mut pool, "`-`")?;
                    this.emit(Op::Nand, temp, of, of);
                    this.literal(reg, 1);
                    this.emit(Op::Add, reg, reg, temp);
                }
            }
            Ok(())
        })
    }

    /// Exclusive or takes its operands' temporaries before it knows where the result goes.
    pub(super) fn xor(&mut self, to: &Operand, left: &Operand, right: &Operand, mut pool: Regs) -> Fallible<()> {
        let left = self.in_reg(left, &mut pool, "an operand")?;
        let right = self.in_reg(right, &mut pool, "an operand")?;
        self.store(to, pool, |this, reg, _| match pool.as_slice() {
            [] => Err(this.out_of_temps("exclusive or")),
            [_] => {
                let (left_reg, right_reg) = (Operand::Reg(left), Operand::Reg(right));
                this.simple(&Operand::Reg(reg), BinaryOp::Or, &left_reg, &right_reg, pool)?;
                let temp = pool.as_slice()[0];
                this.emit(Op::Nand, temp, left, right);
                this.emit(Op::Nand, reg, temp, reg);
                this.emit(Op::Nand, reg, reg, reg);
                Ok(())
            }
            &[first, second, ..] => {
                this.emit(Op::Nand, first, left, right);
                this.emit(Op::Nand, second, left, first);
                this.emit(Op::Nand, reg, right, first);
                this.emit(Op::Nand, reg, second, reg);
                Ok(())
            }
        })
    }

    pub(super) fn map(&mut self, to: &Operand, length: &Operand, pool: Regs) -> Fallible<()> {
        self.store(to, pool, |this, reg, pool| {
            let mut pool = pool.without(used(&[length]).as_slice());
            let length = this.in_reg(length, &mut pool, "the length")?;
            this.emit(Op::Alloc, R0, reg, length);
            Ok(())
        })
    }

    /// A new segment with a string and the word -1 behind it.
    pub(super) fn map_string(&mut self, to: &Operand, bytes: &[u8], mut pool: Regs) -> Fallible<()> {
        let segment = match to {
            Operand::Reg(reg) => *reg,
            _ => self.need(&mut pool, "the string")?,
        };
        let number = |value: usize| Operand::Literal(Constant::new(value as i64));
        self.map(&Operand::Reg(segment), &number(bytes.len() + 1), pool)?;
        let element = |index: usize| Operand::Element(segment, Box::new(number(index)));
        for (index, &byte) in bytes.iter().enumerate() {
            self.mov(&element(index), &number(usize::from(byte)), pool)?;
        }
        self.mov(&element(bytes.len()), &Operand::Literal(Constant::new(-1)), pool)?;
        if to.reg().is_none() {
            self.mov(to, &Operand::Reg(segment), pool)?;
        }
        Ok(())
    }

    /// Brings the sign bit of `reg` down to bit 0.
    pub(super) fn shift_sign_down(&mut self, reg: Reg, pool: Regs) -> Fallible<()> {
        let operand = Operand::Reg(reg);
        for divisor in [1 << 15, 1 << 16] {
            self.simple(&operand, BinaryOp::Div, &operand, &Operand::Literal(Constant::new(divisor)), pool)?;
        }
        Ok(())
    }

    /// Leaves 1 in the temporary that it takes if `left < right`, else 0, for all operands.
    ///
    /// With d = left - right, the answer is the sign of `(left & ~right) | ((left | ~right) & d)` for signed numbers,
    /// and for unsigned ones the same with the first two operands exchanged: where the signs differ they decide, and
    /// where they agree d cannot overflow. A constant's sign is known, which leaves one term of the two.
    pub(super) fn less(&mut self, left: &Operand, right: &Operand, signed: bool, pool: &mut Regs) -> Fallible<Reg> {
        let mut scratch = pool.strictly_without(used(&[left, right]).as_slice());
        let result = self.need(&mut scratch, "the comparison")?;
        *pool = pool.strictly_without(&[result]);
        match (left, right) {
            (_, Operand::Literal(constant)) => {
                let value = constant.low_word();
                let reg = self.in_reg(left, &mut scratch, "an operand")?;
                self.constant(result, Constant::new(i64::from(value.wrapping_neg())), &scratch)?;
                self.emit(Op::Add, result, reg, result);
                // signed: d | left, d & left; unsigned: d & ~left, d | ~left
                let positive = (value as i32) >= 0;
                self.combine(result, reg, signed == positive, !signed, scratch)?;
            }
            (Operand::Literal(constant), _) => {
                let value = constant.low_word();
                let reg = self.in_reg(right, &mut scratch, "an operand")?;
                let temp = self.need(&mut { scratch }, "the comparison")?;
                // value - right = value + 1 + ~right
                self.constant(result, Constant::new(i64::from(value.wrapping_add(1))), &scratch)?;
                self.emit(Op::Nand, temp, reg, reg);
                self.emit(Op::Add, result, result, temp);
                // signed: d & ~right, d | ~right; unsigned: d | right, d & right
                let positive = (value as i32) >= 0;
                self.combine(result, reg, signed != positive, signed, scratch)?;
            }
            _ => {
                let left = self.in_reg(left, &mut scratch, "an operand")?;
                let right = self.in_reg(right, &mut scratch, "an operand")?;
                let second = self.need(&mut scratch, "the comparison")?;
                let third = self.need(&mut scratch, "the comparison")?;
                let (major, minor) = if signed { (left, right) } else { (right, left) };
                // d in third, then ~((major | ~minor) & d) in second
                self.emit(Op::Nand, result, right, right);
                self.literal(third, 1);
                self.emit(Op::Add, third, third, result);
                self.emit(Op::Add, third, third, left);
                self.emit(Op::Nand, second, major, major);
                self.emit(Op::Nand, second, second, minor);
                self.emit(Op::Nand, second, second, third);
                // ~(major & ~minor) in result
                self.emit(Op::Nand, result, minor, minor);
                self.emit(Op::Nand, result, major, result);
                self.emit(Op::Nand, result, result, second);
            }
        }
        self.shift_sign_down(result, *pool)?;
        Ok(result)
    }

    /// `into := into OP (reg or ~reg)` with OP `|` if `or`, else `&`.
    fn combine(&mut self, into: Reg, reg: Reg, or: bool, complement: bool, mut pool: Regs) -> Fallible<()> {
        if or && complement {
            // ~(~into & reg)
            self.emit(Op::Nand, into, into, into);
            self.emit(Op::Nand, into, into, reg);
            return Ok(());
        }
        let mut other = reg;
        if or || complement {
            other = self.need(&mut pool, "the comparison")?;
            self.emit(Op::Nand, other, reg, reg);
        }
        if or {
            // ~(~into & ~reg)
            self.emit(Op::Nand, into, into, into);
            self.emit(Op::Nand, into, into, other);
        } else {
            self.emit(Op::Nand, into, into, other);
            self.emit(Op::Nand, into, into, into);
        }
        Ok(())
    }
}
