//! The columns of the archives: names, SQL expressions, and how they can be filtered and sorted. Those of users follow
//! upstream (docs/upstream.md §7), without the columns for licences, thumbnails and addresses, which this server does
//! not have; those of `associate` have the names of upstream's table (docs/upstream.md §7.2).

use chrono::{DateTime, Utc};
use sea_orm::{
    DbBackend, ExprTrait,
    sea_query::{Expr, SimpleExpr},
};

/// A column of an archive.
#[derive(Debug)]
pub struct ListColumn {
    pub name: &'static str,
    pub shown: ColumnType,
    sql: &'static str,
    /// The sort key.
    sort_sql: &'static str,
    pub restriction: FilterKind,
    pub can_order_by: bool,
    /// Whether the column is meant for filters. It is only shown when selected.
    pub is_filter_only: bool,
}

/// The type of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    Text,
    Integer,
    Bool,
    Date,
}

/// How a filter compares a column. Texts are folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterKind {
    None,
    Text(&'static str),
    /// An indexed text of the person: its column, and the same as an expression that also works without a person.
    Person {
        column: &'static str,
        joined: &'static str,
    },
    Integer(&'static str),
    Bool(&'static str),
    Date(&'static str),
    /// A list item. Numbers are compared with its id, texts with its name, and quoted numbers with both.
    Item {
        id: &'static str,
        name: &'static str,
    },
    /// A user, compared like a list item.
    Associate,
    /// The other groups, by id.
    OtherGroups,
}

/// The value of an absent time in filters and sort keys: upstream's minimum, 1 January of year 1.
const NEVER: DateTime<Utc> = DateTime::from_timestamp(-62_135_596_800, 0).expect("a time");

macro_rules! of_person {
    ($column:literal) => {
        concat!("COALESCE(persons.", $column, ", '')")
    };
}

macro_rules! person {
    ($name:literal, $column:literal, $folded:literal) => {
        ListColumn {
            restriction: FilterKind::Person { column: concat!("persons.", $folded), joined: of_person!($folded) },
            ..text($name, of_person!($column), of_person!($folded))
        }
    };
}

/// Joins the parts that are not empty with a separator.
macro_rules! joined {
    ($separator:literal, $start:literal, $($column:literal),+) => {
        concat!("SUBSTR('' " $(, "|| CASE ", of_person!($column), " WHEN '' THEN '' ELSE '", $separator, "' || persons.", $column, " END ")+, ", ", $start, ")")
    };
}

macro_rules! is_active {
    () => {
        "(NOT users.deleted AND NOT COALESCE(persons.retired, FALSE))"
    };
}

macro_rules! credential {
    ($column:literal) => {
        concat!(
            "COALESCE((SELECT credentials.",
            $column,
            " FROM credentials WHERE credentials.user_id = users.id ORDER BY credentials.id LIMIT 1), '')"
        )
    };
}

const ASSOC_TYPE_ID: &str = "CASE users.user_type WHEN 'InternalAssociate' THEN 1 WHEN 'ResourceAssociate' THEN 2 \
    WHEN 'ExternalAssociate' THEN 3 WHEN 'AnonymousAssociate' THEN 4 WHEN 'SystemAssociate' THEN 5 ELSE 0 END";

const EJ_STATUS: &str = "CASE users.presence_status WHEN 'StatusNormal' THEN 1 WHEN 'StatusNotAvailable' THEN 2 \
    WHEN 'StatusDeleted' THEN 3 WHEN 'StatusReadOnly' THEN 4 WHEN 'StatusSpm' THEN 5 WHEN 'StatusSystem' THEN 127 \
    ELSE 0 END";

const CAN_LOGIN: &str = concat!(
    "(",
    is_active!(),
    " AND EXISTS (SELECT 1 FROM credentials WHERE credentials.user_id = users.id AND (credentials.expires_at IS NULL ",
    "OR datetime(credentials.expires_at) > datetime('now'))))"
);

/// SQLite expressions with their PostgreSQL equivalents. All other SQL here works on both. SQLite stores times as
/// texts.
const IN_POSTGRES: [(&str, &str); 1] =
    [("datetime(credentials.expires_at) > datetime('now')", "credentials.expires_at > now()")];

const FULL_NAME: &str = concat!(
    "CASE WHEN persons.id IS NULL THEN users.name ELSE ",
    joined!(" ", "2", "firstname", "middle_name", "lastname"),
    " END"
);

/// Joining the folded parts equals folding the joined name, because no letter combines with a space.
const FULL_NAME_FOLDED: &str = concat!(
    "CASE WHEN persons.id IS NULL THEN users.name_folded ELSE ",
    joined!(" ", "2", "firstname_folded", "middle_name_folded", "lastname_folded"),
    " END"
);

/// The folded first, middle and last name of a person.
pub const PERSON_NAME_FOLDED: &str = joined!(" ", "2", "firstname_folded", "middle_name_folded", "lastname_folded");

const CONTACT_FULL_NAME: &str = joined!(", ", "3", "contact_name", "contact_department");
const CONTACT_FULL_NAME_FOLDED: &str = joined!(", ", "3", "contact_name_folded", "contact_department_folded");

const OTHER_GROUPS: &str = "COALESCE((SELECT STRING_AGG(other.name, ', ' ORDER BY other.rank, other.name) \
    FROM memberships JOIN user_groups AS other ON other.id = memberships.user_group_id \
    WHERE memberships.user_id = users.id), '')";

const IS_ACTIVE_TEXT: &str =
    concat!("CASE WHEN ", is_active!(), " THEN '[SR_USER_ACTIVE]' ELSE '[SR_USER_RETIRED]' END");

/// The column that every row meets: for a filter that keeps all rows.
const GET_ALL_ROWS: ListColumn = ListColumn { is_filter_only: true, ..bool("getAllRows", "TRUE") };
const GET_NO_ROWS: ListColumn = ListColumn { is_filter_only: true, ..bool("getNoRows", "FALSE") };

/// The columns of users, in the default order.
pub static USERS: [ListColumn; 33] = [
    GET_ALL_ROWS,
    GET_NO_ROWS,
    bool("canLogin", CAN_LOGIN),
    person!("firstName", "firstname", "firstname_folded"),
    person!("lastName", "lastname", "lastname_folded"),
    text("middleName", of_person!("middle_name"), of_person!("middle_name_folded")),
    text("fullName", FULL_NAME, FULL_NAME_FOLDED),
    integer("contactId", "COALESCE(persons.contact_id, 0)"),
    integer("personId", "COALESCE(users.person_id, 0)"),
    text("mrMrs", of_person!("mrmrs"), of_person!("mrmrs_folded")),
    text("title", of_person!("title"), of_person!("title_folded")),
    ListColumn { restriction: FilterKind::Associate, can_order_by: true, ..integer("associateDbId", "users.id") },
    text("contactName", of_person!("contact_name"), of_person!("contact_name_folded")),
    text("contactDepartment", of_person!("contact_department"), of_person!("contact_department_folded")),
    item("usergroup", "users.user_group_id", "user_groups.name", "user_groups.name_folded"),
    ListColumn { can_order_by: true, ..integer("usergroupId", "users.user_group_id") },
    text("contactFullName", CONTACT_FULL_NAME, CONTACT_FULL_NAME_FOLDED),
    item("role", "users.role_id", "roles.name", "roles.name_folded"),
    ListColumn { restriction: FilterKind::Associate, ..text("assocName", "users.name", "users.name_folded") },
    ListColumn { can_order_by: false, ..text("assocTooltip", "users.tooltip", "users.tooltip_folded") },
    item("assocType", ASSOC_TYPE_ID, "users.user_type", "LOWER(users.user_type)"),
    integer("ejUserId", "users.ej_user_id"),
    text("ejDisplayName", "users.nick_name", "users.nick_name_folded"),
    integer("ejStatus", EJ_STATUS),
    ListColumn {
        restriction: FilterKind::None,
        ..text("credentialType", credential!("credential_type"), concat!("LOWER(", credential!("credential_type"), ")"))
    },
    ListColumn {
        restriction: FilterKind::None,
        ..text(
            "credentialDisplayValue",
            credential!("display_value"),
            concat!("LOWER(", credential!("display_value"), ")"),
        )
    },
    ListColumn { can_order_by: true, ..bool("isActive", is_active!()) },
    ListColumn { restriction: FilterKind::Bool(is_active!()), ..text("isActiveText", IS_ACTIVE_TEXT, IS_ACTIVE_TEXT) },
    ListColumn {
        restriction: FilterKind::OtherGroups,
        can_order_by: false,
        ..text("otherGroups", OTHER_GROUPS, OTHER_GROUPS)
    },
    text("userName", "users.user_name", "users.user_name_folded"),
    person!("personEmail", "email", "email_folded"),
    date("lastLogin", "users.last_login"),
    date("lastLogout", "users.last_logout"),
];

/// Upstream's number of a user's type in the table `associate`.
const ASSOCIATE_TYPE: &str = "CASE users.user_type WHEN 'InternalAssociate' THEN 0 WHEN 'ResourceAssociate' THEN 1 \
    WHEN 'ExternalAssociate' THEN 4 WHEN 'AnonymousAssociate' THEN 7 WHEN 'SystemAssociate' THEN 13 ELSE -1 END";

/// The columns of upstream's table `associate`, in its order.
pub static ASSOCIATES: [ListColumn; 16] = [
    GET_ALL_ROWS,
    GET_NO_ROWS,
    ListColumn {
        restriction: FilterKind::Associate,
        can_order_by: true,
        ..integer("associate.associate_id", "users.id")
    },
    ListColumn { restriction: FilterKind::Associate, ..text("associate.name", "users.name", "users.name_folded") },
    ListColumn { can_order_by: true, ..integer("associate.rank", "users.rank") },
    text("associate.tooltip", "users.tooltip", "users.tooltip_folded"),
    bool("associate.deleted", "users.deleted"),
    ListColumn { can_order_by: true, ..integer("associate.group_idx", "users.user_group_id") },
    date("associate.lastlogin", "users.last_login"),
    date("associate.lastlogout", "users.last_logout"),
    ListColumn { can_order_by: true, ..integer("associate.person_id", "COALESCE(users.person_id, 0)") },
    integer("associate.type", ASSOCIATE_TYPE),
    date("associate.registered", "users.created_at"),
    date("associate.updated", "users.updated_at"),
    integer("associate.ejuserId", "users.ej_user_id"),
    text("associate.userName", "users.user_name", "users.user_name_folded"),
];

/// The columns of roles.
pub static ROLES: [ListColumn; 7] = [
    GET_ALL_ROWS,
    GET_NO_ROWS,
    ListColumn { can_order_by: true, ..integer("roleId", "roles.id") },
    text("name", "roles.name", "roles.name_folded"),
    ListColumn {
        can_order_by: false,
        restriction: FilterKind::None,
        ..text("tooltip", "roles.tooltip", "roles.tooltip")
    },
    ListColumn { can_order_by: true, ..integer("rank", "roles.rank") },
    text("roleType", "roles.role_type", "LOWER(roles.role_type)"),
];

/// A text column, filtered and sorted by `folded`.
const fn text(name: &'static str, sql: &'static str, folded: &'static str) -> ListColumn {
    let restriction = FilterKind::Text(folded);
    ListColumn {
        name,
        shown: ColumnType::Text,
        sql,
        sort_sql: folded,
        restriction,
        can_order_by: true,
        is_filter_only: false,
    }
}

const fn item(name: &'static str, id: &'static str, sql: &'static str, folded: &'static str) -> ListColumn {
    ListColumn { restriction: FilterKind::Item { id, name: folded }, ..text(name, sql, folded) }
}

const fn date(name: &'static str, sql: &'static str) -> ListColumn {
    ListColumn { shown: ColumnType::Date, restriction: FilterKind::Date(sql), ..text(name, sql, sql) }
}

const fn integer(name: &'static str, sql: &'static str) -> ListColumn {
    let restriction = FilterKind::Integer(sql);
    ListColumn { shown: ColumnType::Integer, restriction, can_order_by: false, ..text(name, sql, sql) }
}

const fn bool(name: &'static str, sql: &'static str) -> ListColumn {
    let restriction = FilterKind::Bool(sql);
    ListColumn { shown: ColumnType::Bool, restriction, can_order_by: false, ..text(name, sql, sql) }
}

impl ListColumn {
    /// The SQL expression of the column's value.
    pub fn value(&self, backend: DbBackend) -> SimpleExpr {
        let sql = in_dialect(backend, self.sql);
        match self.shown {
            // Integer columns have different widths; read all as 64 bits.
            ColumnType::Integer => Expr::cust(format!("CAST({sql} AS BIGINT)")),
            ColumnType::Text | ColumnType::Bool | ColumnType::Date => Expr::cust(sql),
        }
    }

    /// The sort key. Texts sort by the characters of their folded copies.
    pub fn sort_key(&self) -> SimpleExpr {
        match self.shown {
            ColumnType::Date => time(self.sort_sql),
            ColumnType::Text | ColumnType::Integer | ColumnType::Bool => Expr::cust(self.sort_sql),
        }
    }
}

/// Translates an SQL expression to the dialect of this database.
pub fn in_dialect(backend: DbBackend, sql: &str) -> String {
    match backend {
        DbBackend::Postgres => {
            IN_POSTGRES.iter().fold(sql.to_owned(), |sql, (sqlite, postgres)| sql.replace(sqlite, postgres))
        }
        _ => sql.to_owned(),
    }
}

/// A time expression. An absent time is earlier than all others.
pub fn time(sql: &'static str) -> SimpleExpr {
    Expr::cust(sql).if_null(NEVER)
}
