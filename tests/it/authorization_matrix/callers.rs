//! The callers of the matrix: a user in each role with each kind of credentials, and worthless credentials.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{TimeDelta, Utc};
use kommando::{
    auth::session,
    users::{
        self, UserColumn, application,
        role::{self, FunctionRight, NewRole, RoleType},
        ticket,
    },
};
use poem::Request;
use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use secrecy::ExposeSecret;
use serde_json::json;

use super::rows::Who;
use crate::{
    harness::{ABSENT, ADMIN, BJORN, CHRIS, Call, PASSWORD, Server},
    issuer::{SigningKey, claims, claims_but, part},
};

/// A role as documented.
#[derive(Clone, Copy, Debug)]
pub struct Role {
    pub name: &'static str,
    rank: i32,
    reads: bool,
    manages: bool,
}

/// The built-in roles and a custom one.
pub const ROLES: [Role; 7] = [
    Role { name: "Administrator", rank: 30, reads: true, manages: true },
    Role { name: "System", rank: 30, reads: true, manages: true },
    Role { name: "UserAdmin", rank: 25, reads: true, manages: true },
    Role { name: "Employee", rank: 20, reads: true, manages: false },
    Role { name: "Partner", rank: 15, reads: true, manages: false },
    Role { name: "ExternalUser", rank: 10, reads: false, manages: false },
    Role { name: "Anonymous", rank: 0, reads: false, manages: false },
];

/// The calling user, who gets each role in turn.
pub const CALLER: i32 = CHRIS;
/// The users that operations are about: an absent one, another user, the administrator, and the caller.
pub static ABOUT: [i32; 4] = [ABSENT, BJORN, ADMIN, CALLER];

/// The expected result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    Denied,
    /// 404, as if the object did not exist.
    Hidden,
    NotImplemented,
    /// 400: the person does not exist.
    Invalid,
}

impl Role {
    /// Gives the caller this role.
    pub async fn give(self, server: &Server) {
        let db = server.app.store.writer();
        if self.name == "Partner" {
            let rights = vec![FunctionRight::ReadUsers];
            let new = NewRole { name: self.name, tooltip: "", role_type: RoleType::Employee, rank: self.rank, rights };
            role::insert(db, new).await.expect("a role");
        }
        let role = role::find_by_name(db, self.name).await.expect("an answer").expect("a role");
        let value = (UserColumn::RoleId, role.id.into());
        users::set_columns(db, CALLER, vec![value]).await.expect("a change");
    }

    fn is_administrator(self) -> bool {
        self.name == "Administrator"
    }

    fn reads(self, user: i32) -> bool {
        user == CALLER || self.reads
    }

    fn manages_others(self, user: i32) -> bool {
        let rank = match user {
            ADMIN => 30,
            BJORN => 20,
            CALLER => self.rank,
            _ => 0,
        };
        self.manages && rank <= self.rank
    }

    pub fn manages(self, user: i32) -> bool {
        user == CALLER && self.name != "Anonymous" || self.manages_others(user)
    }

    /// Whether the response contains this user, for operations open to every caller.
    pub fn is_told_of(self, who: Who, user: i32) -> bool {
        user != ABSENT && if who == Who::Told { self.manages(user) } else { self.reads(user) }
    }

    pub fn verdict(self, who: Who, user: i32) -> Verdict {
        let allowed = |is_allowed| if is_allowed { Verdict::Allowed } else { Verdict::Denied };
        let shown = |is_shown| if is_shown { Verdict::Allowed } else { Verdict::Hidden };
        match who {
            Who::Callers | Who::Filtered | Who::Told => Verdict::Allowed,
            Who::Named => allowed(self.name != "Anonymous"),
            Who::Readers => allowed(self.reads(user)),
            Who::Runners => {
                let is_in_definition = ["Administrator", "Employee", "ExternalUser"].contains(&self.name);
                allowed(self.reads(user) && (user == ABSENT || is_in_definition))
            }
            Who::Seers => allowed(self.reads),
            Who::Managers => allowed(self.manages(user)),
            Who::ManagersOfExisting => allowed(user != ABSENT && self.manages(user)),
            Who::ManagersOfOthers => allowed(self.manages_others(user)),
            // A second administrator exists only if the caller is one.
            Who::Removers => allowed(self.manages_others(user) && (user != ADMIN || self.is_administrator())),
            // The caller is the only external user.
            Who::ManagersOfExternal if self.manages(user) && ![CALLER, ABSENT].contains(&user) => Verdict::Invalid,
            Who::ManagersOfExternal => allowed(self.manages_others(user)),
            Who::Makers => allowed(self.manages),
            Who::Sharers if self.manages && user == ABSENT => Verdict::Invalid,
            Who::Sharers => allowed(self.manages_others(user)),
            Who::Administrators => allowed(self.is_administrator()),
            Who::AdministratorsAndSystem => allowed(self.is_administrator() || self.name == "System"),
            Who::OwnTicket => shown(user != ABSENT && self.manages(user)),
            Who::OwnExecution => shown(user == CALLER || self.is_administrator()),
            Who::NotImplemented => Verdict::NotImplemented,
        }
    }
}

