//! The tickets and access tokens of users: listing and revoking them.

use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

use crate::{
    api::{
        extract::{
            examples,
            parameters::{Int32, Limit, TicketCursor, TicketId},
        },
        models::{Ticket, TicketList},
        openapi::error_responses::{Done, ErrorResponse, error_responses},
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
    },
    auth::Authenticator,
    error::Error,
    executions::audit::{Action, Change},
    store::Touched,
    users::{
        self, Caller,
        audited::user_subject,
        ticket::{self, TicketPosition},
    },
};

#[derive(Default)]
pub struct TicketOperations;

error_responses! {
    /// The errors of the list.
    pub enum ListTicketsError {
        /// Forbidden. The caller may not manage this user; the answer is the same for users that do not exist.
        403 Forbidden,
    }
}

error_responses! {
    /// The errors of revoking a ticket.
    pub enum RevokeTicketError {
        /// Forbidden. Another site's page sent the request.
        403 Forbidden,
        /// There is no such ticket, or the caller may not manage its user.
        404 NotFound,
    }
}

#[OpenApi(prefix_path = "/_ext", tag = "Tag::Session", ignore_case = true)]
impl TicketOperations {
    /// List tickets
    ///
    /// Lists the tickets and access tokens of the caller, or of another user that the caller may manage, newest first.
    /// A user has at most 100 of each; issuing one more revokes the oldest.
    #[oai(path = "/tickets", method = "get", operation_id = "ListTickets")]
    async fn list_tickets(
        &self,
        caller: Caller,
        format: ResponseFormat,
        authenticator: &Authenticator,
        /// The id of the user; the caller when omitted.
        user: Query<Option<Int32>>,
        /// The maximum number of items: 1 to 1000; 100 when omitted.
        limit: Query<Option<Limit>>,
        /// The nextCursor of the previous page.
        cursor: Query<Option<TicketCursor>>,
    ) -> Result<Formatted<TicketList>, ErrorResponse<ListTicketsError>> {
        let user_id = user.0.map_or(caller.user_id, |Int32(id)| id);
        let db = authenticator.store.reader();
        let user = users::find(db, user_id).await?;
        if !user.is_some_and(|user| caller.may_manage(&user)) {
            return Err(Error::MayNotManageUser.into());
        }
        let longest_life = authenticator.max_ticket_lifetime;
        let (limit, cursor) = (limit.0.unwrap_or_default(), cursor.0.map(|TicketCursor(last)| last));
        let found = ticket::list(db, user_id, longest_life, cursor.as_ref(), limit.plus_one()).await?;
        let (found, has_more) = limit.page_of(found);
        let next = |last: &ticket::Model| TicketPosition { created_at: last.created_at, hash: last.hash.clone() };
        let next_cursor = found.last().filter(|_| has_more).map(|last| TicketCursor(next(last)).encode());
        let tickets = found.into_iter().map(|one| Ticket::new(one, longest_life)).collect();
        Ok(format.answer(TicketList { tickets, next_cursor }))
    }

    /// Revoke a ticket
    ///
    /// Revokes a ticket or an access token of the caller, or of another user that the caller may manage.
    #[oai(path = "/tickets/:id", method = "delete", operation_id = "RevokeTicket")]
    async fn revoke_ticket(
        &self,
        caller: Caller,
        authenticator: &Authenticator,
        /// The id of the ticket, from the list.
        #[oai(example = "examples::ticket_id")]
        id: Path<TicketId>,
    ) -> Result<Done, ErrorResponse<RevokeTicketError>> {
        let TicketId(id) = id.0;
        let audit_log = authenticator.audit_log.clone();
        let revoke = authenticator.store.write(move |transaction| {
            Box::pin(async move {
                let found = ticket::find(transaction, &id).await?.ok_or(Error::NoSuchTicket)?;
                let owner = users::find(transaction, found.user_id).await?;
                let owner = owner.filter(|owner| caller.may_manage(owner)).ok_or(Error::NoSuchTicket)?;
                ticket::revoke(transaction, &id).await?;
                if owner.user.id != caller.user_id {
                    let revoked = Change::new(Action::TicketsRevoked, user_subject(&owner));
                    audit_log.record(transaction, &caller.actor(), vec![revoked]).await?;
                }
                Ok::<_, Error>(((), Touched::access([found.user_id])))
            })
        });
        revoke.await?;
        Ok(Done::NoContent)
    }
}
