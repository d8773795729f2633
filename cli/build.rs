//! Tells the binary which compiler made it: `rum --version` says so, and figures of different compilers are not compared.

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
}
