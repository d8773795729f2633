//! The folder where compiled code is kept between runs: a file for each program, build, processor and choice of options.
//!
//! Who can write there can have code executed. So the folder is private, and one that others may write to is refused; so is a
//! file that is not ours. Files appear complete or not at all, so that any number of processes may use them at once.

use crate::failure::reason;
use crate::files::open_at_once;
use std::fs::{self, DirEntry};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What all files together may take; the ones not used for longest go first.
pub const BYTES_MAX: u64 = 256 << 20;
/// How the names of files end.
const EXTENSION: &str = "rumcode";
/// A file that was being written for so long is left of a process that was killed.
const LEFT_AFTER: Duration = Duration::from_secs(3600);

/// The folder, found to be private.
#[derive(Debug)]
pub struct Folder(PathBuf);

/// A file in it.
#[derive(Debug)]
pub struct Kept {
    pub path: PathBuf,
    pub bytes: u64,
    /// When it was last used.
    pub used: SystemTime,
}

impl Folder {
    /// The folder that is meant if none is named: rum's own in the user's cache folder, if there is one.
    pub fn default_path() -> Option<PathBuf> {
        directories::ProjectDirs::from("", "", "rum").map(|folders| folders.cache_dir().to_owned())
    }

    /// Opens the folder, and makes it if it is missing.
    ///
    /// # Errors
    /// What is wrong with it, as a text.
    pub fn open(path: &Path) -> Result<Folder, String> {
        let cannot = |error: io::Error| format!("cannot make folder {}: {}", path.display(), reason(&error));
        if fs::symlink_metadata(path).is_err() {
            make(path).map_err(cannot)?;
        }
        let data = fs::metadata(path).map_err(cannot)?;
        if !data.is_dir() {
            return Err(format!("{} is no folder", path.display()));
        }
        match foreign(&data) {
            Some(why) => {
                Err(format!("folder {} {why}: make it yours alone (chmod 700), or name another", path.display()))
            }
            None => Ok(Folder(path.to_owned())),
        }
    }

    fn file(&self, key: &str) -> PathBuf {
        self.0.join(key).with_extension(EXTENSION)
    }

    /// What is kept under a key, which counts as used now; none if there is nothing to be trusted.
    pub fn read(&self, key: &str) -> Option<Vec<u8>> {
        let file = open_at_once(&self.file(key)).ok()?;
        let data = file.metadata().ok()?;
        if !data.is_file() || foreign(&data).is_some() || data.len() > BYTES_MAX {
            return None;
        }
        let mut bytes = Vec::with_capacity(data.len() as usize);
        (&file).take(BYTES_MAX).read_to_end(&mut bytes).ok()?;
        // Where that fails it counts as used when it was written.
        let _ = file.set_modified(SystemTime::now());
        Some(bytes)
    }

    /// Keeps bytes under a key, and throws away what was not used for longest if there is too much.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, key: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix("writing-").tempfile_in(&self.0)?;
        file.write_all(bytes)?;
        file.persist(self.file(key)).map_err(|error| error.error)?;
        self.shrink(BYTES_MAX)
    }

    /// All files, the one not used for longest first.
    ///
    /// # Errors
    /// What the system says.
    pub fn kept(&self) -> io::Result<Vec<Kept>> {
        let mut kept: Vec<Kept> = self.entries(|name| name.ends_with(&format!(".{EXTENSION}")))?;
        kept.sort_by_key(|kept| kept.used);
        Ok(kept)
    }

    fn entries(&self, which: impl Fn(&str) -> bool) -> io::Result<Vec<Kept>> {
        let kept = |entry: DirEntry| {
            let data = entry.metadata().ok()?;
            let is_ours = data.is_file() && entry.file_name().to_str().is_some_and(&which);
            is_ours.then(|| Kept {
                path: entry.path(),
                bytes: data.len(),
                used: data.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            })
        };
        Ok(fs::read_dir(&self.0)?.filter_map(Result::ok).filter_map(kept).collect())
    }

    /// Throws files away until all together have at most so many bytes. Other processes may do so at the same time.
    fn shrink(&self, bytes_max: u64) -> io::Result<()> {
        let kept = self.kept()?;
        let mut bytes: u64 = kept.iter().map(|kept| kept.bytes).sum();
        for old in kept {
            if bytes <= bytes_max {
                break;
            }
            bytes -= old.bytes;
            remove(&old.path)?;
        }
        self.sweep()
    }

    /// Removes what processes that were killed have left.
    fn sweep(&self) -> io::Result<()> {
        let is_old = |kept: &Kept| kept.used.elapsed().is_ok_and(|age| age > LEFT_AFTER);
        let left = self.entries(|name| name.starts_with("writing-"))?;
        left.iter().filter(|kept| is_old(kept)).try_for_each(|kept| remove(&kept.path))
    }

    /// Throws everything away. Gives what there was.
    ///
    /// # Errors
    /// What the system says.
    pub fn clear(&self) -> io::Result<Vec<Kept>> {
        let kept = self.kept()?;
        kept.iter().try_for_each(|kept| remove(&kept.path))?;
        self.sweep()?;
        Ok(kept)
    }
}

