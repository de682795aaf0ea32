//! The one who delivers: takes what is due, calls its target, and notes how it went, until it is taken or given up.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt;
use reqwest::StatusCode;
use sea_orm::DbErr;
use tokio::{sync::Notify, time::timeout};
use tokio_util::task::TaskTracker;

use super::{CallError, Message, Reserved, Webhooks};
use crate::{
    clock,
    records::{
        audit::{self, AuditKey},
        delivery::{self, Attempt},
    },
    store::{Store, Touched, WriteTransaction},
};

/// How long to wait after each attempt in vain; after the last one the delivery is dead.
const RETRIES: [TimeDelta; 6] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(5),
    TimeDelta::hours(10),
];
/// So that what failed together does not come again together: up to so much longer.
const JITTER: f64 = 0.1;
/// How often to look for what has become due.
const LOOK: Duration = Duration::from_secs(1);
/// How long after its timeout somebody who tries a delivery is given up.
const GRACE: TimeDelta = TimeDelta::seconds(10);
/// How many are taken at once.
const LARGEST_BATCH: u64 = 64;

/// Tells the one who delivers that there may be something to do, or that it is time to end.
#[derive(Clone, Debug, Default)]
pub struct Deliveries {
    news: Arc<Notify>,
    under_way: TaskTracker,
}

impl Deliveries {
    /// Something was committed that is to be delivered.
    pub fn wake(&self) {
        self.news.notify_one();
    }

    /// Takes nothing more, and waits for what is on its way. What is not sent yet stays for the next start.
    pub async fn finish(&self) {
        self.under_way.close();
        self.wake();
        self.under_way.wait().await;
    }

    /// Delivers for as long as the process lives.
    pub fn start(&self, store: Store, webhooks: Webhooks, audit_key: AuditKey) {
        let post = Post { store, webhooks, audit_key, deliveries: self.clone() };
        self.under_way.spawn(post.keep_delivering());
    }
}

#[derive(Clone)]
struct Post {
    store: Store,
    webhooks: Webhooks,
    audit_key: AuditKey,
    deliveries: Deliveries,
}

/// What one look at the deliveries that are due comes to.
#[derive(Default)]
struct Claimed {
    /// To be sent, each with its place among the calls to its target.
    sent: Vec<(Reserved, delivery::Model)>,
    /// Not to be sent, since their seals do not hold; each with the reason.
    refused: Vec<(delivery::Model, &'static str)>,
}

impl Post {
    async fn keep_delivering(self) {
        while !self.deliveries.under_way.is_closed() {
            match self.deliver_due().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::error!(%error, "what is due cannot be delivered"),
            }
            // Whatever is committed meanwhile wakes us; whatever becomes due is found at the next look.
            let _ = timeout(LOOK, self.deliveries.news.notified()).await;
        }
    }

    /// Takes what is due and sends it off; how many that were.
    async fn deliver_due(&self) -> Result<usize, DbErr> {
        // A look costs no transaction.
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
        for (one, reason) in claimed.refused {
            let (id, to) = (one.id, one.target);
            tracing::error!(id, to, reason, "a webhook is not sent; `kommando audit seal` tells more");
        }
        for (place, one) in claimed.sent {
            self.deliveries.under_way.spawn(self.clone().deliver(one, place));
        }
        Ok(count)
    }

    async fn deliver(self, delivery: delivery::Model, place: Reserved) {
        let timeout = Duration::from_millis(u64::try_from(delivery.timeout_ms).unwrap_or_default());
        let (id, target, body) = (delivery.id.clone(), delivery.target.clone(), delivery.body.clone());
        let end = self.webhooks.tell(&Message { id, target, body, timeout, trace: None }, place).await;
        fail_point!("delivery-sent");
        let attempt = judge(&end, delivery.attempts, clock::wall());
        log(&delivery, &end, &attempt);
        let id = delivery.id.clone();
        let settle = self.store.write(move |transaction| {
            Box::pin(async move { Ok((delivery::settle(transaction, &delivery, attempt).await?, Touched::Nothing)) })
        });
        let kept: Result<(), DbErr> = settle.await;
        match kept {
            Ok(()) => self.deliveries.wake(),
            Err(error) => tracing::error!(id, %error, "an attempt to deliver could not be noted; it is made again"),
        }
    }
}

