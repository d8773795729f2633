//! Where a block's code is written, before it goes into the arena: bytes, and jumps to labels within the block.
//!
//! The macro of dynasmrt encodes instructions. Its own assembler knows labels by name and relocations of every kind, and allocates
//! for each block; here is what a block needs, on every processor, in memory that is used again.

use dynasmrt::{AssemblyOffset, DynasmApi};

/// Room for the code of a block.
const BYTES: usize = 1 << 17;

/// A place in the code that jumps lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(u32);

/// How the distance of a jump stands in the code.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "each processor has its own"))]
pub(super) enum Distance {
    /// x86-64: 32 bits of their own, counted from behind them, in bytes.
    Rel32,
    /// aarch64: the low 26 bits of the instruction, in instructions.
    Low26,
    /// aarch64: 19 bits of the instruction, from bit 5 on, in instructions.
    Mid19,
}

impl Distance {
    /// Bytes that hold the distance.
    const BYTES: usize = 4;

    /// Those bytes as they were written, with the distance from their address to a target in them.
    ///
    /// # Panics
    /// The distance is too long.
    fn set(self, bytes: &mut [u8], from: usize, to: usize) {
        let distance = to.wrapping_sub(from) as i64;
        let fits = |bits: u32| {
            let instructions = distance >> 2;
            assert!(distance & 3 == 0 && instructions == instructions << (64 - bits) >> (64 - bits), "too far to jump");
            instructions as u32 & ((1 << bits) - 1)
        };
        let written = u32::from_le_bytes(bytes.try_into().expect("four bytes"));
        let complete = match self {
            Distance::Rel32 => i32::try_from(distance - Distance::BYTES as i64).expect("too far to jump") as u32,
            Distance::Low26 => written | fits(26),
            Distance::Mid19 => written | fits(19) << 5,
        };
        bytes.copy_from_slice(&complete.to_le_bytes());
    }
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
    /// Jumps: where the distance stands, how, and the label.
    jumps: Vec<(u32, Distance, Label)>,
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
        for &(at, distance, label) in &self.jumps {
            let place = self.labels[label.0 as usize];
            debug_assert_ne!(place, u32::MAX, "a label without a place");
            let (from, to) = (self.address_of(at as usize), self.address_of(place as usize));
            distance.set(&mut self.bytes[at as usize..][..Distance::BYTES], from, to);
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

    /// Writes bytes.
    #[inline(always)]
    pub fn write<const N: usize>(&mut self, bytes: [u8; N]) {
        self.bytes[self.len..][..N].copy_from_slice(&bytes);
        self.len += N;
    }

    /// Writes what holds the distance to a label, with everything but that in its place.
    pub fn jump_to_label(&mut self, distance: Distance, label: Label, written: u32) {
        self.jumps.push((self.len as u32, distance, label));
        self.write(written.to_le_bytes());
    }

    /// The same, to an address. Gives where it stands.
    pub fn jump_to_address(&mut self, distance: Distance, address: usize, written: u32) -> u32 {
        let (at, from) = (self.len, self.address_of(self.len));
        self.write(written.to_le_bytes());
        distance.set(&mut self.bytes[at..][..Distance::BYTES], from, address);
        at as u32
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

    /// Code at 0x1000: a jump back, one ahead, one to an address; `head` is written before each distance.
    fn jumps(distance: Distance, head: &[u8], written: u32) -> Vec<u8> {
        let mut buffer = Buffer::new();
        buffer.start(0x1000);
        let (back, ahead) = (buffer.label(), buffer.label());
        buffer.bind(back);
        buffer.extend(head);
        buffer.jump_to_label(distance, ahead, written);
        buffer.extend(head);
        buffer.jump_to_label(distance, back, written);
        buffer.bind(ahead);
        buffer.extend(head);
        let at = buffer.jump_to_address(distance, 0x1000, written);
        assert_eq!(at as usize, buffer.len() - Distance::BYTES);
        let code = buffer.finish().0.to_vec();
        buffer.start(0);
        assert!(buffer.finish().0.is_empty());
        code
    }

    #[test]
    fn jumps_lead_to_their_labels() {
        let x64 = [0xe9, 5, 0, 0, 0, 0xe9, 0xf6, 0xff, 0xff, 0xff, 0xe9, 0xf1, 0xff, 0xff, 0xff];
        assert_eq!(jumps(Distance::Rel32, &[0xe9], 0), x64);
        let words = |code: Vec<u8>| code.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect::<Vec<_>>();
        assert_eq!(words(jumps(Distance::Low26, &[], 0x1400_0000)), [0x1400_0002, 0x17ff_ffff, 0x17ff_fffe]);
        assert_eq!(words(jumps(Distance::Mid19, &[], 0x5400_0001)), [0x5400_0041, 0x54ff_ffe1, 0x54ff_ffc1]);
    }

    #[test]
    #[should_panic(expected = "too far to jump")]
    fn a_distance_that_does_not_fit_is_noticed() {
        Distance::Mid19.set(&mut [0; 4], 0, 1 << 20);
    }
}
