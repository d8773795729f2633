//! The command `rum`.
use rum::{Machine, MachineOptions, Options, Stdio, Vm};
fn main() {
    let path = std::env::args().next_back().unwrap_or_default();
    let mut image = std::fs::File::open(path).expect("image");
    let m = Machine::from_reader(&mut image, Box::new(Stdio::new()), &MachineOptions::default()).expect("image");
    let mut vm = Vm::new(m, &Options::default()).expect("vm");
    let stop = vm.run(None);
    if !matches!(stop, rum::Stop::Halt) {
        eprintln!("{stop:?}");
    }
}
