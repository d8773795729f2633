//! The options that choose and tune an engine.

use super::values::{parse_count, parse_size};
use crate::failure::Failure;
use crate::files::name_of;
use clap::builder::ArgAction;
use clap::{Arg, ArgMatches, Args, FromArgMatches, ValueEnum, ValueHint};
use rum::{EngineKind, Ids, Optimisation, Options};
use std::path::{Path, PathBuf};

/// The arguments that choose and tune an engine.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Engine")]
pub struct EngineArgs {
    /// What executes the program
    #[arg(long, value_enum, value_name = "ENGINE", default_value_t = EngineArg::Auto)]
    pub engine: EngineArg,
    /// Which identifiers segments get [default: mixed]
    #[arg(long, value_enum, value_name = "IDS")]
    pub ids: Option<IdsArg>,
    /// Translate a block, as it is written, when it has been entered this often
    #[arg(long, value_name = "N", value_parser = parse_threshold, default_value_t = Options::default().baseline_threshold)]
    pub baseline_threshold: u32,
    /// Optimise a block, with what it leads to, when it has been entered this often
    #[arg(long, value_name = "N", value_parser = parse_threshold, default_value_t = Options::default().hot_threshold)]
    pub hot_threshold: u32,
    /// Threads that compile while the program runs; 0 compiles at once, and makes every run count the same
    #[arg(long, value_name = "N", value_parser = parse_threads, default_value_t = Options::default().compile_threads)]
    pub compile_threads: usize,
    /// Keep at most this much compiled code (64M, 1G)
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = code_budget())]
    pub code_budget: u64,
    /// Where compiled code is kept between runs.
    #[command(flatten)]
    pub cache: CacheArgs,
    /// Leave compiled code at every Nth check, whether it holds or not (slow; for tests of rum itself)
    #[arg(long, value_name = "N", value_parser = parse_count, hide = true)]
    pub force_exit_every: Option<u64>,
    /// Have a register wrong after the Nth exit of compiled code (for tests of --verify)
    #[arg(long, value_name = "N", value_parser = parse_count, hide = true)]
    pub lie_after: Option<u64>,
    /// Optimisations that are switched off.
    #[command(flatten)]
    pub disabled: DisabledArgs,
}

impl EngineArgs {
    /// Which identifiers segments get.
    pub fn ids(&self) -> Ids {
        self.ids.map_or(Ids::Mixed, Ids::from)
    }

    /// Sees to it that a machine which was saved in a file gets the identifiers that it has.
    ///
    /// # Errors
    /// Others were asked for.
    pub fn settle_ids(&self, saved: Ids, file: &Path) -> Result<(), Failure> {
        match self.ids.map(Ids::from) {
            Some(asked) if asked != saved => Err(Failure::host(format!(
                "{} has {} identifiers, and not --ids {}: that was settled when it was started",
                name_of(file),
                saved.name(),
                asked.name()
            ))),
            _ => Ok(()),
        }
    }
}

impl Default for EngineArgs {
    /// As the definition has them.
    fn default() -> EngineArgs {
        let options = Options::default();
        EngineArgs {
            engine: EngineArg::Auto,
            ids: None,
            baseline_threshold: options.baseline_threshold,
            hot_threshold: options.hot_threshold,
            compile_threads: options.compile_threads,
            code_budget: options.code_budget_bytes as u64,
            cache: CacheArgs::default(),
            force_exit_every: None,
            lie_after: None,
            disabled: DisabledArgs::default(),
        }
    }
}

/// The arguments that say whether compiled code is kept between runs.
#[derive(Clone, Debug, Default, Args)]
pub struct CacheArgs {
    /// Keep compiled code for later runs of the same program, and start from what earlier ones have kept [also: RUM_CACHE=1]
    #[arg(long)]
    pub cache: bool,
    /// The same, in this folder, which nobody else may write to [also: RUM_CACHE=DIR]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub cache_dir: Option<PathBuf>,
}

/// The engines by the names they have on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineArg {
    /// The interpreter alone
    Interp,
    /// Interpreter and compiled code; an error where the system allows no compiled code
    Jit,
    /// As jit where that is possible, else as interp
    Auto,
}

impl EngineArg {
    /// The name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            EngineArg::Interp => "interp",
            EngineArg::Jit => "jit",
            EngineArg::Auto => "auto",
        }
    }
}

impl From<EngineArg> for EngineKind {
    fn from(engine: EngineArg) -> EngineKind {
        match engine {
            EngineArg::Interp => EngineKind::Interp,
            EngineArg::Jit => EngineKind::Jit,
            EngineArg::Auto => EngineKind::Auto,
        }
    }
}

/// The choices of identifiers by the names they have on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum IdsArg {
    /// 1, 2, 3, ... for the first 4,096 segments, the last one given back first; addresses after that
    Mixed,
    /// 1, 2, 3, ... for ever, the last one given back first; slower
    Sequential,
    /// Addresses from the first segment on
    Address,
}

impl From<IdsArg> for Ids {
    fn from(ids: IdsArg) -> Ids {
        match ids {
            IdsArg::Mixed => Ids::Mixed,
            IdsArg::Sequential => Ids::Sequential,
            IdsArg::Address => Ids::Address,
        }
    }
}

/// One flag `--no-NAME` for every optimisation there is.
#[derive(Clone, Debug, Default)]
pub struct DisabledArgs(pub Vec<Optimisation>);

impl DisabledArgs {
    fn flag(optimisation: Optimisation) -> String {
        format!("no-{}", optimisation.name())
    }
}

impl Args for DisabledArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        Optimisation::ALL.into_iter().fold(command, |command, optimisation| {
            let flag = DisabledArgs::flag(optimisation);
            let help = optimisation.help();
            command.arg(
                Arg::new(flag.clone())
                    .long(flag)
                    .help(help)
                    .help_heading("Optimisations, each of which can be left out")
                    .action(ArgAction::SetTrue),
            )
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        DisabledArgs::augment_args(command)
    }
}

impl FromArgMatches for DisabledArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let off = |&optimisation: &Optimisation| matches.get_flag(&DisabledArgs::flag(optimisation));
        Ok(DisabledArgs(Optimisation::ALL.into_iter().filter(off).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = DisabledArgs::from_arg_matches(matches)?;
        Ok(())
    }
}

fn parse_threads(text: &str) -> Result<usize, String> {
    const THREADS_MAX: usize = 64;
    text.parse().ok().filter(|&threads| threads <= THREADS_MAX).ok_or_else(|| format!("0 to {THREADS_MAX} threads"))
}

/// The default code budget as one would write it.
fn code_budget() -> String {
    format!("{}M", Options::default().code_budget_bytes >> 20)
}

fn parse_threshold(text: &str) -> Result<u32, String> {
    match parse_count(text)? {
        0 => Err("a block cannot be hot before it has been entered once: at least 1".to_owned()),
        count => u32::try_from(count).map_err(|_| format!("a threshold is at most {}", u32::MAX)),
    }
}

/// Whether one of these options, without its dashes, can have a value.
pub fn takes_value(option: &str, value: &str) -> bool {
    let command = EngineArgs::augment_args(clap::Command::new("rum"));
    command.try_get_matches_from(["rum", &format!("--{option}"), value]).is_ok()
}
