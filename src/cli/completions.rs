//! `kommando completions`.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

/// For example: kommando completions bash > /etc/bash_completion.d/kommando
#[derive(Args)]
pub struct Completions {
    /// Shell to complete for
    shell: Shell,
}

impl Completions {
    /// Prints the completion script.
    pub fn run(self, mut command: Command) -> anyhow::Result<()> {
        let mut script = Vec::new();
        generate(self.shell, &mut command, "kommando", &mut script);
        super::say(String::from_utf8_lossy(&script).trim_end())
    }
}
