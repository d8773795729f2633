//! Executes a stretch of a unit's function: from a head, with every way at once, to where it is left.
//!
//! Where ways come together the states do, too; the ends of the function, which many ways share, are executed for each way of its own.
//! Which block is which is told by the words that instructions come from: the ends come from none.

use crate::address::{BASE, POINTERS};
use crate::events::Events;
use crate::layout::Layout;
use crate::machine::Machine;
use crate::term::{Pool, Term, Width};
use anyhow::{Context, bail, ensure};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, BlockCall, Inst, InstructionData, Opcode, types};
use rum_jit::contract::{Code, word_at};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Where and how code is at a moment.
#[derive(Clone, Debug)]
pub struct State {
    /// Registers stand for their homes.
    pub machine: Machine,
    /// What holds, in the order in which it came to hold.
    pub path: Vec<Term>,
    /// The word that code was last made for.
    pub word: Option<u32>,
    /// Slots that code has stored to, or the host.
    pub(crate) slots: BTreeMap<i32, Term>,
}

/// How a stretch ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// At a head, with values for its parameters.
    Head(ir::Block, Vec<Term>),
    /// By a return of a number.
    Return(u64),
    /// By a jump to other code: its address and the arguments.
    Jump { code: Term, selector: Term, from: Term },
}

/// Something that must hold where code is.
#[derive(Clone, Debug)]
pub struct Demand {
    pub word: Option<u32>,
    pub path: Vec<Term>,
    pub goal: Term,
    pub what: &'static str,
}

/// An access to a word of a segment.
#[derive(Clone, Debug)]
pub struct Access {
    pub word: Option<u32>,
    pub path: Vec<Term>,
    pub at: [Term; 2],
    /// What the instruction at hand accesses: both are the same, and this is gone on with.
    pub expected: Option<[Term; 2]>,
}

/// What a stretch does.
#[derive(Default)]
pub struct Trace {
    pub ends: Vec<(End, State)>,
    pub demands: Vec<Demand>,
    pub accesses: Vec<Access>,
    pub events: Events,
}

/// A stretch under execution.
pub struct Run<'a, 'b> {
    pub pool: &'a mut Pool,
    pub layout: &'a Layout<'b>,
    function: &'a ir::Function,
    heads: &'a HashSet<ir::Block>,
    pub(crate) codes: &'a HashMap<u32, Code>,
    values: HashMap<ir::Value, Term>,
    waiting: HashMap<ir::Block, Vec<(State, Vec<Term>)>>,
    /// The words that instructions access, if that is known already.
    pub expected: HashMap<u32, [Term; 2]>,
    /// The moments of calls.
    pub(crate) moments: HashMap<u32, u32>,
    pub trace: Trace,
    steps: usize,
}

/// Instructions after which an execution is given up: the ends of a function, which are executed for each way, must not be long.
const STEPS_MAX: usize = 2_000_000;

impl<'a, 'b> Run<'a, 'b> {
    /// A stretch of a function that is about to be executed.
    pub fn new(
        pool: &'a mut Pool,
        layout: &'a Layout<'b>,
        function: &'a ir::Function,
        heads: &'a HashSet<ir::Block>,
        codes: &'a HashMap<u32, Code>,
    ) -> Run<'a, 'b> {
        let (values, waiting, expected, moments, trace) = Default::default();
        Run { pool, layout, function, heads, codes, values, waiting, expected, moments, trace, steps: 0 }
    }

    /// Executes from a head on; the values of its parameters are what they are taken for.
    ///
    /// # Errors
    /// The function does something that this knows nothing about.
    pub fn execute(&mut self, head: ir::Block, machine: Machine, path: Vec<Term>) -> anyhow::Result<()> {
        let state = State { machine, path, word: None, slots: BTreeMap::new() };
        for &param in self.function.dfg.block_params(head) {
            self.value(param)?;
        }
        self.block(head, state)?;
        for block in self.order(head) {
            if let Some(states) = self.waiting.remove(&block) {
                let (state, arguments) = self.come_together(states);
                self.bind(block, &arguments);
                self.block(block, state)?;
            }
        }
        ensure!(self.waiting.is_empty(), "a way was not followed");
        Ok(())
    }

    /// Blocks behind a head, each behind those that lead to it.
    fn order(&self, head: ir::Block) -> Vec<ir::Block> {
        let mut seen = HashSet::from([head]);
        let mut order = Vec::new();
        let mut stack = vec![(head, self.successors(head))];
        while let Some((block, rest)) = stack.last_mut() {
            match rest.pop() {
                Some(next) if self.heads.contains(&next) || !seen.insert(next) => {}
                Some(next) => {
                    let after = self.successors(next);
                    stack.push((next, after));
                }
                None => {
                    order.push(*block);
                    stack.pop();
                }
            }
        }
        order.reverse();
        order
    }

