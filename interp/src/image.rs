//! Program images: bytes to words and back. A leaf.
//!
//! An image is a sequence of big-endian 32-bit words (the specification calls it a scroll of "legacy unsigned 8-bit
//! characters").

use crate::isa::{Instruction, Op, Word};
use std::io::{self, Read};

/// `1 word`, `2 words`: the whole words in so many bytes.
fn words_of(bytes: usize) -> String {
    match bytes / 4 {
        1 => "1 word".to_owned(),
        words => format!("{words} words"),
    }
}

/// Why some bytes are no program image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// There is not a single byte.
    #[error("the image is empty; a program has at least one 4-byte word")]
    Empty,
    /// The number of bytes is not a multiple of four.
    #[error(
        "the image has {bytes} bytes, which is not a multiple of 4 ({} left over after {}){hint}",
        bytes % 4,
        words_of(*bytes)
    )]
    Ragged {
        /// Size of the image in bytes.
        bytes: usize,
        /// What the bytes look like, starting with a separator; empty if nothing can be said.
        hint: &'static str,
    },
    /// It is something else, whatever its size.
    #[error("{what}")]
    Other {
        /// What it is, and what can be done with it.
        what: &'static str,
    },
    /// More words than the machine's space for segment 0 holds.
    #[error("the image has {words} words, more than the {limit} that fit into this machine's segment 0")]
    TooLarge {
        /// Words in the image.
        words: usize,
        /// Words that fit.
        limit: usize,
    },
}

/// The words of an image.
///
/// # Errors
/// [`ImageError::Empty`] and [`ImageError::Ragged`].
pub fn decode_image(bytes: &[u8]) -> Result<Vec<Word>, ImageError> {
    check_size(bytes.len(), bytes)?;
    let (words, _) = bytes.as_chunks::<4>();
    Ok(words.iter().map(|&word| u32::from_be_bytes(word)).collect())
}

/// Damage is judged by so many bytes.
const SAMPLE_BYTES: usize = 1 << 16;

/// Whether `bytes` bytes that start with `sample` can be an image at all.
fn check_size(bytes: usize, sample: &[u8]) -> Result<(), ImageError> {
    match bytes {
        0 => Err(ImageError::Empty),
        _ if sample.starts_with(SNAPSHOT_MAGIC) => {
            Err(ImageError::Other { what: "it is a snapshot: rum resume goes on from it" })
        }
        _ if sample.starts_with(RECORDING_MAGIC) => {
            Err(ImageError::Other { what: "it is a recording: rum replay repeats it" })
        }
        _ if !bytes.is_multiple_of(4) => Err(ImageError::Ragged { bytes, hint: damage_hint(sample) }),
        _ if sample.len() >= TEXT_BYTES_MIN && is_text(sample) => Err(ImageError::Other {
            what: "it is a text: a source is assembled by rum asm first, and a download may have brought a page instead of the image",
        }),
        _ => Ok(()),
    }
}

/// A text has at least so many bytes: what is shorter may be a program by chance.
const TEXT_BYTES_MIN: usize = 16;

/// What every snapshot begins with.
pub const SNAPSHOT_MAGIC: &[u8; 13] = b"rum snapshot\n";
/// What every recording of the command begins with.
pub const RECORDING_MAGIC: &[u8; 14] = b"rum recording\n";

/// Whatever is told apart by its first bytes begins with so many letters.
const LETTERS_MIN: usize = 12;
const _: () = assert!(LETTERS_MIN <= TEXT_BYTES_MIN && LETTERS_MIN <= SNAPSHOT_MAGIC.len());
const _: () = assert!(LETTERS_MIN <= RECORDING_MAGIC.len() && LETTERS_MIN.is_multiple_of(4));

fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|&b| b == b'\t' || b == b'\n' || b == b'\r' || (b' '..0x7f).contains(&b))
}

/// The bytes of an image.
pub fn encode_image(words: &[Word]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// Reads an image, with its words where they are to stay.
pub(crate) struct ImageReader<'a> {
    source: &'a mut dyn Read,
    total_bytes: usize,
    /// Whether the source said so.
    has_ended: bool,
    /// Bytes at the end that make no word.
    rest: Vec<u8>,
}

