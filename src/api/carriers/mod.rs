//! What travels in bodies: upstream's carriers, with its names, in its order (contract §2).

mod associate;
mod credential;
mod custom_command;
mod delivery;
mod execution;
mod field;
mod license;
mod lists;
mod maybe;
mod names;
mod person;
mod presence;
mod principal;
mod rights;
mod sample;
mod time_zone;
mod user;
mod version;

pub use associate::Associate;
pub use credential::{Credential, CredentialType};
pub use custom_command::{CommandActionResult, CommandResult, CustomCommand};
pub use delivery::{Webhook, WebhookPage, WebhookState};
pub use execution::{Execution, ExecutionOutcome, ExecutionPage, ExecutionWithSteps};
pub use field::FieldInfoBase;
pub use maybe::Maybe;
pub use names::{EjUserStatus, RoleType, UserType};
pub use presence::UserPresenceStatus;
pub use principal::SoPrincipalCarrier;
pub use time_zone::TimeZoneData;
pub use user::{User, UserWithLinks};
pub use version::{HealthStatus, Version};
