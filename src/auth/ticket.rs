//! Authentication by the tickets and access tokens that this server issued.

use sea_orm::DbErr;
use secrecy::SecretString;

use super::{Authenticated, Authenticator, Proof};
use crate::{
    error::Error,
    store::Touched,
    users::{Caller, application, ticket},
};

impl Authenticator {
    /// Authenticates by the session cookie. The cookie may contain a ticket, under the same conditions as in the
    /// header: an online installation requires SO-AppToken with it.
    pub(super) async fn by_session(
        &self,
        secret: SecretString,
        application: Option<application::Model>,
    ) -> Result<Authenticated, Error> {
        match ticket::of_session(&secret) {
            Some(ticket) => self.by_ticket(ticket, application).await,
            None if self.allows_ticket(application.as_ref()) => self.by_ticket(secret, application).await,
            None => {
                tracing::debug!("ticket in the session cookie without SO-AppToken");
                Err(Error::Unauthenticated)
            }
        }
    }

    /// Whether a request with this application may use a ticket.
    pub(super) fn allows_ticket(&self, application: Option<&application::Model>) -> bool {
        self.installation.allows_ticket_alone() || application.is_some()
    }

    /// Authenticates by a ticket from a header or a session. `application` is that of the request's SO-AppToken.
    pub(super) async fn by_ticket(
        &self,
        presented: SecretString,
        application: Option<application::Model>,
    ) -> Result<Authenticated, Error> {
        let found = self.find(ticket::Kind::Ticket, &presented).await?;
        if found.is_due_for_renewal() {
            self.renew_in_background(found.clone());
        }
        self.owner(found, Proof::Ticket(presented), application).await
    }

    pub(super) async fn by_access_token(
        &self,
        presented: SecretString,
        application: Option<application::Model>,
    ) -> Result<Authenticated, Error> {
        let found = self.find(ticket::Kind::AccessToken, &presented).await?;
        self.owner(found, Proof::Bearer(presented), application).await
    }

    async fn find(&self, kind: ticket::Kind, presented: &SecretString) -> Result<ticket::Model, Error> {
        let found = self.users.ticket(kind, presented, self.max_ticket_lifetime).await?;
        found.ok_or_else(|| {
            tracing::debug!(?kind, "unknown or expired ticket or token");
            Error::Unauthenticated
        })
    }

    /// The owner of a ticket or token. A ticket or token that was issued to an application acts for it, and becomes
    /// invalid when the application is revoked.
    async fn owner(
        &self,
        found: ticket::Model,
        proof: Proof,
        application: Option<application::Model>,
    ) -> Result<Authenticated, Error> {
        let issued_through = match found.application_id {
            None => None,
            Some(id) => Some(self.users.application(id).await?.ok_or_else(|| {
                tracing::debug!(application_id = id, "ticket or token of a revoked application");
                Error::Unauthenticated
            })?),
        };
        let Some(caller) = self.users.user(found.user_id).await?.as_deref().and_then(Caller::of) else {
            tracing::debug!(user_id = found.user_id, "ticket or token of a retired user");
            return Err(Error::Unauthenticated);
        };
        Ok(Authenticated::new(caller, application.or(issued_through), proof))
    }

    /// Renews a ticket in a background task, so that the request neither waits for the write nor fails with it.
    fn renew_in_background(&self, found: ticket::Model) {
        let store = self.store.clone();
        tokio::spawn(async move {
            let user_id = found.user_id;
            let renewed: Result<(), DbErr> = store
                .write(move |transaction| {
                    Box::pin(async move {
                        ticket::renew(transaction, &found).await?;
                        Ok(((), Touched::access([user_id])))
                    })
                })
                .await;
            if let Err(error) = renewed {
                tracing::warn!(%error, user_id, "failed to extend ticket expiry");
            }
        });
    }
}