    fn successors(&self, block: ir::Block) -> Vec<ir::Block> {
        let last = self.function.layout.last_inst(block).expect("a block has an end");
        let mut found: Vec<ir::Block> = self.function.dfg.insts[last]
            .branch_destination(&self.function.dfg.jump_tables, &self.function.dfg.exception_tables)
            .iter()
            .map(|call| call.block(&self.function.dfg.value_lists))
            .collect();
        found.dedup();
        found
    }

    /// Whether a block belongs to no word.
    fn is_end(&self, block: ir::Block) -> bool {
        self.function.layout.block_insts(block).all(|inst| self.function.srcloc(inst).is_default())
    }

    fn bind(&mut self, block: ir::Block, arguments: &[Term]) {
        for (&param, &argument) in self.function.dfg.block_params(block).iter().zip(arguments) {
            self.values.insert(param, argument);
        }
    }

    fn come_together(&mut self, mut states: Vec<(State, Vec<Term>)>) -> (State, Vec<Term>) {
        let (mut state, mut arguments) = states.remove(0);
        for (other, others) in states {
            let common = state.path.iter().zip(&other.path).take_while(|(x, y)| x == y).count();
            let [this, that] = [&state.path, &other.path].map(|path| self.pool.all(path[common..].iter().copied()));
            let machine = state.machine.merge(self.pool, this, &other.machine);
            let mut path = state.path[..common].to_vec();
            path.push(self.pool.any([this, that]));
            arguments = arguments.iter().zip(&others).map(|(&x, &y)| self.pool.ite(this, x, y)).collect();
            let mut slots = state.slots;
            for (&at, &value) in &other.slots {
                if slots.get(&at) != Some(&value) {
                    slots.insert(at, self.pool.fresh("slot", 64));
                }
            }
            let only: Vec<i32> = slots.keys().copied().filter(|at| !other.slots.contains_key(at)).collect();
            for at in only {
                slots.insert(at, self.pool.fresh("slot", 64));
            }
            state = State { machine, path, word: other.word, slots };
        }
        (state, arguments)
    }

    /// Executes a block, and the ends that it leads to.
    fn block(&mut self, block: ir::Block, mut state: State) -> anyhow::Result<()> {
        for inst in self.function.layout.block_insts(block) {
            self.steps += 1;
            ensure!(self.steps < STEPS_MAX, "too much to execute");
            let place = self.function.srcloc(inst);
            if !place.is_default() {
                state.word = Some(word_at(place.bits()));
            }
            if self.function.dfg.insts[inst].opcode().is_terminator() {
                return self.terminator(inst, state);
            }
            self.inst(inst, &mut state).with_context(|| self.function.dfg.display_inst(inst).to_string())?;
        }
        bail!("a block without an end")
    }

    /// Goes on to a block.
    fn go(&mut self, call: BlockCall, mut state: State, condition: Term) -> anyhow::Result<()> {
        let pool = &mut *self.pool;
        if condition == pool.truth(false) {
            return Ok(());
        }
        if condition != pool.truth(true) {
            state.path.push(condition);
        }
        let lists = &self.function.dfg.value_lists;
        let block = call.block(lists);
        let values: Vec<ir::Value> = call.args(lists).filter_map(|argument| argument.as_value()).collect();
        let arguments = values.into_iter().map(|value| self.value(value)).collect::<anyhow::Result<Vec<Term>>>()?;
        if self.heads.contains(&block) {
            self.trace.ends.push((End::Head(block, arguments), state));
        } else if self.is_end(block) {
            self.bind(block, &arguments);
            self.block(block, state)?;
        } else {
            self.waiting.entry(block).or_default().push((state, arguments));
        }
        Ok(())
    }

