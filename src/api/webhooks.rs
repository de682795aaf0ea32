//! The webhooks that tell other systems of executions, for administrators.

use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

use super::{
    Tag,
    carriers::{Webhook, WebhookPage, WebhookState},
    parameters::{AnyCase, AnyExecution, Limit, WebhookCursor, WebhookId},
    reader::{Answer, Reader},
    refusals::{ErrorResponse, Refusals},
    request::NoBody,
};
use crate::{
    commands::CommandService,
    error::Error,
    records::delivery::{self, Filter},
    store::Store,
    users::Caller,
};

#[derive(Default)]
pub struct WebhookOperations;

const ADMINISTRATORS: (u16, &str) = (403, "Forbidden. The caller is no administrator.");

/// The refusals of the list.
pub struct ListWebhooks;

impl Refusals for ListWebhooks {
    const LIST: &'static [(u16, &'static str)] = &[ADMINISTRATORS];
}

/// The refusals of sending again.
pub struct RedriveWebhook;

impl Refusals for RedriveWebhook {
    const LIST: &'static [(u16, &'static str)] = &[
        ADMINISTRATORS,
        (404, "There is no such webhook."),
        (409, "The webhook is not dead, or is not sealed with the audit key."),
    ];
}

#[OpenApi(prefix_path = "/_ext", tag = "Tag::Operator", ignore_case = true)]
impl WebhookOperations {
    /// List webhooks
    ///
    /// Lists the webhooks that tell other systems of executions, newest first: those that are still to be sent, those that
    /// were taken, and the dead ones, which were sent in vain for 17 hours or are not wanted.
    #[oai(path = "/webhooks", method = "get", operation_id = "ListWebhooks")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn list_webhooks(
        &self,
        caller: Caller,
        reader: Reader,
        store: &Store,
        /// What became of them.
        state: Query<Option<AnyCase<WebhookState>>>,
        /// The name of their target.
        target: Query<Option<String>>,
        /// The execution they tell of.
        execution: Query<Option<AnyExecution>>,
        /// How many at most: 1 to 1000, 100 when omitted.
        limit: Query<Option<Limit>>,
        /// The nextCursor of the page before.
        cursor: Query<Option<WebhookCursor>>,
    ) -> Result<Answer<WebhookPage>, ErrorResponse<ListWebhooks>> {
        must_be_administrator(&caller)?;
        let filter = Filter {
            state: state.0.map(|AnyCase(state)| state.into()),
            target: target.0,
            execution_id: execution.0.map(|AnyExecution(id)| id),
            older_than: cursor.0.map(|WebhookCursor(id)| id),
        };
        let limit = limit.0.unwrap_or_default();
        let (found, has_more) = limit.page_of(delivery::list(store.reader(), filter, limit.and_one()).await?);
        let next_cursor = found.last().filter(|_| has_more).map(|last| last.id.clone());
        Ok(reader.answer(WebhookPage { webhooks: found.into_iter().map(Into::into).collect(), next_cursor }))
    }

    /// Send a dead webhook again
    ///
    /// Sends it at once, and again as often as at first, under the same `webhook-id`: a target that has it already knows
    /// it by that.
    #[oai(path = "/webhooks/:id/redrive", method = "post", operation_id = "RedriveWebhook")]
    async fn redrive_webhook(
        &self,
        caller: Caller,
        reader: Reader,
        store: &Store,
        commands: &CommandService,
        /// The webhook's id.
        id: Path<WebhookId>,
        _body: NoBody,
    ) -> Result<Answer<Webhook>, ErrorResponse<RedriveWebhook>> {
        must_be_administrator(&caller)?;
        let WebhookId(id) = id.0;
        let is_redriven = commands.redrive(&id).await?;
        let found = delivery::find(store.reader(), &id).await?.ok_or(Error::NoSuchWebhook)?;
        if !is_redriven {
            return Err(Error::WebhookNotDead(found.state.name()).into());
        }
        tracing::info!(id, caller = caller.user_id, "a dead webhook is sent again");
        Ok(reader.answer(found.into()))
    }
}

fn must_be_administrator(caller: &Caller) -> Result<(), Error> {
    if caller.is_administrator() { Ok(()) } else { Err(Error::NotAdministrator) }
}
