//! Plots as inline SVG: bars and dots; `scatter.rs` has the one with two scales. Colours and fonts come from the page's
//! style sheet, so that they follow light and dark.
//!
//! Our own and not plotters or charming: those put fixed colours into their drawings, or a script into the page that fetches or
//! carries megabytes. These are a few kinds of lines and circles whose look is the style sheet's, with a title to each mark.

use super::race::Race;
use super::results::Results;
use crate::human;
use std::fmt::Write as _;

/// Width of every plot in its own units; the page scales it.
const WIDTH: f64 = 960.0;
/// Where bars begin: names of programs stand to the left.
pub(super) const LEFT: f64 = 108.0;
/// Where the scale ends: figures stand to the right.
pub(super) const RIGHT: f64 = WIDTH - 92.0;
/// Height of a bar with its gap.
const BAR: f64 = 13.0;
/// Space between programs.
const GAP: f64 = 9.0;
/// Space for the axis above.
pub(super) const TOP: f64 = 26.0;
/// Colours that the style sheet has; more contenders begin again.
pub(super) const COLOURS: usize = 8;

/// Text for HTML and SVG.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A scale by powers of ten.
pub(super) struct Log {
    /// The logarithm of the lowest value.
    pub low: f64,
    /// The logarithm of the highest value.
    pub high: f64,
}

impl Log {
    /// A scale that has room for all values, and for at least a factor of 3.
    pub(super) fn over(values: impl Iterator<Item = f64>) -> Log {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|value| *value > 0.0) {
            (low, high) = (low.min(value), high.max(value));
        }
        if !low.is_finite() {
            (low, high) = (1.0, 10.0);
        }
        let room = (3.0 / (high / low)).max(1.0).sqrt() * 1.12;
        Log { low: (low / room).ln(), high: (high * room).ln() }
    }

    /// The share of the way from low to high.
    pub(super) fn share(&self, value: f64) -> f64 {
        ((value.max(f64::MIN_POSITIVE).ln() - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    pub(super) fn x(&self, value: f64) -> f64 {
        LEFT + self.share(value) * (RIGHT - LEFT)
    }

    /// Round values within the scale: 1, 2, 5, 10, ... or powers of ten only where those would be too many.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let wide = self.high - self.low > 4.0 * std::f64::consts::LN_10;
        let steps: &[f64] = if wide { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let first = (self.low / std::f64::consts::LN_10).floor() as i32;
        let last = (self.high / std::f64::consts::LN_10).ceil() as i32;
        let all = (first..=last).flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)));
        all.filter(|value| (self.low..=self.high).contains(&value.ln())).collect()
    }
}

/// Begins a picture of a height.
pub(super) fn open(height: f64, about: &str) -> String {
    let about = escape(about);
    format!("<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{about}\">\n")
}

/// Vertical lines of a scale with their labels above.
pub(super) fn grid(svg: &mut String, scale: &Log, height: f64, label: fn(f64) -> String) {
    for tick in scale.ticks() {
        let x = scale.x(tick);
        let text = label(tick);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{height:.1}\"/>\
             <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\">{text}</text>",
            TOP - 8.0
        );
    }
}

/// One bar with its error mark, its figure, and what a pointer is shown.
struct Bar {
    y: f64,
    from: f64,
    to: f64,
    error: Option<(f64, f64)>,
    colour: usize,
    figure: String,
    about: String,
}

impl Bar {
    fn draw(&self, svg: &mut String) {
        let (x, width) = (self.from.min(self.to), (self.from - self.to).abs().max(1.0));
        let colour = self.colour % COLOURS;
        let middle = self.y + BAR / 2.0 - 1.0;
        let _ = write!(
            svg,
            "<g><title>{}</title><rect class=\"c{colour}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" \
             height=\"{:.1}\" rx=\"2\"/>",
            escape(&self.about),
            self.y,
            BAR - 3.0
        );
        let mut end = self.to.max(self.from);
        if let Some((low, high)) = self.error {
            let _ = write!(
                svg,
                "<path class=\"error\" d=\"M{low:.1} {middle:.1}H{high:.1}M{low:.1} {:.1}v6M{high:.1} {:.1}v6\"/>",
                middle - 3.0,
                middle - 3.0
            );
            end = end.max(high);
        }
        let _ = writeln!(
            svg,
            "<text class=\"figure\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
            end + 6.0,
            middle + 3.5,
            escape(&self.figure)
        );
    }
}

/// The name of a program beside its bars, `rows` of them.
fn name(svg: &mut String, race: &Race, y: f64, rows: usize) {
    let middle = y + rows as f64 * BAR / 2.0 + 2.5;
    let _ =
        writeln!(svg, "<text class=\"name\" x=\"{}\" y=\"{middle:.1}\">{}</text>", LEFT - 10.0, escape(&race.program));
}

