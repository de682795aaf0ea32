//! By which a server knows its own changes among those that PostgreSQL notifies everyone of.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement};

/// The setting from which the triggers take it.
pub(super) const SETTING: &str = "kommando.instance";

/// The random id of a server. Its connections have the first one as a setting; a transaction is told a later one.
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

    /// The id that connections are made with.
    pub(super) fn of_connections(&self) -> String {
        text(self.0.first)
    }

    /// The present id.
    #[cfg(test)]
    pub fn current(&self) -> String {
        text(self.0.current.load(SeqCst))
    }

    /// Whether these are changes of this server that it has dealt with.
    pub(super) fn is_own(&self, instance: &str) -> bool {
        instance == text(self.0.current.load(SeqCst))
    }

    /// Takes another id: what is notified under those before counts as a change of another server.
    pub fn renew(&self) {
        self.0.current.store(rand::random(), SeqCst);
    }

    /// Tells a transaction the id, where it is not the one that the connection has.
    ///
    /// # Errors
    /// The database does not answer.
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

    /// Rule 6: what is notified late of a commit in doubt counts as a change of another server.
    #[test]
    fn a_server_knows_its_id_until_it_takes_another() {
        let (one, other) = (InstanceId::random(), InstanceId::random());
        let id = one.of_connections();
        assert!(one.is_own(&id) && !other.is_own(&id) && !one.is_own(""));
        one.renew();
        assert!(!one.is_own(&id));
    }
}
