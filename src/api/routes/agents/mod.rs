//! The agents: resources as procedures, as upstream's client libraries call them.
//!
//! All operations are `POST /api/v1/Agents/{agent}/{name}`; a GET returns their description. Unlike the resources,
//! agents return null for something that is missing, and 204 for operations without a result (docs/upstream.md §1.2).

mod archive;
mod associate;
mod associate_storage;
mod describe;
mod mdo;
mod unimplemented;
mod user;

pub use unimplemented::{UNIMPLEMENTED, is_not_served};

use crate::api::extract::odata_select::WithSelect;

/// Every operation of every agent.
pub type AgentOperations = describe::Described<(
    user::UserAgentOperations,
    WithSelect<(mdo::MdoAgent, associate::AssociateAgent, associate_storage::AssociateStorage, archive::ArchiveAgent)>,
    unimplemented::Unimplemented,
)>;
