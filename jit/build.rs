//! Tells the crate which build it is: code that another build has made must not be taken for its own (`src/cache/`).

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// All sources under a folder, in order; none if there is no such folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => found.extend(sources(&path)),
            false if path.extension().is_some_and(|extension| extension == "rs") => found.push(path),
            false => {}
        }
    }
    found.sort();
    found
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let mut hasher = DefaultHasher::new();
    // What the code is made by, and the machine whose layout it knows. A published crate pins the version of the latter.
    for folder in ["src", "../interp/src"].map(Path::new) {
        if folder.is_dir() {
            println!("cargo::rerun-if-changed={}", folder.display());
        }
        for path in sources(folder) {
            fs::read(&path).unwrap_or_default().hash(&mut hasher);
        }
    }
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let compiler = Command::new(rustc).arg("-vV").output();
    compiler.map(|output| output.stdout).unwrap_or_default().hash(&mut hasher);
    for name in ["TARGET", "PROFILE", "OPT_LEVEL", "CARGO_CFG_DEBUG_ASSERTIONS"] {
        std::env::var_os(name).hash(&mut hasher);
    }
    println!("cargo::rustc-env=RUM_JIT_BUILD={:016x}", hasher.finish());
}
