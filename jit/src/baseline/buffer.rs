//! Where a block's code is written, before it goes into the arena: bytes, and jumps to labels within the block.
//!
//! The macro of dynasmrt encodes instructions. Its own assembler knows labels by name and relocations of every kind, and allocates
//! for each block; here is what a block needs, in memory that is used again.

use dynasmrt::{AssemblyOffset, DynasmApi};

/// Room for the code of a block.
const BYTES: usize = 1 << 17;

/// A place in the code that jumps lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(u32);

/// When a jump is made, by its number in the encoding: after a comparison of unsigned numbers, or by a result.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum When {
    NotBelow = 3,
    Zero = 4,
    NotZero = 5,
    NotAbove = 6,
    Above = 7,
    NotNegative = 9,
}

/// The part of a block that is hardly ever executed stands elsewhere.
#[derive(Clone, Copy)]
struct Cold {
    /// What was written before it.
    from: usize,
    /// Where it will stand.
    address: usize,
}

/// The code of a block under construction.
pub(super) struct Buffer {
    bytes: Box<[u8]>,
    len: usize,
    /// Where the code will stand.
    address: usize,
    /// Where what is written from here on will stand: code that is hardly ever executed.
    cold: Option<Cold>,
    /// Offsets of labels.
    labels: Vec<u32>,
    /// Jumps: where the distance stands, and the label.
    jumps: Vec<(u32, Label)>,
}

impl Buffer {
    pub fn new() -> Buffer {
        let (labels, jumps) = (Vec::new(), Vec::new());
        Buffer { bytes: vec![0; BYTES].into_boxed_slice(), len: 0, address: 0, cold: None, labels, jumps }
    }

    /// Starts anew, with code that will stand at an address.
    pub fn start(&mut self, address: usize) {
        (self.len, self.address, self.cold) = (0, address, None);
        self.labels.clear();
        self.jumps.clear();
    }

    /// What follows is hardly ever executed, and will stand at an address of its own.
    pub fn cold(&mut self, address: usize) {
        self.cold = Some(Cold { from: self.len, address });
    }

    /// Where what was written at an offset will stand.
    fn address_of(&self, at: usize) -> usize {
        match self.cold {
            Some(cold) if at >= cold.from => cold.address + (at - cold.from),
            _ => self.address + at,
        }
    }

    /// Whether a block had better come to its end.
    pub fn is_filling(&self) -> bool {
        self.len > BYTES / 4
    }

    /// Offset of what is written next.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The code, with all jumps in place, and the part of it that is hardly ever executed.
    pub fn finish(&mut self) -> (&mut [u8], &mut [u8]) {
        for &(at, label) in &self.jumps {
            let place = self.labels[label.0 as usize];
            debug_assert_ne!(place, u32::MAX, "a label without a place");
            let distance = self.address_of(place as usize).wrapping_sub(self.address_of(at as usize) + 4) as u32;
            self.bytes[at as usize..][..4].copy_from_slice(&distance.to_le_bytes());
        }
        let from = self.cold.map_or(self.len, |cold| cold.from);
        self.bytes[..self.len].split_at_mut(from)
    }

    /// A label whose place is not known yet.
    pub fn label(&mut self) -> Label {
        self.labels.push(u32::MAX);
        Label(self.labels.len() as u32 - 1)
    }

    /// The label is here.
    pub fn bind(&mut self, label: Label) {
        self.labels[label.0 as usize] = self.len as u32;
    }

    #[inline(always)]
    fn write<const N: usize>(&mut self, bytes: [u8; N]) {
        self.bytes[self.len..][..N].copy_from_slice(&bytes);
        self.len += N;
    }

    /// Jumps to a label.
    pub fn jump(&mut self, label: Label) {
        self.write([0xe9]);
        self.distance_to(label);
    }

    /// Jumps to a label under a condition.
    pub fn jump_if(&mut self, when: When, label: Label) {
        self.write([0x0f, 0x80 | when as u8]);
        self.distance_to(label);
    }

    fn distance_to(&mut self, label: Label) {
        self.jumps.push((self.len as u32, label));
        self.write([0; 4]);
    }

    /// Calls what stands at an address, no more than 2 GiB away.
    pub fn call(&mut self, address: usize) {
        self.write([0xe8]);
        self.distance_to_address(address);
    }

    /// Goes to what stands at an address, no more than 2 GiB away.
    pub fn jump_to(&mut self, address: usize) {
        self.write([0xe9]);
        self.distance_to_address(address);
    }

    /// Goes, under a condition or not, to what stands at an address, in a way that can be changed. Gives where the distance stands.
    pub fn link(&mut self, when: Option<When>, address: usize) -> u32 {
        match when {
            Some(when) => self.write([0x0f, 0x80 | when as u8]),
            None => self.write([0xe9]),
        }
        self.distance_to_address(address);
        self.len as u32 - 4
    }

    fn distance_to_address(&mut self, address: usize) {
        let distance = address.wrapping_sub(self.address_of(self.len) + 4) as u32;
        self.write(distance.to_le_bytes());
    }
}

impl DynasmApi for Buffer {
    fn offset(&self) -> AssemblyOffset {
        AssemblyOffset(self.len)
    }

    #[inline(always)]
    fn push(&mut self, byte: u8) {
        self.write([byte]);
    }

    #[inline(always)]
    fn push_i32(&mut self, value: i32) {
        self.write(value.to_le_bytes());
    }

    fn align(&mut self, alignment: usize, with: u8) {
        while !self.len.is_multiple_of(alignment) {
            self.push(with);
        }
    }
}

impl Extend<u8> for Buffer {
    fn extend<T: IntoIterator<Item = u8>>(&mut self, bytes: T) {
        bytes.into_iter().for_each(|byte| self.push(byte));
    }
}

impl<'a> Extend<&'a u8> for Buffer {
    #[inline(always)]
    fn extend<T: IntoIterator<Item = &'a u8>>(&mut self, bytes: T) {
        let bytes = bytes.into_iter();
        let (count, _) = bytes.size_hint();
        let to = &mut self.bytes[self.len..][..count];
        to.iter_mut().zip(bytes).for_each(|(to, &byte)| *to = byte);
        self.len += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_lead_to_their_labels() {
        let mut buffer = Buffer::new();
        buffer.start(0x1000);
        let (back, ahead) = (buffer.label(), buffer.label());
        buffer.bind(back);
        buffer.jump_if(When::NotZero, ahead);
        buffer.jump(back);
        buffer.bind(ahead);
        buffer.call(0x1000);
        let expected = [0x0f, 0x85, 5, 0, 0, 0, 0xe9, 0xf5, 0xff, 0xff, 0xff, 0xe8, 0xf0, 0xff, 0xff, 0xff];
        assert_eq!(buffer.finish().0, expected);
        buffer.start(0);
        assert!(buffer.finish().0.is_empty());
    }
}
