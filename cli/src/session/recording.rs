//! Recordings: a snapshot of how a run began, what it read, and digests of what it put out, in the order in which that happened.
//!
//! A file is a line of text, a version, and parts, each with its kind, length and checksum; so a recording that breaks off is good up to
//! there. Between input and identifiers, which follow from the past, there is nothing that a run could depend on: what was recorded is enough to
//! repeat it exactly.

use crate::trace::tape::Player;
use rum::Console;
use rum::image::RECORDING_MAGIC as MAGIC;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64_with_seed};

const VERSION: u32 = 1;
/// Output is digested at least once in so many bytes.
const OUTPUT_BYTES: u64 = 1 << 12;
/// Input is written at least once in so many bytes.
const INPUT_BYTES: usize = 1 << 12;
/// A part that is longer is none.
const PART_BYTES_MAX: usize = 1 << 34;

/// The kinds of parts.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    /// A snapshot: how the run began.
    Start = 0,
    /// Bytes that were read.
    Input = 1,
    /// The end of input was met.
    InputEnd = 2,
    /// Bytes put out in all, and their digest: 64 bits each.
    Output = 3,
    /// How the run ended, as JSON.
    End = 4,
}

/// How a recorded run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// The name of the end.
    pub end: String,
    /// Instructions executed.
    pub executed: u64,
}

/// Output so far, and its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Bytes in all.
    pub bytes: u64,
    /// Their digest.
    pub digest: u64,
}

/// Writes a recording while a program runs.
pub struct Recorder {
    out: BufWriter<File>,
    parts: u64,
    input: Vec<u8>,
    output: Xxh3Default,
    output_bytes: u64,
    digested_bytes: u64,
}

impl Recorder {
    /// A recording without anything yet.
    pub fn new(file: File) -> Recorder {
        Recorder {
            out: BufWriter::new(file),
            parts: 0,
            input: Vec::new(),
            output: Xxh3Default::new(),
            output_bytes: 0,
            digested_bytes: 0,
        }
    }

    fn part(&mut self, kind: Kind, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(&[kind as u8])?;
        self.out.write_all(&(bytes.len() as u64).to_le_bytes())?;
        self.out.write_all(&xxh3_64_with_seed(bytes, self.parts << 8 | kind as u64).to_le_bytes())?;
        self.parts += 1;
        self.out.write_all(bytes)
    }

    /// Writes how the run begins.
    ///
    /// # Errors
    /// The file's.
    pub fn start(&mut self, snapshot: &[u8]) -> io::Result<()> {
        self.out.write_all(MAGIC)?;
        self.out.write_all(&VERSION.to_le_bytes())?;
        self.part(Kind::Start, snapshot)
    }

    /// A byte was read, or the end of input.
    ///
    /// # Errors
    /// The file's.
    pub fn input(&mut self, byte: Option<u8>) -> io::Result<()> {
        match byte {
            Some(byte) => {
                self.input.push(byte);
                if self.input.len() >= INPUT_BYTES { self.put_input() } else { Ok(()) }
            }
            None => {
                self.put_input()?;
                self.part(Kind::InputEnd, &[])
            }
        }
    }

    fn put_input(&mut self) -> io::Result<()> {
        let input = std::mem::take(&mut self.input);
        if input.is_empty() { Ok(()) } else { self.part(Kind::Input, &input) }
    }

    /// Bytes were put out.
    ///
    /// # Errors
    /// The file's.
    pub fn output(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.update(bytes);
        self.output_bytes += bytes.len() as u64;
        if self.output_bytes - self.digested_bytes >= OUTPUT_BYTES { self.put_output() } else { Ok(()) }
    }

    fn put_output(&mut self) -> io::Result<()> {
        if self.digested_bytes == self.output_bytes {
            return Ok(());
        }
        self.digested_bytes = self.output_bytes;
        let bytes = [self.output_bytes.to_le_bytes(), self.output.digest().to_le_bytes()].concat();
        self.part(Kind::Output, &bytes)
    }

    /// Writes what is held back: the program is about to wait.
    ///
    /// # Errors
    /// The file's.
    pub fn flush(&mut self) -> io::Result<()> {
        self.put_input()?;
        self.put_output()?;
        self.out.flush()
    }

    /// Writes how the run ended.
    ///
    /// # Errors
    /// The file's.
    pub fn finish(&mut self, ending: &Ending) -> io::Result<()> {
        self.put_input()?;
        self.put_output()?;
        let text = serde_json::to_vec(ending).expect("it is plain");
        self.part(Kind::End, &text)?;
        self.out.flush()
    }
}

/// A recording that was read.
#[derive(Debug, Default)]
pub struct Recording {
    /// The snapshot of how the run began.
    pub start: Vec<u8>,
    /// What it read.
    pub input: Vec<u8>,
    /// After how many bytes of that the end of input was met.
    pub ends: Vec<usize>,
    /// Digests of what it put out.
    pub output: Vec<Digest>,
    /// How it ended; none if the recording breaks off.
    pub ending: Option<Ending>,
}

