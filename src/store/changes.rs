//! What changed in the tables that are answered from memory, and how memory hears of it.
//!
//! The database writes every change down, whoever makes it, by triggers. This process reads what it wrote itself before
//! it tells anybody that it is done, and what others wrote four times a second. A database that tells by itself is a
//! second source: whoever listens to it calls [`Changes::tell`] and [`Changes::heard`].

use std::{
    array, fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::postgres::Own;

/// How long what is remembered counts after it was last known to be so.
const FRESH: Duration = Duration::from_secs(1);
/// Users share so many marks; who shares one is forgotten together.
const MARKS: usize = 4096;
/// Stands for all users.
pub const EVERYBODY: i32 = 0;

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// What makes a user: the user's row, role, group and person.
    Users,
    /// What lets a user call: passwords, tickets and applications.
    Access,
}

/// A change that is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub topic: Topic,
    /// Whom it concerns; nobody in particular when it concerns everybody.
    pub user_id: Option<i32>,
}

impl Change {
    /// A change as the triggers of either database tell it.
    pub fn read(topic: &str, user_id: i32) -> Self {
        let topic = if topic == "access" { Topic::Access } else { Topic::Users };
        Self { topic, user_id: Some(user_id).filter(|id| *id != EVERYBODY) }
    }
}

/// Changes that are known, not yet told.
#[derive(Debug)]
pub struct Unread {
    changes: Vec<Change>,
    /// The number of the newest that is known.
    newest: i64,
    /// Some are missing.
    has_gap: bool,
}

/// What is known of changes, for everybody in this process.
#[derive(Clone)]
pub struct Changes(Arc<Known>);

struct Known {
    users: Marks,
    access: Marks,
    own: Own,
    telling: Mutex<()>,
    /// The number of the newest change that was told.
    newest: AtomicI64,
    began: Instant,
    /// When everything was last known to be told, in milliseconds from `began`, plus one; 0 for never.
    heard: AtomicU64,
}

/// Counters that only rise: as long as the sum of two of them is the same, nothing changed.
struct Marks {
    all: AtomicU64,
    everybody: AtomicU64,
    users: Box<[AtomicU64; MARKS]>,
}

impl Marks {
    fn new() -> Self {
        Self { all: AtomicU64::new(0), everybody: AtomicU64::new(0), users: Box::new(array::from_fn(|_| 0.into())) }
    }

    fn of(&self, user_id: i32) -> &AtomicU64 {
        &self.users[Self::place(user_id)]
    }

    fn place(user_id: i32) -> usize {
        user_id.unsigned_abs() as usize % MARKS
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Changes")
    }
}

impl Default for Changes {
    fn default() -> Self {
        let (newest, heard) = (AtomicI64::new(0), AtomicU64::new(0));
        let (users, access, own) = (Marks::new(), Marks::new(), Own::default());
        Self(Arc::new(Known { users, access, own, telling: Mutex::default(), newest, began: Instant::now(), heard }))
    }
}

impl Changes {
    fn marks(&self, topic: Topic) -> &Marks {
        match topic {
            Topic::Users => &self.0.users,
            Topic::Access => &self.0.access,
        }
    }

    /// The transactions of this process that a database tells of by itself.
    pub(super) fn own(&self) -> &Own {
        &self.0.own
    }

    /// A number that changes with every change of this topic that concerns the user.
    pub fn mark(&self, topic: Topic, user_id: i32) -> u64 {
        let marks = self.marks(topic);
        marks.everybody.load(SeqCst) + marks.of(user_id).load(SeqCst)
    }

    /// The mark that a user whose mark was this will have when these changes are in force and told, if so many of them are
    /// of the user, and no other one shares the mark. It is reached in no other way: whatever else is told makes it larger.
    pub fn mark_after(mark: u64, changes: &[Change], topic: Topic, user_id: i32, times: u64) -> Option<u64> {
        let shares = |id| Marks::place(id) == Marks::place(user_id);
        let mut sharing = changes.iter().filter(|change| change.topic == topic && change.user_id.is_none_or(shares));
        let count = sharing.clone().count() as u64;
        let is_known = count == times && sharing.all(|change| change.user_id == Some(user_id));
        is_known.then(|| mark + times)
    }

    /// A number that changes with every change of this topic.
    pub fn mark_of_all(&self, topic: Topic) -> u64 {
        self.marks(topic).all.load(SeqCst)
    }

    /// Tells of a change, which must be in force: whoever asks the database from now on must be answered with it.
    pub fn tell(&self, Change { topic, user_id }: Change) {
        let marks = self.marks(topic);
        user_id.map_or(&marks.everybody, |id| marks.of(id)).fetch_add(1, SeqCst);
        marks.all.fetch_add(1, SeqCst);
    }

    /// Everything may have changed.
    pub fn tell_everything(&self) {
        for topic in [Topic::Users, Topic::Access] {
            self.tell(Change { topic, user_id: None });
        }
    }

