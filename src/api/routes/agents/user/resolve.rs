//! Finds or creates users from what another system knows of them.

use poem_openapi::{Object, OpenApi, types::ToJSON};
use serde_json::{Map, Value, json};

use super::{credentials::check_type, read_user_error::ReadUserError};
use crate::{
    api::{
        extract::{
            json_body::{JsonBody, PartialUpdate, parse},
            json_edit::{blank, save},
        },
        models::{Credential, CredentialType, ResolvedUser, User, UserType},
        openapi::{error_responses::ErrorResponse, tags::Tag},
        respond::format::{Formatted, ResponseFormat},
        routes::create_user::{BlankUserError, CreateNewUserError},
    },
    auth::AgentCaller,
    error::Error,
    store::Store,
    users::{self, UserService, known_person, person, user_details},
};

#[derive(Default)]
pub struct Resolve;

/// A user of SuperOffice Service by id.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetUserFromEjUserIdRequest {
    /// The id in SuperOffice Service (`EjUserId`).
    ej_user_id: i32,
}

/// A type of user, and a credential of the user.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct CreateDefaultUserFromUserTypeAndCredentialRequest {
    /// The type of user.
    user_type: UserType,
    /// The id of the company of the user's person.
    #[oai(nullable)]
    contact_id: Option<i32>,
    /// The type of the credential: `CRM5/PASSWORD`.
    credential_type: String,
    /// The password.
    credential_value: String,
    /// A text that describes the credential without the secret.
    #[oai(nullable)]
    credential_display_value: Option<String>,
}

/// What is known of a user.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct ResolveUserFromInfoRequest {
    /// The id of the company of the user's person; 0 or omitted: any.
    #[oai(nullable)]
    contact_id: Option<i32>,
    /// The full name of the person. It finds a person only within a company.
    #[oai(nullable)]
    person_name: Option<String>,
    /// The phone numbers of the person, for a person that is created. The first one is kept.
    #[oai(nullable)]
    phone_numbers: Option<Vec<String>>,
    /// The e-mail addresses of the person.
    #[oai(nullable)]
    emails: Option<Vec<String>>,
    /// The type of user.
    user_type: UserType,
    /// The password of a user that is created.
    #[oai(nullable)]
    credential: Option<PartialUpdate<Credential>>,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Resolve {
    /// Get the users of an id in SuperOffice Service
    ///
    /// Returns the users with this EjUserId that the caller may see.
    #[oai(path = "/GetUserFromEjUserId", method = "post", operation_id = "v1UserAgent_GetUserFromEjUserId")]
    async fn get_from_ej_user_id(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetUserFromEjUserIdRequest>,
    ) -> Result<Formatted<Vec<User>>, ErrorResponse<ReadUserError>> {
        let ej_user_id = body.0.ej_user_id;
        // 0 stands for users who are not in SuperOffice Service.
        if ej_user_id == 0 {
            return Ok(format.answer(Vec::new()));
        }
        let only = (!caller.may_read_others()).then_some(caller.user_id);
        let found = user_details::list_by_ej_user_id(store.reader(), ej_user_id, only).await?;
        Ok(format.answer(found.into_iter().map(Into::into).collect()))
    }

    /// Get a default user with a credential
    ///
    /// Returns a new user of this type with this password, to be completed and saved. Nothing is stored.
    #[oai(
        path = "/CreateDefaultUserFromUserTypeAndCredential",
        method = "post",
        operation_id = "v1UserAgent_CreateDefaultUserFromUserTypeAndCredential"
    )]
    async fn create_default_with_credential(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<CreateDefaultUserFromUserTypeAndCredentialRequest>,
    ) -> Result<Formatted<User>, ErrorResponse<BlankUserError>> {
        let JsonBody(request) = body;
        check_type(&request.credential_type)?;
        let mut user = blank(service, &caller, request.user_type, 0).await?;
        user.person.contact_id = request.contact_id.unwrap_or_default();
        let display_value = request.credential_display_value.unwrap_or_default();
        let value = Some(request.credential_value);
        user.credentials = vec![Credential { value, display_value, ..Credential::blank(CredentialType::password()) }];
        Ok(format.answer(user))
    }

    /// Find or create a user
    ///
    /// Returns the user of this type of a person with one of these e-mail addresses, or with this name in this company. When
    /// there is no such user, a user is created, and a person if there is none. When such a user is retired, the request is
    /// refused. Only for callers who may manage users.
    #[oai(path = "/ResolveUserFromInfo", method = "post", operation_id = "v1UserAgent_ResolveUserFromInfo")]
    async fn resolve(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<ResolveUserFromInfoRequest>,
    ) -> Result<Formatted<ResolvedUser>, ErrorResponse<CreateNewUserError>> {
        if !caller.may_manage_others() {
            return Err(Error::MayNotManageUser.into());
        }
        let JsonBody(request) = body;
        let user_type = users::UserType::try_from(request.user_type).unwrap_or(users::UserType::InternalAssociate);
        let persons = request.find_persons(service).await?;
        let mut former = None;
        for person in &persons {
            let users = user_details::list_by_person(service.store.reader(), person.id).await?;
            let mut fitting = users.into_iter().filter(|details| details.user.user.user_type == user_type);
            let found = fitting.find(|details| {
                former = former.or(details.user.is_retired().then_some(details.user.user.id));
                !details.user.is_retired()
            });
            if let Some(found) = found {
                return Ok(format.answer(ResolvedUser::new(found.into(), false)));
            }
        }
        if let Some(id) = former {
            let message = format!("UserType: the user {id} of this person is retired; reactivate that user first");
            return Err(Error::Validation(message).into());
        }
        let person = persons.into_iter().find(|person| !person.retired);
        let is_new_person = person.is_none();
        let user = save(service, &caller, request.new_user(service, user_type, person).await?).await?;
        Ok(format.answer(ResolvedUser::new(user, is_new_person)))
    }
}

