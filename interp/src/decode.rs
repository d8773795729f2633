//! The interpreter's decoded form: one 16-byte entry per word, which may stand for up to four instructions.
//!
//! More than a third of what programs execute is literals, and most of the rest uses them at once. So at every word
//! that is executed, the longest known pattern that starts there becomes one entry:
//! - a branch between two constants (literal, literal, conditional move, load-program): four words;
//! - two accesses in a row to constant offsets (literal, index or amend, literal, index or amend): four words;
//! - any pair of plain operators, and a plain operator before a jump: two words.
//!
//! A jump into the middle of a pattern finds that word's own entry. What a pattern does is exactly what its
//! instructions do one after the other, every register written; `run.rs` leaves it at the first instruction that needs
//! more than the quick way. Fields hold register numbers below 8; `run.rs` relies on that.

use crate::isa::{Instruction, LITERAL_MAX, Op, Word};

/// The most words one entry stands for.
pub(crate) const FUSED_MAX: usize = 4;

/// What to do at an entry, and with which operands. All zero: not decoded yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(16))]
pub(crate) struct Entry {
    pub handler: Handler,
    pub a: u8,
    pub b: u8,
    pub c: u8,
    pub d: u8,
    pub e: u8,
    pub f: u8,
    pub imm: u32,
    pub imm2: u32,
}

/// Declares the handlers, and tables that lead from operators to them. The pair handlers are the product of two lists,
/// written out by their callers because Rust's macros cannot join names.
macro_rules! handlers {
    (single { $($single:ident)* } pair { $($pair:ident = $first:ident $second:ident,)* }) => {
        /// The code that executes an entry, in `run.rs`.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[repr(u16)]
        pub(crate) enum Handler {
            /// Nothing is known about the word, or it lies outside the program.
            #[default]
            Undecoded,
            /// One instruction that only `step.rs` executes.
            Slow,
            $($single,)*
            $($pair,)*
            /// Literal, literal, conditional move, load-program: a branch.
            Branch,
            /// Literal and index, twice.
            SlotLoadLoad,
            /// Literal and index, literal and amend.
            SlotLoadStore,
            /// Literal and amend, literal and index.
            SlotStoreLoad,
            /// Literal and amend, twice.
            SlotStoreStore,
        }

        const fn single(op: Op) -> Handler {
            match op {
                $(Op::$single => Handler::$single,)*
                _ => Handler::Slow,
            }
        }

        const fn pair(first: Op, second: Op) -> Option<Handler> {
            match (first, second) {
                $((Op::$first, Op::$second) => Some(Handler::$pair),)*
                _ => None,
            }
        }
    };
}

/// Calls `$then! { PREFIX pairs { Name = First Second, ... } }` with every pair that has a handler. The one list of them.
macro_rules! with_pairs {
    ($then:ident { $($prefix:tt)* }) => {
        $then! {
            $($prefix)*
            pair {
                LiteralLiteral = Literal Literal, LiteralIndex = Literal Index, LiteralAmend = Literal Amend,
                LiteralAdd = Literal Add, LiteralNand = Literal Nand, LiteralMul = Literal Mul, LiteralDiv = Literal Div,
                LiteralCondMove = Literal CondMove, LiteralAlloc = Literal Alloc, LiteralAbandon = Literal Abandon,
                LiteralLoadProgram = Literal LoadProgram,
                IndexLiteral = Index Literal, IndexIndex = Index Index, IndexAmend = Index Amend, IndexAdd = Index Add,
                IndexNand = Index Nand, IndexMul = Index Mul, IndexDiv = Index Div, IndexCondMove = Index CondMove,
                IndexAbandon = Index Abandon, IndexLoadProgram = Index LoadProgram,
                AmendLiteral = Amend Literal, AmendIndex = Amend Index, AmendAmend = Amend Amend, AmendAdd = Amend Add,
                AmendNand = Amend Nand, AmendCondMove = Amend CondMove, AmendLoadProgram = Amend LoadProgram,
                AddLiteral = Add Literal, AddIndex = Add Index, AddAmend = Add Amend, AddAdd = Add Add,
                AddNand = Add Nand, AddMul = Add Mul, AddDiv = Add Div, AddCondMove = Add CondMove,
                AddLoadProgram = Add LoadProgram,
                NandLiteral = Nand Literal, NandIndex = Nand Index, NandAmend = Nand Amend, NandAdd = Nand Add,
                NandNand = Nand Nand, NandMul = Nand Mul, NandDiv = Nand Div, NandCondMove = Nand CondMove,
                NandLoadProgram = Nand LoadProgram,
                MulLiteral = Mul Literal, MulIndex = Mul Index, MulAmend = Mul Amend, MulAdd = Mul Add,
                MulNand = Mul Nand,
                DivLiteral = Div Literal, DivIndex = Div Index, DivAdd = Div Add, DivNand = Div Nand, DivDiv = Div Div,
                CondMoveLiteral = CondMove Literal, CondMoveIndex = CondMove Index, CondMoveAdd = CondMove Add,
                CondMoveNand = CondMove Nand, CondMoveLoadProgram = CondMove LoadProgram,
                AllocLiteral = Alloc Literal, AllocAmend = Alloc Amend,
            }
        }
    };
}
pub(crate) use with_pairs;

with_pairs! { handlers {
    single { CondMove Index Amend Add Mul Div Nand Alloc Abandon Output LoadProgram Literal }
} }

/// The four high bits of a word, which say the operator.
const fn high(word: Word) -> usize {
    (word >> 28) as usize
}

/// The handler of a single instruction, by the high bits of its word.
static SINGLES: [Handler; 16] = {
    let mut table = [Handler::Slow; 16];
    let mut at = 0;
    while at < 16 {
        table[at] = single(Op::of((at as u32) << 28));
        at += 1;
    }
    table
};

