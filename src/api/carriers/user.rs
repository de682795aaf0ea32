//! The `User` carrier and what it consists of, in upstream's order (contract §2).

use std::collections::BTreeMap;

use poem_openapi::{Enum, Object, types::Example};

use super::{
    CustomCommand,
    names::UserType,
    rights::{FieldProperties, TableRight},
    sample,
};
use crate::{
    api::wire,
    users::{self, credential, person, role, user_group},
};

/// A user: upstream calls it an associate.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", example)]
pub struct User {
    /// The user's id.
    pub associate_id: i32,
    /// The short name; unique among all names and user names.
    pub name: String,
    /// Where it stands in lists.
    pub rank: i32,
    /// A hint about the user.
    pub tooltip: String,
    /// Always empty: this server has no licences.
    pub license_owners: Vec<LicenseOwner>,
    /// What the user may do.
    pub role: Option<Role>,
    /// The main group.
    pub user_group: Option<UserGroup>,
    /// The groups besides the main one.
    pub other_groups: Vec<UserGroup>,
    /// The person behind the user.
    pub person: Option<Person>,
    /// The user has no access any more.
    pub deleted: bool,
    /// When the user last got a ticket, as `2026-11-23T14:52:00`; `0001-01-01T00:00:00` for never.
    pub lastlogin: String,
    /// When the user last logged out; `0001-01-01T00:00:00` for never.
    pub lastlogout: String,
    /// The id in Service; 0 for a user who is not there.
    pub ej_user_id: i32,
    /// Always empty.
    pub request_signature: String,
    /// What kind of user this is.
    pub r#type: UserType,
    /// The person behind the user is retired.
    pub is_person_retired: bool,
    /// The user works away from the office.
    pub is_on_travel: bool,
    /// The ways to log in; never the secrets.
    pub credentials: Vec<Credential>,
    /// The name to log in with, often an e-mail address.
    pub user_name: String,
    /// Always empty: this server has no tickets of that kind.
    pub ticket_categories: Vec<MdoListItem>,
    /// The name shown in Service.
    pub nick_name: String,
    /// The user may not log in to Service yet.
    pub waiting_for_approval: bool,
    /// Extra fields by name; superseded by CustomFields.
    pub extra_fields: BTreeMap<String, String>,
    /// Custom fields by name.
    pub custom_fields: BTreeMap<String, String>,
    /// Commands to run after a save; always empty.
    pub post_save_commands: Vec<CustomCommand>,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A user, with links.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(example)]
pub struct UserWithLinks {
    #[oai(flatten)]
    pub user: User,
    /// Absolute addresses: `Self` of this user, `Archive` of all.
    #[oai(rename = "_Links")]
    pub links: BTreeMap<String, String>,
}

