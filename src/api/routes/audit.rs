//! The audit chain: who did what, by what way, and when.

use poem_openapi::{ApiResponse, OpenApi, param::Query};

use super::executions::{encode_cursor, instant};
use crate::{
    api::{
        extract::parameters::{CaseInsensitive, Cursor, Int32, Limit},
        models::{AuditAction, AuditEntry, AuditPage, AuditSubjectType, AuditWay},
        openapi::error_responses::{CommonErrors, ErrorResponse},
        openapi::tags::Tag,
        respond::{
            export::{self, Csv, DisplayNames, JsonLines, ListContent},
            format::ListResponseFormat,
        },
    },
    error::Error,
    executions::audit::{SubjectType, change::ChangeFilter, trail},
    store::Store,
    users::Caller,
};

#[derive(Default)]
pub struct AuditOperations;

#[derive(ApiResponse)]
pub enum AuditResponse {
    /// A page of records, newest first. With application/jsonl, each record is a line. With text/csv, the changed fields
    /// are JSON, and a text that a spreadsheet would read as a formula gets an apostrophe in front.
    #[oai(status = 200)]
    Ok(
        ListContent<AuditPage, AuditEntry>,
        /// The value of `cursor` for the next page; absent on the last page.
        #[oai(header = "X-Next-Cursor")]
        Option<String>,
    ),
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
        /// What was done. What a command changed is in the record of its run, `command.executed`.
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
        let names = export::user_names(store.reader(), &found, |id| caller.may_read(id)).await?;
        let entries: Vec<_> = found.into_iter().map(|record| AuditEntry::new(record, &names)).collect();
        let content = match format {
            ListResponseFormat::JsonOrXml(format) => {
                ListContent::Page(format.answer(AuditPage { entries, next_cursor: next.clone() }))
            }
            ListResponseFormat::JsonLines(format) => ListContent::JsonLines(JsonLines(entries, format)),
            ListResponseFormat::Csv(format) => {
                ListContent::Csv(Csv(entries, DisplayNames::of_applications(store.reader()).await?, format))
            }
        };
        Ok(AuditResponse::Ok(content, next))
    }
}
