//! Statistics of runs: what the numbers in tables mean.

use serde::Serialize;

/// A number of times, in nanoseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Summary {
    /// The smallest: what the machine does when nothing else disturbs it.
    pub min_ns: u64,
    /// The lower quartile.
    pub low_ns: u64,
    /// The median.
    pub median_ns: u64,
    /// The upper quartile.
    pub high_ns: u64,
    /// The largest.
    pub max_ns: u64,
    /// Half the distance of the quartiles, as a share of the median.
    pub spread: f64,
}

impl Summary {
    /// Sums up at least one time.
    pub fn of(times_ns: impl IntoIterator<Item = u64>) -> Summary {
        let mut sorted: Vec<u64> = times_ns.into_iter().collect();
        sorted.sort_unstable();
        let [low, median, high] = [0.25, 0.5, 0.75].map(|share| quantile(&sorted, share));
        Summary {
            min_ns: sorted.first().copied().unwrap_or_default(),
            low_ns: low as u64,
            median_ns: median as u64,
            high_ns: high as u64,
            max_ns: sorted.last().copied().unwrap_or_default(),
            spread: if median > 0.0 { (high - low) / 2.0 / median } else { 0.0 },
        }
    }
}

/// A quantile of sorted numbers, between neighbours in proportion. 0 if there are none.
pub fn quantile(sorted: &[u64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = share * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    let (a, b) = (sorted[below] as f64, sorted[above] as f64);
    a + (b - a) * (place - below as f64)
}

/// How many times as fast as the first contender, by medians.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Ratio {
    /// The ratio; above 1 is faster.
    pub times: f64,
    /// Where 95% of the ratios lie that chance would have made of these runs: half the width.
    pub error: f64,
}

/// Compares times that were taken in rounds: `base[i]` and `this[i]` belong to the same round. `None` for no rounds.
///
/// The error is that of a bootstrap over rounds, which keeps together what the same disturbance hit.
pub fn ratio(base: &[u64], this: &[u64]) -> Option<Ratio> {
    const RESAMPLES: usize = 400;
    let rounds = base.len().min(this.len());
    if rounds == 0 {
        return None;
    }
    let median = |times: &mut Vec<u64>| {
        times.sort_unstable();
        quantile(times, 0.5).max(1.0)
    };
    let times = median(&mut base[..rounds].to_vec()) / median(&mut this[..rounds].to_vec());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut ratios: Vec<f64> = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let picks: Vec<usize> = (0..rounds).map(|_| random.below(rounds)).collect();
        let mut a: Vec<u64> = picks.iter().map(|&i| base[i]).collect();
        let mut b: Vec<u64> = picks.iter().map(|&i| this[i]).collect();
        ratios.push(median(&mut a) / median(&mut b));
    }
    ratios.sort_unstable_by(f64::total_cmp);
    let error = (ratios[RESAMPLES * 975 / 1000] - ratios[RESAMPLES * 25 / 1000]) / 2.0;
    Some(Ratio { times, error })
}

/// The mean of ratios: the n-th root of their product. 1 for none.
pub fn geometric_mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let logs: Vec<f64> = values.into_iter().map(f64::ln).collect();
    if logs.is_empty() { 1.0 } else { (logs.iter().sum::<f64>() / logs.len() as f64).exp() }
}

/// A small generator, so that the same runs always give the same error.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_neighbours() {
        let summary = Summary::of([40, 10, 30, 20]);
        assert_eq!((summary.min_ns, summary.low_ns, summary.median_ns, summary.high_ns), (10, 17, 25, 32));
        assert_eq!(summary.max_ns, 40);
        assert!((summary.spread - 0.3).abs() < 1e-9, "{}", summary.spread);
        assert_eq!(Summary::of([7]).spread, 0.0);
    }

    #[test]
    fn a_ratio_knows_how_sure_it_is() {
        let base = [100, 101, 99, 100, 100, 102];
        let sure = ratio(&base, &[50, 50, 51, 50, 49, 50]).expect("rounds");
        assert!((sure.times - 2.0).abs() < 0.01 && sure.error < 0.05, "{sure:?}");
        let unsure = ratio(&base, &[30, 80, 50, 90, 20, 50]).expect("rounds");
        assert!(unsure.error > 5.0 * sure.error, "{unsure:?}");
        assert!(ratio(&[], &[]).is_none());
    }

    #[test]
    fn means_of_ratios_are_geometric() {
        assert!((geometric_mean([2.0, 8.0]) - 4.0).abs() < 1e-9);
        assert!((geometric_mean([]) - 1.0).abs() < 1e-9);
    }
}
