//! Users with their persons, roles, groups, credentials and rights.
//!
//! Each table has one module. `user_details`, `user_access` and `query` join several tables. The changes that commands
//! want are data (`effect`): a `snapshot` decides them, `writes` stores them. User management is `user_service`.
//!
//! An absent row is `Ok(None)`; `Err` means that the database could not answer.

pub mod access;
pub mod application;
pub mod audited;
pub mod bootstrap;
mod cache;
mod caller;
mod create;
pub mod credential;
pub mod credential_owners;
pub mod data_right;
pub mod demo;
mod effect;
pub mod field_limits;
mod folded;
mod given_names;
mod hash_queue;
pub mod import;
pub mod known_person;
mod last_administrator;
pub mod login_address;
pub mod login_failure;
mod login_name;
pub mod mdo_list;
mod membership;
mod named;
pub mod note;
pub mod password;
mod password_policy;
pub mod person;
pub mod query;
pub mod role;
mod role_and_group_requests;
mod role_and_group_service;
mod row_lock;
mod save_plan;
pub mod secrets;
mod shared_person;
mod snapshot;
pub mod ticket;
mod token;
mod user;
mod user_access;
pub mod user_details;
pub mod user_group;
mod user_input;
mod user_service;
mod writes;

pub use access::{AccessError, has_administrator, is_last_administrator};
pub use cache::UserCache;
pub use caller::Caller;
pub use create::{CreateError, NewUser, create};
pub use effect::{Effect, Impossible};
pub use given_names::GivenNames;
pub use last_administrator::ProviderNames;
pub use login_name::{NameError, fold, is_reserved, suggest_name, validate_name};
pub use membership::list_members;
pub use named::{NamedError, group_named, role_named, shown};
pub use role_and_group_requests::{
    request_delete_group, request_delete_role, request_retire_group, request_save_group, request_save_role,
    request_set_data_right, request_set_rights,
};
pub use role_and_group_service::{
    check_delete_group, check_delete_role, check_is_administrator, check_rights, check_save_group, check_save_role,
    delete_group, delete_role, ensure_group, save_group, save_role, set_data_right, set_rights,
};
pub use row_lock::{lock, lock_rows, lock_table};
pub use save_plan::{Saved, save};
pub use snapshot::{Changes, EffectPlan, Needs, Snapshot};
/// A row of the users table and its columns, for code that creates or changes rows.
pub use user::{Column as UserColumn, Model as UserRow};
pub use user::{
    Fields, Presence, User, UserType, count, custom_field_names, find, find_by_exact_login, find_by_login,
    find_by_login_constant_time, find_many, has_nick_name, list, set_columns, set_last_login, set_last_logout,
};
pub use user_details::UserDetails;
pub use user_group::Model as UserGroup;
pub use user_input::{FieldError, UserInput};
pub use user_service::{Precondition, UserEdit, UserRef, UserService, WriteLock, Written};
pub use writes::UserWrites;
