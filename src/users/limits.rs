//! How long texts may be, in characters: upstream's column limits (contract §2.2).

pub const NAME: usize = 239;
pub const USER_NAME: usize = 254;
pub const TOOLTIP: usize = 254;
pub const NICK_NAME: usize = 254;
pub const PRESENCE_MESSAGE: usize = 254;
pub const PERSON_NAME: usize = 99;
pub const PERSON_TITLE: usize = 239;
pub const PERSON_DESCRIPTION: usize = 2047;
pub const ADDRESS: usize = 254;

/// A text that does not fit its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {field} has more than {longest} characters")]
pub struct TooLong {
    field: &'static str,
    longest: usize,
}

/// Holds a text against its limit: SQLite itself would store any.
///
/// # Errors
/// It is longer.
pub fn check(field: &'static str, text: &str, longest: usize) -> Result<(), TooLong> {
    if text.chars().count() > longest { Err(TooLong { field, longest }) } else { Ok(()) }
}
