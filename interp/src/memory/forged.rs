//! Memories written by somebody who means harm: refused, and no harm done where they were read into.

use super::*;
use crate::pack::{Packer, SnapshotError, Unpacker};

fn memory(ids: Ids) -> Memory {
    let space = AddressSpace::Granules(GRANULES_MIN);
    Memory::new(&MemoryOptions { limit_bytes: 6 << 20, space, ids, named_allocs: NAMED_ALLOCS }).expect("address space")
}

/// What is written of a memory.
fn stream(memory: &Memory) -> Vec<u8> {
    let mut saved = Vec::new();
    let mut packer = Packer::new(&mut saved);
    memory.save(&mut packer).expect("a vector");
    packer.finish().expect("a vector");
    let (mut from, mut bytes, mut byte) = (Unpacker::new(&saved[..]), Vec::new(), [0]);
    while from.bytes(&mut byte).is_ok() {
        bytes.push(byte[0]);
    }
    bytes
}

/// Reads what somebody has written, with the right checksums.
fn read(memory: &mut Memory, stream: &[u8]) -> Result<u32, SnapshotError> {
    let mut saved = Vec::new();
    let mut packer = Packer::new(&mut saved);
    packer.bytes(stream).expect("a vector");
    packer.finish().expect("a vector");
    memory.restore(&mut Unpacker::new(&saved[..]))
}

/// A free block says where the next one is. In a segment, the program would say it: anywhere.
#[test]
fn a_free_block_in_a_segment_is_refused() {
    for (granules, behind) in [(1, 0), (1, 1), (2, 0), (1, 2), (3, 0)] {
        let mut forger = memory(Ids::Mixed);
        let id = forger.alloc(5).expect("room");
        forger.alloc(40).expect("room");
        let place = forger.place(id).expect("it is active");
        assert!(read(&mut memory(Ids::Mixed), &stream(&forger)).is_ok(), "nothing is forged yet");
        assert_eq!(forger.zone.give(granules, place + behind), 0);
        assert!(read(&mut memory(Ids::Mixed), &stream(&forger)).is_err(), "{granules} granules, {behind} behind");
    }
}

#[test]
fn a_block_that_is_free_twice_is_refused() {
    for behind in [0, 1] {
        let mut forger = memory(Ids::Mixed);
        let id = forger.alloc(4).expect("room");
        let place = forger.place(id).expect("it is active");
        assert!(forger.abandon(id));
        assert!(read(&mut memory(Ids::Mixed), &stream(&forger)).is_ok(), "nothing is forged yet");
        assert_eq!(forger.zone.give(1, place + behind), 0);
        assert!(read(&mut memory(Ids::Mixed), &stream(&forger)).is_err(), "{behind}");
    }
}

#[test]
fn a_segment_in_the_current_run_is_refused() {
    for ids in [Ids::Address, Ids::Sequential] {
        let mut forger = memory(ids);
        forger.alloc(4).expect("room");
        assert!(read(&mut memory(ids), &stream(&forger)).is_ok(), "nothing is forged yet");
        forger.cursor -= 1;
        assert!(read(&mut memory(ids), &stream(&forger)).is_err(), "{ids:?}");
    }
}

/// A memory that is written, and read up to where that breaks off, has no segments, and works.
#[test]
fn nothing_is_left_of_what_breaks_off() {
    for ids in Ids::ALL {
        let mut forger = memory(ids);
        let live: Vec<u32> =
            [3, 254, 9, 70_000, 0, 500].into_iter().map(|words| forger.alloc(words).expect("room")).collect();
        for &id in &live {
            (0..forger.capacity(id).expect("active")).for_each(|offset| assert!(forger.store(id, offset, !0)));
        }
        assert!(forger.abandon(live[2]) && forger.abandon(live[3]));
        let whole = stream(&forger);
        let parts = (0..whole.len().min(600)).chain(whole.len().saturating_sub(600)..whole.len());
        for end in parts.step_by(if cfg!(miri) { 97 } else { 1 }) {
            let mut memory = memory(ids);
            for words in [7, 300, 5000] {
                let id = memory.alloc(words).expect("room");
                (0..words).for_each(|offset| assert!(memory.store(id, offset, !0)));
            }
            assert!(read(&mut memory, &whole[..end]).is_err(), "{ids:?}, {end} bytes");
            assert_eq!(memory.active().count(), 0, "{ids:?}, {end} bytes");
            let new: Vec<u32> =
                [300, 3, 70_000, 4].into_iter().map(|words| memory.alloc(words).expect("room")).collect();
            for &id in &new {
                let words = memory.segment(id).expect("it is active");
                assert!(words.iter().all(|&word| word == 0), "{ids:?}, {end} bytes: segment {id} is not new");
                (0..memory.capacity(id).expect("active")).for_each(|offset| assert!(memory.store(id, offset, id)));
            }
            for &id in &new {
                assert!(memory.segment(id).expect("it is active").iter().all(|&word| word == id), "{ids:?}, {end}");
            }
        }
    }
}
