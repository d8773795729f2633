//! What is to be proved of a stretch: that wherever it is left, the state is what the operators make of the guest's words.

use crate::guest::{Boundary, Guest, Tree};
use crate::heads::{At, Relation};
use crate::layout::{Layout, TABLE};
use crate::machine::Machine;
use crate::machine::Number;
use crate::run::{End, Run, State, Trace};
use crate::solver::Goal;
use crate::term::{Pool, Term};
use rum_jit::contract::returns;
use std::collections::BTreeMap;

/// Something to be proved: one of several goals from some facts.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The word that it is about.
    pub word: u32,
    pub what: String,
    pub facts: Vec<Term>,
    /// One is enough.
    pub goals: Vec<Goal>,
    /// It only makes what follows easier.
    pub is_help: bool,
}

fn part(name: &str, term: Term) -> (String, Term) {
    (name.to_owned(), term)
}

/// Collects what is to be proved of a stretch.
pub struct Claims<'a, 'b> {
    pub layout: &'a Layout<'b>,
    pub guest: &'a Guest<'a, 'b>,
    pub root: u32,
    pub tree: &'a Tree,
    /// The state at the head, for what leaves before anything is executed.
    pub start: &'a Boundary,
    pub found: Vec<Claim>,
}

impl Claims<'_, '_> {
    fn add(&mut self, word: Option<u32>, what: String, facts: &[Term], goals: Vec<Goal>) {
        self.found.push(Claim { word: word.unwrap_or(self.root), what, facts: facts.to_vec(), goals, is_help: false });
    }

    /// All that is to be proved.
    pub fn collect(&mut self, run: &mut Run, heads: &At) -> anyhow::Result<()> {
        let trace = std::mem::take(&mut run.trace);
        for demand in &trace.demands {
            self.add(demand.word, demand.what.to_owned(), &demand.path, vec![vec![part(demand.what, demand.goal)]]);
        }
        self.accesses(run.pool, &trace);
        self.calls(run.pool, &trace);
        self.shared(run.pool, &trace);
        for (end, state) in &trace.ends {
            match end {
                End::Head(block, arguments) => {
                    let relation = heads.relation(run, *block, arguments, &state.machine)?;
                    self.arrival(run.pool, &relation, state);
                }
                End::Return(number) => self.exit(run.pool, &trace, *number, state),
                &End::Jump { code, selector, from } => self.transfer(run.pool, [code, selector, from], state),
            }
        }
        Ok(())
    }

    /// Where a word leads to several ends, what they have in common is proved once.
    fn shared(&mut self, pool: &mut Pool, trace: &Trace) {
        let mut groups: BTreeMap<u32, Vec<&State>> = BTreeMap::new();
        for (_, state) in &trace.ends {
            if let Some(word) = state.word.filter(|word| self.tree.behind.contains_key(word)) {
                groups.entry(word).or_default().push(state);
            }
        }
        for (word, states) in groups.into_iter().filter(|(_, states)| states.len() > 2) {
            let first = &states[0].path;
            let agree = |other: &&State| first.iter().zip(&other.path).take_while(|(x, y)| x == y).count();
            let common = states.iter().map(agree).min().unwrap_or(0);
            let behind = &self.tree.behind[&word];
            let mut goal = reached(behind);
            goal.extend(states[0].machine.memory.same(pool, &behind.machine.memory, self.layout.contract.counts));
            let (facts, goals) = (first[..common].to_vec(), vec![goal]);
            self.found.push(Claim { word, what: "what ends have in common".to_owned(), facts, goals, is_help: true });
        }
    }

    /// Every word that code accesses is one of the program, or the one that the instruction at hand accesses.
    fn accesses(&mut self, pool: &mut Pool, trace: &Trace) {
        for access in &trace.accesses {
            let [granule, offset] = access.at;
            let goal = match access.expected {
                Some([place, at]) => {
                    let quiet = self.quiet(access.word.unwrap_or(self.root));
                    let exists = quiet.unwrap_or_else(|| pool.truth(false));
                    let same = [part("granule", pool.eq(granule, place)), part("offset", pool.eq(offset, at))];
                    same.into_iter().chain([part("it exists", exists)]).collect()
                }
                None => {
                    let (zero, length) = (pool.word(0), pool.word(self.layout.contract.program_len));
                    vec![part("segment 0", pool.eq(granule, zero)), part("it exists", pool.less(offset, length))]
                }
            };
            self.add(access.word, "a word is accessed".to_owned(), &access.path, vec![goal]);
        }
    }