    /// Everything that was in force at this time has been told.
    pub fn heard(&self, at: Instant) {
        self.0.heard.fetch_max(self.milliseconds(at) + 1, SeqCst);
    }

    /// All that changed until a second ago has been told.
    pub fn is_fresh(&self) -> bool {
        self.is_fresh_at(Instant::now())
    }

    fn is_fresh_at(&self, now: Instant) -> bool {
        let heard = self.0.heard.load(SeqCst);
        heard > 0 && self.milliseconds(now) < heard - 1 + FRESH.as_millis() as u64
    }

    fn milliseconds(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.0.began).as_millis() as u64
    }

    /// Somebody follows what other processes change; as long as nobody does, nothing is remembered.
    pub fn is_followed(&self) -> bool {
        self.0.heard.load(SeqCst) > 0
    }

    /// Reads what SQLite wrote down of changes that were not told here, those of this transaction among them.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn read(&self, db: &impl ConnectionTrait) -> Result<Unread, DbErr> {
        let mut unread = self.unread();
        unread.read(db).await?;
        Ok(unread)
    }

    /// Nothing read yet.
    pub fn unread(&self) -> Unread {
        Unread { changes: Vec::new(), newest: self.0.newest.load(SeqCst), has_gap: false }
    }

    /// Tells what was read, now that it is in force, unless somebody else did.
    pub fn tell_read(&self, unread: &Unread) {
        let _telling = self.0.telling.lock().unwrap_or_else(PoisonError::into_inner);
        if unread.has_gap {
            self.tell_everything();
        } else if unread.newest <= self.0.newest.load(SeqCst) {
            return;
        }
        unread.changes.iter().for_each(|change| self.tell(*change));
        match unread.has_gap {
            true => self.0.newest.store(unread.newest, SeqCst),
            false => drop(self.0.newest.fetch_max(unread.newest, SeqCst)),
        }
    }
}

impl Unread {
    /// Reads what came after what is known. The newest that is known is read again: when it is not there, more is missing.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn read(&mut self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        let query = "SELECT seq, topic, user_id FROM changes WHERE seq >= ? ORDER BY seq";
        let known = self.newest;
        let rows = db.query_all_raw(Statement::from_sql_and_values(DbBackend::Sqlite, query, [known.into()])).await?;
        if rows.is_empty() && known > 0 {
            // The table was emptied, or made anew.
            (self.newest, self.has_gap) = (0, true);
        }
        let mut expected = known.max(1);
        for row in rows {
            let seq: i64 = row.try_get("", "seq")?;
            self.has_gap |= seq != expected;
            expected = seq + 1;
            self.newest = seq;
            if seq != known {
                let topic: String = row.try_get("", "topic")?;
                self.changes.push(Change::read(&topic, row.try_get("", "user_id")?));
            }
        }
        Ok(())
    }

    /// Adds changes of users that are known without being read, with their numbers.
    pub fn note(&mut self, changes: Vec<(i64, i32)>) {
        for (seq, user_id) in changes {
            self.has_gap |= seq != self.newest + 1;
            self.newest = seq;
            self.changes.push(Change { topic: Topic::Users, user_id: Some(user_id) });
        }
    }

    /// All of them, if none is missing.
    pub fn all(&self) -> Option<&[Change]> {
        (!self.has_gap).then_some(self.changes.as_slice())
    }

    /// Whether one of them concerns the user.
    pub fn concerns(&self, topic: Topic, user_id: i32) -> bool {
        let concerns = |change: &Change| change.topic == topic && change.user_id.is_none_or(|id| id == user_id);
        self.has_gap || self.changes.iter().any(concerns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_counts_for_a_second() {
        let changes = Changes::default();
        let now = Instant::now();
        assert!(!changes.is_fresh_at(now), "nobody follows");
        changes.heard(now);
        assert!(changes.is_fresh_at(now + Duration::from_millis(990)));
        assert!(!changes.is_fresh_at(now + Duration::from_millis(1001)));
    }

    #[test]
    fn the_mark_after_changes_is_known_of_whom_they_alone_concern() {
        let change = |topic, user_id| Change { topic, user_id };
        let own = [change(Topic::Users, Some(7)), change(Topic::Access, Some(7)), change(Topic::Users, Some(8))];
        let after = |changes: &[Change], times| Changes::mark_after(40, changes, Topic::Users, 7, times);
        assert_eq!(after(&own, 1), Some(41));
        assert_eq!(after(&[own[0], own[0]], 2), Some(42));
        assert_eq!(after(&[own[0], own[0]], 1), None, "something else changed");
        assert_eq!(after(&own, 2), None, "something was undone");
        for other in [None, Some(7 + MARKS as i32)] {
            assert_eq!(after(&[own[0], change(Topic::Users, other)], 1), None, "it shares the mark");
        }
    }
}
