//! The command `rum`.
use rum::{EngineKind, Machine, MachineOptions, Optimisation, Options, Stdio, Vm};
fn env(n: &str) -> Option<u64> {
    std::env::var(n).ok()?.parse().ok()
}
fn main() {
    let path = std::env::args().next_back().unwrap_or_default();
    let mut image = std::fs::File::open(path).expect("image");
    let m = Machine::from_reader(&mut image, Box::new(Stdio::new()), &MachineOptions::default()).expect("image");
    let mut o = Options::default();
    if std::env::args().any(|a| a == "interp") {
        o.engine = EngineKind::Interp;
    }
    if let Some(t) = env("T") {
        o.hot_threshold = t as u32;
    }
    if let Some(t) = env("THREADS") {
        o.compile_threads = t as usize;
    }
    if let Some(t) = env("BUDGET") {
        o.code_budget_bytes = t as usize;
    }
    o.count = env("COUNT").is_some();
    o.force_exit_every = env("FORCE");
    o.disabled =
        Optimisation::ALL.into_iter().filter(|p| std::env::args().any(|a| a == format!("--no-{}", p.name()))).collect();
    let t0 = std::time::Instant::now();
    let mut vm = Vm::new(m, &o).expect("vm");
    let stop = vm.run(None);
    if !matches!(stop, rum::Stop::Halt) {
        eprintln!("{stop:?}");
    }
    if env("STATS").is_some() {
        eprintln!("{:#?} {:?}", vm.stats(), t0.elapsed());
    }
}
