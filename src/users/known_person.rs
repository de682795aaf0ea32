//! Finds persons by e-mail address, or by name and company.

use sea_orm::{
    QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};

use super::{
    folded::fold,
    person::{Column, Entity, Model},
    query::PERSON_NAME_FOLDED,
};

/// The maximum number of persons that are considered.
pub const MAX_PERSONS: u64 = 20;

/// The persons with one of these e-mail addresses, ignoring case, by id; in this company, if given. At most
/// [`MAX_PERSONS`].
pub async fn by_email(
    db: &impl ConnectionTrait,
    emails: &[&str],
    contact_id: Option<i32>,
) -> Result<Vec<Model>, DbErr> {
    if emails.is_empty() {
        return Ok(Vec::new());
    }
    let folded: Vec<String> = emails.iter().map(|email| fold(email)).collect();
    let mut found = Entity::find().filter(Expr::col("email_folded").is_in(folded));
    if let Some(contact_id) = contact_id {
        found = found.filter(Column::ContactId.eq(contact_id));
    }
    found.order_by_asc(Column::Id).limit(MAX_PERSONS).all(db).await
}

/// The persons of a company with this full name, ignoring case, by id. At most [`MAX_PERSONS`].
pub async fn by_name(db: &impl ConnectionTrait, name: &str, contact_id: i32) -> Result<Vec<Model>, DbErr> {
    let words: Vec<&str> = name.split_whitespace().collect();
    let is_called = Expr::cust(PERSON_NAME_FOLDED).eq(fold(&words.join(" ")));
    let found = Entity::find().filter(Column::ContactId.eq(contact_id)).filter(is_called);
    found.order_by_asc(Column::Id).limit(MAX_PERSONS).all(db).await
}
