//! The person behind a user: names and addresses.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;

use super::{
    folded,
    limits::{self, TooLong},
};
use crate::store::{ColumnValues, update_all};

#[sea_orm::model]
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

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Holds the texts against their limits.
    ///
    /// # Errors
    /// One of them is longer.
    pub(super) fn check_limits(&self) -> Result<(), TooLong> {
        self.texts().into_iter().try_for_each(|(field, _, text, longest)| limits::check(field, text, longest))
    }

    /// Every text: what it is called, its upstream name, and how long it may be.
    pub(super) fn texts(&self) -> [(&'static str, &'static str, &str, usize); 12] {
        [
            ("first name", "Person.Firstname", &self.firstname, limits::PERSON_NAME),
            ("middle name", "Person.MiddleName", &self.middle_name, limits::PERSON_NAME),
            ("last name", "Person.Lastname", &self.lastname, limits::PERSON_NAME),
            ("form of address", "Person.Mrmrs", &self.mrmrs, limits::PERSON_TITLE),
            ("title", "Person.Title", &self.title, limits::PERSON_TITLE),
            ("position", "Person.Position", &self.position, limits::PERSON_TITLE),
            ("description", "Person.Description", &self.description, limits::PERSON_DESCRIPTION),
            ("e-mail address", "Person.Email", &self.email, limits::ADDRESS),
            ("direct phone", "Person.DirectPhone", &self.direct_phone, limits::ADDRESS),
            ("mobile phone", "Person.MobilePhone", &self.mobile_phone, limits::ADDRESS),
            ("company", "Person.ContactName", &self.contact_name, limits::PERSON_TITLE),
            ("department", "Person.ContactDepartment", &self.contact_department, limits::PERSON_TITLE),
        ]
    }

    /// The texts that the list compares, by the columns of their folded copies.
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
///
/// # Errors
/// The database does not answer.
pub async fn insert(db: &impl ConnectionTrait, person: Model) -> Result<Model, DbErr> {
    let mut row = ActiveModel::from(person.clone()).reset_all();
    row.id = sea_orm::NotSet;
    let id = folded::insert(db, row, &person.folded_texts()).await?;
    Ok(Model { id, ..person })
}

/// The person with this id.
///
/// # Errors
/// The database does not answer.
pub async fn find(db: &impl ConnectionTrait, id: i32) -> Result<Option<Model>, DbErr> {
    Ok(Entity::find().filter(Column::Id.eq(id)).all(db).await?.pop())
}

/// Stores a person in place of the one with this `id`.
///
/// # Errors
/// The database does not answer.
pub async fn update(db: &impl ConnectionTrait, person: Model) -> Result<(), DbErr> {
    folded::update(db, ActiveModel::from(person.clone()).reset_all(), &person.folded_texts()).await
}

/// Retires persons, or takes that back.
///
/// # Errors
/// The database does not answer.
pub async fn set_retired(db: &impl ConnectionTrait, persons: BTreeMap<i32, bool>) -> Result<(), DbErr> {
    let columns = |is_retired: bool| ColumnValues::from([("retired", is_retired.into())]);
    let rows = persons.into_iter().map(|(id, is_retired)| (id, columns(is_retired))).collect();
    update_all::<Entity>(db, rows).await.map(drop)
}

/// A person of whom only the name is known.
pub fn named(full_name: &str) -> Model {
    let (firstname, lastname) = full_name.rsplit_once(' ').unwrap_or((full_name, ""));
    Model { firstname: firstname.to_owned(), lastname: lastname.to_owned(), ..Model::default() }
}
