//! The archives: lists of rows with named columns, as upstream calls them (docs/upstream.md §7).

use sea_orm::sea_query::{Expr, JoinType, SelectStatement};

use super::columns::{self, ListColumn};
use crate::odata::{ParseError, Spanned};

/// A list of rows with named columns.
#[derive(Debug)]
pub struct Archive {
    /// Upstream's name.
    pub name: &'static str,
    /// The name of each row's kind, `EntityName` in responses, and the only name that `$entities` takes besides `all`.
    pub entity: &'static str,
    pub columns: &'static [ListColumn],
    /// The SQL expression of the primary key. As the last sort key it makes every order total.
    pub(super) id: &'static str,
    pub(super) rows: Rows,
    /// The condition for rows of the archive, in SQL; `None` for all rows.
    pub(super) condition: Option<&'static str>,
}

/// What the rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// Users with role, group and person.
    Users,
    Roles,
}

/// All users, as a constant to build other archives from.
const USERS: Archive = Archive {
    name: "AllUsers",
    entity: "all",
    columns: &columns::USERS,
    id: "users.id",
    rows: Rows::Users,
    condition: None,
};

/// All users.
pub static ALL_USERS: Archive = USERS;

/// The employees.
pub static INTERNAL_USERS: Archive =
    Archive { name: "InternalUsers", condition: Some("users.user_type = 'InternalAssociate'"), ..USERS };

/// The table `associate`: all users except external ones.
pub static DYNAMIC: Archive = Archive {
    name: "Dynamic",
    entity: "associate",
    columns: &columns::ASSOCIATES,
    condition: Some("users.user_type <> 'ExternalAssociate'"),
    ..USERS
};

/// The roles.
pub static ROLES: Archive = Archive {
    name: "Role",
    entity: "role",
    columns: &columns::ROLES,
    id: "roles.id",
    rows: Rows::Roles,
    condition: None,
};

/// The archives that can be read by name.
pub static ARCHIVES: [&Archive; 4] = [&ALL_USERS, &DYNAMIC, &INTERNAL_USERS, &ROLES];

impl Archive {
    /// The archive with this name, ignoring case.
    pub fn named(name: &str) -> Option<&'static Self> {
        ARCHIVES.into_iter().find(|archive| archive.name.eq_ignore_ascii_case(name))
    }

    /// Whether `$entities` may name this kind of rows.
    pub fn has_entity(&self, name: &str) -> bool {
        [self.entity, "all"].iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// The column with this name, ignoring case.
    pub(super) fn column(&self, name: &Spanned<String>) -> Result<&'static ListColumn, ParseError> {
        let found = self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(&name.value));
        let names = || self.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
        let unknown =
            || ParseError::new(name.at, format!("there is no column `{}`; there are {}", name.value, names()));
        found.ok_or_else(unknown)
    }

    /// Adds the tables of the columns to a statement.
    pub(super) fn join_tables<'a>(&self, query: &'a mut SelectStatement) -> &'a mut SelectStatement {
        match self.rows {
            Rows::Roles => query.from("roles"),
            Rows::Users => query
                .from("users")
                .join(JoinType::InnerJoin, "roles", Expr::cust("roles.id = users.role_id"))
                .join(JoinType::InnerJoin, "user_groups", Expr::cust("user_groups.id = users.user_group_id"))
                .join(JoinType::LeftJoin, "persons", Expr::cust("persons.id = users.person_id")),
        }
    }
}
