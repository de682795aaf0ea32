//! `kommando systemd-unit`.

use anyhow::Context;
use clap::Args;

const UNIT: &str = include_str!("kommando.service");
/// Where the unit says that the program is.
const PROGRAM: &str = "/usr/local/bin/kommando";

/// For example: kommando systemd-unit > /etc/systemd/system/kommando.service. `kommando help systemd` tells the rest.
#[derive(Args)]
pub struct SystemdUnit {}

impl SystemdUnit {
    /// The unit, for the program as it is called now.
    pub fn run(self) -> anyhow::Result<()> {
        let program = std::env::current_exe().context("the path of this program is not known")?;
        super::write(UNIT.replace(PROGRAM, &program.display().to_string()))
    }
}
