//! What is kept as bytes, and how those are told from anything else: a mark, the build that wrote them, a checksum.
//!
//! Behind that stand a table of contents and the chapters, each by itself: only the one that is needed is read.

use super::kept::{Chapter, Identity};
use crate::code::host_isa;
use crate::settings::Settings;
use rum_interp::Word;
use std::ops::Range;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// Which build of the crate this is: a hash of its sources, of the compiler and of its options.
const BUILD: &str = env!("RUM_JIT_BUILD");
/// What the bytes begin with.
const MARK: &[u8] = b"rum code cache\n";

/// Why bytes are no cache that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CacheError {
    /// They do not begin as a cache does.
    #[error("it is no code cache")]
    Mark,
    /// Another build of rum wrote them.
    #[error("another build of rum wrote it")]
    Build,
    /// They are incomplete, or have changed.
    #[error("it is damaged")]
    Damaged,
}

/// A line of the table of contents: a program, the highest number of a unit in its chapter, and where that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub program: Identity,
    pub number_max: u32,
    pub place: Range<usize>,
}

/// Encodes a chapter.
pub(super) fn encode_chapter(chapter: &Chapter) -> Option<Vec<u8>> {
    postcard::to_stdvec(chapter).ok()
}

/// Decodes a chapter that [`open`] told of.
pub(super) fn decode_chapter(bytes: &[u8]) -> Option<Chapter<'_>> {
    postcard::from_bytes(bytes).ok()
}

/// All chapters as one: each with its program and the highest number of a unit.
pub(super) fn bind(chapters: &[(Identity, u32, &[u8])]) -> Option<Vec<u8>> {
    let lines: Vec<_> = chapters.iter().map(|&(program, number, bytes)| (program, number, bytes.len())).collect();
    let mut content = postcard::to_stdvec(&lines).ok()?;
    chapters.iter().for_each(|(.., bytes)| content.extend(*bytes));
    Some(sealed(&content))
}

/// A table of contents with its chapters, as this build writes it.
pub fn sealed(content: &[u8]) -> Vec<u8> {
    let sum = xxh3_64(content).to_le_bytes();
    [MARK, BUILD.as_bytes(), b"\n", &sum, content].concat()
}

/// The table of contents of bytes, none of which has changed.
pub(super) fn open(bytes: &[u8]) -> Result<Vec<Line>, CacheError> {
    let rest = bytes.strip_prefix(MARK).ok_or(CacheError::Mark)?;
    let rest =
        rest.strip_prefix(BUILD.as_bytes()).and_then(|rest| rest.strip_prefix(b"\n")).ok_or(CacheError::Build)?;
    let (sum, content) = rest.split_first_chunk().ok_or(CacheError::Damaged)?;
    if xxh3_64(content).to_le_bytes() != *sum {
        return Err(CacheError::Damaged);
    }
    let (lines, rest): (Vec<(Identity, u32, usize)>, _) =
        postcard::take_from_bytes(content).map_err(|_| CacheError::Damaged)?;
    let mut start = bytes.len() - rest.len();
    let lines = lines.into_iter().map(|(program, number_max, len)| {
        let end = start.checked_add(len).filter(|&end| end <= bytes.len()).ok_or(CacheError::Damaged)?;
        let place = std::mem::replace(&mut start, end)..end;
        Ok(Line { program, number_max, place })
    });
    lines.collect()
}

/// A hash of a program.
pub(super) fn hash(program: &[Word]) -> u64 {
    // SAFETY: words are plain numbers, and every byte of them is one.
    xxh3_64(unsafe { std::slice::from_raw_parts(program.as_ptr().cast(), size_of_val(program)) })
}

/// The name of what is kept of a program: what was made for the same program, by the same build with the same settings, for a
/// processor with the same features, has the same name.
///
/// # Errors
/// The host's architecture is not supported.
pub(crate) fn key(program: Identity, settings: &Settings) -> Result<String, String> {
    let isa = host_isa()?;
    let features: Vec<String> = isa.isa_flags().iter().map(ToString::to_string).collect();
    let made_by = format!("{BUILD} {} {} {features:?} {settings:?} {program:?}", isa.triple(), isa.flags());
    Ok(format!("{:032x}", xxh3_128(made_by.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: Identity = Identity { len: 5, hash: 7 };

    fn bytes() -> Vec<u8> {
        let chapter = encode_chapter(&Chapter::default()).expect("it can be encoded");
        bind(&[(PROGRAM, 3, &chapter), (PROGRAM, 0, &chapter)]).expect("it can be encoded")
    }

    #[test]
    fn chapters_come_back() {
        let bytes = bytes();
        let lines = open(&bytes).expect("what was bound");
        assert_eq!(
            lines.iter().map(|line| (line.program, line.number_max)).collect::<Vec<_>>(),
            [(PROGRAM, 3), (PROGRAM, 0)]
        );
        assert_eq!(lines[1].place.end, bytes.len());
        for line in lines {
            let chapter = decode_chapter(&bytes[line.place]).expect("what was encoded");
            assert!(chapter.units.is_empty());
        }
    }

    #[test]
    fn no_changed_byte_goes_unnoticed() {
        let good = bytes();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert!(open(&bad).is_err(), "byte {at}");
            assert!(open(&good[..at]).is_err(), "torn after {at} bytes");
        }
        let longer = [&good[..], b"x"].concat();
        assert_eq!(open(&longer), Err(CacheError::Damaged));
    }

    #[test]
    fn what_another_build_wrote_is_told_apart() {
        let text = bytes();
        let other = [MARK, "0123456789abcdee".as_bytes(), &text[MARK.len() + 16..]].concat();
        assert_eq!(open(&other), Err(CacheError::Build));
        assert_eq!(open(b"PK"), Err(CacheError::Mark));
    }
}
