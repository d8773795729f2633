//! Plots of HTML: a row for each contender, with its name, a bar from 0 or dots, and its figure. Boxes that stand beside each other cannot
//! overlap, however narrow the screen is and however many contenders there are. `scatter.rs` has the plot with two scales.

use super::race::{Entry, Race};
use super::results::Results;
use crate::human;
use crate::page::escape;
use std::fmt::Write as _;

/// The colour of a contender, as a style: grey for the first, and for the others hues that are far from their neighbours, however many there are.
pub fn hue(contender: usize) -> String {
    match contender {
        0 => "--h:220;--s:8%".to_owned(),
        _ => format!("--h:{:.0};--s:62%", (contender as f64 - 1.0) * 137.508 % 360.0 + 18.0),
    }
}

/// A bar, or dots, on a track from 0 to 1.
struct Row<'a> {
    contender: usize,
    name: &'a str,
    /// What a pointer is shown.
    about: String,
    bar: Option<f64>,
    interval: Option<[f64; 2]>,
    dots: Vec<f64>,
    /// Where a line stands that is to be compared with.
    line: Option<f64>,
    figure: String,
}

impl<'a> Row<'a> {
    /// A row with nothing but a name.
    fn of(contender: usize, entry: &'a Entry) -> Row<'a> {
        let (about, figure, dots) = Default::default();
        Row { contender, name: &entry.contender, about, bar: None, interval: None, dots, line: None, figure }
    }

    /// Of a contender that has no figures.
    fn failed(contender: usize, entry: &'a Entry, why: &str) -> Row<'a> {
        let about = format!("{}: {why}", entry.contender);
        Row { about, figure: why.to_owned(), ..Row::of(contender, entry) }
    }

    fn draw(&self, out: &mut String) {
        let percent = |share: f64| share.clamp(0.0, 1.0) * 100.0;
        // Writing to a string does not fail, here and below.
        let _ = write!(
            out,
            "<div class=\"row\" title=\"{}\"><span class=\"who\">{}</span><span class=\"track\" style=\"{}\">",
            escape(&self.about),
            escape(self.name),
            hue(self.contender)
        );
        if let Some(bar) = self.bar {
            let _ = write!(out, "<b style=\"width:{:.2}%\"></b>", percent(bar));
        }
        if let Some(line) = self.line {
            let _ = write!(out, "<u style=\"left:{:.2}%\"></u>", percent(line));
        }
        for &dot in &self.dots {
            let _ = write!(out, "<em style=\"left:{:.2}%\"></em>", percent(dot));
        }
        if let Some([low, high]) = self.interval {
            let (low, high) = (percent(low), percent(high));
            let _ = write!(out, "<i style=\"left:{low:.2}%;width:{:.2}%\"></i>", (high - low).max(0.0));
        }
        let _ = writeln!(out, "</span><span class=\"value\">{}</span></div>", escape(&self.figure));
    }
}

/// A plot: for each program, the rows of those who have one.
fn plot<'a>(results: &'a Results, first: usize, row: impl Fn(&'a Race, usize, &'a Entry) -> Option<Row<'a>>) -> String {
    let mut out = String::from("<div class=\"bars\">\n");
    for race in &results.races {
        let _ = writeln!(out, "<h3>{}</h3>", escape(&race.program));
        for (contender, entry) in race.entries.iter().enumerate().skip(first) {
            let row = match &entry.failed {
                Some(why) => Some(Row::failed(contender, entry, why)),
                None => row(race, contender, entry),
            };
            row.into_iter().for_each(|row| row.draw(&mut out));
        }
    }
    out.push_str("</div>\n");
    out
}

/// Bars from 0 of how many times as fast as the first contender everybody else is; a line stands at 1.
pub fn ratios(results: &Results) -> String {
    let ratios = || results.races.iter().flat_map(|race| race.entries.iter().filter_map(|entry| entry.ratio));
    let end = ratios().map(|ratio| ratio.bounds()[1].max(ratio.times)).fold(1.0, f64::max);
    // The interval of a wild one does not press all others together.
    let scale = ratios().map(|ratio| ratio.times * 1.5).fold(1.0, f64::max).min(end);
    plot(results, 1, |race, contender, entry| {
        let ratio = entry.ratio?;
        Some(Row {
            about: format!("{}, {}: {}", race.program, entry.contender, ratio.text()),
            bar: Some(ratio.times / scale),
            interval: ratio.interval.map(|ends| ends.map(|end| end / scale)),
            line: Some(1.0 / scale),
            figure: format!("{:.2}×", ratio.times),
            ..Row::of(contender, entry)
        })
    })
}

/// Bars from 0 of the median time of everybody, with the quartiles; each program has its own scale.
pub fn times(results: &Results) -> String {
    plot(results, 0, |race, contender, entry| {
        let most = race.entries.iter().map(|entry| entry.wall.high_ns).max().unwrap_or_default().max(1) as f64;
        let wall = entry.wall;
        Some(Row {
            about: format!(
                "{}, {}: median {}, quartiles {} and {}, CPU {}",
                race.program,
                entry.contender,
                human::time(wall.median_ns),
                human::time(wall.low_ns),
                human::time(wall.high_ns),
                human::time(entry.cpu.median_ns)
            ),
            bar: Some(wall.median_ns as f64 / most),
            interval: Some([wall.low_ns, wall.high_ns].map(|end| end as f64 / most)),
            figure: human::time(wall.median_ns),
            ..Row::of(contender, entry)
        })
    })
}

/// Every run as a dot: how far it was from the median of its contender, which is the line in the middle.
pub fn spread(results: &Results) -> String {
    /// Runs further off than this stand at the edge.
    const EDGE: f64 = 0.25;
    plot(results, 0, |race, contender, entry| {
        let median = entry.wall.median_ns.max(1) as f64;
        let place = |ns: u64| ((ns as f64 / median - 1.0) / EDGE + 1.0) / 2.0;
        let [min, max] = [entry.wall.min_ns, entry.wall.max_ns].map(human::time);
        Some(Row {
            about: format!("{}, {}: {min} to {max}", race.program, entry.contender),
            dots: entry.runs.iter().map(|run| place(run.wall_ns)).collect(),
            line: Some(0.5),
            figure: format!("±{:.1}%", entry.wall.spread * 100.0),
            ..Row::of(contender, entry)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_contenders_have_twelve_colours() {
        let colours: std::collections::BTreeSet<String> = (0..12).map(hue).collect();
        assert_eq!(colours.len(), 12);
    }
}
