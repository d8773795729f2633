//! What users can choose about engines.

/// Which engine executes the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineKind {
    /// The interpreter alone.
    Interp,
    /// Interpreter and compiled code; an error where executable memory is refused.
    Jit,
    /// As `Jit` where that is possible, else as `Interp`.
    #[default]
    Auto,
}

macro_rules! optimisations {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $help:literal;)*) => {
        /// An optimisation that can be switched off.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Optimisation {
            $($(#[$doc])* $variant,)*
        }

        impl Optimisation {
            /// All of them, in the order of their names.
            pub const ALL: [Optimisation; [$($name),*].len()] = [$(Optimisation::$variant),*];

            /// The name, as in `--no-NAME`.
            pub const fn name(self) -> &'static str {
                match self { $(Optimisation::$variant => $name,)* }
            }

            /// What switching it off does, in a line of help.
            pub const fn help(self) -> &'static str {
                match self { $(Optimisation::$variant => $help,)* }
            }
        }
    };
}

optimisations! {
    /// What is warm is translated block by block before it is hot.
    Baseline = "baseline", "Interpret until the optimiser has made code";
    /// Reads of words whose value is known from an earlier access are not made again.
    Forwarding = "forwarding", "Read every word again even if its value is known";
    /// The words of a new segment are known to be 0.
    Fresh = "fresh", "Forget that the words of a new segment are 0";
    /// Subtraction and double negation are recognised.
    Idioms = "idioms", "Translate subtraction and double negation as they are written";
    /// A segment whose length was checked is not checked again.
    Lengths = "lengths", "Check every access even if the segment's length is known";
    /// Compiled units jump to each other directly.
    Links = "links", "Leave compiled code between units instead of jumping directly";
    /// Registers stay in host registers around small loops.
    Loops = "loops", "Keep registers in memory around loops";
    /// Operations done before are not done again.
    Numbering = "numbering", "Compute every value again even if it was computed before";
    /// Computed jumps go directly to the targets in their region that they were seen to go to.
    Targets = "targets", "Look up the target of every computed jump in the table of entries";
}

/// A set of optimisations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Optimisations(u32);

impl Optimisations {
    /// All but those in the list.
    pub fn without(disabled: &[Optimisation]) -> Optimisations {
        Optimisations(disabled.iter().fold(u32::MAX, |set, &off| set & !(1 << off as u32)))
    }

    pub fn has(self, optimisation: Optimisation) -> bool {
        self.0 >> optimisation as u32 & 1 != 0
    }
}

/// How often a block must be entered before it is compiled, where the baseline tier executes it until then.
pub(crate) const HOT_BEHIND_BLOCKS: u32 = 4000;
/// The same where the interpreter does.
pub(crate) const HOT_WITHOUT_BLOCKS: u32 = 700;

/// How a program is executed.
#[derive(Clone, Debug)]
pub struct Options {
    /// The engine.
    pub engine: EngineKind,
    /// How often a block must be entered before the baseline tier translates it; at least 1.
    pub baseline_threshold: u32,
    /// How often a block must be entered before it is compiled; at least 1. Grows with the amount of code compiled. The default is for
    /// the baseline tier; without it that is 700 instead.
    pub hot_threshold: u32,
    /// Threads that compile while the program goes on; 0 compiles at once, which makes every counter repeatable. More
    /// than one thread does not compile faster: it counts as one.
    pub compile_threads: usize,
    /// Limit on compiled code in bytes.
    pub code_budget_bytes: usize,
    /// Whether compiled code counts instructions. The interpreter always does.
    pub count: bool,
    /// Whether code is to be kept for later runs, and that of earlier ones to be used ([`crate::Vm::load_cache`]).
    pub cache: bool,
    /// Whether compiled code looks if its stores are to words that are watched ([`crate::Vm::watch_words`]).
    pub watch: bool,
    /// Optimisations to leave out.
    pub disabled: Vec<Optimisation>,
    /// For tests: every n-th check in compiled code leaves it, whether it holds or not.
    pub force_exit_every: Option<u64>,
    /// For tests: after so many exits of compiled code a register is wrong.
    pub exits_lie_after: Option<u64>,
    /// For tests: the compiler panics at every n-th unit.
    pub compiler_panics_every: Option<u64>,
    /// For tests: keep as text what regions become ([`crate::Vm::listings`]).
    pub keep_listings: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            engine: EngineKind::Auto,
            baseline_threshold: 40,
            hot_threshold: HOT_BEHIND_BLOCKS,
            compile_threads: 1,
            code_budget_bytes: 256 << 20,
            count: false,
            cache: false,
            watch: false,
            disabled: Vec::new(),
            force_exit_every: None,
            exits_lie_after: None,
            compiler_panics_every: None,
            keep_listings: false,
        }
    }
}
