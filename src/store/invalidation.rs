//! Cache invalidation by versions of users. Each change increments the version of a user.
//!
//! A cached row stores the version that its user had before the row was read, and is valid while the version is the
//! same. Writes of this process increment versions after the commit and before the response. Changes of other processes
//! are found by polling an SQLite file or listening to PostgreSQL.

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

/// How long cached rows may be used after the last successful synchronization.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// Number of version slots. Users who share a slot are invalidated together.
const SLOTS: usize = 4096;

/// The kinds of data on which a cached row depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheScope {
    /// The user's row, role, groups and person.
    Users,
    /// Passwords, tickets and applications.
    Access,
}

/// The cacheable rows that a transaction changed. When in doubt, use `Everything`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Touched {
    Nothing,
    /// The user ids by scope.
    Ids {
        users: BTreeSet<i32>,
        access: BTreeSet<i32>,
    },
    #[default]
    Everything,
}

impl Touched {
    /// These users in the scope `Users`.
    pub fn users(ids: impl IntoIterator<Item = i32>) -> Self {
        Self::Ids { users: ids.into_iter().collect(), access: BTreeSet::new() }
    }

    /// These users in the scope `Access`.
    pub fn access(ids: impl IntoIterator<Item = i32>) -> Self {
        Self::Ids { users: BTreeSet::new(), access: ids.into_iter().collect() }
    }

    /// The union of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Everything, _) | (_, Self::Everything) => Self::Everything,
            (Self::Nothing, other) | (other, Self::Nothing) => other,
            (Self::Ids { mut users, mut access }, Self::Ids { users: more_users, access: more_access }) => {
                users.extend(more_users);
                access.extend(more_access);
                Self::Ids { users, access }
            }
        }
    }
}

/// The versions of all users, shared by the whole process.
#[derive(Clone)]
pub struct Invalidations(Arc<Versions>);

struct Versions {
    users: ScopeVersions,
    access: ScopeVersions,
    began: Instant,
    /// The time of the last synchronization in milliseconds since `began`, plus one; 0 for never. All earlier changes
    /// are invalidated.
    synced_at: AtomicU64,
}

/// Counters that only increase. The version of a user is `full_invalidations` plus the user's slot.
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
        // Each slot only once: `EntityCache::store_written` expects that a change adds exactly one.
        let slots: BTreeSet<_> = ids.iter().map(|id| slot(*id)).collect();
        // Before the slots: a reader that sees the old count sees only old slots.
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

    /// The version of a user. A change of this process adds exactly one.
    pub fn version(&self, scope: CacheScope, user_id: i32) -> u64 {
        let versions = self.versions(scope);
        versions.full_invalidations.load(SeqCst) + versions.slots[slot(user_id)].load(SeqCst)
    }

    /// A version that every change in this scope increments.
    pub fn version_of_all(&self, scope: CacheScope) -> u64 {
        self.versions(scope).changes.load(SeqCst)
    }

    /// Increments the versions of the touched users. Call it only after the commit: a new read must see the change.
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

    /// Records that all changes committed before `at` are invalidated.
    pub fn synced(&self, at: Instant) {
        self.0.synced_at.fetch_max(self.milliseconds(at) + 1, SeqCst);
    }

    /// Whether cached rows may be used: the last synchronization is less than a second ago.
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
    fn rows_are_trusted_for_a_second_after_synchronization() {
        let invalidations = Invalidations::default();
        let now = Instant::now();
        assert!(!invalidations.is_synced_at(now), "never synchronized");
        invalidations.synced(now);
        assert!(invalidations.is_synced_at(now + Duration::from_millis(990)));
        assert!(!invalidations.is_synced_at(now + Duration::from_millis(1001)));
    }

    #[test]
    fn a_change_raises_a_version_by_one() {
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
    fn touched_scopes_are_combined() {
        assert_eq!(Touched::default(), Touched::Everything);
        assert_eq!(Touched::users([1]).and(Touched::Everything), Touched::Everything);
        assert_eq!(Touched::Nothing.and(Touched::users([1])), Touched::users([1]));
        let both = Touched::Ids { users: BTreeSet::from([1]), access: BTreeSet::from([2]) };
        assert_eq!(Touched::users([1]).and(Touched::access([2])), both);
    }
}
