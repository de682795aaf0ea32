//! What operations work with. An operation takes the part that it needs as an argument: `store: &Store`.

use std::sync::Arc;

use poem::{FromRequest, Request, RequestBody, Result};

use super::{Cors, Room};
use crate::{
    auth::{Authenticator, Hosts},
    commands::CommandService,
    error::Error,
    localization::Zone,
    store::Store,
    users::{UserCache, UserService, demo::Demo},
    watch::Meters,
};

/// All of it.
#[derive(Clone, Debug)]
pub struct Services {
    pub store: Store,
    pub authenticator: Arc<Authenticator>,
    pub commands: CommandService,
    pub user_service: UserService,
    /// Where this is one.
    pub demo: Option<Demo>,
    /// The time zone of dates for whoever names none.
    pub time_zone: Zone,
    pub room: Room,
    /// To which the server answers.
    pub hosts: Hosts,
    /// The origins of pages that may call.
    pub cors: Cors,
    pub meters: Meters,
}

impl Services {
    /// Those that were lent to a request.
    ///
    /// # Errors
    /// None were.
    pub fn of(request: &Request) -> Result<&Self, Error> {
        let lent = request.data::<Arc<Self>>().map(AsRef::as_ref);
        lent.ok_or_else(|| Error::internal("no services were lent to the request"))
    }

    /// Lends them to a request, for as long as it is worked on.
    pub fn lend(self: &Arc<Self>, request: &mut Request) {
        // For `auth`, which knows nothing of what it is a part of here.
        request.set_data(Arc::clone(&self.authenticator));
        request.set_data(Arc::clone(self));
    }
}

macro_rules! argument {
    ($($type:ty: $part:expr),+ $(,)?) => {
        $(impl<'a> FromRequest<'a> for &'a $type {
            async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
                let part: fn(&Services) -> &$type = $part;
                Ok(part(Services::of(request)?))
            }
        })+
    };
}

argument! {
    Services: |services| services,
    Store: |services| &services.store,
    UserCache: |services| &services.authenticator.users,
    Authenticator: |services| &services.authenticator,
    CommandService: |services| &services.commands,
    UserService: |services| &services.user_service,
}
