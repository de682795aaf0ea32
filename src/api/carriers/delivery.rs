//! Webhooks that are delivered after a commit, as operators read them.

use poem_openapi::{Enum, Object, types::Example};

use crate::{
    api::stamp::{Time, Uuid},
    records::delivery::{self, State},
};

/// A webhook that is delivered after the commit of the execution it tells of.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct Webhook {
    /// What the target is told as `webhook-id`; newer ones sort behind older ones.
    pub id: String,
    /// The execution it tells of.
    pub execution_id: Uuid,
    /// The name of its target.
    pub target: String,
    /// What became of it.
    pub state: WebhookState,
    /// How often it was tried in vain.
    pub attempts: i32,
    /// When it is tried next, in UTC; null when it is not.
    pub next_attempt_at: Option<Time>,
    /// Why the last attempt was in vain; null when none was.
    pub last_error: Option<String>,
    /// When it was made, in UTC.
    pub created_at: Time,
    /// When something last became of it, in UTC.
    pub updated_at: Time,
}

/// A page of webhooks, newest first.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct WebhookPage {
    /// The webhooks.
    pub webhooks: Vec<Webhook>,
    /// What to ask with for the next page; null when this is the last one.
    pub next_cursor: Option<String>,
}

/// What became of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase", remote = "State")]
pub enum WebhookState {
    /// It is to be sent, for the first time or again.
    Pending,
    /// The target took it.
    Delivered,
    /// It was sent in vain seven times, or the target wants no more (410).
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
            execution_id: Uuid("01a209b0-d816-749f-a3d9-b6ef0a7cccc4".to_owned()),
            target: "hr".to_owned(),
            state: WebhookState::Dead,
            attempts: 7,
            next_attempt_at: None,
            last_error: Some("it answered with status 503 Service Unavailable".to_owned()),
            created_at: Time("2026-11-23T18:35:14.204031Z".to_owned()),
            updated_at: Time("2026-11-24T12:20:41.733910Z".to_owned()),
        }
    }
}

impl Example for WebhookPage {
    fn example() -> Self {
        Self { webhooks: vec![Webhook::example()], next_cursor: None }
    }
}
