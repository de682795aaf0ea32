//! Everything in the audit chain in one order of time: executions and changes.

use sea_orm::{ConnectionTrait, DbErr};

use super::{
    change::{self, Action, ChangeFilter, SubjectType},
    record::Record,
};
use crate::executions::execution::{self, ExecutionFilter};

/// The records that match the filter, newest first. Running executions are left out.
pub async fn list(db: &impl ConnectionTrait, filter: &ChangeFilter, limit: u64) -> Result<Vec<Record>, DbErr> {
    let mut records = Vec::new();
    if filter.action != Some(Action::CommandExecuted) {
        records.extend(change::list(db, filter, limit).await?.into_iter().map(Record::Change));
    }
    if let Some(filter) = executions(filter) {
        records.extend(execution::list(db, filter, limit).await?.into_iter().map(Record::Execution));
    }
    records.sort_by_key(|record| std::cmp::Reverse(record.id()));
    records.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(records)
}

/// The filter for executions; `None` if no execution can match.
fn executions(filter: &ChangeFilter) -> Option<ExecutionFilter> {
    let user_id = match &filter.subject {
        None => None,
        Some((SubjectType::User, id)) => Some(id.parse().ok()?),
        Some(_) => return None,
    };
    let is_wanted = filter.action.is_none_or(|action| action == Action::CommandExecuted);
    is_wanted.then(|| ExecutionFilter {
        user_id,
        caller_id: filter.actor_id,
        concerns_user: filter.concerns_user,
        way: filter.way,
        from: filter.from,
        to: filter.to,
        older_than: filter.older_than,
        only_ended: true,
        ..ExecutionFilter::default()
    })
}
