//! The plot of compile time against run time, both on scales by powers of ten.

use super::plot::{COLOURS, LEFT, Log, RIGHT, TOP, escape, grid, open};
use super::results::Results;
use crate::human;
use std::fmt::Write as _;

/// Height of the picture.
const HEIGHT: f64 = 460.0;
/// Where the upward scale begins.
const BOTTOM: f64 = HEIGHT - 40.0;
/// Half the width of a point, with a little air.
const POINT: f64 = 6.0;
/// Height of a text.
const LINE: f64 = 12.0;

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
            "<g><title>{}</title><circle class=\"c{}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"/>",
            escape(&about),
            point.contender % COLOURS
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
    fn names_stand_beside_their_points() {
        let point = Area::around(100.0, 100.0);
        let names = Area::beside("name", 100.0, 100.0);
        assert!(names.iter().all(|name| !name.meets(&point)));
        assert!(names[0].meets(&Area::around(110.0, 103.0)) && !names[1].meets(&Area::around(110.0, 103.0)));
    }
}
