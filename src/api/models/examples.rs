//! The user in the document's examples.

use chrono::{DateTime, TimeDelta, Utc};

use crate::users::{
    Fields, Presence, User, UserRow, UserType, person,
    role::{self, EMPLOYEE, FunctionRight, FunctionRights},
    user_group,
};

/// Anna, one of the users of `serve --demo`.
pub fn user() -> User {
    let morning = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_780) + TimeDelta::hours(7);
    User {
        user: UserRow {
            id: 2,
            name: "anna".to_owned(),
            user_name: "anna@example.com".to_owned(),
            nick_name: String::new(),
            tooltip: "Anna Lindqvist, Account manager".to_owned(),
            rank: 0,
            user_type: UserType::InternalAssociate,
            deleted: false,
            is_on_travel: false,
            waiting_for_approval: false,
            last_login: Some(morning),
            last_logout: None,
            ej_user_id: 0,
            presence_status: Presence::StatusNormal,
            presence_message: String::new(),
            extra_fields: Fields::default(),
            custom_fields: Fields::default(),
            role_id: 2,
            user_group_id: 1,
            person_id: Some(2),
            created_at: morning,
            updated_at: morning,
        },
        role: role::Model {
            id: 2,
            name: EMPLOYEE.to_owned(),
            tooltip: "Works here".to_owned(),
            role_type: role::RoleType::Employee,
            rank: 20,
            function_rights: FunctionRights(vec![FunctionRight::ReadUsers]),
        },
        group: user_group::Model {
            id: 1,
            name: "Head office".to_owned(),
            tooltip: "Oslo".to_owned(),
            rank: 0,
            deleted: false,
        },
        person: Some(person::Model {
            id: 2,
            firstname: "Anna".to_owned(),
            lastname: "Lindqvist".to_owned(),
            title: "Account manager".to_owned(),
            email: "anna@example.com".to_owned(),
            direct_phone: "+47 22 00 00 02".to_owned(),
            contact_id: 1,
            contact_name: "Example AS".to_owned(),
            contact_department: "Head office".to_owned(),
            country_id: 578,
            ..person::Model::default()
        }),
    }
}
