//! External users: creating, changing and deactivating them with their password.

use std::borrow::Cow;

use poem_openapi::{
    Enum, Object, OpenApi,
    registry::{MetaSchemaRef, Registry},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde_json::{Map, Value, json};

use super::{
    credentials::SetPasswordError,
    requests::{AssociateNameRequest, AssociateRequest},
};
use crate::{
    api::{
        extract::{
            json_body::{JsonBody, PartialUpdate, parse},
            json_edit::save,
        },
        models::User,
        openapi::{
            error_responses::{Done, ErrorResponse},
            tags::Tag,
        },
        respond::format::{Formatted, ResponseFormat},
        routes::{
            create_user::{CreateNewUserError, CreateUserError},
            update_user::DeleteUserError,
        },
    },
    auth::AgentCaller,
    error::Error,
    users::{self, Caller, Precondition, UserRef, UserService, UserType, credential},
};

#[derive(Default)]
pub struct ExternalUsers;

/// A new external user.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct CreateExternalUserRequest {
    /// The id of the user's person; a new person when omitted or 0.
    #[oai(nullable)]
    person_id: Option<i32>,
    /// The name to log in with, which also becomes the Name.
    user_name: String,
    /// The password.
    password: String,
    /// The id of the role; the default role of external users when omitted or 0.
    #[oai(nullable)]
    role_id: Option<i32>,
    /// Whether the user can log in; true when omitted.
    #[oai(nullable)]
    is_active: Option<bool>,
}

/// New values for an external user, and which of them count.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct SetExternalUserInfoRequest {
    /// The id of the user.
    associate_id: i32,
    /// The new UserName. The Name changes with it while both are the same.
    #[oai(nullable)]
    user_name: Option<String>,
    /// The new password.
    #[oai(nullable)]
    password: Option<String>,
    /// Whether the user can log in.
    #[oai(nullable)]
    is_active: Option<bool>,
    /// The id of the new role.
    #[oai(nullable)]
    role_id: Option<i32>,
    /// Which of the values count: one name, or several separated by commas.
    external_user_info_modification: Modifications,
}

/// Which values of an external user change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ExternalUserInfoModification {
    Unknown,
    UserName,
    Password,
    Role,
    Active,
    All,
}

/// One or several values. Upstream's enum has flags, which its client sends as a number.
#[derive(Debug)]
pub struct Modifications(Vec<ExternalUserInfoModification>);

impl Type for Modifications {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        ExternalUserInfoModification::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        ExternalUserInfoModification::schema_ref()
    }

    fn register(registry: &mut Registry) {
        ExternalUserInfoModification::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

/// The coercion to the schema has already replaced numbers by names, and corrected their case.
impl ParseFromJSON for Modifications {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let Some(Value::String(names)) = value else { return Err(ParseError::expected_input()) };
        let one = |name: &str| ExternalUserInfoModification::parse_from_json(Some(name.trim().into()));
        let all: Result<_, _> = names.split(',').map(one).collect();
        all.map(Self).map_err(ParseError::propagate)
    }
}

