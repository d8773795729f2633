//! Pages for a browser that need nothing else: no script, no font, no network. Light or dark as the reader has it, and for narrow screens.
//!
//! Files: `flame.rs` stacks of calls as boxes; `style.css` what everything looks like.

mod escape;
mod flame;

pub use self::escape::escape;
pub use self::flame::flames;

use std::fmt::Write as _;

const STYLE: &str = include_str!("style.css");

/// A page with a title, whose body is HTML.
pub fn document(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// A section with a heading.
pub fn section(heading: &str, content: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n{content}</section>\n", escape(heading))
}

/// A table: its columns, of which the first so many are names and the others numbers, and its rows of texts.
pub fn table(columns: &[&str], names: usize, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = String::from("<div class=\"wide\"><table>\n<thead><tr>");
    let class = |column: usize| if column < names { "" } else { " class=\"n\"" };
    for (number, column) in columns.iter().enumerate() {
        // Writing to a string does not fail, here and below.
        let _ = write!(out, "<th{}>{}</th>", class(number), escape(column));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (number, cell) in row.iter().enumerate() {
            let _ = write!(out, "<td{}>{}</td>", class(number), escape(cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    out
}

/// A short text with a colour of its own: how a block is executed.
pub fn badge(kind: &str, text: &str) -> String {
    format!("<span class=\"badge {kind}\">{}</span>", escape(text))
}

/// A list of sentences.
pub fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| format!("<li>{}</li>\n", escape(item))).collect();
    format!("<ul>\n{}</ul>\n", items.concat())
}

/// A line of code in a block: its offset, its text, what is said about it, and columns beside it.
#[derive(Debug, Default)]
pub struct Line {
    /// Offset of the word.
    pub pc: u32,
    /// The instruction.
    pub text: String,
    /// How hot it is, from 0 to 1.
    pub heat: f64,
    /// A figure, such as how often it was executed.
    pub figure: String,
    /// What became of it.
    pub notes: Vec<String>,
    /// Columns beside it: lines of each.
    pub beside: Vec<Vec<String>>,
}

/// A block of code, with what is known of it as HTML above.
pub fn code(about: &str, columns: &[&str], lines: &[Line]) -> String {
    let mut out = format!("<article class=\"block\">\n{about}<div class=\"code c{}\">\n", columns.len());
    if columns.len() > 1 {
        let heads: Vec<String> = columns.iter().map(|column| format!("<span>{}</span>", escape(column))).collect();
        let _ = writeln!(out, "<div class=\"line head\">{}</div>", heads.concat());
    }
    for line in lines {
        let _ = write!(
            out,
            "<div class=\"line\"><div><div class=\"guest\"><i style=\"width:{:.1}%\"></i><span class=\"pc\">{}</span>\
             <code>{}</code><span class=\"figure\">{}</span></div>",
            line.heat.clamp(0.0, 1.0) * 100.0,
            line.pc,
            escape(&line.text),
            escape(&line.figure)
        );
        for note in &line.notes {
            let _ = write!(out, "<p>{}</p>", escape(note));
        }
        out.push_str("</div>");
        for column in &line.beside {
            let _ = write!(out, "<pre>{}</pre>", escape(&column.join("\n")));
        }
        out.push_str("</div>\n");
    }
    out.push_str("</div>\n</article>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_taken_for_html() {
        let page = document("<b>", &table(&["a&b"], 1, [vec!["\"<i>\"".to_owned()]]));
        assert!(page.contains("<h1>&lt;b&gt;</h1>") && page.contains("<th>a&amp;b</th>"), "{page}");
        assert!(page.contains("<td>&quot;&lt;i&gt;&quot;</td>"), "{page}");
        let line = Line { text: "a < b".to_owned(), notes: vec!["<x>".to_owned()], ..Line::default() };
        assert!(code("", &["guest"], &[line]).contains("<code>a &lt; b</code>"));
    }
}
