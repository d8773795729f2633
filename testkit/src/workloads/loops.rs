//! Loops: `count`, `arith`, `nested`.

/// Counts up to `size`.
pub(super) fn count(size: u32) -> u32 {
    (0..size).fold(0, |count: u32, _| count.wrapping_add(1))
}

/// Integer arithmetic: the four variables after `size` rounds.
pub(super) fn arith(size: u32) -> [u32; 4] {
    let (mut x, mut a, mut b, mut c) = (1u32, 0u32, 0u32, 0u32);
    for _ in 0..size {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        a = a.wrapping_add(x / 1000);
        b ^= a;
        c = c.wrapping_mul(3).wrapping_sub(b);
    }
    [x, a, b, c]
}

/// Loops of 100 by 100 by 10, `size` times.
pub(super) fn nested(size: u32) -> u32 {
    let mut total = 0u32;
    for _ in 0..size {
        for i in 1..=100u32 {
            for j in 1..=100 {
                for k in 1..=10 {
                    total = total.wrapping_add(i * j + k);
                }
            }
        }
    }
    total
}
