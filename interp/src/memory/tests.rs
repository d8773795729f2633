//! Every length, reuse, limits, forged identifiers, segment 0: for each choice of identifiers.

use super::*;

fn memory(limit_bytes: u64, space: AddressSpace, ids: Ids) -> Memory {
    Memory::new(&MemoryOptions { limit_bytes, space, ids, named_allocs: NAMED_ALLOCS }).expect("address space")
}

fn machine(ids: Ids) -> Memory {
    memory(1 << 30, AddressSpace::Auto, ids)
}

/// Runs `test` for each choice of identifiers, for mixed ones before and after the names are used up.
fn for_all(test: impl Fn(Memory)) {
    for ids in Ids::ALL {
        test(machine(ids));
    }
    let mut used_up = machine(Ids::Mixed);
    for _ in 0..NAMED_ALLOCS {
        let id = used_up.alloc(3).expect("room");
        assert!(used_up.abandon(id));
    }
    test(used_up);
}

/// For what is no name compiled code reads the entry of 0, be it before the first segment: where pages have to be asked for, it must be
/// there. Found by fuzzing: a read of nothing with `Ids::Sequential` in a small address space.
#[test]
fn code_can_look_for_a_name_before_there_is_one() {
    for ids in Ids::ALL {
        let memory = memory(1 << 20, AddressSpace::Granules(1 << 16), ids);
        assert!(memory.segments.names_bound > 0, "{ids:?}");
        // SAFETY: below the bound.
        assert_eq!(unsafe { *memory.segments.names }, 0);
    }
}

#[test]
fn every_length_is_zeroed_bounded_and_given_back() {
    for_all(lengths);
}

fn lengths(mut memory: Memory) {
    for words in (0..600).chain([8191, 8192, 65536, 1 << 20]) {
        let id = memory.alloc(words).expect("room");
        assert_ne!(id, 0);
        assert_eq!(memory.capacity(id), Some(words));
        assert!(memory.segment(id).expect("active").iter().all(|&word| word == 0));
        for offset in 0..words {
            assert!(memory.store(id, offset, !offset));
        }
        assert_eq!(memory.load(id, words), None);
        assert_eq!(memory.load(id, u32::MAX), None);
        assert!(!memory.store(id, words, 1));
        assert_eq!(words.checked_sub(1).and_then(|last| memory.load(id, last)), words.checked_sub(1).map(|x| !x));
        assert!(memory.abandon(id));
        assert!(!memory.abandon(id));
        assert_eq!((memory.load(id, 0), memory.capacity(id)), (None, None));
    }
}

#[test]
fn reuse_is_clean_and_distinct_and_bounded() {
    for_all(reuse);
}

fn reuse(mut memory: Memory) {
    let mut live = Vec::new();
    let mut seed = 1u32;
    let mut next = |bound: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) % bound
    };
    for round in 0..200_000 {
        if live.len() < 1000 || (next(2) == 0 && live.len() < 2000) {
            let words = if next(50) == 0 { next(1000) } else { next(9) };
            let id = memory.alloc(words).expect("room");
            assert!(memory.segment(id).expect("active").iter().all(|&w| w == 0), "round {round}");
            (0..words).for_each(|offset| assert!(memory.store(id, offset, id)));
            live.push((id, words));
        } else {
            let (id, words) = live.swap_remove(next(live.len() as u32) as usize);
            let segment = memory.segment(id).expect("active");
            assert!(segment.len() == words as usize && segment.iter().all(|&w| w == id), "round {round}");
            assert!(memory.abandon(id));
        }
    }
    let mut expected = live.clone();
    expected.sort_unstable();
    let mut active: Vec<_> = memory.active().collect();
    active.sort_unstable();
    assert_eq!(active, expected);
    assert!(memory.used_bytes() < 4 << 20, "{} bytes for some 2000 segments", memory.used_bytes());
}

#[test]
fn the_limit_is_kept_and_reached() {
    for ids in Ids::ALL {
        for space in [AddressSpace::Auto, AddressSpace::Granules(1 << 22)] {
            for words in [1, 253, 300, 10_000] {
                let mut memory = memory(4 << 20, space, ids);
                let mut live = Vec::new();
                while let Ok(id) = memory.alloc(words) {
                    live.push(id);
                }
                let payload = live.len() as u64 * u64::from(words.max(2)) * 4 + memory.names.bytes();
                assert!(memory.used_bytes() <= 4 << 20);
                assert!(payload > 3 << 20, "{words} words, {ids:?}: only {payload} bytes before the limit");
                let id = live.swap_remove(live.len() / 2);
                assert!(memory.abandon(id));
                assert!(memory.alloc(words).is_ok(), "room again after abandoning");
            }
        }
    }
}

