//! Every setting stands in the code, in the help of `serve` and in docs/operating.md, with the same words.

use std::collections::BTreeSet;

use clap::Arg;
use kommando::config::{Config, SECRETS};

use crate::harness::kommando;

/// The names of variables in a text, without the bare prefix.
fn variables(text: &str) -> BTreeSet<String> {
    let words = text.split(|character: char| !(character.is_ascii_uppercase() || "_".contains(character)));
    let names = words.filter(|word| word.strip_prefix("KOMMANDO_").is_some_and(|rest| !rest.is_empty()));
    names.map(str::to_owned).collect()
}

fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operating.md")).expect("a page")
}

/// A meaning, and the default at its end if there is one: `… [default: none]`.
fn split_default(help: &str) -> (&str, Option<&str>) {
    let found = help.strip_suffix(']').and_then(|help| help.split_once(" [default: "));
    found.map_or((help, None), |(meaning, default)| (meaning, Some(default)))
}

/// The row of a setting in the table.
fn row(argument: &Arg) -> String {
    let help = argument.get_help().expect("a help").to_string();
    let (meaning, default) = split_default(&help);
    let defaults: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default = match (default, defaults.is_empty()) {
        (Some(default), _) => default.to_owned(),
        (None, true) => "`false`".to_owned(),
        (None, false) => format!("`{}`", defaults.join(",")),
    };
    let values: Vec<_> = argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let is_told = argument.get_action().takes_values() && values.iter().any(|value| !meaning.contains(value));
    let values = if is_told { format!(". One of `{}`", values.join("`, `")) } else { String::new() };
    let variable = argument.get_env().expect("a variable").to_string_lossy();
    format!("| `{variable}` | {default} | {meaning}{values} |")
}

#[test]
fn the_table_of_settings_is_that_of_the_code() {
    let command = <Config as clap::Args>::augment_args(clap::Command::new("kommando"));
    let secret = |(name, help): &(&str, &str)| {
        let (meaning, default) = split_default(help);
        format!("| `{name}` | {} | {meaning} |", default.unwrap_or("none"))
    };
    let expected: Vec<_> = command.get_arguments().map(row).chain(SECRETS.iter().map(secret)).collect();
    let page = page();
    let written: Vec<_> = page.lines().filter(|line| line.starts_with("| `KOMMANDO_")).collect();
    assert_eq!(written, expected, "docs/operating.md should have\n{}", expected.join("\n"));
}

#[test]
fn the_help_of_serve_names_every_setting_and_no_other() {
    let output = kommando().args(["serve", "--help"]).output().expect("help");
    assert_eq!(variables(&String::from_utf8(output.stdout).expect("text")), Config::variables());
}
