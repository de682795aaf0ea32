//! The application state. An operation takes each service it needs as an argument: `store: &Store`.
//!
//! Like poem's `Data<&T>`, but without the wrapper type and with one lookup for all services.

use std::sync::Arc;

use poem::{FromRequest, Request, RequestBody, Result};

use super::middleware::{concurrency_limit::ConcurrencyLimiter, cors::Cors};
use crate::{
    auth::{Authenticator, Hosts, Tenant},
    commands::CommandService,
    error::Error,
    executions::audit::VerificationStatus,
    localization::Zone,
    metrics::MetricsRegistry,
    store::Store,
    users::{UserCache, UserService, demo::Demo},
};

/// The services and settings of a server, created once at start.
#[derive(Clone, Debug)]
pub struct AppState {
    pub store: Store,
    pub authenticator: Arc<Authenticator>,
    pub commands: CommandService,
    pub user_service: UserService,
    /// `Some` in demo mode only.
    pub demo: Option<Demo>,
    /// The time zone for requests without `SO-TimeZone`.
    pub time_zone: Zone,
    pub concurrency_limiter: ConcurrencyLimiter,
    /// The host names that the server answers to.
    pub hosts: Hosts,
    /// The tenant with which paths may begin.
    pub tenant: Option<Tenant>,
    /// The web origins that may call from a browser.
    pub cors: Cors,
    pub verification_status: VerificationStatus,
    pub metrics: MetricsRegistry,
}

impl AppState {
    /// The state that [`Self::attach`] put into the request.
    ///
    /// # Errors
    /// [`Error::Internal`] when the request did not pass through the pipeline.
    pub fn of(request: &Request) -> Result<&Self, Error> {
        let attached = request.data::<Arc<Self>>().map(AsRef::as_ref);
        attached.ok_or_else(|| Error::internal("the request has no state"))
    }

    /// Attaches the state to a request.
    pub fn attach(self: &Arc<Self>, request: &mut Request) {
        // `auth` does not know `AppState`; it looks up the authenticator on its own.
        request.set_data(Arc::clone(&self.authenticator));
        request.set_data(Arc::clone(self));
    }
}

macro_rules! argument {
    ($($type:ty: $part:expr),+ $(,)?) => {
        $(impl<'a> FromRequest<'a> for &'a $type {
            async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
                let part: fn(&AppState) -> &$type = $part;
                Ok(part(AppState::of(request)?))
            }
        })+
    };
}

argument! {
    AppState: |state| state,
    Store: |state| &state.store,
    UserCache: |state| &state.authenticator.users,
    Authenticator: |state| &state.authenticator,
    CommandService: |state| &state.commands,
    UserService: |state| &state.user_service,
    VerificationStatus: |state| &state.verification_status,
}
