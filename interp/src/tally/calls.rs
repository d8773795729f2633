//! The stack of calls: who called whom, how often, and what was executed meanwhile.

use super::counted::{Call, Counted, Procedure, Site, Stack};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// How far down the stack a return address is looked for: more than one call may be left at once.
const UNWOUND_MAX: usize = 64;
/// Deeper calls belong to this depth in stacks that are told. A procedure that calls itself is there once.
const DEPTH_MAX: usize = 200;
/// Stacks that are told apart; others belong to the one that they were called from.
const STACKS_MAX: usize = 1 << 20;

/// A procedure that was called and has not returned.
#[derive(Debug)]
struct Frame {
    procedure: u32,
    /// Where it returns to.
    back: u32,
    /// Its place in the tree of stacks.
    node: u32,
    /// Instructions executed before it.
    entered: u64,
}

/// What is known of a procedure.
#[derive(Debug)]
struct Known {
    site: Site,
    own: u64,
    inclusive: u64,
    /// How often it is on the stack.
    active: u64,
    calls: u64,
    tail_calls: u64,
}

/// A node of the tree of stacks.
#[derive(Debug)]
struct Node {
    procedure: u32,
    parent: Option<u32>,
    instructions: u64,
    /// How often it was called by what is above it, and by itself.
    calls: u64,
    own_calls: u64,
    /// The one below it that was called last.
    last: u32,
}

impl Node {
    fn new(procedure: u32, parent: Option<u32>) -> Node {
        Node { procedure, parent, instructions: 0, calls: 0, own_calls: 0, last: 0 }
    }
}

/// The stack, and all that it has seen.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// The number of the program, and where it began.
    program: u64,
    begun: u32,
    stack: Vec<Frame>,
    procedures: Vec<Known>,
    /// Places of the program's procedures by their pcs, plus 1.
    numbers: Vec<u32>,
    nodes: Vec<Node>,
    below: FxHashMap<(u32, u32), u32>,
    /// How often procedures called others where the tree does not tell: tail calls, and deep down.
    edges: FxHashMap<(u32, u32), u64>,
    /// Instructions executed before what is counted next.
    now: u64,
}

impl Calls {
    /// Who was called and has not returned.
    pub fn stack(&self) -> Vec<Call> {
        let call = |frame: &Frame| {
            let Site { program, pc } = self.procedures[frame.procedure as usize].site;
            Call { program, pc, back: frame.back, entered: frame.entered }
        };
        self.stack.iter().map(call).collect()
    }

    /// Another program of a length begins at a word; nothing of the old one returns.
    pub fn begin(&mut self, program: u64, words: usize, pc: u32, now: u64) {
        self.pass(now);
        while self.leave() {}
        (self.program, self.begun) = (program, pc);
        self.numbers = vec![0; words + 1];
        let procedure = self.number(pc);
        self.nodes.push(Node::new(procedure, None));
        self.enter(procedure, u32::MAX, self.nodes.len() as u32 - 1);
    }

    /// What was executed up to now belongs to the procedure on top.
    #[inline]
    fn pass(&mut self, now: u64) {
        let passed = now - std::mem::replace(&mut self.now, now);
        if let Some(frame) = self.stack.last() {
            self.procedures[frame.procedure as usize].own += passed;
            self.nodes[frame.node as usize].instructions += passed;
        }
    }

    #[inline]
    fn number(&mut self, pc: u32) -> u32 {
        let number = &mut self.numbers[pc as usize];
        if *number == 0 {
            let site = Site { program: self.program, pc };
            self.procedures.push(Known { site, own: 0, inclusive: 0, active: 0, calls: 0, tail_calls: 0 });
            *number = self.procedures.len() as u32;
        }
        *number - 1
    }

    /// A jump to a word that calls return to, when so many instructions were executed. Whether one has.
    #[inline]
    pub fn returned(&mut self, target: u32, now: u64) -> bool {
        if self.top().back != target || self.stack.len() == 1 {
            return self.unwound(target, now);
        }
        self.pass(now);
        self.leave();
        true
    }

    /// As [`Calls::returned`], where more than one procedure may have ended.
    fn unwound(&mut self, target: u32, now: u64) -> bool {
        let above = &self.stack[1..];
        let looked_at = &above[above.len().saturating_sub(UNWOUND_MAX)..];
        let waits = looked_at.iter().rev().position(|frame| frame.back == target);
        let Some(above) = waits else { return false };
        self.pass(now);
        // The start has no address to return to: it stays.
        (0..=above).for_each(|_| {
            self.leave();
        });
        true
    }

