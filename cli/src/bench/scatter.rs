//! The plot of compile time against run time, both on scales by powers of ten, as inline SVG whose colours and fonts come from the page's style
//! sheet, so that they follow light and dark.
//!
//! Our own and not plotters or charming: those put fixed colours into their drawings, or a script into the page that fetches or
//! carries megabytes.

use super::plot::hue;
use super::results::Results;
use crate::human;
use crate::page::escape;
use std::fmt::Write as _;

/// Width of the picture in its own units; the page scales it.
const WIDTH: f64 = 960.0;
/// Where the scale across begins and ends.
const LEFT: f64 = 108.0;
const RIGHT: f64 = WIDTH - 92.0;
/// Where the upward scale ends.
const TOP: f64 = 26.0;
/// Height of the picture.
const HEIGHT: f64 = 460.0;
/// Where the upward scale begins.
const BOTTOM: f64 = HEIGHT - 40.0;
/// Half the width of a point, with a little air.
const POINT: f64 = 6.0;
/// Height of a text.
const LINE: f64 = 12.0;

/// A scale by powers of ten.
struct Log {
    /// The logarithm of the lowest value.
    pub low: f64,
    /// The logarithm of the highest value.
    pub high: f64,
}

impl Log {
    /// A scale that has room for all values, and for at least a factor of 3.
    fn over(values: impl Iterator<Item = f64>) -> Log {
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
    fn share(&self, value: f64) -> f64 {
        ((value.max(f64::MIN_POSITIVE).ln() - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + self.share(value) * (RIGHT - LEFT)
    }

    /// Round values within the scale: 1, 2, 5, 10, ... or powers of ten only where those would be too many.
    fn ticks(&self) -> Vec<f64> {
        let wide = self.high - self.low > 4.0 * std::f64::consts::LN_10;
        let steps: &[f64] = if wide { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let first = (self.low / std::f64::consts::LN_10).floor() as i32;
        let last = (self.high / std::f64::consts::LN_10).ceil() as i32;
        let all = (first..=last).flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)));
        all.filter(|value| (self.low..=self.high).contains(&value.ln())).collect()
    }
}

/// Begins a picture of a height.
fn open(height: f64, about: &str) -> String {
    let about = escape(about);
    format!("<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{about}\">\n")
}

/// Vertical lines of a scale with their labels above.
fn grid(svg: &mut String, scale: &Log, height: f64, label: fn(f64) -> String) {
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

/// One program of one contender.
struct Point<'a> {
    program: &'a str,
    contender: usize,
    run_ns: f64,
    compile_ns: f64,
}

/// Each program as a point: how long it ran, and how long its compiler worked. `None` if nothing was compiled.
pub fn compile_against_run(results: &Results) -> Option<String> {
    let mut points = Vec::new();
    for race in &results.races {
        for (contender, entry) in race.entries.iter().enumerate() {
            let compile_ns = entry.counters.as_ref().map_or(0, |counters| counters.compile_ns) as f64;
            if compile_ns > 0.0 {
                points.push(Point {
                    program: &race.program,
                    contender,
                    run_ns: entry.wall.median_ns as f64,
                    compile_ns,
                });
            }
        }
    }
    if points.is_empty() {
        return None;
    }
    let across = Log::over(points.iter().map(|point| point.run_ns));
    let up = Log::over(points.iter().map(|point| point.compile_ns));
    let mut svg = open(HEIGHT, "Time spent compiling against time of the run");
    grid(&mut svg, &across, BOTTOM, |tick| human::round_time(tick as u64));
    scale_up(&mut svg, &up);
    let places: Vec<(f64, f64)> =
        points.iter().map(|point| (across.x(point.run_ns), height(&up, point.compile_ns))).collect();
    let mut taken: Vec<Area> = places.iter().map(|&(x, y)| Area::around(x, y)).collect();
    guides(&mut svg, &across, &up, &mut taken);
    draw(&mut svg, results, &points, &places, &mut taken);
    let _ = writeln!(
        svg,
        "<text class=\"caption\" x=\"{RIGHT}\" y=\"{:.1}\">time of the run →   (upwards: time spent compiling)</text></svg>",
        HEIGHT - 14.0
    );
    Some(svg)
}

fn height(up: &Log, value: f64) -> f64 {
    BOTTOM - up.share(value) * (BOTTOM - TOP)
}

/// Horizontal lines with their labels.
fn scale_up(svg: &mut String, up: &Log) {
    for tick in up.ticks() {
        let y = height(up, tick);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"name tick-left\" x=\"{}\" y=\"{:.1}\">{}</text>",
            LEFT - 10.0,
            y + 4.0,
            human::round_time(tick as u64)
        );
    }
}

