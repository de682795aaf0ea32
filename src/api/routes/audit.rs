//! The audit chain: who did what, by what way, and when.

use std::collections::HashMap;

use poem::{IntoResponse, Response};
use poem_openapi::{
    ApiResponse, OpenApi, ResponseContent,
    param::Query,
    registry::{MetaMediaType, Registry},
};
use sea_orm::DbErr;

use super::executions::{encode_cursor, instant};
use crate::{
    api::{
        extract::parameters::{CaseInsensitive, Cursor, Int32, Limit},
        models::{AuditAction, AuditEntry, AuditPage, AuditSubjectType, AuditWay},
        openapi::error_responses::{CommonErrors, ErrorResponse},
        openapi::tags::Tag,
        respond::{
            export::{Csv, DisplayNames, JsonLines},
            format::{Formatted, ListResponseFormat},
        },
    },
    error::Error,
    executions::audit::{Record, SubjectType, change::ChangeFilter, trail},
    store::Store,
    users::{self, Caller},
};

#[derive(Default)]
pub struct AuditOperations;

#[derive(ApiResponse)]
pub enum AuditResponse {
    /// A page of records, newest first. With application/jsonl, each record is a line. With text/csv, the changed fields
    /// are JSON, and a text that a spreadsheet would read as a formula gets an apostrophe in front.
    #[oai(status = 200)]
    Ok(
        AuditContent,
        /// The value of `cursor` for the next page; absent on the last page.
        #[oai(header = "X-Next-Cursor")]
        Option<String>,
    ),
}

pub enum AuditContent {
    Page(Formatted<AuditPage>),
    JsonLines(JsonLines<AuditEntry>),
    Csv(Csv<AuditEntry>),
}

impl ResponseContent for AuditContent {
    fn media_types() -> Vec<MetaMediaType> {
        let pages = <Formatted<AuditPage> as ResponseContent>::media_types();
        let lines = <JsonLines<AuditEntry> as ResponseContent>::media_types().into_iter();
        pages.into_iter().chain(lines).chain(<Csv<AuditEntry> as ResponseContent>::media_types()).collect()
    }

    fn register(registry: &mut Registry) {
        <Formatted<AuditPage> as ResponseContent>::register(registry);
    }
}

impl IntoResponse for AuditContent {
    fn into_response(self) -> Response {
        match self {
            Self::Page(page) => page.into_response(),
            Self::JsonLines(lines) => lines.into_response(),
            Self::Csv(table) => table.into_response(),
        }
    }
}

#[OpenApi(prefix_path = "/_ext", tag = "Tag::Operator", ignore_case = true)]
impl AuditOperations {
    /// List audit records
    ///
    /// Lists who did what, newest first: changes of users, roles, groups, passwords and applications, and runs of
    /// commands. Administrators see all records; other callers see what they did, and what was done to them.
    #[oai(path = "/audit", method = "get", operation_id = "ListAuditRecords")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn list_audit_records(
        &self,
        caller: Caller,
        format: ListResponseFormat,
        store: &Store,
        /// The id of the user who did it.
        actor: Query<Option<Int32>>,
        /// What kind of thing was changed. Only together with `subject`.
        #[oai(name = "subjectType")]
        subject_type: Query<Option<CaseInsensitive<AuditSubjectType>>>,
        /// The id of what was changed: of a user, unless `subjectType` names something else.
        subject: Query<Option<String>>,
        /// What was done.
        action: Query<Option<CaseInsensitive<AuditAction>>>,
        /// The way by which it was done.
        way: Query<Option<CaseInsensitive<AuditWay>>>,
        /// The earliest time. The format is RFC 3339; a time without an offset is in the time zone of SO-TimeZone.
        from: Query<Option<String>>,
        /// The end of the range of times; records of this time or later are left out.
        to: Query<Option<String>>,
        /// The maximum number of items: 1 to 1000; 100 when omitted.
        limit: Query<Option<Limit>>,
        /// The nextCursor of the previous page.
        cursor: Query<Option<Cursor>>,
    ) -> Result<AuditResponse, ErrorResponse<CommonErrors>> {
        let subject_type = subject_type.0.map(|CaseInsensitive(subject_type)| SubjectType::from(subject_type));
        if subject_type.is_some() && subject.0.is_none() {
            return Err(Error::InvalidArgument("Parameter subjectType: give `subject`, too.".to_owned()).into());
        }
        let filter = ChangeFilter {
            actor_id: actor.0.map(|Int32(id)| id),
            subject: subject.0.map(|id| (subject_type.unwrap_or(SubjectType::User), id)),
            concerns_user: (!caller.is_administrator()).then_some(caller.user_id),
            action: action.0.map(|CaseInsensitive(action)| action.into()),
            way: way.0.map(|CaseInsensitive(way)| way.into()),
            from: from.0.map(|time| instant("from", time, &format)).transpose()?,
            to: to.0.map(|time| instant("to", time, &format)).transpose()?,
            older_than: cursor.0.map(|Cursor(id)| id),
        };
        let limit = limit.0.unwrap_or_default();
        let (found, has_more) = limit.page_of(trail::list(store.reader(), &filter, limit.plus_one()).await?);
        let next = found.last().filter(|_| has_more).map(|last| encode_cursor(last.id()));
        let names = user_names(store, &found, &caller).await?;
        let entries: Vec<_> = found.into_iter().map(|record| AuditEntry::new(record, &names)).collect();
        let content = match format {
            ListResponseFormat::JsonOrXml(format) => {
                AuditContent::Page(format.answer(AuditPage { entries, next_cursor: next.clone() }))
            }
            ListResponseFormat::JsonLines(format) => AuditContent::JsonLines(JsonLines(entries, format)),
            ListResponseFormat::Csv(format) => {
                AuditContent::Csv(Csv(entries, DisplayNames::of_applications(store.reader()).await?, format))
            }
        };
        Ok(AuditResponse::Ok(content, next))
    }
}

/// The names of the callers and users of runs whom the caller may see.
async fn user_names(store: &Store, records: &[Record], caller: &Caller) -> Result<HashMap<i32, String>, DbErr> {
    let ids = records.iter().flat_map(|record| match record {
        Record::Execution(execution) => vec![execution.user_id, execution.caller_id],
        Record::Change(_) => Vec::new(),
    });
    let users = users::find_many(store.reader(), ids.filter(|id| caller.may_read(*id)).collect()).await?;
    Ok(users.into_iter().map(|user| (user.user.id, user.user.name)).collect())
}
