//! A user with all that stands in tables of its own: what whoever reads or writes the whole user sees.

use std::sync::Arc;

use sea_orm::{DerivePartialModel, JoinType::LeftJoin, QueryOrder, QuerySelect, entity::prelude::*, sea_query::Expr};

use super::{User, credential, login_name, membership, user, user_group};

/// What a group or a credential takes in memory.
const PART_BYTES: usize = 256;
/// What the other groups are called in the statement, beside the main one.
const OTHERS: &str = "other_groups";

/// A user, the other groups by rank and name, and the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub user: Arc<User>,
    pub other_groups: Vec<user_group::Model>,
    pub credentials: Vec<credential::Model>,
}

/// A user beside one of the other groups and one of the credentials, if there are any.
#[derive(DerivePartialModel)]
struct Row {
    #[sea_orm(nested)]
    user: User,
    #[sea_orm(nested, alias = "other_groups")]
    other_group: Option<user_group::Model>,
    #[sea_orm(nested)]
    credential: Option<credential::Model>,
}

impl Account {
    /// When the user, the person or a credential last changed. Renaming the role or a group changes no user.
    pub fn changed_at(&self) -> DateTimeUtc {
        self.credentials.iter().fold(self.user.user.updated_at, |latest, one| latest.max(one.updated_at))
    }

    /// About how many bytes it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        // The user is usually held already.
        PART_BYTES * (1 + self.other_groups.len() + self.credentials.len())
    }

    /// A user who is in one group, and has proved nothing yet.
    pub fn blank(user: User) -> Self {
        Self { user: Arc::new(user), other_groups: Vec::new(), credentials: Vec::new() }
    }
}

/// The user with this id, in one statement.
///
/// # Errors
/// The database does not answer.
pub async fn find(db: &impl ConnectionTrait, id: i32) -> Result<Option<Account>, DbErr> {
    Ok(select(db, user::Column::Id.eq(id)).await?.pop())
}

/// The user whose Name or UserName this is, without regard to case, in one statement.
///
/// # Errors
/// The database does not answer.
pub async fn find_by_login(db: &impl ConnectionTrait, name: &str) -> Result<Option<Account>, DbErr> {
    Ok(select(db, user::Column::Id.in_subquery(login_name::ids(name))).await?.pop())
}

/// The users behind whom a person stands, by id, in one statement.
///
/// # Errors
/// The database does not answer.
pub async fn list_by_person(db: &impl ConnectionTrait, person_id: i32) -> Result<Vec<Account>, DbErr> {
    select(db, user::Column::PersonId.eq(person_id)).await
}

/// Each user stands in as many rows as there are pairs of another group and a credential.
async fn select(db: &impl ConnectionTrait, which: Expr) -> Result<Vec<Account>, DbErr> {
    let memberships =
        membership::Entity::belongs_to(user::Entity).from(membership::Column::UserId).to(user::Column::Id);
    let credentials =
        credential::Entity::belongs_to(user::Entity).from(credential::Column::UserId).to(user::Column::Id);
    let rows = user::whole(user::Entity::find())
        .join_rev(LeftJoin, memberships.into())
        .join_as(LeftJoin, membership::Relation::UserGroup.def(), OTHERS)
        .join_rev(LeftJoin, credentials.into())
        .filter(which)
        .order_by_asc(user::Column::Id)
        .order_by_asc(Expr::col((OTHERS, user_group::Column::Rank)))
        .order_by_asc(Expr::col((OTHERS, user_group::Column::Name)))
        .order_by_asc(credential::Column::Id)
        .into_partial_model::<Row>()
        .all(db)
        .await?;
    let mut accounts: Vec<Account> = Vec::new();
    for Row { user, other_group, credential } in rows {
        let known = accounts.pop_if(|last| last.user.user.id == user.user.id);
        let mut account = known.unwrap_or_else(|| Account::blank(user));
        // Rows are ordered by group, so the same one can only be the last.
        account.other_groups.extend(other_group.filter(|group| account.other_groups.last() != Some(group)));
        account.credentials.extend(credential.filter(|credential| !account.credentials.contains(credential)));
        accounts.push(account);
    }
    Ok(accounts)
}
