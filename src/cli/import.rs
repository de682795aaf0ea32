//! `kommando import`.

use std::{
    collections::{BTreeMap, HashMap},
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use kommando::{
    config::Config,
    store::Lock,
    users::{
        Caller, fold,
        import::{self, COLUMNS, Change, ImportError, Row, find_column},
    },
};
use serde_json::Value;

use super::commands::FaultsFound;

#[derive(Subcommand)]
pub enum Import {
    /// Make users that a file describes, all of them or none
    Users(Users),
}

#[derive(Args)]
#[command(after_help = columns())]
pub struct Users {
    /// A CSV file with a line of column names, or a JSON file with a list of objects
    file: PathBuf,
    /// Change the users whose Name is known already, instead of refusing them
    #[arg(long)]
    update: bool,
    /// Tell what would be done, and keep nothing
    #[arg(long)]
    dry_run: bool,
}

fn columns() -> String {
    let line = |column: &import::Column| format!("  {:<12} {}\n", column.name, column.meaning);
    format!(
        "Columns, or members of the objects:\n{}\nA column that is left out, and an empty cell, leave what is there. In \
         JSON, \"\" empties a text. Passwords\ndo not stand in such files: the command reset-password gives temporary \
         ones.\n",
        COLUMNS.each_ref().map(line).concat()
    )
}

/// Where a row stands in its file.
#[derive(Clone, Copy)]
enum Place {
    Line(u64),
    /// An element of a list, from 0, as a JSON pointer names it.
    Element(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, ":{line}"),
            Self::Element(index) => write!(f, "#/{index}"),
        }
    }
}

type Rows = Vec<(Place, Row)>;
/// What is wrong, with its place.
type Faults = Vec<(Place, String)>;

impl Import {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let Self::Users(users) = self;
        users.run(config).await
    }
}

