//! Every setting stands in the code, in `--help` and in the README, and nowhere else.

use std::collections::BTreeSet;

use kommando::config::Config;

use crate::harness::kommando;

/// Names of variables in a text; the prefix alone is none, and a secret's file belongs to the secret.
fn variables(text: &str) -> BTreeSet<String> {
    let words = text.split(|character: char| !(character.is_ascii_uppercase() || "_".contains(character)));
    let names = words.filter(|word| word.strip_prefix("KOMMANDO_").is_some_and(|rest| !rest.is_empty()));
    names.filter(|name| !name.ends_with("_FILE")).map(str::to_owned).collect()
}

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("the README")
}

fn help() -> String {
    let output = kommando().args(["serve", "--help"]).output().expect("help");
    let top = kommando().arg("--help").output().expect("help");
    String::from_utf8([output.stdout, top.stdout].concat()).expect("text")
}

#[test]
fn the_readme_names_every_setting_and_no_other() {
    assert_eq!(variables(&readme()), Config::variables());
}

#[test]
fn the_help_names_every_setting_and_no_other() {
    assert_eq!(variables(&help()), Config::variables());
}

#[test]
fn the_readme_tells_the_defaults_that_the_code_has() {
    let readme = readme();
    let command = <Config as clap::Args>::augment_args(clap::Command::new("kommando"));
    for argument in command.get_arguments() {
        let variable = argument.get_env().expect("a variable").to_string_lossy();
        let row = readme.lines().find(|line| line.starts_with(&format!("| `{variable}`"))).expect("a row of the table");
        for default in argument.get_default_values() {
            assert!(row.contains(&*default.to_string_lossy()), "{row}: the default is {default:?}");
        }
    }
}
