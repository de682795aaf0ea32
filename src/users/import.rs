//! Imports users from the rows of a table: creates them, or changes the users with the same Name.

use std::{collections::BTreeMap, fmt};

use sea_orm::DbErr;

use super::{
    Caller, NamedError, ProviderNames, UserRow, UserType,
    access::AdministratorsBefore,
    group_named, login_name, role, role_and_group_service, role_named,
    save_plan::{Saved, save_one_of_many},
    shown, user, user_group,
    user_input::{FieldError, UserInput, user_type_of},
};
use crate::{
    error::Error,
    executions::audit::{Change, Source},
    localization::read_boolean,
    store::WriteTransaction,
};

/// A column of an import file.
#[derive(Debug)]
pub struct ImportColumn {
    pub name: &'static str,
    /// Upstream's name, which errors use.
    field: &'static str,
    pub meaning: &'static str,
}

const fn column(name: &'static str, field: &'static str, meaning: &'static str) -> ImportColumn {
    ImportColumn { name, field, meaning }
}

/// All columns.
pub const COLUMNS: [ImportColumn; 15] = [
    column(NAME, "Name", "the short name, by which a user is found; required"),
    column("userName", "UserName", "the name to log in with, such as an e-mail address"),
    column("firstName", "Person.Firstname", "named after `name` where both names are left out"),
    column("lastName", "Person.Lastname", ""),
    column("email", "Person.Email", ""),
    column("title", "Person.Title", ""),
    column("phone", "Person.DirectPhone", ""),
    column("mobile", "Person.MobilePhone", ""),
    column("role", "Role", "the name of a role; `Employee` for a new user"),
    column(GROUP, "UserGroup", "the name of a group; the first one for a new user"),
    column(OTHER_GROUPS, "OtherGroups", "names of groups, with `;` between them"),
    column("nickName", "NickName", ""),
    column("tooltip", "Tooltip", ""),
    column("rank", "Rank", "a whole number"),
    column("active", "Deleted", "`true`, or `false` for a user without access; also yes, no, 1, 0, WAHR, FAUX, …"),
];

/// The required column.
pub const NAME: &str = "name";
const GROUP: &str = "group";
const OTHER_GROUPS: &str = "otherGroups";

/// The values of a row by column. Absent columns leave the user unchanged.
pub type Row = BTreeMap<&'static str, String>;

/// The effect of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowOutcome {
    Created,
    Changed,
    /// The user already has these values.
    Unchanged,
}

/// An error in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellError {
    pub column: &'static str,
    /// The cell's value, if the reason continues it: `perhaps` + "is neither true nor false".
    pub value: Option<String>,
    pub reason: String,
}

impl CellError {
    fn new(column: &'static str, reason: impl ToString) -> Self {
        Self { column, value: None, reason: reason.to_string() }
    }

    fn of_value(column: &'static str, value: &str, reason: impl ToString) -> Self {
        Self { column, value: Some(value.to_owned()), reason: reason.to_string() }
    }
}

impl fmt::Display for CellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}: `{}` {}", self.column, shown(value), self.reason),
            None => write!(f, "{}: {}", self.column, self.reason),
        }
    }
}

/// Why a row was not imported.
#[derive(Debug)]
pub enum ImportError {
    Cells(Vec<CellError>),
    Database(DbErr),
}

impl From<DbErr> for ImportError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

/// The column of this name. Ignores case, spaces and punctuation: `E-mail`, `First name`, `user_name`.
pub fn find_column(name: &str) -> Option<&'static ImportColumn> {
    let letters = |text: &str| text.chars().filter(|char| char.is_alphanumeric()).collect::<String>().to_lowercase();
    let wanted = letters(name);
    COLUMNS.iter().find(|column| letters(column.name) == wanted)
}

/// A running import. Its transaction must hold `Lock::RoleChanges`. Commit it only when no row has errors and
/// [`UserImporter::lost_administrators`] returns `None`.
pub struct UserImporter<'a> {
    transaction: &'a WriteTransaction,
    provider: ProviderNames,
    /// Whether to change existing users instead of rejecting their rows.
    update: bool,
    caller: Caller,
    /// The changes so far, to be recorded before the commit.
    pub changes: Vec<Change>,
    roles: Vec<role::Model>,
    groups: Vec<user_group::Model>,
    administrators: AdministratorsBefore,
}

impl<'a> UserImporter<'a> {
    /// Begins an import. Creates missing default roles and the default group.
    pub async fn begin(
        transaction: &'a WriteTransaction,
        provider: ProviderNames,
        source: Source,
        update: bool,
    ) -> Result<Self, DbErr> {
        role::ensure_defaults(transaction).await?;
        user_group::ensure_default(transaction).await?;
        Ok(Self {
            transaction,
            provider,
            update,
            caller: Caller::operator(source),
            changes: Vec::new(),
            roles: role::list(transaction).await?,
            groups: user_group::list(transaction).await?,
            administrators: AdministratorsBefore::read(transaction, provider).await?,
        })
    }