/// Removes a file that another process may have removed already.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Makes a folder that nobody else can look into, with those that it lies in.
fn make(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Why a folder or file is not ours alone, if so.
#[cfg(unix)]
fn foreign(data: &fs::Metadata) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;
    if data.uid() != rustix::process::geteuid().as_raw() {
        return Some("belongs to somebody else");
    }
    (data.mode() & 0o022 != 0).then_some("can be written by others")
}

#[cfg(not(unix))]
fn foreign(_: &fs::Metadata) -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    fn folder() -> (tempfile::TempDir, Folder) {
        let outer = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(&outer.path().join("a/b")).expect("it can be made");
        (outer, folder)
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_nothing_to_wait_for() {
        let (_outer, folder) = folder();
        folder.write("k", b"one").expect("room");
        let file = folder.file("k");
        fs::remove_file(&file).expect("it is ours");
        let made = std::process::Command::new("mkfifo").args(["-m", "600"]).arg(&file).status().expect("it starts");
        assert!(made.success());
        assert_eq!(folder.read("k"), None);
    }

    #[test]
    fn what_was_written_can_be_read() {
        let (_outer, folder) = folder();
        assert_eq!(folder.read("k"), None);
        folder.write("k", b"one").expect("room");
        folder.write("k", b"two").expect("room");
        assert_eq!(folder.read("k").as_deref(), Some(&b"two"[..]));
        assert_eq!(folder.clear().expect("it is ours").len(), 1);
        assert_eq!(folder.read("k"), None);
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let (_outer, folder) = folder();
        for (key, age) in [("a", 30), ("b", 20), ("c", 10)] {
            folder.write(key, &[0; 100]).expect("room");
            let file = File::options().write(true).open(folder.file(key)).expect("it was written");
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).expect("it is ours");
        }
        assert!(folder.read("a").is_some(), "used now");
        folder.shrink(200).expect("it is ours");
        let left: Vec<bool> = ["a", "b", "c"].map(|key| folder.file(key).exists()).to_vec();
        assert_eq!(left, [true, false, true]);
    }

    #[test]
    fn what_was_left_half_written_goes() {
        let (_outer, folder) = folder();
        let (old, new) = (folder.0.join("writing-old"), folder.0.join("writing-new"));
        for path in [&old, &new] {
            fs::write(path, "x").expect("room");
        }
        let file = File::options().write(true).open(&old).expect("it was written");
        file.set_modified(SystemTime::now() - 2 * LEFT_AFTER).expect("it is ours");
        folder.write("k", b"x").expect("room");
        assert!(!old.exists() && new.exists());
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_trusted_that_others_may_write() {
        use std::os::unix::fs::PermissionsExt;
        let (_outer, folder) = folder();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
        assert_eq!(fs::metadata(&folder.0).expect("made").permissions().mode() & 0o777, 0o700);
        folder.write("k", b"x").expect("room");
        mode(&folder.file("k"), 0o666);
        assert_eq!(folder.read("k"), None);
        mode(&folder.0, 0o770);
        let error = Folder::open(&folder.0).expect_err("others may write there");
        assert!(error.contains("can be written by others: make it yours alone (chmod 700)"), "{error}");
        mode(&folder.0, 0o755);
        assert!(Folder::open(&folder.0).is_ok(), "others may read");
        assert!(Folder::open(&folder.file("k")).expect_err("a file").ends_with("is no folder"));
    }
}
