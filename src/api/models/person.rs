//! The person of a user (docs/upstream.md §2).

use poem_openapi::Object;

use super::rights::{FieldProperties, TableRight};
use crate::users::person;

/// The person of a user.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct Person {
    /// The position of the person.
    pub position: String,
    /// The id of the person.
    pub person_id: i32,
    /// The form of address, such as `Mr` or `Mrs`.
    pub mrmrs: String,
    /// The first name.
    pub firstname: String,
    /// The last name.
    pub lastname: String,
    /// The middle name.
    pub middle_name: String,
    /// The job title, such as `Account manager`.
    pub title: String,
    /// The description of the person.
    pub description: String,
    /// The e-mail address.
    pub email: String,
    /// The first, middle and last name.
    pub full_name: String,
    /// The direct phone number.
    pub direct_phone: String,
    /// The full name with the form of address in front, such as `Mr` or `Mrs`.
    pub formal_name: String,
    /// The id of the country.
    pub country_id: i32,
    /// The id of the company.
    pub contact_id: i32,
    /// The name of the company.
    pub contact_name: String,
    /// 1 when the person is retired, else 0.
    pub retired: i32,
    /// The sort order of the person in lists.
    pub rank: i32,
    /// Always 0.
    pub active_interests: i32,
    /// The department of the company.
    pub contact_department: String,
    /// Always 0.
    pub contact_country_id: i32,
    /// Always empty.
    pub contact_org_nr: String,
    /// Always empty.
    pub fax_phone: String,
    /// The mobile phone number.
    pub mobile_phone: String,
    /// Always empty.
    pub contact_phone: String,
    /// The short name of the user.
    pub associate_name: String,
    /// The id of the user.
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
    /// The name and department of the company.
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

impl Person {
    pub fn new(person: person::Model, associate_id: i32, associate_name: &str) -> Self {
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

    /// The database row for this model. `retired` is managed by the server and keeps its present value.
    pub fn model(self, present: &person::Model) -> person::Model {
        person::Model {
            id: self.person_id,
            firstname: self.firstname,
            middle_name: self.middle_name,
            lastname: self.lastname,
            mrmrs: self.mrmrs,
            title: self.title,
            position: self.position,
            description: self.description,
            email: self.email,
            direct_phone: self.direct_phone,
            mobile_phone: self.mobile_phone,
            contact_id: self.contact_id,
            contact_name: self.contact_name,
            contact_department: self.contact_department,
            country_id: self.country_id,
            rank: self.rank,
            retired: present.retired,
        }
    }
}
