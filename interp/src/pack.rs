//! The stream that a snapshot is: numbers and words in frames, each with a checksum, without pages that are zero.
//!
//! A frame is: its length in bytes (32 bits, little-endian as all numbers), the XXH3 of its bytes seeded with the frame's number
//! (64 bits), a bit for each of its pages that is not zero (bytes, the lowest bit first), and these pages. A frame of length 0 is the
//! end. Nothing is handed out of a frame that is not as it was written.

use crate::isa::Word;
use std::io::{self, Read, Write};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The version of everything in a snapshot behind its first line.
pub(crate) const VERSION: u32 = 1;

/// Why a snapshot cannot be written or used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The bytes are something else.
    #[error("it is no snapshot")]
    NotOne,
    /// It was written by another version.
    #[error("it has format {0}, and this build reads format {VERSION}")]
    Version(u32),
    /// It is not as it was written.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// It cannot be read.
    #[error("{0}")]
    Read(io::Error),
    /// The machine is made otherwise than the one that was saved.
    #[error("it is of a machine with other limits or identifiers")]
    Other,
    /// The system grants less address space than the machine needs.
    #[error("it needs address space for {0} segments, which the system does not grant")]
    AddressSpace(u64),
    /// What is counted for a profile cannot be saved.
    #[error("a run that is profiled cannot be saved")]
    Profiled,
    /// The run has not counted its instructions.
    #[error("a run that does not count its instructions cannot be saved")]
    Uncounted,
}

impl From<io::Error> for SnapshotError {
    fn from(error: io::Error) -> SnapshotError {
        SnapshotError::Read(error)
    }
}

/// Bytes in a frame, at the most.
const FRAME_BYTES: usize = 1 << 20;
/// Bytes that are left out together if they are zero.
const PAGE_BYTES: usize = 1 << 12;

/// Writes a stream.
pub(crate) struct Packer<'a> {
    out: &'a mut dyn Write,
    frame: Vec<u8>,
    frames: u64,
}

/// The bytes of some words.
fn bytes_of(words: &[Word]) -> &[u8] {
    // SAFETY: any word is four bytes, which may stand anywhere.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), size_of_val(words)) }
}

/// Whether all bytes are zero.
fn is_zero(bytes: &[u8]) -> bool {
    let (chunks, rest) = bytes.as_chunks::<16>();
    chunks.iter().all(|&chunk| u128::from_ne_bytes(chunk) == 0) && rest.iter().all(|&byte| byte == 0)
}

impl<'a> Packer<'a> {
    pub fn new(out: &'a mut dyn Write) -> Packer<'a> {
        Packer { out, frame: Vec::with_capacity(FRAME_BYTES), frames: 0 }
    }

    /// Appends bytes.
    #[inline]
    pub fn bytes(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while bytes.len() > FRAME_BYTES - self.frame.len() {
            let (now, later) = bytes.split_at(FRAME_BYTES - self.frame.len());
            self.frame.extend_from_slice(now);
            self.end_frame()?;
            bytes = later;
        }
        self.frame.extend_from_slice(bytes);
        Ok(())
    }

    /// Appends words.
    #[inline]
    pub fn words(&mut self, words: &[Word]) -> io::Result<()> {
        if cfg!(target_endian = "little") {
            return self.bytes(bytes_of(words));
        }
        words.iter().try_for_each(|word| self.bytes(&word.to_le_bytes()))
    }

    /// Appends a number.
    pub fn u8(&mut self, number: u8) -> io::Result<()> {
        self.bytes(&[number])
    }

    /// Appends a number.
    pub fn u32(&mut self, number: u32) -> io::Result<()> {
        self.bytes(&number.to_le_bytes())
    }

    /// Appends a number.
    pub fn u64(&mut self, number: u64) -> io::Result<()> {
        self.bytes(&number.to_le_bytes())
    }

    fn end_frame(&mut self) -> io::Result<()> {
        self.out.write_all(&(self.frame.len() as u32).to_le_bytes())?;
        self.out.write_all(&xxh3_64_with_seed(&self.frame, self.frames).to_le_bytes())?;
        let mut used = vec![0u8; self.frame.len().div_ceil(PAGE_BYTES).div_ceil(8)];
        let pages = self.frame.chunks(PAGE_BYTES).enumerate().filter(|(_, page)| !is_zero(page));
        for (i, _) in pages.clone() {
            used[i / 8] |= 1 << (i % 8);
        }
        self.out.write_all(&used)?;
        for (_, page) in pages {
            self.out.write_all(page)?;
        }
        self.frames += 1;
        self.frame.clear();
        Ok(())
    }

    /// Writes what is held back, and the end.
    pub fn finish(mut self) -> io::Result<()> {
        if !self.frame.is_empty() {
            self.end_frame()?;
        }
        self.end_frame()
    }
}

/// Reads a stream.
pub(crate) struct Unpacker<R> {
    source: R,
    frame: Vec<u8>,
    at: usize,
    frames: u64,
}

impl<R: Read> Unpacker<R> {
    pub fn new(source: R) -> Unpacker<R> {
        Unpacker { source, frame: Vec::new(), at: 0, frames: 0 }
    }

