//! The notepads of users: pages of text.

use sea_orm::{ActiveValue::Set, FromJsonQueryResult, entity::prelude::*, sea_query::OnConflict};
use serde::{Deserialize, Serialize};

use super::{
    Caller, UserRef, UserService, WriteLock, Written,
    audited::user_subject,
    field_limits::{self, field_error},
    user_service::find_manageable,
};
use crate::{
    error::Error,
    executions::audit::{Action, Change, ChangedFields},
    store::Touched,
};

/// Maximum number of pages of a notepad.
pub const MAX_PAGES: usize = 100;
/// Maximum characters of a page.
const PAGE: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: i32,
    #[sea_orm(column_type = "Json")]
    pub pages: Pages,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The pages of a notepad.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Pages(pub Vec<String>);

async fn pages_of(db: &impl ConnectionTrait, user_id: i32) -> Result<Vec<String>, DbErr> {
    Ok(Entity::find_by_id(user_id).one(db).await?.map(|note| note.pages.0).unwrap_or_default())
}

/// The pages of a user's notepad.
///
/// # Errors
/// The caller may not manage the user, or the user does not exist.
pub async fn read(service: &UserService, caller: &Caller, user_id: i32) -> Result<Vec<String>, Error> {
    service.find_manageable(caller, &UserRef::Id(user_id)).await?;
    Ok(pages_of(service.store.reader(), user_id).await?)
}

/// Replaces the pages of a user's notepad.
///
/// # Errors
/// The caller may not manage the user, the user does not exist, or there are too many or too long pages.
pub async fn save(service: &UserService, caller: &Caller, user_id: i32, pages: Vec<String>) -> Result<(), Error> {
    let check = async {
        service.find_manageable(caller, &UserRef::Id(user_id)).await?;
        if pages.len() > MAX_PAGES {
            return Err(field_error("Note", format!("there are more than {MAX_PAGES} pages")));
        }
        let fits = |page: &String| field_limits::check("page", page, PAGE);
        pages.iter().try_for_each(fits).map_err(|error| field_error("Note", error))?;
        Ok(pages)
    };
    let work = service.write_locking(WriteLock::User(user_id), caller, check, move |tx, caller, pages| {
        Box::pin(async move {
            let user = find_manageable(tx, &caller, &UserRef::Id(user_id)).await?;
            if pages_of(tx, user_id).await? == pages {
                return Ok(Written::new((), Touched::Nothing, None));
            }
            let fields = ChangedFields::from([("pages", pages.len().into())]);
            let row = ActiveModel { user_id: Set(user_id), pages: Set(Pages(pages)) };
            let replace = OnConflict::column(Column::UserId).update_column(Column::Pages).to_owned();
            Entity::insert(row).on_conflict(replace).exec_without_returning(tx).await?;
            let change = Change::new(Action::NoteSaved, user_subject(&user)).fields(ChangedFields::default(), fields);
            Ok(Written::new((), Touched::Nothing, Some(change)))
        })
    });
    work.await
}
