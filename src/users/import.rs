//! Users as a table describes them, a row each: created, or changed where there is one of that Name.

use std::{collections::BTreeMap, fmt};

use sea_orm::DbErr;

use super::{
    Caller, NamedError, ProviderNames, UserRow, UserType,
    access::AdministratorsBefore,
    draft::{Draft, Fault, user_type_of},
    group_named, login_name, organise, role, role_named,
    save_plan::save_one_of_many,
    shown, user, user_group,
};
use crate::{
    error::{Error, ErrorInfo},
    localization::read_boolean,
    store::WriteTransaction,
};

/// A column that a table may have.
#[derive(Debug)]
pub struct Column {
    pub name: &'static str,
    /// What faults call it: upstream's name.
    field: &'static str,
    pub meaning: &'static str,
}

const fn column(name: &'static str, field: &'static str, meaning: &'static str) -> Column {
    Column { name, field, meaning }
}

/// Every column there is.
pub const COLUMNS: [Column; 15] = [
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

/// The column without which a row describes no user.
pub const NAME: &str = "name";
const GROUP: &str = "group";
const OTHER_GROUPS: &str = "otherGroups";

/// What a row says of a user, by column. A column that is not there leaves what is there.
pub type Row = BTreeMap<&'static str, String>;

/// What a row did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowOutcome {
    Created,
    Changed,
    /// The user is like that already.
    Unchanged,
}

/// What is wrong with a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellFault {
    pub column: &'static str,
    /// The cell, where the reason goes on after it: `perhaps` + "is neither true nor false".
    pub value: Option<String>,
    pub reason: String,
}

impl CellFault {
    fn new(column: &'static str, reason: impl ToString) -> Self {
        Self { column, value: None, reason: reason.to_string() }
    }

    fn of_value(column: &'static str, value: &str, reason: impl ToString) -> Self {
        Self { column, value: Some(value.to_owned()), reason: reason.to_string() }
    }
}

impl fmt::Display for CellFault {
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
    Faults(Vec<CellFault>),
    Database(DbErr),
}

impl From<DbErr> for ImportError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

/// The column of this name, whatever its case, and without regard to blanks and signs: `E-mail`, `First name`, `user_name`.
pub fn find_column(name: &str) -> Option<&'static Column> {
    let letters = |text: &str| text.chars().filter(|one| one.is_alphanumeric()).collect::<String>().to_lowercase();
    let wanted = letters(name);
    COLUMNS.iter().find(|column| letters(column.name) == wanted)
}

/// An import that is under way in a transaction, which has taken `Lock::RoleChanges`. It is committed when no row has faults
/// and [`Import::lost_administrators`] names none.
pub struct Import<'a> {
    transaction: &'a WriteTransaction,
    provider: ProviderNames,
    /// Change the users who are there, instead of refusing them.
    update: bool,
    caller: Caller,
    roles: Vec<role::Model>,
    groups: Vec<user_group::Model>,
    administrators: AdministratorsBefore,
}

impl<'a> Import<'a> {
    /// Begins an import. The roles and the group that every installation has are made where they are missing.
    pub async fn begin(
        transaction: &'a WriteTransaction,
        provider: ProviderNames,
        update: bool,
    ) -> Result<Self, DbErr> {
        role::ensure_defaults(transaction).await?;
        user_group::ensure_default(transaction).await?;
        Ok(Self {
            transaction,
            provider,
            update,
            caller: Caller::operator(),
            roles: role::list(transaction).await?,
            groups: user_group::list(transaction).await?,
            administrators: AdministratorsBefore::read(transaction, provider).await?,
        })
    }

