//! What the server does, seen through HTTP: one binary, in process, no ports, no sleeps, no order.

mod agreement;
mod applications;
mod architecture;
mod audit;
mod authentication;
mod command_line;
mod commands;
mod confirmation;
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
mod session;
mod settings;
mod strangers;
mod user_list;
mod users;
mod webhooks;
