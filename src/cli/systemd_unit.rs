//! `kommando systemd-unit`.

use anyhow::Context;
use clap::Args;

const UNIT: &str = include_str!("kommando.service");
/// The path of the program in the unit.
const PROGRAM: &str = "/usr/local/bin/kommando";

/// For example: kommando systemd-unit > /etc/systemd/system/kommando.service. See `kommando help systemd`.
#[derive(Args)]
pub struct SystemdUnit {}

impl SystemdUnit {
    /// Prints the unit with the path of this program.
    pub fn run(self) -> anyhow::Result<()> {
        let program = std::env::current_exe().context("failed to find the path of this program")?;
        super::write(UNIT.replace(PROGRAM, &program.display().to_string()))
    }
}