/// Lines where compiling takes a share of the run. Their labels keep away from what is taken.
fn guides(svg: &mut String, across: &Log, up: &Log, taken: &mut Vec<Area>) {
    for share in [0.01, 0.1, 1.0] {
        // The part of the line `compile = share * run` that lies within both scales.
        let from = across.low.max(up.low - f64::ln(share));
        let to = across.high.min(up.high - f64::ln(share));
        if from < to {
            let [a, b] = [from.exp(), to.exp()];
            let (x1, y1, x2, y2) = (across.x(a), height(up, a * share), across.x(b), height(up, b * share));
            let label = format!("{}% of the run", share * 100.0);
            // Below the line, as far up as there is room.
            let below = |part: f64| Area::text(&label, x1 + part * (x2 - x1) + POINT, y1 + part * (y2 - y1) + 2.0);
            let parts = [1.0, 0.85, 0.7, 0.55, 0.4, 0.25, 0.1];
            let free = parts.map(below).into_iter().find(|area| !taken.iter().any(|other| area.meets(other)));
            let area = free.unwrap_or_else(|| below(1.0));
            let _ = writeln!(
                svg,
                "<line class=\"guide\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>\
                 <text class=\"guide-label\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
                area.left,
                area.bottom - 2.5
            );
            taken.push(area);
        }
    }
}

/// The points, each with its name where that finds room.
fn draw(svg: &mut String, results: &Results, points: &[Point<'_>], places: &[(f64, f64)], taken: &mut Vec<Area>) {
    for (point, &(x, y)) in points.iter().zip(places) {
        let about = format!(
            "{}, {}: {} compiling, {} running",
            point.program,
            results.contenders[point.contender].name,
            human::time(point.compile_ns as u64),
            human::time(point.run_ns as u64)
        );
        let _ = write!(
            svg,
            "<g><title>{}</title><circle class=\"dot\" style=\"{}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"/>",
            escape(&about),
            hue(point.contender)
        );
        // To the right, to the left, above or below; where all would cover something, the pointer has to do.
        let room =
            Area::beside(point.program, x, y).into_iter().find(|area| !taken.iter().any(|other| area.meets(other)));
        if let Some(area) = room {
            let _ = write!(
                svg,
                "<text class=\"point\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                area.left,
                area.bottom - 2.5,
                escape(point.program)
            );
            taken.push(area);
        }
        svg.push_str("</g>\n");
    }
}

/// A rectangle that something covers.
#[derive(Clone, Copy, Debug)]
struct Area {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Area {
    fn around(x: f64, y: f64) -> Area {
        Area { left: x - POINT, right: x + POINT, top: y - POINT, bottom: y + POINT }
    }

    /// What a text covers in the plot's smallest font: about 6.4 units for each letter.
    fn text(text: &str, left: f64, top: f64) -> Area {
        Area { left, right: left + text.chars().count() as f64 * 6.4, top, bottom: top + LINE }
    }

    /// Where a name could stand beside a point, best first.
    fn beside(name: &str, x: f64, y: f64) -> [Area; 4] {
        let width = Area::text(name, 0.0, 0.0).right;
        [
            Area::text(name, x + POINT + 2.0, y - LINE / 2.0),
            Area::text(name, x - POINT - 2.0 - width, y - LINE / 2.0),
            Area::text(name, x - width / 2.0, y - POINT - LINE),
            Area::text(name, x - width / 2.0, y + POINT),
        ]
    }

    fn meets(&self, other: &Area) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }
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
    fn names_stand_beside_their_points() {
        let point = Area::around(100.0, 100.0);
        let names = Area::beside("name", 100.0, 100.0);
        assert!(names.iter().all(|name| !name.meets(&point)));
        assert!(names[0].meets(&Area::around(110.0, 103.0)) && !names[1].meets(&Area::around(110.0, 103.0)));
    }
}
