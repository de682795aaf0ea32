//! Everything that is counted or measured, each under one name.
//!
//! What can stand in a label is bounded: operations, statuses, the names of definitions and targets. Nothing that a
//! request brings along stands there, and no secret.

/// What is counted or measured under one name.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    pub name: &'static str,
    pub kind: Kind,
    /// What it tells, for people.
    pub meaning: &'static str,
    pub labels: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// How long something took, in seconds; or, for the writer, how many pieces of work.
pub const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
pub const BATCHES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// One constant for each family, and the list of all of them.
macro_rules! families {
    ($($constant:ident = $kind:ident $name:literal [$($label:literal),*] $meaning:literal;)*) => {
        $(pub const $constant: Family =
            Family { name: $name, kind: Kind::$kind, meaning: $meaning, labels: &[$($label),*] };)*
        pub const ALL: &[Family] = &[$($constant),*];
    };
}

families! {
    REQUESTS = Counter "kommando_requests_total" ["operation", "status"]
        "Requests that were answered; operation is empty where nothing is at the path.";
    REQUEST_SECONDS = Histogram "kommando_request_seconds" ["operation"]
        "How long requests took, from their head to their answer.";
    REFUSED = Counter "kommando_requests_refused_total" ["reason"]
        "Requests (overload) and connections (connections) that were answered with 503 because there were too many.";
    IN_FLIGHT = Gauge "kommando_requests_in_flight" []
        "Requests that are worked on now.";
    CONNECTIONS = Gauge "kommando_connections" []
        "Connections of clients that are open now.";
    EVICTED = Counter "kommando_connections_evicted_total" []
        "Connections that were closed to make room for others, because their clients were silent.";
    EXECUTIONS = Counter "kommando_executions_total" ["command", "outcome"]
        "Runs of commands by what came of them; dry runs do not count.";
    LOG_INS = Counter "kommando_log_ins_total" ["outcome"]
        "Passwords that were looked at: succeeded, refused, or limited because too many failed before.";
    PASSWORDS_WAITING = Gauge "kommando_passwords_waiting" []
        "Passwords that wait for a processor, to be hashed or verified.";
    PASSWORDS_WORKING = Gauge "kommando_passwords_working" []
        "Passwords that are hashed or verified now.";
    PASSWORDS_REMEMBERED = Gauge "kommando_passwords_remembered" []
        "Verified passwords that are remembered, so that their next use costs nothing.";
    WEBHOOK_CALLS = Counter "kommando_webhook_calls_total" ["target", "outcome"]
        "Calls of webhooks: taken, failed, or not made because the target is left alone.";
    WEBHOOKS_PENDING = Gauge "kommando_webhooks_pending" []
        "Webhooks that are to be delivered, for the first time or again.";
    WEBHOOKS_DEAD = Gauge "kommando_webhooks_dead" []
        "Webhooks that were given up.";
    WEBHOOKS_OLDEST = Gauge "kommando_webhooks_oldest_seconds" []
        "The age of the oldest webhook that is to be delivered.";
    WRITER_WAITING = Gauge "kommando_writer_waiting" []
        "Pieces of work that wait for the one who writes.";
    WRITER_BATCH = Histogram "kommando_writer_batch_size" []
        "How many executions were recorded in one transaction.";
    POOL = Gauge "kommando_database_connections" ["pool", "state"]
        "Connections to the database, busy and idle.";
    RELOADS = Counter "kommando_definition_reloads_total" ["outcome"]
        "Definitions that were read again: taken, or refused because one was wrong.";
    COMMANDS = Gauge "kommando_commands" []
        "Commands that are in force.";
    BUILD = Gauge "kommando_build_info" ["version"]
        "Always 1; the label tells the version.";
    MEMORY = Gauge "process_resident_memory_bytes" []
        "Memory that the process holds.";
    FILES = Gauge "process_open_fds" []
        "File descriptors that are open.";
    MOST_FILES = Gauge "process_max_fds" []
        "How many may be open.";
}
