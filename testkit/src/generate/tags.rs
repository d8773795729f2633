//! What a generated program contains, as tags, so that coverage can be counted.

use std::fmt;

macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A feature of a generated program.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Tag {
            $($(#[$doc])* $name,)*
        }

        impl Tag {
            /// All tags.
            pub const ALL: &'static [Tag] = &[$(Tag::$name,)*];

            /// The tag in kebab case.
            pub fn name(self) -> &'static str {
                match self {
                    $(Tag::$name => $text,)*
                }
            }
        }
    };
}

tags! {
    /// Arithmetic on data registers.
    Arithmetic = "arithmetic",
    /// A division whose divisor is never 0.
    Division = "division",
    /// A constant of more than 25 bits.
    LargeConstant = "large-constant",
    /// A variable at a fixed place is read and written.
    Variable = "variable",
    /// A variable is read through a constant place and written through a computed one.
    VariableAliased = "variable-aliased",
    /// A word that was executed once is used as data.
    ExecutedWordAsData = "executed-word-as-data",
    /// Words of the program are read as data.
    CodeRead = "code-read",
    /// A branch between two literals.
    Branch = "branch",
    /// A branch whose condition is a constant.
    BranchConstant = "branch-constant",
    /// A branch with a side that is seldom taken.
    BranchCold = "branch-cold",
    /// A jump through a table of targets.
    JumpTable = "jump-table",
    /// A jump to a computed offset.
    JumpComputed = "jump-computed",
    /// A loop whose counter is a register.
    LoopRegister = "loop-register",
    /// A loop whose counter is a variable.
    LoopVariable = "loop-variable",
    /// A loop that tests at its head.
    LoopTestedFirst = "loop-tested-first",
    /// A loop within a loop.
    LoopNested = "loop-nested",
    /// A function call.
    Call = "call",
    /// A call through a table of functions.
    CallIndirect = "call-indirect",
    /// A recursive function with its stack in small segments.
    Recursion = "recursion",
    /// A byte of input is read.
    Input = "input",
    /// A byte is put out.
    Output = "output",
    /// The register that holds 0 holds something else for a while.
    ZeroBroken = "zero-broken",
    /// A segment of no words.
    AllocEmpty = "alloc-empty",
    /// A segment of one word.
    AllocOne = "alloc-one",
    /// A segment of 2 to 20 words.
    AllocSmall = "alloc-small",
    /// A segment of a size near 254 words.
    AllocNear254 = "alloc-near-254",
    /// A segment of a size near 8192 words.
    AllocNear8192 = "alloc-near-8192",
    /// A segment of a size near 65536 words.
    AllocNear65536 = "alloc-near-65536",
    /// A segment of another size above 20 words.
    AllocOther = "alloc-other",
    /// A segment whose size is computed.
    AllocVariable = "alloc-variable",
    /// Segments are allocated and kept.
    AllocKept = "alloc-kept",
    /// A loop allocates so much that space comes round again.
    AllocChurn = "alloc-churn",
    /// A segment is allocated, used and given back at once.
    AllocTemporary = "alloc-temporary",
    /// A segment is replaced by a new one.
    AllocReplaced = "alloc-replaced",
    /// A list of cells is built and taken apart.
    Chain = "chain",
    /// Words of a segment are read and written.
    SegmentAccess = "segment-access",
    /// A segment is read through an identifier that may be 0.
    MaybeZeroRead = "maybe-zero-read",
    /// A segment is written through an identifier that may be 0.
    MaybeZeroWrite = "maybe-zero-write",
    /// An identifier that was abandoned is used.
    StaleId = "stale-id",
    /// An identifier that was made up is used.
    ForgedId = "forged-id",
    /// An identifier computed from another one is used.
    ComputedId = "computed-id",
    /// An identifier is put out as a character.
    PrintedId = "printed-id",
    /// The lowest bits of identifiers are offsets in a table.
    IdAsKey = "id-as-key",
    /// An identifier is written as a literal.
    LiteralId = "literal-id",
    /// The next instruction is stored to.
    PatchNext = "patch-next",
    /// An instruction a few words ahead is stored to.
    PatchAhead = "patch-ahead",
    /// An instruction a few words behind is stored to.
    PatchBehind = "patch-behind",
    /// An instruction somewhere in the program is stored to.
    PatchAnywhere = "patch-anywhere",
    /// The first word of a function is stored to.
    PatchFunction = "patch-function",
    /// The first word of a loop is stored to.
    PatchLoopHead = "patch-loop-head",
    /// The first word of a branch's target is stored to.
    PatchBranchTarget = "patch-branch-target",
    /// A literal of a branch is stored to.
    PatchBranchLiteral = "patch-branch-literal",
    /// The literal that says what is called is stored to.
    PatchCallLiteral = "patch-call-literal",
    /// A literal's value is counted up in place.
    PatchIncrement = "patch-increment",
    /// The store's offset is a variable.
    PatchVariable = "patch-variable",
    /// The store goes through an identifier that is 0 without looking it.
    PatchHiddenZero = "patch-hidden-zero",
    /// The word stored is the one that is there.
    PatchSameWord = "patch-same-word",
    /// A fresh copy of the program is loaded.
    LoadCopy = "load-copy",
    /// A patched copy of the program is loaded.
    LoadPatched = "load-patched",
    /// A copy of the program with words added is loaded, and those are executed.
    LoadLonger = "load-longer",
    /// A copy of the program without its last words is loaded.
    LoadShorter = "load-shorter",
    /// An old copy of the program is loaded.
    LoadStale = "load-stale",
    /// A program of a few words is loaded, which loads the old one again.
    LoadTiny = "load-tiny",
    /// A segment of no words is loaded.
    LoadEmpty = "load-empty",
    /// A fault waits in a loop for its round.
    FaultArmed = "fault-armed",
    /// A hot loop replaces the program by copies in which one word differs.
    LoadLoop = "load-loop",
    /// A hot loop whose body is a straight line of checks, reads and writes.
    StraightLoop = "straight-loop",
    /// A word that a hot loop stores to is executed now and then.
    LateCode = "late-code",
    /// A hot loop patches its first word in every round.
    PatchedLoop = "patched-loop",
    /// Two hot scans, each until a quotient is not 0, in a loop around both.
    Scans = "scans",
    /// The second of these divides by 0 at last, in compiled code that looks at its divisor late.
    ScansFault = "scans-fault",
    /// A hot loop goes through a segment until it is one word too far.
    Sweep = "sweep",
    /// A copy of the program is loaded that lacks a word which is read in a loop.
    Shortened = "shortened",
    /// A hot loop leads to a block that ends the program.
    LateEnd = "late-end",
    /// The program runs off its end.
    FallOff = "fall-off",
    /// The budget ends before the program does.
    CutShort = "cut-short",
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
