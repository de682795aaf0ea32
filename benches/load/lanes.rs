//! Lanes: rows that are compared. Each runs once in every round, so that a slow minute of the machine affects all of
//! them.

use crate::{figures::Figures, rows::Row, servers::Server, wrk::Wrk};

/// A row that runs on a server.
pub struct Lane<'a> {
    pub name: String,
    pub row: &'a Row,
    pub server: &'a Server,
    /// Index of the lane that this lane is compared with.
    pub base: usize,
}

impl<'a> Lane<'a> {
    pub fn new(name: impl Into<String>, row: &'a Row, server: &'a Server, base: usize) -> Self {
        Self { name: name.into(), row, server, base }
    }
}

/// Runs the lanes. Returns the figures of each round for each lane.
pub async fn run(lanes: &[Lane<'_>], wrk: &Wrk<'_>, rounds: u32, seconds: u32) -> anyhow::Result<Vec<Vec<Figures>>> {
    for lane in lanes {
        eprintln!("warming up: {}", lane.name);
        wrk.warm_up(lane.row, lane.server).await?;
    }
    let mut results = vec![Vec::new(); lanes.len()];
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for (lane, results) in lanes.iter().zip(&mut results) {
            results.push(wrk.run(lane.row, lane.server, seconds).await?);
        }
    }
    Ok(results)
}
