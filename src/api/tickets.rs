//! What was issued to users to call with: which there are, and ending one.

use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

use super::{
    Tag,
    carriers::{Ticket, TicketList},
    parameters::{AnyUser, Limit, TicketCursor, TicketId},
    reader::{Answer, Reader},
    refusals::{ErrorResponse, Refusals},
    session::Done,
};
use crate::{
    auth::Authenticator,
    error::Error,
    store::Touched,
    users::{
        self, Caller,
        ticket::{self, Place},
    },
};

#[derive(Default)]
pub struct TicketOperations;

/// The refusals of the list.
pub struct ListTickets;

impl Refusals for ListTickets {
    const LIST: &'static [(u16, &'static str)] =
        &[(403, "Forbidden. The caller may not manage this user, whether or not there is one.")];
}

/// The refusals of ending one.
pub struct RevokeTicket;

impl Refusals for RevokeTicket {
    const LIST: &'static [(u16, &'static str)] = &[
        (403, "Forbidden. Another site's page sent the request."),
        (404, "There is no such ticket, or the caller may not manage its user."),
    ];
}

#[OpenApi(prefix_path = "/_ext", tag = "Tag::Session", ignore_case = true)]
impl TicketOperations {
    /// List tickets
    ///
    /// Lists the tickets and access tokens of the caller, or of another user whom the caller may manage, newest first. A
    /// user has at most 100 of each; one more ends the oldest.
    #[oai(path = "/tickets", method = "get", operation_id = "ListTickets")]
    async fn list_tickets(
        &self,
        caller: Caller,
        reader: Reader,
        authenticator: &Authenticator,
        /// The user; omitted means the caller.
        user: Query<Option<AnyUser>>,
        /// How many at most: 1 to 1000, 100 when omitted.
        limit: Query<Option<Limit>>,
        /// The nextCursor of the page before.
        cursor: Query<Option<TicketCursor>>,
    ) -> Result<Answer<TicketList>, ErrorResponse<ListTickets>> {
        let user_id = user.0.map_or(caller.user_id, |AnyUser(id)| id);
        let db = authenticator.store.reader();
        let user = users::find(db, user_id).await?;
        if !user.is_some_and(|user| caller.may_manage(&user)) {
            return Err(Error::MayNotManageUser.into());
        }
        let longest_life = authenticator.longest_ticket;
        let (limit, cursor) = (limit.0.unwrap_or_default(), cursor.0.map(|TicketCursor(place)| place));
        let found = ticket::list(db, user_id, longest_life, cursor.as_ref(), limit.and_one()).await?;
        let (found, has_more) = limit.page_of(found);
        let next = |last: &ticket::Model| Place { created_at: last.created_at, hash: last.hash.clone() };
        let next_cursor = found.last().filter(|_| has_more).map(|last| TicketCursor(next(last)).encode());
        let tickets = found.into_iter().map(|one| Ticket::new(one, longest_life)).collect();
        Ok(reader.answer(TicketList { tickets, next_cursor }))
    }

    /// End a ticket
    ///
    /// Ends a ticket or an access token of the caller, or of another user whom the caller may manage.
    #[oai(path = "/tickets/:id", method = "delete", operation_id = "RevokeTicket")]
    async fn revoke_ticket(
        &self,
        caller: Caller,
        authenticator: &Authenticator,
        /// The ticket's id, as the list tells it.
        id: Path<TicketId>,
    ) -> Result<Done, ErrorResponse<RevokeTicket>> {
        let TicketId(id) = id.0;
        let revoke = authenticator.store.write(move |transaction| {
            Box::pin(async move {
                let found = ticket::find(transaction, &id).await?.ok_or(Error::NoSuchTicket)?;
                let owner = users::find(transaction, found.user_id).await?;
                if !owner.is_some_and(|owner| caller.may_manage(&owner)) {
                    return Err(Error::NoSuchTicket);
                }
                ticket::revoke(transaction, &id).await?;
                Ok(((), Touched::access([found.user_id])))
            })
        });
        revoke.await?;
        Ok(Done::NoContent)
    }
}