    fn terminator(&mut self, inst: Inst, state: State) -> anyhow::Result<()> {
        let dfg = &self.function.dfg;
        match dfg.insts[inst] {
            InstructionData::Jump { destination, .. } => {
                let always = self.pool.truth(true);
                self.go(destination, state, always)
            }
            InstructionData::Brif { arg, blocks: [then, otherwise], .. } => {
                let value = self.value(arg)?;
                let taken = self.pool.nonzero(value);
                let not_taken = self.pool.not(taken);
                self.go(then, state.clone(), taken)?;
                self.go(otherwise, state, not_taken)
            }
            InstructionData::BranchTable { arg, table, .. } => {
                let index = self.value(arg)?;
                let table = &dfg.jump_tables[table];
                let mut sides: Vec<(BlockCall, Vec<Term>)> = Vec::new();
                for (number, &call) in (0..).zip(table.as_slice()) {
                    let number = self.pool.word(number);
                    let here = self.pool.eq(index, number);
                    match sides.iter_mut().find(|(side, _)| *side == call) {
                        Some((_, conditions)) => conditions.push(here),
                        None => sides.push((call, vec![here])),
                    }
                }
                let entries = self.pool.word(table.as_slice().len() as u32);
                let beyond = self.pool.at_most(entries, index);
                match sides.iter_mut().find(|(side, _)| *side == table.default_block()) {
                    Some((_, conditions)) => conditions.push(beyond),
                    None => sides.push((table.default_block(), vec![beyond])),
                }
                for (call, conditions) in sides {
                    let condition = self.pool.any(conditions);
                    self.go(call, state.clone(), condition)?;
                }
                Ok(())
            }
            InstructionData::MultiAry { opcode: Opcode::Return, .. } => {
                let number = self.value(dfg.inst_args(inst)[0])?;
                let number = self.pool.value(number).context("a return of a variable number")?;
                self.trace.ends.push((End::Return(number), state));
                Ok(())
            }
            InstructionData::CallIndirect { opcode: Opcode::ReturnCallIndirect, .. } => {
                let arguments = dfg.inst_args(inst).to_vec();
                let values = arguments.iter().map(|&value| self.value(value)).collect::<anyhow::Result<Vec<Term>>>()?;
                let [code, selector, from] = values[..] else { bail!("a jump with other arguments") };
                self.trace.ends.push((End::Jump { code, selector, from }, state));
                Ok(())
            }
            _ => bail!("unknown: {}", dfg.display_inst(inst)),
        }
    }

    pub(crate) fn demand(&mut self, state: &State, what: &'static str, goal: Term) {
        self.trace.demands.push(Demand { word: state.word, path: state.path.clone(), goal, what });
    }

    /// The term of a value.
    ///
    /// A value that was made outside of the stretch, and that dominates it, is what it was then: a number of its own, unless what it
    /// was made from says more.
    ///
    /// # Errors
    /// It has a type that is not used.
    pub fn value(&mut self, value: ir::Value) -> anyhow::Result<Term> {
        let value = self.function.dfg.resolve_aliases(value);
        if let Some(&term) = self.values.get(&value) {
            return Ok(term);
        }
        let term = match self.function.dfg.value_def(value).inst() {
            Some(inst) => match self.pure(inst)? {
                Some(term) => term,
                None => self.unknown(value, Some(inst))?,
            },
            None => self.unknown(value, None)?,
        };
        self.values.insert(value, term);
        Ok(term)
    }

    /// The parameters of a block.
    pub fn params(&self, block: ir::Block) -> Vec<ir::Value> {
        self.function.dfg.block_params(block).to_vec()
    }

    /// The value with a number.
    ///
    /// # Errors
    /// There is none.
    pub fn known(&self, number: u32) -> anyhow::Result<ir::Value> {
        let value = ir::Value::from_u32(number);
        ensure!(self.function.dfg.value_is_valid(value), "there is no v{number}");
        Ok(self.function.dfg.resolve_aliases(value))
    }

    /// A value of 64 bits that was made outside of the stretch has zeros on top: that is shown wherever it is made.
    ///
    /// # Errors
    /// There is no such value.
    pub fn narrow(&mut self, number: u32) -> anyhow::Result<()> {
        let value = self.known(number)?;
        if !self.values.contains_key(&value) && self.function.dfg.value_def(value).inst().is_none() {
            let var = self.pool.var(format!("{value}"), 32);
            let wide = self.pool.wide(64, var);
            self.values.insert(value, wide);
        }
        Ok(())
    }

    fn unknown(&mut self, value: ir::Value, inst: Option<Inst>) -> anyhow::Result<Term> {
        let width = width(self.function.dfg.value_type(value))?;
        let loaded = match inst.map(|inst| self.function.dfg.insts[inst]) {
            Some(InstructionData::Load { opcode: Opcode::Uload32, .. }) => 32,
            Some(InstructionData::Load { opcode: Opcode::Uload8, .. }) => 8,
            _ => width,
        };
        let var = self.pool.var(format!("{value}"), loaded);
        Ok(self.pool.wide(width, var))
    }

