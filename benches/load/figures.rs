//! The figures of a run, and their medians.

/// The results of one run of a row.
#[derive(Clone, Copy)]
pub struct Figures {
    pub requests_per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// The server's processor time per request, in microseconds.
    pub processor_us: f64,
    /// The processor time of the database's processes per request, in microseconds; `None` if the database runs in the
    /// server's process.
    pub database_us: Option<f64>,
    /// The server's resident memory at the end.
    pub resident_mib: f64,
    pub errors: u64,
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
