//! Who exists: users with their persons, roles and groups, how they prove who they are, and what they may see.
//!
//! Each table has one module. What joins several tables is in `account`, `user_access` and `list`. Changes that commands want
//! are data (`effect`): they are decided on a `snapshot` and written by `writes`. User management is `user_service`.
//!
//! Absent is `Ok(None)`; cannot tell is `Err`.

pub mod access;
pub mod account;
pub mod application;
pub mod bootstrap;
mod cache;
mod caller;
mod create;
pub mod credential;
pub mod demo;
mod draft;
mod effect;
mod folded;
mod given_names;
mod hash_queue;
pub mod import;
mod last_administrator;
pub mod limits;
pub mod list;
pub mod login_address;
pub mod login_failure;
mod login_name;
mod membership;
mod named;
mod organise;
pub mod password;
mod password_policy;
pub mod person;
pub mod role;
mod row_lock;
mod save_plan;
mod secret;
mod shared_person;
mod snapshot;
pub mod ticket;
mod user;
mod user_access;
pub mod user_group;
mod user_service;
mod writes;

pub use access::{AccessError, has_administrator, is_last_administrator};
pub use account::Account;
pub use cache::UserCache;
pub use caller::Caller;
pub use create::{CreateError, NewUser, create};
pub use draft::{Draft, Fault};
pub use effect::{Effect, Impossible};
pub use given_names::GivenNames;
pub use last_administrator::ProviderNames;
pub use login_name::{NameError, fault_of_name, fold, is_reserved, suggest_name};
pub use named::{NamedError, group_named, role_named, shown};
pub use organise::{
    check_delete_group, check_delete_role, check_rights, check_save_group, check_save_role, delete_group, delete_role,
    ensure_group, save_group, save_role, set_rights,
};
pub use row_lock::{lock, lock_some, lock_table};
pub use save_plan::save;
pub use snapshot::{Changes, EffectPlan, Needs, Snapshot};
/// A row of the users table, and its columns, for those who make or change one.
pub use user::{Column as UserColumn, Model as UserRow};
pub use user::{
    Fields, Presence, User, UserType, count, custom_field_names, find, find_by_exact_login, find_by_login,
    find_for_log_in, has_nick_name, list, list_some, set_columns, set_last_login, set_last_logout,
};
pub use user_group::Model as UserGroup;
pub use user_service::{Precondition, UserEdit, UserRef, UserService};
pub use writes::UserWrites;
