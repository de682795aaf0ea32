//! kommando: the users of a SuperOffice-compatible web service, and the custom commands that can be run on them.
//!
//! The modules, from the top; imports point down only, and a test holds them to it: `app`; `api`; `auth` and `commands`;
//! `webhooks`; `users` and `records`; `store`. `error`, `localization`, `nearest`, `odata`, `watch` and `clock` are leaves;
//! `config` and `telemetry` belong to `app`. HTTP stops at `api`, `app`, `auth` and `error`; `webhooks` is its other end.

/// A place at which tests can kill the process; it is nothing without the feature `failpoints`.
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
pub mod localization;
pub mod nearest;
pub mod odata;
pub mod records;
pub mod store;
pub mod telemetry;
pub mod users;
pub mod watch;
pub mod webhooks;