    /// Creates the missing groups of a row and restores deleted ones. Returns their names.
    pub async fn make_groups(&mut self, row: &Row) -> Result<Vec<String>, ImportError> {
        let (mut made, mut errors) = (Vec::new(), Vec::new());
        for (column, name) in groups_of(row) {
            let name = match group_named(&self.groups, name) {
                Err(NamedError::NoGroup { name } | NamedError::DeletedGroup { name }) => name.trim().to_owned(),
                _ => continue,
            };
            match role_and_group_service::ensure_group(self.transaction, self.caller.clone(), &name, "").await {
                Ok((group, change)) => {
                    self.changes.extend(change);
                    self.groups.retain(|known| known.id != group.id);
                    made.push(group.name.clone());
                    self.groups.push(group);
                }
                Err(Error::Unavailable(error)) => return Err(error.into()),
                Err(error) => {
                    let reason = error.to_string();
                    errors.push(CellError::of_value(column, &name, reason.strip_prefix("Value: ").unwrap_or(&reason)));
                }
            }
        }
        if errors.is_empty() { Ok(made) } else { Err(ImportError::Cells(errors)) }
    }

    /// Creates the user of a row, or changes the user with the same Name. Also returns the user's id.
    pub async fn import_row(&mut self, row: &Row) -> Result<(RowOutcome, i32), ImportError> {
        let db = self.transaction;
        let refuse = |error| Err(ImportError::Cells(vec![error]));
        let name = row.get(NAME).map(String::as_str).unwrap_or_default();
        if name.is_empty() {
            return refuse(CellError::new(NAME, "it is missing"));
        }
        let present = match user::find_by_login(db, name).await? {
            Some(user) if login_name::fold(&user.user.name) != login_name::fold(name) => {
                return refuse(CellError::of_value(NAME, name, format!("is the UserName of {}", user.user.name)));
            }
            Some(_) if !self.update => {
                return refuse(CellError::of_value(NAME, name, "is a user already; --update changes such users"));
            }
            found => found,
        };
        let before = match &present {
            Some(user) => UserInput::of(db, user).await?,
            None => UserInput {
                user: UserRow::blank(UserType::InternalAssociate),
                other_group_ids: Vec::new(),
                person: Default::default(),
                names: Default::default(),
                name_errors: Vec::new(),
            },
        };
        let (input, mut errors) = self.describe(before.clone(), row, present.is_none());
        let input = input.complete(db).await?;
        if errors.is_empty() {
            match &present {
                Some(user) if input == before.complete(db).await? => {
                    return Ok((RowOutcome::Unchanged, user.user.id));
                }
                _ => errors = cell_errors_of(&input.validate(db, present.as_ref()).await?, row),
            }
        }
        if !errors.is_empty() {
            return Err(ImportError::Cells(errors));
        }
        let outcome = if present.is_some() { RowOutcome::Changed } else { RowOutcome::Created };
        match save_one_of_many(db, &self.caller, input).await {
            Ok(Saved { details, changes }) => {
                self.changes.extend(changes);
                Ok((outcome, details.user.user.id))
            }
            Err(Error::Unavailable(error)) => Err(error.into()),
            Err(error) => refuse(CellError::new(NAME, error.message())),
        }
    }

    /// Call it after the last row. Returns the administrators who lose access and the error for their rows, if the
    /// remaining administrators cannot log in as well as before.
    pub async fn lost_administrators(&self) -> Result<Option<(Vec<i32>, CellError)>, DbErr> {
        let lost = self.administrators.lost(self.transaction, self.provider).await?;
        let error = || CellError::new(NAME, Error::LastAdministrator.message());
        Ok((!lost.is_empty()).then(|| (lost, error())))
    }

    /// Applies a row to a [`UserInput`]. Also returns the errors of cells that cannot be read.
    fn describe(&self, mut input: UserInput, row: &Row, is_new: bool) -> (UserInput, Vec<CellError>) {
        let mut errors = Vec::new();
        for (&column, value) in row {
            if let Some(text) = text_of(&mut input, column) {
                text.clone_from(value);
                continue;
            }
            let user = &mut input.user;
            let result = match column {
                "rank" => whole_number(value).map(|rank| user.rank = rank).ok_or("is not a whole number"),
                "active" => read_boolean(value)
                    .map(|active| user.deleted = !active)
                    .ok_or("is neither true nor false; write true, false, yes, no, 1 or 0"),
                _ => {
                    errors.extend(self.assign(&mut input, column, value, is_new).err());
                    continue;
                }
            };
            errors.extend(result.err().map(|reason| CellError::of_value(column, value, reason)));
        }
        (input, errors)
    }

