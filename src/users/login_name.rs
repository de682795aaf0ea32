//! The names that find a user. Name and UserName share one key space, through one folded column.

use sea_orm::{Set, entity::prelude::*};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "login_names")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub folded: String,
    pub user_id: i32,
}

impl ActiveModelBehavior for ActiveModel {}

/// The literal segments that stand where a user name can stand in a path (contract §1.1), folded.
const LITERAL_SEGMENTS: [&str; 8] = [
    "credentialtypes",
    "current",
    "currentassociate",
    "currentprincipal",
    "currenttoken",
    "customfield",
    "default",
    "validate",
];
const LONGEST_NAME: usize = 239;
const LONGEST_USER_NAME: usize = 254;

/// Why something cannot be the name of a user.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("the name is empty")]
    Empty,
    #[error("the name has more than {0} characters")]
    TooLong(usize),
    #[error("{0} consists of digits only; in a path that would be an id")]
    Digits(String),
    #[error("{0} is a word of the API's own paths and cannot name a user")]
    Reserved(String),
    #[error("the name contains a control character")]
    ControlCharacter,
    #[error("the name contains a colon, which separates it from the password")]
    Colon,
}

/// The form in which names are compared: without regard to case.
pub fn fold(name: &str) -> String {
    name.to_lowercase()
}

/// The keys of a user's names: one, or two when UserName is given and differs from Name.
pub(super) fn keys(name: &str, user_name: &str) -> Result<Vec<String>, NameError> {
    let mut keys = vec![key(name, LONGEST_NAME)?];
    if !user_name.is_empty() {
        keys.push(key(user_name, LONGEST_USER_NAME)?);
    }
    keys.dedup();
    Ok(keys)
}

fn key(name: &str, longest: usize) -> Result<String, NameError> {
    let folded = fold(name);
    if name.trim().is_empty() {
        Err(NameError::Empty)
    } else if name.chars().count() > longest {
        Err(NameError::TooLong(longest))
    } else if name.chars().any(char::is_control) {
        Err(NameError::ControlCharacter)
    } else if name.contains(':') {
        Err(NameError::Colon)
    } else if name.bytes().all(|byte| byte.is_ascii_digit()) {
        Err(NameError::Digits(name.to_owned()))
    } else if LITERAL_SEGMENTS.contains(&folded.as_str()) || [".", ".."].contains(&name) {
        Err(NameError::Reserved(name.to_owned()))
    } else {
        Ok(folded)
    }
}

pub(super) async fn insert(db: &impl ConnectionTrait, key: &str, user_id: i32) -> Result<(), DbErr> {
    let row = ActiveModel { folded: Set(key.to_owned()), user_id: Set(user_id) };
    Entity::insert(row).exec_without_returning(db).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_a_path_could_not_tell_from_something_else_is_refused() {
        assert_eq!(keys("007", ""), Err(NameError::Digits("007".into())));
        assert_eq!(keys("Current", ""), Err(NameError::Reserved("Current".into())));
        assert_eq!(keys("anna", "DEFAULT"), Err(NameError::Reserved("DEFAULT".into())));
        assert_eq!(keys("..", ""), Err(NameError::Reserved("..".into())));
    }

    #[test]
    fn equal_names_make_one_key() {
        assert_eq!(keys("Anna", "ANNA"), Ok(vec!["anna".to_owned()]));
        assert_eq!(keys("Anna", "anna@example.com"), Ok(vec!["anna".to_owned(), "anna@example.com".to_owned()]));
    }

    #[test]
    fn a_name_that_could_not_log_in_is_refused() {
        assert_eq!(keys("a:b", ""), Err(NameError::Colon));
        assert_eq!(keys("a\nb", ""), Err(NameError::ControlCharacter));
        assert_eq!(keys(" ", ""), Err(NameError::Empty));
        assert_eq!(keys(&"a".repeat(240), ""), Err(NameError::TooLong(239)));
    }
}
