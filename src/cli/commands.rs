//! `kommando commands`.

use std::{
    fs,
    io::{self, IsTerminal, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail, ensure};
use clap::{Args, Subcommand};
use kommando::{
    app::{self, App},
    commands::{
        self, ActionResult, Catalog, ConfirmBinding, DefinitionErrors, Example, ExecuteRequest, SCHEMA_FILE,
        inputs::{GivenInputs, Place},
    },
    config::{Config, DEFAULT_COMMANDS},
    error::Error,
    executions::{audit::Way, execution::Outcome},
    nearest::suggestion,
    users::Caller,
    webhooks,
};
use sea_orm::ActiveEnum;

use super::operator;

#[derive(Subcommand)]
pub enum Commands {
    /// Create a folder with the definitions of the demo and the JSON Schema for editors
    Init {
        /// Folder of definitions [default: that of --commands, or commands.d]
        folder: Option<PathBuf>,
    },
    /// List the definitions in a folder: name, confirmation, roles, display name and file
    List {
        /// Folder of definitions [default: that of --commands, or commands.d]
        folder: Option<PathBuf>,
    },
    /// Check the definitions in a folder: print one line for each error, and exit with status 1 if there are any
    Check {
        /// Folder of definitions [default: that of --commands, or commands.d]
        folder: Option<PathBuf>,
    },
    /// List the shipped examples, or print one
    Examples {
        /// Name of the example to print
        name: Option<String>,
    },
    /// Print the JSON Schema of definitions, for editors
    Schema,
    /// Run a command on a user, with the same permissions and record as over HTTP
    Run(Run),
}

#[derive(Args)]
pub struct Run {
    /// Name of the command
    name: String,
    /// Name or UserName of the user to run it on
    #[arg(long, value_name = "NAME")]
    user: String,
    /// Name or UserName of the caller; the caller's role decides whether the run is permitted
    #[arg(long = "as", value_name = "NAME")]
    caller: String,
    /// Input of the command (repeatable)
    #[arg(long = "input", value_name = "NAME=VALUE")]
    inputs: Vec<String>,
    /// Name of an input of the type secret: asked for on a terminal, else read from standard input
    #[arg(long, value_name = "NAME")]
    secret_stdin: Option<String>,
    /// Answer to the question of the command: Yes, Ok, No or Cancel
    #[arg(long, default_value = "Implicit")]
    answer: ActionResult,
    /// Token of the question, for a command with `confirm_binding: required`; printed with the question
    #[arg(long, value_name = "TOKEN")]
    confirmation: Option<String>,
    /// Show the result without changing anything
    #[arg(long)]
    dry_run: bool,
}

impl Run {
    async fn run(self, config: &Config) -> anyhow::Result<()> {
        super::must_exist(config)?;
        let folder = app::commands_folder(config.commands.as_deref(), false);
        let app = App::build(config, app::load_commands(folder.as_deref(), false)?).await?;
        let caller = super::find_user(app.store.reader(), &self.caller).await?;
        let caller = Caller::of(&caller).with_context(|| format!("{} is retired and cannot call", self.caller))?;
        let caller = caller.with_source(operator::source(Way::CommandLine));
        let user = super::find_user(app.store.reader(), &self.user).await?;
        let mut inputs = GivenInputs::default();
        inputs.add_texts(self.inputs, Place::CommandLine).map_err(|error| anyhow!("{}", error.message()))?;
        if let Some(name) = self.secret_stdin {
            let mut secret = String::new();
            if io::stdin().is_terminal() {
                secret = rpassword::prompt_password(format!("{name}: "))?;
            } else {
                io::stdin().read_to_string(&mut secret).context("failed to read standard input")?;
            }
            let text = format!("{name}={}", secret.trim_end_matches(['\r', '\n']));
            inputs.add_texts([text], Place::Body).map_err(|error| anyhow!("{}", error.message()))?;
        }
        let catalog = app.commands.catalog();
        let is_bound = catalog
            .find(&self.name)
            .is_some_and(|command| command.definition.confirm_binding == ConfirmBinding::Required);
        let request = ExecuteRequest {
            caller,
            user_id: user.user.id,
            command_name: self.name,
            action_result: self.answer,
            inputs,
            confirmation: self.confirmation,
            idempotency_key: None,
            dry_run: self.dry_run,
            trace: None,
        };
        let names = catalog.entries().iter().map(|entry| entry.definition.name.as_str());
        let report = app.commands.execute(request).await.map_err(|error| explain(error, names))?;
        app.store.close().await?;
        let outcome = report.outcome.to_value();
        let note = if self.dry_run { " (dry run: nothing was changed)" } else { "" };
        super::say(format_args!("{outcome}{note}: {}", report.message.english()))?;
        match report.outcome {
            Outcome::Asked => {
                let token =
                    report.confirmation.filter(|_| is_bound).map(|token| format!(", and with --confirmation {token}"));
                let token = token.unwrap_or_default();
                bail!("the command has not run; answer its question with --answer Yes, Ok, No or Cancel{token}")
            }
            Outcome::Succeeded | Outcome::Declined => Ok(()),
            _ => bail!("the command failed; nothing was changed"),
        }
    }
}

/// The error in words of the command line. `names` are the commands that exist.
fn explain<'a>(error: Error, names: impl IntoIterator<Item = &'a str>) -> anyhow::Error {
    let text = match error {
        Error::NoSuchCommand(name) => {
            let suggested = suggestion(&name, names);
            format!("there is no command `{}`; `kommando commands list` lists them{suggested}", name.escape_debug())
        }
        Error::InvalidInputs(sentences) => {
            format!("{sentences} Give inputs with --input NAME=VALUE, and a secret with --secret-stdin NAME")
        }
        Error::ConfirmationMissing | Error::ConfirmationMismatch { asks: true } => {
            "the answer needs the token of this question: run the command without --answer, and then with --answer and the \
             --confirmation that was printed"
                .to_owned()
        }
        Error::ConfirmationMismatch { asks: false } => {
            "this command asks no question now; leave out --confirmation".to_owned()
        }
        error => error.message(),
    };
    anyhow!(text)
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
        super::say("Used by the demo, and written by `kommando commands init`:")?;
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

/// Writes the demo's definitions and the JSON Schema into a new or empty folder.
fn init(folder: &Path) -> anyhow::Result<()> {
    let name = folder.display();
    let is_empty = || fs::read_dir(folder).map(|mut entries| entries.next().is_none());
    ensure!(
        !folder.exists() || is_empty().with_context(|| format!("failed to read {name}"))?,
        "{name} already exists and is not empty; to add a definition to it, print one with `kommando commands examples \
         NAME`"
    );
    fs::create_dir_all(folder).with_context(|| format!("failed to create {name}"))?;
    write_new(&folder.join(SCHEMA_FILE), &format!("{:#}\n", commands::schema()))?;
    let mut names = Vec::new();
    for example in commands::demo_examples() {
        write_new(&folder.join(format!("{}.yaml", example.name)), &example.beside_schema())?;
        names.push(example.name);
    }
    super::say(format_args!(
        "{name}: {}, and {SCHEMA_FILE} for editors. Change or remove the definitions as you like, and check them with \
         `kommando commands check`. `kommando serve --commands {name}`, with --demo or without it, serves them, and reads \
         them again when you save.",
        names.join(", ")
    ))
}

fn write_new(file: &Path, text: &str) -> anyhow::Result<()> {
    let written = fs::File::create_new(file).and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("failed to write {}", file.display()))
}

