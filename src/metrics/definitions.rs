//! The definitions of all metrics.
//!
//! Label values come from bounded sets: operations, statuses, names of definitions and targets. They never contain
//! request input or secrets.

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct MetricDef {
    pub name: &'static str,
    pub kind: MetricKind,
    /// The help text.
    pub meaning: &'static str,
    pub labels: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    Counter,
    Gauge,
    Histogram,
}

/// Buckets of histograms of durations, in seconds.
pub const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Buckets of the histogram of batch sizes.
pub const BATCHES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Defines a constant for each metric, and a list of all metrics.
macro_rules! metrics {
    ($($constant:ident = $kind:ident $name:literal [$($label:literal),*] $meaning:literal;)*) => {
        $(pub const $constant: MetricDef =
            MetricDef { name: $name, kind: MetricKind::$kind, meaning: $meaning, labels: &[$($label),*] };)*
        pub const ALL: &[MetricDef] = &[$($constant),*];
    };
}

metrics! {
    REQUESTS = Counter "kommando_requests_total" ["operation", "status"]
        "Answered requests; operation is empty for unknown paths.";
    REQUEST_SECONDS = Histogram "kommando_request_seconds" ["operation"]
        "Duration of requests, from their head to their answer.";
    REFUSED = Counter "kommando_requests_refused_total" ["reason"]
        "Requests (overload) and connections (connections) answered with 503 because there were too many.";
    IN_FLIGHT = Gauge "kommando_requests_in_flight" []
        "Requests in flight.";
    CONNECTIONS = Gauge "kommando_connections" []
        "Open connections of clients.";
    EVICTED = Counter "kommando_connections_evicted_total" []
        "Waiting connections that were closed to make room for others.";
    EXECUTIONS = Counter "kommando_executions_total" ["command", "outcome"]
        "Executions of commands by outcome, without dry runs.";
    LOGINS = Counter "kommando_logins_total" ["outcome"]
        "Logins with a password: succeeded, refused, or limited because too many failed before.";
    PASSWORDS_WAITING = Gauge "kommando_passwords_waiting" []
        "Passwords that wait to be hashed or verified.";
    PASSWORDS_WORKING = Gauge "kommando_passwords_working" []
        "Passwords that are being hashed or verified.";
    PASSWORDS_REMEMBERED = Gauge "kommando_passwords_remembered" []
        "Verified passwords in the cache, which need not be hashed again.";
    WEBHOOK_CALLS = Counter "kommando_webhook_calls_total" ["target", "outcome"]
        "Webhook calls: taken, failed, or not made because the target is blocked or busy.";
    WEBHOOKS_PENDING = Gauge "kommando_webhooks_pending" []
        "Webhooks that wait for delivery or for a retry.";
    WEBHOOKS_DEAD = Gauge "kommando_webhooks_dead" []
        "Dead webhooks, which are not retried.";
    WEBHOOKS_OLDEST = Gauge "kommando_webhooks_oldest_seconds" []
        "Age of the oldest pending webhook.";
    WRITER_WAITING = Gauge "kommando_writer_waiting" []
        "Jobs that wait in the write queue.";
    WRITER_BATCH = Histogram "kommando_writer_batch_size" []
        "Executions recorded in one transaction.";
    POOL = Gauge "kommando_database_connections" ["pool", "state"]
        "Connections to the database, busy and idle.";
    RELOADS = Counter "kommando_definition_reloads_total" ["outcome"]
        "Reloads of definitions: taken, or refused because of an error.";
    COMMANDS = Gauge "kommando_commands" []
        "Commands in force.";
    AUDIT_INTACT = Gauge "kommando_audit_intact" []
        "Whether the last scheduled verification found the audit chain intact (1) or not (0); NaN when it failed.";
    AUDIT_POSITION = Gauge "kommando_audit_verified_position" []
        "The position in the audit chain up to which the last scheduled verification came.";
    AUDIT_TIME = Gauge "kommando_audit_verified_timestamp_seconds" []
        "When the last scheduled verification ended, as Unix time.";
    BUILD = Gauge "kommando_build_info" ["version"]
        "Always 1; the label has the version.";
    MEMORY = Gauge "process_resident_memory_bytes" []
        "Resident memory of the process.";
    FILES = Gauge "process_open_fds" []
        "Open file descriptors.";
    MAX_FILES = Gauge "process_max_fds" []
        "Maximum number of open file descriptors.";
}
