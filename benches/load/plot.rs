//! Draws the picture: a bar for each lane, reads above writes, each group with its own scale.

use std::fmt::Write;

use crate::{
    figures::{Figures, median_of},
    report::Line,
};

const WIDTH: f64 = 900.0;
const NAMES: f64 = 390.0;
const BARS: f64 = 400.0;
const STEP: f64 = 26.0;
const BAR: f64 = 16.0;
const HEAD: f64 = 34.0;

/// Supports light and dark pages.
const STYLE: &str = "text { font: 13px system-ui, sans-serif; fill: #24292f } .head { font-weight: 600 } \
    .bar { fill: #8c959f } .ours { fill: #0969da } .floor { fill: #d0d7de } \
    @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .bar { fill: #6e7681 } .ours { fill: #58a6ff } \
    .floor { fill: #30363d } }";

pub fn draw(lines: &[Line], results: &[Vec<Figures>]) -> String {
    let (mut picture, mut y) = (String::new(), 0.0);
    for (writes, head) in [(false, "Reading, requests per second"), (true, "Running a command, requests per second")] {
        let rows: Vec<_> = lines
            .iter()
            .zip(results)
            .filter(|(line, _)| line.writes == writes)
            .map(|(line, rounds)| (line, median_of(rounds, |round| round.requests_per_second)))
            .collect();
        let most = rows.iter().map(|(_, number)| *number).fold(1.0, f64::max);
        y += HEAD;
        // Writing to a String cannot fail.
        let _ = writeln!(picture, r#"<text class="head" x="8" y="{:.0}">{head}</text>"#, y - 10.0);
        for (line, number) in rows {
            bar(&mut picture, line, number, most, y);
            y += STEP;
        }
    }
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {:.0}" role="img" aria-label="Requests per second">
<style>{STYLE}</style>
{picture}</svg>
"#,
        y + 10.0
    )
}

fn bar(picture: &mut String, line: &Line, number: f64, most: f64, y: f64) {
    let class = match line.title.as_str() {
        title if title.starts_with("floor") => "floor",
        _ if line.is_ours => "ours",
        _ => "bar",
    };
    let (length, name) = ((BARS * number / most).max(1.0), escaped(&line.title));
    let _ = writeln!(picture, r#"<text x="{}" y="{:.0}" text-anchor="end">{name}</text>"#, NAMES - 8.0, y + 13.0);
    let _ = writeln!(
        picture,
        r#"<rect class="{class}" x="{NAMES}" y="{y:.0}" width="{length:.1}" height="{BAR}" rx="2"/>"#
    );
    let _ =
        writeln!(picture, r#"<text x="{:.1}" y="{:.0}">{}</text>"#, NAMES + length + 6.0, y + 13.0, thousands(number));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// A number with a thin space between thousands.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let (head, tail) = digits.split_at(digits.len().saturating_sub(3));
    if head.is_empty() { tail.to_owned() } else { format!("{head}\u{2009}{tail}") }
}
