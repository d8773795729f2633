//! The file of rules: which programs, which engines, what may move and by how much.
//!
//! Every rule has a reason, for whoever is stopped by it.

use crate::failure::{Failure, reason};
use crate::files;
use crate::measure::contender::{Contender, parse_command, rum_contender};
use crate::measure::program::Program;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What rules call the other binary of `gate compare`.
pub const BASE: &str = "base";

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the baseline is, from the folder of this file.
    pub baseline: PathBuf,
    /// Whether counters that cannot be compared, for want of valgrind or because the stored ones come from another host,
    /// leave the question open (exit status 2).
    #[serde(default)]
    pub host_required: bool,
    /// Rounds of a race at first.
    #[serde(default = "rounds_min")]
    pub rounds_min: u32,
    /// Rounds after which a race that has not settled is given up.
    #[serde(default = "rounds_max")]
    pub rounds_max: u32,
    /// The engines.
    #[serde(rename = "engine")]
    pub engines: Vec<Engine>,
    /// The programs.
    #[serde(rename = "program")]
    pub programs: Vec<Case>,
    /// The races.
    #[serde(rename = "race", default)]
    pub races: Vec<Race>,
    /// Rules on counters.
    #[serde(rename = "counter", default)]
    pub counters: Vec<CounterRule>,
    /// Rules on times.
    #[serde(rename = "ratio", default)]
    pub ratios: Vec<RatioRule>,
    /// The folder of the file, from which paths in it begin.
    #[serde(skip)]
    folder: PathBuf,
}

fn rounds_min() -> u32 {
    10
}

fn rounds_max() -> u32 {
    60
}

/// An engine: the rum that is measured with some arguments, or another command.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// The name that rules use.
    pub name: String,
    /// Arguments of rum.
    pub args: Option<Vec<String>>,
    /// A command in place of rum; `{}` is the image. A path to it begins at the folder of this file.
    pub command: Option<String>,
}

/// A program with its input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The name in reports.
    pub name: String,
    /// The image, from the folder of this file.
    pub image: PathBuf,
    /// The input for counters.
    #[serde(default)]
    pub input: String,
}

/// A program on which engines race.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Race {
    /// The program.
    pub program: String,
    /// Its input, where it is to work longer than for counters.
    pub input: Option<String>,
    /// Who runs, if not all engines: what keeps one busy for a while may keep another one for minutes.
    pub engines: Option<Vec<String>>,
}

/// Which way is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Worse {
    /// Growing.
    More,
    /// Shrinking.
    Less,
    /// Any change.
    Different,
}

/// What has to be the same for counters to be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DependsOn {
    /// Nothing: they are the same everywhere.
    #[default]
    Program,
    /// The kind of processor.
    Processor,
    /// Processor, system, valgrind, and for stored figures the compiler that made the engine.
    Host,
}

/// What some counters of an engine may do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterRule {
    /// The engine.
    pub engine: String,
    /// The counters; a name ending in `.*` means all of a group.
    pub counters: Vec<String>,
    /// Which way is worse.
    pub worse: Worse,
    /// How much, as a share of the baseline.
    #[serde(default)]
    pub tolerance: f64,
    /// How much besides, as it is counted.
    #[serde(default)]
    pub slack: f64,
    /// What the counters depend on besides the program. Host instructions always depend on the host.
    #[serde(default)]
    pub depends_on: DependsOn,
    /// Why these and so much.
    pub reason: String,
}

/// What time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Time {
    /// User and system.
    Cpu,
    /// On the clock, less what the main thread waited for a processor.
    Wall,
}

/// How long an engine may take, by another one in the same race.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatioRule {
    /// The engine.
    pub engine: String,
    /// Against whom: another engine, or `base`, the same engine of the other binary of `gate compare`.
    pub to: String,
    /// What counts.
    pub time: Time,
    /// For `base`: by how much it may take longer, as a share.
    pub tolerance: Option<f64>,
    /// For an engine: it may take at most so many times as long, on any machine.
    pub at_most: Option<f64>,
    /// Why.
    pub reason: String,
}

