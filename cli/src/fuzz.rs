//! What the targets of `fuzz/` call of the command: bytes in, and a panic if something is wrong with what comes of them.
//!
//! Those of the machine, the engines and the assembler are in the test kit.

pub use crate::debug::fuzz::{commands, protocol};
pub use crate::gate::fuzz::rules;

use crate::session::recording::{Recording, Replayed};
use crate::session::save::Note;
use crate::symbols::{Places, Source};
use rum::{AddressSpace, Machine, MachineOptions, Scripted, Snapshot, image::RECORDING_MAGIC};
use rum_asm::{DisasmOptions, Symbols, disassemble};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What is expected of a program (`rum test`).
pub fn expectations(bytes: &[u8]) {
    let _ = crate::test::Expects::parse(&String::from_utf8_lossy(bytes));
}

/// A symbols file, asked for everything that it can be asked for: a name and the file, apart by a 0.
pub fn symbols(bytes: &[u8]) {
    let at = bytes.iter().position(|&byte| byte == 0).unwrap_or(0);
    let (name, text) = bytes.split_at(at);
    let name = String::from_utf8_lossy(name);
    let Ok(symbols) = Symbols::from_json(text.strip_prefix(b"\0").unwrap_or(text)) else { return };
    let words = symbols.words as usize;
    let places = Places::new(&Source::Given(symbols.clone()), words);
    let some = (0..20).chain(symbols.words.saturating_sub(2)..=symbols.words).chain([u32::MAX]);
    for pc in some {
        let _ = (places.at(pc), places.line(pc), places.label(pc));
        assert!(places.label_before(pc).is_none_or(|(_, words)| words <= pc));
    }
    if let Ok(offset) = places.offset_of(&name, words) {
        assert!((offset as usize) < words);
    }
    let _ = places.word_of_line(&name, 1);
    if words < 1 << 10 {
        let program: Vec<u32> = (0..symbols.words).map(|at| 0xd200_0000 | at).collect();
        disassemble(&program, Some(&symbols), &DisasmOptions::default(), &mut std::io::sink()).expect("a sink");
    }
}

/// A recording, forged or as it is: whether it is only parts that are still to get their checksums (a byte), the bytes. Such a part is
/// its kind (a byte), its length (2 bytes), and what it has.
pub fn recording(bytes: &[u8]) {
    let Some((&form, bytes)) = bytes.split_first() else { return };
    let forged = if form == 0 { sealed(bytes) } else { bytes.to_vec() };
    let Ok(recording) = Recording::read(&forged[..]) else { return };
    let Ok(snapshot) = Snapshot::open(&recording.start[..]) else { return };
    let _ = Note::of(&snapshot.about().note);
    let console = Replayed::new(&recording, Box::new(Scripted::default()));
    let options = MachineOptions { address_space: AddressSpace::Granules(1 << 20), ..MachineOptions::default() };
    if let Ok(mut machine) = snapshot.into_machine(Box::new(console), &options) {
        let _ = machine.run(Some(2_000));
        let _ = machine.flush();
    }
}

/// The recording of a run: first the snapshot of a machine that puts out what it reads, then what else is recorded.
fn sealed(mut parts: &[u8]) -> Vec<u8> {
    let mut all = [&RECORDING_MAGIC[..], &1u32.to_le_bytes()].concat();
    let mut add = |number: u64, kind: u8, bytes: &[u8]| {
        all.push(kind);
        all.extend((bytes.len() as u64).to_le_bytes());
        all.extend(xxh3_64_with_seed(bytes, number << 8 | u64::from(kind)).to_le_bytes());
        all.extend(bytes);
    };
    add(0, 0, &echo());
    for number in 1.. {
        let &[kind, high, low, ref rest @ ..] = parts else { break };
        let (bytes, rest) = rest.split_at(usize::from(u16::from_be_bytes([high, low])).min(rest.len()));
        add(number, kind, bytes);
        parts = rest;
    }
    all
}

/// The snapshot of a machine that puts out what it reads.
fn echo() -> Vec<u8> {
    let program = [0xb000_0001, 0xa000_0001, 0xc000_0000];
    let options = MachineOptions {
        memory_bytes_max: 1 << 20,
        address_space: AddressSpace::Granules(1 << 20),
        ..MachineOptions::default()
    };
    let mut machine = Machine::new(&program, Box::new(Scripted::default()), &options).expect("room");
    let mut saved = Vec::new();
    machine.save(&mut saved, b"{}").expect("a vector");
    saved
}
