//! When what is held in memory stops being true: versions of users, which rise with each change.
//!
//! A row read from the database is kept with the version that its user had before the read. It counts for as long as that
//! is still the version. Writes of this process raise versions after their commit, before the client is answered. What
//! other processes change is found by polling an SQLite file, and by listening to PostgreSQL.

use std::{
    array,
    collections::BTreeSet,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// How long rows are answered from memory after the last time when all changes were known.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// Users share so many versions. Those who share one are invalidated together.
const SLOTS: usize = 4096;

/// What a cached row depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheScope {
    /// What makes a user: the user's row, role, groups and person.
    Users,
    /// What lets a user call: passwords, tickets and applications.
    Access,
}

/// What a transaction changed of what may be held in memory. When in doubt, it is everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Touched {
    Nothing,
    /// The users with these ids, in each scope.
    Ids {
        users: BTreeSet<i32>,
        access: BTreeSet<i32>,
    },
    #[default]
    Everything,
}

impl Touched {
    /// The rows, roles, groups or persons of these users.
    pub fn users(ids: impl IntoIterator<Item = i32>) -> Self {
        Self::Ids { users: ids.into_iter().collect(), access: BTreeSet::new() }
    }

    /// The passwords and tickets of these users.
    pub fn access(ids: impl IntoIterator<Item = i32>) -> Self {
        Self::Ids { users: BTreeSet::new(), access: ids.into_iter().collect() }
    }

    /// This, and what else was touched.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Everything, _) | (_, Self::Everything) => Self::Everything,
            (Self::Nothing, one) | (one, Self::Nothing) => one,
            (Self::Ids { mut users, mut access }, Self::Ids { users: more_users, access: more_access }) => {
                users.extend(more_users);
                access.extend(more_access);
                Self::Ids { users, access }
            }
        }
    }
}

/// The versions, for the whole process.
#[derive(Clone)]
pub struct Invalidations(Arc<Versions>);

struct Versions {
    users: ScopeVersions,
    access: ScopeVersions,
    began: Instant,
    /// The last time at which all changes before it were known, in milliseconds from `began`, plus one; 0 for never.
    synced_at: AtomicU64,
}

/// Counters that only rise. The version of a user is `full_invalidations` plus the user's slot.
struct ScopeVersions {
    /// All changes.
    changes: AtomicU64,
    /// Changes of everything.
    full_invalidations: AtomicU64,
    slots: Box<[AtomicU64; SLOTS]>,
}

impl ScopeVersions {
    fn new() -> Self {
        Self {
            changes: AtomicU64::new(0),
            full_invalidations: AtomicU64::new(0),
            slots: Box::new(array::from_fn(|_| 0.into())),
        }
    }

    fn raise(&self, ids: &BTreeSet<i32>) {
        // Each slot once, so that a writer knows the version after its own change.
        let slots: BTreeSet<_> = ids.iter().map(|id| slot(*id)).collect();
        // First of all: while it is what it was, no slot has been raised.
        if !slots.is_empty() {
            self.changes.fetch_add(1, SeqCst);
        }
        for slot in &slots {
            self.slots[*slot].fetch_add(1, SeqCst);
        }
    }

    fn raise_all(&self) {
        self.changes.fetch_add(1, SeqCst);
        self.full_invalidations.fetch_add(1, SeqCst);
    }
}

fn slot(user_id: i32) -> usize {
    user_id.unsigned_abs() as usize % SLOTS
}

impl fmt::Debug for Invalidations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invalidations")
    }
}

impl Default for Invalidations {
    fn default() -> Self {
        let (users, access) = (ScopeVersions::new(), ScopeVersions::new());
        Self(Arc::new(Versions { users, access, began: Instant::now(), synced_at: AtomicU64::new(0) }))
    }
}

impl Invalidations {
    fn versions(&self, scope: CacheScope) -> &ScopeVersions {
        match scope {
            CacheScope::Users => &self.0.users,
            CacheScope::Access => &self.0.access,
        }
    }

    /// The version of a user. It rises with each change; one change of this process raises it by one.
    pub fn version(&self, scope: CacheScope, user_id: i32) -> u64 {
        let versions = self.versions(scope);
        versions.full_invalidations.load(SeqCst) + versions.slots[slot(user_id)].load(SeqCst)
    }

    /// The version of all users together.
    pub fn version_of_all(&self, scope: CacheScope) -> u64 {
        self.versions(scope).changes.load(SeqCst)
    }

    /// Raises the versions of what was touched. The change must be committed: a read that begins now must see it.
    pub fn invalidate(&self, touched: &Touched) {
        match touched {
            Touched::Nothing => {}
            Touched::Ids { users, access } => {
                self.0.users.raise(users);
                self.0.access.raise(access);
            }
            Touched::Everything => {
                self.0.users.raise_all();
                self.0.access.raise_all();
            }
        }
    }

    /// All changes that were committed before this time have raised their versions.
    pub fn synced(&self, at: Instant) {
        self.0.synced_at.fetch_max(self.milliseconds(at) + 1, SeqCst);
    }

    /// Whether rows may be answered from memory: all changes until a second ago are known.
    pub fn is_synced(&self) -> bool {
        self.is_synced_at(Instant::now())
    }

    fn is_synced_at(&self, now: Instant) -> bool {
        let synced_at = self.0.synced_at.load(SeqCst);
        synced_at > 0 && self.milliseconds(now) < synced_at - 1 + TRUSTED_FOR.as_millis() as u64
    }

    fn milliseconds(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.0.began).as_millis() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_trusted_for_a_second_after_a_sign_of_life() {
        let invalidations = Invalidations::default();
        let now = Instant::now();
        assert!(!invalidations.is_synced_at(now), "no sign of life yet");
        invalidations.synced(now);
        assert!(invalidations.is_synced_at(now + Duration::from_millis(990)));
        assert!(!invalidations.is_synced_at(now + Duration::from_millis(1001)));
    }

    #[test]
    fn own_change_raises_a_version_by_one_however_many_share_its_slot() {
        let invalidations = Invalidations::default();
        let version = |scope, id| invalidations.version(scope, id);
        invalidations.invalidate(&Touched::users([7, 7 + SLOTS as i32, 8]));
        assert_eq!([7, 8, 9].map(|id| version(CacheScope::Users, id)), [1, 1, 0]);
        assert_eq!(version(CacheScope::Access, 7), 0);
        invalidations.invalidate(&Touched::access([7]));
        assert_eq!((version(CacheScope::Users, 7), version(CacheScope::Access, 7)), (1, 1));
        invalidations.invalidate(&Touched::Everything);
        assert_eq!((version(CacheScope::Users, 9), version(CacheScope::Access, 9)), (1, 1));
        invalidations.invalidate(&Touched::Nothing);
        assert_eq!(invalidations.version_of_all(CacheScope::Users), 2);
    }

    #[test]
    fn in_doubt_everything_was_touched() {
        assert_eq!(Touched::default(), Touched::Everything);
        assert_eq!(Touched::users([1]).and(Touched::Everything), Touched::Everything);
        assert_eq!(Touched::Nothing.and(Touched::users([1])), Touched::users([1]));
        let both = Touched::Ids { users: BTreeSet::from([1]), access: BTreeSet::from([2]) };
        assert_eq!(Touched::users([1]).and(Touched::access([2])), both);
    }
}