impl Config {
    /// Reads and checks the file. Paths in it are made to begin at its folder.
    ///
    /// # Errors
    /// It cannot be read, or says something that cannot be.
    pub fn read(path: &Path) -> Result<Config, Failure> {
        let text = files::text_of(path)
            .map_err(|error| Failure::host(format!("cannot read {}: {}", path.display(), reason(&error))))?;
        let wrong = |text: String| Failure::host(format!("{}: {text}", path.display()));
        let mut config = Config::parse(&text).map_err(wrong)?;
        config.folder = path.parent().unwrap_or(Path::new("")).to_owned();
        config.baseline = config.folder.join(&config.baseline);
        for case in &mut config.programs {
            case.image = config.folder.join(&case.image);
            if !case.image.is_file() {
                return Err(wrong(format!("there is no image {}", case.image.display())));
            }
        }
        Ok(config)
    }

    /// Reads and checks the text of a file, and looks for nothing that it names.
    ///
    /// # Errors
    /// It says something that cannot be; the text tells what.
    pub fn parse(text: &str) -> Result<Config, String> {
        let config: Config = toml::from_str(text).map_err(|error| error.to_string().trim().to_owned())?;
        config.check().map(|()| config)
    }

    fn check(&self) -> Result<(), String> {
        let engines = self.engines.iter().map(|engine| &engine.name);
        if let Some(name) = twice(engines).or(twice(self.programs.iter().map(|case| &case.name))) {
            return Err(format!("{name} is there twice"));
        }
        for engine in &self.engines {
            if let Some(command) = &engine.command {
                parse_command(command).map_err(|error| format!("{command:?} is not {error}"))?;
            }
            if engine.args.is_some() == engine.command.is_some() || engine.name == BASE {
                return Err(format!("engine {} needs a name other than base, and either args or command", engine.name));
            }
        }
        if self.programs.is_empty() || self.counters.is_empty() && self.ratios.is_empty() {
            return Err("without programs and rules nothing can be told".to_owned());
        }
        self.counters.iter().try_for_each(|rule| self.check_counter_rule(rule))?;
        self.ratios.iter().try_for_each(|rule| self.check_ratio_rule(rule))?;
        self.check_races()?;
        let reasons = self.counters.iter().map(|rule| &rule.reason).chain(self.ratios.iter().map(|rule| &rule.reason));
        if reasons.into_iter().any(|reason| reason.trim().is_empty()) {
            return Err("every rule needs a reason".to_owned());
        }
        if self.rounds_min < 3 || self.rounds_max / 2 < self.rounds_min {
            return Err("rounds_min is at least 3, and rounds_max at least twice that".to_owned());
        }
        Ok(())
    }

    fn is_engine(&self, name: &str) -> bool {
        self.engines.iter().any(|engine| engine.name == name)
    }

    fn check_counter_rule(&self, rule: &CounterRule) -> Result<(), String> {
        if !self.is_engine(&rule.engine) {
            return Err(format!("a rule is about engine {}, which there is not", rule.engine));
        }
        if rule.counters.is_empty() {
            return Err(format!("a rule about {} has no counters", rule.engine));
        }
        if !is_limit(rule.tolerance) || !is_limit(rule.slack) {
            return Err("a tolerance and a slack are numbers that are not negative".to_owned());
        }
        if rule.worse == Worse::Less && rule.tolerance >= 1.0 {
            // No counter is below 0.
            return Err(format!(
                "a rule about {} can never fail: nothing shrinks by more than all of it (tolerance {}, below 1 is meant)",
                rule.engine, rule.tolerance
            ));
        }
        Ok(())
    }

