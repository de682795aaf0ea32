//! The operations: one file per noun.

pub mod agents;
pub mod audit;
pub mod command_definitions;
pub mod create_user;
pub mod current_user;
pub mod custom_command;
pub mod custom_fields;
pub mod demo;
pub mod executions;
pub mod health;
pub mod openapi_document;
pub mod presence;
pub mod session;
pub mod static_files;
pub mod tickets;
pub mod time_zone;
pub mod update_user;
pub mod user;
pub mod user_list;
pub mod version;
pub mod webhooks;
