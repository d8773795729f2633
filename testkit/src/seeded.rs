//! Mistakes to be put into the engines on purpose: does the campaign find them?
//!
//! Each file in `testkit/seeded/` is one mistake: what it is, and the text to be replaced. `src/bin/seeded.rs` builds the
//! campaign with one after the other.

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// A mistake.
#[derive(Clone, Debug)]
pub struct Mistake {
    /// The file's name without its extension.
    pub name: String,
    /// What it is, in a line.
    pub mistake: String,
    /// How it is made.
    pub edits: Vec<Edit>,
}

/// A text to be replaced.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The source file, from the root of the workspace.
    pub file: PathBuf,
    /// What stands there once.
    pub find: String,
    /// What is put in its place.
    pub replace: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MistakeFile {
    mistake: String,
    edit: Vec<Edit>,
}

impl Mistake {
    /// All mistakes in a folder, by name.
    ///
    /// # Errors
    /// The folder or a file in it cannot be read, or is not a mistake.
    pub fn all(folder: &Path) -> anyhow::Result<Vec<Mistake>> {
        let mut mistakes = Vec::new();
        for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                mistakes.push(Mistake::read(&path).with_context(|| path.display().to_string())?);
            }
        }
        mistakes.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(mistakes)
    }

    fn read(path: &Path) -> anyhow::Result<Mistake> {
        let file: MistakeFile = toml::from_str(&fs::read_to_string(path)?)?;
        ensure!(!file.edit.is_empty(), "nothing to edit");
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Mistake { name, mistake: file.mistake, edits: file.edit })
    }

    /// Makes the mistake in the workspace at `root`, and gives what stood there: files and their text.
    ///
    /// # Errors
    /// A text is not found, or found more than once; nothing was changed then.
    pub fn make(&self, root: &Path) -> anyhow::Result<Vec<(PathBuf, String)>> {
        let [before, after] = self.edited(root)?;
        for (path, text) in after {
            fs::write(path, text)?;
        }
        Ok(before)
    }

    /// The files that the mistake changes in the workspace at `root`: as they are, and as they would be.
    ///
    /// # Errors
    /// A text is not found, or found more than once.
    pub fn edited(&self, root: &Path) -> anyhow::Result<[Vec<(PathBuf, String)>; 2]> {
        let mut before: Vec<(PathBuf, String)> = Vec::new();
        let mut after: Vec<(PathBuf, String)> = Vec::new();
        for edit in &self.edits {
            let path = root.join(&edit.file);
            let text = match after.iter_mut().find(|(edited, _)| *edited == path) {
                Some((_, text)) => text,
                None => {
                    let text = fs::read_to_string(&path).with_context(|| format!("{}", edit.file.display()))?;
                    before.push((path.clone(), text.clone()));
                    after.push((path, text));
                    &mut after.last_mut().expect("pushed just now").1
                }
            };
            match text.matches(&edit.find).count() {
                1 => *text = text.replacen(&edit.find, &edit.replace, 1),
                0 => bail!("{} does not contain this any more:\n{}", edit.file.display(), edit.find),
                count => bail!("{} contains this {count} times:\n{}", edit.file.display(), edit.find),
            }
        }
        Ok([before, after])
    }
}

/// Brings the workspace at `from` to `to`: files that differ are written, those that are gone are removed. Folders that
/// no build needs (`target`, and those whose names start with a dot) are left out.
///
/// # Errors
/// Something cannot be read or written.
pub fn bring(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    let left_out = |name: &str| name == "target" || name.starts_with('.') || name == "__pycache__";
    let mut names = Vec::new();
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if left_out(&name.to_string_lossy()) {
            continue;
        }
        let (source, target) = (entry.path(), to.join(&name));
        if entry.file_type()?.is_dir() {
            bring(&source, &target)?;
        } else {
            let bytes = fs::read(&source)?;
            // An unchanged file keeps its time, so that nothing is built for it.
            if !fs::read(&target).is_ok_and(|there| there == bytes) {
                fs::write(&target, bytes)?;
            }
        }
        names.push(name);
    }
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        if !names.contains(&entry.file_name()) {
            let path = entry.path();
            if entry.file_type()?.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("rum-seeded-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a directory for temporary files");
        folder
    }

    fn mistake(find: &str) -> Mistake {
        let edit = |find: &str| Edit { file: "a.rs".into(), find: find.into(), replace: "new".into() };
        Mistake { name: "test".into(), mistake: String::new(), edits: vec![edit("once"), edit(find)] }
    }

    #[test]
    fn a_text_must_be_found_exactly_once() {
        let root = folder("edit");
        let path = root.join("a.rs");
        fs::write(&path, "once twice twice other").expect("writable");
        for (find, complaint) in [("never", "does not contain"), ("twice", "2 times")] {
            let error = mistake(find).make(&root).expect_err("it cannot be made");
            assert!(error.to_string().contains(complaint), "{error}");
            assert_eq!(fs::read_to_string(&path).expect("there"), "once twice twice other", "untouched");
        }
        let before = mistake("other").make(&root).expect("it can be made");
        assert_eq!(fs::read_to_string(&path).expect("there"), "new twice twice new");
        assert_eq!(before, [(path, "once twice twice other".to_owned())]);
        fs::remove_dir_all(root).expect("made above");
    }

    #[test]
    fn a_workspace_is_brought_as_it_is() {
        let (from, to) = (folder("from"), folder("to"));
        for (path, text) in [("src/a.rs", "a"), ("target/b", "b"), (".hidden/c", "c")] {
            let path = from.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
            fs::write(path, text).expect("writable");
        }
        fs::write(to.join("old.rs"), "gone").expect("writable");
        bring(&from, &to).expect("readable and writable");
        let names: Vec<_> = fs::read_dir(&to).expect("there").map(|entry| entry.expect("there").file_name()).collect();
        assert_eq!(names, ["src"]);
        let written = fs::metadata(to.join("src/a.rs")).expect("there").modified().expect("a time");
        bring(&from, &to).expect("readable and writable");
        assert_eq!(fs::metadata(to.join("src/a.rs")).expect("there").modified().expect("a time"), written);
        for folder in [from, to] {
            fs::remove_dir_all(folder).expect("made above");
        }
    }

    #[test]
    fn every_file_is_a_mistake() {
        let mistakes = Mistake::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("seeded")).expect("all can be read");
        assert!(mistakes.len() >= 12, "only {}", mistakes.len());
        for mistake in mistakes {
            assert!(!mistake.mistake.contains('\n') && !mistake.mistake.is_empty(), "{}: a line", mistake.name);
        }
    }
}
