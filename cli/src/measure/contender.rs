//! Who is measured: a command line for an image.

use crate::failure::{Failure, reason};
use std::borrow::Cow;
use std::path::Path;

/// One who takes part.
#[derive(Clone, Debug)]
pub struct Contender {
    /// The name in tables.
    pub name: String,
    /// The words of the command; `{}` stands for the image.
    pub words: Vec<String>,
    /// Whether it is a rum, which can be asked for statistics.
    pub is_rum: bool,
}

impl Contender {
    /// The command line for people; a rum of ours has no path.
    pub fn text(&self) -> String {
        let words = self.words.iter().enumerate().map(|(i, word)| match word.as_str() {
            _ if i == 0 && self.is_rum => Cow::Borrowed("rum"),
            "{}" => Cow::Borrowed("{}"),
            word => shlex::try_quote(word).unwrap_or(Cow::Borrowed(word)),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// The command for an image.
    pub fn command(&self, image: &Path) -> Vec<String> {
        let mut image = image.display().to_string();
        // No image is an option, or a command of rum.
        if !image.contains('/') {
            image.insert_str(0, "./");
        }
        self.words.iter().map(|word| word.replace("{}", &image)).collect()
    }

    /// The command for an image that reports statistics at its end; the plain one for what is no rum.
    pub fn command_with_stats(&self, image: &Path) -> Vec<String> {
        let mut words = self.command(image);
        if self.is_rum {
            words.insert(1, "--stats=json".to_owned());
        }
        words
    }
}

/// A rum and the arguments it gets.
pub fn rum_contender(name: impl Into<String>, rum: &str, args: &[String]) -> Contender {
    let words = [rum.to_owned()].into_iter().chain(args.iter().cloned()).chain(["{}".to_owned()]).collect();
    Contender { name: name.into(), words, is_rum: true }
}

/// The path of this very binary.
///
/// # Errors
/// The system does not tell.
pub fn own_binary() -> Result<String, Failure> {
    let path = std::env::current_exe()
        .map_err(|error| Failure::host(format!("cannot find the binary of rum: {}", reason(&error))))?;
    Ok(path.display().to_string())
}

/// Another command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// As it was written.
    pub text: String,
    /// Its words; `{}` in any of them stands for the image.
    pub words: Vec<String>,
}

/// Splits a command into words, as a shell does.
pub fn parse_command(text: &str) -> Result<Other, String> {
    let mut words = shlex::split(text).filter(|words| !words.is_empty()).ok_or("a command with its quotes closed")?;
    if !words.iter().any(|word| word.contains("{}")) {
        words.push("{}".to_owned());
    }
    Ok(Other { text: text.to_owned(), words })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_get_their_image() {
        assert_eq!(parse_command("um -x '{}' end").expect("fine").words, ["um", "-x", "{}", "end"]);
        assert_eq!(parse_command("'my um'").expect("fine").words, ["my um", "{}"]);
        assert!(parse_command("um 'x").is_err() && parse_command(" ").is_err());
    }
}
