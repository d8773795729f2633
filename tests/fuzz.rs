//! What fuzzers have kept (`fuzz/corpus/`): each file through its target, as any compiler builds it, and changed files as well.

use crate::support::root;
use rum_testkit::rng::Rng;
use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

/// Each file, then so many that are made from them.
fn each(target: &str, run: fn(&[u8]), changed: u64) {
    let folder = root().join("fuzz/corpus").join(target);
    let mut paths: Vec<_> =
        fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    let files: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).expect("bytes")).collect();
    for (path, bytes) in paths.iter().zip(&files) {
        // The one that is told last is the one that something is wrong with.
        println!("{}", path.display());
        run(bytes);
    }
    for seed in 0..changed {
        let bytes = changed_file(&mut Rng::new(seed), &files);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(&bytes))) {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{target}-{seed}"));
            fs::write(&path, bytes).expect("room");
            println!("to be repeated with {}", path.display());
            resume_unwind(panic);
        }
    }
}

/// One of the files with a few changes: bits, bytes that stand for much, pieces that are left out, or come from another file.
fn changed_file(rng: &mut Rng, files: &[Vec<u8>]) -> Vec<u8> {
    const PIECE_MAX: u32 = 64;
    const TELLING: [u8; 10] = [0, 1, 0x7f, 0x80, 0xff, b'\n', b'"', b'{', b'0', b' '];
    let any = |rng: &mut Rng| &files[rng.below(files.len() as u32) as usize];
    let mut bytes = any(rng).clone();
    for _ in 0..rng.logarithmic(1, 8) {
        let at = rng.below(bytes.len() as u32 + 1) as usize;
        let end = (at + rng.logarithmic(1, PIECE_MAX) as usize).min(bytes.len());
        match (rng.below(5), bytes.get_mut(at)) {
            (0, Some(byte)) => *byte ^= 1 << rng.below(8),
            (1, Some(byte)) => *byte = rng.pick(&TELLING),
            (2, _) => drop(bytes.drain(at..end)),
            (3, _) => bytes.insert(at, rng.word() as u8),
            _ => {
                let other = any(rng);
                let from = rng.below(other.len() as u32 + 1) as usize;
                let piece = &other[from..(from + rng.logarithmic(1, PIECE_MAX) as usize).min(other.len())];
                bytes.splice(at..end, piece.iter().copied());
            }
        }
    }
    bytes
}

macro_rules! targets {
    ($($krate:ident: $($name:ident $changed:literal)+;)+) => {
        const TARGETS: &[&str] = &[$($(stringify!($name)),+),+];
        $($(
            #[test]
            fn $name() {
                each(stringify!($name), $krate::fuzz::$name, $changed);
            }
        )+)+
    };
}

// As many changed files as take some seconds.
targets! {
    rum_testkit: words 5000 generated 500 image 10000 source 10000 disassembly 2000 snapshot 3000 cache 50000;
    rum_cli: commands 1000 protocol 3000 rules 20000 expectations 50000 symbols 50000 recording 4000;
}

#[test]
fn every_target_is_tried() {
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(root().join(folder)).expect("a folder");
        let name = |entry: fs::DirEntry| entry.path().file_stem().expect("a name").display().to_string();
        entries.map(|entry| name(entry.expect("readable"))).collect()
    };
    let tried: BTreeSet<String> = TARGETS.iter().map(ToString::to_string).collect();
    assert_eq!(names("fuzz/fuzz_targets"), tried);
    assert_eq!(names("fuzz/corpus"), tried);
    assert!(names("fuzz/dictionaries").is_subset(&tried));
}
