//! Renders the results as Markdown.

use std::fmt::Write;

use chrono::Utc;

use crate::{
    figures::{Figures, median_of, ratio},
    servers::Storage,
};

/// What is said of a lane besides its figures.
pub struct Line {
    pub title: String,
    pub work: &'static str,
    pub writes: bool,
    pub storage: Storage,
    pub is_ours: bool,
    pub idle_mib: f64,
}

pub fn render(lines: &[Line], results: &[Vec<Figures>], conditions: &str) -> String {
    let date = Utc::now().format("%Y-%m-%d");
    let table = table(lines, results);
    let aims = aims(lines, results);
    let mut report = format!(
        "# kommando beside what people would use instead\n\n{date}; {conditions}. Medians of the rounds; every server runs \
         alone in each round, one after the other. `benches/compare/run` measures this anew.\n\n\
         ![Requests per second](results.svg)\n\n{table}\n{aims}\nWhat each does for a request:\n\n"
    );
    for line in lines {
        // Writing to a String cannot fail.
        let _ = writeln!(report, "- **{}**: {}.", line.title, line.work);
    }
    report
}

fn table(lines: &[Line], results: &[Vec<Figures>]) -> String {
    let mut table = "| | requests/s | p50 ms | p99 ms | CPU µs a request | MiB idle → load | errors |\n\
                     |---|--:|--:|--:|--:|--:|--:|\n"
        .to_owned();
    for (line, rounds) in lines.iter().zip(results) {
        let database = median_of(rounds, |round| round.database_us.unwrap_or(0.0));
        let database = if database > 0.0 { format!(" + {database:.0}") } else { String::new() };
        let _ = writeln!(
            table,
            "| {} | {:.0} | {:.2} | {:.2} | {:.0}{database} | {:.0} → {:.0} | {} |",
            line.title,
            median_of(rounds, |round| round.requests_per_second),
            median_of(rounds, |round| round.p50_ms),
            median_of(rounds, |round| round.p99_ms),
            median_of(rounds, |round| round.processor_us),
            line.idle_mib,
            median_of(rounds, |round| round.resident_mib),
            rounds.iter().map(|round| round.errors).sum::<u64>(),
        );
    }
    table
}

/// Compares kommando with the floor, and its writes with Express on the same database, if that was measured.
fn aims(lines: &[Line], results: &[Vec<Figures>]) -> String {
    let mut text = String::new();
    for (line, rounds) in lines.iter().zip(results).filter(|(line, _)| line.is_ours) {
        let of_floor = 100.0 * ratio(rounds, &results[0]);
        let _ = write!(text, "- {}: {of_floor:.1} % of the floor", line.title);
        let is_peer = |peer: &Line| peer.title.starts_with("Express") && peer.writes && peer.storage == line.storage;
        if let Some(express) = lines.iter().position(is_peer).filter(|_| line.writes) {
            let times = ratio(rounds, &results[express]);
            let _ = write!(text, ", {times:.1} times Express on {}", line.storage.name());
        }
        text.push('\n');
    }
    text
}
