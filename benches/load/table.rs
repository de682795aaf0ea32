//! The table of results, and medians.

use std::fmt::Write;

use crate::lanes::Lane;

/// The results of one run of a row.
#[derive(Clone, Copy)]
pub struct Figures {
    pub requests_per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// The server's processor time per request, in microseconds.
    pub processor_us: f64,
    /// The processor time of the database's processes per request, in microseconds, if it has its own.
    pub database_us: Option<f64>,
    /// The server's resident memory at the end.
    pub resident_mib: f64,
    pub errors: u64,
}

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

/// The median of the ratios of requests per second, round by round.
pub fn ratio(rounds: &[Figures], others: &[Figures]) -> f64 {
    let of = |(one, other): (&Figures, &Figures)| one.requests_per_second / other.requests_per_second;
    median(rounds.iter().zip(others).map(of).collect())
}

/// The median of a figure over the rounds.
pub fn median_of(rounds: &[Figures], figure: impl Fn(&Figures) -> f64) -> f64 {
    median(rounds.iter().map(figure).collect())
}

pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() {
        0 => f64::NAN,
        even if even.is_multiple_of(2) => (numbers[middle - 1] + numbers[middle]) / 2.0,
        _ => numbers[middle],
    }
}

/// The percentile of the numbers; `part` is from 0 to 1.
pub fn percentile(mut numbers: Vec<f64>, part: f64) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let rank = (numbers.len() as f64 * part).ceil() as usize;
    numbers.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}
