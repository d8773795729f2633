//! A machine of a few lines that runs what was assembled. It knows nothing of the ones under test elsewhere.

use std::collections::VecDeque;

/// Runs the image and returns its output.
///
/// Panics on any fault, and after `limit` instructions.
pub fn run(image: &[u32], input: &[u8], limit: u64) -> Vec<u8> {
    let mut segments: Vec<Option<Vec<u32>>> = vec![Some(image.to_vec())];
    let mut input: VecDeque<u8> = input.iter().copied().collect();
    let (mut r, mut pc, mut out) = ([0u32; 8], 0usize, Vec::new());
    for _ in 0..limit {
        let word = segments[0].as_ref().expect("program")[pc];
        pc += 1;
        let [a, b, c] = [word >> 6 & 7, word >> 3 & 7, word & 7].map(|reg| reg as usize);
        match word >> 28 {
            0 if r[c] != 0 => r[a] = r[b],
            0 => {}
            1 => r[a] = segments[r[b] as usize].as_ref().expect("active")[r[c] as usize],
            2 => segments[r[a] as usize].as_mut().expect("active")[r[b] as usize] = r[c],
            3 => r[a] = r[b].wrapping_add(r[c]),
            4 => r[a] = r[b].wrapping_mul(r[c]),
            5 => r[a] = r[b] / r[c],
            6 => r[a] = !(r[b] & r[c]),
            7 => return out,
            8 => {
                segments.push(Some(vec![0; r[c] as usize]));
                r[b] = segments.len() as u32 - 1;
            }
            9 => segments[r[c] as usize] = None,
            10 => out.push(u8::try_from(r[c]).expect("a byte")),
            11 => r[c] = input.pop_front().map_or(u32::MAX, u32::from),
            12 => {
                if r[b] != 0 {
                    segments[0] = segments[r[b] as usize].clone();
                }
                pc = r[c] as usize;
            }
            13 => r[(word >> 25 & 7) as usize] = word & 0x1ff_ffff,
            _ => panic!("word {word:08x} at {} is no instruction", pc - 1),
        }
    }
    panic!("no end after {limit} instructions");
}