    /// A call that returns to a word.
    #[inline]
    pub fn called(&mut self, target: u32, back: u32, now: u64) {
        self.pass(now);
        let procedure = self.number(target);
        self.procedures[procedure as usize].calls += 1;
        let &Frame { procedure: caller, node: above, .. } = self.top();
        let node = self.node_below(procedure);
        if self.nodes[above as usize].procedure != caller {
            *self.edges.entry((caller, procedure)).or_default() += 1;
        } else if node != above {
            self.nodes[node as usize].calls += 1;
        } else if caller == procedure {
            self.nodes[node as usize].own_calls += 1;
        } else {
            *self.edges.entry((caller, procedure)).or_default() += 1;
        }
        self.enter(procedure, back, node);
    }

    /// A jump to where a call went.
    pub fn tail_called(&mut self, target: u32, now: u64) {
        self.pass(now);
        let procedure = self.number(target);
        let &Frame { procedure: caller, back, .. } = self.top();
        if caller == procedure {
            // How often that was follows from how often it began.
            return;
        }
        *self.edges.entry((caller, procedure)).or_default() += 1;
        if self.stack.len() == 1 {
            return;
        }
        self.leave();
        let node = self.node_below(procedure);
        self.enter(procedure, back, node);
    }

    #[inline]
    fn top(&self) -> &Frame {
        self.stack.last().expect("the start is never left")
    }

    /// The program ends, and so often it was jumped to a word that calls went to, or begun there.
    pub fn entered(&mut self, pc: u32, count: u64) {
        if let Some(number) = self.numbers[pc as usize].checked_sub(1) {
            let known = &mut self.procedures[number as usize];
            if known.calls > 0 {
                let begun = u64::from(self.begun == pc);
                known.tail_calls = count.saturating_sub(known.calls + begun);
            }
        }
    }

    #[inline]
    fn enter(&mut self, procedure: u32, back: u32, node: u32) {
        self.procedures[procedure as usize].active += 1;
        self.stack.push(Frame { procedure, back, node, entered: self.now });
    }

    /// Leaves the procedure on top, if there is one.
    #[inline]
    fn leave(&mut self) -> bool {
        let Some(frame) = self.stack.pop() else { return false };
        let procedure = &mut self.procedures[frame.procedure as usize];
        procedure.active -= 1;
        // What a procedure does by calling itself counts once.
        if procedure.active == 0 {
            procedure.inclusive += self.now - frame.entered;
        }
        true
    }

    /// The place of a procedure in the tree of stacks, below the one that is on top.
    #[inline]
    fn node_below(&mut self, procedure: u32) -> u32 {
        let above = self.stack.last().map_or(0, |frame| frame.node);
        let node = &self.nodes[above as usize];
        if self.nodes[node.last as usize].parent == Some(above) && self.nodes[node.last as usize].procedure == procedure
        {
            return node.last;
        }
        if node.procedure == procedure || self.stack.len() > DEPTH_MAX {
            return above;
        }
        let found = match self.below.get(&(above, procedure)) {
            Some(&found) => found,
            None if self.nodes.len() >= STACKS_MAX => return above,
            None => {
                self.nodes.push(Node::new(procedure, Some(above)));
                let new = self.nodes.len() as u32 - 1;
                self.below.insert((above, procedure), new);
                new
            }
        };
        self.nodes[above as usize].last = found;
        found
    }

    /// Ends, and gives what was seen.
    pub fn finish(&mut self, now: u64, counted: &mut Counted) {
        self.pass(now);
        while self.leave() {}
        for node in &self.nodes {
            if let Some(parent) = node.parent {
                *self.edges.entry((self.nodes[parent as usize].procedure, node.procedure)).or_default() += node.calls;
            }
            *self.edges.entry((node.procedure, node.procedure)).or_default() += node.own_calls;
        }
        let mut callers: Vec<BTreeMap<usize, u64>> = vec![BTreeMap::new(); self.procedures.len()];
        for (&(caller, called), &count) in self.edges.iter().filter(|(_, count)| **count > 0) {
            callers[called as usize].insert(caller as usize, count);
        }
        counted.procedures = (self.procedures.iter().zip(callers).enumerate())
            .map(|(number, (known, mut callers))| {
                // Who else went there is itself.
                let others: u64 = callers.values().sum();
                let own = (known.calls + known.tail_calls).saturating_sub(others);
                if own > 0 {
                    *callers.entry(number).or_default() += own;
                }
                let &Known { site, own, inclusive, calls, tail_calls, .. } = known;
                Procedure { site, own, inclusive, calls, tail_calls, callers: callers.into_iter().collect() }
            })
            .collect();
        let stack = |node: &Node| Stack {
            procedure: node.procedure as usize,
            parent: node.parent.map(|parent| parent as usize),
            instructions: node.instructions,
        };
        counted.stacks = self.nodes.iter().map(stack).collect();
    }
}
