//! The library's face: machines to embed, feed, run for a while, look at, and run on.

use crate::support::*;
use rum::{
    Console, EngineKind, Fault, FaultKind, Machine, MachineOptions, Options, PollHandle, Scripted, Stop, Vm, Word,
};
use std::collections::VecDeque;
use std::io;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A console whose output can be seen while the machine owns it.
#[derive(Clone, Default)]
struct Wire {
    input: Arc<Mutex<VecDeque<u8>>>,
    output: Arc<Mutex<Vec<u8>>>,
}

impl Console for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.lock().expect("one thread").extend_from_slice(bytes);
        Ok(())
    }

    fn read(&mut self) -> io::Result<Option<u8>> {
        match self.input.lock().expect("one thread").pop_front() {
            Some(byte) => Ok(Some(byte)),
            // Nothing yet: give control back, and try the same instruction again later.
            None => Err(io::ErrorKind::Interrupted.into()),
        }
    }
}

fn machine(program: &[Word], console: impl Console + 'static) -> Vm {
    let machine = Machine::new(program, Box::new(console), &MachineOptions::default()).expect("a machine");
    Vm::new(machine, &Options { count: true, ..Options::default() }).expect("an engine")
}

#[test]
fn a_program_can_be_fed_bit_by_bit() {
    let wire = Wire::default();
    let mut vm = machine(&[input(1), output(1), lit(2, 0), load_program(6, 2)], wire.clone());
    for byte in *b"abc" {
        assert!(matches!(vm.run(None), Stop::Interrupted), "it waits for input");
        assert_eq!(vm.machine().pc(), 0, "before the input instruction");
        wire.input.lock().expect("one thread").push_back(byte);
    }
    assert!(matches!(vm.run(None), Stop::Interrupted));
    assert_eq!(*wire.output.lock().expect("one thread"), b"abc");
    assert_eq!(vm.machine().executed(), Some(12));
}

#[test]
fn a_run_in_pieces_is_the_same_run() {
    let program = rum::decode_image(&std::fs::read(root().join("umbin/stress.um")).expect("ours")).expect("an image");
    let options = MachineOptions::default();
    let ends: Vec<_> = [u64::MAX, 10_000_019, 1_000_003]
        .into_iter()
        .map(|piece| {
            let wire = Wire::default();
            wire.input.lock().expect("one thread").extend(*b"2\n");
            let machine = Machine::new(&program, Box::new(wire.clone()), &options).expect("a machine");
            let mut vm = Vm::new(machine, &Options { count: true, ..Options::default() }).expect("an engine");
            let mut before = 0;
            loop {
                match vm.run(Some(piece)) {
                    Stop::Budget => assert_eq!(vm.machine().executed(), Some(before + piece)),
                    Stop::Halt => break,
                    stop => panic!("{stop:?}"),
                }
                before = vm.machine().executed().expect("counted");
            }
            let output = wire.output.lock().expect("one thread").clone();
            (vm.machine().registers(), vm.machine().pc(), vm.machine().executed(), output)
        })
        .collect();
    assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{ends:?}");
}

#[test]
fn state_can_be_looked_at() {
    let mut vm = machine(&[lit(1, 3), alloc(2, 1), lit(3, 7), amend(2, 0, 3), halt()], Scripted::default());
    assert!(matches!(vm.run(Some(3)), Stop::Budget));
    let id = vm.machine().registers()[2];
    assert_eq!((vm.machine().pc(), vm.machine().segment(id)), (3, Some(&[0, 0, 0][..])));
    assert!(matches!(vm.run(None), Stop::Halt));
    assert_eq!(vm.machine().segment(id), Some(&[7, 0, 0][..]));
    assert_eq!(vm.machine().active_segments().collect::<Vec<_>>(), [(id, 3)]);
    assert_eq!(vm.machine().segment(id.wrapping_add(1)), None);
    assert_eq!(vm.stats().instructions, Some(5));
}

