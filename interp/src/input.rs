//! Bytes of input that the console has given before the program asked for them.
//!
//! Compiled code takes them from `next` while it is below `end`, hence `repr(C)`. A console need not give any
//! ([`Console::read_ahead`]); what it does give is the program's, whatever becomes of the console.

use crate::console::Console;
use std::io;

/// Bytes taken from the console and not yet read.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Input {
    /// The next byte.
    pub next: *const u8,
    /// Where there is no byte any more.
    pub end: *const u8,
    /// Where the bytes are; allocated when there are any.
    buffer: Vec<u8>,
}

// SAFETY: the pointers lead into the buffer that the struct owns.
unsafe impl Send for Input {}

/// Size of the buffer in bytes.
const INPUT_BYTES: usize = 1 << 12;

impl Input {
    /// An empty buffer.
    pub fn new() -> Input {
        let buffer = Vec::new();
        let next: *const u8 = buffer.as_ptr();
        Input { next, end: next, buffer }
    }

    /// The next byte that is there.
    pub fn pop(&mut self) -> Option<u8> {
        if self.next == self.end {
            return None;
        }
        // SAFETY: `next` lies in the buffer, below the end of what was read into it.
        unsafe {
            let byte = *self.next;
            self.next = self.next.add(1);
            Some(byte)
        }
    }

    /// Bytes that are there.
    pub fn pending(&self) -> &[u8] {
        // SAFETY: from `next` to `end` the buffer is initialised.
        unsafe { std::slice::from_raw_parts(self.next, self.end as usize - self.next as usize) }
    }

    /// Has these bytes and no others there.
    pub fn set_pending(&mut self, bytes: &[u8]) {
        self.buffer = bytes.to_vec();
        self.next = self.buffer.as_ptr();
        self.end = self.next.wrapping_add(bytes.len());
    }

    /// Asks the console for the next byte, and for more if there are some. The buffer is empty.
    ///
    /// # Errors
    /// The console's.
    pub fn read(&mut self, console: &mut dyn Console) -> io::Result<Option<u8>> {
        let byte = console.read()?;
        if byte.is_some() {
            self.buffer.resize(INPUT_BYTES, 0); // the first time
            let count = console.read_ahead(&mut self.buffer).min(INPUT_BYTES);
            self.next = self.buffer.as_ptr();
            self.end = self.next.wrapping_add(count);
        }
        Ok(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives up to so many bytes ahead, and notes how often it is asked.
    struct Generous {
        left: u8,
        ahead: usize,
        asked: u32,
    }

    impl Console for Generous {
        fn write(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }

        fn read(&mut self) -> io::Result<Option<u8>> {
            self.asked += 1;
            let byte = self.left.checked_sub(1);
            self.left = byte.unwrap_or(0);
            Ok(byte)
        }

        fn read_ahead(&mut self, buffer: &mut [u8]) -> usize {
            let count = self.ahead.min(buffer.len()).min(usize::from(self.left));
            for to in &mut buffer[..count] {
                self.left -= 1;
                *to = self.left;
            }
            count
        }
    }

    #[test]
    fn bytes_come_in_order_however_many_are_given_ahead() {
        for (ahead, asked) in [(0, 201), (1, 101), (7, 26), (1000, 2)] {
            let (mut input, mut console) = (Input::new(), Generous { left: 200, ahead, asked: 0 });
            let mut next = || match input.pop() {
                Some(byte) => Some(byte),
                None => input.read(&mut console).expect("it never fails"),
            };
            for expected in (0..200).rev() {
                assert_eq!(next(), Some(expected));
            }
            assert_eq!(next(), None);
            assert_eq!(console.asked, asked, "{ahead} ahead");
        }
    }
}
