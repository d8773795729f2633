//! What was counted, in the end.

/// A word of a program; programs are numbered as they were loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    /// How many programs were loaded before it.
    pub program: u64,
    /// Its offset.
    pub pc: u32,
}

/// Everything that was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Straight pieces of code, in order: words that follow each other and were executed equally often, up to a jump. What was not
    /// executed is left out.
    pub blocks: Vec<Block>,
    /// Procedures, as they were met.
    pub procedures: Vec<Procedure>,
    /// Stacks of calls, as a tree: each node stands behind the one above it.
    pub stacks: Vec<Stack>,
    /// Where segments were made, in order.
    pub allocations: Vec<(Site, Made)>,
}

/// A straight piece of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its first word.
    pub site: Site,
    /// How many words it has.
    pub words: u32,
    /// How often each was executed.
    pub count: u64,
}

/// A procedure: what begins where a call went, or a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Procedure {
    /// Where it begins.
    pub site: Site,
    /// Instructions of its own.
    pub own: u64,
    /// Instructions between entry and return, once for those that call themselves.
    pub inclusive: u64,
    /// How often it was called.
    pub calls: u64,
    /// How often another one ended by going there, or it began anew.
    pub tail_calls: u64,
    /// Those that called it, by their places in the list, and how often, tail calls included; in order.
    pub callers: Vec<(usize, u64)>,
}

/// A procedure with those that called it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// Its place in the list of procedures.
    pub procedure: usize,
    /// The place of what called it.
    pub parent: Option<usize>,
    /// Instructions of its own.
    pub instructions: u64,
}

/// Segments made at a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// How many.
    pub segments: u64,
    /// Words in them.
    pub words: u64,
    /// How many of them were still there at the end.
    pub live_segments: u64,
    /// Words in those.
    pub live_words: u64,
}

/// A procedure that was called and has not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The number of its program.
    pub program: u64,
    /// Its first word.
    pub pc: u32,
    /// The word that it returns to; `u32::MAX` for what the program began with.
    pub back: u32,
    /// Instructions executed before it was called.
    pub entered: u64,
}
