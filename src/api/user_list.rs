//! The list of users.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use poem::http::Uri;
use poem_openapi::{OpenApi, param::Query};

use super::{
    Tag,
    carriers::{ArchiveColumnInfo, ListFormat, ListRow, ODataSlimResponse, SafeNames},
    parameters::{AnyCase, AnyId, Flag, RowCount},
    reader::{Answer, Reader},
    refusals::{ErrorResponse, NoOwn, Refusals},
    request::BaseUrl,
    wire::by_the_clock,
};
use crate::{
    error::Error,
    store::Store,
    users::{
        Caller,
        list::{self, Asker, ListError, Question},
    },
};

/// How many rows a page has at most, as upstream.
const PAGE: u64 = 1000;
#[derive(Default)]
pub struct UserListOperations;

/// The refusals of the list.
pub struct GetAll;

impl Refusals for GetAll {
    const LIST: &'static [(u16, &'static str)] =
        &[(400, "Bad request. An option cannot be understood; the message names it, and the place in it.")];
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl UserListOperations {
    /// List users
    ///
    /// Lists users a page at a time, as OData. Whoever may not see others sees the own user. Words are read, and texts are
    /// compared and sorted, without regard to upper and lower case; texts stand in single quotes, and a quote within one is
    /// doubled. `/api/v1/User/$metadata` describes the columns.
    #[oai(path = "/User", method = "get", operation_id = "v1User_GetAll")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn get_all(
        &self,
        caller: Caller,
        reader: Reader,
        store: &Store,
        base: BaseUrl,
        uri: &Uri,
        /// The columns, separated by commas; all of them when omitted.
        #[oai(name = "$select")]
        select: Query<Option<String>>,
        /// Which users: `assocName begins 'a' and isActive eq true`, with `and`, `or`, `not` and parentheses.
        #[oai(name = "$filter")]
        filter: Query<Option<String>>,
        /// In which order: `lastName, firstName desc`; by id when omitted.
        #[oai(name = "$orderBy")]
        order_by: Query<Option<String>>,
        /// How many users at most, over all pages.
        #[oai(name = "$top")]
        top: Query<Option<RowCount>>,
        /// How many users are passed over.
        #[oai(name = "$skip")]
        skip: Query<Option<RowCount>>,
        /// Where the page before ended, as `odata.nextLink` says it.
        #[oai(name = "$skiptoken")]
        skip_token: Query<Option<AnyId>>,
        /// The form of the answer, over Accept.
        #[oai(name = "$format")]
        format: Query<Option<AnyCase<ListFormat>>>,
        /// Whether dots in names become underscores: `odata_nextLink`.
        #[oai(name = "$jsonSafe")]
        json_safe: Query<Option<Flag>>,
    ) -> Result<Answer<SafeNames<ODataSlimResponse>>, ErrorResponse<GetAll>> {
        let (top, skip) = (top.0.map(|top| top.0.into()), skip.0.map_or(0, |skip| skip.0.into()));
        let wanted = top.unwrap_or(u64::MAX).min(PAGE);
        let asker = Asker { user_id: caller.user_id, clock: reader.clock() };
        let question = Question {
            select: text(&select),
            filter: text(&filter),
            order_by: text(&order_by),
            after: skip_token.0.map(|last| last.0),
            skip,
            // One more than asked for tells whether there is a next page.
            limit: wanted + u64::from(top.is_none_or(|top| top > PAGE)),
            only: (!caller.may_read_others()).then_some(caller.user_id),
        };
        let mut page = list::page(store.reader(), asker, question).await.map_err(refusal)?;
        let has_more = page.rows.len() as u64 > wanted;
        page.rows.truncate(wanted as usize);
        let here = format!("{}/api/v1/User", base.0);
        let last = page.rows.last().filter(|_| has_more);
        let next_link = last.map(|last| next_link(&here, uri, last.id, top.map(|top| top - wanted)));
        let row = |row| ListRow::new(row, &page.columns);
        let value = by_the_clock(reader.clock(), || page.rows.into_iter().map(row).collect());
        let reader = reader.in_format(format.0.map(|AnyCase(format)| format.into()));
        let carrier = ODataSlimResponse { metadata: format!("{here}/$metadata"), next_link, value };
        // Names with dots are in nobody's way in XML.
        let is_asked_for = json_safe.0.is_some_and(|Flag(is_safe)| is_safe) && !reader.is_xml();
        Ok(reader.answer(SafeNames { carrier, is_asked_for }))
    }

    /// Describe the columns of the list
    ///
    /// Describes each column of the list of users, by its name: what it shows, and whether `$filter` and `$orderBy` take it.
    /// The list leads here by `odata.metadata`.
    #[oai(path = "/User/$metadata", method = "get", operation_id = "v1User_GetMetadata")]
    async fn get_metadata(
        &self,
        _caller: Caller,
        reader: Reader,
    ) -> Result<Answer<BTreeMap<String, ArchiveColumnInfo>>, ErrorResponse<NoOwn>> {
        Ok(reader.answer(list::COLUMNS.iter().map(|column| (column.name.to_owned(), column.into())).collect()))
    }
}

/// An option that says something.
fn text(option: &Query<Option<String>>) -> Option<&str> {
    option.0.as_deref().filter(|text| !text.trim().is_empty())
}

fn refusal(error: ListError) -> Error {
    match error {
        ListError::Fault { option, fault } => {
            Error::InvalidArgument(format!("Parameter {option}, character {}: {}.", fault.at, fault.message))
        }
        ListError::Database(error) => error.into(),
    }
}

/// The parts of a query, and the name of each.
fn parts(uri: &Uri) -> impl Iterator<Item = (String, &str)> {
    let parts = uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty());
    parts.map(|part| {
        (percent_decode_str(part.split('=').next().unwrap_or_default()).decode_utf8_lossy().into_owned(), part)
    })
}

/// Where the rest is: the same question, from behind the last row on. Counting the rows before it would cost more with
/// every page.
fn next_link(here: &str, uri: &Uri, last: i32, top: Option<u64>) -> String {
    let is_place = |name: &str| ["$skip", "$skiptoken", "$top"].iter().any(|place| place.eq_ignore_ascii_case(name));
    let mut query: Vec<_> = parts(uri).filter(|(name, _)| !is_place(name)).map(|(_, part)| part.to_owned()).collect();
    query.extend(top.map(|top| format!("$top={top}")));
    query.push(format!("$skiptoken={last}"));
    format!("{here}?{}", query.join("&"))
}
