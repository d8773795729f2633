//! What is shown of what a program puts out: from some place on.

use crate::cli::values::Mark;

/// Decides byte by byte what is shown.
#[derive(Debug)]
pub enum Shown {
    /// Everything.
    All,
    /// Nothing before so many more bytes.
    Behind(u64),
    /// Nothing before this text; so many of its bytes have come by.
    BehindText(Vec<u8>, Vec<u8>),
}

impl Shown {
    /// What is shown from a mark on.
    pub fn from(mark: Option<Mark>) -> Shown {
        match mark {
            None | Some(Mark::Bytes(0)) => Shown::All,
            Some(Mark::Bytes(bytes)) => Shown::Behind(bytes),
            Some(Mark::Text(text)) => Shown::BehindText(text, Vec::new()),
        }
    }

    /// Whether the place has come by.
    pub fn has_begun(&self) -> bool {
        matches!(self, Shown::All)
    }

    /// The part of some bytes that is shown, which is their end.
    pub fn part<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let start = match self {
            Shown::All => 0,
            Shown::Behind(left) => {
                let hidden = (*left).min(bytes.len() as u64);
                *left -= hidden;
                hidden as usize
            }
            Shown::BehindText(text, before) => {
                let old = before.len();
                before.extend_from_slice(bytes);
                match before.windows(text.len()).position(|window| window == text) {
                    Some(at) => at + text.len() - old,
                    None => {
                        // What may be the beginning of the text is kept.
                        let kept = before.len().min(text.len() - 1);
                        before.drain(..before.len() - kept);
                        return &[];
                    }
                }
            }
        };
        if matches!(self, Shown::Behind(0) | Shown::BehindText(..)) {
            *self = Shown::All;
        }
        &bytes[start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the bytes come, the same is shown.
    #[test]
    fn output_is_shown_from_its_place_on() {
        let output = b"one two abcabd three";
        for (mark, expected) in [
            (None, &output[..]),
            (Some(Mark::Bytes(4)), b"two abcabd three"),
            (Some(Mark::Bytes(100)), b""),
            (Some(Mark::Text(b"abd".to_vec())), b" three"),
            (Some(Mark::Text(b"o".to_vec())), b"ne two abcabd three"),
            (Some(Mark::Text(b"no".to_vec())), b""),
        ] {
            for piece in 1..=output.len() {
                let mut shown = Shown::from(mark.clone());
                let parts: Vec<u8> = output.chunks(piece).flat_map(|bytes| shown.part(bytes).to_vec()).collect();
                assert_eq!(parts, expected, "{mark:?} in pieces of {piece}");
            }
        }
    }
}