/// Bars of how many times as fast as the first contender everybody else is.
pub fn ratios(results: &Results) -> String {
    let rows = results.contenders.len() - 1;
    let ratios = || results.races.iter().flat_map(|race| race.entries.iter().filter_map(|entry| entry.ratio));
    let bounds = ratios().flat_map(|ratio| ratio.bounds());
    let scale = Log::over(bounds.chain([1.0]));
    let height = TOP + results.races.len() as f64 * (rows as f64 * BAR + GAP);
    let mut svg = open(height, "How many times as fast as the first contender, by program");
    grid(&mut svg, &scale, height, |tick| format!("{tick}×"));
    let one = scale.x(1.0);
    let mut y = TOP + GAP / 2.0;
    for race in &results.races {
        name(&mut svg, race, y, rows);
        for (i, entry) in race.entries.iter().enumerate() {
            let Some(ratio) = entry.ratio else { continue };
            let about = format!("{}, {}: {}", race.program, entry.contender, ratio.text());
            Bar {
                y,
                from: one,
                to: scale.x(ratio.times),
                error: ratio.error.map(|_| ratio.bounds().map(|bound| scale.x(bound)).into()),
                colour: i,
                figure: format!("{:.2}×", ratio.times),
                about,
            }
            .draw(&mut svg);
            y += BAR;
        }
        y += GAP;
    }
    let _ =
        writeln!(svg, "<line class=\"axis\" x1=\"{one:.1}\" x2=\"{one:.1}\" y1=\"{TOP}\" y2=\"{height:.1}\"/></svg>");
    svg
}

/// Bars of the median time of everybody, with the quartiles.
pub fn times(results: &Results) -> String {
    let rows = results.contenders.len();
    let walls = results.races.iter().flat_map(|race| race.entries.iter().map(|entry| entry.wall));
    let scale = Log::over(walls.flat_map(|wall| [wall.low_ns as f64, wall.high_ns as f64]));
    let height = TOP + results.races.len() as f64 * (rows as f64 * BAR + GAP);
    let mut svg = open(height, "Median time of each contender, by program");
    grid(&mut svg, &scale, height, |tick| human::round_time(tick as u64));
    let mut y = TOP + GAP / 2.0;
    for race in &results.races {
        name(&mut svg, race, y, rows);
        for (i, entry) in race.entries.iter().enumerate() {
            let wall = entry.wall;
            let about = format!(
                "{}, {}: median {}, quartiles {} and {}, CPU {}",
                race.program,
                entry.contender,
                human::time(wall.median_ns),
                human::time(wall.low_ns),
                human::time(wall.high_ns),
                human::time(entry.cpu.median_ns)
            );
            Bar {
                y,
                from: LEFT,
                to: scale.x(wall.median_ns as f64),
                error: Some((scale.x(wall.low_ns as f64), scale.x(wall.high_ns as f64))),
                colour: i,
                figure: human::time(wall.median_ns),
                about,
            }
            .draw(&mut svg);
            y += BAR;
        }
        y += GAP;
    }
    let _ = writeln!(svg, "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{LEFT}\" y1=\"{TOP}\" y2=\"{height:.1}\"/></svg>");
    svg
}

/// Every run as a dot: how far it was from the median of its contender.
pub fn spread(results: &Results) -> String {
    /// Runs further off than this stand at the edge.
    const EDGE: f64 = 0.25;
    let rows = results.contenders.len();
    let height = TOP + results.races.len() as f64 * (rows as f64 * BAR + GAP);
    let x = |off: f64| LEFT + (off.clamp(-EDGE, EDGE) / EDGE + 1.0) / 2.0 * (RIGHT - LEFT);
    let mut svg = open(height, "Every run: distance from the median of its contender");
    for off in [-0.2, -0.1, -0.05, 0.0, 0.05, 0.1, 0.2] {
        let class = if off == 0.0 { "axis" } else { "grid" };
        let at = x(off);
        let _ = writeln!(
            svg,
            "<line class=\"{class}\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{height:.1}\"/>\
             <text class=\"tick\" x=\"{at:.1}\" y=\"{:.1}\">{:+.0}%</text>",
            TOP - 8.0,
            off * 100.0
        );
    }
    let mut y = TOP + GAP / 2.0;
    for race in &results.races {
        name(&mut svg, race, y, rows);
        for (i, entry) in race.entries.iter().enumerate() {
            let median = entry.wall.median_ns.max(1) as f64;
            for run in &entry.runs {
                let off = run.wall_ns as f64 / median - 1.0;
                let about = format!(
                    "{}, {}: {} ({:+.1}%)",
                    race.program,
                    entry.contender,
                    human::time(run.wall_ns),
                    off * 100.0
                );
                let _ = writeln!(
                    svg,
                    "<circle class=\"c{} run\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\"><title>{}</title></circle>",
                    i % COLOURS,
                    x(off),
                    y + BAR / 2.0 - 1.0,
                    escape(&about)
                );
            }
            y += BAR;
        }
        y += GAP;
    }
    svg.push_str("</svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_have_round_ticks() {
        let scale = Log::over([1.0, 10.0].into_iter());
        assert_eq!(scale.ticks(), [1.0, 2.0, 5.0, 10.0]);
        assert!(scale.x(1.0) > LEFT && scale.x(10.0) < RIGHT);
        assert_eq!(scale.x(0.0), LEFT);
        assert!(Log::over([].into_iter()).ticks().len() > 1);
    }

    #[test]
    fn names_cannot_break_the_page() {
        assert_eq!(escape("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;");
    }
}