/// What a user may do.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct Role {
    /// The role's id.
    pub id: i32,
    /// Its name.
    pub value: String,
    /// A hint about it.
    pub tooltip: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A group of users.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct UserGroup {
    /// Its name.
    pub value: String,
    /// A hint about it.
    pub tooltip: String,
    /// The group's id.
    pub id: i32,
    /// Where it stands in lists.
    pub rank: i32,
    /// It is no longer used.
    pub deleted: bool,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// The person behind a user.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct Person {
    /// The position.
    pub position: String,
    /// The person's id.
    pub person_id: i32,
    /// Mr, Mrs, …
    pub mrmrs: String,
    /// First name.
    pub firstname: String,
    /// Last name.
    pub lastname: String,
    /// Middle name.
    pub middle_name: String,
    /// Title, such as `Account manager`.
    pub title: String,
    /// A description.
    pub description: String,
    /// E-mail address.
    pub email: String,
    /// First, middle and last name.
    pub full_name: String,
    /// Direct phone number.
    pub direct_phone: String,
    /// The full name with Mr or Mrs before it.
    pub formal_name: String,
    /// The country.
    pub country_id: i32,
    /// The company.
    pub contact_id: i32,
    /// The company's name.
    pub contact_name: String,
    /// 1 when retired, else 0.
    pub retired: i32,
    /// Where it stands in lists.
    pub rank: i32,
    /// Always 0.
    pub active_interests: i32,
    /// The company's department.
    pub contact_department: String,
    /// Always 0.
    pub contact_country_id: i32,
    /// Always empty.
    pub contact_org_nr: String,
    /// Always empty.
    pub fax_phone: String,
    /// Mobile phone number.
    pub mobile_phone: String,
    /// Always empty.
    pub contact_phone: String,
    /// The user's short name.
    pub associate_name: String,
    /// The user's id.
    pub associate_id: i32,
    /// Always false.
    pub use_person_address: bool,
    /// Always empty.
    pub contact_fax: String,
    /// Always empty.
    pub kanafname: String,
    /// Always empty.
    pub kanalname: String,
    /// Always empty.
    pub post1: String,
    /// Always empty.
    pub post2: String,
    /// Always empty.
    pub post3: String,
    /// Always empty.
    pub email_name: String,
    /// The company's name and department.
    pub contact_full_name: String,
    /// Always 0.
    pub active_erp_links: i32,
    /// Always 0.
    pub ticket_priority_id: i32,
    /// Always 0.
    pub support_language_id: i32,
    /// Always 0.
    pub support_associate_id: i32,
    /// Always empty.
    pub category_name: String,
    /// Always empty.
    pub person_number: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A way to prove who one is.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct Credential {
    /// What kind of credential it is.
    pub r#type: CredentialType,
    /// Always null: secrets are not told.
    pub value: Option<String>,
    /// What to show of it.
    pub display_value: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", rename = "MDOListItem")]
pub struct MdoListItem {
    /// Its id.
    pub id: i32,
    /// Its name.
    pub name: String,
    /// A hint about it.
    pub tool_tip: String,
    /// It is no longer used.
    pub deleted: bool,
    /// Where it stands.
    pub rank: i32,
    /// What kind of item it is.
    pub r#type: String,
    /// The items below it.
    pub child_items: Vec<MdoListItem>,
    /// Which icon to show.
    pub icon_hint: String,
    /// Which colour to show.
    pub color_block: i32,
    /// More about it.
    pub extra_info: String,
    /// Which style to show it in.
    pub style_hint: String,
    /// Its name with those of the items above it.
    pub full_name: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// Somebody who sells licences.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct LicenseOwner {
    /// Who.
    pub name: String,
    /// More about the seller.
    pub description: String,
    /// Licences that are counted.
    pub restricted_module_licenses: Vec<ModuleLicenseLink>,
    /// Licences that are not.
    pub unrestricted_module_licenses: Vec<ModuleLicenseLink>,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A licence of a module.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct ModuleLicenseLink {
    /// It is not counted.
    pub unrestricted: bool,
    /// How many there are.
    pub total: i32,
    /// A hint about it.
    pub tooltip: String,
    /// It can be given to a user.
    pub can_assign: bool,
    /// How many are left.
    pub free: i32,
    /// How many are taken.
    pub in_use: i32,
    /// It is not shown.
    pub is_hidden: bool,
    /// The user has it.
    pub assigned: bool,
    /// Its id.
    pub module_license_id: i32,
    /// Its name.
    pub name: String,
    /// More about it.
    pub description: String,
    /// The module it needs.
    pub prerequisite_module_name: String,
    /// Where it stands.
    pub sort_order: i32,
    /// 1 for a user plan.
    pub extra_flags: i32,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A kind of credential.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct CredentialType {
    /// What to call it.
    pub display_type: String,
    /// Its name, such as `CRM5/PASSWORD`.
    pub r#type: String,
    /// What it is.
    pub description: String,
    /// How its value is entered.
    pub value_control: ValueControl,
    /// A person can be made from it.
    pub can_create_person: bool,
    /// It goes with a user name.
    pub is_user_name_supported: bool,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// How the value of a credential is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ValueControl {
    Static,
    Edit,
    Password,
    Link,
    Hidden,
}

impl User {
    /// The carrier of a user, with what stands in other tables.
    pub fn new(found: users::User, other_groups: Vec<user_group::Model>, credentials: Vec<credential::Model>) -> Self {
        let is_person_retired = found.is_person_retired();
        let users::User { user, role, group, person } = found;
        Self {
            person: person.map(|person| Person::new(person, user.id, &user.name)),
            associate_id: user.id,
            name: user.name,
            rank: user.rank,
            tooltip: user.tooltip,
            license_owners: Vec::new(),
            role: Some(role.into()),
            user_group: Some(group.into()),
            other_groups: other_groups.into_iter().map(Into::into).collect(),
            deleted: user.deleted,
            lastlogin: wire::date_time(user.last_login),
            lastlogout: wire::date_time(user.last_logout),
            ej_user_id: user.ej_user_id,
            request_signature: String::new(),
            r#type: user.user_type.into(),
            is_person_retired,
            is_on_travel: user.is_on_travel,
            credentials: credentials.into_iter().map(Into::into).collect(),
            user_name: user.user_name,
            ticket_categories: Vec::new(),
            nick_name: user.nick_name,
            waiting_for_approval: user.waiting_for_approval,
            extra_fields: user.extra_fields.0,
            custom_fields: user.custom_fields.0,
            post_save_commands: Vec::new(),
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl UserWithLinks {
    /// Links are absolute, with the entity in lower case, as upstream's are (contract §1.1).
    pub fn new(user: User, base: &str) -> Self {
        let archive = format!("{base}/api/v1/user");
        let own = format!("{archive}/{}", user.associate_id);
        Self { user, links: BTreeMap::from([("Archive".to_owned(), archive), ("Self".to_owned(), own)]) }
    }
}

impl Person {
    fn new(person: person::Model, associate_id: i32, associate_name: &str) -> Self {
        let full_name = person.full_name();
        let joined = |separator, parts: [&str; 2]| {
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(separator)
        };
        Self {
            formal_name: joined(" ", [&person.mrmrs, &full_name]),
            contact_full_name: joined(", ", [&person.contact_name, &person.contact_department]),
            position: person.position,
            person_id: person.id,
            mrmrs: person.mrmrs,
            firstname: person.firstname,
            lastname: person.lastname,
            middle_name: person.middle_name,
            title: person.title,
            description: person.description,
            email: person.email,
            full_name,
            direct_phone: person.direct_phone,
            country_id: person.country_id,
            contact_id: person.contact_id,
            contact_name: person.contact_name,
            retired: person.retired.into(),
            rank: person.rank,
            active_interests: 0,
            contact_department: person.contact_department,
            contact_country_id: 0,
            contact_org_nr: String::new(),
            fax_phone: String::new(),
            mobile_phone: person.mobile_phone,
            contact_phone: String::new(),
            associate_name: associate_name.to_owned(),
            associate_id,
            use_person_address: false,
            contact_fax: String::new(),
            kanafname: String::new(),
            kanalname: String::new(),
            post1: String::new(),
            post2: String::new(),
            post3: String::new(),
            email_name: String::new(),
            active_erp_links: 0,
            ticket_priority_id: 0,
            support_language_id: 0,
            support_associate_id: 0,
            category_name: String::new(),
            person_number: String::new(),
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl From<role::Model> for Role {
    fn from(role: role::Model) -> Self {
        Self {
            id: role.id,
            value: role.name,
            tooltip: role.tooltip,
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl From<user_group::Model> for UserGroup {
    fn from(group: user_group::Model) -> Self {
        Self {
            value: group.name,
            tooltip: group.tooltip,
            id: group.id,
            rank: group.rank,
            deleted: group.deleted,
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl From<credential::Model> for Credential {
    fn from(credential: credential::Model) -> Self {
        Self {
            r#type: CredentialType {
                display_type: "Password".to_owned(),
                r#type: credential.credential_type,
                description: "A password of this server's own".to_owned(),
                value_control: ValueControl::Password,
                can_create_person: false,
                is_user_name_supported: true,
                table_right: None,
                field_properties: FieldProperties::new(),
            },
            value: None,
            display_value: credential.display_value,
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl Example for User {
    fn example() -> Self {
        Self::new(sample::user(), Vec::new(), Vec::new())
    }
}

impl Example for UserWithLinks {
    fn example() -> Self {
        Self::new(User::example(), "http://127.0.0.1:8080")
    }
}
