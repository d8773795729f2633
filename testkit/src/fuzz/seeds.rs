//! What fuzzers begin with: files made of programs of our own.

use super::files::{self, HEAD_BYTES};
use crate::builder::{Builder, R1, R2, R3, R4, R5, R6, R7};
use crate::contenders::JitContender;
use crate::generate::{Profile, generate};
use crate::programs::{folder, programs};
use crate::rng::Rng;
use rum_interp::{Ids, Machine, Scripted, encode_image};
use rum_jit::{Options, Vm};
use std::fs;

/// Images and sources that are longer are no seeds: what is long is changed slowly.
const BYTES_MAX: u64 = 1_200;

/// A target, the name of a seed, and its bytes.
pub type Seed = (&'static str, String, Vec<u8>);

/// Something to begin with for each target of the kit.
///
/// # Panics
/// The programs in `umbin/` cannot be read.
pub fn seeds() -> Vec<Seed> {
    let images = programs().into_iter().filter_map(|program| {
        let image = fs::read(program.image_path()).expect("an image");
        ((image.len() as u64) < BYTES_MAX).then_some((program.name, image))
    });
    let mut seeds = Vec::new();
    for (number, (name, image)) in images.enumerate() {
        let mut add = |target, head: &[u8]| seeds.push((target, name.clone(), [head, &image].concat()));
        add("words", &[number as u8, number as u8, 0, 2, b'5', b'\n']);
        add("image", &[1 << (number % 8)]);
        add("disassembly", &[1, 0, 3, 4, b'f', b'u', b'n', b'c']);
    }
    let mut rng = Rng::new(0);
    for number in 0..12u8 {
        let choices = (0..u32::from(number) * 20).map(|_| rng.word() as u8);
        let bytes = [number * 5, number, number, 0, number].into_iter().chain(choices).collect();
        seeds.push(("generated", format!("seed-{number}"), bytes));
        let made =
            generate(u64::from(number), &Profile { executed: (100, 1_000), words: (4, 20), ..Profile::default() });
        let head = [number * 5, number, 0, 0];
        seeds.push(("words", format!("made-{number}"), [&head[..], &encode_image(&made.case.program)].concat()));
    }
    for entry in fs::read_dir(folder().join("src")).expect("sources").flatten() {
        let (name, text) = (entry.file_name().display().to_string(), fs::read(entry.path()).expect("a source"));
        if entry.metadata().is_ok_and(|data| data.len() < BYTES_MAX) {
            let dialect = if text.windows(6).any(|six| six == b".macro" || six == b".proc ") { 3 } else { 2 };
            seeds.push(("source", name, [&[dialect], &text[..]].concat()));
        }
    }
    seeds.extend(snapshots());
    seeds.push(("cache", "busy".to_owned(), [&[0], &cached()[rum_jit::cache_sealed(&[]).len()..]].concat()));
    seeds
}

/// Machines with segments of all sorts, after a while.
fn snapshots() -> impl Iterator<Item = Seed> {
    Ids::ALL.into_iter().enumerate().flat_map(|(number, ids)| {
        [3, 40, 150].map(|executed| {
            let options = files::small_machine(ids);
            let mut machine = Machine::new(&busy(), Box::new(Scripted::new(b"x")), &options).expect("room");
            let _ = machine.run(Some(executed));
            let mut saved = Vec::new();
            machine.save(&mut saved, b"note").expect("a vector");
            let stream = files::unsealed(&saved[HEAD_BYTES..]);
            let name = format!("{ids:?}-{executed}").to_lowercase();
            ("snapshot", name, [&[number as u8, 0], &stream[..]].concat())
        })
    })
}

/// What a run leaves for the next one.
fn cached() -> Vec<u8> {
    let machine =
        Machine::new(&busy(), Box::new(Scripted::new(b"x")), &files::small_machine(Ids::Mixed)).expect("room");
    let options = Options { cache: true, count: true, ..JitContender::eager() };
    let mut vm = Vm::new(machine, &options).expect("an engine");
    let _ = vm.run(Some(1_000));
    vm.save_cache().expect("something to keep")
}

/// A program that allocates, abandons and stores for ever, small segments and large ones; it reads, too.
fn busy() -> Vec<u32> {
    let mut b = Builder::new();
    b.literal(R7, 4);
    b.literal(R6, 1); // the first size
    b.literal(R5, 0);
    b.input(R4);
    // The jump leads here.
    b.alloc(R1, R6);
    b.add(R6, R6, R7);
    b.alloc(R2, R6);
    b.amend(R2, R5, R6);
    b.abandon(R1);
    b.index(R3, R2, R5);
    b.load_program(R5, R7);
    b.build()
}
