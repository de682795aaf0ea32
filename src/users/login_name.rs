//! The names that find a user. Name and UserName share one key space, through one folded column.

use sea_orm::{QuerySelect, QueryTrait, Set, entity::prelude::*, sea_query::SelectStatement};
use unicode_normalization::UnicodeNormalization;

use super::limits::{self, TooLong};

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

/// Why something cannot be the name of a user.
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
    #[error("the name contains a character that cannot be seen")]
    Invisible,
    #[error("the name begins or ends with a blank")]
    Blank,
    #[error("the name contains a colon, which separates it from the password")]
    Colon,
}

/// The form in which names are compared: without regard to case, and to how a letter is put together.
pub fn fold(name: &str) -> String {
    name.nfkc().collect::<String>().to_lowercase()
}

/// The name is a word of the API's own paths: no user can have it.
pub fn is_reserved(name: &str) -> bool {
    LITERAL_SEGMENTS.contains(&fold(name).as_str())
}

/// Control characters, and the format characters that make two names look alike.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The keys of a user's names: one, or two when UserName is given and differs from Name.
pub(super) fn keys(name: &str, user_name: &str) -> Result<Vec<String>, NameError> {
    let mut keys = vec![key(name, limits::NAME)?];
    if !user_name.is_empty() {
        keys.push(key(user_name, limits::USER_NAME)?);
    }
    keys.dedup();
    Ok(keys)
}

pub(super) fn key(name: &str, longest: usize) -> Result<String, NameError> {
    limits::check("name", name, longest)?;
    let folded = fold(name);
    // Some characters fold to many: U+FDFA to 18.
    limits::check("folded name", &folded, limits::USER_NAME)?;
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

/// Why this user, or with the id 0 a new one, cannot have a name, if so.
///
/// # Errors
/// The database does not answer.
pub async fn fault_of_name(db: &impl ConnectionTrait, name: &str, id: i32) -> Result<Option<String>, DbErr> {
    match key(name, limits::NAME) {
        Err(error) => Ok(Some(error.to_string())),
        Ok(key) => {
            let is_taken = owner(db, &key).await?.is_some_and(|owner| owner != id);
            Ok(is_taken.then(|| format!("`{name}` is another user's Name or UserName")))
        }
    }
}

/// The name nearest to a wish that this user, or with the id 0 a new one, can have.
///
/// # Errors
/// The database does not answer.
pub async fn suggest_name(db: &impl ConnectionTrait, wish: &str, id: i32) -> Result<String, DbErr> {
    let fits = |character: &char| !is_invisible(*character) && !character.is_whitespace() && *character != ':';
    let wish: String = wish.chars().filter(fits).take(limits::NAME - 10).collect();
    let is_name = key(&wish, limits::NAME).is_ok();
    let base = if is_name { wish } else { format!("user{wish}") };
    let mut name = base.clone();
    let mut number = 1;
    while fault_of_name(db, &name, id).await?.is_some() {
        number += 1;
        name = format!("{base}{number}");
    }
    Ok(name)
}

/// The id of the user whose Name or UserName this is, without regard to case.
pub(super) fn ids(name: &str) -> SelectStatement {
    Entity::find().select_only().column(Column::UserId).filter(Column::Folded.eq(fold(name))).into_query()
}

/// The user whose Name or UserName has this key.
pub(super) async fn owner(db: &impl ConnectionTrait, key: &str) -> Result<Option<i32>, DbErr> {
    Ok(Entity::find().filter(Column::Folded.eq(key)).all(db).await?.pop().map(|row| row.user_id))
}

/// Gives a user these keys in place of all others.
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
    fn letters_put_together_differently_are_the_same() {
        assert_eq!(fold("André"), fold("ANDRE\u{301}"));
    }

    #[test]
    fn a_name_that_could_not_log_in_is_refused() {
        assert_eq!(keys("a:b", ""), Err(NameError::Colon));
        assert_eq!(keys("a\nb", ""), Err(NameError::Invisible));
        assert_eq!(keys("adm\u{200b}in", ""), Err(NameError::Invisible));
        assert_eq!(keys(" admin", ""), Err(NameError::Blank));
        assert_eq!(keys(" ", ""), Err(NameError::Empty));
        assert!(matches!(keys(&"a".repeat(240), ""), Err(NameError::TooLong(_))));
        assert!(matches!(keys(&"\u{fdfa}".repeat(15), ""), Err(NameError::TooLong(_))), "it folds to 270");
        assert!(keys(&"\u{fdfa}".repeat(14), "").is_ok());
    }
}
