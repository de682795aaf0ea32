//! `kommando import`.

mod csv_file;
mod json_file;
mod row_errors;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use kommando::{
    config::Config,
    executions::audit::{Actor, AuditLog, Way},
    store::{Lock, Touched, WriteTransaction},
    users::{
        ProviderNames, fold,
        import::{self, COLUMNS, ImportError, NAME, Row, RowOutcome},
    },
};
use sea_orm::DbErr;

use self::row_errors::{RowError, RowErrors, RowPosition};
use super::{commands::ErrorsFound, operator};

/// The number of changes that are kept in memory before they are recorded.
const RECORDED_AT_ONCE: usize = 1000;

#[derive(Subcommand)]
pub enum Import {
    /// Import users from a file, all of them or none
    Users(Users),
}

#[derive(Clone, Args)]
#[command(after_help = columns())]
pub struct Users {
    /// CSV file with a line of column names, or JSON file with a list of objects
    file: PathBuf,
    /// Change users who exist, instead of refusing them
    #[arg(long)]
    update: bool,
    /// Create the groups that the file names and that do not exist
    #[arg(long)]
    make_groups: bool,
    /// Show the result without changing anything
    #[arg(long)]
    dry_run: bool,
}

fn columns() -> String {
    let line = |column: &import::ImportColumn| format!("  {:<12} {}\n", column.name, column.meaning);
    format!(
        "Columns, or members of the objects:\n{}\nA column that is left out and an empty cell change nothing. In JSON, \
         \"\" clears a text.\nImport files contain no passwords: the command reset-password gives temporary ones.\n",
        COLUMNS.each_ref().map(line).concat()
    )
}

type Rows = Vec<(RowPosition, Row)>;

/// What an import did.
#[derive(Default)]
struct Summary {
    outcomes: HashMap<RowOutcome, u64>,
    groups: Vec<String>,
}

/// Why an import is rolled back.
enum NotImported {
    DryRun(Summary),
    Refused(anyhow::Error),
}

impl From<anyhow::Error> for NotImported {
    fn from(error: anyhow::Error) -> Self {
        Self::Refused(error)
    }
}

impl From<DbErr> for NotImported {
    fn from(error: DbErr) -> Self {
        Self::Refused(error.into())
    }
}

impl Import {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let Self::Users(users) = self;
        users.run(config).await
    }
}

impl Users {
    async fn run(self, config: &Config) -> anyhow::Result<()> {
        let (rows, mut errors) = read(&self.file)?;
        errors.extend(duplicates(&rows));
        let store = if self.dry_run { super::open_existing(config).await? } else { super::open(config).await? };
        let (provider, is_dry_run) = (config.provider_names()?, self.dry_run);
        let audit_log = if is_dry_run { None } else { Some(super::audit_log(config, &store).await?) };
        let import = store.write_alone(Lock::RoleChanges, move |transaction| {
            Box::pin(async move {
                let summary = self.import(transaction, audit_log.as_ref(), provider, &rows, &mut errors).await;
                let summary = summary.context("nothing was imported")?;
                if !errors.is_empty() {
                    let report = row_errors::report(&self.file.display().to_string(), errors);
                    return Err(NotImported::Refused(ErrorsFound(format!("{report}nothing was imported")).into()));
                }
                match self.dry_run {
                    true => Err(NotImported::DryRun(summary)),
                    false => Ok((summary, Touched::Everything)),
                }
            })
        });
        let summary = match import.await {
            Ok(summary) | Err(NotImported::DryRun(summary)) => summary,
            Err(NotImported::Refused(error)) => return Err(error),
        };
        store.close().await?;
        super::say(summary.text(is_dry_run))
    }

