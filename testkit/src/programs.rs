//! The list of the programs in `umbin/`, as `umbin/programs.toml` describes them.

use serde::Deserialize;
use std::path::PathBuf;

/// One program. The keys are explained at the top of `umbin/programs.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The name, unique; the image is `umbin/NAME.um`.
    pub name: String,
    /// The group, such as `calls`.
    pub group: String,
    /// One line for people.
    pub about: String,
    /// Files in `umbin/src`, in the order in which they are assembled.
    pub sources: Vec<String>,
    /// What to feed a program that takes no size.
    pub input: Option<String>,
    /// What the size of a program counts. Given together with all sizes, or not at all.
    pub unit: Option<String>,
    /// The size the program takes for itself when its input is empty.
    pub default: Option<u32>,
    /// A size for tests.
    pub small: Option<u32>,
    /// The size for `rum bench`.
    pub bench_size: Option<u32>,
    /// A size for figures.
    pub figure_size: Option<u32>,
    /// A size for figures with CPython.
    pub python_size: Option<u32>,
    /// How many instructions are executed for an empty input, or for [`Program::input`] when that is given; halt counts.
    pub instructions: u64,
    expected: Option<String>,
    expected_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    program: Vec<Program>,
}

/// The folder `umbin` of the workspace.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).with_file_name("umbin")
}

/// All programs, in the order of the file.
///
/// # Panics
/// When the file is missing or is not what its header says.
pub fn programs() -> Vec<Program> {
    let path = folder().join("programs.toml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    toml::from_str::<List>(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())).program
}

impl Program {
    /// The path of the image.
    pub fn image_path(&self) -> PathBuf {
        folder().join(format!("{}.um", self.name))
    }

    /// The paths of the sources, in the order in which they are assembled.
    pub fn source_paths(&self) -> Vec<PathBuf> {
        self.sources.iter().map(|source| folder().join("src").join(source)).collect()
    }

    /// What is printed for an empty input, or for [`Program::input`] when that is given.
    ///
    /// # Panics
    /// When the file with it is missing, or there is none.
    pub fn expected(&self) -> String {
        match (&self.expected, &self.expected_file) {
            (Some(text), None) => text.clone(),
            (None, Some(file)) => {
                let path = folder().join(file);
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            }
            _ => panic!("{}: exactly one of expected and expected_file must be given", self.name),
        }
    }
}
