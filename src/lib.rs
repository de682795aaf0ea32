//! kommando: the users of a SuperOffice-compatible web service, and the custom commands that can be run on them.
//!
//! The rooms and who may look into which, from the top: `app`; `api`; `auth` and `commands`; `users` and `records`;
//! `store`. `error` and `localization` are leaves for everyone. HTTP stops at `api`, `app`, `auth` and `error`.

pub mod api;
pub mod app;
pub mod auth;
pub mod commands;
pub mod config;
pub mod error;
pub mod localization;
pub mod records;
pub mod store;
pub mod telemetry;
pub mod users;
