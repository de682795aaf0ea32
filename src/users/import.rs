//! Users as a table describes them, a row each: made, or changed where there is one of that Name.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr};

use super::{
    Caller, ProviderNames, UserRow, UserType,
    draft::{Draft, Fault, user_type_of},
    login_name, manage, role, user, user_group,
};
use crate::error::{Error, ErrorInfo};

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
    column(NAME, "Name", "the short name, by which a user is found; it must be there"),
    column("userName", "UserName", "the name to log in with, such as an e-mail address"),
    column("firstName", "Person.Firstname", "named after `name` where both names are left out"),
    column("lastName", "Person.Lastname", ""),
    column("email", "Person.Email", ""),
    column("title", "Person.Title", ""),
    column("phone", "Person.DirectPhone", ""),
    column("mobile", "Person.MobilePhone", ""),
    column("role", "Role", "the name of a role; `Employee` for a new user"),
    column("group", "UserGroup", "the name of a group; the first one for a new user"),
    column("otherGroups", "OtherGroups", "names of groups, with `;` between them"),
    column("nickName", "NickName", ""),
    column("tooltip", "Tooltip", ""),
    column("rank", "Rank", "a whole number"),
    column("active", "Deleted", "`true`, or `false` for a user without access"),
];

/// The column without which a row is nobody's.
pub const NAME: &str = "name";

/// What a row says of a user, by column. A column that is not there leaves what is there.
pub type Row = BTreeMap<&'static str, String>;

/// What was done with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    Made,
    Changed,
    /// The user is like that already.
    Same,
}

/// Why a row was not taken.
#[derive(Debug)]
pub enum ImportError {
    /// What is wrong with it, by column.
    Faults(Vec<(&'static str, String)>),
    Database(DbErr),
}

impl From<DbErr> for ImportError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

/// The column of this name, however its letters are written.
pub fn find_column(name: &str) -> Option<&'static Column> {
    COLUMNS.iter().find(|column| column.name.eq_ignore_ascii_case(name))
}

/// Makes the user that a row describes, or changes the one of that Name where `update` says so. Run it in a transaction,
/// and commit that when no row has faults.
///
/// # Errors
/// The row has faults, or the database does not answer.
pub async fn take(
    db: &impl ConnectionTrait,
    caller: &Caller,
    provider: ProviderNames,
    row: &Row,
    update: bool,
) -> Result<Change, ImportError> {
    let refuse = |column, reason: String| Err(ImportError::Faults(vec![(column, reason)]));
    let name = row.get(NAME).map(String::as_str).unwrap_or_default();
    if name.is_empty() {
        return refuse(NAME, "it is missing".to_owned());
    }
    let present = match user::find_by_login(db, name).await? {
        Some(user) if login_name::fold(&user.user.name) != login_name::fold(name) => {
            return refuse(NAME, format!("`{name}` is the UserName of {}", user.user.name));
        }
        Some(_) if !update => return refuse(NAME, format!("there is a user {name}; --update changes it")),
        found => found,
    };
    let before = match &present {
        Some(user) => Draft::of(db, user).await?,
        None => Draft {
            user: UserRow::blank(UserType::InternalAssociate),
            other_group_ids: Vec::new(),
            person: Default::default(),
        },
    };
    let (draft, mut faults) = describe(db, before.clone(), row, present.is_none()).await?;
    if faults.is_empty() {
        if present.is_some() && draft == before.complete(db).await? {
            return Ok(Change::Same);
        }
        faults.extend(draft.faults(db, present.as_ref()).await?.into_iter().map(of_draft));
    }
    if !faults.is_empty() {
        return Err(ImportError::Faults(faults));
    }
    match manage::save(db, caller, provider, draft, None).await {
        Ok(_) if present.is_some() => Ok(Change::Changed),
        Ok(_) => Ok(Change::Made),
        Err(Error::Unavailable(error)) => Err(error.into()),
        Err(error) => refuse(NAME, ErrorInfo::from(&error).message),
    }
}

/// Makes the roles and the group that every installation has, for rows that name none. Run it in a transaction.
///
/// # Errors
/// The database does not answer.
pub async fn prepare(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    role::ensure_defaults(db).await?;
    user_group::ensure_default(db).await.map(drop)
}

/// The draft that a row makes of another one, and what cannot be understood in it.
async fn describe(
    db: &impl ConnectionTrait,
    draft: Draft,
    row: &Row,
    is_new: bool,
) -> Result<(Draft, Vec<(&'static str, String)>), DbErr> {
    let (mut faults, mut draft) = (Vec::new(), draft);
    for (&column, value) in row {
        if let Some(text) = text_of(&mut draft, column) {
            text.clone_from(value);
            continue;
        }
        let user = &mut draft.user;
        let end = match column {
            "rank" => value.parse().map(|rank| user.rank = rank).map_err(|_| format!("`{value}` is no whole number")),
            "active" => match value.parse::<bool>() {
                Ok(active) => {
                    user.deleted = !active;
                    Ok(())
                }
                Err(_) => Err(format!("`{value}` is neither true nor false")),
            },
            "role" => role(db, value).await?.map(|role| {
                user.role_id = role.id;
                if is_new {
                    user.user_type = user_type_of(role.role_type);
                }
            }),
            "group" => group_id(db, value).await?.map(|id| user.user_group_id = id),
            _ => group_ids(db, value).await?.map(|ids| draft.other_group_ids = ids),
        };
        faults.extend(end.err().map(|reason| (column, reason)));
    }
    Ok((draft.complete(db).await?, faults))
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

async fn role(db: &impl ConnectionTrait, name: &str) -> Result<Result<role::Model, String>, DbErr> {
    if let Some(role) = role::find_by_name(db, name).await? {
        return Ok(Ok(role));
    }
    let known: Vec<_> = role::list(db).await?.into_iter().map(|role| role.name).collect();
    Ok(Err(format!("there is no role {name}; there are {}", known.join(", "))))
}

async fn group_id(db: &impl ConnectionTrait, name: &str) -> Result<Result<i32, String>, DbErr> {
    if let Some(group) = user_group::find_by_name(db, name).await? {
        return Ok(Ok(group.id));
    }
    let known: Vec<_> = user_group::list(db).await?.into_iter().map(|group| group.name).collect();
    Ok(Err(format!("there is no group {name}; there are {}", known.join(", "))))
}

async fn group_ids(db: &impl ConnectionTrait, names: &str) -> Result<Result<Vec<i32>, String>, DbErr> {
    let mut ids = Vec::new();
    for name in names.split(';').map(str::trim).filter(|name| !name.is_empty()) {
        match group_id(db, name).await? {
            Ok(id) => ids.push(id),
            Err(reason) => return Ok(Err(reason)),
        }
    }
    Ok(Ok(ids))
}

/// A fault of the user service, under the name of its column.
fn of_draft(Fault { field, reason }: Fault) -> (&'static str, String) {
    match COLUMNS.iter().find(|column| column.field == field) {
        Some(column) => (column.name, reason),
        None => (NAME, format!("{field}: {reason}")),
    }
}
