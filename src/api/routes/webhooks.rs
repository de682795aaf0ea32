//! The webhooks that report executions to other systems, for administrators.

use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

use crate::{
    api::{
        extract::{
            examples,
            parameters::{CaseInsensitive, ExecutionId, Limit, WebhookCursor},
            request::NoBody,
        },
        models::{Webhook, WebhookPage, WebhookState},
        openapi::error_responses::{ErrorResponse, error_responses},
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
    },
    commands::CommandService,
    error::Error,
    executions::delivery::{self, DeliveryFilter},
    store::Store,
    users::Caller,
};

#[derive(Default)]
pub struct WebhookOperations;

error_responses! {
    /// The errors of the list.
    pub enum ListWebhooksError {
        /// Forbidden. The caller is not an administrator.
        403 Forbidden,
    }
}

error_responses! {
    /// The errors of sending again.
    pub enum RedriveWebhookError {
        /// Forbidden. The caller is not an administrator.
        403 Forbidden,
        /// There is no such webhook.
        404 NotFound,
        /// The webhook is not dead, or is not sealed with the audit key.
        409 Conflict,
    }
}

#[OpenApi(prefix_path = "/_ext", tag = "Tag::Operator", ignore_case = true)]
impl WebhookOperations {
    /// List webhooks
    ///
    /// Lists the webhooks that report executions to other systems, newest first: pending, delivered and dead ones. A
    /// webhook is dead when delivery failed for about 18 hours or the target refused it for good.
    #[oai(path = "/webhooks", method = "get", operation_id = "ListWebhooks")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn list_webhooks(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        /// The delivery state.
        state: Query<Option<CaseInsensitive<WebhookState>>>,
        /// The name of the target.
        target: Query<Option<String>>,
        /// The id of the execution.
        execution: Query<Option<ExecutionId>>,
        /// The maximum number of items: 1 to 1000; 100 when omitted.
        limit: Query<Option<Limit>>,
        /// The nextCursor of the previous page.
        cursor: Query<Option<WebhookCursor>>,
    ) -> Result<Formatted<WebhookPage>, ErrorResponse<ListWebhooksError>> {
        must_be_administrator(&caller)?;
        let filter = DeliveryFilter {
            state: state.0.map(|CaseInsensitive(state)| state.into()),
            target: target.0,
            execution_id: execution.0.map(|ExecutionId(id)| id),
            older_than: cursor.0.map(|WebhookCursor(id)| id),
        };
        let limit = limit.0.unwrap_or_default();
        let (found, has_more) = limit.page_of(delivery::list(store.reader(), filter, limit.plus_one()).await?);
        let next_cursor = found.last().filter(|_| has_more).map(|last| last.id.clone());
        Ok(format.answer(WebhookPage { webhooks: found.into_iter().map(Into::into).collect(), next_cursor }))
    }

    /// Send a dead webhook again
    ///
    /// Sends a dead webhook again at once, with the full number of retries. It keeps its `webhook-id`, so that a target
    /// that has already received it can recognize the duplicate.
    #[oai(path = "/webhooks/:id/redrive", method = "post", operation_id = "RedriveWebhook")]
    async fn redrive_webhook(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        commands: &CommandService,
        /// The id of the webhook.
        #[oai(example = "examples::webhook_id")]
        id: Path<String>,
        _body: NoBody,
    ) -> Result<Formatted<Webhook>, ErrorResponse<RedriveWebhookError>> {
        must_be_administrator(&caller)?;
        let id = id.0;
        let is_redriven = commands.redrive(&id, caller.actor()).await?;
        let found = delivery::find(store.reader(), &id).await?.ok_or(Error::NoSuchWebhook)?;
        if !is_redriven {
            return Err(Error::WebhookNotDead(found.state.name()).into());
        }
        tracing::info!(id, caller = caller.user_id, "dead webhook queued again");
        Ok(format.answer(found.into()))
    }
}

fn must_be_administrator(caller: &Caller) -> Result<(), Error> {
    if caller.is_administrator() { Ok(()) } else { Err(Error::NotAdministrator) }
}