impl ToJSON for Modifications {
    fn to_json(&self) -> Option<Value> {
        let names: Vec<_> = self.0.iter().filter_map(ToJSON::to_json).collect();
        Some(names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ").into())
    }
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl ExternalUsers {
    /// Create an external user
    ///
    /// Creates an external user with a password, and returns the id of the user.
    #[oai(path = "/CreateExternalUser", method = "post", operation_id = "v1UserAgent_CreateExternalUser")]
    async fn create(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<CreateExternalUserRequest>,
    ) -> Result<Formatted<i32>, ErrorResponse<CreateNewUserError>> {
        let JsonBody(request) = body;
        let mut user = Map::from_iter([
            ("Type".to_owned(), "ExternalAssociate".into()),
            ("Name".to_owned(), request.user_name.clone().into()),
            ("UserName".to_owned(), request.user_name.into()),
            ("Deleted".to_owned(), (!request.is_active.unwrap_or(true)).into()),
            credentials(&request.password)?,
        ]);
        user.extend(reference("Person", "PersonId", request.person_id));
        user.extend(reference("Role", "Id", request.role_id));
        Ok(format.answer(save(service, &caller, properties(user)?).await?.associate_id))
    }

    /// Deactivate an external user
    ///
    /// Deactivates an external user and deletes the tickets of the user.
    #[oai(path = "/DeleteExternalUser", method = "post", operation_id = "v1UserAgent_DeleteExternalUser")]
    async fn delete(
        &self,
        caller: AgentCaller,
        service: &UserService,
        body: JsonBody<AssociateRequest>,
    ) -> Result<Done, ErrorResponse<DeleteUserError>> {
        let user = UserRef::Id(body.0.associate_id);
        find_external(service, &caller, &user).await?;
        service.set_retired(&caller, user, true, Precondition::default()).await?;
        Ok(Done::NoContent)
    }

    /// Change an external user
    ///
    /// Changes those of the values of an external user that ExternalUserInfoModification names.
    #[oai(path = "/SetExternalUserInfo", method = "post", operation_id = "v1UserAgent_SetExternalUserInfo")]
    async fn set_info(
        &self,
        caller: AgentCaller,
        service: &UserService,
        body: JsonBody<SetExternalUserInfoRequest>,
    ) -> Result<Done, ErrorResponse<CreateUserError>> {
        let JsonBody(request) = body;
        let id = request.associate_id;
        let present = find_external(service, &caller, &UserRef::Id(id)).await?;
        let mut user = request.changes()?;
        // The Name of a user made by CreateExternalUser is the UserName, and both can log in.
        if let Some(user_name) = user.get("UserName").filter(|_| present.user.name == present.user.user_name) {
            user.insert("Name".to_owned(), user_name.clone());
        }
        user.insert("AssociateId".to_owned(), id.into());
        save(service, &caller, properties(user)?).await?;
        Ok(Done::NoContent)
    }

    /// Generate a password for an external user
    ///
    /// Sets a generated password for the external user with this Name or UserName, and returns it.
    #[oai(
        path = "/GenerateNewPasswordForExternalUser",
        method = "post",
        operation_id = "v1UserAgent_GenerateNewPasswordForExternalUser"
    )]
    async fn generate_password(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<AssociateNameRequest>,
    ) -> Result<Formatted<String>, ErrorResponse<SetPasswordError>> {
        let user = UserRef::Name(body.0.associate_name);
        find_external(service, &caller, &user).await?;
        Ok(format.answer(service.set_generated_password(&caller, user).await?))
    }
}

impl SetExternalUserInfoRequest {
    /// The properties that change.
    fn changes(self) -> Result<Map<String, Value>, Error> {
        use ExternalUserInfoModification as Part;
        let Modifications(parts) = self.external_user_info_modification;
        let counts = |one: Part| parts.contains(&one) || parts.contains(&Part::All);
        if parts.contains(&Part::Unknown) {
            let message = "Body: ExternalUserInfoModification must be UserName, Password, Role, Active or All, or some of \
                           them separated by commas.";
            return Err(Error::InvalidArgument(message.to_owned()));
        }
        let missing = |name: &str| Error::InvalidArgument(format!("Body: {name} is missing."));
        let mut user = Map::new();
        if counts(Part::UserName) {
            user.insert("UserName".to_owned(), self.user_name.ok_or_else(|| missing("UserName"))?.into());
        }
        if counts(Part::Password) {
            user.extend([credentials(&self.password.ok_or_else(|| missing("Password"))?)?]);
        }
        if counts(Part::Role) {
            let role_id = self.role_id.filter(|id| *id != 0).ok_or_else(|| missing("RoleId"))?;
            user.extend(reference("Role", "Id", Some(role_id)));
        }
        if counts(Part::Active) {
            user.insert("Deleted".to_owned(), (!self.is_active.ok_or_else(|| missing("IsActive"))?).into());
        }
        Ok(user)
    }
}

/// Only external users are changed here.
async fn find_external(service: &UserService, caller: &Caller, user: &UserRef) -> Result<users::User, Error> {
    let found = service.find_manageable(caller, user).await?;
    match found.user.user_type {
        UserType::ExternalAssociate => Ok(found),
        _ => Err(Error::Validation(format!("the user {} is not an external user", found.user.id))),
    }
}

fn properties(user: Map<String, Value>) -> Result<PartialUpdate<User>, Error> {
    parse(Value::Object(user))
}

fn credentials(password: &str) -> Result<(String, Value), Error> {
    if password.is_empty() {
        return Err(Error::InvalidArgument("Body: Password is empty.".to_owned()));
    }
    Ok(("Credentials".to_owned(), json!([{"Type": {"Type": credential::PASSWORD}, "Value": password}])))
}

/// A reference by id; none for 0.
fn reference(property: &str, key: &str, id: Option<i32>) -> Option<(String, Value)> {
    let id = id.filter(|id| *id != 0)?;
    Some((property.to_owned(), json!({key: id})))
}