impl<'a> ImageReader<'a> {
    pub fn new(source: &'a mut dyn Read) -> ImageReader<'a> {
        ImageReader { source, total_bytes: 0, has_ended: false, rest: Vec::new() }
    }

    /// Reads into `room` until it is full or the image ends; gives the number of words, which are in the host's order.
    ///
    /// # Errors
    /// The source's.
    pub fn fill(&mut self, room: &mut [[u8; 4]]) -> io::Result<usize> {
        let bytes = room.as_flattened_mut();
        let mut filled = 0;
        while filled < bytes.len() && !self.has_ended {
            match self.source.read(&mut bytes[filled..]) {
                Ok(0) => self.has_ended = true,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.total_bytes += filled;
        let (words, rest) = (filled / 4, filled % 4);
        self.rest.extend_from_slice(&bytes[filled - rest..filled]);
        for word in &mut room[..words] {
            *word = u32::from_be_bytes(*word).to_ne_bytes();
        }
        Ok(words)
    }

    /// Whether what was read, of which `words` are the first words, is an image.
    ///
    /// # Errors
    /// [`ImageError::Empty`] and [`ImageError::Ragged`].
    pub fn finish(mut self, words: &[Word]) -> Result<(), ImageError> {
        // Hardly any image begins like that; a text does, and so do our own files.
        let begins_as_text = words.iter().take(LETTERS_MIN / 4).all(|word| is_text(&word.to_be_bytes()));
        if self.rest.is_empty() && self.total_bytes > 0 && !begins_as_text {
            return Ok(());
        }
        let mut sample = encode_image(&words[..words.len().min(SAMPLE_BYTES / 4)]);
        sample.append(&mut self.rest);
        check_size(self.total_bytes, &sample)
    }
}

/// Guesses what happened to an image of odd size.
fn damage_hint(bytes: &[u8]) -> &'static str {
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    let count = |pattern: &[u8]| sample.windows(pattern.len()).filter(|window| *window == pattern).count();
    if sample.starts_with(&[0x1f, 0x8b]) {
        "; it looks like a gzip archive: unpack it first"
    } else if sample.starts_with(b"PK\x03\x04") {
        "; it looks like a zip archive: unpack it first"
    } else if is_text(sample) {
        "; it looks like text, not like a program image"
    } else if count(&[0xef, 0xbf, 0xbd]) > 0 {
        "; it was damaged by a copy in text mode (bytes were replaced by U+FFFD): copy it again as binary"
    } else if count(b"\r\n") > 0 && count(b"\n") == count(b"\r\n") {
        "; it was probably damaged by a copy in text mode (every line feed follows a carriage return): copy it again as binary"
    } else {
        "; it was probably cut short or damaged by a copy in text mode: copy it again as binary"
    }
}

/// A remark on an image that will hardly run: its first word is no instruction, but its bytes in the other order are.
pub fn byte_order_hint(words: &[Word]) -> Option<&'static str> {
    let valid = |decode: fn(Word) -> Word| {
        words.iter().take(64).filter(|&&w| Op::of(decode(w)) != Op::Invalid && plausible(decode(w))).count()
    };
    let sample = words.len().min(64);
    (sample >= 4 && valid(|w| w) * 4 < sample && valid(u32::swap_bytes) * 4 > sample * 3)
        .then_some("the image looks like little-endian words; an image is big-endian")
}

/// Whether the bits an instruction does not use are 0, as in all code that assemblers write.
fn plausible(word: Word) -> bool {
    Instruction::decode(word).encode() & !0x1ff == word & !0x1ff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_big_endian() {
        assert_eq!(decode_image(&[0xd2, 0, 0, 2, 0x70, 0, 0, 0]), Ok(vec![0xd200_0002, 0x7000_0000]));
        assert_eq!(encode_image(&[0xd200_0002]), [0xd2, 0, 0, 2]);
    }

    #[test]
    fn odd_images_are_described() {
        assert_eq!(decode_image(&[]), Err(ImageError::Empty));
        let say = |bytes: &[u8]| decode_image(bytes).unwrap_err().to_string();
        assert!(say(b"hello").contains("looks like text"));
        assert!(say(b"hello").contains("5 bytes, which is not a multiple of 4 (1 left over after 1 word)"));
        assert!(say(&[0, 1, 13, 10, 2]).contains("carriage return"));
        assert!(say(&[0, 1, 0xef, 0xbf, 0xbd]).contains("U+FFFD"));
        assert!(say(&[0x1f, 0x8b, 0]).contains("gzip"));
        assert!(say(&[0, 1, 2]).contains("cut short"));
    }

    #[test]
    fn own_files_are_told_from_images_whatever_their_size() {
        for (magic, hint) in [(&SNAPSHOT_MAGIC[..], "rum resume"), (&RECORDING_MAGIC[..], "rum replay")] {
            for zeros in 8..12 {
                let file = [magic, &vec![0; zeros][..]].concat();
                let mut room = [[0; 4]; 16];
                let mut source = &file[..];
                let mut reader = ImageReader::new(&mut source);
                let count = reader.fill(&mut room).expect("bytes can be read");
                let words: Vec<Word> = room[..count].iter().map(|&bytes| Word::from_ne_bytes(bytes)).collect();
                let error = reader.finish(&words).expect_err("no image").to_string();
                assert!(error.contains(hint), "{} bytes: {error}", file.len());
            }
        }
    }

    #[test]
    fn swapped_words_are_noticed() {
        let program: Vec<Word> = (0..8).map(|i| 0xd200_0000 | i).chain([0x7000_0000]).collect();
        let swapped: Vec<Word> = program.iter().map(|w| w.swap_bytes()).collect();
        assert_eq!(byte_order_hint(&program), None);
        assert!(byte_order_hint(&swapped).is_some());
    }
}