#[test]
fn a_fault_is_a_value() {
    let program = [lit(1, 9), div(2, 1, 3)];
    let mut vm = machine(&program, Scripted::default());
    let registers = [0, 9, 0, 0, 0, 0, 0, 0];
    let expected = Fault { kind: FaultKind::DivisionByZero { dividend: 9 }, pc: 1, word: Some(program[1]), registers };
    for _ in 0..2 {
        // It has had no effect: trying again gives the same.
        match vm.run(None) {
            Stop::Fault(fault) => assert_eq!(fault, expected),
            stop => panic!("{stop:?}"),
        }
        assert_eq!((vm.machine().executed(), vm.machine().pc()), (Some(1), 1));
    }
}

#[test]
fn another_thread_can_ask_for_control() {
    let (sender, receiver) = mpsc::channel::<PollHandle>();
    let asker = std::thread::spawn(move || {
        let handle = receiver.recv().expect("a handle");
        std::thread::sleep(Duration::from_millis(50));
        handle.interrupt();
    });
    let mut vm = machine(&spin(0), Scripted::default());
    sender.send(vm.machine().poll_handle()).expect("somebody waits");
    assert!(matches!(vm.run(None), Stop::Interrupted));
    asker.join().expect("it only asks");
    let before = vm.machine().executed().expect("counted");
    assert!(before > 0);
    assert!(matches!(vm.run(Some(10)), Stop::Budget), "it goes on");
    assert_eq!(vm.machine().executed(), Some(before + 10));
}

