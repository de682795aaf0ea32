//! Checks the inputs that a caller gave: all of them, so that the caller learns of every error at once.

use chrono::NaiveDate;
use sea_orm::DbErr;

use super::{
    definition::{DefaultValue, InputDefinition, InputDefinitions},
    given::{GivenInputs, Place},
    input_type::{InputType, Parsed},
    value::{InputValue, InputValues},
};
use crate::{
    clock,
    error::{Error, quoted},
    nearest,
    store::Store,
    users::{self, Caller, User, UserCache, role, user_group},
};

/// Maximum number of errors in one answer.
const MAX_ERRORS: usize = 20;

/// Why an input is refused.
struct InputError {
    name: String,
    /// The rest of a sentence that begins with the name.
    reason: String,
}

impl InputError {
    /// A sentence for the caller.
    fn text(&self) -> String {
        format!("{} {}.", quoted(&self.name), self.reason)
    }
}

/// Checks what a caller gave against the inputs of a definition, and looks up the users, groups and roles.
///
/// # Errors
/// [`Error::InvalidInputs`] with a sentence for each error.
pub async fn check(
    given: &GivenInputs,
    definitions: &InputDefinitions,
    caller: &Caller,
    users: &UserCache,
    store: &Store,
) -> Result<InputValues, Error> {
    let parsed = parse(given, definitions, clock::now().date_naive());
    let rows = Rows::read(&parsed.values, caller, users, store).await?;
    let ParsedInputs { values, mut errors } = parsed;
    let mut found = Vec::new();
    for (input, value) in values {
        let value = value.map(|value| rows.find(input, value)).transpose();
        match value {
            Ok(value) => found.push((input.name.clone(), value)),
            Err(reason) => errors.push(InputError { name: input.name.clone(), reason }),
        }
    }
    if errors.is_empty() {
        return Ok(InputValues::new(found));
    }
    let mut sentences: Vec<_> = errors.iter().take(MAX_ERRORS).map(InputError::text).collect();
    if errors.len() > MAX_ERRORS {
        sentences.push(format!("{} more.", errors.len() - MAX_ERRORS));
    }
    Err(Error::InvalidInputs(sentences.join(" ")))
}

/// The values of the right form, and the errors of the others.
struct ParsedInputs<'a> {
    values: Vec<(&'a InputDefinition, Option<Parsed>)>,
    errors: Vec<InputError>,
}

/// Everything that can be checked without the database.
fn parse<'a>(given: &GivenInputs, definitions: &'a InputDefinitions, today: NaiveDate) -> ParsedInputs<'a> {
    let error = |name: &str, reason: String| InputError { name: name.to_owned(), reason };
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for input in definitions.iter() {
        let mut all = given.iter().filter(|given| given.name.eq_ignore_ascii_case(&input.name));
        let value = all.next();
        if all.next().is_some() {
            errors.push(error(&input.name, "is given twice; send it once".to_owned()));
            continue;
        }
        let place = value.filter(|_| input.input_type.is_secret()).map(|given| given.place);
        let exposed = match place {
            Some(Place::Query) => Some("is a secret; send it in the body, because URLs are logged"),
            Some(Place::CommandLine) => Some("is a secret; pass it with --secret-stdin, so that no other user sees it"),
            Some(Place::Body) | None => None,
        };
        if let Some(reason) = exposed {
            errors.push(error(&input.name, reason.to_owned()));
            continue;
        }
        let value = value.filter(|given| !given.value.is_null()).map(|given| given.value.clone());
        let takes = || input.input_type.takes(today);
        if value.is_none()
            && let Some(DefaultValue::Name(name)) = &input.default
        {
            values.push((input, Some(Parsed::Name(name.clone()))));
            continue;
        }
        match value.or_else(|| input.default.as_ref().map(|default| default.value(today))) {
            None if input.is_required => errors.push(error(&input.name, format!("is missing; it {}", takes()))),
            None => values.push((input, None)),
            Some(value) => match input.input_type.parse(&value, today) {
                Some(parsed) => values.push((input, Some(parsed))),
                None => errors.push(error(&input.name, takes())),
            },
        }
    }
    let names = || definitions.iter().map(|input| input.name.as_str());
    for given in
        given.iter().filter(|given| !names().any(|name| name.eq_ignore_ascii_case(&given.name))).take(MAX_ERRORS)
    {
        let taken =
            if definitions.is_empty() { "no inputs".to_owned() } else { names().collect::<Vec<_>>().join(", ") };
        let suggestion = nearest::suggestion(&given.name, names());
        errors.push(error(&given.name, format!("is unknown{suggestion}; the command takes {taken}")));
    }
    ParsedInputs { values, errors }
}