    /// What has to hold for the word to be executed by compiled code.
    fn quiet(&self, word: u32) -> Option<Term> {
        let find = |boundary: &Boundary| boundary.executed.iter().find(|&&(pc, _)| pc == word).map(|&(_, quiet)| quiet);
        self.tree.behind.range(word..).next().and_then(|(_, boundary)| find(boundary))
    }

    /// Calls to the host are made at the right moment, with the right state.
    fn calls(&mut self, pool: &mut Pool, trace: &Trace) {
        let events = &trace.events;
        let all = events.allocs.iter().chain(&events.abandons).map(|call| (call, false));
        for ((&word, call), whole) in all.chain(events.steps.iter().map(|call| (call, true))) {
            let Some(before) = self.tree.before.get(&word) else {
                let never = pool.truth(false);
                self.add(
                    Some(word),
                    "a call for a word elsewhere".to_owned(),
                    &call.path,
                    vec![vec![part("never", never)]],
                );
                continue;
            };
            let mut goals = reached(before);
            goals.extend(call.machine.memory.same(pool, &before.machine.memory, whole && self.layout.contract.counts));
            if whole {
                let pc = pool.word(word);
                goals.extend(call.machine.same_registers(pool, &before.machine));
                goals.push(part("pc", pool.eq(call.machine.pc, pc)));
            }
            if let Some(argument) = call.argument {
                let code = self.guest.code(word);
                let register = code.map(|code| before.machine.registers[(code & 7) as usize]);
                let never = pool.truth(false);
                goals.push(part("argument", register.map_or(never, |register| pool.eq(argument, register))));
            }
            self.add(Some(word), "a call to the host".to_owned(), &call.path, vec![goals]);
        }
    }

    /// The boundaries at which code that was last made for a word may be.
    fn boundaries(&self, word: Option<u32>) -> Vec<&Boundary> {
        let Some(word) = word else { return vec![self.start] };
        let behind = self.tree.behind.get(&word);
        let next = self.tree.before.get(&(word + 1));
        let start = (word == self.root).then_some(self.start);
        behind.into_iter().chain(next).chain(start).collect()
    }

    /// At another head: registers are where that head has them, and memory is what it should be.
    fn arrival(&mut self, pool: &mut Pool, relation: &Relation, state: &State) {
        let pc = pool.word(relation.pc);
        let mut goals = Vec::new();
        for boundary in self.boundaries(state.word) {
            let mut all = reached(boundary);
            all.push(part("pc", pool.eq(boundary.machine.pc, pc)));
            for reg in 0..8 {
                let holds = relation.holds(pool, reg, boundary.machine.registers[reg], state.machine.registers[reg]);
                all.extend(holds.into_iter().map(|term| (format!("r{reg}"), term)));
            }
            all.extend(relation.facts.iter().map(|&fact| part("what is known", fact)));
            all.extend(state.machine.memory.same(pool, &boundary.machine.memory, self.layout.contract.counts));
            goals.push(all);
        }
        self.add(state.word, format!("the way to {}", relation.pc), &state.path, goals);
    }

    fn exit(&mut self, pool: &mut Pool, trace: &Trace, number: u64, state: &State) {
        let contract = self.layout.contract;
        let site =
            number.checked_sub(u64::from(contract.unit) << 16).and_then(|site| contract.exits.get(site as usize));
        if let Some(site) = site {
            let mut machine = state.machine.clone();
            for &(reg, value) in &site.constants {
                machine.registers[usize::from(reg)] = pool.word(value);
            }
            machine.pc = pool.word(site.pc);
            let executed = machine.memory.number(Number::Executed);
            *machine.memory.number_mut(Number::Executed) = pool.plus(executed, u64::from(site.uncounted));
            let mut goals = self.earlier(pool, trace, state.word, site.pc, &machine);
            goals.extend(self.complete(pool, state.word, &machine));
            return self.add(state.word, format!("exit {} to {}", number & 0xffff, site.pc), &state.path, goals);
        }
        let goals = match number {
            returns::HOST if state.word.is_some_and(|word| trace.events.steps.contains_key(&word)) => return,
            returns::MISS | returns::GUARD | returns::POLL => self.complete(pool, state.word, &state.machine),
            _ => Vec::new(),
        };
        self.add(state.word, format!("a return of {number:#x}"), &state.path, goals);
    }

