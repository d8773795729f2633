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
    /// The ends of the 95% interval: how far chance may have moved the ratio. `None` for one round, which does not say.
    pub interval: Option<[f64; 2]>,
}

impl Ratio {
    /// The ends of the interval; the ratio itself where that is not known.
    pub fn bounds(&self) -> [f64; 2] {
        self.interval.unwrap_or([self.times; 2])
    }

    /// `2.50 (2.38 to 2.61)`, `2.50 (?)`
    pub fn text(&self) -> String {
        match self.interval {
            Some([low, high]) => format!("{:.2} ({low:.2} to {high:.2})", self.times),
            None => format!("{:.2} (?)", self.times),
        }
    }

    /// What it says: `jit is 2.50 times as fast as interp (2.38 to 2.61)`, as far as that can be told.
    pub fn verdict(&self, this: &str, base: &str) -> String {
        match self.interval {
            None => format!("one run cannot tell {this} from {base}"),
            Some([low, high]) if low <= 1.0 && high >= 1.0 => {
                format!(
                    "no difference that can be told between {this} and {base} ({low:.2} to {high:.2} times as fast)"
                )
            }
            Some([low, high]) if self.times < 1.0 => {
                let [times, least, most] = [self.times, high, low].map(|times| 1.0 / times);
                format!("{this} takes {times:.2} times as long as {base} ({least:.2} to {most:.2})")
            }
            Some([low, high]) => format!("{this} is {:.2} times as fast as {base} ({low:.2} to {high:.2})", self.times),
        }
    }

    /// The geometric mean of ratios that know nothing of each other; none of none.
    pub fn mean(ratios: &[Ratio]) -> Option<Ratio> {
        let count = ratios.len() as f64;
        let times = geometric_mean(ratios.iter().map(|ratio| ratio.times));
        // Half the width of an interval, in logarithms, is as many standard errors for each.
        let half = |ratio: &Ratio| ratio.interval.map(|[low, high]| (high.ln() - low.ln()) / 2.0);
        let halves: Option<Vec<f64>> = ratios.iter().map(half).collect();
        let spread = halves.map(|halves| halves.iter().map(|half| half * half).sum::<f64>().sqrt() / count);
        let interval = spread.map(|spread| [times * (-spread).exp(), times * spread.exp()]);
        (!ratios.is_empty()).then_some(Ratio { times, interval })
    }
}

/// Compares times that were taken in rounds: `base[i]` and `this[i]` belong to the same round. `None` for no rounds.
///
/// Where there are enough rounds, the interval is that of a bootstrap over them, which keeps together what the same disturbance
/// hit. Of few rounds there are not enough samples to draw: then it is Student's, of the logarithms of their ratios, so that no end is
/// below 0.
pub fn ratio(base: &[u64], this: &[u64]) -> Option<Ratio> {
    let rounds = base.len().min(this.len());
    if rounds == 0 {
        return None;
    }
    let (base, this) = (&base[..rounds], &this[..rounds]);
    let times = median(base.to_vec()) / median(this.to_vec());
    let interval = match rounds {
        ROUNDS_RESAMPLED.. => Some(bootstrap(base, this, true)),
        _ => spread_of_logs(base, this).map(|spread| {
            let factor = (student(rounds) * spread).exp();
            [times / factor, times * factor]
        }),
    };
    Some(Ratio { times, interval })
}

/// Compares times that were taken at different times. `None` for no rounds.
pub fn ratio_apart(base: &[u64], this: &[u64]) -> Option<Ratio> {
    if base.is_empty() || this.is_empty() {
        return None;
    }
    let times = median(base.to_vec()) / median(this.to_vec());
    let interval = (base.len() > 1 && this.len() > 1).then(|| bootstrap(base, this, false));
    Some(Ratio { times, interval })
}

