//! What safe code may do, however odd, ends well: run with AddressSanitizer by `scripts/sanitize`.

#![forbid(unsafe_code)]

use rum::{AddressSpace, EngineKind, Machine, MachineOptions, Options, Scripted, Stop, Vm, Word};
use rum_embedder::{machine, vm};
use rum_interp::engine::{Heat, Pause};
use rum_interp::memory::Memory;

/// Counts r1 up to 200,000, storing into a segment and allocating on the way, and puts out a byte.
const BUSY: [Word; 14] = [
    0xd403_0d40, // r2 := 200000
    0xd600_0004, // r3 := 4
    0x8000_0023, // r4 := map segment (r3 words)
    0xda00_0001, // r5 := 1
    0x3000_004d, // r1 := r1 + r5
    0x2000_0101, // m[r4][r0] := r1
    0x5000_018a, // r6 := r1 / r2
    0xde00_0004, // r7 := 4
    0xd600_000b, // r3 := 11
    0x0000_01de, // if (r6 != 0) r7 := r3
    0xc000_0007, // goto r7 in program m[r0]
    0xd200_0041, // r1 := 65
    0xa000_0001, // output r1
    0x7000_0000, // halt
];

#[test]
fn virtual_machines_can_change_places_while_they_run() {
    let (mut one, mut other) = (vm(&BUSY), vm(&BUSY[..11]));
    assert!(matches!(one.run(Some(100_000)), Stop::Budget));
    assert!(matches!(other.run(Some(30_000)), Stop::Budget));
    std::mem::swap(&mut one, &mut other);
    assert!(matches!(other.run(None), Stop::Halt));
    assert!(matches!(one.run(None), Stop::Fault(_)), "it runs out of its program");
    assert_eq!(other.machine().console::<Scripted>().expect("a script").output, b"A");
    assert!(other.stats().enters > 0, "compiled code ran");
}

#[test]
fn a_machine_can_get_another_engine() {
    let mut first = vm(&BUSY);
    assert!(matches!(first.run(Some(100_000)), Stop::Budget));
    let mut machine = first.into_machine();
    assert!(matches!(machine.run(Some(10_000)), Stop::Budget));
    let options = Options { engine: EngineKind::Jit, hot_threshold: 1, compile_threads: 1, ..Options::default() };
    let mut second = Vm::new(machine, &options).expect("an engine");
    assert!(matches!(second.run(None), Stop::Halt));
    assert_eq!(second.into_machine().into_console().expect("memory").write(b"").ok(), Some(()));
}

#[test]
fn a_hot_word_without_an_engine_is_only_told() {
    let mut machine = machine(&BUSY);
    let mut pauses = 0;
    while let Pause::Hot { from } = machine.run_until_hot(u64::MAX, 1) {
        assert_eq!((from, machine.pc()), (10, 4));
        pauses += 1;
        if pauses == 3 {
            break;
        }
        assert!(machine.step().is_ok());
    }
    assert!(matches!(machine.state().heat().get(4), Heat::Counting(count) if count >= 1));
    assert_eq!(machine.state().heat().get(u32::MAX), Heat::Counting(0), "no program has that word");
    assert!(matches!(machine.run(None), Stop::Halt));
}

#[test]
fn memory_alone_keeps_its_bounds() {
    for space in [AddressSpace::Auto, AddressSpace::Granules(1 << 20)] {
        let options = MachineOptions { memory_bytes_max: 1 << 24, address_space: space, ..MachineOptions::default() };
        let memory = || Memory::new(&options.memory()).expect("room");
        let (mut one, mut other) = (memory(), memory());
        let id = one.alloc(10).expect("room");
        std::mem::swap(&mut one, &mut other);
        assert!(!one.store(id, 0, 1) && other.store(id, 9, 1) && !other.store(id, 10, 1));
        other.load_program(id).expect("room");
        other.load_program(0).expect("segment 0 itself");
        assert_eq!(other.program(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        drop(one);
        assert_eq!(other.load(id, 9), Some(1));
    }
}

#[test]
fn options_at_their_ends() {
    for options in [
        MachineOptions { memory_bytes_max: 0, ..MachineOptions::default() },
        MachineOptions { address_space: AddressSpace::Granules(0), ..MachineOptions::default() },
        MachineOptions {
            address_space: AddressSpace::Granules(1 << 21),
            output_bytes_max: Some(0),
            ..MachineOptions::default()
        },
    ] {
        let Ok(machine) = Machine::new(&BUSY, Box::new(Scripted::default()), &options) else { continue };
        let options = Options { hot_threshold: 0, code_budget_bytes: 0, compile_threads: 0, ..Options::default() };
        let stop = Vm::new(machine, &options).expect("an engine").run(None);
        assert!(!matches!(stop, Stop::Fault(_)), "{stop}");
    }
}
