//! Statistics of runs: what the numbers in tables mean.
//!
//! Distributions come from statrs. Quantiles are our own, because what stands in tables and stored runs is defined by them (between
//! neighbours in proportion), and so are the few lines of the bootstrap, which must give the same interval for the same runs
//! for ever: hence also its generator.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

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
    /// Half the width of the 95% interval: how far chance may have moved the ratio. `None` for one round, which does not say.
    pub error: Option<f64>,
}

impl Ratio {
    /// The ends of the interval; the ratio itself where that is not known.
    pub fn bounds(&self) -> [f64; 2] {
        let error = self.error.unwrap_or_default();
        [self.times - error, self.times + error]
    }

    /// `2.50 ± 0.13`
    pub fn text(&self) -> String {
        let error = self.error.map_or("?".to_owned(), |error| format!("{error:.2}"));
        format!("{:.2} ± {error}", self.times)
    }
}

/// Compares times that were taken in rounds: `base[i]` and `this[i]` belong to the same round. `None` for no rounds.
///
/// Where there are enough rounds, the error is that of a bootstrap over them, which keeps together what the same disturbance
/// hit. Of few rounds there are not enough samples to draw: then it is Student's, from the logarithms of their ratios.
pub fn ratio(base: &[u64], this: &[u64]) -> Option<Ratio> {
    let rounds = base.len().min(this.len());
    if rounds == 0 {
        return None;
    }
    let (base, this) = (&base[..rounds], &this[..rounds]);
    let times = median(base.to_vec()) / median(this.to_vec());
    let error = match rounds {
        ROUNDS_RESAMPLED.. => Some(bootstrap(base, this)),
        _ => spread_of_logs(base, this).map(|spread| times * student(rounds) * spread),
    };
    Some(Ratio { times, error })
}

/// From so many rounds on there are enough of them to draw samples.
const ROUNDS_RESAMPLED: usize = 8;

/// The quantile of Student's distribution between which and its negative 95% lie, for at least two rounds.
fn student(rounds: usize) -> f64 {
    // A distribution with at least one degree of freedom always exists.
    StudentsT::new(0.0, 1.0, (rounds - 1) as f64).map_or(f64::INFINITY, |distribution| distribution.inverse_cdf(0.975))
}

fn median(mut times: Vec<u64>) -> f64 {
    times.sort_unstable();
    quantile(&times, 0.5).max(1.0)
}

/// The standard error of the mean logarithm of the rounds' ratios, if there are at least two.
fn spread_of_logs(base: &[u64], this: &[u64]) -> Option<f64> {
    let logs: Vec<f64> = base.iter().zip(this).map(|(&a, &b)| (a.max(1) as f64 / b.max(1) as f64).ln()).collect();
    let count = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let squares: f64 = logs.iter().map(|log| (log - mean).powi(2)).sum();
    (logs.len() >= 2).then(|| (squares / (count - 1.0) / count).sqrt())
}

/// Half the distance between which 95% of the ratios of resampled rounds lie.
fn bootstrap(base: &[u64], this: &[u64]) -> f64 {
    const RESAMPLES: usize = 400;
    let rounds = base.len();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut ratios: Vec<f64> = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let picks: Vec<usize> = (0..rounds).map(|_| random.below(rounds)).collect();
        let of = |times: &[u64]| median(picks.iter().map(|&i| times[i]).collect());
        ratios.push(of(base) / of(this));
    }
    ratios.sort_unstable_by(f64::total_cmp);
    (ratios[RESAMPLES * 975 / 1000] - ratios[RESAMPLES * 25 / 1000]) / 2.0
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
        let base = [100, 101, 99, 100, 100, 102, 100, 99, 101, 100];
        let calm = [50, 50, 51, 50, 49, 50, 50, 51, 50, 50];
        let wild = [30, 80, 50, 90, 20, 50, 70, 30, 60, 50];
        for rounds in [3, 6, 10] {
            let of = |this: &[u64]| ratio(&base[..rounds], &this[..rounds]).expect("rounds");
            let (sure, unsure) = (of(&calm), of(&wild));
            let [sure_error, unsure_error] = [sure, unsure].map(|ratio| ratio.error.expect("several rounds"));
            assert!((sure.times - 2.0).abs() < 0.05 && sure_error < 0.15, "{sure:?}");
            assert!(unsure_error > 5.0 * sure_error, "{unsure:?}");
        }
        // Two logarithms of ratios, 0 and ln 4: their mean has a standard error of ln 2.
        let two = ratio(&[100, 400], &[100, 100]).expect("rounds");
        assert!((two.error.expect("two rounds") / two.times - 12.7062 * 2f64.ln()).abs() < 1e-4, "{two:?}");
        assert!(ratio(&[1], &[2]).expect("a round").error.is_none() && ratio(&[], &[]).is_none());
    }

    #[test]
    fn means_of_ratios_are_geometric() {
        assert!((geometric_mean([2.0, 8.0]) - 4.0).abs() < 1e-9);
        assert!((geometric_mean([]) - 1.0).abs() < 1e-9);
    }
}
