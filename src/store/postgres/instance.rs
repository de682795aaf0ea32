//! The id by which a server recognizes its own changes in PostgreSQL notifications.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement};

/// The PostgreSQL setting from which the triggers read the id.
pub(super) const SETTING: &str = "kommando.instance";

/// The random id of a server process. Connections carry the first id as a setting; transactions set a later id.
#[derive(Clone)]
pub struct InstanceId(Arc<Ids>);

struct Ids {
    first: u64,
    current: AtomicU64,
}

impl fmt::Debug for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InstanceId")
    }
}

impl InstanceId {
    pub fn random() -> Self {
        let first = rand::random();
        Self(Arc::new(Ids { first, current: AtomicU64::new(first) }))
    }

    /// The id that connections carry.
    pub(super) fn of_connections(&self) -> String {
        text(self.0.first)
    }

    /// The current id.
    #[cfg(test)]
    pub fn current(&self) -> String {
        text(self.0.current.load(SeqCst))
    }

    /// Whether a notification with this id reports a change that this server already invalidated.
    pub(super) fn is_own(&self, instance: &str) -> bool {
        instance == text(self.0.current.load(SeqCst))
    }

    /// Changes the id, so that late notifications with an earlier id count as changes of another server.
    pub fn renew(&self) {
        self.0.current.store(rand::random(), SeqCst);
    }

    /// Sets the current id in a transaction, if it differs from the connection's id.
    pub async fn announce(&self, transaction: &DatabaseTransaction) -> Result<(), DbErr> {
        let current = self.0.current.load(SeqCst);
        if current != self.0.first {
            let set = format!("SELECT set_config('{SETTING}', $1, true)");
            let set = Statement::from_sql_and_values(DbBackend::Postgres, set, [text(current).into()]);
            transaction.execute_raw(set).await?;
        }
        Ok(())
    }
}

fn text(id: u64) -> String {
    format!("{id:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewed_server_does_not_recognize_its_old_id() {
        let (one, other) = (InstanceId::random(), InstanceId::random());
        let id = one.of_connections();
        assert!(one.is_own(&id) && !other.is_own(&id) && !one.is_own(""));
        one.renew();
        assert!(!one.is_own(&id));
    }
}
