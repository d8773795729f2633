//! Tells the binary which compiler made it: `rum --version` says so, and figures of different compilers are not compared. And gives it the
//! programs of `umbin/`, so that an installed `rum bench` has something to run.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    // "rustc 1.95.0 (abcdef123 2026-03-01)": the first two words identify a release.
    let words: Vec<&str> = text.split_whitespace().take(2).collect();
    let compiler = if words.len() == 2 { words.join(" ") } else { "unknown compiler".to_owned() };
    println!("cargo::rustc-env=RUM_COMPILER={compiler}");
    programs();
}

/// Writes a list of the programs: names and images. It is empty where the folder is missing, as in a package of this crate alone.
fn programs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("umbin");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut images: Vec<_> =
        std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    images.retain(|path| path.extension().is_some_and(|extension| extension == "um"));
    images.sort();
    let list = folder.join("programs.toml");
    let mut text = match list.is_file() {
        true => format!("pub const LIST: &str = include_str!({list:?});\n"),
        false => "pub const LIST: &str = \"program = []\";\n".to_owned(),
    };
    text.push_str("pub const IMAGES: &[(&str, &[u8])] = &[\n");
    for image in images {
        let name = image.file_stem().unwrap_or_default().to_string_lossy();
        text.push_str(&format!("    ({name:?}, include_bytes!({image:?})),\n"));
    }
    text.push_str("];\n");
    let out = std::env::var_os("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&out).join("programs.rs"), text).expect("cargo's folder can be written to");
}
