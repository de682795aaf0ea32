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

/// How the entries are proven.
#[derive(Clone, Copy, Debug)]
enum Proof {
    /// From the entry at `first` on by their MACs with the key, and before it by the digest that this entry has of them.
    Key { first: i64 },
    /// Not at all, because the key is lost: only their order and their records are checked.
    Order,
}

/// A position in the chain, up to which it is verified.
#[derive(Clone, Debug)]
pub struct ChainCursor {
    key: AuditKey,
    proof: Proof,
    /// The beginning of the chain, if older entries were removed.
    pub anchor: Option<Anchor>,
    /// The marks of the chain; those that were passed have the digest up to them, if it is kept.
    pub(super) marks: Vec<Mark>,
    /// The last verified entry.
    pub head: Head,
    /// The digest of the entries up to the head, as long as it is needed.
    pub digest: Option<String>,
    /// Whether the digest is kept up to the end of the chain.
    keeps_digest: bool,
    /// The changes of the key that were passed, with their positions.
    pub key_changes: Vec<(i64, change::Model)>,
}

impl ChainCursor {
    /// Begins at the beginning of the chain.
    ///
    /// # Errors
    /// The chain has another key, or its anchor or a mark is invalid.
    pub async fn begin(db: &impl ConnectionTrait, key: &AuditKey) -> Result<Self, ProofError> {
        let first = match key_check::check_key(db, key).await? {
            KeyCheck::Known { first } => first,
            KeyCheck::First => 0,
            KeyCheck::Other => return Err(ChainError::at(InvalidRecord::Key, "the chain has another key").into()),
        };
        let cursor = Self::at_beginning(db, key, Proof::Key { first }).await?;
        if let Some(anchor) = &cursor.anchor {
            anchor.check(key)?;
        }
        if !cursor.marks.iter().all(|mark| mark.is_valid(key)) {
            return Err(ChainError::at(InvalidRecord::Mark, "it was changed, or the key is another one").into());
        }
        Ok(cursor)
    }

    /// Begins at the beginning of a chain with a lost key.
    pub(super) async fn begin_without_key(db: &impl ConnectionTrait, new: &AuditKey) -> Result<Self, DbErr> {
        Ok(Self::at_beginning(db, new, Proof::Order).await?.keeping_digest())
    }

    async fn at_beginning(db: &impl ConnectionTrait, key: &AuditKey, proof: Proof) -> Result<Self, DbErr> {
        let (anchor, marks) = (anchor::find(db).await?, mark::list(db).await?);
        let head = anchor.clone().map_or_else(Head::origin, Anchor::claimed_head);
        let mut cursor = Self {
            key: key.clone(),
            proof,
            marks,
            head,
            digest: None,
            keeps_digest: false,
            key_changes: Vec::new(),
            anchor,
        };
        cursor.digest = cursor.needs_digest().then(|| cursor.first_digest());
        Ok(cursor)
    }

    /// The digest of the entries that the anchor replaces, if it matters.
    fn first_digest(&self) -> String {
        self.anchor.as_ref().and_then(|anchor| anchor.digest.clone()).unwrap_or_default()
    }

    /// Keeps the digest up to the end of the chain.
    #[must_use]
    pub(super) fn keeping_digest(mut self) -> Self {
        let first = self.first_digest();
        self.digest.get_or_insert(first);
        Self { keeps_digest: true, ..self }
    }

    fn needs_digest(&self) -> bool {
        self.keeps_digest || matches!(self.proof, Proof::Key { first } if self.head.position < first)
    }

    /// Continues at a mark that is further than the beginning.
    ///
    /// # Errors
    /// The entry at the mark is another one, or missing.
    pub async fn skip_to(&mut self, db: &impl ConnectionTrait, name: MarkName) -> Result<(), ProofError> {
        let mark = self.marks.iter().find(|mark| mark.name == name && mark.position > self.head.position);
        let Some(mark) = mark.cloned() else { return Ok(()) };
        let entry = Entity::find().filter(Column::Position.eq(mark.position)).one(db).await?;
        if entry.and_then(|entry| entry.mac).as_ref() != Some(&mark.entry_mac) {
            return Err(not_at_mark().into());
        }
        self.head = mark.head();
        self.digest = self.needs_digest().then(|| mark.digest.unwrap_or_default());
        Ok(())
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
        let mac = match self.proof {
            Proof::Key { first } if position >= first => entry.linked_mac(&self.key, position, &self.head.mac),
            // The digest covers it.
            Proof::Key { .. } | Proof::Order => entry.mac.clone().unwrap_or_default(),
        };
        if entry.mac.as_ref() != Some(&mac) {
            return Err(error("the entry was changed, or the key is another one"));
        }
        let record = self.check_record(entry, record).map_err(error)?;
        let key_change = match record {
            Some(Record::Change(change)) if change.is_of_key() => Some(change),
            _ => None,
        };
        if matches!(self.proof, Proof::Key { first } if position == first)
            && let Some(digest) = &self.digest
            && !key_change.is_some_and(|change| change.has_digest(digest))
        {
            return Err(error("an entry from before the key was changed is not as it was then"));
        }
        self.key_changes.extend(key_change.map(|change| (position, change.clone())));
        self.head = Head { position, mac };
        let digest = self.digest.take();
        self.digest = digest.filter(|_| self.keeps_digest || self.is_before_key()).map(|one| entry.digest_after(&one));
        self.pass_marks()?;
        Ok(record)
    }

    /// Whether the head was made with a former key.
    fn is_before_key(&self) -> bool {
        matches!(self.proof, Proof::Key { first } if self.head.position < first)
    }

    fn pass_marks(&mut self) -> Result<(), ChainError> {
        for mark in self.marks.iter_mut().filter(|mark| mark.position == self.head.position) {
            if mark.entry_mac != self.head.mac {
                return Err(not_at_mark());
            }
            mark.digest.clone_from(&self.digest);
        }
        Ok(())
    }

    /// Checks that the chain does not end too early.
    ///
    /// # Errors
    /// It ends before the key was changed, or before a mark.
    pub(super) fn check_end(&self) -> Result<(), ChainError> {
        let Proof::Key { first } = self.proof else { return Ok(()) };
        if self.head.position < first {
            return Err(ChainError::at(InvalidRecord::Entry(first), "the change of the key is missing"));
        }
        match self.marks.iter().any(|mark| mark.position > self.head.position) {
            true => Err(not_at_mark()),
            false => Ok(()),
        }
    }

    fn check_record<'r>(&self, entry: &Model, record: Option<&'r Record>) -> Result<Option<&'r Record>, &'static str> {
        match entry.is_removed() {
            _ if !entry.has_its_digest() => Err("the entry was changed"),
            false => record::check(entry, record).map(Some),
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

fn not_at_mark() -> ChainError {
    ChainError::at(InvalidRecord::Mark, "the entry at its position is missing or another one")
}
