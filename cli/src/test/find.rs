//! Which tests there are, and what is expected of each.

use crate::cli::values::parse_count;
use crate::failure::{Failure, reason};
use crate::files;
use rum::encode_image;
use rum_asm::{Options, Source, assemble};
use serde::{Deserialize, Deserializer};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is expected beside the output: the file NAME.toml.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expects {
    /// The kind of fault that the program ends by, as rum names it.
    pub fault: Option<String>,
    /// The exit status.
    pub status: Option<i32>,
    /// How long it may take.
    #[serde(default, deserialize_with = "duration")]
    pub timeout: Option<Duration>,
    /// Instructions that it may execute.
    #[serde(default, deserialize_with = "count")]
    pub max_instructions: Option<u64>,
    /// Memory that it may use.
    pub max_memory: Option<String>,
}

impl Expects {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// It cannot be understood; the text tells why.
    pub fn parse(text: &str) -> Result<Expects, String> {
        toml::from_str(text).map_err(|error| {
            let text = error.to_string();
            text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().to_owned()
        })
    }

    /// Whether more is expected than output.
    pub fn is_about_the_end(&self) -> bool {
        self.fault.is_some() || self.status.is_some()
    }
}

fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    humantime::parse_duration(&text).map(Some).map_err(serde::de::Error::custom)
}

fn count<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a count: 1000, or \"1e3\"")]
    enum Count {
        Number(u64),
        Text(String),
    }
    match Count::deserialize(from)? {
        Count::Number(number) => Ok(Some(number)),
        Count::Text(text) => parse_count(&text).map(Some).map_err(serde::de::Error::custom),
    }
}

/// A test.
#[derive(Clone, Debug)]
pub struct Test {
    /// Its path, without the extension.
    pub name: String,
    /// The program: an image, or a source.
    program: PathBuf,
    /// What it reads.
    pub input: Vec<u8>,
    /// Where the output stands that is expected.
    pub expected: PathBuf,
    /// What else is expected.
    pub expects: Expects,
}

/// The tests that some paths mean, in order.
///
/// # Errors
/// There is no such path, or a file that belongs to a test cannot be read.
pub fn tests(paths: &[PathBuf]) -> Result<Vec<Test>, Failure> {
    let here = [PathBuf::from(".")];
    let mut programs = Vec::new();
    for path in if paths.is_empty() { &here[..] } else { paths } {
        if path.is_dir() {
            in_folder(path, &mut programs)?;
        } else if path.is_file() {
            programs.push(path.clone());
        } else {
            return Err(Failure::host(format!("there is no {}", path.display())));
        }
    }
    programs.sort();
    // A source and its image beside each other are one test.
    programs.dedup_by(|later, earlier| later.with_extension("") == earlier.with_extension(""));
    programs.iter().map(|program| Test::of(program)).collect()
}

fn cannot(path: &Path) -> impl Fn(std::io::Error) -> Failure {
    let path = path.display().to_string();
    move |error| Failure::host(format!("cannot read {path}: {}", reason(&error)))
}

/// The programs below a folder that something is expected of.
fn in_folder(folder: &Path, programs: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for entry in fs::read_dir(folder).map_err(cannot(folder))? {
        let path = entry.map_err(cannot(folder))?.path();
        let is_program = path.extension().is_some_and(|extension| extension == "um" || extension == "ums");
        if path.is_dir() && !path.is_symlink() {
            in_folder(&path, programs)?;
        } else if is_program && (path.with_extension("1").exists() || path.with_extension("toml").exists()) {
            programs.push(path);
        }
    }
    Ok(())
}

impl Test {
    fn of(program: &Path) -> Result<Test, Failure> {
        let input = program.with_extension("0");
        let input = if input.exists() { files::bytes_of(&input).map_err(cannot(&input))? } else { Vec::new() };
        let about = program.with_extension("toml");
        let expects = match files::text_of(&about) {
            Ok(text) => Expects::parse(&text)
                .map_err(|why| Failure::host(format!("{} cannot be understood: {why}", about.display())))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Expects::default(),
            Err(error) => return Err(cannot(&about)(error)),
        };
        let name = program.with_extension("").display().to_string();
        let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
        Ok(Test { name, program: program.to_owned(), input, expected: program.with_extension("1"), expects })
    }

    /// The image: the program itself, or what its source becomes, written to `made`; or what is wrong with that.
    ///
    /// # Errors
    /// The source has errors; the text tells them.
    pub fn image(&self, made: &Path) -> Result<PathBuf, String> {
        if self.program.extension().is_some_and(|extension| extension == "um") {
            return Ok(self.program.clone());
        }
        let text = files::bytes_of(&self.program).map_err(|error| reason(&error))?;
        let source = [Source::new(self.program.display().to_string(), text)];
        let plain = assemble(&source, &Options::default());
        // Most sources are plain ones. What is none may be an extended one.
        let assembly = plain.or_else(|errors| {
            let extended = Options { extended: true, ..Options::default() };
            assemble(&source, &extended).map_err(|_| errors)
        });
        let assembly = assembly
            .map_err(|errors| errors.iter().map(|error| format!("{}\n", error.render(false))).collect::<String>())?;
        fs::write(made, encode_image(&assembly.words)).map_err(|error| reason(&error))?;
        Ok(made.to_owned())
    }
}
