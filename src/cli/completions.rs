//! `kommando completions`.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

/// For example: kommando completions bash > /etc/bash_completion.d/kommando
#[derive(Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints what the shell reads, for this command line.
    pub fn run(self, mut command: Command) -> anyhow::Result<()> {
        let mut script = Vec::new();
        generate(self.shell, &mut command, "kommando", &mut script);
        super::say(String::from_utf8_lossy(&script).trim_end())
    }
}