#[test]
fn several_machines_live_side_by_side() {
    let threads: Vec<_> = (0..4u8)
        .map(|number| {
            std::thread::spawn(move || {
                let wire = Wire::default();
                let text = format!("machine {number}");
                let mut vm = machine(&[print(&text), vec![halt()]].concat(), wire.clone());
                assert!(matches!(vm.run(None), Stop::Halt));
                assert_eq!(*wire.output.lock().expect("done"), text.as_bytes());
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
}

#[test]
fn a_console_that_fails_stops_the_machine() {
    struct Broken;
    impl Console for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<()> {
            Err(io::Error::other("no paper"))
        }

        fn read(&mut self) -> io::Result<Option<u8>> {
            Err(io::Error::other("no keyboard"))
        }
    }
    let stop = machine(&[input(1), halt()], Broken).run(None);
    assert!(matches!(&stop, Stop::Console(error) if error.to_string() == "no keyboard"), "{stop:?}");
    let stop = machine(&[print("x"), vec![halt()]].concat(), Broken).run(None);
    assert!(matches!(&stop, Stop::Console(error) if error.to_string() == "no paper"), "{stop:?}");
}

/// Where nothing counts, no number is given: a wrong one would be believed.
#[test]
fn what_was_not_counted_is_not_told() {
    let program = rum::decode_image(&std::fs::read(root().join("umbin/fib.um")).expect("ours")).expect("an image");
    let run = |engine, count| {
        let console = Box::new(Scripted::new(b"25\n"));
        let machine = Machine::new(&program, console, &MachineOptions::default()).expect("a machine");
        let options = Options { engine, count, compile_threads: 0, ..Options::default() };
        let mut vm = Vm::new(machine, &options).expect("an engine");
        assert!(matches!(vm.run(None), Stop::Halt));
        let stats = vm.stats();
        assert!(stats.enters > 0 || engine == EngineKind::Interp, "code was executed");
        (vm.machine().executed(), stats.instructions, stats.instructions_compiled)
    };
    let (executed, all, compiled) = run(EngineKind::Interp, false);
    assert!(executed.is_some_and(|executed| executed > 1_000_000));
    assert_eq!((all, compiled), (executed, Some(0)), "the interpreter always counts");
    let counted = run(EngineKind::Jit, true);
    assert_eq!((counted.0, counted.1), (executed, executed));
    assert!(counted.2 > executed.map(|executed| executed / 2));
    assert_eq!(run(EngineKind::Jit, false), (None, None, None));
}

#[test]
fn time_is_limited_in_compiled_loops_too() {
    for engine in [EngineKind::Interp, EngineKind::Jit] {
        let program = [lit(2, 0), load_program(6, 2)];
        let machine =
            Machine::new(&program, Box::new(Scripted::default()), &MachineOptions::default()).expect("a machine");
        let mut vm = Vm::new(machine, &Options { engine, ..Options::default() }).expect("an engine");
        for _ in 0..3 {
            let stop = vm.run_for(Duration::from_millis(20), None).expect("a thread");
            assert!(matches!(stop, Stop::TimeUp), "{engine:?}: {stop}");
        }
        assert_eq!(vm.stats().enters > 0, engine == EngineKind::Jit);
        let stop = vm.run_for(Duration::from_secs(3600), Some(10)).expect("a thread");
        assert!(matches!(stop, Stop::Budget), "{engine:?}: {stop}");
    }
}

#[test]
fn output_is_limited_in_compiled_loops_too() {
    for (engine, max) in
        [EngineKind::Interp, EngineKind::Jit].into_iter().flat_map(|engine| [(engine, 70_001), (engine, 5)])
    {
        let program = [lit(1, 65), output(1), lit(2, 0), load_program(6, 2)];
        let options = MachineOptions { output_bytes_max: Some(max), ..MachineOptions::default() };
        let machine = Machine::new(&program, Box::new(Scripted::default()), &options).expect("a machine");
        let options = Options { engine, compile_threads: 0, hot_threshold: 2, count: true, ..Options::default() };
        let mut vm = Vm::new(machine, &options).expect("an engine");
        for _ in 0..2 {
            let stop = vm.run(None);
            assert!(matches!(stop, Stop::OutputLimit { bytes_max } if bytes_max == max), "{engine:?}: {stop}");
            assert_eq!((vm.machine().pc(), vm.machine().executed()), (1, Some(4 * max + 1)));
        }
        let script: &Scripted = vm.machine().console().expect("the console that was given");
        assert!(script.output.len() as u64 == max && script.output.iter().all(|&byte| byte == b'A'));
    }
}

#[test]
fn stops_have_words() {
    let mut vm = machine(&[lit(1, 9), div(2, 1, 3)], Scripted::default());
    let stop = vm.run(None);
    assert_eq!(stop.to_string(), "division of 9 by 0 at pc 1: r2 := r1 / r3");
    assert_eq!(Stop::OutputLimit { bytes_max: 1 }.to_string(), "output limit of 1 byte reached");
}

/// A panic of the compiler, on its thread or not, costs a region and is told; the program goes on.
#[test]
fn a_compiler_that_panics_is_survived_and_told() {
    let program = rum::decode_image(&std::fs::read(root().join("umbin/stress.um")).expect("ours")).expect("an image");
    let run = |options: Options| {
        let console = Box::new(Scripted::new(b"2\n"));
        let machine = Machine::new(&program, console, &MachineOptions::default()).expect("a machine");
        let mut vm = Vm::new(machine, &options).expect("an engine");
        let stop = vm.run(None);
        assert!(matches!(stop, Stop::Halt), "{stop}");
        let output = vm.machine().console::<Scripted>().expect("a script").output.clone();
        ((vm.machine().registers(), output), vm.stats())
    };
    let (expected, _) = run(Options { engine: EngineKind::Interp, ..Options::default() });
    for (threads, every) in [(0, 1), (0, 3), (1, 1), (1, 3)] {
        let (end, stats) = run(Options {
            engine: EngineKind::Jit,
            compile_threads: threads,
            hot_threshold: 10,
            compiler_panics_every: Some(every),
            ..Options::default()
        });
        assert_eq!(end, expected);
        assert!(stats.compiler_failures["defect"] > 0, "{stats:?}");
        assert!(stats.regions_rejected >= stats.compiler_failures["defect"], "{stats:?}");
        assert_eq!(stats.regions_published > 0, every > 1, "the others are compiled: {stats:?}");
        assert_eq!(stats.compiler_failures["thread"], 0, "the thread goes on");
    }
}
