//! Reads and verifies the chain entry by entry. Verification, retention and the change of the key use it.

use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};

use super::{
    Anchor, AuditKey, Column, Entity, Head, Model, anchor,
    chain_error::{ChainError, InvalidRecord, ProofError},
    change,
    entry::RecordKind,
    key_check::{self, KeyCheck},
    mark::{self, Mark, MarkName},
    record::{self, Record},
};

/// Entries per query.
pub const PAGE: u64 = 1000;

/// The first page of entries from this position on with their records, in order.
pub async fn page(db: &impl ConnectionTrait, from: i64) -> Result<Vec<(Model, Option<Record>)>, DbErr> {
    let entries = Entity::find().filter(Column::Position.gte(from)).order_by_asc(Column::Position).limit(PAGE);
    record::with_records(db, entries.all(db).await?).await
}

/// A position in the chain, up to which it is verified.
#[derive(Clone, Debug)]
pub struct ChainCursor {
    key: AuditKey,
    /// The beginning of the chain, if older entries were removed.
    pub anchor: Option<Anchor>,
    /// The last verified entry.
    pub head: Head,
    /// The digest of the entries up to the head, as long as it is needed.
    pub digest: Option<String>,
    /// The position from which on entries are made with the key. The change of the key at this position has the digest
    /// of the entries before.
    since: i64,
    /// Whether the digest is needed after `since`, too.
    keeps_digest: bool,
    marks: Vec<Mark>,
    /// The change with which the key began, once the cursor has passed it.
    pub key_change: Option<change::Model>,
}

impl ChainCursor {
    /// Begins at the beginning of the chain.
    ///
    /// # Errors
    /// The chain has another key, or its anchor or a mark is invalid.
    pub async fn begin(db: &impl ConnectionTrait, key: &AuditKey) -> Result<Self, ProofError> {
        let since = match key_check::check_key(db, key).await? {
            KeyCheck::Known { since } => since,
            KeyCheck::First => 0,
            KeyCheck::Other => return Err(ChainError::at(InvalidRecord::Key, "the chain has another key").into()),
        };
        let anchor = anchor::find(db).await?;
        let head = anchor.as_ref().map_or_else(|| Ok(Head::origin()), |anchor| anchor.head(key))?;
        let marks = mark::list(db).await?;
        if !marks.iter().all(|mark| mark.is_valid(key)) {
            return Err(ChainError::at(InvalidRecord::Mark, "it was changed, or the key is another one").into());
        }
        Ok(Self::at(key, anchor, head, since, marks))
    }

    /// Begins at the beginning of a chain whose key is lost. Of its entries, only the order and the records are checked.
    pub(super) async fn begin_without_key(db: &impl ConnectionTrait, key: &AuditKey) -> Result<Self, DbErr> {
        let anchor = anchor::find(db).await?;
        let head = anchor.clone().map_or_else(Head::origin, Anchor::claimed_head);
        Ok(Self::at(key, anchor, head, i64::MAX, mark::list(db).await?))
    }

    fn at(key: &AuditKey, anchor: Option<Anchor>, head: Head, since: i64, marks: Vec<Mark>) -> Self {
        let digest = anchor.as_ref().and_then(|anchor| anchor.digest.clone()).unwrap_or_default();
        let digest = (head.position < since).then_some(digest);
        Self { key: key.clone(), anchor, head, digest, since, keeps_digest: false, marks, key_change: None }
    }

    /// Keeps the digest up to the end of the chain.
    #[must_use]
    pub(super) fn keeping_digest(mut self) -> Self {
        let of_anchor = self.anchor.as_ref().and_then(|anchor| anchor.digest.clone());
        self.digest.get_or_insert_with(|| of_anchor.unwrap_or_default());
        Self { keeps_digest: true, ..self }
    }

    /// Continues at a mark that is further than the beginning.
    pub fn skip_to(&mut self, name: MarkName) {
        let Some(mark) = self.marks.iter().find(|mark| mark.name == name) else { return };
        if mark.position > self.head.position {
            self.head = mark.head();
            self.digest = (mark.position < self.since).then(|| mark.digest.clone().unwrap_or_default());
        }
    }

    pub fn key(&self) -> &AuditKey {
        &self.key
    }

    /// Verifies the next entry, moves to it and returns its record; `None` if the record was removed after its retention.
    ///
    /// # Errors
    /// The entry is invalid, or its record was changed.
    pub fn step<'r>(&mut self, entry: &Model, record: Option<&'r Record>) -> Result<Option<&'r Record>, ChainError> {
        let position = self.head.position + 1;
        let error = |reason| ChainError::at(InvalidRecord::Entry(position), reason);
        match entry.position {
            Some(found) if found == position => {}
            Some(found) if found < position => return Err(error("an entry was inserted before it")),
            _ if self.head == Head::origin() => {
                return Err(error(
                    "the chain does not begin at its anchor: its first entries or the anchor are missing",
                ));
            }
            _ => return Err(error("an entry is missing")),
        }
        let mac = match position < self.since {
            // The digest covers it.
            true => entry.mac.clone().unwrap_or_default(),
            false => entry.linked_mac(&self.key, position, &self.head.mac),
        };
        if entry.mac.as_ref() != Some(&mac) {
            return Err(error("the entry was changed, or the key is another one"));
        }
        let record = self.check_record(entry, record).map_err(error)?;
        if position == self.since
            && let Some(digest) = &self.digest
        {
            match record {
                Some(Record::Change(change)) if change.changes_key_after(digest) => {
                    self.key_change = Some(change.clone());
                }
                _ => return Err(error("an entry from before the key was changed is not as it was then")),
            }
        }
        let is_needed = self.keeps_digest || position < self.since;
        self.digest = self.digest.take().filter(|_| is_needed).map(|digest| entry.digest_after(&digest));
        self.head = Head { position, mac };
        Ok(record)
    }

    fn check_record<'r>(&self, entry: &Model, record: Option<&'r Record>) -> Result<Option<&'r Record>, &'static str> {
        match entry.is_removed() {
            false if entry.has_its_digest() => record::check(entry, record).map(Some),
            false => Err("the entry was changed"),
            true if !self.may_be_removed(entry) => Err("its content is missing"),
            true if record.is_some() => Err("its content was removed, but its record exists"),
            true => Ok(None),
        }
    }

    fn may_be_removed(&self, entry: &Model) -> bool {
        let is_before = |kind: RecordKind| {
            let mark = self.marks.iter().find(|mark| mark.name == MarkName::removed(kind));
            mark.is_some_and(|mark| entry.position <= Some(mark.position))
        };
        entry.kind.is_some_and(is_before)
    }
}