/// The users, groups and roles that the inputs name.
#[derive(Default)]
struct Rows {
    users: Vec<User>,
    groups: Vec<user_group::Model>,
    roles: Vec<role::Model>,
}

impl Rows {
    async fn read(
        values: &[(&InputDefinition, Option<Parsed>)],
        caller: &Caller,
        users: &UserCache,
        store: &Store,
    ) -> Result<Self, DbErr> {
        let mut rows = Self::default();
        for (input, value) in values {
            match (&input.input_type, value) {
                (InputType::User, Some(Parsed::Id(id))) if caller.may_read(*id) => {
                    rows.users.extend(users.user(*id).await?.map(|user| User::clone(&user)));
                }
                (InputType::User, Some(Parsed::Name(name))) => {
                    let found = users::find_by_login(store.reader(), name).await?;
                    rows.users.extend(found.filter(|user| caller.may_read(user.user.id)));
                }
                (InputType::Group, Some(_)) if rows.groups.is_empty() => {
                    rows.groups = user_group::list(store.reader()).await?;
                }
                (InputType::Role, Some(_)) if rows.roles.is_empty() => rows.roles = role::list(store.reader()).await?,
                _ => {}
            }
        }
        Ok(rows)
    }

    /// The value of an input. The error is the end of a sentence that begins with the name of the input.
    fn find(&self, input: &InputDefinition, value: Parsed) -> Result<InputValue, String> {
        let takes = || input.input_type.takes(clock::now().date_naive());
        Ok(match (&input.input_type, value) {
            (InputType::User, Parsed::Id(id)) => self.user(|user| user.user.id == id).ok_or_else(takes)?,
            (InputType::User, Parsed::Name(name)) => {
                let folded = users::fold(&name);
                self.user(|user| user.is_called(&folded)).ok_or_else(takes)?
            }
            (InputType::Group, Parsed::Id(id)) => {
                self.groups.iter().find(|group| group.id == id && !group.deleted).map(of_group).ok_or_else(takes)?
            }
            (InputType::Group, Parsed::Name(name)) => {
                users::group_named(&self.groups, &name).map(of_group).map_err(|_| takes())?
            }
            (InputType::Role, Parsed::Id(id)) => {
                self.roles.iter().find(|role| role.id == id).map(of_role).ok_or_else(takes)?
            }
            (InputType::Role, Parsed::Name(name)) => {
                users::role_named(&self.roles, &name).map(of_role).map_err(|_| takes())?
            }
            (_, Parsed::Text(text) | Parsed::Name(text)) => InputValue::Text(text),
            (_, Parsed::Integer(number)) => InputValue::Integer(number),
            (_, Parsed::Id(id)) => InputValue::Integer(id.into()),
            (_, Parsed::Boolean(value)) => InputValue::Boolean(value),
            (_, Parsed::Date(date)) => InputValue::Date(date),
            (_, Parsed::Choice(choice)) => InputValue::Choice(choice),
            (_, Parsed::Secret(secret)) => InputValue::Secret(secret),
        })
    }

    /// An active user that the caller may see. Retired users and users that the caller may not see get the same answer.
    fn user(&self, is_it: impl Fn(&User) -> bool) -> Option<InputValue> {
        let found = self.users.iter().find(|user| is_it(user) && !user.is_retired());
        found.map(|user| InputValue::User { id: user.user.id, name: user.full_name() })
    }
}

fn of_group(group: &user_group::Model) -> InputValue {
    InputValue::Group { id: group.id, name: group.name.clone() }
}

fn of_role(role: &role::Model) -> InputValue {
    InputValue::Role { id: role.id, name: role.name.clone(), rank: role.rank }
}