    /// Sets the role or the groups of an input from a cell.
    fn assign(&self, input: &mut UserInput, column: &'static str, value: &str, is_new: bool) -> Result<(), CellError> {
        let group = |name| match group_named(&self.groups, name) {
            Ok(group) => Ok(group.id),
            Err(error @ (NamedError::NoGroup { .. } | NamedError::DeletedGroup { .. })) => {
                Err(CellError::new(column, format!("{error}, or import with --make-groups")))
            }
            Err(error) => Err(CellError::new(column, error)),
        };
        match column {
            "role" => {
                let role = role_named(&self.roles, value).map_err(|error| CellError::new(column, error))?;
                input.user.role_id = role.id;
                if is_new {
                    input.user.user_type = user_type_of(role.role_type);
                }
            }
            GROUP => input.user.user_group_id = group(value)?,
            _ => input.other_group_ids = names(value).map(group).collect::<Result<_, _>>()?,
        }
        Ok(())
    }
}

/// The groups that a row names, each with its column.
fn groups_of(row: &Row) -> impl Iterator<Item = (&'static str, &str)> {
    let main = row.get(GROUP).map(|name| (GROUP, name.as_str()));
    let others = row.get(OTHER_GROUPS).into_iter().flat_map(|cell| names(cell)).map(|name| (OTHER_GROUPS, name));
    main.into_iter().filter(|(_, name)| !name.trim().is_empty()).chain(others)
}

/// The names in a cell, separated by `;`.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(';').map(str::trim).filter(|name| !name.is_empty())
}

/// Parses a whole number. Accepts `3.0` and `3,0`, because spreadsheet programs write whole numbers with a fraction.
fn whole_number(text: &str) -> Option<i32> {
    let text = text.trim();
    [".0", ",0"].iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text).parse().ok()
}

/// The input's text of a column; `None` for columns without a plain text.
fn text_of<'a>(input: &'a mut UserInput, column: &str) -> Option<&'a mut String> {
    let UserInput { user, person, .. } = input;
    Some(match column {
        NAME => &mut user.name,
        "userName" => &mut user.user_name,
        "firstName" => &mut person.firstname,
        "lastName" => &mut person.lastname,
        "email" => &mut person.email,
        "title" => &mut person.title,
        "phone" => &mut person.direct_phone,
        "mobile" => &mut person.mobile_phone,
        "nickName" => &mut user.nick_name,
        "tooltip" => &mut user.tooltip,
        _ => return None,
    })
}

/// Converts the errors of fields to errors of cells. Removes a leading cell value from the reason, so that equal errors
/// of many rows can be grouped.
fn cell_errors_of(errors: &[FieldError], row: &Row) -> Vec<CellError> {
    let cell_error = |FieldError { field, reason }: &FieldError| {
        let Some(column) = COLUMNS.iter().find(|column| column.field == *field) else {
            return CellError::new(NAME, format!("{field}: {reason}"));
        };
        let without = |cell: &String| {
            let quoted = reason.strip_prefix(&format!("`{cell}` "));
            quoted.or_else(|| reason.strip_prefix(&format!("{cell} "))).map(str::to_owned)
        };
        let cell = row.get(column.name).filter(|cell| !cell.is_empty());
        match cell.and_then(|cell| Some((cell, without(cell)?))) {
            Some((cell, rest)) => CellError::of_value(column.name, cell, rest),
            None => CellError::new(column.name, reason),
        }
    };
    errors.iter().map(cell_error).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_name_ignores_case_and_punctuation() {
        for (written, name) in [
            ("name", "name"),
            ("User Name", "userName"),
            ("first_name", "firstName"),
            ("E-Mail", "email"),
            ("OTHERGROUPS", "otherGroups"),
        ] {
            assert_eq!(find_column(written).map(|column| column.name), Some(name), "{written}");
        }
        for unknown in ["", "-", "salary", "names"] {
            assert!(find_column(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn a_whole_number_may_have_a_zero_fraction() {
        for (text, number) in [("3", Some(3)), ("-1", Some(-1)), ("3.0", Some(3)), ("3,0", Some(3))] {
            assert_eq!(whole_number(text), number, "{text}");
        }
        for text in ["", "x", "3.5", "1,000", "1.00", "3000000000", ".0"] {
            assert_eq!(whole_number(text), None, "{text}");
        }
    }

    #[test]
    fn equal_errors_have_equal_reasons_for_all_rows() {
        let row = Row::from([(NAME, "007".to_owned()), ("userName", "eva".to_owned())]);
        let reasons = [
            ("Name", "007 consists of digits only", "name: `007` consists of digits only"),
            ("UserName", "`eva` is another user's", "userName: `eva` is another user's"),
            ("Tooltip", "it is too long", "tooltip: it is too long"),
            ("CustomFields", "there are more", "name: CustomFields: there are more"),
        ];
        for (field, reason, expected) in reasons {
            let error = cell_errors_of(&[FieldError { field, reason: reason.to_owned() }], &row).remove(0);
            assert_eq!(error.to_string(), expected);
        }
    }
}
