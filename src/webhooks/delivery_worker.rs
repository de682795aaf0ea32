//! The delivery worker: claims due deliveries, calls their targets, and stores the result, until a delivery is
//! delivered or dead.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt;
use reqwest::StatusCode;
use sea_orm::DbErr;
use tokio::{sync::Notify, time::timeout};
use tokio_util::task::TaskTracker;

use super::{CallError, Reserved, WebhookRequest, Webhooks};
use crate::{
    clock,
    executions::{
        audit::{self, CurrentKey},
        delivery::{self, DeliveryAttempt},
    },
    store::{Store, Touched, WriteTransaction},
};

/// Backoff after each failed attempt. After the last one, the delivery is dead.
const RETRIES: [TimeDelta; 6] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(5),
    TimeDelta::hours(10),
];
/// Random part added to a backoff, so that deliveries that failed together are not retried together.
const JITTER: f64 = 0.1;
/// Interval between two looks for due deliveries.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long a claim is valid after the timeout of the call.
const GRACE: TimeDelta = TimeDelta::seconds(10);
/// Maximum number of deliveries claimed at once.
const MAX_BATCH: u64 = 64;

/// Wakes or stops the delivery worker.
#[derive(Clone, Debug, Default)]
pub struct DeliveryHandle {
    wake_up: Arc<Notify>,
    under_way: TaskTracker,
}

impl DeliveryHandle {
    /// Wakes the worker after the commit of a delivery.
    pub fn wake(&self) {
        self.wake_up.notify_one();
    }

    /// Stops claiming, and waits for the calls in flight. Pending deliveries stay for the next start.
    pub async fn finish(&self) {
        self.under_way.close();
        self.wake();
        self.under_way.wait().await;
    }

    /// Starts the worker, which runs until [`Self::finish`].
    pub fn start(&self, store: Store, webhooks: Webhooks, audit_key: CurrentKey) {
        let worker = DeliveryWorker { store, webhooks, audit_key, deliveries: self.clone() };
        self.under_way.spawn(worker.keep_delivering());
    }
}

#[derive(Clone)]
struct DeliveryWorker {
    store: Store,
    webhooks: Webhooks,
    audit_key: CurrentKey,
    deliveries: DeliveryHandle,
}

/// The deliveries of one claim.
#[derive(Default)]
struct Claimed {
    /// Deliveries to send, each with its permit for the call.
    sent: Vec<(Reserved, delivery::Model)>,
    /// Deliveries that are not sent because their seals are invalid, each with the reason.
    refused: Vec<(delivery::Model, &'static str)>,
}

impl DeliveryWorker {
    async fn keep_delivering(self) {
        while !self.deliveries.under_way.is_closed() {
            match self.deliver_due().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::error!(%error, "failed to claim due deliveries; trying again soon"),
            }
            // A commit wakes the worker at once; retries that become due wait for the next poll.
            let _ = timeout(POLL_INTERVAL, self.deliveries.wake_up.notified()).await;
        }
    }

    /// Claims due deliveries and starts their calls. Returns their number.
    async fn deliver_due(&self) -> Result<usize, DbErr> {
        // Read first: a poll that finds nothing needs no transaction.
        if delivery::due(self.store.reader(), self.webhooks.unavailable(), 1).await?.is_empty() {
            return Ok(0);
        }
        let (webhooks, key) = (self.webhooks.clone(), self.audit_key.clone());
        let claim = self.store.write(move |transaction| {
            Box::pin(async move { Ok::<_, DbErr>((claim(transaction, &webhooks, &key).await?, Touched::Nothing)) })
        });
        let claimed = claim.await?;
        fail_point!("delivery-claimed");
        let count = claimed.sent.len() + claimed.refused.len();
        for (delivery, reason) in claimed.refused {
            let (id, to) = (delivery.id, delivery.target);
            tracing::error!(
                id,
                to,
                reason,
                "a webhook is not sent, because its seal is invalid; see `kommando audit seal --help`"
            );
        }
        for (permit, delivery) in claimed.sent {
            self.deliveries.under_way.spawn(self.clone().deliver(delivery, permit));
        }
        Ok(count)
    }

    async fn deliver(self, delivery: delivery::Model, permit: Reserved) {
        let timeout = Duration::from_millis(u64::try_from(delivery.timeout_ms).unwrap_or_default());
        let (id, target, body) = (delivery.id.clone(), delivery.target.clone(), delivery.body.clone());
        let end = self.webhooks.deliver(&WebhookRequest { id, target, body, timeout, trace: None }, permit).await;
        fail_point!("delivery-sent");
        let attempt = decide_attempt(&end, delivery.attempts, clock::wall());
        log(&delivery, &end, &attempt);
        let id = delivery.id.clone();
        let settle = self.store.write(move |transaction| {
            Box::pin(async move { Ok((delivery::settle(transaction, &delivery, attempt).await?, Touched::Nothing)) })
        });
        let stored: Result<(), DbErr> = settle.await;
        match stored {
            Ok(()) => self.deliveries.wake(),
            Err(error) => tracing::error!(id, %error, "failed to store the result of a delivery; it is sent again"),
        }
    }
}

