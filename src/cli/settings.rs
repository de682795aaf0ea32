//! Which settings the help of a subcommand shows. Every subcommand takes all of them; only `serve` lists them all.

use clap::{Arg, Args, Command};
use kommando::config::{Config, SECRETS};

/// The subcommands and the settings that their help shows: those that change what the subcommand does.
const SHOWN: [(&str, &[&str]); 13] = [
    ("app", &["database_url"]),
    ("audit", &["database_url"]),
    ("backup", &["database_url"]),
    ("commands", &["commands", "database_url", "targets"]),
    ("executions", &["database_url"]),
    ("group", &["database_url"]),
    ("healthcheck", &["listen"]),
    ("import", &["database_url"]),
    ("migrate", &["database_url"]),
    ("restore", &["database_url"]),
    ("role", &["database_url"]),
    ("ticket", &["database_url"]),
    ("user", &["database_url", "password_min_length"]),
];

/// The subcommand that shows all of them.
const SERVE: &str = "serve";

/// Hides the settings from the help of subcommands that do not need them. Their flags and variables stay.
pub fn hide_unused(command: Command) -> Command {
    let settings: Vec<Arg> = Config::augment_args(Command::new("settings")).get_arguments().cloned().collect();
    let shown = |ids: Option<&[&str]>| {
        let is_shown = |setting: &&Arg| ids.is_none_or(|ids| ids.contains(&setting.get_id().as_str()));
        settings.iter().filter(is_shown).cloned().collect::<Vec<_>>()
    };
    let is_setting = |argument: &Arg| settings.iter().any(|setting| setting.get_id() == argument.get_id());
    let command = command.mut_args(|argument| if is_setting(&argument) { argument.hide(true) } else { argument });
    // A visible setting is added to the subcommand itself; there it takes the place of the hidden global setting.
    let command = command.mut_subcommand(SERVE, |serve| serve.args(shown(None)).after_help(secrets()));
    SHOWN.into_iter().fold(command, |command, (name, ids)| {
        command.mut_subcommand(name, |subcommand| subcommand.args(shown(Some(ids))))
    })
}

fn secrets() -> String {
    let secrets = SECRETS.map(|(name, meaning)| format!("  {name}, or {name}_FILE for a file\n      {meaning}\n"));
    format!("Secrets, only as variables:\n{}", secrets.concat())
}
