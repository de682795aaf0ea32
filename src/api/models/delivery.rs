//! Webhooks and their delivery state, for operators.

use poem_openapi::{Enum, Object, types::Example};

use super::formats::{Rfc3339, UuidString};
use crate::executions::delivery::{self, State};

/// A webhook that reports an execution. It is sent after the execution is committed.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct Webhook {
    /// The id of the webhook, sent to the target as `webhook-id`. Newer webhooks have greater ids.
    pub id: String,
    /// The id of the execution that the webhook reports.
    pub execution_id: UuidString,
    /// The name of the target.
    pub target: String,
    /// The delivery state.
    pub state: WebhookState,
    /// The number of failed attempts.
    pub attempts: i32,
    /// The time of the next attempt, in UTC; null when no attempt is planned.
    #[oai(nullable)]
    pub next_attempt_at: Option<Rfc3339>,
    /// The error of the last failed attempt; null when no attempt failed.
    #[oai(nullable)]
    pub last_error: Option<String>,
    /// The creation time, in UTC.
    pub created_at: Rfc3339,
    /// The time of the last change, in UTC.
    pub updated_at: Rfc3339,
}

/// A page of webhooks, newest first.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct WebhookPage {
    /// The webhooks.
    pub webhooks: Vec<Webhook>,
    /// The value of `cursor` for the next page; null on the last page.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

/// The delivery state of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase", remote = "State")]
pub enum WebhookState {
    /// The webhook is waiting for its first or its next attempt.
    Pending,
    /// The target accepted the webhook.
    Delivered,
    /// Seven attempts failed, or the target refused further webhooks with status 410.
    Dead,
}

impl From<delivery::Model> for Webhook {
    fn from(row: delivery::Model) -> Self {
        Self {
            id: row.id,
            execution_id: row.execution_id.into(),
            target: row.target,
            next_attempt_at: (row.state == State::Pending).then(|| row.due_at.into()),
            state: row.state.into(),
            attempts: row.attempts,
            last_error: row.last_error,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

impl Example for Webhook {
    fn example() -> Self {
        Self {
            id: "01a209b0d816749fa3d9b6ef0a7cccc4_3".to_owned(),
            execution_id: UuidString("01a209b0-d816-749f-a3d9-b6ef0a7cccc4".to_owned()),
            target: "hr".to_owned(),
            state: WebhookState::Dead,
            attempts: 7,
            next_attempt_at: None,
            last_error: Some("it answered with status 503 Service Unavailable".to_owned()),
            created_at: Rfc3339("2026-11-23T18:35:14.204031Z".to_owned()),
            updated_at: Rfc3339("2026-11-24T12:20:41.733910Z".to_owned()),
        }
    }
}

impl Example for WebhookPage {
    fn example() -> Self {
        Self { webhooks: vec![Webhook::example()], next_cursor: None }
    }
}
