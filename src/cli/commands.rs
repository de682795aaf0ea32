//! `kommando commands`.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use kommando::{
    app::{self, App},
    commands::{self, ActionResult, Attempt, Catalog, Faults},
    config::{Config, DEFAULT_COMMANDS},
    error::ErrorInfo,
    records::execution::Outcome,
    users::Caller,
    webhooks,
};
use sea_orm::ActiveEnum;

#[derive(Subcommand)]
pub enum Commands {
    /// Check the definitions in a folder: one line per fault on standard error, and exit status 1
    Check {
        /// The folder [default: that of --commands, or commands.d]
        folder: Option<PathBuf>,
    },
    /// List further examples, or print one, to begin a definition of your own with
    Examples {
        /// Which one
        name: Option<String>,
    },
    /// Print the JSON Schema of a definition, for editors
    Schema,
    /// Run a command on a user, permitted and recorded as over HTTP
    Run(Run),
}

#[derive(Args)]
pub struct Run {
    /// The command's name
    name: String,
    /// The user to run it on: Name or UserName
    #[arg(long, value_name = "NAME")]
    user: String,
    /// The user who runs it, whose role decides whether that is permitted
    #[arg(long = "as", value_name = "NAME")]
    caller: String,
    /// The answer to the command's question: Yes, Ok, No or Cancel
    #[arg(long, default_value = "Implicit")]
    answer: ActionResult,
    /// Run it and keep nothing: neither effect nor record
    #[arg(long)]
    dry_run: bool,
}

impl Run {
    async fn run(self, config: &Config) -> anyhow::Result<()> {
        super::must_exist(config)?;
        let folder = app::commands_folder(config.commands.as_deref(), false);
        let app = App::build(config, app::load_commands(folder.as_deref(), false)?).await?;
        let caller = super::find_user(app.store.reader(), &self.caller).await?;
        let user = super::find_user(app.store.reader(), &self.user).await?;
        let attempt = Attempt {
            caller: Caller::of(&caller).with_context(|| format!("{} is deactivated and cannot call", self.caller))?,
            user_id: user.user.id,
            command_name: self.name,
            answer: self.answer,
            idempotency_key: None,
            dry_run: self.dry_run,
            request_id: "command line".to_owned(),
            trace: None,
        };
        let report = app.commands.run(attempt).await.map_err(|error| anyhow!("{}", ErrorInfo::from(&error).message))?;
        app.store.close().await?;
        let outcome = report.outcome.to_value();
        let kept = if self.dry_run { " (a dry run, nothing was kept)" } else { "" };
        super::say(format_args!("{outcome}{kept}: {}", report.message.english()))?;
        match report.outcome {
            Outcome::Asked => bail!("nothing has run; answer the question with --answer Yes, Ok, No or Cancel"),
            Outcome::Succeeded | Outcome::Declined => Ok(()),
            _ => bail!("the command failed, and its effect was undone"),
        }
    }
}

impl Commands {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        match self {
            Self::Check { folder } => check(folder, config),
            Self::Examples { name } => examples(name.as_deref()),
            Self::Schema => super::say(format_args!("{:#}", commands::schema())),
            Self::Run(run) => run.run(config).await,
        }
    }
}

/// What an example says of itself stands in its second line.
fn examples(name: Option<&str>) -> anyhow::Result<()> {
    let Some(name) = name else {
        return commands::cookbook().try_for_each(|(name, text)| {
            let about = text.lines().nth(1).unwrap_or_default().trim_start_matches("# ");
            super::say(format_args!("{name:<22} {about}"))
        });
    };
    let found = commands::cookbook().find(|(known, _)| *known == name);
    let (_, text) =
        found.with_context(|| format!("there is no example {name}; `kommando commands examples` lists them"))?;
    // Beside a definition of one's own, there is no folder of ours.
    super::write(text.replacen("../../openapi/", "", 1))
}

fn check(folder: Option<PathBuf>, config: &Config) -> anyhow::Result<()> {
    let folder = folder.or_else(|| config.commands.clone()).unwrap_or_else(|| DEFAULT_COMMANDS.into());
    let catalog = Catalog::from_folder(&folder).map_err(found)?;
    // Without a file of targets, nobody here knows which there are.
    if let Some(file) = &config.targets {
        let targets = webhooks::read(file)?;
        let known: Vec<_> = targets.keys().map(String::as_str).collect();
        catalog.check_targets(&known).map_err(found)?;
    }
    let (place, count) = (folder.display(), catalog.entries().len());
    let nobodys: Vec<_> = catalog.entries().iter().filter(|entry| entry.definition.allow_roles.is_empty()).collect();
    for entry in &nobodys {
        eprintln!("{}: warning: nobody may run it; name roles in `allow_roles`", entry.file);
    }
    if count == 0 {
        eprintln!("{place}: warning: there are no definitions, which are files that end with .yaml or .yml");
    }
    let verdict = if nobodys.is_empty() && count > 0 { "nothing wrong" } else { "no faults, see the warnings" };
    super::say(format_args!("{place}: {verdict}; definitions: {count}"))
}

fn found(faults: Faults) -> FaultsFound {
    FaultsFound(faults.to_string())
}

/// The lines of the faults, and nothing before them.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FaultsFound(pub String);
