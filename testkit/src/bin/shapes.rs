//! Writes the programs of [`rum_testkit::shapes`] as images, for benchmarks, and a list of them as JSON on standard output.

use anyhow::Context;
use clap::{Parser, Subcommand};
use rum_interp::encode_image;
use rum_interp::isa::Word;
use rum_testkit::shapes::{growth, hostile};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Write images of programs with one extreme property each.
#[derive(Debug, Parser)]
#[command(name = "shapes")]
struct Args {
    #[command(subcommand)]
    kind: Kind,
}

/// Which programs.
#[derive(Debug, Subcommand)]
enum Kind {
    /// What a compiler of hot code might do badly on
    Hostile {
        /// Where the images go
        folder: PathBuf,
    },
    /// Series in which one quantity grows
    Growth {
        /// Where the images go
        folder: PathBuf,
        /// Instructions that each program executes, about
        #[arg(long, default_value_t = 200_000_000)]
        work: u32,
    },
}

fn main() -> anyhow::Result<()> {
    let list: Vec<Value> = match Args::parse().kind {
        Kind::Hostile { folder } => hostile::all()
            .iter()
            .map(|shape| {
                let image = write(&folder, &shape.name, &shape.program)?;
                let input = folder.join(format!("{}.stdin", shape.name));
                fs::write(&input, &shape.input).with_context(|| format!("cannot write {}", input.display()))?;
                Ok(json!({ "name": shape.name, "image": image, "input": input }))
            })
            .collect::<anyhow::Result<_>>()?,
        Kind::Growth { folder, work } => growth::all(work)
            .iter()
            .map(|point| {
                let image = write(&folder, &format!("{}-{}", point.series, point.size), &point.program)?;
                Ok(json!({ "series": point.series, "size": point.size, "image": image }))
            })
            .collect::<anyhow::Result<_>>()?,
    };
    println!("{}", serde_json::to_string_pretty(&list)?);
    Ok(())
}

/// Writes one image; gives its path.
fn write(folder: &Path, name: &str, program: &[Word]) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join(format!("{name}.um"));
    fs::write(&path, encode_image(program)).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
