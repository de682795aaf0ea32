//! `kommando openapi`.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use include_dir::{Dir, File, include_dir};
use kommando::{api, commands::Catalog, localization::Locale};

use super::commands::ErrorsFound;

/// Configurations for the client generators, and README.md with the commands that generate each client.
static CLIENTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/openapi/clients");

#[derive(Args)]
pub struct Openapi {
    /// Print YAML instead of JSON
    #[arg(long)]
    yaml: bool,
    /// Print JSON bodies only and short operation names, for generators that need it
    #[arg(long)]
    plain: bool,
    /// Add an operation for each command that this folder defines
    #[arg(long, value_name = "FOLDER")]
    commands: Option<PathBuf>,
    /// Print the shell lines that generate a client: python, typescript-axios, java, csharp, go, …
    #[arg(long, value_name = "NAME", conflicts_with_all = ["yaml", "plain"])]
    client: Option<String>,
    /// Print the generator configuration that these lines use
    #[arg(long, value_name = "NAME", conflicts_with_all = ["yaml", "plain", "commands", "client"])]
    config: Option<String>,
}

impl Openapi {
    pub fn run(self) -> anyhow::Result<()> {
        super::say(self.text()?.trim_end())
    }

    fn text(self) -> anyhow::Result<String> {
        if let Some(name) = self.client {
            let lines = lines_of(&name)?;
            return Ok(match &self.commands {
                Some(folder) => with_commands(lines, folder),
                None => lines.to_owned(),
            });
        }
        if let Some(name) = self.config {
            return configuration_of(&name).map(str::to_owned);
        }
        let catalog = match &self.commands {
            Some(folder) => Catalog::from_folder(folder).map_err(|errors| ErrorsFound(errors.to_string()))?,
            None => Catalog::default(),
        };
        let document = match self.plain {
            true => api::for_simple_generators(api::add_commands(api::document(), &catalog, &Locale::english())),
            false => api::document_with_commands(&catalog, &Locale::english()),
        };
        Ok(if self.yaml { api::yaml(&document) } else { format!("{document:#}") })
    }
}

/// The shell commands that generate a client.
fn lines_of(name: &str) -> anyhow::Result<&'static str> {
    let readme =
        CLIENTS.get_file("README.md").and_then(File::contents_utf8).context("the README of clients is missing")?;
    let sections: Vec<_> = readme.split("\n## ").skip(1).filter_map(section).collect();
    match sections.iter().find(|(client, _)| *client == name) {
        Some((_, lines)) => Ok(lines),
        None => {
            let known: Vec<_> = sections.iter().map(|(client, _)| *client).collect();
            bail!("there is no client `{name}`; the clients are {}", known.join(", "))
        }
    }
}

/// The lines with the commands of a folder in the document.
fn with_commands(lines: &str, folder: &Path) -> String {
    let folder = folder.display().to_string().replace('\'', r"'\''");
    lines.lines().fold(String::new(), |all, line| {
        let is_document = line.starts_with("kommando openapi ") && !line.contains("--config");
        let line = if is_document { line.replace(" >", &format!(" --commands '{folder}' >")) } else { line.to_owned() };
        all + &line + "\n"
    })
}

/// Splits a section of the README into the name of the client and its shell commands.
fn section(section: &'static str) -> Option<(&'static str, &'static str)> {
    let (name, rest) = section.split_once('\n')?;
    let (_, lines) = rest.split_once("```sh\n")?;
    Some((name, lines.split_once("```")?.0))
}

fn configuration_of(name: &str) -> anyhow::Result<&'static str> {
    let is_it = |file: &&File<'_>| file.path().file_stem().is_some_and(|stem| stem == name) && !is_readme(file);
    match CLIENTS.files().find(is_it).and_then(File::contents_utf8) {
        Some(text) => Ok(text),
        None => {
            let files =
                CLIENTS.files().filter(|file| !is_readme(file)).filter_map(|file| file.path().file_stem()?.to_str());
            bail!("there is no configuration `{name}`; there are {}", files.collect::<Vec<_>>().join(", "))
        }
    }
}

fn is_readme(file: &File<'_>) -> bool {
    file.path().extension().is_some_and(|extension| extension == "md")
}