/// Claims due deliveries with valid seals, each with a permit to call its target at once. A delivery without a permit
/// stays due, so that waiting does not count as an attempt. A delivery with an invalid seal is refused.
async fn claim(db: &WriteTransaction, webhooks: &Webhooks, key: &CurrentKey) -> Result<Claimed, DbErr> {
    let key = key.hold(db).await?;
    let (mut sealed, mut refused) = (Vec::new(), Vec::new());
    for delivery in delivery::due(db, webhooks.unavailable(), MAX_BATCH).await? {
        match key.delivery_seal_error(&delivery) {
            None => sealed.push(delivery),
            Some(reason) => refused.push((delivery, reason)),
        }
    }
    for reason in [audit::UNSEALED, audit::FORGED] {
        let of_reason = refused.iter().filter(|(_, found)| *found == reason);
        delivery::refuse(db, of_reason.map(|(one, _)| one.id.clone()).collect(), reason).await?;
    }
    let permitted = sealed.into_iter().filter_map(|one| Some((webhooks.reserve(&one.target)?, one)));
    let permitted: Vec<_> = permitted.collect();
    if let Some(longest) = permitted.iter().map(|(_, one)| TimeDelta::milliseconds(one.timeout_ms.into())).max() {
        let ids = permitted.iter().map(|(_, one)| one.id.clone()).collect();
        delivery::claim(db, ids, longest + GRACE).await?;
    }
    Ok(Claimed { sent: permitted, refused })
}

/// Decides what follows from a call. `attempts` is the number of earlier failed attempts.
fn decide_attempt(end: &Result<(), CallError>, attempts: i32, now: DateTime<Utc>) -> DeliveryAttempt {
    let error = match end {
        Ok(()) => return DeliveryAttempt::Delivered,
        Err(CallError::BreakerOpen(rest)) => return DeliveryAttempt::Postponed { to: now + *rest },
        Err(CallError::Busy) => return DeliveryAttempt::Postponed { to: now + POLL_INTERVAL },
        Err(error) => error,
    };
    let is_gone = matches!(error, CallError::Status { status: StatusCode::GONE, .. });
    let wait = usize::try_from(attempts).ok().and_then(|done| RETRIES.get(done));
    let next = wait.filter(|_| !is_gone).map(|wait| {
        let retry_after = match error {
            CallError::Status { retry_after: Some(delay), .. } => TimeDelta::from_std(*delay).unwrap_or(*wait),
            _ => TimeDelta::zero(),
        };
        now + with_jitter(*wait).max(retry_after)
    });
    DeliveryAttempt::Failed { error: error.to_string(), next }
}

fn with_jitter(wait: TimeDelta) -> TimeDelta {
    let seconds = wait.as_seconds_f64() * (1.0 + rand::rng().random_range(0.0..JITTER));
    TimeDelta::milliseconds((seconds * 1000.0) as i64)
}

fn log(delivery: &delivery::Model, end: &Result<(), CallError>, attempt: &DeliveryAttempt) {
    let (id, to) = (delivery.id.as_str(), delivery.target.as_str());
    match (end, attempt) {
        (Err(error), DeliveryAttempt::Failed { next: Some(next), .. }) => {
            tracing::warn!(id, to, %error, %next, "a webhook was not delivered; it is retried");
        }
        (Err(error), DeliveryAttempt::Failed { next: None, .. }) => {
            tracing::error!(id, to, %error, "a webhook is dead; POST /_ext/webhooks/{id}/redrive sends it again");
        }
        _ => tracing::debug!(id, to, ?attempt, "tried to deliver a webhook"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, retry_after: Option<u64>) -> Result<(), CallError> {
        let status = StatusCode::from_u16(status).expect("a status");
        Err(CallError::Status { status, retry_after: retry_after.map(Duration::from_secs) })
    }

    fn wait(attempts: i32, end: Result<(), CallError>) -> Option<TimeDelta> {
        let now = clock::wall();
        match decide_attempt(&end, attempts, now) {
            DeliveryAttempt::Failed { next, .. } => next.map(|next| next - now),
            DeliveryAttempt::Postponed { to } => panic!("postponed to {to}"),
            DeliveryAttempt::Delivered => panic!("delivered"),
        }
    }

    #[test]
    fn the_backoff_grows_and_ends_after_the_sixth_retry() {
        for (attempts, seconds) in [(0, 5), (1, 300), (2, 1800), (3, 7200), (4, 18_000), (5, 36_000)] {
            let wait = wait(attempts, refused(500, None)).expect("another attempt").as_seconds_f64();
            assert!((f64::from(seconds)..=f64::from(seconds) * 1.1).contains(&wait), "{wait}");
        }
        assert_eq!(wait(6, refused(500, None)), None);
    }

    #[test]
    fn a_target_can_delay_or_end_the_retries() {
        assert_eq!(wait(0, refused(503, Some(120))), Some(TimeDelta::seconds(120)));
        assert!(wait(1, refused(429, Some(1))).expect("another attempt") >= TimeDelta::minutes(5));
        assert_eq!(wait(0, refused(410, None)), None);
    }

    #[test]
    fn a_call_that_was_not_made_is_no_attempt() {
        let now = clock::wall();
        let rest = Duration::from_secs(7);
        assert_eq!(
            decide_attempt(&Err(CallError::BreakerOpen(rest)), 3, now),
            DeliveryAttempt::Postponed { to: now + rest }
        );
        assert!(matches!(decide_attempt(&Err(CallError::Busy), 3, now), DeliveryAttempt::Postponed { .. }));
        assert_eq!(decide_attempt(&Ok(()), 3, now), DeliveryAttempt::Delivered);
    }
}
