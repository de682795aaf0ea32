//! kommando: a web service for users and custom commands, compatible with the SuperOffice WebAPI.
//!
//! The modules from top to bottom: `app`; `api`; `auth` and `commands`; `webhooks`; `users`; `executions`; `vault`;
//! `store`. Imports only point down. `error`, `localization`, `nearest`, `odata`, `metrics`, `traces` and `clock` are
//! leaves; `config` and `telemetry` belong to `app`; `linear_time` is for tests. A test checks the imports. Only `api`,
//! `app` and `auth` know about HTTP requests, and `webhooks` about HTTP calls to other systems.

/// A point where tests can kill the process. Empty without the feature `failpoints`.
macro_rules! fail_point {
    ($name:literal) => {
        #[cfg(feature = "failpoints")]
        (|| ::fail::fail_point!($name, |_| std::process::abort()))();
    };
}

pub mod api;
pub mod app;
pub mod auth;
pub mod clock;
pub mod commands;
pub mod config;
pub mod error;
pub mod executions;
#[cfg(test)]
mod linear_time;
pub mod localization;
pub mod metrics;
pub mod nearest;
pub mod odata;
pub mod store;
pub mod telemetry;
pub mod traces;
pub mod users;
pub mod vault;
pub mod webhooks;
