//! `SoPrincipalCarrier`: the logged-in user with role and rights (docs/upstream.md §2).

use poem_openapi::{Object, types::Example};

use super::{EjUserStatus, RoleType, UserType, examples, license::GrantedModuleLicense};
use crate::users::{User, user_group};

/// The logged-in user.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", example)]
pub struct SoPrincipalCarrier {
    /// The type of the user.
    pub user_type: UserType,
    /// The short name.
    pub associate: String,
    /// The id of the user.
    pub associate_id: i32,
    /// True when the user has a person.
    pub is_person: bool,
    /// The id of the person; 0 for none.
    pub person_id: i32,
    /// The id of the country.
    pub country_id: i32,
    /// The country of the installation; always 0.
    pub home_country_id: i32,
    /// The id of the company.
    pub contact_id: i32,
    /// The id of the main group.
    pub group_id: i32,
    /// Always 0.
    pub business_id: i32,
    /// Always 0.
    pub category_id: i32,
    /// Always 0.
    pub contact_owner: i32,
    /// The id of the role.
    pub role_id: i32,
    /// The name of the role.
    pub role_name: String,
    /// The description of the role.
    pub role_description: String,
    /// The type of users that the role is for.
    pub role_type: RoleType,
    /// Always empty: this server has no licenses.
    pub licenses: Vec<GrantedModuleLicense>,
    /// The full name.
    pub full_name: String,
    /// The e-mail address.
    #[oai(rename = "EMailAddress")]
    pub email_address: String,
    /// The names of the role's function rights, sorted.
    pub function_rights: Vec<String>,
    /// The id of the user in SuperOffice Service.
    pub ej_user_id: i32,
    /// Always 0.
    pub ej_access_level: i32,
    /// The presence of the user.
    pub ej_user_status: EjUserStatus,
    /// Always empty.
    pub provided_credentials: Vec<ProvidedCredential>,
    /// The ids of the other groups.
    pub secondary_groups: Vec<i32>,
    /// Always empty.
    pub database_context_identifier: String,
    /// The name to log in with.
    pub user_name: String,
}

/// A credential that the user logged in with.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct ProvidedCredential {
    /// The type of the credential.
    pub r#type: String,
    /// The name that the credential is searched by.
    pub search_name: String,
    /// The display name of the credential.
    pub display_name: String,
    /// The id of the credential.
    pub credential_id: i32,
}

impl SoPrincipalCarrier {
    /// The principal of a user.
    pub fn new(user: User, other_groups: &[user_group::Model]) -> Self {
        let full_name = user.full_name();
        let User { user, role, group, person } = user;
        let mut function_rights: Vec<_> = role.function_rights.0.iter().map(|right| right.name().to_owned()).collect();
        function_rights.sort();
        let person = person.unwrap_or_default();
        Self {
            user_type: user.user_type.into(),
            associate: user.name,
            associate_id: user.id,
            is_person: user.person_id.is_some(),
            person_id: person.id,
            country_id: person.country_id,
            home_country_id: 0,
            contact_id: person.contact_id,
            group_id: group.id,
            business_id: 0,
            category_id: 0,
            contact_owner: 0,
            role_id: role.id,
            role_name: role.name,
            role_description: role.tooltip,
            role_type: role.role_type.into(),
            licenses: Vec::new(),
            full_name,
            email_address: person.email,
            function_rights,
            ej_user_id: user.ej_user_id,
            ej_access_level: 0,
            ej_user_status: user.presence_status.into(),
            provided_credentials: Vec::new(),
            secondary_groups: other_groups.iter().map(|group| group.id).collect(),
            database_context_identifier: String::new(),
            user_name: user.user_name,
        }
    }
}

impl Example for SoPrincipalCarrier {
    fn example() -> Self {
        Self::new(examples::user(), &[])
    }
}