/// The handler of a pair, by the high bits of both words; none for most.
static PAIRS: [[Option<Handler>; 16]; 16] = {
    let mut table = [[None; 16]; 16];
    let mut at = 0;
    while at < 256 {
        table[at / 16][at % 16] = pair(Op::of((at as u32 / 16) << 28), Op::of((at as u32) << 28));
        at += 1;
    }
    table
};

/// The operands of one instruction: a, b, c and the literal value.
#[inline(always)]
fn operands(word: Word) -> (u8, u8, u8, u32) {
    let field = |shift: u32| (word >> shift & 7) as u8;
    if high(word) == Op::Literal as usize {
        return (field(25), 0, 0, word & LITERAL_MAX);
    }
    (field(6), field(3), field(0), 0)
}

/// The entry for code that starts with the words `rest` (at least one) of a program of `program_len` words, and how
/// many words it was made from.
pub(crate) fn decode_entry(rest: &[Word], program_len: usize) -> (Entry, usize) {
    if let [w0, w1, w2, w3, ..] = *rest
        && let Some(entry) = decode_four([w0, w1, w2, w3], program_len)
    {
        return (entry, 4);
    }
    let (a, b, c, imm) = operands(rest[0]);
    if let [first, second, ..] = *rest
        && let Some(handler) = PAIRS[high(first)][high(second)]
    {
        let (d, e, f, imm2) = operands(second);
        return (Entry { handler, a, b, c, d, e, f, imm, imm2 }, 2);
    }
    (Entry { handler: SINGLES[high(rest[0])], a, b, c, imm, ..Entry::default() }, 1)
}

fn decode_four(words: [Word; 4], program_len: usize) -> Option<Entry> {
    const INDEX: usize = Op::Index as usize;
    const AMEND: usize = Op::Amend as usize;
    const LITERAL: usize = Op::Literal as usize;
    const COND_MOVE: usize = Op::CondMove as usize;
    let inside = |offset: u32| (offset as usize) < program_len;
    // Most words begin no such four.
    if high(words[0]) != LITERAL
        || !matches!((high(words[1]), high(words[2])), (LITERAL, COND_MOVE) | (INDEX | AMEND, LITERAL))
    {
        return None;
    }
    match words.map(Instruction::decode) {
        [
            Instruction::Literal { a: x, value: imm },
            Instruction::Literal { a: y, value: imm2 },
            Instruction::CondMove { a, b, c },
            Instruction::LoadProgram { b: segment, c: target },
        ] if a == x && b == y && x != y && target == x && inside(imm) && inside(imm2) => Some(Entry {
            handler: Handler::Branch,
            a: x.index() as u8,
            b: y.index() as u8,
            c: c.index() as u8,
            d: segment.index() as u8,
            imm,
            imm2,
            ..Entry::default()
        }),
        [Instruction::Literal { .. }, i1, Instruction::Literal { .. }, i3] => {
            let (store1, a, b, c, imm) = slot(words[0], i1)?;
            let (store2, d, e, f, imm2) = slot(words[2], i3)?;
            if !inside(imm) || !inside(imm2) {
                return None;
            }
            let handler = match (store1, store2) {
                (false, false) => Handler::SlotLoadLoad,
                (false, true) => Handler::SlotLoadStore,
                (true, false) => Handler::SlotStoreLoad,
                (true, true) => Handler::SlotStoreStore,
            };
            Some(Entry { handler, a, b, c, d, e, f, imm, imm2 })
        }
        _ => None,
    }
}

/// A literal and an access at the offset it gives: whether it is a store, the literal's register, the segment's, the
/// one loaded or stored, and the offset.
fn slot(literal: Word, access: Instruction) -> Option<(bool, u8, u8, u8, u32)> {
    let Instruction::Literal { a: at, value } = Instruction::decode(literal) else { return None };
    let (store, offset, segment, data) = match access {
        Instruction::Index { a, b, c } => (false, c, b, a),
        Instruction::Amend { a, b, c } => (true, b, a, c),
        _ => return None,
    };
    (offset == at && segment != at).then_some((
        store,
        at.index() as u8,
        segment.index() as u8,
        data.index() as u8,
        value,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_recognised_and_others_are_not() {
        let lit = |a: u32, v: u32| 0xd000_0000 | a << 25 | v;
        let op = |op: u32, a: u32, b: u32, c: u32| op << 28 | a << 6 | b << 3 | c;
        let of = |words: &[Word]| {
            let (entry, used) = decode_entry(words, words.len());
            (entry.handler, used)
        };
        let branch = [lit(1, 0), lit(2, 3), op(0, 1, 2, 3), op(12, 0, 6, 1)];
        assert_eq!(of(&branch), (Handler::Branch, 4));
        assert_eq!(of(&[lit(1, 9), branch[1], branch[2], branch[3]]), (Handler::LiteralLiteral, 2), "target outside");
        assert_eq!(of(&[lit(1, 0), op(1, 2, 6, 1), lit(3, 1), op(2, 6, 3, 2)]), (Handler::SlotLoadStore, 4));
        assert_eq!(of(&[lit(1, 0), op(1, 2, 6, 3), lit(3, 1), op(2, 6, 3, 2)]), (Handler::LiteralIndex, 2));
        assert_eq!(of(&[op(7, 0, 0, 0), lit(1, 1)]), (Handler::Slow, 1));
        assert_eq!(of(&[op(10, 0, 0, 1)]), (Handler::Output, 1));
        assert_eq!(of(&[lit(1, 0)]), (Handler::Literal, 1));
    }

    #[test]
    fn an_entry_takes_sixteen_bytes() {
        assert_eq!(size_of::<Entry>(), 16);
    }
}
