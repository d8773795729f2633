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

/// An optimisation that can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Optimisation {
    /// Reads of words whose value is known from an earlier access are not made again.
    Forwarding,
    /// Compiled units jump to each other directly.
    Links,
}

impl Optimisation {
    /// All of them, in the order of their names.
    pub const ALL: [Optimisation; 2] = [Optimisation::Forwarding, Optimisation::Links];

    /// The name, as in `--no-NAME`.
    pub const fn name(self) -> &'static str {
        match self {
            Optimisation::Forwarding => "forwarding",
            Optimisation::Links => "links",
        }
    }

    /// What it does, in a line of help.
    pub const fn help(self) -> &'static str {
        match self {
            Optimisation::Forwarding => "Read every word again even if its value is known",
            Optimisation::Links => "Leave compiled code between units instead of jumping directly",
        }
    }
}

/// How a program is executed.
#[derive(Clone, Debug)]
pub struct Options {
    /// The engine.
    pub engine: EngineKind,
    /// How often a block must be entered before it is compiled.
    pub hot_threshold: u32,
    /// Threads that compile while the program goes on; 0 compiles at once, which makes every counter repeatable.
    pub compile_threads: usize,
    /// Limit on compiled code in bytes.
    pub code_budget_bytes: usize,
    /// Whether compiled code counts instructions. The interpreter always does.
    pub count: bool,
    /// Optimisations to leave out.
    pub disabled: Vec<Optimisation>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            engine: EngineKind::Auto,
            hot_threshold: 1000,
            compile_threads: 1,
            code_budget_bytes: 256 << 20,
            count: false,
            disabled: Vec::new(),
        }
    }
}
