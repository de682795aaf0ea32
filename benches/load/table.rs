//! The table of results.

use std::fmt::Write;

use crate::{
    figures::{Figures, median_of, ratio},
    lanes::Lane,
};

/// Renders a line for each lane: the medians of its rounds, and the sum of its errors. `of` names the base of the
/// ratios.
pub fn render(lanes: &[Lane], results: &[Vec<Figures>], of: &str) -> String {
    let width = lanes.iter().map(|lane| lane.name.chars().count()).max().unwrap_or_default() + 2;
    let mut table = format!(
        "\n{:<width$}{:>9}{:>12}{:>9}{:>9}{:>9}{:>8}{:>7}{:>8}   {}\n",
        "row", "req/s", of, "p50 ms", "p99 ms", "CPU µs", "DB µs", "MiB", "errors", "req/s of each round"
    );
    for (lane, rounds) in lanes.iter().zip(results) {
        let each: Vec<_> = rounds.iter().map(|round| format!("{:.0}", round.requests_per_second)).collect();
        let database = median_of(rounds, |round| round.database_us.unwrap_or(f64::NAN));
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "{:<width$}{:>9.0}{:>12.3}{:>9.2}{:>9.2}{:>9.1}{:>8}{:>7.0}{:>8}   {}",
            lane.name,
            median_of(rounds, |round| round.requests_per_second),
            ratio(rounds, &results[lane.base]),
            median_of(rounds, |round| round.p50_ms),
            median_of(rounds, |round| round.p99_ms),
            median_of(rounds, |round| round.processor_us),
            if database.is_nan() { "–".to_owned() } else { format!("{database:.0}") },
            median_of(rounds, |round| round.resident_mib),
            rounds.iter().map(|round| round.errors).sum::<u64>(),
            each.join(" "),
        );
    }
    table
}
