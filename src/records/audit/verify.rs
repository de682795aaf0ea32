//! The proof of the chain, from its beginning to its end.

use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};

use super::{AuditKey, Column, Entity, Head, Model, ORIGIN};
use crate::records::execution;

/// How many entries are read at once.
const PAGE: u64 = 1000;

/// What a look at the whole chain found.
#[derive(Debug)]
pub struct Verification {
    /// The newest place that holds.
    pub head: Head,
    /// The first place that does not, and why.
    pub broken: Option<(i64, &'static str)>,
    /// Entries that are not linked yet.
    pub unlinked: u64,
}

/// Follows the chain from its beginning to its end, or to the first place where it does not hold.
/// `progress` is told how many entries were looked at.
///
/// # Errors
/// The database does not answer.
pub async fn verify(
    db: &impl ConnectionTrait,
    key: &AuditKey,
    expected: Option<&Head>,
    mut progress: impl FnMut(u64),
) -> Result<Verification, DbErr> {
    let unlinked = Entity::find().filter(Column::Position.is_null()).count(db).await?;
    let mut head = Head { position: 0, mac: ORIGIN.to_owned() };
    let mut seen_expected = expected.is_none();
    let broken = loop {
        let page = Entity::find().filter(Column::Position.gt(head.position)).order_by_asc(Column::Position);
        let page = page.limit(PAGE).all(db).await?;
        if page.is_empty() {
            break (!seen_expected).then_some((head.position + 1, "the chain ends before the expected head"));
        }
        let executions = execution::find_all(db, page.iter().map(|entry| entry.id).collect()).await?;
        let fault = page.iter().find_map(|entry| {
            let fault = fault(key, &head, entry, executions.iter().find(|one| one.id == entry.id));
            if fault.is_none() {
                head = Head { position: head.position + 1, mac: entry.mac.clone().unwrap_or_default() };
                let is_other = expected.is_some_and(|it| it.position == head.position && it.mac != head.mac);
                seen_expected |= expected == Some(&head);
                return is_other.then_some((head.position, "this is not the expected head"));
            }
            fault.map(|fault| (head.position + 1, fault))
        });
        progress(page.len() as u64);
        if fault.is_some() {
            break fault;
        }
    };
    Ok(Verification { head, broken, unlinked })
}

fn fault(key: &AuditKey, before: &Head, entry: &Model, execution: Option<&execution::Model>) -> Option<&'static str> {
    let position = before.position + 1;
    if entry.position != Some(position) {
        return Some("an entry is missing");
    }
    if entry.mac.as_deref() != Some(key.bind(position, &before.mac, &entry.content).as_str()) {
        return Some("the entry was changed, or the key is another one");
    }
    let told = serde_json::from_str::<execution::Model>(&entry.content).ok();
    match (told, execution) {
        (_, None) => Some("its execution is missing"),
        (Some(told), Some(execution)) if told == *execution => None,
        _ => Some("its execution was changed"),
    }
}