fn list(folder: &Path) -> anyhow::Result<()> {
    ensure!(
        folder.is_dir(),
        "there is no folder {}; create it, with example definitions, by `kommando commands init`",
        folder.display()
    );
    let catalog = Catalog::from_folder(folder).map_err(found)?;
    let line = |name: &str, confirm: &str, roles: &str, text: &str| {
        super::say(format_args!("{name:<22} {confirm:<10} {roles:<42} {text}"))
    };
    line("name", "confirm", "may be run by", "display name (file)")?;
    for entry in catalog.entries() {
        let definition = &entry.definition;
        let roles = definition.allow_roles.iter().filter(|role| !definition.deny_roles.contains(role));
        let roles = roles.map(String::as_str).collect::<Vec<_>>().join(", ");
        let roles = if roles.is_empty() { "no role" } else { &roles };
        let text = format!("{} ({})", definition.display_name.english(), entry.file);
        line(definition.name.as_str(), definition.confirm.word(), roles, &text)?;
    }
    Ok(())
}

fn check(folder: &Path, config: &Config) -> anyhow::Result<()> {
    let catalog = Catalog::from_folder(folder).map_err(found)?;
    // Without a targets file, the targets are unknown and are not checked.
    if let Some(file) = &config.targets {
        let targets = webhooks::read(file)?;
        let known: Vec<_> = targets.keys().cloned().collect();
        catalog.check_targets(&known).map_err(found)?;
    }
    let (name, count) = (folder.display(), catalog.entries().len());
    let without_roles: Vec<_> =
        catalog.entries().iter().filter(|entry| entry.definition.allow_roles.is_empty()).collect();
    for entry in &without_roles {
        eprintln!("{}: warning: no role may run this command; name roles in `allow_roles`", entry.file);
    }
    if count == 0 {
        eprintln!("{name}: warning: there are no definitions (files with the extension .yaml or .yml)");
    }
    let verdict = if without_roles.is_empty() && count > 0 { "nothing wrong" } else { "no errors, but warnings" };
    super::say(format_args!("{name}: {verdict}; definitions: {count}"))?;
    super::say(
        "The names of roles and groups were not checked; `kommando config check` compares them with the database.",
    )
}

fn found(errors: DefinitionErrors) -> ErrorsFound {
    ErrorsFound(errors.to_string())
}

/// An error that is printed as its lines alone, without a prefix.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ErrorsFound(pub String);