    fn check_ratio_rule(&self, rule: &RatioRule) -> Result<(), String> {
        let to_base = rule.to == BASE;
        if !self.is_engine(&rule.engine) || !to_base && !self.is_engine(&rule.to) {
            return Err(format!("a rule compares {} with {}, which there is not", rule.engine, rule.to));
        }
        if rule.engine == rule.to {
            return Err(format!("a rule compares {} with itself", rule.engine));
        }
        if to_base && self.is_command(&rule.engine) {
            return Err(format!("{} is a command: it is the same beside either binary, and has no base", rule.engine));
        }
        if to_base && (rule.tolerance.is_none() || rule.at_most.is_some()) {
            return Err("a rule against base needs a tolerance (and no at_most)".to_owned());
        }
        if ![rule.tolerance, rule.at_most].into_iter().flatten().all(is_limit) {
            return Err("a tolerance and at_most are numbers that are not negative".to_owned());
        }
        if !to_base && (rule.at_most.is_none() || rule.tolerance.is_some()) {
            return Err("a rule against another engine needs at_most (and no tolerance)".to_owned());
        }
        Ok(())
    }

    fn check_races(&self) -> Result<(), String> {
        for race in &self.races {
            if !self.programs.iter().any(|case| case.name == race.program) {
                return Err(format!("a race is on program {}, which there is not", race.program));
            }
            if let Some(name) = race.engines.iter().flatten().find(|name| !self.is_engine(name)) {
                return Err(format!("a race on {} is for engine {name}, which there is not", race.program));
            }
            if !self.ratios.iter().any(|rule| race.is_about(rule)) {
                return Err(format!("no rule on times compares who runs in a race on {}", race.program));
            }
        }
        if let Some(rule) = self.ratios.iter().find(|rule| !self.races.iter().any(|race| race.is_about(rule))) {
            return Err(format!("there is no race for the rule that compares {} with {}", rule.engine, rule.to));
        }
        Ok(())
    }

    /// Whether an engine is a command of its own.
    pub fn is_command(&self, name: &str) -> bool {
        self.engines.iter().any(|engine| engine.name == name && engine.command.is_some())
    }

    /// An engine's command line, with `rum` where it is one.
    ///
    /// # Errors
    /// The command has quotes that are not closed.
    pub fn contender(&self, name: &str, rum: &str) -> Result<Contender, Failure> {
        let engine = self.engines.iter().find(|engine| engine.name == name);
        let Some(engine) = engine else { return Err(Failure::host(format!("there is no engine {name}"))) };
        match (&engine.args, &engine.command) {
            (_, Some(command)) => {
                let other = parse_command(command).map_err(|error| Failure::host(format!("{command}: {error}")))?;
                let mut words = other.words;
                if words[0].contains('/') {
                    words[0] = self.folder.join(&words[0]).display().to_string();
                }
                Ok(Contender { name: name.to_owned(), words, is_rum: false })
            }
            (args, None) => Ok(rum_contender(name, rum, args.as_deref().unwrap_or_default())),
        }
    }
}

/// A name that comes twice.
fn twice<'a>(names: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    let mut seen = std::collections::HashSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

impl Case {
    /// The program with its input for counters, or another one.
    pub fn program(&self, input: Option<&str>) -> Program {
        Program {
            name: self.name.clone(),
            group: String::new(),
            image: self.image.clone(),
            input: input.unwrap_or(&self.input).as_bytes().to_vec(),
        }
    }
}

impl Race {
    /// The name in reports: with the input, where it is a short one of its own.
    pub fn name(&self) -> String {
        match self.input.as_deref().map(str::trim) {
            Some(input) if (1..=20).contains(&input.len()) && !input.contains('\n') => {
                format!("{} ({input})", self.program)
            }
            _ => self.program.clone(),
        }
    }

    /// Whether those whom `rule` compares both run.
    pub fn is_about(&self, rule: &RatioRule) -> bool {
        let runs = |name: &String| self.engines.as_ref().is_none_or(|engines| engines.contains(name));
        runs(&rule.engine) && (rule.to == BASE || runs(&rule.to))
    }
}

/// Whether a number can be a limit.
fn is_limit(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}
