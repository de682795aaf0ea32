//! A user with all related rows: role, group, person, other groups and credentials.

use std::sync::Arc;

use sea_orm::{
    Condition, DerivePartialModel,
    JoinType::LeftJoin,
    QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, IntoCondition},
};

use super::{User, credential, login_name, membership, user, user_group};

/// Estimated memory of a group or a credential.
const PART_BYTES: usize = 256;
/// The alias of the other groups' table.
const OTHERS: &str = "other_groups";

/// A user, the other groups by rank and name, and the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserDetails {
    pub user: Arc<User>,
    pub other_groups: Vec<user_group::Model>,
    pub credentials: Vec<credential::Model>,
}

/// A user with one of the other groups and one of the credentials, if any.
#[derive(DerivePartialModel)]
struct Row {
    #[sea_orm(nested)]
    user: User,
    #[sea_orm(nested, alias = "other_groups")]
    other_group: Option<user_group::Model>,
    #[sea_orm(nested)]
    credential: Option<credential::Model>,
}

impl UserDetails {
    /// When the user, the person or a credential last changed. Renaming the role or a group does not count.
    pub fn changed_at(&self) -> DateTimeUtc {
        let times = self.credentials.iter().map(|credential| credential.updated_at);
        times.fold(self.user.user.updated_at, |latest, time| latest.max(time))
    }

    /// Estimated memory in bytes, without the user, which is usually cached already.
    pub(super) fn bytes(&self) -> usize {
        PART_BYTES * (1 + self.other_groups.len() + self.credentials.len())
    }

    /// A user without other groups and credentials.
    pub fn blank(user: User) -> Self {
        Self { user: Arc::new(user), other_groups: Vec::new(), credentials: Vec::new() }
    }
}

/// The user with this id, in one statement.
pub async fn find(db: &impl ConnectionTrait, id: i32) -> Result<Option<UserDetails>, DbErr> {
    Ok(select(db, user::Column::Id.eq(id)).await?.pop())
}

/// The user with this Name or UserName, ignoring case, in one statement.
pub async fn find_by_login(db: &impl ConnectionTrait, name: &str) -> Result<Option<UserDetails>, DbErr> {
    Ok(select(db, user::Column::Id.in_subquery(login_name::ids(name))).await?.pop())
}

/// The users with this person, by id, in one statement.
pub async fn list_by_person(db: &impl ConnectionTrait, person_id: i32) -> Result<Vec<UserDetails>, DbErr> {
    select(db, user::Column::PersonId.eq(person_id)).await
}

/// The users with this id in SuperOffice Service, by id. `only`: no other user than this one.
pub async fn list_by_ej_user_id(
    db: &impl ConnectionTrait,
    ej_user_id: i32,
    only: Option<i32>,
) -> Result<Vec<UserDetails>, DbErr> {
    let of_only = only.map(|id| user::Column::Id.eq(id));
    select(db, Condition::all().add(user::Column::EjUserId.eq(ej_user_id)).add_option(of_only)).await
}

/// The join has one row for each pair of another group and a credential of a user.
async fn select(db: &impl ConnectionTrait, which: impl IntoCondition) -> Result<Vec<UserDetails>, DbErr> {
    let memberships =
        membership::Entity::belongs_to(user::Entity).from(membership::Column::UserId).to(user::Column::Id);
    let credentials =
        credential::Entity::belongs_to(user::Entity).from(credential::Column::UserId).to(user::Column::Id);
    let rows = user::with_relations(user::Entity::find())
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
    let mut all_details: Vec<UserDetails> = Vec::new();
    for Row { user, other_group, credential } in rows {
        let known = all_details.pop_if(|last| last.user.user.id == user.user.id);
        let mut details = known.unwrap_or_else(|| UserDetails::blank(user));
        // Rows are ordered by group, so a repeated group can only be the last one.
        details.other_groups.extend(other_group.filter(|group| details.other_groups.last() != Some(group)));
        details.credentials.extend(credential.filter(|credential| !details.credentials.contains(credential)));
        all_details.push(details);
    }
    Ok(all_details)
}
