//! Snapshots in files: written whole or not at all, with what only the command knows beside the machine.

use super::console::SessionConsole;
use super::ends::Ends;
use crate::failure::{Failure, reason};
use crate::trace::tape;
use rum::{SNAPSHOT_MAGIC, Snapshot, SnapshotError, Vm};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// What the command writes beside a machine.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Note {
    /// The image that the program came from.
    pub image: String,
    /// The version that wrote it.
    pub rum: String,
    /// Input that was there, and that the machine had not taken.
    #[serde(default)]
    pub unread: Vec<u8>,
}

impl Note {
    /// What a snapshot says.
    pub fn of(bytes: &[u8]) -> Note {
        serde_json::from_slice(bytes).unwrap_or_default()
    }
}

/// Where the snapshot of an image is saved: beside it, with `.snap` behind its name.
pub fn path_beside(image: &Path) -> PathBuf {
    let mut name = OsString::from(if image == Path::new("-") { Path::new("program") } else { image });
    name.push(".snap");
    PathBuf::from(name)
}

/// The console of a run, however it is put together.
pub fn ends(vm: &mut Vm) -> Option<&mut Ends> {
    // One look for each way.
    if vm.console_mut::<tape::Recorder<Ends>>().is_some() {
        return vm.console_mut::<tape::Recorder<Ends>>().map(tape::Recorder::inner);
    }
    vm.console_mut::<Ends>()
}

/// The session that a machine is in, if it is in one.
pub fn session(vm: &mut Vm) -> Option<&mut SessionConsole> {
    match ends(vm)? {
        Ends::Session(console) => Some(console),
        Ends::Plain(_) => None,
    }
}

/// A machine as a snapshot.
///
/// # Errors
/// The machine cannot be saved.
pub fn to_bytes(vm: &mut Vm, image: &str) -> Result<Vec<u8>, SnapshotError> {
    let mut bytes = Vec::new();
    let unread = session(vm).map(|session| session.unread()).unwrap_or_default();
    write(vm, image, unread, &mut bytes)?;
    Ok(bytes)
}

fn write(vm: &mut Vm, image: &str, unread: Vec<u8>, out: &mut dyn Write) -> Result<(), SnapshotError> {
    let note = Note { image: image.to_owned(), rum: env!("CARGO_PKG_VERSION").to_owned(), unread };
    vm.save(out, &serde_json::to_vec(&note).expect("it is plain"))
}

/// Saves a machine to a file, which is as it was before if that fails.
///
/// # Errors
/// The machine cannot be saved, or the file cannot be written.
pub fn to_file(vm: &mut Vm, image: &str, path: &Path) -> Result<(), Failure> {
    let unread = session(vm).map(|session| session.unread()).unwrap_or_default();
    let save = |vm: &mut Vm| -> Result<(), SnapshotError> {
        if path.exists() && !path.is_file() {
            // A device or a pipe is not replaced.
            let mut out = BufWriter::new(std::fs::File::options().write(true).open(path)?);
            write(vm, image, unread, &mut out)?;
            return Ok(out.flush()?);
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        let mut out = BufWriter::with_capacity(1 << 20, file.as_file_mut());
        write(vm, image, unread, &mut out)?;
        out.flush()?;
        drop(out);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    save(vm).map_err(|error| Failure::host(format!("cannot save to {}: {}", path.display(), explain(&error))))
}

/// What is wrong, without the system's number.
pub fn explain(error: &SnapshotError) -> String {
    match error {
        SnapshotError::Read(error) => reason(error),
        other => other.to_string(),
    }
}

/// The bytes of a file, however many; of what does not begin as a snapshot the beginning is enough.
///
/// # Errors
/// The system's.
pub fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::with_capacity(file.metadata().map_or(0, |data| data.len() as usize).min(1 << 30));
    (&file).take(SNAPSHOT_MAGIC.len() as u64).read_to_end(&mut bytes)?;
    if bytes == SNAPSHOT_MAGIC {
        file.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The bytes of a snapshot in a file, whose beginning is looked at.
///
/// # Errors
/// It cannot be read, or is none.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = bytes(path)
        .map_err(|error| Failure::host(format!("cannot read snapshot {}: {}", path.display(), reason(&error))))?;
    match Snapshot::open(&bytes[..]) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(unusable(&path.display().to_string(), &error)),
    }
}

/// A snapshot that cannot be used.
pub fn unusable(name: &str, error: &SnapshotError) -> Failure {
    let hint = match error {
        SnapshotError::NotOne => " (run --save-at writes them; an image is started by rum run)",
        SnapshotError::Version(_) => " (the build that wrote it can)",
        _ => "",
    };
    Failure::host(format!("cannot resume {name}: {}{hint}", explain(error)))
}
