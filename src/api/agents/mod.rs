//! The User agent: the same as the User resource, as procedures. One file per group of operations.
//!
//! All of them are `POST /api/v1/Agents/User/{name}`, which a GET describes, and differ from the resource in their edges only: a user who is not
//! there is null, and what answers nothing is 204 (contract §1.2).

mod commands;
mod credentials;
mod describe;
mod groups;
mod info;
mod names;
mod presence;
mod read;
mod requests;
mod roles;
mod save;
mod unimplemented;

pub use unimplemented::UNIMPLEMENTED;

use super::{refusals::Refusals, select::Selectable};

/// Every operation of the agent.
pub type AgentOperations = describe::Described<(
    Selectable<commands::CommandList>,
    commands::CommandRun,
    Selectable<(
        read::Read,
        save::Save,
        presence::Presence,
        credentials::Credentials,
        groups::Groups,
        roles::Roles,
        info::Info,
    )>,
    names::Names,
    unimplemented::Unimplemented,
)>;

/// The refusals of looking at users.
pub struct Look;

impl Refusals for Look {
    const LIST: &'static [(u16, &'static str)] =
        &[(403, "Forbidden. The caller may not see this user, whether or not there is one.")];
}