    fn inst(&mut self, inst: Inst, state: &mut State) -> anyhow::Result<()> {
        let dfg = &self.function.dfg;
        match dfg.insts[inst] {
            InstructionData::Load { opcode, arg, offset, .. } => {
                let result = dfg.first_result(inst);
                let address = self.address(arg, offset.into())?;
                let kind = dfg.value_type(result);
                let loaded = match opcode {
                    Opcode::Load => width(kind)?,
                    Opcode::Uload32 => 32,
                    Opcode::Uload8 => 8,
                    _ => bail!("unknown load"),
                };
                let value = self.load(address, loaded, state)?;
                let value = self.pool.wide(width(kind)?, value);
                self.values.insert(result, value);
            }
            InstructionData::Store { opcode, args: [value, arg], offset, .. } => {
                let address = self.address(arg, offset.into())?;
                let mut value = self.value(value)?;
                if opcode == Opcode::Istore32 {
                    value = self.pool.low(32, value);
                }
                self.store(address, value, state)?;
            }
            InstructionData::CallIndirect { opcode: Opcode::CallIndirect, .. } => {
                let arguments = dfg.inst_args(inst).to_vec();
                let values = arguments.iter().map(|&value| self.value(value)).collect::<anyhow::Result<Vec<Term>>>()?;
                self.call(values[0], values.get(1).copied(), state)?;
            }
            InstructionData::Binary { opcode: Opcode::Udiv, args: [_, divisor] } => {
                let divisor = self.value(divisor)?;
                let goal = self.pool.nonzero(divisor);
                self.demand(state, "a divisor is not 0", goal);
                let result = dfg.first_result(inst);
                self.values.remove(&result);
                self.value(result)?;
            }
            _ => {
                let result = dfg.first_result(inst);
                self.values.remove(&result);
                let term = self.pure(inst)?.context("unknown instruction")?;
                self.values.insert(result, term);
            }
        }
        Ok(())
    }

    fn address(&mut self, base: ir::Value, offset: i64) -> anyhow::Result<Term> {
        let base = self.value(base)?;
        Ok(self.pool.plus(base, offset as u64))
    }

    /// What an instruction makes that depends on its operands alone; none if it does not.
    fn pure(&mut self, inst: Inst) -> anyhow::Result<Option<Term>> {
        let dfg = &self.function.dfg;
        let result = dfg.first_result(inst);
        let bits = width(dfg.value_type(result))?;
        Ok(Some(match dfg.insts[inst] {
            InstructionData::NullAry { opcode: Opcode::GetPinnedReg } => self.pool.var(BASE, 64),
            InstructionData::Load { opcode: Opcode::Load, arg, offset, .. } => {
                let address = self.address(arg, offset.into())?;
                let base = self.pool.var(BASE, 64);
                let field = POINTERS.iter().find(|&&(at, _)| self.pool.plus(base, i64::from(at) as u64) == address);
                match field {
                    Some(&(_, name)) => self.pool.var(name, 64),
                    None => return Ok(None),
                }
            }
            InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => self.pool.constant(bits, imm.bits() as u64),
            InstructionData::Unary { opcode, arg } => {
                let x = self.value(arg)?;
                match opcode {
                    Opcode::Uextend => self.pool.wide(bits, x),
                    Opcode::Ireduce => self.pool.low(bits, x),
                    Opcode::Bnot => self.pool.complement(x),
                    _ => return Ok(None),
                }
            }
            InstructionData::IntCompare { cond, args: [x, y], .. } => {
                let (x, y) = (self.value(x)?, self.value(y)?);
                let pool = &mut *self.pool;
                let holds = match cond {
                    IntCC::Equal => pool.eq(x, y),
                    IntCC::NotEqual => {
                        let same = pool.eq(x, y);
                        pool.not(same)
                    }
                    IntCC::UnsignedLessThan => pool.less(x, y),
                    IntCC::UnsignedGreaterThan => pool.less(y, x),
                    IntCC::UnsignedLessThanOrEqual => pool.at_most(x, y),
                    IntCC::UnsignedGreaterThanOrEqual => pool.at_most(y, x),
                    _ => bail!("unknown comparison"),
                };
                pool.flag(bits, holds)
            }
            InstructionData::Binary { opcode, args: [x, y] } => {
                let (x, y) = (self.value(x)?, self.value(y)?);
                let pool = &mut *self.pool;
                match opcode {
                    Opcode::Iadd => pool.add(x, y),
                    Opcode::Isub => pool.sub(x, y),
                    Opcode::Imul => pool.mul(x, y),
                    Opcode::Udiv => pool.div(x, y),
                    Opcode::Band => pool.and(x, y),
                    Opcode::Bor => pool.or(x, y),
                    Opcode::Ishl => pool.shift_left(x, y),
                    Opcode::Ushr => pool.shift_right(x, y),
                    Opcode::Umax => {
                        let smaller = pool.less(x, y);
                        pool.ite(smaller, y, x)
                    }
                    _ => return Ok(None),
                }
            }
            InstructionData::Ternary { opcode: Opcode::Select, args: [c, x, y] } => {
                let (c, x, y) = (self.value(c)?, self.value(x)?, self.value(y)?);
                let c = self.pool.nonzero(c);
                self.pool.ite(c, x, y)
            }
            _ => return Ok(None),
        }))
    }
}

fn width(kind: ir::Type) -> anyhow::Result<Width> {
    match kind {
        types::I8 => Ok(8),
        types::I32 => Ok(32),
        types::I64 => Ok(64),
        other => bail!("a value of type {other}"),
    }
}
