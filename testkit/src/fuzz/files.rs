//! Files that are read: images, snapshots, caches of code.

use super::bytes::Bytes;
use crate::contenders::{JitContender, Tape, machine_options};
use rum_interp::image::byte_order_hint;
use rum_interp::{
    AddressSpace, Ids, ImageError, Machine, MachineOptions, SNAPSHOT_MAGIC, Scripted, SetupError, Snapshot,
    decode_image, encode_image,
};
use rum_jit::{Options, Vm};
use std::io::{self, Read};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Gives a few bytes at a time, and is interrupted now and then.
struct Dribble<'a> {
    bytes: &'a [u8],
    most: usize,
    reads: usize,
}

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        if self.reads.is_multiple_of(5) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let count = self.most.min(buffer.len()).min(self.bytes.len());
        self.bytes.read(&mut buffer[..count])
    }
}

/// An image, as a whole and piece by piece: how large pieces are (a byte), the image.
pub fn image(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let most = usize::from(bytes.byte()) + 1;
    let whole = decode_image(bytes.0);
    let mut source = Dribble { bytes: bytes.0, most, reads: 0 };
    let made = Machine::from_reader(&mut source, Box::new(Scripted::default()), &machine_options(true, Ids::default()));
    match (whole, made) {
        (Ok(words), Ok(machine)) => {
            assert_eq!(machine.segment(0), Some(&words[..]));
            assert_eq!(encode_image(&words), bytes.0);
            let _ = byte_order_hint(&words);
        }
        (Err(error), Err(SetupError::Image(other))) => {
            assert_eq!(error, other);
            assert!(!error.to_string().is_empty() && !matches!(error, ImageError::TooLarge { .. }));
        }
        (whole, made) => panic!("{:?} as a whole, {:?} in pieces", whole.map(drop), made.map(drop)),
    }
}

/// Bytes in front of a snapshot's stream: its first line and its version.
pub(super) const HEAD_BYTES: usize = SNAPSHOT_MAGIC.len() + 4;
/// Bytes in a frame, and in a page of it.
const FRAME_BYTES: usize = 1 << 20;
const PAGE_BYTES: usize = 1 << 12;

/// The machine whose snapshots are read.
pub(super) fn small_machine(ids: Ids) -> MachineOptions {
    let address_space = AddressSpace::Granules(1 << 20);
    MachineOptions { memory_bytes_max: 6 << 20, address_space, ids, ..MachineOptions::default() }
}

/// A snapshot of a machine that has just begun; its first bytes are those of every snapshot.
fn fresh(options: &MachineOptions) -> (Machine, Vec<u8>) {
    let mut machine = Machine::new(&[7 << 28], Box::new(Scripted::default()), options).expect("room");
    let mut saved = Vec::new();
    machine.save(&mut saved, b"").expect("a vector");
    (machine, saved)
}

/// A snapshot of any stream, with the checksums that it should have.
fn sealed(head: &[u8], stream: &[u8]) -> Vec<u8> {
    let mut saved = head.to_vec();
    for (number, frame) in stream.chunks(FRAME_BYTES).chain([&[][..]]).enumerate() {
        saved.extend((frame.len() as u32).to_le_bytes());
        saved.extend(xxh3_64_with_seed(frame, number as u64).to_le_bytes());
        let pages = frame.len().div_ceil(PAGE_BYTES);
        let bits = |first: usize| (0..8).filter(|bit| first + bit < pages).fold(0, |bits, bit| bits | 1u8 << bit);
        saved.extend((0..pages).step_by(8).map(bits));
        saved.extend(frame);
    }
    saved
}

/// The stream of a snapshot, of which only the checksums are left out.
pub(super) fn unsealed(mut saved: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut take = |count: usize| saved.split_off(..count).expect("a whole snapshot");
    loop {
        let len = u32::from_le_bytes(take(4).try_into().expect("four bytes")) as usize;
        take(8);
        if len == 0 {
            return stream;
        }
        let pages = len.div_ceil(PAGE_BYTES);
        let used = take(pages.div_ceil(8));
        let end = stream.len() + len;
        for page in 0..pages {
            let bytes = PAGE_BYTES.min(end - stream.len());
            match used[page / 8] >> (page % 8) & 1 {
                0 => stream.resize(stream.len() + bytes, 0),
                _ => stream.extend(take(bytes)),
            }
        }
    }
}

/// A snapshot, forged or as it is: which machine's (a byte), whether it is only a stream that is still to be sealed (a byte), the bytes.
pub fn snapshot(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let options = small_machine(bytes.ids());
    let (mut machine, begun) = fresh(&options);
    let forged = if bytes.byte() == 0 { sealed(&begun[..HEAD_BYTES], bytes.0) } else { bytes.0.to_vec() };
    let verified = Snapshot::open(&forged[..]).and_then(Snapshot::verify);
    let console = Tape::new(b"input");
    let made = Snapshot::open(&forged[..]).and_then(|snapshot| snapshot.into_machine(Box::new(console.0), &options));
    assert!(made.is_err() || verified.is_ok(), "what is damaged became a machine");
    let restored = machine.restore(&forged[..]).is_ok();
    if restored {
        // What it does then is its own affair, but it does no harm.
        let _ = machine.run(Some(2_000));
        let _ = machine.active_segments().count();
        machine.restore(&begun[..]).expect("its own snapshot");
    }
    let Ok(mut machine) = made else {
        assert!(!restored, "what was no machine became one");
        return;
    };
    let mut again = Vec::new();
    machine.save(&mut again, b"").expect("it has counted");
    let mut vm = Vm::new(machine, &Options { count: true, ..JitContender::eager() }).expect("an engine");
    let stop = vm.run(Some(2_000));
    let seen = format!("{stop:?}");
    let twin_console = Tape::new(b"input");
    let twin =
        Snapshot::open(&again[..]).and_then(|snapshot| snapshot.into_machine(Box::new(twin_console.0), &options));
    let mut twin = twin.expect("what was just saved");
    assert_eq!(format!("{:?}", twin.run(Some(2_000))), seen, "it goes on otherwise");
    twin.flush().and_then(|()| vm.flush()).expect("consoles in memory");
    assert_eq!(twin.registers(), vm.machine().registers());
    assert_eq!((twin.pc(), twin.executed()), (vm.machine().pc(), vm.machine().executed()));
    assert_eq!(twin_console.1.bytes(), console.1.bytes());
    assert!(twin.active_segments().eq(vm.machine().active_segments()));
}

/// A cache of code, forged or as it is: whether it is only what stands behind the checksum (a byte), the bytes. Nothing of it is
/// executed: who forges code gets what they wrote (`Vm::load_cache`).
pub fn cache(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let book = if bytes.byte() == 0 { rum_jit::cache_sealed(bytes.0) } else { bytes.0.to_vec() };
    let program: Vec<u32> = (0..64).collect();
    let _ = rum_jit::read_cache(&book, &program);
}
