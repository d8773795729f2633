//! Registers and arithmetic.
//!
//! Constants are folded and remembered as such; a register that holds a constant costs nothing until its value is needed.
//! The idioms of compilers for this machine, which has neither *and* nor subtraction, are seen through.

use super::translator::Translator;
use super::val::{Key, RegState, Val, remember};
use crate::emit::layout;
use crate::explain::Note;
use crate::guest::block::End;
use crate::guest::inst::Inst;
use crate::options::Optimisation;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::{self, InstBuilder, InstructionData, Opcode, condcodes::IntCC, types};
use rum_interp::isa::{Instruction, Reg};

impl Translator<'_> {
    pub(super) fn gain(&mut self, optimisation: Optimisation) {
        self.plan.gains[optimisation as usize] += 1;
        self.note(Note::Gained(optimisation));
    }

    /// Notes what is done about the instruction at hand, if that is to be told.
    pub(super) fn note(&mut self, note: Note) {
        let mut here = self.plan.notes.iter().rev().take_while(|(pc, _)| *pc == self.pc);
        if self.settings.listings && !here.any(|&(_, noted)| noted == note) {
            self.plan.notes.push((self.pc, note));
        }
    }

    pub(super) fn on(&self, optimisation: Optimisation) -> bool {
        self.settings.optimisations.has(optimisation)
    }

    pub(super) fn iconst(&mut self, value: u32) -> ir::Value {
        if let Some(&(_, found)) = self.env.constants.iter().rev().find(|&&(constant, _)| constant == value) {
            return found;
        }
        let made = self.e.b.ins().iconst(types::I32, i64::from(value));
        remember(&mut self.env.constants, (value, made));
        made
    }

    /// A register's value in SSA form.
    pub(super) fn get(&mut self, reg: Reg) -> ir::Value {
        match self.env.regs[reg.index()].val {
            Val::Home => {
                let base = self.base();
                let value = layout::load_register(&mut self.e.b, base, reg.index());
                self.env.regs[reg.index()].val = Val::Ssa(value);
                value
            }
            Val::Const(value) => self.iconst(value),
            Val::Ssa(value) => value,
            later @ (Val::Choice { .. } | Val::Quotient { .. }) => {
                let value = self.materialise(later);
                self.env.regs[reg.index()].val = Val::Ssa(value);
                value
            }
        }
    }

    /// The SSA form of a value that is not at home.
    pub(super) fn materialise(&mut self, val: Val) -> ir::Value {
        match val {
            Val::Home => unreachable!("a home belongs to a register"),
            Val::Const(value) => self.iconst(value),
            Val::Ssa(value) => value,
            Val::Choice { condition, if_nonzero, if_zero } => {
                let (x, y) = (self.iconst(if_nonzero), self.iconst(if_zero));
                self.e.b.ins().select(condition, x, y)
            }
            Val::Quotient { dividend, divisor } => self.numbered(Key::Div(dividend, divisor)),
        }
    }

    /// Something that is 0 if and only if a register is.
    fn truth(&mut self, reg: Reg) -> ir::Value {
        if let Val::Quotient { dividend, divisor } = self.val(reg) {
            self.gain(Optimisation::Idioms);
            return self.numbered(Key::NotLess(dividend, divisor));
        }
        self.get(reg)
    }

    /// `condition` is 0 here: so is every register whose value it tells.
    pub(super) fn learn_zero(&mut self, condition: ir::Value) {
        let quotient = match self.made_by(condition) {
            Some(Key::NotLess(dividend, divisor)) => Some(Val::Quotient { dividend, divisor }),
            _ => None,
        };
        for reg in &mut self.env.regs {
            if reg.val == Val::Ssa(condition) || Some(reg.val) == quotient {
                reg.val = Val::Const(0);
            }
        }
    }

    /// `value` is not 0 here.
    pub(super) fn learn_nonzero(&mut self, value: ir::Value) {
        if !self.is_nonzero(value) {
            remember(&mut self.env.nonzero, value);
        }
    }

    fn is_nonzero(&self, value: ir::Value) -> bool {
        self.env.nonzero.contains(&value)
    }

    /// A register's value, loaded if it is at home.
    pub(super) fn val(&mut self, reg: Reg) -> Val {
        if self.env.regs[reg.index()].val == Val::Home {
            self.get(reg);
        }
        self.env.regs[reg.index()].val
    }

    pub(super) fn set(&mut self, reg: Reg, val: Val) {
        let old = self.env.regs[reg.index()];
        let dirty = old.dirty || old.val != val || val == Val::Home;
        self.env.regs[reg.index()] = RegState { val, dirty };
    }

    pub(super) fn find(&mut self, key: Key) -> Option<ir::Value> {
        if !self.on(Optimisation::Numbering) {
            return None;
        }
        let found = self.env.done.iter().rev().find(|&&(done, _)| done == key)?.1;
        self.gain(Optimisation::Numbering);
        Some(found)
    }

    /// The result of an operation, done now or before.
    pub(super) fn numbered(&mut self, key: Key) -> ir::Value {
        if let Some(found) = self.find(key) {
            return found;
        }
        let value = match key {
            Key::Add(x, y) => self.e.b.ins().iadd(x, y),
            Key::Mul(x, y) => self.e.b.ins().imul(x, y),
            Key::And(x, y) => self.e.b.ins().band(x, y),
            Key::Not(x) => self.e.b.ins().bnot(x),
            Key::AddNot(x, y) => {
                // Not wanted for itself most of the time: then it is dropped as unused.
                let not = self.numbered(Key::Not(y));
                self.e.b.ins().iadd(x, not)
            }
            Key::Sub(x, y) => self.e.b.ins().isub(x, y),
            Key::Wide(x) => self.e.b.ins().uextend(types::I64, x),
            Key::Words(granule) => {
                let (base, granule) = (self.base(), self.wide(granule));
                layout::words(&mut self.e.b, base, granule)
            }
            Key::Div(x, y) => self.e.b.ins().udiv(x, y),
            Key::Shift(x, bits) => {
                let bits = self.iconst(bits);
                self.e.b.ins().ushr(x, bits)
            }
            Key::NotLess(x, y) => self.e.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, x, y),
        };
        remember(&mut self.env.done, (key, value));
        value
    }

    /// How a value was made, if that is remembered.
    pub(super) fn made_by(&self, value: ir::Value) -> Option<Key> {
        self.env.done.iter().rev().find(|&&(_, made)| made == value).map(|&(key, _)| key)
    }

    pub(super) fn cond_move(&mut self, a: Reg, b: Reg, c: Reg) {
        let (to, from) = (self.val(a), self.val(b));
        match (to, from, self.val(c)) {
            (_, _, Val::Const(0)) => {}
            (_, from, Val::Const(_)) => self.set(a, from),
            (to, from, _) if to == from => {}
            (_, from, Val::Ssa(condition)) if self.is_nonzero(condition) => self.set(a, from),
            (Val::Const(if_zero), Val::Const(if_nonzero), _) => {
                let condition = self.truth(c);
                self.set(a, Val::Choice { condition, if_nonzero, if_zero });
            }
            (to, from, _) => {
                let condition = self.truth(c);
                let (x, y) = (self.materialise(from), self.materialise(to));
                let value = self.e.b.ins().select(condition, x, y);
                self.set(a, Val::Ssa(value));
            }
        }
    }

    pub(super) fn add(&mut self, a: Reg, b: Reg, c: Reg) {
        let val = match (self.val(b), self.val(c)) {
            (Val::Const(x), Val::Const(y)) => Val::Const(x.wrapping_add(y)),
            (Val::Const(0), other) | (other, Val::Const(0)) => other,
            (Val::Const(n), other) | (other, Val::Const(n)) => {
                let x = self.materialise(other);
                Val::Ssa(self.add_constant(x, n))
            }
            (x, y) => {
                let (x, y) = (self.materialise(x), self.materialise(y));
                Val::Ssa(self.add_values(x, y))
            }
        };
        self.set(a, val);
    }

    fn add_constant(&mut self, x: ir::Value, n: u32) -> ir::Value {
        if self.on(Optimisation::Idioms)
            && n == 1
            && let Some(Key::AddNot(minuend, subtrahend)) = self.made_by(x)
        {
            self.gain(Optimisation::Idioms);
            return self.numbered(Key::Sub(minuend, subtrahend));
        }
        let n = self.iconst(n);
        self.numbered(Key::Add(x, n))
    }

    fn add_values(&mut self, x: ir::Value, y: ir::Value) -> ir::Value {
        if self.on(Optimisation::Idioms) {
            if let Some(Key::Not(y)) = self.made_by(y) {
                return self.numbered(Key::AddNot(x, y));
            }
            if let Some(Key::Not(x)) = self.made_by(x) {
                return self.numbered(Key::AddNot(y, x));
            }
        }
        self.numbered(Key::Add(x.min(y), x.max(y)))
    }

    pub(super) fn mul(&mut self, a: Reg, b: Reg, c: Reg) {
        let val = match (self.val(b), self.val(c)) {
            (Val::Const(x), Val::Const(y)) => Val::Const(x.wrapping_mul(y)),
            (Val::Const(1), other) | (other, Val::Const(1)) => other,
            (Val::Const(0), _) | (_, Val::Const(0)) => Val::Const(0),
            (x, y) => {
                let (x, y) = (self.materialise(x), self.materialise(y));
                Val::Ssa(self.numbered(Key::Mul(x.min(y), x.max(y))))
            }
        };
        self.set(a, val);
    }

    pub(super) fn nand(&mut self, a: Reg, b: Reg, c: Reg) {
        let val = match (self.val(b), self.val(c)) {
            (Val::Const(x), Val::Const(y)) => Val::Const(!(x & y)),
            (Val::Const(0), _) | (_, Val::Const(0)) => Val::Const(u32::MAX),
            (Val::Const(u32::MAX), other) | (other, Val::Const(u32::MAX)) => {
                let x = self.materialise(other);
                Val::Ssa(self.not(x))
            }
            (x, y) => {
                let (x, y) = (self.materialise(x), self.materialise(y));
                if x == y {
                    Val::Ssa(self.not(x))
                } else {
                    let and = self.numbered(Key::And(x.min(y), x.max(y)));
                    Val::Ssa(self.not(and))
                }
            }
        };
        self.set(a, val);
    }

    fn not(&mut self, x: ir::Value) -> ir::Value {
        if self.on(Optimisation::Idioms)
            && let Some(Key::Not(inner)) = self.made_by(x)
        {
            self.gain(Optimisation::Idioms);
            return inner;
        }
        self.numbered(Key::Not(x))
    }

    /// False if the division always leaves.
    pub(super) fn div(&mut self, a: Reg, b: Reg, c: Reg) -> bool {
        let val = match (self.val(b), self.val(c)) {
            (_, Val::Const(0)) => {
                self.always_leave();
                return false;
            }
            (Val::Const(x), Val::Const(y)) => Val::Const(x / y),
            (other, Val::Const(1)) => other,
            (x, y) => {
                let (x, divisor) = (self.materialise(x), self.materialise(y));
                if let Val::Const(n) = y {
                    if n.is_power_of_two() {
                        Val::Ssa(self.shift(x, n.trailing_zeros()))
                    } else {
                        self.quotient(x, divisor)
                    }
                } else {
                    if !self.is_nonzero(divisor) {
                        if self.only_decides(a) {
                            self.exit();
                            self.env.doubtful = Some(divisor);
                        } else {
                            self.check(divisor);
                        }
                        self.learn_nonzero(divisor);
                    }
                    self.quotient(x, divisor)
                }
            }
        };
        self.set(a, val);
        self.env.uncounted += 1;
        true
    }

    /// Whether the rest of the block only chooses where to go, by a quotient that the instruction at hand puts into `a`. Then
    /// whether the divisor is 0 need not be asked at once: where the quotient is 0, the divisor is larger than something.
    fn only_decides(&self, a: Reg) -> bool {
        let block = &self.region.blocks[&self.block];
        let is_branch = matches!(block.how, End::Jump { if_nonzero, if_zero } if if_nonzero != if_zero);
        let chooses = |inst: &Inst| match inst.fixed().filter(|_| inst.met().is_empty()) {
            Some(Instruction::Literal { a: to, .. }) => to != a,
            Some(Instruction::CondMove { a: to, b: from, c }) => to != a && from != a && c == a,
            _ => false,
        };
        let rest = (self.pc - block.start + 1) as usize..block.insts.len() - 1;
        self.on(Optimisation::Idioms) && !self.settings.count && is_branch && block.insts[rest].iter().all(chooses)
    }

    /// Divides by a power of two. Compilers divide twice for the topmost bits: no literal is large enough.
    fn shift(&mut self, x: ir::Value, bits: u32) -> ir::Value {
        match self.made_by(x) {
            Some(Key::Shift(whole, before)) if self.on(Optimisation::Idioms) && bits + before < 32 => {
                self.gain(Optimisation::Idioms);
                self.numbered(Key::Shift(whole, bits + before))
            }
            _ => self.numbered(Key::Shift(x, bits)),
        }
    }

    fn quotient(&mut self, dividend: ir::Value, divisor: ir::Value) -> Val {
        match self.on(Optimisation::Idioms) {
            true => Val::Quotient { dividend, divisor },
            false => Val::Ssa(self.numbered(Key::Div(dividend, divisor))),
        }
    }

    /// A 32-bit value as 64 bits. One that was loaded is loaded as 64 bits instead, which takes no instruction more.
    pub(super) fn wide(&mut self, x: ir::Value) -> ir::Value {
        if self.e.b.func.dfg.value_type(x) == types::I64 {
            return x;
        }
        if let Some(&wide) = self.wides.get(&x) {
            return wide;
        }
        let Some(load) = self.e.b.func.dfg.value_def(x).inst() else { return self.numbered(Key::Wide(x)) };
        let InstructionData::Load { opcode: Opcode::Load, arg, flags, offset } = self.e.b.func.dfg.insts[load] else {
            return self.numbered(Key::Wide(x));
        };
        let flags = self.e.b.func.dfg.mem_flags[flags];
        let place = self.e.b.func.srcloc(load);
        let cursor = FuncCursor::new(self.e.b.func).at_inst(load);
        let wide = cursor.with_srcloc(place).ins().uload32(flags, arg, offset);
        self.e.b.func.dfg.insts[load] = InstructionData::Unary { opcode: Opcode::Ireduce, arg: wide };
        self.wides.insert(x, wide);
        wide
    }
}