    fn exact(&mut self, bytes: &mut [u8]) -> Result<(), SnapshotError> {
        self.source.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => SnapshotError::Damaged("it ends too early"),
            _ => SnapshotError::Read(error),
        })
    }

    fn next_frame(&mut self) -> Result<(), SnapshotError> {
        let (mut len, mut sum) = ([0; 4], [0; 8]);
        self.exact(&mut len)?;
        self.exact(&mut sum)?;
        let len = u32::from_le_bytes(len) as usize;
        if len > FRAME_BYTES {
            return Err(SnapshotError::Damaged("a part of it is longer than any can be"));
        }
        let mut used = vec![0; len.div_ceil(PAGE_BYTES).div_ceil(8)];
        self.exact(&mut used)?;
        let pages = len.div_ceil(PAGE_BYTES);
        if !pages.is_multiple_of(8) && used[pages / 8] >> (pages % 8) != 0 {
            return Err(SnapshotError::Damaged("it has pages behind a part's end"));
        }
        let mut frame = std::mem::take(&mut self.frame);
        frame.clear();
        frame.resize(len, 0);
        for (i, page) in frame.chunks_mut(PAGE_BYTES).enumerate() {
            if used[i / 8] >> (i % 8) & 1 != 0 {
                self.exact(page)?;
            }
        }
        if xxh3_64_with_seed(&frame, self.frames) != u64::from_le_bytes(sum) {
            return Err(SnapshotError::Damaged("a checksum is wrong"));
        }
        self.frames += 1;
        (self.frame, self.at) = (frame, 0);
        Ok(())
    }

    /// Fills with the next bytes.
    #[inline]
    pub fn bytes(&mut self, mut bytes: &mut [u8]) -> Result<(), SnapshotError> {
        while !bytes.is_empty() {
            if self.at == self.frame.len() {
                self.next_frame()?;
                if self.frame.is_empty() {
                    return Err(SnapshotError::Damaged("it ends too early"));
                }
            }
            let count = bytes.len().min(self.frame.len() - self.at);
            let (now, later) = bytes.split_at_mut(count);
            now.copy_from_slice(&self.frame[self.at..self.at + count]);
            self.at += count;
            bytes = later;
        }
        Ok(())
    }

    /// Fills with the next words.
    #[inline]
    pub fn words(&mut self, words: &mut [Word]) -> Result<(), SnapshotError> {
        // SAFETY: words are bytes of their own, which may have any values.
        self.bytes(unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), size_of_val(words)) })?;
        if cfg!(target_endian = "big") {
            words.iter_mut().for_each(|word| *word = word.swap_bytes());
        }
        Ok(())
    }

    /// The next number.
    pub fn u8(&mut self) -> Result<u8, SnapshotError> {
        let mut bytes = [0];
        self.bytes(&mut bytes)?;
        Ok(bytes[0])
    }

    /// The next number.
    pub fn u32(&mut self) -> Result<u32, SnapshotError> {
        let mut bytes = [0; 4];
        self.bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// The next number.
    pub fn u64(&mut self) -> Result<u64, SnapshotError> {
        let mut bytes = [0; 8];
        self.bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Reads what is left, and gives nothing of it.
    pub fn skip_to_end(&mut self) -> Result<(), SnapshotError> {
        while !self.frame.is_empty() || self.frames == 0 {
            self.next_frame()?;
        }
        Ok(())
    }

    /// Sees to it that there is no more.
    pub fn finish(&mut self) -> Result<(), SnapshotError> {
        if self.at == self.frame.len() {
            self.next_frame()?;
            if self.frame.is_empty() {
                return Ok(());
            }
        }
        Err(SnapshotError::Damaged("it goes on behind its end"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut packer = Packer::new(&mut out);
        packer.bytes(bytes).expect("a vector");
        packer.finish().expect("a vector");
        out
    }

    fn unpacked(packed: &[u8], len: usize) -> Result<Vec<u8>, SnapshotError> {
        let (mut unpacker, mut bytes) = (Unpacker::new(packed), vec![0; len]);
        unpacker.bytes(&mut bytes)?;
        unpacker.finish()?;
        Ok(bytes)
    }

    #[test]
    fn what_was_written_is_read_and_zeros_take_no_room() {
        for len in [0, 1, PAGE_BYTES, PAGE_BYTES + 1, FRAME_BYTES, 3 * FRAME_BYTES + 12345] {
            let bytes: Vec<u8> =
                (0..len).map(|i| if (i / PAGE_BYTES).is_multiple_of(3) { i as u8 } else { 0 }).collect();
            let packed = packed(&bytes);
            assert_eq!(unpacked(&packed, len).expect("as it was"), bytes);
            assert!(packed.len() < len / 3 + 2 * PAGE_BYTES, "{len} bytes take {}", packed.len());
        }
    }

    #[test]
    fn no_byte_can_change() {
        let bytes: Vec<u8> = (0..10_000).map(|i| if i / PAGE_BYTES == 1 { 0 } else { i as u8 }).collect();
        let good = packed(&bytes);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            assert!(unpacked(&bad, bytes.len()).is_err(), "byte {at} of {} was changed", good.len());
        }
        for len in 0..good.len() {
            assert!(unpacked(&good[..len], bytes.len()).is_err(), "{len} of {} bytes", good.len());
        }
    }
}
