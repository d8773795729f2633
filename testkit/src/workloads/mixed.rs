//! The program `mixed`: a bit of all the others in every round.

use super::runtime::Random;
use super::{arrays, calls, lists, objects, strings};

/// The number into which the results of `size` rounds are mixed.
pub(super) fn run(size: u32) -> u32 {
    let mut random = Random::default();
    let builder = strings::Builder::new(&mut random);
    let mut symbols = strings::Symbols::new();
    let mut result = 1u32;
    for _ in 0..size {
        let mut mix = |value: u32| {
            result = result.wrapping_mul(31).wrapping_add(value);
            result
        };
        mix(calls::fib(12));
        mix((0..200).map(lists::affine).filter(|x| x % 5 != 0).fold(0, u32::wrapping_add));
        mix(objects::counter(3, 200));
        mix(objects::shapes(&mut random, 8, 200));
        mix(arrays::sieve(1000));
        let before = mix(arrays::sort_checksum(&mut random, 200));
        mix(builder.build(&mut random, 20, before));
        mix(symbols.run(&mut random, 100));
    }
    result
}