    /// Makes the groups that a row names and that are missing, and brings back those that are deleted. Returns their names.
    pub async fn make_groups(&mut self, row: &Row) -> Result<Vec<String>, ImportError> {
        let (mut made, mut faults) = (Vec::new(), Vec::new());
        for (column, name) in groups_of(row) {
            let name = match group_named(&self.groups, name) {
                Err(NamedError::NoGroup { name } | NamedError::DeletedGroup { name }) => name.trim().to_owned(),
                _ => continue,
            };
            match organise::ensure_group(self.transaction, self.caller.clone(), &name, "").await {
                Ok(group) => {
                    self.groups.retain(|known| known.id != group.id);
                    made.push(group.name.clone());
                    self.groups.push(group);
                }
                Err(Error::Unavailable(error)) => return Err(error.into()),
                Err(error) => {
                    let reason = error.to_string();
                    faults.push(CellFault::of_value(column, &name, reason.strip_prefix("Value: ").unwrap_or(&reason)));
                }
            }
        }
        if faults.is_empty() { Ok(made) } else { Err(ImportError::Faults(faults)) }
    }

    /// Creates the user that a row describes, or changes the one of that Name. Returns the user's id, too.
    pub async fn import_row(&self, row: &Row) -> Result<(RowOutcome, i32), ImportError> {
        let db = self.transaction;
        let refuse = |fault| Err(ImportError::Faults(vec![fault]));
        let name = row.get(NAME).map(String::as_str).unwrap_or_default();
        if name.is_empty() {
            return refuse(CellFault::new(NAME, "it is missing"));
        }
        let present = match user::find_by_login(db, name).await? {
            Some(user) if login_name::fold(&user.user.name) != login_name::fold(name) => {
                return refuse(CellFault::of_value(NAME, name, format!("is the UserName of {}", user.user.name)));
            }
            Some(_) if !self.update => {
                return refuse(CellFault::of_value(NAME, name, "is a user already; --update changes such users"));
            }
            found => found,
        };
        let before = match &present {
            Some(user) => Draft::of(db, user).await?,
            None => Draft {
                user: UserRow::blank(UserType::InternalAssociate),
                other_group_ids: Vec::new(),
                person: Default::default(),
                names: Default::default(),
                name_faults: Vec::new(),
            },
        };
        let (draft, mut faults) = self.describe(before.clone(), row, present.is_none());
        let draft = draft.complete(db).await?;
        if faults.is_empty() {
            match &present {
                Some(user) if draft == before.complete(db).await? => {
                    return Ok((RowOutcome::Unchanged, user.user.id));
                }
                _ => faults = faults_of(&draft.faults(db, present.as_ref()).await?, row),
            }
        }
        if !faults.is_empty() {
            return Err(ImportError::Faults(faults));
        }
        let outcome = if present.is_some() { RowOutcome::Changed } else { RowOutcome::Created };
        match save_one_of_many(db, &self.caller, draft).await {
            Ok(id) => Ok((outcome, id)),
            Err(Error::Unavailable(error)) => Err(error.into()),
            Err(error) => refuse(CellFault::new(NAME, ErrorInfo::from(&error).message)),
        }
    }

    /// After the last row: the ids of the administrators who lose access, and the fault, if the others cannot log in as well
    /// as before.
    pub async fn lost_administrators(&self) -> Result<Option<(Vec<i32>, CellFault)>, DbErr> {
        let lost = self.administrators.lost(self.transaction, self.provider).await?;
        let fault = || CellFault::new(NAME, ErrorInfo::from(&Error::LastAdministrator).message);
        Ok((!lost.is_empty()).then(|| (lost, fault())))
    }

    /// The draft that a row makes of another one, and what cannot be understood in the row.
    fn describe(&self, mut draft: Draft, row: &Row, is_new: bool) -> (Draft, Vec<CellFault>) {
        let mut faults = Vec::new();
        for (&column, value) in row {
            if let Some(text) = text_of(&mut draft, column) {
                text.clone_from(value);
                continue;
            }
            let user = &mut draft.user;
            let end = match column {
                "rank" => whole_number(value).map(|rank| user.rank = rank).ok_or("is no whole number"),
                "active" => read_boolean(value)
                    .map(|active| user.deleted = !active)
                    .ok_or("is neither true nor false; write true, false, yes, no, 1 or 0"),
                _ => {
                    faults.extend(self.assign(&mut draft, column, value, is_new).err());
                    continue;
                }
            };
            faults.extend(end.err().map(|reason| CellFault::of_value(column, value, reason)));
        }
        (draft, faults)
    }