impl ResolveUserFromInfoRequest {
    async fn find_persons(&self, service: &UserService) -> Result<Vec<person::Model>, Error> {
        let db = service.store.reader();
        let contact_id = self.contact_id.filter(|id| *id != 0);
        let emails: Vec<&str> = self.emails().collect();
        let found = known_person::by_email(db, &emails, contact_id).await?;
        match (self.name(), contact_id) {
            (Some(name), Some(contact_id)) if found.is_empty() => {
                Ok(known_person::by_name(db, name, contact_id).await?)
            }
            _ => Ok(found),
        }
    }

    fn name(&self) -> Option<&str> {
        self.person_name.as_deref().map(str::trim).filter(|name| !name.is_empty())
    }

    fn emails(&self) -> impl Iterator<Item = &str> {
        self.emails.iter().flatten().map(|email| email.trim()).filter(|email| !email.is_empty())
    }

    /// The user to create: named after the e-mail address or the person.
    async fn new_user(
        self,
        service: &UserService,
        user_type: users::UserType,
        person: Option<person::Model>,
    ) -> Result<PartialUpdate<User>, Error> {
        let wish = self.emails().next().or_else(|| self.name()).map(str::to_owned);
        let person_name = person.as_ref().map(person::Model::full_name);
        let Some(wish) = wish.or(person_name) else {
            let message = "Body: PersonName or Emails is needed to find or create a user.";
            return Err(Error::InvalidArgument(message.to_owned()));
        };
        let name = users::suggest_name(service.store.reader(), &wish, 0).await?;
        let person = match person {
            Some(person) => json!({"PersonId": person.id}),
            None => {
                let phone = self.phone_numbers.iter().flatten().next().cloned().unwrap_or_default();
                let email = self.emails().next().unwrap_or_default();
                let full_name = self.name().unwrap_or(&wish);
                let contact_id = self.contact_id.unwrap_or_default();
                json!({"FullName": full_name, "Email": email, "DirectPhone": phone, "ContactId": contact_id})
            }
        };
        let mut user = Map::from_iter([
            ("Type".to_owned(), UserType::from(user_type).to_json().unwrap_or_default()),
            ("Name".to_owned(), name.into()),
            ("Person".to_owned(), person),
        ]);
        if let Some(credential) = self.credential {
            check_type(credential.text("/Type/Type").unwrap_or_default())?;
            user.insert("Credentials".to_owned(), json!([Value::Object(credential.into_members())]));
        }
        parse(Value::Object(user))
    }
}
