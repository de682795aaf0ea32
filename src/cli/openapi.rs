//! `kommando openapi`.

use clap::Args;
use kommando::api;

#[derive(Args)]
pub struct Openapi {
    /// Print YAML instead of JSON
    #[arg(long)]
    yaml: bool,
}

impl Openapi {
    pub fn run(self) -> anyhow::Result<()> {
        let document = api::document();
        let text = if self.yaml { api::yaml(&document) } else { format!("{document:#}") };
        super::say(text.trim_end())
    }
}
