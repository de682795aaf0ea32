//! `kommando commands`.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail, ensure};
use clap::{Args, Subcommand};
use kommando::{
    app::{self, App},
    commands::{self, ActionResult, Catalog, Example, ExecuteRequest, Faults, SCHEMA_FILE},
    config::{Config, DEFAULT_COMMANDS},
    error::ErrorInfo,
    records::execution::Outcome,
    users::Caller,
    webhooks,
};
use sea_orm::ActiveEnum;

#[derive(Subcommand)]
pub enum Commands {
    /// Make a folder of definitions to begin with: those of the demo, with the JSON Schema for editors
    Init {
        /// The folder [default: that of --commands, or commands.d]
        folder: Option<PathBuf>,
    },
    /// List the definitions in a folder: name, who may run it, what must be confirmed, and the file
    List {
        /// The folder [default: that of --commands, or commands.d]
        folder: Option<PathBuf>,
    },
    /// Check the definitions in a folder: one line per fault on standard error, and exit status 1
    Check {
        /// The folder [default: that of --commands, or commands.d]
        folder: Option<PathBuf>,
    },
    /// List examples, those of the demo first, or print one, to begin a definition of your own with
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
        let request = ExecuteRequest {
            caller: Caller::of(&caller).with_context(|| format!("{} is deactivated and cannot call", self.caller))?,
            user_id: user.user.id,
            command_name: self.name,
            action_result: self.answer,
            idempotency_key: None,
            dry_run: self.dry_run,
            request_id: "command line".to_owned(),
            trace: None,
        };
        let report =
            app.commands.execute(request).await.map_err(|error| anyhow!("{}", ErrorInfo::from(&error).message))?;
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
            Self::Init { folder } => init(&folder_of(folder, config)),
            Self::List { folder } => list(&folder_of(folder, config)),
            Self::Check { folder } => check(&folder_of(folder, config), config),
            Self::Examples { name } => examples(name.as_deref()),
            Self::Schema => super::say(format_args!("{:#}", commands::schema())),
            Self::Run(run) => run.run(config).await,
        }
    }
}

fn folder_of(named: Option<PathBuf>, config: &Config) -> PathBuf {
    named.or_else(|| config.commands.clone()).unwrap_or_else(|| DEFAULT_COMMANDS.into())
}

fn examples(name: Option<&str>) -> anyhow::Result<()> {
    let Some(name) = name else {
        super::say("In force in the demo, and written by `kommando commands init`:")?;
        commands::demo_examples().try_for_each(say_example)?;
        super::say("\nMore:")?;
        return commands::further_examples().try_for_each(say_example);
    };
    let found = commands::demo_examples().chain(commands::further_examples()).find(|known| known.name == name);
    let example =
        found.with_context(|| format!("there is no example {name}; `kommando commands examples` lists them"))?;
    super::write(example.beside_schema())
}

fn say_example(example: Example) -> anyhow::Result<()> {
    super::say(format_args!("  {:<20} {}", example.name, example.summary()))
}

/// Nothing that is there is overwritten.
fn init(folder: &Path) -> anyhow::Result<()> {
    let place = folder.display();
    let is_empty = || fs::read_dir(folder).map(|mut entries| entries.next().is_none());
    ensure!(
        !folder.exists() || is_empty().with_context(|| format!("{place} cannot be read"))?,
        "{place} is there already, and is not empty; `kommando commands examples NAME` prints one definition to add to it"
    );
    fs::create_dir_all(folder).with_context(|| format!("{place} cannot be made"))?;
    write_new(&folder.join(SCHEMA_FILE), &format!("{:#}\n", commands::schema()))?;
    let mut names = Vec::new();
    for example in commands::demo_examples() {
        write_new(&folder.join(format!("{}.yaml", example.name)), &example.beside_schema())?;
        names.push(example.name);
    }
    super::say(format_args!(
        "{place}: {}, and {SCHEMA_FILE} for editors. Remove or change what you do not want; `kommando commands check` tells \
         whether it is right, and a server that runs takes it as it is saved.",
        names.join(", ")
    ))
}

fn write_new(file: &Path, text: &str) -> anyhow::Result<()> {
    let written = fs::File::create_new(file).and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("{} cannot be written", file.display()))
}

fn list(folder: &Path) -> anyhow::Result<()> {
    ensure!(
        folder.is_dir(),
        "there is no folder {}; `kommando commands init` makes one with definitions to begin with",
        folder.display()
    );
    let catalog = Catalog::from_folder(folder).map_err(found)?;
    let line = |name: &str, confirm: &str, roles: &str, text: &str| {
        super::say(format_args!("{name:<22} {confirm:<10} {roles:<42} {text}"))
    };
    line("name", "confirm", "may be run by", "what it is called, and its file")?;
    for entry in catalog.entries() {
        let definition = &entry.definition;
        let roles = definition.allow_roles.iter().filter(|role| !definition.deny_roles.contains(role));
        let roles = roles.map(String::as_str).collect::<Vec<_>>().join(", ");
        let roles = if roles.is_empty() { "nobody" } else { &roles };
        let text = format!("{} ({})", definition.display_name.english(), entry.file);
        line(definition.name.as_str(), definition.confirm.word(), roles, &text)?;
    }
    Ok(())
}

fn check(folder: &Path, config: &Config) -> anyhow::Result<()> {
    let catalog = Catalog::from_folder(folder).map_err(found)?;
    // Without a file of targets, nobody here knows which there are.
    if let Some(file) = &config.targets {
        let targets = webhooks::read(file)?;
        let known: Vec<_> = targets.keys().cloned().collect();
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
