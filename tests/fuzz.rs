//! What fuzzers have kept (`fuzz/corpus/`): each file through its target, as any compiler builds it.

use crate::support::root;
use std::collections::BTreeSet;
use std::fs;

/// The file that is told last is the one that something is wrong with.
fn each(target: &str, run: fn(&[u8])) {
    let folder = root().join("fuzz/corpus").join(target);
    let mut paths: Vec<_> =
        fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    for path in paths {
        println!("{}", path.display());
        run(&fs::read(&path).expect("bytes"));
    }
}

macro_rules! targets {
    ($($krate:ident: $($name:ident)+;)+) => {
        const TARGETS: &[&str] = &[$($(stringify!($name)),+),+];
        $($(
            #[test]
            fn $name() {
                each(stringify!($name), $krate::fuzz::$name);
            }
        )+)+
    };
}

targets! {
    rum_testkit: words generated image source disassembly snapshot cache;
    rum_cli: commands protocol rules expectations symbols recording;
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
