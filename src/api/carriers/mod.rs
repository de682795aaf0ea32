//! What travels in bodies: upstream's carriers, with its names, in its order (contract §2).

mod credential;
mod custom_command;
mod execution;
mod license;
mod lists;
mod names;
mod person;
mod principal;
mod rights;
mod sample;
mod session;
mod user;
mod version;

pub use custom_command::{CommandActionResult, CommandResult, CustomCommand};
pub use execution::{Execution, ExecutionOutcome, ExecutionPage, ExecutionWithSteps};
pub use names::{EjUserStatus, RoleType, UserType};
pub use principal::SoPrincipalCarrier;
pub use session::{LogIn, PasswordChange, Session, Ticket, TicketList};
pub use user::{User, UserWithLinks};
pub use version::{HealthStatus, Version};
