//! The user list: OData queries over users.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use poem::http::Uri;
use poem_openapi::{OpenApi, param::Query};

use crate::{
    api::{
        extract::{
            parameters::{Boolean, CaseInsensitive, Int32, RowCount},
            request::BaseUrl,
        },
        models::{ArchiveColumnInfo, ListFormat, ListRow, ODataSlimResponse, SafeNames, datetime::by_the_clock},
        openapi::error_responses::{CommonErrors, ErrorResponse, error_responses},
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
    },
    error::Error,
    store::Store,
    users::{
        Caller,
        query::{self, ListError, ListQuery, QueryContext},
    },
};

/// The maximum number of rows on a page; the same as upstream's.
const PAGE_SIZE: u64 = 1000;

#[derive(Default)]
pub struct UserListOperations;

error_responses! {
    /// The errors of listing users.
    pub enum ListUsersError {
        /// Bad request. An option cannot be understood; the message names it, and the place in it.
        400 BadRequest,
    }
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl UserListOperations {
    /// List users
    ///
    /// Lists users page by page, as OData. A caller who may not see other users gets only the calling user. Keywords
    /// are case-insensitive, and so are comparing and sorting texts. Texts are in single quotes; a quote within a text
    /// is doubled. `/api/v1/User/$metadata` describes the columns.
    #[oai(path = "/User", method = "get", operation_id = "v1User_GetAll")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn get_all(
        &self,
        caller: Caller,
        response_format: ResponseFormat,
        store: &Store,
        base: BaseUrl,
        uri: &Uri,
        /// The columns, separated by commas; all columns when omitted.
        #[oai(name = "$select")]
        select: Query<Option<String>>,
        /// The condition for users, such as `assocName begins 'a' and isActive eq true`. It may use `and`, `or`, `not`
        /// and parentheses.
        #[oai(name = "$filter")]
        filter: Query<Option<String>>,
        /// The sort order, such as `lastName, firstName desc`; by id when omitted.
        #[oai(name = "$orderBy")]
        order_by: Query<Option<String>>,
        /// The maximum number of users over all pages.
        #[oai(name = "$top")]
        top: Query<Option<RowCount>>,
        /// The number of users to skip.
        #[oai(name = "$skip")]
        skip: Query<Option<RowCount>>,
        /// The end of the previous page, from its `odata.nextLink`.
        #[oai(name = "$skiptoken")]
        skip_token: Query<Option<Int32>>,
        /// The format of the response. Overrides Accept.
        #[oai(name = "$format")]
        format: Query<Option<CaseInsensitive<ListFormat>>>,
        /// Whether dots in names are replaced by underscores: `odata_nextLink`.
        #[oai(name = "$jsonSafe")]
        json_safe: Query<Option<Boolean>>,
    ) -> Result<Formatted<SafeNames<ODataSlimResponse>>, ErrorResponse<ListUsersError>> {
        let (top, skip) = (top.0.map(|top| top.0.into()), skip.0.map_or(0, |skip| skip.0.into()));
        let page_size = top.unwrap_or(u64::MAX).min(PAGE_SIZE);
        let context = QueryContext { user_id: caller.user_id, clock: response_format.clock() };
        let query = ListQuery {
            select: text(&select),
            filter: text(&filter),
            order_by: text(&order_by),
            after: skip_token.0.map(|last| last.0),
            skip,
            // The additional row shows whether there is a next page.
            limit: page_size + u64::from(top.is_none_or(|top| top > PAGE_SIZE)),
            only: (!caller.may_read_others()).then_some(caller.user_id),
        };
        let mut page = query::page(store.reader(), context, query).await.map_err(list_error)?;
        let has_more = page.rows.len() as u64 > page_size;
        page.rows.truncate(page_size as usize);
        let here = format!("{}/api/v1/User", base.0);
        let last = page.rows.last().filter(|_| has_more);
        let next_link = last.map(|last| next_link(&here, uri, last.id, top.map(|top| top - page_size)));
        let row = |row| ListRow::new(row, &page.columns);
        let value = by_the_clock(response_format.clock(), || page.rows.into_iter().map(row).collect());
        let response_format = response_format.in_format(format.0.map(|CaseInsensitive(format)| format.into()));
        let model = ODataSlimResponse { metadata: format!("{here}/$metadata"), next_link, value };
        // XML names may have dots.
        let is_requested = json_safe.0.is_some_and(|Boolean(is_safe)| is_safe) && !response_format.is_xml();
        Ok(response_format.answer(SafeNames { model, is_requested }))
    }

    /// Describe the columns of the user list
    ///
    /// Describes each column of the user list by name: its type, and whether `$filter` and `$orderBy` accept it. The
    /// list links here with `odata.metadata`.
    #[oai(path = "/User/$metadata", method = "get", operation_id = "v1User_GetMetadata")]
    async fn get_metadata(
        &self,
        _caller: Caller,
        response_format: ResponseFormat,
    ) -> Result<Formatted<BTreeMap<String, ArchiveColumnInfo>>, ErrorResponse<CommonErrors>> {
        Ok(response_format
            .answer(query::COLUMNS.iter().map(|column| (column.name.to_owned(), column.into())).collect()))
    }
}

/// The value of an option; `None` when it is blank.
fn text(option: &Query<Option<String>>) -> Option<&str> {
    option.0.as_deref().filter(|text| !text.trim().is_empty())
}

fn list_error(error: ListError) -> Error {
    match error {
        ListError::Parse { option, error } => {
            Error::InvalidArgument(format!("Parameter {option}, character {}: {}.", error.at, error.message))
        }
        ListError::Database(error) => error.into(),
    }
}

/// The parameters of a query: each name, decoded, and the whole part.
fn parts(uri: &Uri) -> impl Iterator<Item = (String, &str)> {
    let parts = uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty());
    parts.map(|part| {
        (percent_decode_str(part.split('=').next().unwrap_or_default()).decode_utf8_lossy().into_owned(), part)
    })
}

/// The URL of the next page: the same query, starting after the last row. Using `$skip` instead would make every page
/// slower than the one before.
fn next_link(here: &str, uri: &Uri, last: i32, top: Option<u64>) -> String {
    let is_paging = |name: &str| ["$skip", "$skiptoken", "$top"].iter().any(|known| known.eq_ignore_ascii_case(name));
    let mut query: Vec<_> = parts(uri).filter(|(name, _)| !is_paging(name)).map(|(_, part)| part.to_owned()).collect();
    query.extend(top.map(|top| format!("$top={top}")));
    query.push(format!("$skiptoken={last}"));
    format!("{here}?{}", query.join("&"))
}