    /// The state is complete, at a boundary where code is.
    fn complete(&self, pool: &mut Pool, word: Option<u32>, machine: &Machine) -> Vec<Goal> {
        let mut goals = Vec::new();
        for boundary in self.boundaries(word) {
            let mut all = reached(boundary);
            all.extend(machine.same_registers(pool, &boundary.machine));
            all.push(part("pc", pool.eq(machine.pc, boundary.machine.pc)));
            all.extend(machine.memory.same(pool, &boundary.machine.memory, self.layout.contract.counts));
            goals.push(all);
        }
        goals
    }

    /// Leaves for the word at `pc`, at or before the word at hand: what was stored since then is stored again by whoever goes on.
    fn earlier(&self, pool: &mut Pool, trace: &Trace, word: Option<u32>, pc: u32, machine: &Machine) -> Vec<Goal> {
        let Some(here) = word.and_then(|word| self.tree.before.get(&word)) else { return Vec::new() };
        let Some(there) = self.tree.before.get(&pc) else { return Vec::new() };
        if !here.executed.starts_with(&there.executed) {
            return Vec::new();
        }
        let here = self.behind_last_store(pool, there, here);
        let mut all = reached(here);
        all.extend(machine.same_registers(pool, &there.machine));
        if self.layout.contract.counts {
            let counts = [machine, &there.machine].map(|machine| machine.memory.number(Number::Executed));
            all.push(part("count", pool.eq(counts[0], counts[1])));
        }
        let stored = there.machine.memory.same(pool, &here.machine.memory, false);
        all.extend(machine.memory.same(pool, &here.machine.memory, false));
        if stored.iter().any(|&(_, same)| same != pool.truth(true)) {
            let Some((again, conditions)) = self.guest.again(pool, &trace.events, there, here) else {
                return Vec::new();
            };
            let again_of = |parts: Goal| parts.into_iter().map(|(name, term)| (format!("again, {name}"), term));
            all.extend(conditions.into_iter().map(|term| part("again, executed", term)));
            all.extend(again_of(again.same_registers(pool, &here.machine)));
            all.extend(again_of(again.memory.same(pool, &here.machine.memory, false)));
            all.push(part("again, pc", pool.eq(again.pc, here.machine.pc)));
        }
        vec![all]
    }

    /// The first boundary from one to a later one at which memory is what it is at the later one.
    fn behind_last_store<'t>(&'t self, pool: &mut Pool, there: &'t Boundary, here: &'t Boundary) -> &'t Boundary {
        let since = here.executed[there.executed.len()..].iter().filter_map(|(pc, _)| self.tree.before.get(pc));
        for boundary in since {
            let same = boundary.machine.memory.same(pool, &here.machine.memory, false);
            if same.iter().all(|&(_, same)| same == pool.truth(true)) {
                return boundary;
            }
        }
        here
    }

    /// Goes on in other code: that which the table says for the pc.
    fn transfer(&mut self, pool: &mut Pool, [code, selector, from]: [Term; 3], state: &State) {
        let pc = state.machine.pc;
        let entry = pool.app(TABLE, vec![pc]);
        let (thirty_two, base) = (pool.constant(64, 32), pool.var("code", 64));
        let offset = pool.low(32, entry);
        let offset = pool.wide(64, offset);
        let address = pool.add(base, offset);
        let high = pool.shift_right(entry, thirty_two);
        let high = pool.low(32, high);
        let jump = pool.word(state.word.unwrap_or(self.root));
        let same = [("code", code, address), ("selector", selector, high), ("from", from, jump)];
        let same = same.map(|(name, x, y)| part(name, pool.eq(x, y)));
        let mut goals = self.complete(pool, state.word, &state.machine);
        goals.iter_mut().for_each(|goal| goal.extend(same.iter().cloned()));
        self.add(state.word, "the way to other code".to_owned(), &state.path, goals);
    }
}

/// Control comes to a boundary, and compiled code may execute all that is before it.
fn reached(boundary: &Boundary) -> Goal {
    let ways = boundary.ways.iter().map(|&way| part("control", way));
    ways.chain(boundary.executed.iter().map(|&(pc, quiet)| (format!("{pc} is executed"), quiet))).collect()
}
