//! What the server does, seen through HTTP: one binary, in process, no ports, no sleeps, no order.

mod agent_changes;
mod agents;
mod agreement;
mod architecture;
mod audit;
mod authentication;
mod command_line;
mod commands;
mod confirmation;
mod contract;
mod directory;
mod document;
mod errors;
mod executions;
mod harness;
mod localization;
mod migrations;
mod once;
mod permission;
mod reload;
mod retention;
mod settings;
mod strangers;
mod users;
mod webhooks;
