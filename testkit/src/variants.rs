//! Every way of using the engine with compiled code, as contenders.

use crate::contenders::{Drive, JitContender};
use rum_interp::MachineOptions;
use rum_jit::{EngineKind, Optimisation, Options};

impl JitContender {
    /// Synchronous compilation at the first round: the options that the variants below start from.
    pub fn eager() -> Options {
        Options { engine: EngineKind::Jit, hot_threshold: 1, compile_threads: 0, ..Options::default() }
    }

    /// Blocks of the baseline tier at the first round, and nothing else.
    pub fn blocks() -> Options {
        Options { hot_threshold: u32::MAX, baseline_threshold: 1, ..JitContender::eager() }
    }

    /// Every way of using the engine: thresholds, each optimisation off and all of them, a tiny budget of code, exits
    /// forced at every check and at some, with a compile thread, in pieces, and switching engines.
    pub fn all(machine: &dyn Fn() -> MachineOptions) -> Vec<JitContender> {
        let eager = JitContender::eager;
        let every: Vec<Optimisation> = Optimisation::ALL.to_vec();
        let threaded = Options { compile_threads: 1, ..eager() };
        let default_threshold = Options { hot_threshold: Options::default().hot_threshold, ..eager() };
        let mut variants = vec![
            ("jit".to_string(), Drive::Whole, eager()),
            ("jit, default threshold".into(), Drive::Whole, default_threshold),
            ("jit, threshold 20".into(), Drive::Whole, Options { hot_threshold: 20, ..eager() }),
            ("jit, compile thread".into(), Drive::Whole, threaded.clone()),
            ("jit, compile thread, in pieces".into(), Drive::Waiting, threaded.clone()),
            ("jit, tiny code budget".into(), Drive::Whole, Options { code_budget_bytes: 4 << 10, ..eager() }),
            ("jit, nothing optimised".into(), Drive::Whole, Options { disabled: every, ..eager() }),
            ("jit, in pieces".into(), Drive::Pieces, eager()),
            ("jit, switching".into(), Drive::Switching, eager()),
            ("jit, interrupted".into(), Drive::Interrupted, eager()),
            ("jit, not counting".into(), Drive::Uncounted, eager()),
        ];
        for nth in [1, 2, 7] {
            let options = Options { force_exit_every: Some(nth), ..eager() };
            variants.push((format!("jit, exit at every {nth}. check"), Drive::Whole, options));
            let options = Options { force_exit_every: Some(nth), ..JitContender::blocks() };
            variants.push((format!("blocks, exit at every {nth}. check"), Drive::Whole, options));
        }
        for threshold in [3, 10] {
            let options = Options { hot_threshold: threshold, ..JitContender::blocks() };
            variants.push((format!("blocks, hot after {threshold}"), Drive::Whole, options));
        }
        for (name, drive) in [
            ("blocks", Drive::Whole),
            ("blocks, in pieces", Drive::Pieces),
            ("blocks, switching", Drive::Switching),
            ("blocks, interrupted", Drive::Interrupted),
            ("blocks, not counting", Drive::Uncounted),
        ] {
            variants.push((name.into(), drive, JitContender::blocks()));
        }
        // Each starts from what a run of the same kind has left.
        let kept = |options: Options| Options { cache: true, ..options };
        let exits = Options { force_exit_every: Some(2), ..eager() };
        for (name, drive, options) in [
            ("second run", Drive::Whole, eager()),
            ("second run, compile thread", Drive::Waiting, threaded),
            ("second run, threshold 20", Drive::Whole, Options { hot_threshold: 20, ..eager() }),
            ("second run, not counting", Drive::Uncounted, eager()),
            ("second run, exit at every 2. check", Drive::Whole, exits),
            ("second run, blocks", Drive::Switching, JitContender::blocks()),
            ("second run, blocks, hot after 4", Drive::Whole, Options { hot_threshold: 4, ..JitContender::blocks() }),
        ] {
            variants.push((name.into(), drive, kept(options)));
        }
        // Without counting, a window of checks with the same exit reaches over many blocks.
        for nth in [2, 3, 5] {
            let options = Options { force_exit_every: Some(nth), ..eager() };
            variants.push((format!("jit, not counting, exit at every {nth}. check"), Drive::Uncounted, options));
        }
        for optimisation in Optimisation::ALL {
            let options = Options { disabled: vec![optimisation], ..eager() };
            variants.push((format!("jit, no {}", optimisation.name()), Drive::Whole, options));
        }
        variants.into_iter().map(|(name, drive, jit)| JitContender::new(&name, drive, jit, machine())).collect()
    }
}