impl Users {
    async fn run(self, config: &Config) -> anyhow::Result<()> {
        let (rows, mut faults) = self.read()?;
        faults.extend(twice(&rows));
        let store = super::open(config).await?;
        let (bar, caller) = (super::progress_bar(rows.len() as u64), Caller::operator());
        let provider = config.provider_names()?;
        let transaction = store.begin_alone(Lock::Standing).await?;
        import::prepare(&transaction).await?;
        let mut counts = HashMap::new();
        for (place, row) in &rows {
            match import::take(&transaction, &caller, provider, row, self.update).await {
                Ok(change) => *counts.entry(change).or_insert(0_u64) += 1,
                Err(ImportError::Faults(found)) => {
                    faults.extend(found.into_iter().map(|(column, reason)| (*place, format!("{column}: {reason}"))));
                }
                Err(ImportError::Database(error)) => return Err(error).context("nothing was imported"),
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        if !faults.is_empty() {
            let file = self.file.display();
            let lines = faults.iter().map(|(place, fault)| format!("{file}{place}: {fault}\n"));
            return Err(FaultsFound(format!("{}nothing was imported", lines.collect::<String>())).into());
        }
        if self.dry_run {
            transaction.rollback().await?;
        } else {
            transaction.commit().await?;
        }
        store.close().await?;
        let count = |change| counts.get(&change).copied().unwrap_or_default();
        let (made, changed, same) = (count(Change::Made), count(Change::Changed), count(Change::Same));
        let kept = if self.dry_run { "; a dry run, nothing was kept" } else { "" };
        super::say(format_args!("{made} made, {changed} changed, {same} as they were{kept}"))
    }

    fn read(&self) -> anyhow::Result<(Rows, Faults)> {
        let name = self.file.display();
        let bytes = fs::read(&self.file).with_context(|| format!("{name} cannot be read"))?;
        let text = String::from_utf8(bytes)
            .ok()
            .with_context(|| format!("{name} is no text in UTF-8; in a spreadsheet, save it as \"CSV UTF-8\""))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        match self.file.extension().and_then(|extension| extension.to_str()) {
            Some("csv") => read_csv(&self.file, text),
            Some("json") => read_json(text).with_context(|| format!("{name} is not what is wanted")),
            _ => bail!("{name} ends neither with .csv nor with .json, so its form is not known"),
        }
    }
}

/// Names that stand in the file more than once: of two rows for one user, the second would undo the first.
fn twice(rows: &Rows) -> Faults {
    let mut first = HashMap::new();
    let mut faults = Faults::new();
    for (place, row) in rows {
        let Some(name) = row.get("name") else { continue };
        if let Some(before) = first.insert(fold(name), *place) {
            faults.push((*place, format!("name: `{name}` stands at {before} already")));
        }
    }
    faults
}

fn read_csv(file: &Path, text: &str) -> anyhow::Result<(Rows, Faults)> {
    let head = text.lines().next().unwrap_or_default();
    // Where the comma is the decimal sign, spreadsheets write semicolons; what was copied out of one has tabs.
    let delimiter = [b',', b';', b'\t'].into_iter().find(|sign| head.as_bytes().contains(sign)).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut columns = Vec::new();
    for header in reader.headers()? {
        let column = find_column(header).map(|column| column.name).with_context(|| {
            let known = COLUMNS.each_ref().map(|column| column.name).join(", ");
            format!("{}:1: there is no column `{header}`; there are {known}", file.display())
        })?;
        ensure!(!columns.contains(&column), "{}:1: the column {column} stands there twice", file.display());
        columns.push(column);
    }
    ensure!(
        columns.contains(&import::NAME),
        "{}:1: the first line names the columns, and the column {} is not among them",
        file.display(),
        import::NAME
    );
    let (mut rows, mut faults) = (Rows::new(), Faults::new());
    for record in reader.records() {
        match record {
            Ok(record) => {
                let cells = columns.iter().copied().zip(record.iter().map(str::to_owned));
                let place = place(text, record.position());
                rows.push((place, cells.filter(|(_, cell)| !cell.is_empty()).collect()));
            }
            Err(error) => faults.push(fault_of_csv(text, &error)),
        }
    }
    Ok((rows, faults))
}

/// Where a record begins, behind empty lines and the end of the one before.
fn place(text: &str, position: Option<&csv::Position>) -> Place {
    let Some(position) = position else { return Place::Line(0) };
    let rest = usize::try_from(position.byte()).ok().and_then(|byte| text.get(byte..)).unwrap_or_default();
    let skipped = &rest[..rest.len() - rest.trim_start_matches(['\r', '\n']).len()];
    Place::Line(position.line() + skipped.matches('\n').count() as u64)
}

fn fault_of_csv(text: &str, error: &csv::Error) -> (Place, String) {
    let reason = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} cells, and the first line has {expected_len}")
        }
        _ => error.to_string(),
    };
    (place(text, error.position()), reason)
}

fn read_json(text: &str) -> anyhow::Result<(Rows, Faults)> {
    let list: Vec<BTreeMap<String, Value>> =
        serde_json::from_str(text).context("it is to be a list of objects, one for each user")?;
    let (mut rows, mut faults) = (Rows::new(), Faults::new());
    for (index, members) in list.into_iter().enumerate() {
        let place = Place::Element(index);
        let mut row = Row::new();
        for (name, value) in members {
            match (find_column(&name), cell(&value)) {
                (Some(_), Some(None)) => {}
                (Some(column), Some(Some(text))) => drop(row.insert(column.name, text)),
                (None, _) => faults.push((place, format!("{name}: there is no such member"))),
                (_, None) => faults.push((place, format!("{name}: `{value}` is no text, number, true or false"))),
            }
        }
        rows.push((place, row));
    }
    Ok((rows, faults))
}

/// A value as a cell of a table; nothing for null, which says nothing.
fn cell(value: &Value) -> Option<Option<String>> {
    Some(match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(items) => {
            let texts: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
            Some(texts?.join(";"))
        }
        Value::Object(_) => return None,
    })
}
