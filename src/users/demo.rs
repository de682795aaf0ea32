//! The demo data of `serve --demo`: five users in two groups, with the same password.

use sea_orm::{ConnectionTrait, DbErr};
use secrecy::SecretString;

use super::{
    AccessError, Caller, CreateError, NewUser, ProviderNames, UserType, access,
    application::{self, AddError},
    audited::{application_added, user_subject},
    create, credential, membership,
    password::PasswordHash,
    person,
    role::{self, ADMINISTRATOR, EMPLOYEE, EXTERNAL_USER},
    ticket, user, user_group,
};
use crate::{
    executions::audit::{Action, Actor, AuditLog, Change, Source, Subject, SubjectType},
    store::{self, Store, Touched},
};

const HEAD_OFFICE: &str = "Head office";
const FIELD_SALES: &str = "Field sales";
/// The application of an online demo.
const APPLICATION: &str = "demo";
/// The groups of the demo.
pub const GROUPS: [&str; 2] = [HEAD_OFFICE, FIELD_SALES];

struct Person {
    name: &'static str,
    user_type: UserType,
    role: &'static str,
    group: &'static str,
    firstname: &'static str,
    lastname: &'static str,
    title: &'static str,
    phone: &'static str,
}

const USERS: [Person; 5] = [
    Person {
        name: "admin",
        user_type: UserType::InternalAssociate,
        role: ADMINISTRATOR,
        group: HEAD_OFFICE,
        firstname: "Ada",
        lastname: "Admin",
        title: "System administrator",
        phone: "+47 22 00 00 01",
    },
    Person {
        name: "anna",
        user_type: UserType::InternalAssociate,
        role: EMPLOYEE,
        group: HEAD_OFFICE,
        firstname: "Anna",
        lastname: "Lindqvist",
        title: "Account manager",
        phone: "+47 22 00 00 02",
    },
    Person {
        name: "bjorn",
        user_type: UserType::InternalAssociate,
        role: EMPLOYEE,
        group: FIELD_SALES,
        firstname: "Bjørn",
        lastname: "Haugen",
        title: "Field representative",
        phone: "+47 22 00 00 03",
    },
    Person {
        name: "chris",
        user_type: UserType::ExternalAssociate,
        role: EXTERNAL_USER,
        group: FIELD_SALES,
        firstname: "Chris",
        lastname: "Taylor",
        title: "Reseller",
        phone: "+44 20 7946 0004",
    },
    Person {
        name: "dora",
        user_type: UserType::InternalAssociate,
        role: EMPLOYEE,
        group: HEAD_OFFICE,
        firstname: "Dora",
        lastname: "Nilsen",
        title: "Account manager (left)",
        phone: "+47 22 00 00 05",
    },
];

/// A running demo, which can be reset.
#[derive(Clone, Debug)]
pub struct Demo {
    store: Store,
    password: PasswordHash,
    audit_log: AuditLog,
}

impl Demo {
    /// The demo in this database, with the current password of its administrator; `None` without demo data.
    pub async fn of(store: &Store, audit_log: AuditLog) -> Result<Option<Self>, DbErr> {
        let Some(admin) = user::find_by_login(store.reader(), USERS[0].name).await? else { return Ok(None) };
        let password = credential::find_password(store.reader(), admin.user.id).await?;
        Ok(password.map(|password| Self { store: store.clone(), password: password.secret, audit_log }))
    }

    /// Deletes all rows and fills the database with the demo data again.
    pub async fn reset(&self, actor: Actor) -> Result<(), DbErr> {
        let (password, audit_log) = (self.password.clone(), self.audit_log.clone());
        let reset = self.store.write(move |transaction| {
            Box::pin(async move {
                store::truncate_all(transaction).await?;
                audit_log.begin(transaction).await?;
                fill(transaction, &password).await.map_err(|error| DbErr::Custom(error.to_string()))?;
                audit_log.record(transaction, &actor, vec![filled()]).await?;
                Ok(((), Touched::Everything))
            })
        });
        reset.await
    }
}

/// The change that [`fill`] makes.
pub fn filled() -> Change {
    Change::new(Action::DemoFilled, Subject::new(SubjectType::Database, "", "demo"))
}

/// Fills an empty database. Run it in a transaction.
///
/// # Errors
/// The database is not empty.
pub async fn fill(db: &impl ConnectionTrait, password: &PasswordHash) -> Result<(), CreateError> {
    role::ensure_defaults(db).await?;
    user_group::insert(db, HEAD_OFFICE, "Oslo").await?;
    let sales = user_group::insert(db, FIELD_SALES, "On the road").await?;
    for demo in &USERS {
        let id = create(db, new_user(db, demo).await?).await?;
        credential::set_password(db, id, password.clone(), None).await?;
        match demo.name {
            "anna" => membership::insert(db, id, sales.id).await?,
            "dora" => retire(db, id).await.map_err(|error| DbErr::Custom(error.to_string()))?,
            _ => {}
        }
    }
    Ok(())
}

/// The credentials of an online demo.
pub struct Access {
    pub app_token: SecretString,
    /// A ticket of the administrator.
    pub ticket: SecretString,
}

/// Adds the demo application or replaces its token, and issues a ticket for it. Run it in a
/// transaction, and record the changes there.
///
/// # Errors
/// The database has no demo data.
pub async fn issue_access(db: &impl ConnectionTrait) -> Result<(Access, Vec<Change>), DbErr> {
    let admin = user::find_by_login(db, USERS[0].name).await?;
    let admin = admin.ok_or_else(|| DbErr::RecordNotFound(USERS[0].name.to_owned()))?;
    let renewed = application::renew(db, APPLICATION, true).await;
    let (app_token, application) = renewed.map_err(|error| match error {
        AddError::Database(error) => error,
        other => DbErr::Custom(other.to_string()),
    })?;
    let (ticket, _) = ticket::issue(db, admin.user.id, Some(application.id)).await?;
    let issued = Change::new(Action::TicketIssued, user_subject(&admin));
    Ok((Access { app_token, ticket }, vec![application_added(&application), issued]))
}

/// Whether the database has the demo users.
pub async fn is_filled(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    for demo in &USERS {
        if user::find_by_login(db, demo.name).await?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn retire(db: &impl ConnectionTrait, id: i32) -> Result<(), AccessError> {
    match user::find(db, id).await? {
        Some(dora) => access::set_retired(db, &Caller::operator(Source::system()), ProviderNames::None, &dora, true)
            .await
            .map(drop),
        None => Ok(()),
    }
}

async fn new_user(db: &impl ConnectionTrait, demo: &Person) -> Result<NewUser, DbErr> {
    let missing = |what: &str| DbErr::RecordNotFound(what.to_owned());
    let role = role::find_by_name(db, demo.role).await?.ok_or_else(|| missing(demo.role))?;
    let group = user_group::find_by_name(db, demo.group).await?.ok_or_else(|| missing(demo.group))?;
    Ok(NewUser {
        name: demo.name.to_owned(),
        user_name: format!("{}@example.com", demo.name),
        tooltip: format!("{} {}, {}", demo.firstname, demo.lastname, demo.title),
        user_type: demo.user_type,
        role_id: role.id,
        user_group_id: group.id,
        person: person::Model {
            firstname: demo.firstname.to_owned(),
            lastname: demo.lastname.to_owned(),
            title: demo.title.to_owned(),
            email: format!("{}@example.com", demo.name),
            direct_phone: demo.phone.to_owned(),
            contact_id: 1,
            contact_name: "Example AS".to_owned(),
            contact_department: demo.group.to_owned(),
            country_id: 578,
            ..person::Model::default()
        },
    })
}
