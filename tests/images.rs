//! Every downloaded image: output and number of instructions as its manifest says, with every engine.

use crate::support::{arg, counter, rum, shared, status, stderr, with};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

#[derive(Deserialize)]
struct Manifest {
    images: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    file: String,
    sha256: String,
    instructions: u64,
    output_bytes: usize,
    output_sha256: String,
}

fn manifest(folder: &Path) -> Vec<Entry> {
    let text = fs::read_to_string(folder.join("umbin/manifest.toml")).expect("the manifest");
    toml::from_str::<Manifest>(&text).expect("a manifest").images
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs one image in one way and compares everything the manifest knows.
fn check(file: &str, engine: &[&str]) {
    let Some(folder) = shared(&format!("images: {file} {}", engine.join(" "))) else { return };
    let entry = manifest(&folder).into_iter().find(|entry| entry.file == file).expect("an image of the manifest");
    let path = folder.join("umbin").join(file);
    assert_eq!(sha256(&fs::read(&path).expect("the image")), entry.sha256, "the image itself");
    let input = fs::read(folder.join("umbin").join(format!("{file}.stdin"))).unwrap_or_default();
    let run = rum(&with(engine, &["--stats=json", arg(&path)])).write_stdin(input).output().expect("it starts");
    assert_eq!(status(&run), 0, "{}", stderr(&run));
    assert_eq!((run.stdout.len(), sha256(&run.stdout)), (entry.output_bytes, entry.output_sha256), "output");
    assert_eq!(counter(&run, "instructions"), entry.instructions, "instructions");
}

/// One test for each image and way to run it, so that they run side by side and fail one by one.
macro_rules! images {
    ($($name:ident = $file:literal,)*) => {
        $(mod $name {
            #[test]
            fn interp() {
                super::check($file, &["--engine", "interp"]);
            }

            #[test]
            fn jit() {
                super::check($file, &["--engine", "jit"]);
            }

            #[test]
            fn auto() {
                super::check($file, &["--engine", "auto"]);
            }

            #[test]
            fn jit_of_everything() {
                super::check($file, &["--engine", "jit", "--hot-threshold", "1", "--compile-threads", "0"]);
            }

            #[test]
            fn jit_at_once() {
                super::check($file, &["--engine", "jit", "--compile-threads", "0"]);
            }
        })*

        const TESTED: &[&str] = &[$($file),*];
    };
}

images! {
    hello = "hello.um",
    halt = "halt.um",
    cat = "cat.um",
    midmark = "midmark.um",
    sandmark_short = "sandmark-short.umz",
    sandmark = "sandmark.umz",
    codex = "codex.umz",
    umix = "umix.um",
    um_midmark = "um-midmark.um",
    umix_bench = "umix-bench.um",
    advent = "advent.umz",
}

#[test]
fn no_image_is_left_out() {
    let Some(folder) = shared("images: no_image_is_left_out") else { return };
    let mut listed: Vec<_> = manifest(&folder).into_iter().map(|entry| entry.file).collect();
    let mut tested = TESTED.to_vec();
    listed.sort();
    tested.sort();
    assert_eq!(listed, tested);
}
