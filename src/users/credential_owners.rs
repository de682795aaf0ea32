//! Finds the users that can log in with a password, as a picker of another system shows them.

use sea_orm::ConnectionTrait;

use super::{
    query::{self, ALL_USERS, Cell, ListError, ListQuery, QueryContext},
    user_group,
};

/// The maximum number of users that a search finds.
pub const MAX_OWNERS: usize = 1000;

/// A user that can log in with a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialOwner {
    pub name: String,
    pub full_name: String,
    /// The name of the main group.
    pub group: String,
}

/// The users with a text in their Name, UserName or full name, ignoring case, by Name; of a main group, if given. One
/// more than [`MAX_OWNERS`] when there are more.
///
/// # Errors
/// [`ListError::Parse`] for a text that cannot be searched.
pub async fn find_owners(
    db: &impl ConnectionTrait,
    context: QueryContext<'_>,
    search: &str,
    group_id: Option<i32>,
) -> Result<Vec<CredentialOwner>, ListError> {
    let mut filter = filter(search);
    if let Some(id) = group_id {
        filter = format!("{filter} and usergroupId eq {id}");
    }
    let parsed = ListQuery::parse(Some("assocName,fullName,usergroup"), Some(&filter), Some("assocName"))?;
    let list_query = ListQuery { limit: MAX_OWNERS as u64 + 1, ..parsed };
    let page = query::page(db, &ALL_USERS, context, &list_query).await?;
    Ok(page.rows.into_iter().map(|row| owner(row.cells)).collect())
}

/// The names of the main groups of these users, by rank and name.
///
/// # Errors
/// As [`find_owners`].
pub async fn find_groups(
    db: &impl ConnectionTrait,
    context: QueryContext<'_>,
    search: &str,
) -> Result<Vec<String>, ListError> {
    let Some(filter) = ListQuery::parse(None, Some(&filter(search)), None)?.filter else { return Ok(Vec::new()) };
    let ids = query::select_matching(db.get_database_backend(), context, &filter, "users.user_group_id")?;
    let groups = user_group::list_among(db, ids).await?;
    Ok(groups.into_iter().map(|group| group.name).collect())
}

/// The users that can log in with a password, and have a text in a name.
fn filter(search: &str) -> String {
    let can_login = "canLogin eq true".to_owned();
    if search.trim().is_empty() {
        return can_login;
    }
    let text = search.trim().replace('\'', "''");
    let contains = ["assocName", "userName", "fullName"].map(|column| format!("{column} contains '{text}'"));
    format!("{can_login} and ({})", contains.join(" or "))
}

/// The user in the columns that [`find_owners`] reads.
fn owner(cells: Vec<Cell>) -> CredentialOwner {
    let mut texts = cells.into_iter().map(|cell| match cell {
        Cell::Text(text) => text,
        Cell::Integer(_) | Cell::Bool(_) | Cell::Date(_) => String::new(),
    });
    let mut next = || texts.next().unwrap_or_default();
    CredentialOwner { name: next(), full_name: next(), group: next() }
}
