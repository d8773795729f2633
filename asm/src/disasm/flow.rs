//! What is code, and where it jumps: found by following the program from its first word.
//!
//! Jumps of this machine are a literal that reaches a load-program, often through a conditional move between two
//! literals. Registers are followed along straight code by the literal that they come from, nothing more. Whatever is
//! left is code if it looks like it. All of this decides how the text looks, never which words it stands for.

use rum_interp::isa::{LITERAL_MAX, Op, Word};

use crate::disasm::word::is_canonical;

/// The word is part of the program's code.
pub(super) const CODE: u8 = 1;
/// A jump goes here, or a return.
pub(super) const LABEL: u8 = 2;
/// This literal is the address of a label.
pub(super) const ADDRESS: u8 = 4;
/// A jump here leaves its return address.
pub(super) const CALLED: u8 = 8;

/// So many words in a row must look like code.
const RUN_MIN: usize = 3;
const NONE: u32 = u32::MAX;

/// What is known about an image.
pub(super) struct Flow {
    /// [`CODE`], [`LABEL`], [`ADDRESS`], [`CALLED`] for each word.
    pub flags: Vec<u8>,
    /// Target and place of each jump, in order.
    pub references: Vec<(u32, u32)>,
    /// The register that most jumps take for the one that is 0.
    pub zero: Option<u8>,
}

/// The literals that a register may come from.
#[derive(Clone, Copy)]
struct Origin {
    first: u32,
    second: u32,
}

const UNKNOWN: Origin = Origin { first: NONE, second: NONE };

struct Walker<'w> {
    words: &'w [Word],
    flags: Vec<u8>,
    references: Vec<(u32, u32)>,
    votes: [u32; 8],
    pending: Vec<u32>,
}

pub(super) fn analyse(words: &[Word]) -> Flow {
    let mut walker =
        Walker { words, flags: vec![0; words.len()], references: Vec::new(), votes: [0; 8], pending: vec![0] };
    walker.follow(false);
    let mut at = 0;
    while at + RUN_MIN <= words.len() {
        let fits = |&word: &Word| is_canonical(word) && Op::of(word) != Op::CondMove;
        let fresh = walker.flags[at..at + RUN_MIN].iter().all(|flags| flags & CODE == 0);
        if fresh && words[at..at + RUN_MIN].iter().all(fits) {
            walker.pending.push(at as u32);
            walker.follow(true);
        }
        at += 1;
    }
    walker.references.sort_unstable();
    walker.references.dedup();
    let (best, votes) =
        (0..8u8).map(|reg| (reg, walker.votes[usize::from(reg)])).max_by_key(|&(_, v)| v).unwrap_or((0, 0));
    Flow { flags: walker.flags, references: walker.references, zero: (votes > 0).then_some(best) }
}

impl Walker<'_> {
    /// Follows everything that is pending; `guessing` stops where the words stop looking like code.
    fn follow(&mut self, guessing: bool) {
        while let Some(start) = self.pending.pop() {
            self.walk(start as usize, guessing);
        }
    }

    fn looks_like_code(&self, at: usize) -> bool {
        let word = self.words[at];
        let next_moves = self.words.get(at + 1).is_none_or(|&next| Op::of(next) == Op::CondMove);
        is_canonical(word) && !(Op::of(word) == Op::CondMove && next_moves)
    }

    fn walk(&mut self, start: usize, guessing: bool) {
        let mut origins = [UNKNOWN; 8];
        // The literals stored last: a return address may be on a stack by the time of the jump.
        let mut stored = [NONE; 4];
        let mut at = start;
        while at < self.words.len() && self.flags[at] & CODE == 0 && (!guessing || self.looks_like_code(at)) {
            let word = self.words[at];
            let [a, b, c] = [word >> 6, word >> 3, word].map(|bits| (bits & 7) as usize);
            match Op::of(word) {
                Op::Invalid => return,
                Op::CondMove => {
                    let from = origins[b].first;
                    match origins[a].first {
                        NONE => origins[a].first = from,
                        _ => origins[a].second = from,
                    }
                }
                Op::Index | Op::Add | Op::Mul | Op::Div | Op::Nand => origins[a] = UNKNOWN,
                Op::Alloc => origins[b] = UNKNOWN,
                Op::Input => origins[c] = UNKNOWN,
                Op::Literal => origins[(word >> 25 & 7) as usize] = Origin { first: at as u32, second: NONE },
                Op::Amend if origins[c].first != NONE => {
                    stored.rotate_right(1);
                    stored[0] = origins[c].first;
                }
                Op::Amend | Op::Abandon | Op::Output => {}
                Op::Halt => {
                    self.flags[at] |= CODE;
                    return;
                }
                Op::LoadProgram => {
                    self.flags[at] |= CODE;
                    let target = std::mem::replace(&mut origins[c], UNKNOWN);
                    let alive = origins.iter().map(|origin| origin.first).chain(stored);
                    self.jump(at, b, target, alive);
                    return;
                }
            }
            self.flags[at] |= CODE;
            at += 1;
        }
    }

    /// `alive` are the literals that are still in registers or were stored.
    fn jump(&mut self, at: usize, segment: usize, target: Origin, mut alive: impl Iterator<Item = u32>) {
        let next = at as u32 + 1;
        let link = alive.find(|&literal| {
            let is_target = literal == target.first || literal == target.second;
            literal != NONE && !is_target && self.words[literal as usize] & LITERAL_MAX == next
        });
        if let Some(link) = link
            && (next as usize) < self.words.len()
        {
            self.flags[link as usize] |= ADDRESS;
            self.flags[next as usize] |= LABEL;
            self.pending.push(next);
        }
        for origin in [target.first, target.second] {
            if origin == NONE {
                continue;
            }
            let to = self.words[origin as usize] & LITERAL_MAX;
            if to as usize >= self.words.len() {
                continue;
            }
            self.votes[segment] += 1;
            self.flags[origin as usize] |= ADDRESS;
            self.flags[to as usize] |= if link.is_some() { LABEL | CALLED } else { LABEL };
            // The way on is no cross reference.
            if to != next {
                self.references.push((to, at as u32));
            }
            self.pending.push(to);
        }
    }
}
