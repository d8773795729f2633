//! The programs of `umbin/` in compiled code: what they put out, how many instructions that takes, and that most of these are compiled.

use rum_interp::{Machine, MachineOptions, Scripted, Stop, decode_image};
use rum_jit::{EngineKind, Options, Vm};
use rum_testkit::programs::programs;

#[test]
fn compiled_each_is_as_listed() {
    for program in programs() {
        let bytes = std::fs::read(program.image_path()).expect("an image");
        let words = decode_image(&bytes).expect("an image");
        let input = program.input.clone().unwrap_or_default();
        let console = Box::new(Scripted::new(input.as_bytes()));
        let machine = Machine::new(&words, console, &MachineOptions::default()).expect("room");
        let options = Options { engine: EngineKind::Jit, compile_threads: 0, count: true, ..Options::default() };
        let mut vm = Vm::new(machine, &options).expect("an engine");
        assert!(matches!(vm.run(None), Stop::Halt), "{}", program.name);
        let put = &vm.console_mut::<Scripted>().expect("as it was given").output;
        assert_eq!(String::from_utf8_lossy(put), program.expected(), "{}", program.name);
        let stats = vm.stats();
        assert_eq!(stats.instructions, Some(program.instructions), "{}", program.name);
        let compiled = stats.instructions_compiled.expect("it counts");
        let is_long = program.instructions > 10_000_000;
        assert!(!is_long || compiled > program.instructions / 10 * 9, "{}: only {compiled} compiled", program.name);
    }
}
