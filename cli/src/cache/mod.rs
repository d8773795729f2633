//! Compiled code that is kept between runs: whether, where, and the command that looks after it.

mod folder;

use crate::cli::CacheCommand;
use crate::cli::engine::CacheArgs;
use crate::failure::{Failure, reason, say};
use crate::human;
use folder::{BYTES_MAX, Folder, Kept};
use rum::Vm;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The variable of the environment that switches the cache on: a folder, or 1 for the usual one.
const VARIABLE: &str = "RUM_CACHE";

/// Where code is to be kept, if it is.
///
/// # Errors
/// It is to be kept and there is no folder for it.
pub fn wanted(args: &CacheArgs) -> Result<Option<PathBuf>, Failure> {
    let variable = std::env::var_os(VARIABLE).filter(|value| !value.is_empty() && value != "0");
    if !args.cache && args.cache_dir.is_none() && variable.is_none() {
        return Ok(None);
    }
    place(args.cache_dir.clone(), variable).map(Some)
}

/// The folder that is meant: the one that was named, or that of the environment, or the user's.
fn place(named: Option<PathBuf>, variable: Option<OsString>) -> Result<PathBuf, Failure> {
    let by_variable = || variable.filter(|value| !["", "0", "1"].iter().any(|no| value == no)).map(PathBuf::from);
    named
        .or_else(by_variable)
        .or_else(Folder::default_path)
        .ok_or_else(|| Failure::host("there is no folder for caches where you are at home: name one with --cache-dir"))
}

/// The cache of one run.
#[derive(Debug)]
pub struct RunCache {
    folder: Folder,
    key: String,
}

impl RunCache {
    /// Opens the cache and lets the machine start from what it holds. Where that is not possible the run goes on without, and
    /// says why.
    pub fn start(path: &Path, vm: &mut Vm) -> Option<RunCache> {
        // Without compiled code there is nothing to keep.
        let key = vm.cache_key()?;
        let folder = match Folder::open(path) {
            Ok(folder) => folder,
            Err(why) => {
                say(format_args!("warning: compiled code is not kept: {why}"));
                return None;
            }
        };
        if let Some(bytes) = folder.read(&key) {
            // SAFETY: nobody but this user can write there, and rum writes nothing else there. What cannot be used is made again,
            // and takes its place: that is no failure.
            let _ = unsafe { vm.load_cache(bytes) };
        }
        Some(RunCache { folder, key })
    }

    /// Keeps what the run has to add.
    pub fn finish(self, vm: &mut Vm) {
        if let Some(bytes) = vm.save_cache()
            && let Err(error) = self.folder.write(&self.key, &bytes)
        {
            say(format_args!("warning: compiled code is not kept: {}", reason(&error)));
        }
    }
}

/// `rum cache`.
///
/// # Errors
/// The folder cannot be used.
pub fn cache(command: CacheCommand) -> Result<u8, Failure> {
    let (folder, clear) = match command {
        CacheCommand::Info(folder) => (folder, false),
        CacheCommand::Clear(folder) => (folder, true),
    };
    let path = place(folder.cache_dir, std::env::var_os(VARIABLE))?;
    let cannot = |error| Failure::host(format!("cannot read folder {}: {}", path.display(), reason(&error)));
    let kept = if path.exists() {
        let folder = Folder::open(&path).map_err(Failure::host)?;
        if clear { folder.clear() } else { folder.kept() }.map_err(cannot)?
    } else {
        Vec::new()
    };
    let text = match clear {
        true => format!("{} thrown away\n", amount(&kept)),
        false => format!("{}\n{}, of at most {}\n", path.display(), amount(&kept), human::bytes(BYTES_MAX)),
    };
    crate::files::to_stdout(|out| out.write_all(text.as_bytes()))
}

/// `3 files, 1.5 MiB`.
fn amount(kept: &[Kept]) -> String {
    let files = if kept.len() == 1 { "file" } else { "files" };
    format!("{} {files}, {}", human::count(kept.len() as u64), human::bytes(kept.iter().map(|kept| kept.bytes).sum()))
}
