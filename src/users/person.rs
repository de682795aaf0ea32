//! The person of a user: names and contact data.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;

use super::{
    field_limits::{self, TooLong},
    folded,
};
use crate::store::{ColumnValues, update_all};

#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "persons")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub firstname: String,
    pub middle_name: String,
    pub lastname: String,
    pub mrmrs: String,
    pub title: String,
    pub position: String,
    pub description: String,
    pub email: String,
    pub direct_phone: String,
    pub mobile_phone: String,
    pub contact_id: i32,
    pub contact_name: String,
    pub contact_department: String,
    pub country_id: i32,
    pub rank: i32,
    pub retired: bool,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Checks the lengths of all texts.
    pub(super) fn check_limits(&self) -> Result<(), TooLong> {
        self.texts().into_iter().try_for_each(|(field, _, text, longest)| field_limits::check(field, text, longest))
    }

    /// All texts: description, upstream's name, value and maximum length.
    pub(super) fn texts(&self) -> [(&'static str, &'static str, &str, usize); 12] {
        [
            ("first name", "Person.Firstname", &self.firstname, field_limits::PERSON_NAME),
            ("middle name", "Person.MiddleName", &self.middle_name, field_limits::PERSON_NAME),
            ("last name", "Person.Lastname", &self.lastname, field_limits::PERSON_NAME),
            ("form of address", "Person.Mrmrs", &self.mrmrs, field_limits::PERSON_TITLE),
            ("title", "Person.Title", &self.title, field_limits::PERSON_TITLE),
            ("position", "Person.Position", &self.position, field_limits::PERSON_TITLE),
            ("description", "Person.Description", &self.description, field_limits::PERSON_DESCRIPTION),
            ("e-mail address", "Person.Email", &self.email, field_limits::ADDRESS),
            ("direct phone", "Person.DirectPhone", &self.direct_phone, field_limits::ADDRESS),
            ("mobile phone", "Person.MobilePhone", &self.mobile_phone, field_limits::ADDRESS),
            ("company", "Person.ContactName", &self.contact_name, field_limits::PERSON_TITLE),
            ("department", "Person.ContactDepartment", &self.contact_department, field_limits::PERSON_TITLE),
        ]
    }

    /// The texts with a folded copy, by folded column.
    fn folded_texts(&self) -> [(&'static str, &str); 8] {
        [
            ("firstname_folded", &self.firstname),
            ("middle_name_folded", &self.middle_name),
            ("lastname_folded", &self.lastname),
            ("mrmrs_folded", &self.mrmrs),
            ("title_folded", &self.title),
            ("email_folded", &self.email),
            ("contact_name_folded", &self.contact_name),
            ("contact_department_folded", &self.contact_department),
        ]
    }

    /// First, middle and last name, without the empty ones.
    pub fn full_name(&self) -> String {
        let parts = [&self.firstname, &self.middle_name, &self.lastname];
        parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// Stores a new person; its `id` is assigned by the database.
pub async fn insert(db: &impl ConnectionTrait, person: Model) -> Result<Model, DbErr> {
    let mut row = ActiveModel::from(person.clone()).reset_all();
    row.id = sea_orm::NotSet;
    let id = folded::insert(db, row, &person.folded_texts()).await?;
    Ok(Model { id, ..person })
}

/// The person with this id.
pub async fn find(db: &impl ConnectionTrait, id: i32) -> Result<Option<Model>, DbErr> {
    Ok(Entity::find().filter(Column::Id.eq(id)).all(db).await?.pop())
}

/// Updates the person with this `id`.
pub async fn update(db: &impl ConnectionTrait, person: Model) -> Result<(), DbErr> {
    folded::update(db, ActiveModel::from(person.clone()).reset_all(), &person.folded_texts()).await
}

/// Retires or reactivates persons.
pub async fn set_retired(db: &impl ConnectionTrait, persons: BTreeMap<i32, bool>) -> Result<(), DbErr> {
    let columns = |is_retired: bool| ColumnValues::from([("retired", is_retired.into())]);
    let rows = persons.into_iter().map(|(id, is_retired)| (id, columns(is_retired))).collect();
    update_all::<Entity>(db, rows).await.map(drop)
}

/// A person with only a name. The last word is the last name.
pub fn named(full_name: &str) -> Model {
    let (firstname, lastname) = full_name.rsplit_once(' ').unwrap_or((full_name, ""));
    Model { firstname: firstname.to_owned(), lastname: lastname.to_owned(), ..Model::default() }
}