/// The kinds of credentials.
#[derive(Clone, Copy, Debug)]
pub enum Scheme {
    Basic,
    Ticket,
    AccessToken,
    Session,
    Jwt,
}

pub const SCHEMES: [Scheme; 5] = [Scheme::Basic, Scheme::Ticket, Scheme::AccessToken, Scheme::Session, Scheme::Jwt];

impl Scheme {
    /// Adds credentials of the caller to a request.
    pub async fn prove<'a>(self, server: &'a Server, call: Call<'a>) -> Call<'a> {
        let db = server.app.store.writer();
        let ticket = async || ticket::issue(db, CALLER, None).await.expect("a ticket").0;
        match self {
            Self::Basic => call.by("chris"),
            Self::Ticket => call.header("authorization", &format!("SoTicket {}", ticket().await.expose_secret())),
            Self::AccessToken => {
                let token = ticket::issue_access_token(db, CALLER, None).await.expect("a token");
                call.header("authorization", &format!("Bearer {}", token.expose_secret()))
            }
            Self::Session => {
                let (secrets, _) = ticket::issue_session(db, CALLER).await.expect("a session");
                let [session, xsrf] = session::cookies(Some(&secrets.cookie), &Request::default());
                let value = |cookie: &str| cookie.split(';').next().expect("a pair").to_owned();
                let token = value(&xsrf);
                call.header("cookie", &value(&session)).header("x-xsrf-token", token.split_once('=').expect("a pair").1)
            }
            Self::Jwt => call.header("authorization", &format!("Bearer {}", SigningKey::ec().sign(&claims("chris")))),
        }
    }
}

/// Expires all tickets of the administrator.
async fn expire_all(server: &Server) {
    let db = server.app.store.writer();
    for found in ticket::list(db, ADMIN, TimeDelta::hours(1), None, 100).await.expect("an answer") {
        let past = ticket::ActiveModel { expires_at: Set(Utc::now() - TimeDelta::seconds(1)), ..found.into() };
        past.update(db).await.expect("a change");
    }
}

/// Worthless credentials, each as a header.
pub async fn worthless(server: &Server) -> Vec<(&'static str, String)> {
    let db = server.app.store.writer();
    let ticket = async || ticket::issue(db, ADMIN, None).await.expect("a ticket").0;
    let token = async |app| ticket::issue_access_token(db, ADMIN, app).await.expect("a token");
    let (expired_ticket, expired_token) = (ticket().await, token(None).await);
    expire_all(server).await;
    let (revoked_ticket, revoked_token, right) = (ticket().await, token(None).await, ticket().await);
    for revoked in [&revoked_ticket, &revoked_token] {
        ticket::revoke_presented(db, revoked).await.expect("a removal");
    }
    let (app, _) = application::add(db, "revoked", true).await.expect("an application");
    let app = application::find_by_token(db, &app).await.expect("an answer").expect("an application").id;
    let issued_through = token(Some(app)).await;
    application::revoke(db, "revoked").await.expect("an answer");
    let [expired_ticket, revoked_ticket, right, expired_token, revoked_token, issued_through] =
        [expired_ticket, revoked_ticket, right, expired_token, revoked_token, issued_through]
            .map(|secret| secret.expose_secret().to_owned());
    let (ec, now) = (SigningKey::ec(), Utc::now().timestamp());
    let none = format!("{}.{}.", part(&json!({"alg": "none"})), part(&claims("admin")));
    let basic = |words: &str| format!("Basic {}", STANDARD.encode(words));
    let authorizations = [
        String::new(),
        basic("admin:wrong"),
        basic("absent:wrong"),
        basic(&format!("dora:{PASSWORD}")),
        basic(&format!("{right}:x")),
        format!("SoTicket {expired_ticket}"),
        format!("SoTicket {revoked_ticket}"),
        format!("SoTicket {right}x"),
        format!("Bearer {right}"),
        "SoTicket 7T:".to_owned(),
        format!("Bearer {expired_token}"),
        format!("Bearer {revoked_token}"),
        format!("Bearer {issued_through}"),
        "Bearer 8A:nothing".to_owned(),
        format!("Bearer {}", ec.sign(&claims_but("admin", "exp", (now - 60).into()))),
        format!("Bearer {}", ec.sign(&claims("dora"))),
        format!("Bearer {}", SigningKey::foreign().sign(&claims("admin"))),
        format!("Bearer {none}"),
        "Negotiate YII=".to_owned(),
    ];
    let mut all: Vec<_> = authorizations.into_iter().map(|value| ("authorization", value)).collect();
    all.push(("cookie", format!("kommando-session={right}")));
    all.push(("x-xsrf-token", "nothing".to_owned()));
    all.push(("so-apptoken", "nothing".to_owned()));
    all
}