    async fn import(
        &self,
        transaction: &WriteTransaction,
        audit_log: Option<&AuditLog>,
        provider: ProviderNames,
        rows: &Rows,
        errors: &mut RowErrors,
    ) -> anyhow::Result<Summary> {
        let bar = super::progress_bar(rows.len() as u64);
        let mut import =
            import::UserImporter::begin(transaction, provider, operator::source(Way::Import), self.update).await?;
        let (mut summary, mut positions) = (Summary::default(), HashMap::new());
        for (position, row) in rows {
            bar.inc(1);
            if self.make_groups {
                let made = without_errors(import.make_groups(row).await, *position, errors)?;
                let Some(made) = made else { continue };
                summary.groups.extend(made);
            }
            if let Some((outcome, user_id)) = without_errors(import.import_row(row).await, *position, errors)? {
                *summary.outcomes.entry(outcome).or_default() += 1;
                positions.insert(user_id, *position);
            }
            if import.changes.len() >= RECORDED_AT_ONCE {
                record(audit_log, transaction, &mut import).await?;
            }
        }
        bar.finish_and_clear();
        // Rows with errors changed nothing, so this check makes sense only without errors.
        if errors.is_empty()
            && let Some((user_ids, error)) = import.lost_administrators().await?
        {
            let lost = user_ids.iter().filter_map(|id| positions.get(id));
            errors.extend(lost.map(|position| RowError::of_cell(*position, error.clone())));
            ensure!(!errors.is_empty(), "the import would remove the last administrator who can log in");
        }
        record(audit_log, transaction, &mut import).await?;
        Ok(summary)
    }
}

/// Records the changes so far; a dry run has no audit log and drops them.
async fn record(
    audit_log: Option<&AuditLog>,
    transaction: &WriteTransaction,
    import: &mut import::UserImporter<'_>,
) -> Result<(), DbErr> {
    let changes = std::mem::take(&mut import.changes);
    match audit_log {
        Some(audit_log) => audit_log.record(transaction, &Actor::of(operator::source(Way::Import)), changes).await,
        None => Ok(()),
    }
}

/// The result of a row; `None` if the row has errors, which are added to `errors`.
fn without_errors<T>(
    result: Result<T, ImportError>,
    position: RowPosition,
    errors: &mut RowErrors,
) -> Result<Option<T>, sea_orm::DbErr> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(ImportError::Database(error)) => Err(error),
        Err(ImportError::Cells(found)) => {
            errors.extend(found.into_iter().map(|error| RowError::of_cell(position, error)));
            Ok(None)
        }
    }
}

impl Summary {
    fn text(&self, is_dry_run: bool) -> String {
        let count = |outcome| self.outcomes.get(&outcome).copied().unwrap_or_default();
        let (created, changed) = (count(RowOutcome::Created), count(RowOutcome::Changed));
        let unchanged = count(RowOutcome::Unchanged);
        let groups = match &self.groups[..] {
            [] => String::new(),
            names => format!("; groups created: {}", names.join(", ")),
        };
        let dry_run = if is_dry_run { " (dry run: nothing was saved)" } else { "" };
        format!("{created} created, {changed} changed, {unchanged} unchanged{groups}{dry_run}")
    }
}

fn read(file: &Path) -> anyhow::Result<(Rows, RowErrors)> {
    let name = file.display();
    let bytes = fs::read(file).with_context(|| format!("failed to read {name}"))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        anyhow::anyhow!("{name}:{line}: the file is not UTF-8 text; in a spreadsheet, save it as \"CSV UTF-8\"")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let extension = file.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some("csv") => Ok(csv_file::read(text)),
        Some("json") => json_file::read(text).with_context(|| format!("{name} is not a valid import file")),
        _ => bail!("{name} must have the extension .csv or .json"),
    }
}

/// Finds names that occur more than once in the file: the second row of a user would undo the first.
fn duplicates(rows: &Rows) -> RowErrors {
    let mut first = HashMap::new();
    let mut errors = RowErrors::new();
    for (position, row) in rows {
        let Some(name) = row.get(NAME).filter(|name| !name.is_empty()) else { continue };
        match first.get(&fold(name)) {
            Some(before) => {
                let reason = format!("has a row already, at {before}");
                errors.push(RowError::new(*position, Some(NAME), Some(name.clone()), reason));
            }
            None => drop(first.insert(fold(name), *position)),
        }
    }
    errors
}
