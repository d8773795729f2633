//! Files that a command writes are none of those that it reads, and each is written once.

use crate::failure::{Failure, reason};
use crate::files::{is_dash, name_of};
use same_file::Handle;
use std::cell::RefCell;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// The files of a command.
#[derive(Debug, Default)]
pub struct Apart<'a> {
    /// What is read, with what that is. It is looked at when something is to be written.
    read: Vec<(&'a Path, &'static str)>,
    written: RefCell<Vec<Handle>>,
}

impl<'a> Apart<'a> {
    /// Files that are read, each with what it is in messages; what is not there is no concern of this.
    pub fn from(read: impl IntoIterator<Item = (&'a Path, &'static str)>) -> Apart<'a> {
        Apart { read: read.into_iter().collect(), written: RefCell::default() }
    }

    /// Makes a file at once: who cannot have it hears that before anything is done. Gives its name, too.
    ///
    /// # Errors
    /// It is one of the others, or the system refuses it.
    pub fn create(&self, path: &Path) -> Result<(File, String), Failure> {
        let name = name_of(path);
        let cannot = |error: io::Error| Failure::host(format!("cannot write {name}: {}", reason(&error)));
        let file = File::options().write(true).create(true).truncate(false).open(path).map_err(cannot)?;
        let handle = Handle::from_file(file.try_clone().map_err(cannot)?).map_err(cannot)?;
        self.refuse_read(&handle, &name)?;
        if file.metadata().map_err(cannot)?.is_file() {
            if self.written.borrow().contains(&handle) {
                return Err(Failure::host(format!("{name} would be written twice: name another file")));
            }
            self.written.borrow_mut().push(handle);
            file.set_len(0).map_err(cannot)?;
        }
        Ok((file, name))
    }

    /// Looks at the name of a file that will be written later.
    ///
    /// # Errors
    /// It is one of those that are read.
    pub fn check(&self, path: &Path) -> Result<(), Failure> {
        match regular(path) {
            Some(handle) if !is_dash(path) => self.refuse_read(&handle, &name_of(path)),
            _ => Ok(()),
        }
    }

    fn refuse_read(&self, handle: &Handle, name: &str) -> Result<(), Failure> {
        let is = |path: &Path| if is_dash(path) { Handle::stdin().ok() } else { regular(path) };
        match self.read.iter().find(|(path, _)| is(path).as_ref() == Some(handle)) {
            Some((_, what)) => Err(Failure::host(format!("{name} is {what} itself: name another file to write to"))),
            None => Ok(()),
        }
    }
}

/// A file that is there; a pipe would be waited for.
fn regular(path: &Path) -> Option<Handle> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file).and_then(|_| Handle::from_path(path).ok())
}

/// Whether two names stand for one file that exists, and is more than a device.
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    !is_dash(a) && !is_dash(b) && regular(a).is_some_and(|a| regular(b) == Some(a))
}
