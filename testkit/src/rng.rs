//! A small pseudo-random generator whose numbers never change: xoshiro256** seeded by splitmix64.
//!
//! Seeds are written into failure reports and regression tests, so the sequence behind a seed must be the same with
//! every version of every dependency. Hence this one is our own.

/// A stream of pseudo-random numbers that is a function of its seed alone.
#[derive(Clone, Debug)]
pub struct Rng {
    state: [u64; 4],
    /// What comes next in place of random bits, the last first.
    choices: Vec<u16>,
}

impl Rng {
    /// The stream of `seed`. Neighbouring seeds give unrelated streams.
    pub fn new(seed: u64) -> Rng {
        let mut counter = seed;
        let state = std::array::from_fn(|_| {
            counter = counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = counter;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        });
        Rng { state, choices: Vec::new() }
    }

    /// The stream of `seed` with the upper bits of its first numbers, which decide, replaced by pairs of bytes.
    pub fn steered(seed: u64, choices: &[u8]) -> Rng {
        let choices = choices.as_chunks().0.iter().rev().map(|&pair| u16::from_be_bytes(pair)).collect();
        Rng { choices, ..Rng::new(seed) }
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        self.choices.pop().map_or(result, |choice| u64::from(choice) << 48 | result >> 16)
    }

    /// Any 32-bit word.
    pub fn word(&mut self) -> u32 {
        (self.bits() >> 32) as u32
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        debug_assert!(bound > 0);
        ((u64::from(self.word()) * u64::from(bound)) >> 32) as u32
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u32, high: u32) -> u32 {
        debug_assert!(low <= high && high - low < u32::MAX);
        low + self.below(high - low + 1)
    }

    /// True `percent` times out of a hundred.
    pub fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// A number from `low` to `high`, both included, small ones as likely as large ones (uniform in the logarithm).
    pub fn logarithmic(&mut self, low: u32, high: u32) -> u32 {
        let (from, to) = (f64::from(low.max(1)).ln(), (f64::from(high) + 1.0).ln());
        let unit = f64::from(self.below(1 << 20)) / f64::from(1u32 << 20);
        ((from + (to - from) * unit).exp() as u32).clamp(low, high)
    }

    /// One of `items`, which is not empty.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u32) as usize]
    }

    /// An index into `weights`, as often as its weight says; none if all weights are 0.
    pub fn weighted(&mut self, weights: &[u32]) -> Option<usize> {
        let total: u32 = weights.iter().sum();
        if total == 0 {
            return None;
        }
        let mut ticket = self.below(total);
        weights.iter().position(|&weight| {
            let hit = ticket < weight;
            ticket = ticket.wrapping_sub(weight);
            hit
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_numbers_for_ever() {
        let mut rng = Rng::new(0);
        assert_eq!([rng.bits(), rng.bits()], [0x99ec_5f36_cb75_f2b4, 0xbf6e_1f78_4956_452a]);
    }

    #[test]
    fn choices_come_first() {
        let (mut steered, mut free) = (Rng::steered(5, &[0, 0, 0xff, 0xff, 1]), Rng::new(5));
        assert_eq!([steered.below(1000), steered.below(1000)], [0, 999]);
        assert_eq!(steered.bits(), [free.bits(), free.bits(), free.bits()][2]);
    }

    #[test]
    fn ranges_and_weights_are_respected() {
        let mut rng = Rng::new(7);
        let mut seen = [0u32; 3];
        for _ in 0..3000 {
            assert!((3..=9).contains(&rng.between(3, 9)));
            assert!((2..=5000).contains(&rng.logarithmic(2, 5000)));
            seen[rng.weighted(&[1, 0, 9]).expect("weights are not all 0")] += 1;
        }
        assert_eq!(seen[1], 0);
        assert!(seen[0] > 200 && seen[2] > 2500, "{seen:?}");
        assert_eq!(rng.weighted(&[0, 0]), None);
    }
}
