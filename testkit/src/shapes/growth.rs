//! Series of programs in which one quantity grows while the work stays the same: length of the program, number of hot
//! regions, live segments, size of a segment.
//!
//! The work is a number of instructions that every point of a series comes close to. It includes what a point needs to
//! be set up.

use super::hostile::loops_in_a_row;
use super::{arithmetic, begin_rounds, end_rounds, next_random, next_round, pick_below};
use crate::builder::{Builder, R0, R1, R2, R3, R4, R5, R6, R7};
use rum_interp::isa::Word;

/// One program of a series.
pub struct Point {
    /// The series it belongs to.
    pub series: &'static str,
    /// The quantity that grows.
    pub size: u32,
    /// The program.
    pub program: Vec<Word>,
}

/// Words of a live segment.
const LIVE_WORDS: u32 = 3;
/// A stride that leads to another page each time, and to every word of a segment whose size is a power of two.
const STRIDE_WORDS: u32 = 4097;
/// Rounds of a hot region each time it is entered.
const REGION_ROUNDS: u32 = 100;

/// Instructions in a round: of the loop of a region, of filling and of replacing live segments, of both walks.
const REGION_STEPS: u32 = 6;
const FILL_STEPS: u32 = 10;
const REPLACE_STEPS: u32 = 23;
const WALK_STEPS: u32 = 13;
const RANDOM_STEPS: u32 = 17;

/// All series, with about `work` instructions executed at each point. The largest points take 300 MB.
pub fn all(work: u32) -> Vec<Point> {
    let mut points = Vec::new();
    let mut series = |series, sizes: &[u32], make: &dyn Fn(u32) -> Vec<Word>| {
        points.extend(sizes.iter().map(|&size| Point { series, size, program: make(size) }));
    };
    let lengths = [100, 1_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 10_000_000];
    series("program-length", &lengths, &|words| blocks(words, (work / words).max(1)));
    series("hot-regions", &[1, 10, 100, 1_000, 10_000, 30_000, 100_000], &|regions| {
        loops_in_a_row(regions, REGION_ROUNDS, (work / (regions * REGION_ROUNDS * REGION_STEPS)).max(1))
    });
    let counts = [8, 10, 12, 14, 16, 18, 20, 22, 23].map(|power| 1 << power);
    series("live-segments", &counts, &|count| {
        live_segments(count, (work.saturating_sub(count * FILL_STEPS) / REPLACE_STEPS).max(1))
    });
    let sizes = [0, 4, 8, 12, 14, 16, 18, 20, 22, 24].map(|power| 1 << power);
    series("segment-size-sequential", &sizes, &|words| segment_walk(words, 1, work / WALK_STEPS));
    series("segment-size-strided", &sizes, &|words| segment_walk(words, STRIDE_WORDS, work / WALK_STEPS));
    series("segment-size-random", &sizes, &|words| segment_random(words, work / RANDOM_STEPS));
    points
}

/// `rounds` times through `words` words of program: blocks of 16, each of which jumps to the next.
pub fn blocks(words: u32, rounds: u32) -> Vec<Word> {
    let mut b = Builder::new();
    let head = begin_rounds(&mut b, rounds);
    for _ in 0..words / 16 {
        arithmetic(&mut b, 14);
        let next = b.label();
        b.goto(next, R5, R6);
        b.bind(next);
    }
    end_rounds(&mut b, head);
    b.build()
}

/// Makes `count` segments, a power of two; then abandons one of them, chosen at random, and makes another in its place,
/// `rounds` times.
pub fn live_segments(count: u32, rounds: u32) -> Vec<Word> {
    let mut b = Builder::new();
    b.literal(R3, count);
    b.alloc(R1, R3);
    let fill = begin_rounds(&mut b, count);
    b.literal(R3, LIVE_WORDS);
    b.alloc(R5, R3);
    b.add(R3, R4, R7);
    b.amend(R5, R6, R3);
    b.amend(R1, R3, R5);
    next_round(&mut b, fill);
    let head = begin_rounds(&mut b, rounds);
    next_random(&mut b, R2, R3);
    pick_below(&mut b, count, [R5, R2, R3]);
    b.index(R3, R1, R5);
    b.index(R3, R3, R6);
    b.add(R0, R0, R3);
    b.index(R3, R1, R5);
    b.abandon(R3);
    b.literal(R3, LIVE_WORDS);
    b.alloc(R3, R3);
    b.amend(R3, R6, R4);
    b.amend(R1, R5, R3);
    end_rounds(&mut b, head);
    b.build()
}

/// `rounds` reads and writes of a segment of `words` words, a power of two; each is `stride` words behind the one before.
pub fn segment_walk(words: u32, stride: u32, rounds: u32) -> Vec<Word> {
    assert!(words.is_power_of_two(), "a segment of {words} words to walk through");
    let mut b = Builder::new();
    b.literal(R3, words);
    b.alloc(R1, R3);
    let head = begin_rounds(&mut b, rounds);
    b.literal(R3, stride);
    b.add(R2, R2, R3);
    b.literal(R3, words - 1);
    b.and(R2, R2, R3);
    b.index(R5, R1, R2);
    b.add(R0, R0, R5);
    b.amend(R1, R2, R4);
    end_rounds(&mut b, head);
    b.build()
}

/// `rounds` reads and writes of words chosen at random, in a segment of `words` words, a power of two.
pub fn segment_random(words: u32, rounds: u32) -> Vec<Word> {
    let mut b = Builder::new();
    b.literal(R3, words);
    b.alloc(R1, R3);
    let head = begin_rounds(&mut b, rounds);
    next_random(&mut b, R2, R3);
    pick_below(&mut b, words, [R5, R2, R3]);
    b.index(R3, R1, R5);
    b.add(R0, R0, R3);
    b.amend(R1, R5, R4);
    end_rounds(&mut b, head);
    b.build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Oracle;
    use crate::outcome::Stop;

    /// Instructions that a program executes until it halts.
    fn steps(program: &[Word]) -> u64 {
        let outcome = Oracle::new(program, &[]).run(10_000_000);
        assert_eq!(outcome.stop, Stop::Halt);
        outcome.executed
    }

    #[test]
    fn rounds_take_as_many_instructions_as_the_work_is_divided_by() {
        let more = |make: &dyn Fn(u32) -> Vec<Word>| steps(&make(200)) - steps(&make(100));
        assert_eq!(more(&|rounds| live_segments(16, rounds)), 100 * u64::from(REPLACE_STEPS));
        assert_eq!(more(&|rounds| segment_walk(64, STRIDE_WORDS, rounds)), 100 * u64::from(WALK_STEPS));
        assert_eq!(more(&|rounds| segment_random(64, rounds)), 100 * u64::from(RANDOM_STEPS));
        assert_eq!(more(&|rounds| loops_in_a_row(1, rounds, 1)), 100 * u64::from(REGION_STEPS));
        assert_eq!(steps(&live_segments(512, 1)) - steps(&live_segments(256, 1)), 256 * u64::from(FILL_STEPS));
        assert_eq!(more(&|rounds| blocks(1_600, rounds)), 100 * (1_600 + 5));
    }

    #[test]
    fn all_points_of_a_series_do_about_the_same_work() {
        let work = 3_000_000;
        for point in all(work).iter().filter(|point| point.size <= 1_024) {
            let steps = steps(&point.program);
            let near = f64::from(work) * 0.9..f64::from(work) * 1.1;
            assert!(near.contains(&(steps as f64)), "{} {}: {steps}", point.series, point.size);
        }
    }
}
