//! What travels in bodies: upstream's carriers, with its names, in its order (contract §2).

mod credential;
mod custom_command;
mod delivery;
mod execution;
mod license;
mod lists;
mod names;
mod person;
mod principal;
mod rights;
mod sample;
mod session;
mod time_zone;
mod user;
mod user_list;
mod version;

pub use custom_command::{CommandActionResult, CommandResult, CustomCommand};
pub use delivery::{Webhook, WebhookPage, WebhookState};
pub use execution::{Execution, ExecutionOutcome, ExecutionPage, ExecutionWithSteps};
pub use names::{EjUserStatus, RoleType, UserType};
pub use principal::SoPrincipalCarrier;
pub use session::{LogIn, PasswordChange, Session, Ticket, TicketList};
pub use time_zone::TimeZoneData;
pub use user::{User, UserWithLinks};
pub use user_list::{ListFormat, ListRow, ODataSlimResponse, SafeNames};
pub use version::{HealthStatus, Version};