impl Recording {
    /// Reads a recording, up to where it breaks off.
    ///
    /// # Errors
    /// It is none, is of another version, or is damaged; the text says what.
    pub fn read(mut from: impl Read) -> Result<Recording, String> {
        let mut magic = [0; MAGIC.len()];
        if from.read_exact(&mut magic).is_err() || magic != *MAGIC {
            return Err("it is no recording (rum run --record writes them)".to_owned());
        }
        let mut version = [0; 4];
        from.read_exact(&mut version).map_err(|_| "it ends too early".to_owned())?;
        match u32::from_le_bytes(version) {
            VERSION => {}
            other => return Err(format!("it has format {other}, and this build reads format {VERSION}")),
        }
        let mut recording = Recording::default();
        for number in 0.. {
            let Some((kind, bytes)) = read_part(&mut from, number)? else { break };
            match kind {
                0 if number == 0 => recording.start = bytes,
                1 => recording.input.extend(bytes),
                2 => recording.ends.push(recording.input.len()),
                3 if bytes.len() == 16 => {
                    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
                    let (bytes, digest) = (number(0), number(8));
                    if recording.output.last().is_some_and(|last| last.bytes >= bytes) {
                        return Err("it is damaged: its output grows shorter".to_owned());
                    }
                    recording.output.push(Digest { bytes, digest });
                }
                4 => recording.ending = serde_json::from_slice(&bytes).ok(),
                _ => return Err("it is damaged: a part of it has no kind".to_owned()),
            }
        }
        if recording.start.is_empty() {
            Err("it breaks off before anything happened".to_owned())
        } else {
            Ok(recording)
        }
    }
}

/// The next part; none at the end, or where the recording breaks off.
fn read_part(from: &mut impl Read, number: u64) -> Result<Option<(u8, Vec<u8>)>, String> {
    let mut head = [0; 17];
    match from.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.to_string()),
    }
    let len = u64::from_le_bytes(head[1..9].try_into().expect("eight bytes")) as usize;
    let sum = u64::from_le_bytes(head[9..].try_into().expect("eight bytes"));
    let mut bytes = Vec::new();
    if len > PART_BYTES_MAX || from.take(len as u64).read_to_end(&mut bytes).is_err() || bytes.len() < len {
        return Ok(None);
    }
    match xxh3_64_with_seed(&bytes, number << 8 | u64::from(head[0])) == sum {
        true => Ok(Some((head[0], bytes))),
        false => Err("it is damaged: a checksum is wrong".to_owned()),
    }
}

/// A console that gives what was recorded, and compares what is put out.
pub struct Replayed {
    input: Player,
    expected: std::collections::VecDeque<Digest>,
    output: Xxh3Default,
    output_bytes: u64,
    /// The place up to which the output was as recorded.
    verified_bytes: u64,
    show: Box<dyn Console>,
    /// Whether the recording ended before the program wanted to read.
    pub broke_off: bool,
}

impl Replayed {
    /// A console that gives what was recorded, and shows what is put out on another.
    pub fn new(recording: &Recording, show: Box<dyn Console>) -> Replayed {
        Replayed {
            input: Player::new(recording.input.clone(), recording.ends.iter().copied()),
            expected: recording.output.iter().copied().collect(),
            output: Xxh3Default::new(),
            output_bytes: 0,
            verified_bytes: 0,
            show,
            broke_off: false,
        }
    }
}

impl Console for Replayed {
    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let all = bytes;
        while !bytes.is_empty() {
            let next = self.expected.front().copied();
            let count = next.map_or(bytes.len() as u64, |next| next.bytes - self.output_bytes).min(bytes.len() as u64);
            let (now, later) = bytes.split_at(count as usize);
            self.output.update(now);
            self.output_bytes += count;
            bytes = later;
            if let Some(next) = next.filter(|next| next.bytes == self.output_bytes) {
                self.expected.pop_front();
                if next.digest != self.output.digest() {
                    let (from, to) = (self.verified_bytes, next.bytes);
                    return Err(io::Error::other(format!(
                        "the output differs from the recorded one, somewhere in bytes {from} to {to}"
                    )));
                }
                self.verified_bytes = next.bytes;
            }
        }
        self.show.write(all)
    }

    fn read(&mut self) -> io::Result<Option<u8>> {
        self.input.next().ok_or_else(|| {
            self.broke_off = true;
            io::ErrorKind::Interrupted.into()
        })
    }

    fn ready(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Seek;

    #[test]
    fn output_that_grows_shorter_is_damage() {
        let read = |sizes: [u64; 2]| {
            let mut file = tempfile::tempfile().expect("a temporary file");
            let mut recorder = Recorder::new(file.try_clone().expect("another handle"));
            recorder.start(b"a snapshot").expect("room");
            for bytes in sizes {
                let digest = [bytes.to_le_bytes(), [0; 8]].concat();
                recorder.part(Kind::Output, &digest).expect("room");
            }
            recorder.flush().expect("room");
            file.rewind().expect("a file");
            Recording::read(file)
        };
        assert_eq!(read([5, 6]).expect("it grows").output.len(), 2);
        assert!(read([5, 4]).is_err() && read([5, 5]).is_err());
    }
}