/// Claims what is due and sealed, each with its place among the calls to its target: no more than can be called at once,
/// since waiting is no part of an attempt. What is not sealed is given up.
async fn claim(db: &WriteTransaction, webhooks: &Webhooks, key: &AuditKey) -> Result<Claimed, DbErr> {
    let (mut sealed, mut refused) = (Vec::new(), Vec::new());
    for one in delivery::due(db, webhooks.unavailable(), LARGEST_BATCH).await? {
        match key.fault_of_delivery(&one) {
            None => sealed.push(one),
            Some(reason) => refused.push((one, reason)),
        }
    }
    for reason in [audit::UNSEALED, audit::FORGED] {
        let of_reason = refused.iter().filter(|(_, found)| *found == reason);
        delivery::refuse(db, of_reason.map(|(one, _)| one.id.clone()).collect(), reason).await?;
    }
    let placed = sealed.into_iter().filter_map(|one| Some((webhooks.reserve(&one.target)?, one)));
    let placed: Vec<_> = placed.collect();
    if let Some(longest) = placed.iter().map(|(_, one)| TimeDelta::milliseconds(one.timeout_ms.into())).max() {
        let ids = placed.iter().map(|(_, one)| one.id.clone()).collect();
        delivery::claim(db, ids, longest + GRACE).await?;
    }
    Ok(Claimed { sent: placed, refused })
}

/// What an attempt means for the delivery that was tried so often in vain before.
fn judge(end: &Result<(), CallError>, attempts: i32, now: DateTime<Utc>) -> Attempt {
    let error = match end {
        Ok(()) => return Attempt::Delivered,
        Err(CallError::Resting(rest)) => return Attempt::Postponed { to: now + *rest },
        Err(CallError::Busy) => return Attempt::Postponed { to: now + LOOK },
        Err(error) => error,
    };
    let is_gone = matches!(error, CallError::Status { status: StatusCode::GONE, .. });
    let wait = usize::try_from(attempts).ok().and_then(|done| RETRIES.get(done));
    let next = wait.filter(|_| !is_gone).map(|wait| {
        let asked = match error {
            CallError::Status { retry_after: Some(asked), .. } => TimeDelta::from_std(*asked).unwrap_or(*wait),
            _ => TimeDelta::zero(),
        };
        now + lengthened(*wait).max(asked)
    });
    Attempt::Failed { error: error.to_string(), next }
}

fn lengthened(wait: TimeDelta) -> TimeDelta {
    let seconds = wait.as_seconds_f64() * (1.0 + rand::rng().random_range(0.0..JITTER));
    TimeDelta::milliseconds((seconds * 1000.0) as i64)
}

fn log(delivery: &delivery::Model, end: &Result<(), CallError>, attempt: &Attempt) {
    let (id, to) = (delivery.id.as_str(), delivery.target.as_str());
    match (end, attempt) {
        (Err(error), Attempt::Failed { next: Some(next), .. }) => {
            tracing::warn!(id, to, %error, %next, "a webhook was not delivered, and is tried again");
        }
        (Err(error), Attempt::Failed { next: None, .. }) => {
            tracing::error!(id, to, %error, "a webhook is given up; POST /_ext/webhooks/{id}/redrive tries it again");
        }
        _ => tracing::debug!(id, to, ?attempt, "a webhook was tried"),
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
        match judge(&end, attempts, now) {
            Attempt::Failed { next, .. } => next.map(|next| next - now),
            Attempt::Postponed { to } => panic!("postponed to {to}"),
            Attempt::Delivered => panic!("delivered"),
        }
    }

    #[test]
    fn attempts_come_later_and_later_and_end_after_the_sixth_retry() {
        for (attempts, seconds) in [(0, 5), (1, 300), (2, 1800), (3, 7200), (4, 18_000), (5, 36_000)] {
            let wait = wait(attempts, refused(500, None)).expect("another attempt").as_seconds_f64();
            assert!((f64::from(seconds)..=f64::from(seconds) * 1.1).contains(&wait), "{wait}");
        }
        assert_eq!(wait(6, refused(500, None)), None);
    }

    #[test]
    fn a_target_says_when_to_come_again_and_whether() {
        assert_eq!(wait(0, refused(503, Some(120))), Some(TimeDelta::seconds(120)));
        assert!(wait(1, refused(429, Some(1))).expect("another attempt") >= TimeDelta::minutes(5));
        assert_eq!(wait(0, refused(410, None)), None);
    }

    #[test]
    fn what_was_not_tried_does_not_count() {
        let now = clock::wall();
        let rest = Duration::from_secs(7);
        assert_eq!(judge(&Err(CallError::Resting(rest)), 3, now), Attempt::Postponed { to: now + rest });
        assert!(matches!(judge(&Err(CallError::Busy), 3, now), Attempt::Postponed { .. }));
        assert_eq!(judge(&Ok(()), 3, now), Attempt::Delivered);
    }
}
