//! `kommando openapi`.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::{Args, builder::PossibleValuesParser};
use include_dir::{Dir, File, include_dir};
use kommando::{api, commands::Catalog, localization::Locale};
use poem::http::Uri;
use serde_json::Value;

use super::commands::ErrorsFound;

/// Configurations for the client generators, and README.md with the commands that generate each client.
static CLIENTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/openapi/clients");

/// The flags that choose a form of the document.
const FORMS: [&str; 7] = ["yaml", "plain", "version_3_1", "server", "auth", "tags", "no_shared_headers"];

#[derive(Args)]
pub struct Openapi {
    /// Print YAML instead of JSON
    #[arg(long)]
    yaml: bool,
    /// Print JSON bodies only and short operation names, for generators that need it
    #[arg(long)]
    plain: bool,
    /// Print OpenAPI 3.1, in which null is a type, instead of 3.0
    #[arg(long = "3.1")]
    version_3_1: bool,
    /// URL of the server, such as http://127.0.0.1:8080, for tools that need an absolute one
    #[arg(long, value_name = "URL", value_parser = server_url)]
    server: Option<String>,
    /// Only one way to authenticate, for tools that take the first one
    #[arg(long, value_name = "WAY", value_parser = PossibleValuesParser::new(api::SCHEMES.map(|(way, _)| way)))]
    auth: Option<String>,
    /// Only the operations of this tag, such as User; several times for several tags
    #[arg(long = "tag", value_name = "NAME")]
    tags: Vec<String>,
    /// Leave out the headers that every operation takes, such as SO-Language
    #[arg(long)]
    no_shared_headers: bool,
    /// Add an operation for each command that this folder defines
    #[arg(long, value_name = "FOLDER")]
    commands: Option<PathBuf>,
    /// Print the shell lines that generate a client: python, typescript-axios, java, csharp, postman, …
    #[arg(long, value_name = "NAME", conflicts_with_all = FORMS)]
    client: Option<String>,
    /// Print the generator configuration that these lines use
    #[arg(long, value_name = "NAME", conflicts_with_all = FORMS, conflicts_with_all = ["commands", "client"])]
    client_config: Option<String>,
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
        if let Some(name) = self.client_config {
            return configuration_of(&name).map(str::to_owned);
        }
        let catalog = match &self.commands {
            Some(folder) => Catalog::from_folder(folder).map_err(|errors| ErrorsFound(errors.to_string()))?,
            None => Catalog::default(),
        };
        let document = self.form(api::add_commands(api::document(), &catalog, &Locale::english()))?;
        Ok(if self.yaml { api::yaml(&document) } else { format!("{document:#}") })
    }

    /// The form of the document that the flags ask for.
    fn form(&self, mut document: Value) -> anyhow::Result<Value> {
        if !self.tags.is_empty() {
            document = api::with_tags(document, &self.tags).map_err(|error| anyhow!(error))?;
        }
        if self.no_shared_headers {
            document = api::without_shared_headers(document);
        }
        if let Some((_, schemes)) = api::SCHEMES.iter().find(|(way, _)| self.auth.as_deref() == Some(way)) {
            document = api::with_schemes(document, schemes);
        }
        if let Some(url) = &self.server {
            document = api::with_server(document, url);
        }
        document = if self.plain { api::for_simple_generators(document) } else { api::share(document) };
        Ok(if self.version_3_1 { api::version_3_1(document) } else { document })
    }
}

fn server_url(text: &str) -> Result<String, String> {
    let is_absolute = text.parse::<Uri>().is_ok_and(|url| url.host().is_some() && url.query().is_none());
    let has_scheme = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    match is_absolute && has_scheme {
        true => Ok(text.to_owned()),
        false => Err("it takes an absolute URL, such as https://kommando.example.com".to_owned()),
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
        let is_document = line.starts_with("kommando openapi ") && !line.contains("--client-config");
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
