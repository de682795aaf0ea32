//! The names by which users are found. Name and UserName share one table of unique folded names.

use sea_orm::{QuerySelect, QueryTrait, Set, entity::prelude::*, sea_query::SelectStatement};
use unicode_normalization::UnicodeNormalization;

use super::field_limits::{self, TooLong};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "login_names")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub folded: String,
    pub user_id: i32,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Path segments of the API that could be mistaken for a user name (docs/upstream.md §1.1), folded.
const LITERAL_SEGMENTS: [&str; 9] = [
    "$metadata",
    "credentialtypes",
    "current",
    "currentassociate",
    "currentprincipal",
    "currenttoken",
    "customfield",
    "default",
    "validate",
];

/// Why a text cannot be the name of a user.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("the name is empty")]
    Empty,
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error("{0} consists of digits only; in a path that would be an id")]
    Digits(String),
    #[error("{0} is a word of the API's own paths and cannot name a user")]
    Reserved(String),
    #[error("the name contains an invisible character")]
    Invisible,
    #[error("the name begins or ends with a space")]
    Blank,
    #[error("the name contains a colon, which separates it from the password")]
    Colon,
}

/// Folds a name for comparison: NFKC, lower case.
pub fn fold(name: &str) -> String {
    name.nfkc().collect::<String>().to_lowercase()
}

/// Whether the name is a path segment of the API and so cannot name a user.
pub fn is_reserved(name: &str) -> bool {
    LITERAL_SEGMENTS.contains(&fold(name).as_str())
}

/// Control characters, and format characters that could make two names look the same.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The folded Name, and the folded UserName if it differs.
pub(super) fn lookup_keys(name: &str, user_name: &str) -> Result<Vec<String>, NameError> {
    let mut keys = vec![lookup_key(name, field_limits::NAME)?];
    if !user_name.is_empty() {
        keys.push(lookup_key(user_name, field_limits::USER_NAME)?);
    }
    keys.dedup();
    Ok(keys)
}

pub(super) fn lookup_key(name: &str, longest: usize) -> Result<String, NameError> {
    field_limits::check("name", name, longest)?;
    let folded = fold(name);
    // Folding can lengthen a name: U+FDFA becomes 18 characters.
    field_limits::check("folded name", &folded, field_limits::USER_NAME)?;
    if name.trim().is_empty() {
        Err(NameError::Empty)
    } else if name.trim() != name {
        Err(NameError::Blank)
    } else if name.chars().any(is_invisible) {
        Err(NameError::Invisible)
    } else if name.contains(':') {
        Err(NameError::Colon)
    } else if name.bytes().all(|byte| byte.is_ascii_digit()) {
        Err(NameError::Digits(name.to_owned()))
    } else if is_reserved(name) || [".", ".."].contains(&name) {
        Err(NameError::Reserved(name.to_owned()))
    } else {
        Ok(folded)
    }
}

pub(super) async fn insert(db: &impl ConnectionTrait, key: &str, user_id: i32) -> Result<(), DbErr> {
    let row = ActiveModel { folded: Set(key.to_owned()), user_id: Set(user_id) };
    Entity::insert(row).exec_without_returning(db).await.map(drop)
}

/// Why this user cannot have a name; `None` if the name is valid. The id 0 stands for a new user.
pub async fn validate_name(db: &impl ConnectionTrait, name: &str, id: i32) -> Result<Option<String>, DbErr> {
    match lookup_key(name, field_limits::NAME) {
        Err(error) => Ok(Some(error.to_string())),
        Ok(key) => {
            let is_taken = owner(db, &key).await?.is_some_and(|owner| owner != id);
            Ok(is_taken.then(|| format!("`{name}` is another user's Name or UserName")))
        }
    }
}

/// A valid free name similar to `wish` for this user. The id 0 stands for a new user.
pub async fn suggest_name(db: &impl ConnectionTrait, wish: &str, id: i32) -> Result<String, DbErr> {
    let fits = |character: &char| !is_invisible(*character) && !character.is_whitespace() && *character != ':';
    let wish: String = wish.chars().filter(fits).take(field_limits::NAME - 10).collect();
    let is_name = lookup_key(&wish, field_limits::NAME).is_ok();
    let base = if is_name { wish } else { format!("user{wish}") };
    let mut name = base.clone();
    let mut number = 1;
    while validate_name(db, &name, id).await?.is_some() {
        number += 1;
        name = format!("{base}{number}");
    }
    Ok(name)
}

/// Selects the id of the user with this Name or UserName, ignoring case.
pub(super) fn ids(name: &str) -> SelectStatement {
    Entity::find().select_only().column(Column::UserId).filter(Column::Folded.eq(fold(name))).into_query()
}

/// The user with this folded name.
pub(super) async fn owner(db: &impl ConnectionTrait, key: &str) -> Result<Option<i32>, DbErr> {
    Ok(Entity::find().filter(Column::Folded.eq(key)).all(db).await?.pop().map(|row| row.user_id))
}

/// Replaces the folded names of a user.
pub(super) async fn replace(db: &impl ConnectionTrait, keys: &[String], user_id: i32) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::UserId.eq(user_id)).exec(db).await?;
    for key in keys {
        insert(db, key, user_id).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_ambiguous_in_a_path_is_rejected() {
        assert_eq!(lookup_keys("007", ""), Err(NameError::Digits("007".into())));
        assert_eq!(lookup_keys("Current", ""), Err(NameError::Reserved("Current".into())));
        assert_eq!(lookup_keys("anna", "DEFAULT"), Err(NameError::Reserved("DEFAULT".into())));
        assert_eq!(lookup_keys("..", ""), Err(NameError::Reserved("..".into())));
    }

    #[test]
    fn equal_names_share_one_key() {
        assert_eq!(lookup_keys("Anna", "ANNA"), Ok(vec!["anna".to_owned()]));
        assert_eq!(lookup_keys("Anna", "anna@example.com"), Ok(vec!["anna".to_owned(), "anna@example.com".to_owned()]));
    }

    #[test]
    fn composed_and_decomposed_letters_are_equal() {
        assert_eq!(fold("André"), fold("ANDRE\u{301}"));
    }

    #[test]
    fn a_name_that_could_not_log_in_is_rejected() {
        assert_eq!(lookup_keys("a:b", ""), Err(NameError::Colon));
        assert_eq!(lookup_keys("a\nb", ""), Err(NameError::Invisible));
        assert_eq!(lookup_keys("adm\u{200b}in", ""), Err(NameError::Invisible));
        assert_eq!(lookup_keys(" admin", ""), Err(NameError::Blank));
        assert_eq!(lookup_keys(" ", ""), Err(NameError::Empty));
        assert!(matches!(lookup_keys(&"a".repeat(240), ""), Err(NameError::TooLong(_))));
        assert!(matches!(lookup_keys(&"\u{fdfa}".repeat(15), ""), Err(NameError::TooLong(_))), "it folds to 270");
        assert!(lookup_keys(&"\u{fdfa}".repeat(14), "").is_ok());
    }
}
