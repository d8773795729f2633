//! The page: everything in one file, with the plots of `plot.rs` and `scatter.rs`, for a browser, a talk or a mail.
//!
//! Written with `write!`: most of it is the SVG of the plots, which a template would have to take as it is, and `escape` is all
//! that a template engine would add to the rest.

use super::plot::{self, hue};
use super::results::Results;
use super::scatter;
use super::table::{HEADER, disturbed, failures, group_means, mean_ratios, row};
use crate::page::escape;
use std::fmt::Write as _;

/// The page.
pub fn page(results: &Results) -> String {
    let environment = &results.environment;
    let first = escape(&results.contenders[0].name);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>rum bench</title>\n\
         <style>\n{}</style>\n</head>\n<body>\n<main>\n<header>\n<h1>{}</h1>\n<p class=\"where\">{}</p>\n</header>\n",
        include_str!("page.css"),
        headline(results),
        escape(&format!(
            "{} × {} · {} · rum {} · {}",
            environment.cpus, environment.cpu, environment.system, environment.rum, environment.date
        ))
    );
    let means = mean_ratios(results);
    if !means.is_empty() {
        page.push_str("<div class=\"cards\">\n");
        for (name, wall, cpu) in &means {
            let verdict = wall.verdict(name, &results.contenders[0].name);
            let _ = writeln!(
                page,
                "<div class=\"card\"><b>{:.2}×</b>{}<br><span>{}; by CPU time {cpu:.2}×</span></div>",
                wall.times,
                escape(name),
                escape(&verdict)
            );
        }
        if let [(name, ..)] = means.as_slice() {
            group_cards(&mut page, results, name);
        }
        page.push_str("</div>\n");
        let about = format!(
            "Bars begin at 0: median time of {first} divided by that of the others; the upright line is {first}, the marks are 95% intervals."
        );
        section(&mut page, "How many times as fast", &about, "", &plot::ratios(results));
    }
    let about = "Median time on the clock, from starting the process to its end; the marks are the quartiles. Bars begin at 0, and each program has its own scale.";
    section(&mut page, "Time", about, "", &plot::times(results));
    if let Some(svg) = scatter::compile_against_run(results) {
        let about = "One point for each program that was compiled. Compiling happens on a thread of its own.";
        let svg = format!("<div class=\"wide\">{svg}</div>");
        section(&mut page, "Compiling and running", about, &legend(results, 1), &svg);
    }
    let disturbed = disturbed(results).map_or_else(String::new, |text| format!(" {}.", escape(&text)));
    let about = format!(
        "Every timed run, up to a quarter faster (left) or slower (right) than the median. Narrow is trustworthy.{disturbed}"
    );
    section(&mut page, "Spread", &about, "", &plot::spread(results));
    figures(&mut page, results);
    page.push_str("<footer>Commands: ");
    let commands = results.contenders.iter().map(|contender| format!("<code>{}</code>", escape(&contender.command)));
    page.push_str(&commands.collect::<Vec<_>>().join(" · "));
    page.push_str(". Runs are interleaved, and the outputs of all were equal.");
    failures(results, "").lines().for_each(|line| {
        let _ = write!(page, "<br>{}", escape(line));
    });
    page.push_str("</footer>\n</main>\n</body>\n</html>\n");
    page
}

/// What the page found, in a line.
fn headline(results: &Results) -> String {
    let programs = match results.races.as_slice() {
        [race] => escape(&race.program),
        races => format!("{} programs", races.len()),
    };
    let names: Vec<String> = results.contenders.iter().map(|contender| escape(&contender.name)).collect();
    match names.as_slice() {
        [one] => format!("{one} on {programs}"),
        [one, other] => format!("{other} against {one} on {programs}"),
        _ => format!("{} contenders on {programs}", names.len()),
    }
}

/// How many times as fast in each group of programs, if there are several.
fn group_cards(page: &mut String, results: &Results, contender: &str) {
    let groups = group_means(results, contender);
    if groups.len() > 1 {
        for (group, mean) in groups {
            let _ = writeln!(page, "<div class=\"card group\"><b>{mean:.2}×</b><span>{}</span></div>", escape(group));
        }
    }
}

fn section(page: &mut String, title: &str, about: &str, legend: &str, body: &str) {
    let _ = write!(page, "<section>\n<h2>{title}</h2>\n<p>{about}</p>\n{legend}{body}</section>\n");
}

/// The contenders from number `from` on, with their colours.
fn legend(results: &Results, from: usize) -> String {
    let contenders = results.contenders.iter().enumerate().skip(from);
    let items = contenders.map(|(i, contender)| {
        format!("<li><i class=\"dot\" style=\"{}\"></i>{}</li>", hue(i), escape(&contender.name))
    });
    format!("<ul class=\"legend\">{}</ul>\n", items.collect::<String>())
}

/// The table of all figures.
fn figures(page: &mut String, results: &Results) {
    let mut table = String::from("<div class=\"wide\"><table>\n<tr>");
    HEADER.iter().for_each(|name| {
        let _ = write!(table, "<th>{name}</th>");
    });
    table.push_str("</tr>\n");
    for race in &results.races {
        for (i, entry) in race.entries.iter().enumerate() {
            table.push_str(if i == 0 { "<tr class=\"first\">" } else { "<tr>" });
            row(race, entry, i).iter().for_each(|cell| {
                let _ = write!(table, "<td>{}</td>", escape(cell));
            });
            table.push_str("</tr>\n");
        }
    }
    table.push_str("</table></div>\n");
    let about = "Medians; ± is half the distance of the quartiles as a share; times as fast with its 95% interval.";
    section(page, "All figures", about, "", &table);
}
