//! Writes what fuzzers begin with into a folder, one below it for each target.

use rum_testkit::fuzz::seeds;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).ok_or_else(|| io::Error::other("into which folder?"))?;
    for (target, name, bytes) in seeds() {
        let folder = Path::new(&folder).join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}
