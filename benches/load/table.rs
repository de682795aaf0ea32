//! The table that is printed.

use std::fmt::Write;

/// What one run of a row came to.
#[derive(Clone, Copy)]
pub struct Figures {
    pub requests_per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// The server's processor time for one request, in microseconds.
    pub processor_us: f64,
    pub errors: u64,
}

/// A line for each row: the medians of its rounds, the sum of its errors. The first row is the floor.
pub fn render(names: &[&str], results: &[Vec<Figures>]) -> String {
    let mut table = format!(
        "\n{:<10}{:>9}{:>10}{:>9}{:>9}{:>9}{:>8}   {}\n",
        "row", "req/s", "of floor", "p50 ms", "p99 ms", "CPU µs", "errors", "req/s of each round"
    );
    let floor: &[Figures] = results.first().map_or(&[], Vec::as_slice);
    for (name, rounds) in names.iter().zip(results) {
        let of = |figure: fn(&Figures) -> f64| median(rounds.iter().map(figure).collect());
        let each: Vec<_> = rounds.iter().map(|round| format!("{:.0}", round.requests_per_second)).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "{name:<10}{:>9.0}{:>10.3}{:>9.2}{:>9.2}{:>9.1}{:>8}   {}",
            of(|round| round.requests_per_second),
            ratio(rounds, floor),
            of(|round| round.p50_ms),
            of(|round| round.p99_ms),
            of(|round| round.processor_us),
            rounds.iter().map(|round| round.errors).sum::<u64>(),
            each.join(" "),
        );
    }
    table
}

/// How many requests a row answers for one of another row, in the median of their rounds.
pub fn ratio(rounds: &[Figures], others: &[Figures]) -> f64 {
    let of = |(own, other): (&Figures, &Figures)| own.requests_per_second / other.requests_per_second;
    median(rounds.iter().zip(others).map(of).collect())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len().is_multiple_of(2) { (numbers[middle - 1] + numbers[middle]) / 2.0 } else { numbers[middle] }
}
