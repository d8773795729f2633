//! Code that is kept between runs: that it is used, that nothing wrong is, and who may be trusted.

use crate::support::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A run of a program of ours with a cache in `folder`, at once compiled, as statistics.
fn run(folder: &Path, program: &Path, more: &[&str]) -> std::process::Output {
    let args = ["--compile-threads", "0", "--hot-threshold", "50", "--baseline-threshold", "5", "--stats=json"];
    let run =
        rum(&[&args[..], more, &["--cache-dir", arg(folder), arg(program)]].concat()).output().expect("it starts");
    assert_eq!(status(&run), 0, "{}", stderr(&run));
    run
}

fn sieve() -> PathBuf {
    root().join("umbin/sieve.um")
}

/// The files that are kept in a folder.
fn kept(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).map(|files| files.map(|file| file.expect("readable").path()).collect());
    files.unwrap_or_default()
}

#[test]
fn the_second_run_starts_compiled() {
    let (outer, program) = (tempfile::tempdir().expect("a folder"), sieve());
    let folder = outer.path().join("cache");
    let first = run(&folder, &program, &[]);
    assert!(counter(&first, "regions_published") > 0 && counter(&first, "units_restored") == 0);
    let second = run(&folder, &program, &[]);
    assert_eq!(second.stdout, first.stdout);
    assert!(counter(&second, "units_restored") > 0, "{}", stderr(&second));
    assert!(counter(&second, "regions_published") < counter(&first, "regions_published"), "{}", stderr(&second));
    assert_eq!(counter(&second, "instructions"), counter(&first, "instructions"));
    if cfg!(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux")) {
        assert!(counter(&second, "baseline_blocks_restored") > 0);
    }
    // Other options, other code.
    let other = run(&folder, &program, &["--no-loops"]);
    assert_eq!((counter(&other, "units_restored"), &other.stdout), (0, &first.stdout));
    assert_eq!(kept(&folder).len(), 2);
    // Without being asked for it is not used, nor made.
    let plain = rum(&["--stats=json", arg(&program)]).output().expect("it starts");
    assert_eq!(counter(&plain, "units_restored"), 0);
}

/// A program that unpacks another and loads it: both have code, and both get it back.
#[test]
fn programs_that_are_loaded_have_theirs_as_well() {
    let outer = tempfile::tempdir().expect("a folder");
    let program = image(&rum_testkit::shapes::hostile::load_program_alternating(1_000, 2_000, 4));
    let first = run(outer.path(), &program, &[]);
    let second = run(outer.path(), &program, &[]);
    assert_eq!(counter(&second, "instructions"), counter(&first, "instructions"));
    assert!(counter(&second, "units_restored") >= 2, "{}", stderr(&second));
}

/// Words that the program patches before they are hot: what was made from them waits until they are there.
#[test]
fn code_of_patched_words_is_not_taken_for_that_of_others() {
    let outer = tempfile::tempdir().expect("a folder");
    let program = image(&rum_testkit::shapes::hostile::patched_operator(50_000, 400_000));
    let plain = rum(&["--engine", "interp", "--stats=json", arg(&program)]).output().expect("it starts");
    for _ in 0..3 {
        let run = run(outer.path(), &program, &[]);
        assert!(counter(&run, "units_restored") + counter(&run, "regions_published") > 0, "{}", stderr(&run));
        for key in ["instructions", "registers", "pc"] {
            assert_eq!(stats(&run)[key], stats(&plain)[key], "{key}");
        }
    }
}

#[test]
fn what_is_damaged_is_made_again() {
    let (outer, program) = (tempfile::tempdir().expect("a folder"), sieve());
    let folder = outer.path();
    let first = run(folder, &program, &[]);
    let file = kept(folder).pop().expect("a file");
    let good = fs::read(&file).expect("readable");
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    let mut other_build = good.clone();
    other_build[20] ^= 1;
    for (what, bad) in [
        ("torn", &good[..good.len() / 2]),
        ("a flipped bit", &flipped),
        ("another build's", &other_build),
        ("empty", &[]),
    ] {
        fs::write(&file, bad).expect("writable");
        let again = run(folder, &program, &[]);
        assert_eq!((counter(&again, "units_restored"), &again.stdout), (0, &first.stdout), "{what}");
        assert_eq!(fs::read(&file).expect("readable"), good, "{what}: a good one takes its place");
    }
}

#[test]
fn nothing_is_kept_where_others_may_write() {
    let (outer, program) = (tempfile::tempdir().expect("a folder"), sieve());
    let folder = outer.path();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).expect("ours");
    let open = run(folder, &program, &[]);
    let text = stderr(&open);
    let warning =
        format!("rum: warning: compiled code is not kept: folder {} can be written by others", folder.display());
    assert!(text.starts_with(&warning), "{text}");
    assert!(kept(folder).is_empty());
    let info = rum(&["cache", "info", "--cache-dir", arg(folder)]).output().expect("it starts");
    assert_eq!(status(&info), 2);
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).expect("ours");
    run(folder, &program, &[]);
    let file = kept(folder).pop().expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("ours");
    assert_eq!(counter(&run(folder, &program, &[]), "units_restored"), 0, "anybody may have written it");
}

#[test]
fn processes_at_once_do_not_disturb_each_other() {
    let (outer, program) = (tempfile::tempdir().expect("a folder"), sieve());
    let outputs: Vec<_> = std::thread::scope(|scope| {
        let one = || (0..5).map(|_| run(outer.path(), &program, &[]).stdout).collect::<Vec<_>>();
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(one)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(outputs.iter().all(|output| *output == outputs[0]));
    assert_eq!(kept(outer.path()).len(), 1);
}

#[test]
fn the_cache_can_be_looked_at_and_cleared() {
    let (outer, program) = (tempfile::tempdir().expect("a folder"), sieve());
    let folder = outer.path().join("cache");
    let command = |name: &str| {
        let run = rum(&["cache", name]).env("RUM_CACHE", &folder).output().expect("it starts");
        assert_eq!((status(&run), stderr(&run)), (0, ""));
        String::from_utf8(run.stdout).expect("text")
    };
    assert_eq!(command("info"), format!("{}\n0 files, 0 bytes, of at most 256.0 MiB\n", folder.display()));
    let by_variable = rum(&["--hot-threshold", "50", arg(&program)]).env("RUM_CACHE", &folder).output();
    assert_eq!(status(&by_variable.expect("it starts")), 0);
    let text = command("info");
    assert!(text.contains("\n1 file, ") && text.ends_with(" KiB, of at most 256.0 MiB\n"), "{text}");
    assert!(command("clear").starts_with("1 file, "));
    assert!(kept(&folder).is_empty());
    let off = rum(&["--hot-threshold", "50", arg(&program)]).env("RUM_CACHE", "0").output().expect("it starts");
    assert_eq!((status(&off), kept(&folder).len()), (0, 0));
}

/// Without a name it goes into the user's folder for caches.
#[cfg(target_os = "linux")]
#[test]
fn the_usual_folder_is_the_users() {
    let (outer, program) = (tempfile::tempdir().expect("a folder"), sieve());
    let run = rum(&["--cache", arg(&program)]).env("XDG_CACHE_HOME", outer.path()).output().expect("it starts");
    assert_eq!(status(&run), 0, "{}", stderr(&run));
    assert_eq!(kept(&outer.path().join("rum")).len(), 1);
}
