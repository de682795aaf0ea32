//! The User agent: the operations of the User resource as procedures. One file per group of operations.
//!
//! All operations are `POST /api/v1/Agents/User/{name}`; a GET returns their description. Unlike the resource, the
//! agent returns null for a missing user, and 204 for operations without a result (docs/upstream.md §1.2).

mod commands;
mod credentials;
mod describe;
mod groups;
mod info;
mod names;
mod presence;
mod read;
mod read_user_error;
mod requests;
mod roles;
mod save;
mod unimplemented;

pub use unimplemented::UNIMPLEMENTED;

use crate::api::extract::odata_select::WithSelect;

/// Every operation of the agent.
pub type AgentOperations = describe::Described<(
    WithSelect<commands::CommandList>,
    commands::CommandRun,
    WithSelect<(
        read::Read,
        save::Save,
        presence::Presence,
        credentials::CredentialOperations,
        groups::Groups,
        roles::Roles,
        info::Info,
    )>,
    names::Names,
    unimplemented::Unimplemented,
)>;
