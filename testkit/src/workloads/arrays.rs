//! Arrays: `sieve`, `matmul`, `sort`.

use super::runtime::{Random, checksum};

/// The number of primes up to `limit`.
pub(super) fn sieve(limit: u32) -> u32 {
    let mut composite = vec![false; limit as usize + 1];
    let mut count = 0;
    for p in 2..=limit as usize {
        if !composite[p] {
            count += 1;
            (p * p..=limit as usize).step_by(p).for_each(|multiple| composite[multiple] = true);
        }
    }
    count
}

/// The number of primes up to 100,000, counted and added `size` times.
pub(super) fn sieves(size: u32) -> u32 {
    (0..size).map(|_| sieve(100_000)).fold(0, u32::wrapping_add)
}

/// A checksum of the product of two random matrices of `n` rows.
pub(super) fn matrix_product(n: u32) -> u32 {
    let n = n as usize;
    let mut random = Random::default();
    // Rows and columns are filled, and the checksum is taken, from the last to the first: everything is kept reversed.
    let mut matrix = || -> Vec<Vec<u32>> { (0..n).map(|_| (0..n).map(|_| random.next()).collect()).collect() };
    let (first, second) = (matrix(), matrix());
    let dot = |row: &[u32], column: usize| {
        row.iter().zip(&second).fold(0u32, |sum, (x, other)| sum.wrapping_add(x.wrapping_mul(other[column])))
    };
    checksum(first.iter().flat_map(|row| (0..n).map(move |column| (row, column))).map(|(row, column)| dot(row, column)))
}

/// `n` random numbers in the order in which the program stores them.
fn random_array(random: &mut Random, n: u32) -> Vec<u32> {
    let mut array: Vec<u32> = (0..n).map(|_| random.next() + 1).collect();
    array.reverse();
    array
}

/// A checksum of `n` sorted random numbers.
pub(super) fn sort_checksum(random: &mut Random, n: u32) -> u32 {
    let mut array = random_array(random, n);
    array.sort_unstable();
    checksum(array.into_iter().rev())
}

/// The smallest, the median, the largest of `n` random numbers, and a checksum of all in order; 0 for none at all.
pub(super) fn sort(n: u32) -> Vec<u32> {
    let mut array = random_array(&mut Random::default(), n);
    array.sort_unstable();
    match array.as_slice() {
        [] => vec![0],
        [first, ..] => {
            let (median, last) = (array[array.len() / 2], array[array.len() - 1]);
            vec![*first, median, last, checksum(array.iter().rev().copied())]
        }
    }
}
