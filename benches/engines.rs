//! Benchmarks of parts: `cargo bench -p rum-cli`, or `cargo bench -p rum-cli -- jit/translate` for some. Whole programs are
//! better compared with `rum bench`, which runs processes in turn.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rum::isa::{Instruction, Reg};
use rum::{EngineKind, Machine, MachineOptions, Options, Scripted, Stop, Vm, Word, decode_image};
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

fn r(number: u32) -> Reg {
    Reg::from_bits(number)
}

fn machine(program: &[Word], input: &[u8]) -> Machine {
    let options = MachineOptions::default();
    Machine::new(program, Box::new(Scripted::new(input)), &options).expect("memory for a machine")
}

/// Sets up registers, then repeats `body` for ever: r1 = 1, r2 = 2, r3 a segment of 16 words, r6 = 0, r7 the loop.
fn endless(body: &[Instruction]) -> Vec<Word> {
    let literal = |a, value| Instruction::Literal { a: r(a), value };
    let mut program = vec![literal(4, 16), Instruction::Alloc { b: r(3), c: r(4) }, literal(1, 1), literal(2, 2)];
    program.extend([literal(6, 0), literal(7, 6)]);
    program.extend_from_slice(body);
    program.push(Instruction::LoadProgram { b: r(6), c: r(7) });
    program.into_iter().map(Instruction::encode).collect()
}

/// What one instruction of each kind costs the interpreter, in blocks of 63 and a jump.
fn dispatch(c: &mut Criterion) {
    const COUNT: u64 = 1_000_000;
    let (a, b, d) = (r(4), r(1), r(2));
    let kinds = [
        ("literal", Instruction::Literal { a, value: 7 }),
        ("add", Instruction::Add { a, b, c: d }),
        ("mul", Instruction::Mul { a, b, c: d }),
        ("div", Instruction::Div { a, b, c: d }),
        ("nand", Instruction::Nand { a, b, c: d }),
        ("cond_move", Instruction::CondMove { a, b, c: d }),
        ("index", Instruction::Index { a, b: r(3), c: b }),
        ("amend", Instruction::Amend { a: r(3), b, c: d }),
    ];
    let mut group = c.benchmark_group("interp/dispatch");
    group.throughput(Throughput::Elements(COUNT));
    let mut measure = |name: &str, body: &[Instruction]| {
        let program = endless(body);
        group.bench_function(name, |bencher| {
            let mut machine = machine(&program, &[]);
            bencher.iter(|| assert!(matches!(machine.run(Some(COUNT)), Stop::Budget)));
        });
    };
    for (name, instruction) in kinds {
        measure(name, &[instruction; 63]);
    }
    measure("jump", &[]);
    let all = kinds.map(|(_, instruction)| instruction);
    measure("all", &all.repeat(8));
    group.finish();
}

/// A segment made and abandoned, again and again.
fn alloc_abandon(c: &mut Criterion) {
    const PAIRS: u64 = 100_000;
    let pair = [Instruction::Alloc { b: r(5), c: r(4) }, Instruction::Abandon { c: r(5) }];
    let program = endless(&pair.repeat(50));
    let mut group = c.benchmark_group("interp");
    group.throughput(Throughput::Elements(PAIRS));
    group.bench_function("alloc_abandon", |bencher| {
        let mut machine = machine(&program, &[]);
        bencher.iter(|| assert!(matches!(machine.run(Some(PAIRS / 50 * 101)), Stop::Budget)));
    });
    group.finish();
}

fn at_once() -> Options {
    Options { engine: EngineKind::Jit, hot_threshold: 1, compile_threads: 0, ..Options::default() }
}

/// Time spent compiling a loop of so many instructions; nothing else is timed.
fn translate(c: &mut Criterion) {
    let mut group = c.benchmark_group("jit/translate");
    for size in [16u32, 128, 1024] {
        let body: Vec<Instruction> = (0..size)
            .map(|i| match i % 4 {
                0 => Instruction::Index { a: r(4), b: r(3), c: r(1) },
                1 => Instruction::Add { a: r(4), b: r(4), c: r(2) },
                2 => Instruction::Nand { a: r(5), b: r(4), c: r(5) },
                _ => Instruction::Amend { a: r(3), b: r(1), c: r(5) },
            })
            .collect();
        let program = endless(&body);
        group.throughput(Throughput::Elements(size.into()));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_custom(|times| {
                let mut ns = 0;
                for _ in 0..times {
                    let mut vm = Vm::new(machine(&program, &[]), &at_once()).expect("a JIT");
                    assert!(matches!(vm.run(Some(u64::from(size) * 40)), Stop::Budget));
                    let stats = vm.stats();
                    assert!(stats.regions_published > 0, "nothing was compiled");
                    ns += stats.compile_ns / stats.regions_published;
                }
                Duration::from_nanos(ns)
            });
        });
    }
    group.finish();
}

/// What it costs to leave compiled code at a check, to interpret what is there, and to come back.
fn enter_exit(c: &mut Criterion) {
    const ROUNDS: u64 = 10_000;
    let program = endless(&[Instruction::Index { a: r(4), b: r(3), c: r(1) }; 3]);
    let mut group = c.benchmark_group("jit");
    group.throughput(Throughput::Elements(ROUNDS));
    group.bench_function("enter_exit", |bencher| {
        let options = Options { force_exit_every: Some(1), count: true, ..at_once() };
        let mut vm = Vm::new(machine(&program, &[]), &options).expect("a JIT");
        assert!(matches!(vm.run(Some(100_000)), Stop::Budget));
        let before = vm.stats().enters;
        bencher.iter(|| assert!(matches!(vm.run(Some(ROUNDS * 4)), Stop::Budget)));
        assert!(vm.stats().enters > before, "compiled code is not left");
    });
    group.finish();
}

/// Whole programs, in this process: small inputs, so compiling is a large part of it.
fn run(c: &mut Criterion) {
    let umbin = Path::new(env!("CARGO_MANIFEST_DIR")).join("../umbin");
    for (name, input) in [("fib", "20"), ("sort", "5000"), ("list", "5000"), ("closure", "10000"), ("strhash", "1000")]
    {
        let bytes = std::fs::read(umbin.join(format!("{name}.um"))).expect("an image");
        let program = decode_image(&bytes).expect("an image");
        let mut group = c.benchmark_group(format!("run/{name}"));
        for (engine, kind) in [("interp", EngineKind::Interp), ("jit", EngineKind::Jit)] {
            let options = Options { engine: kind, ..Options::default() };
            group.bench_function(engine, |bencher| {
                let setup = || Vm::new(machine(&program, input.as_bytes()), &options).expect("an engine");
                let routine = |mut vm: Vm| {
                    assert!(matches!(vm.run(None), Stop::Halt));
                    black_box(vm)
                };
                bencher.iter_batched(setup, routine, BatchSize::PerIteration);
            });
        }
        group.finish();
    }
}

#[allow(missing_docs)] // What the macro makes has no place for them.
mod group {
    use super::*;

    criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = dispatch, alloc_abandon, translate, enter_exit, run
    }
}
criterion_main!(group::benches);
