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
    find(db, context, search, group_id, MAX_OWNERS + 1).await
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
    let mut names = Vec::new();
    for group in user_group::list(db).await? {
        if !find(db, context, search, Some(group.id), 1).await?.is_empty() {
            names.push(group.name);
        }
    }
    Ok(names)
}

async fn find(
    db: &impl ConnectionTrait,
    context: QueryContext<'_>,
    search: &str,
    group_id: Option<i32>,
    limit: usize,
) -> Result<Vec<CredentialOwner>, ListError> {
    let mut filter = "canLogin eq true".to_owned();
    if !search.trim().is_empty() {
        let text = search.trim().replace('\'', "''");
        let contains = ["assocName", "userName", "fullName"].map(|column| format!("{column} contains '{text}'"));
        filter = format!("{filter} and ({})", contains.join(" or "));
    }
    if let Some(id) = group_id {
        filter = format!("{filter} and usergroupId eq {id}");
    }
    let parsed = ListQuery::parse(Some("assocName,fullName,usergroup"), Some(&filter), Some("assocName"))?;
    let list_query = ListQuery { limit: limit as u64, ..parsed };
    let page = query::page(db, &ALL_USERS, context, &list_query).await?;
    let owner = |cells: Vec<Cell>| {
        let mut texts = cells.into_iter().map(|cell| match cell {
            Cell::Text(text) => text,
            Cell::Integer(_) | Cell::Bool(_) | Cell::Date(_) => String::new(),
        });
        let mut next = || texts.next().unwrap_or_default();
        CredentialOwner { name: next(), full_name: next(), group: next() }
    };
    Ok(page.rows.into_iter().map(|row| owner(row.cells)).collect())
}