#[test]
fn forged_identifiers_are_inactive() {
    for ids in Ids::ALL {
        for space in [AddressSpace::Auto, AddressSpace::Granules(1 << 20)] {
            let mut memory = memory(1 << 24, space, ids);
            let small = memory.alloc(200).expect("room");
            let large = memory.alloc(2000).expect("room");
            let place = |id| memory.locate(id).expect("active").place;
            // Where segments stand is an identifier only if it is theirs.
            let around = [small, large].map(place).map(|place| [place - 1, place, place + 1]);
            let forged = [7, 77, NAMED_ALLOCS, NAMED_ALLOCS + 1, u32::MAX, u32::MAX - 1, 1 << 31];
            let forged = around.into_iter().flatten().chain(forged).filter(|&id| id != small && id != large);
            for id in forged.collect::<Vec<_>>() {
                assert_eq!(memory.capacity(id), None, "identifier {id}, {ids:?}");
                assert_eq!(memory.load(id, 0), None);
                assert!(!memory.store(id, 0, 1) && !memory.abandon(id));
            }
            assert_eq!((memory.capacity(small), memory.capacity(large)), (Some(200), Some(2000)));
        }
    }
}

/// The identifiers of the specification's common reading: from 1 up, the last one given back first.
#[test]
fn names_count_from_one_and_come_back_last_first() {
    for ids in [Ids::Mixed, Ids::Sequential] {
        let mut memory = machine(ids);
        let alloc = |memory: &mut Memory| memory.alloc(2).expect("room");
        assert_eq!([1, 2, 3, 4], [(); 4].map(|()| alloc(&mut memory)));
        assert!(memory.abandon(2) && memory.abandon(4) && memory.abandon(1));
        assert!(!memory.abandon(2) && !memory.abandon(5) && !memory.abandon(0));
        assert_eq!([1, 4, 2, 5, 6], [(); 5].map(|()| alloc(&mut memory)));
        let named = memory.active().map(|(id, _)| id).collect::<Vec<_>>();
        assert_eq!(named, [1, 2, 3, 4, 5, 6]);
    }
}

/// So many segments get names, however many of them there are at a time; then none, and names stay what they were.
#[test]
fn names_end_after_so_many_allocs() {
    let mut memory = machine(Ids::Mixed);
    let first = memory.alloc(5).expect("room");
    assert!(memory.store(first, 4, 44));
    for _ in 1..NAMED_ALLOCS {
        let id = memory.alloc(1).expect("room");
        assert!(id == 2 && memory.abandon(id));
    }
    let later = memory.alloc(1).expect("room");
    assert!(later > NAMED_ALLOCS);
    assert_eq!((memory.load(first, 4), memory.past(2), memory.past(3)), (Some(44), Past::Abandoned, Past::NeverActive));
    assert!(memory.abandon(first));
    assert!(memory.alloc(1).expect("room") > NAMED_ALLOCS, "no name comes back");
}

/// A zone that is full ends names early; nothing else is different.
#[test]
fn a_full_zone_ends_names() {
    let mut memory = memory(1 << 24, AddressSpace::Granules(1 << 20), Ids::Mixed);
    let ids: Vec<u32> = (0..1000).map(|_| memory.alloc(SMALL_WORDS_MAX).expect("room")).collect();
    let named = ids.iter().take_while(|&&id| id < 1000).count();
    assert!((1..1000).contains(&named), "{named} named");
    assert!(ids[named..].iter().all(|&id| id > NAMED_ALLOCS));
    for &id in &ids {
        assert!(memory.store(id, 252, id));
    }
    assert!(ids.iter().all(|&id| memory.load(id, 252) == Some(id) && memory.load(id, 253).is_none()));
}

#[test]
fn segment_zero_grows_and_shrinks() {
    for_all(segment_zero);
}

fn segment_zero(mut memory: Memory) {
    memory.extend_program(&[1, 2, 3]).expect("room");
    let id = memory.alloc(1 << 20).expect("room");
    assert!(memory.store(id, 5, 7));
    memory.load_program(id).expect("room");
    assert_eq!((memory.program().len(), memory.load(0, 5), memory.load(0, 0)), (1 << 20, Some(7), Some(0)));
    memory.extend_program(&[9]).expect("room");
    assert_eq!((memory.program().len(), memory.load(0, 1 << 20)), ((1 << 20) + 1, Some(9)));
    assert!(!memory.store(0, 0, 1), "stores into the program go through store_program");
    assert!(memory.store_program(0, 1) && memory.load(id, 0) == Some(0), "a copy, not an alias");
    let id = memory.alloc(0).expect("room");
    memory.load_program(id).expect("room");
    assert_eq!((memory.program().len(), memory.load(0, 0)), (0, None));
}