/// Times that are further from the quartiles than one and a half times the distance between these: what disturbed the machine.
pub fn outliers(times: &[u64]) -> usize {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let [low, high] = [0.25, 0.75].map(|share| quantile(&sorted, share));
    let reach = 1.5 * (high - low);
    sorted.iter().filter(|&&time| (time as f64) < low - reach || time as f64 > high + reach).count()
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

/// Between which 95% of the ratios of resampled rounds lie; the same rounds are drawn of both if they are pairs.
fn bootstrap(base: &[u64], this: &[u64], paired: bool) -> [f64; 2] {
    const RESAMPLES: usize = 400;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut ratios: Vec<f64> = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let mut draw = |times: &[u64]| -> Vec<usize> { times.iter().map(|_| random.below(times.len())).collect() };
        let of = |times: &[u64], picks: &[usize]| median(picks.iter().map(|&i| times[i]).collect());
        let picks = draw(base);
        let others = if paired { picks.clone() } else { draw(this) };
        ratios.push(of(base, &picks) / of(this, &others));
    }
    ratios.sort_unstable_by(f64::total_cmp);
    [ratios[RESAMPLES * 25 / 1000], ratios[RESAMPLES * 975 / 1000]]
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
            let width = |ratio: Ratio| ratio.bounds()[1] / ratio.bounds()[0];
            assert!((sure.times - 2.0).abs() < 0.05 && width(sure) < 1.2, "{sure:?}");
            assert!(width(unsure) > 2.0 * width(sure), "{unsure:?}");
            assert!(unsure.bounds()[0] > 0.0, "no end is negative: {unsure:?}");
        }
        // Two logarithms of ratios, 0 and ln 4: their mean has a standard error of ln 2.
        let two = ratio(&[100, 400], &[100, 100]).expect("rounds");
        assert!(((two.bounds()[1] / two.times).ln() - 12.7062 * 2f64.ln()).abs() < 1e-4, "{two:?}");
        assert!(ratio(&[1], &[2]).expect("a round").interval.is_none() && ratio(&[], &[]).is_none());
    }

    #[test]
    fn verdicts_say_no_more_than_is_known() {
        let of = |times, interval| Ratio { times, interval }.verdict("a", "b");
        assert_eq!(of(1.8, Some([1.7, 1.9])), "a is 1.80 times as fast as b (1.70 to 1.90)");
        assert_eq!(of(0.5, Some([0.4, 0.6])), "a takes 2.00 times as long as b (1.67 to 2.50)");
        assert_eq!(
            of(1.1, Some([0.9, 1.3])),
            "no difference that can be told between a and b (0.90 to 1.30 times as fast)"
        );
        assert_eq!(of(3.0, None), "one run cannot tell a from b");
        let mean = Ratio::mean(&[
            Ratio { times: 2.0, interval: Some([1.0, 4.0]) },
            Ratio { times: 8.0, interval: Some([4.0, 16.0]) },
        ]);
        let mean = mean.expect("two");
        let [low, high] = mean.bounds();
        assert!((mean.times - 4.0).abs() < 1e-9 && (high / 4.0 - 2f64.powf(0.5f64.sqrt())).abs() < 1e-9, "{mean:?}");
        assert!((low * high - 16.0).abs() < 1e-9);
    }

    #[test]
    fn disturbances_are_counted() {
        assert_eq!(outliers(&[100, 101, 99, 100, 102, 100, 250]), 1);
        assert_eq!(outliers(&[100, 100, 100]), 0);
        let apart = ratio_apart(&[200, 210, 190, 200], &[100, 99, 101, 100, 100]).expect("rounds");
        assert!((apart.times - 2.0).abs() < 0.05 && apart.bounds()[0] > 1.8 && apart.bounds()[1] < 2.2, "{apart:?}");
    }

    #[test]
    fn means_of_ratios_are_geometric() {
        assert!((geometric_mean([2.0, 8.0]) - 4.0).abs() < 1e-9);
        assert!((geometric_mean([]) - 1.0).abs() < 1e-9);
    }
}