    /// Gives a draft the role or the groups of a cell.
    fn assign(&self, draft: &mut Draft, column: &'static str, value: &str, is_new: bool) -> Result<(), CellFault> {
        let group = |name| match group_named(&self.groups, name) {
            Ok(group) => Ok(group.id),
            Err(error @ (NamedError::NoGroup { .. } | NamedError::DeletedGroup { .. })) => {
                Err(CellFault::new(column, format!("{error}, or import with --make-groups")))
            }
            Err(error) => Err(CellFault::new(column, error)),
        };
        match column {
            "role" => {
                let role = role_named(&self.roles, value).map_err(|error| CellFault::new(column, error))?;
                draft.user.role_id = role.id;
                if is_new {
                    draft.user.user_type = user_type_of(role.role_type);
                }
            }
            GROUP => draft.user.user_group_id = group(value)?,
            _ => draft.other_group_ids = names(value).map(group).collect::<Result<_, _>>()?,
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

/// The names in a cell that may have several.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(';').map(str::trim).filter(|name| !name.is_empty())
}

/// A whole number, also as programs write it for which a column of numbers is one of fractions: `3.0`, or `3,0`.
fn whole_number(text: &str) -> Option<i32> {
    let text = text.trim();
    [".0", ",0"].iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text).parse().ok()
}

/// The text that a column holds, where it holds one.
fn text_of<'a>(draft: &'a mut Draft, column: &str) -> Option<&'a mut String> {
    let Draft { user, person, .. } = draft;
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

/// Faults of the user service, under the names of their columns. A reason that begins with the cell is told without it, so
/// that it is the same for all rows.
fn faults_of(faults: &[Fault], row: &Row) -> Vec<CellFault> {
    let fault = |Fault { field, reason }: &Fault| {
        let Some(column) = COLUMNS.iter().find(|column| column.field == *field) else {
            return CellFault::new(NAME, format!("{field}: {reason}"));
        };
        let without = |cell: &String| {
            let quoted = reason.strip_prefix(&format!("`{cell}` "));
            quoted.or_else(|| reason.strip_prefix(&format!("{cell} "))).map(str::to_owned)
        };
        let cell = row.get(column.name).filter(|cell| !cell.is_empty());
        match cell.and_then(|cell| Some((cell, without(cell)?))) {
            Some((cell, rest)) => CellFault::of_value(column.name, cell, rest),
            None => CellFault::new(column.name, reason),
        }
    };
    faults.iter().map(fault).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_found_however_people_write_its_name() {
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
    fn a_whole_number_is_read_with_a_fraction_of_nothing() {
        for (text, number) in [("3", Some(3)), ("-1", Some(-1)), ("3.0", Some(3)), ("3,0", Some(3))] {
            assert_eq!(whole_number(text), number, "{text}");
        }
        for text in ["", "x", "3.5", "1,000", "1.00", "3000000000", ".0"] {
            assert_eq!(whole_number(text), None, "{text}");
        }
    }

    #[test]
    fn a_reason_is_the_same_for_rows_with_other_cells() {
        let row = Row::from([(NAME, "007".to_owned()), ("userName", "eva".to_owned())]);
        let reasons = [
            ("Name", "007 consists of digits only", "name: `007` consists of digits only"),
            ("UserName", "`eva` is another user's", "userName: `eva` is another user's"),
            ("Tooltip", "it is too long", "tooltip: it is too long"),
            ("CustomFields", "there are more", "name: CustomFields: there are more"),
        ];
        for (field, reason, told) in reasons {
            let fault = faults_of(&[Fault { field, reason: reason.to_owned() }], &row).remove(0);
            assert_eq!(fault.to_string(), told);
        }
    }
}
