//! Verifies the audit chain on a schedule, and tells the result in the log, the metrics and the readiness check.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::{
    executions::audit::{self, CurrentKey, LastVerification, VerificationInterval, VerificationStatus},
    metrics::{
        MetricsRegistry,
        definitions::{AUDIT_INTACT, AUDIT_POSITION, AUDIT_TIME},
    },
    store::Store,
};

/// Pause after a database error.
const ERROR_PAUSE: Duration = Duration::from_secs(60);

/// The verification job.
#[derive(Clone, Debug)]
pub struct AuditVerification {
    pub store: Store,
    pub audit_key: CurrentKey,
    pub interval: VerificationInterval,
    pub status: VerificationStatus,
    pub metrics: MetricsRegistry,
}

impl AuditVerification {
    /// Runs at once, and then in its interval.
    pub async fn run_on_schedule(self) {
        let mut due = interval(self.interval.0);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            loop {
                match audit::verify_on_schedule(&self.store, &self.audit_key).await {
                    Ok(last) => break self.tell(last),
                    Err(error) => {
                        tracing::error!(%error, "failed to verify the audit chain; trying again soon");
                        // Not what it was before: it is not known.
                        self.metrics.set(&AUDIT_INTACT, &[], f64::NAN);
                        sleep(ERROR_PAUSE.min(self.interval.0)).await;
                    }
                }
            }
        }
    }

    fn tell(&self, last: LastVerification) {
        let LastVerification { ended_at, position, entries, is_full, broken } = &last;
        match broken {
            None => tracing::info!(position, entries, is_full, "the audit chain is intact"),
            Some(error) => {
                tracing::error!(%error, "the audit records are not intact; run `kommando audit verify`");
            }
        }
        self.metrics.set(&AUDIT_INTACT, &[], if broken.is_none() { 1.0 } else { 0.0 });
        self.metrics.set(&AUDIT_POSITION, &[], *position as f64);
        self.metrics.set(&AUDIT_TIME, &[], ended_at.timestamp() as f64);
        self.status.set(last);
    }
}
