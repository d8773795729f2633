//! Jumps and conditions.

use rum_interp::isa::{Op, Reg};

use crate::ast::{BinaryOp, Condition, Constant, Label, Operand, Relation};
use crate::codegen::generator::Generator;
use crate::diagnostic::Fallible;
use crate::pool::Regs;

/// The difference of the two operands that has the relation's sign, and whether the relation holds where it is
/// negative.
fn by_difference(condition: &Condition) -> (&Operand, &Operand, bool) {
    let Condition { left, relation, right } = condition;
    match relation {
        Relation::GreaterByDifference => (right, left, true),
        Relation::LessEqualByDifference => (right, left, false),
        Relation::GreaterEqualByDifference => (left, right, false),
        _ => (left, right, true),
    }
}

impl Generator {
    pub(super) fn goto(&mut self, target: &Operand, pool: &Regs) -> Fallible<()> {
        let mut pool = *pool;
        let segment = self.zero_reg(&mut pool)?;
        let target = self.in_reg(target, &mut pool, "the target")?;
        self.emit(Op::LoadProgram, Reg::ALL[0], segment, target);
        Ok(())
    }

    /// The register that is always 0, or a temporary made so.
    pub(super) fn zero_reg(&mut self, pool: &mut Regs) -> Fallible<Reg> {
        if let Some(zero) = self.zero {
            return Ok(zero);
        }
        let temp = pool.take().ok_or_else(|| {
            self.out_of_temps("a register that is 0").hint("or name a register that is always 0 with `.zero r0`")
        })?;
        self.literal(temp, 0);
        Ok(temp)
    }

    /// `if (condition reg is not 0) to := from`
    fn cond_move(&mut self, condition: Reg, to: &Operand, from: &Operand, mut pool: Regs) -> Fallible<()> {
        let element;
        let to = match to {
            Operand::Local(slot) => {
                element = self.slot(*slot)?;
                &element
            }
            _ => to,
        };
        if let Operand::Reg(reg) = to {
            let mut pool = pool.without(&[condition, *reg]);
            let from = self.in_reg(from, &mut pool, "the value")?;
            self.emit(Op::CondMove, *reg, from, condition);
            return Ok(());
        }
        let temp = self.need(&mut pool, "the value")?;
        self.load(temp, to, &pool)?;
        let from = self.in_reg(from, &mut { pool }, "the value")?;
        self.emit(Op::CondMove, temp, from, condition);
        self.mov(to, &Operand::Reg(temp), pool)
    }

    /// Goes to `if_zero` or `if_not`, by a condition that is in a temporary or is an operand.
    fn choose(
        &mut self,
        condition: &Operand,
        if_zero: &Operand,
        if_not: &Operand,
        pool: &mut Regs,
        reuse_condition: bool,
    ) -> Fallible<()> {
        let temp = self.need(pool, "the target")?;
        self.load(temp, if_zero, pool)?;
        let mut rest = *pool;
        let condition = self.in_reg(condition, &mut rest, "the condition")?;
        self.cond_move(condition, &Operand::Reg(temp), if_not, rest)?;
        if reuse_condition {
            pool.give(condition);
        }
        self.goto(&Operand::Reg(temp), pool)
    }

    /// Jumps to `target` if the condition holds, else to the label `next`, which is defined right behind.
    pub(super) fn if_goto(
        &mut self,
        condition: &Condition,
        target: &Operand,
        next: Label,
        mut pool: Regs,
    ) -> Fallible<()> {
        let next = Operand::Label(next, Constant::ZERO);
        let Condition { left, relation, right } = condition;
        match relation {
            Relation::Equal | Relation::NotEqual => {
                let (if_zero, if_not) = if *relation == Relation::Equal { (target, &next) } else { (&next, target) };
                if right.is_zero() || left.is_zero() {
                    let operand = if right.is_zero() { left } else { right };
                    return self.choose(operand, if_zero, if_not, &mut pool, false);
                }
                let temp = self.need(&mut pool, "the comparison")?;
                self.xor(&Operand::Reg(temp), left, right, pool)?;
                self.choose(&Operand::Reg(temp), if_zero, if_not, &mut pool, true)
            }
            Relation::Ordered { signed, swapped, negated } => {
                let (less, than) = if *swapped { (right, left) } else { (left, right) };
                let temp = self.less(less, than, *signed, &mut pool)?;
                let (if_zero, if_not) = if *negated { (target, &next) } else { (&next, target) };
                self.choose(&Operand::Reg(temp), if_zero, if_not, &mut pool, true)
            }
            _ => {
                let (left, right, if_negative) = by_difference(condition);
                let temp = self.sign_of_difference(left, right, &mut pool)?;
                let (if_zero, if_not) = if if_negative { (&next, target) } else { (target, &next) };
                self.choose(&Operand::Reg(temp), if_zero, if_not, &mut pool, true)
            }
        }
    }

    fn sign_of_difference(&mut self, left: &Operand, right: &Operand, pool: &mut Regs) -> Fallible<Reg> {
        let temp = self.need(pool, "the difference")?;
        self.simple(&Operand::Reg(temp), BinaryOp::Sub, left, right, *pool)?;
        self.shift_sign_down(temp, *pool)?;
        Ok(temp)
    }

    /// `to := from` if the condition holds.
    pub(super) fn if_move(
        &mut self,
        condition: &Condition,
        to: &Operand,
        from: &Operand,
        mut pool: Regs,
    ) -> Fallible<()> {
        let Condition { left, relation, right } = condition;
        match relation {
            Relation::Equal | Relation::NotEqual => {
                let reg = if right.is_zero() || left.is_zero() {
                    let operand = if right.is_zero() { left } else { right };
                    self.in_reg(operand, &mut pool, "the condition")?
                } else {
                    let temp = self.need(&mut pool, "the comparison")?;
                    self.xor(&Operand::Reg(temp), left, right, pool)?;
                    temp
                };
                self.move_by(reg, *relation == Relation::NotEqual, to, from, pool)
            }
            Relation::Ordered { signed, swapped, negated } => {
                let (less, than) = if *swapped { (right, left) } else { (left, right) };
                let reg = self.less(less, than, *signed, &mut pool)?;
                self.move_by(reg, !negated, to, from, pool)
            }
            _ => {
                let (left, right, if_negative) = by_difference(condition);
                let reg = self.sign_of_difference(left, right, &mut pool)?;
                self.move_by(reg, if_negative, to, from, pool)
            }
        }
    }

    /// Moves if `condition` is not 0, or if it is 0: then by a temporary that is 1 unless it is not.
    fn move_by(
        &mut self,
        condition: Reg,
        if_not_zero: bool,
        to: &Operand,
        from: &Operand,
        mut pool: Regs,
    ) -> Fallible<()> {
        if if_not_zero {
            return self.cond_move(condition, to, from, pool);
        }
        let temp = self.need(&mut pool, "the condition")?;
        self.literal(temp, 1);
        let zero = self.zero.map_or(Operand::Literal(Constant::ZERO), Operand::Reg);
        self.cond_move(condition, &Operand::Reg(temp), &zero, pool)?;
        self.cond_move(temp, to, from, pool)
    }
}
