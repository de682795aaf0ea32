//! A page of an archive in OData form: what the list of users, the list of roles and the archives share.

use percent_encoding::percent_decode_str;
use poem::http::Uri;

use crate::{
    api::{
        extract::parameters::{Boolean, CaseInsensitive, Int32, RowCount},
        models::{ListFormat, ListRow, ODataSlimResponse, SafeNames, datetime::by_the_clock},
        respond::format::{Formatted, ResponseFormat},
    },
    error::{Error, quoted},
    store::Store,
    users::{
        Caller,
        query::{self, Archive, ListError, ListPart, ListQuery, QueryContext},
    },
};

/// The maximum number of rows on a page; the same as upstream's.
const PAGE_SIZE: u64 = 1000;

/// The query options of a list, as they were given.
#[derive(Debug, Default)]
pub struct ListOptions {
    pub select: Option<String>,
    pub filter: Option<String>,
    pub order_by: Option<String>,
    pub entities: Option<String>,
    pub top: Option<RowCount>,
    pub skip: Option<RowCount>,
    pub skip_token: Option<Int32>,
    pub format: Option<CaseInsensitive<ListFormat>>,
    pub json_safe: Option<Boolean>,
}

/// Where a list is: the URL of the list, and the request's own URL, from which the link to the next page is made.
#[derive(Debug)]
pub struct ListAddress<'a> {
    pub url: String,
    pub request: &'a Uri,
}

/// Reads a page of an archive. A caller who may not see other users gets only the calling user.
///
/// # Errors
/// An option cannot be understood; the message names it, and the place in it.
pub async fn answer(
    archive: &'static Archive,
    caller: &Caller,
    response_format: ResponseFormat,
    store: &Store,
    address: ListAddress<'_>,
    options: ListOptions,
) -> Result<Formatted<SafeNames<ODataSlimResponse>>, Error> {
    let (top, skip) = (options.top.map(|top| top.0.into()), options.skip.map_or(0, |skip| skip.0.into()));
    let page_size = top.unwrap_or(u64::MAX).min(PAGE_SIZE);
    check_entities("$entities", archive, text(&options.entities).into_iter().flat_map(|names| names.split(',')))?;
    let context = QueryContext { user_id: caller.user_id, clock: response_format.clock() };
    let parsed = ListQuery::parse(text(&options.select), text(&options.filter), text(&options.order_by));
    let list_query = ListQuery {
        after: options.skip_token.map(|last| last.0),
        skip,
        // The additional row shows whether there is a next page.
        limit: page_size + u64::from(top.is_none_or(|top| top > PAGE_SIZE)),
        only: (!caller.may_read_others()).then_some(caller.user_id),
        ..parsed.map_err(list_error)?
    };
    let mut page = query::page(store.reader(), archive, context, &list_query).await.map_err(list_error)?;
    let has_more = page.rows.len() as u64 > page_size;
    page.rows.truncate(page_size as usize);
    let ListAddress { url, request } = address;
    let last = page.rows.last().filter(|_| has_more);
    let next_link = last.map(|last| next_link(&url, request, last.id, top.map(|top| top - page_size)));
    let row = |row| ListRow::new(archive, row, &page.columns);
    let value = by_the_clock(response_format.clock(), || page.rows.into_iter().map(row).collect());
    let response_format = response_format.in_format(options.format.map(|CaseInsensitive(format)| format.into()));
    let model = ODataSlimResponse { metadata: format!("{url}/$metadata"), next_link, value };
    // XML names may have dots.
    let is_requested = options.json_safe.is_some_and(|Boolean(is_safe)| is_safe) && !response_format.is_xml();
    Ok(response_format.answer(SafeNames { model, is_requested }))
}

/// Checks the names of kinds of rows.
///
/// # Errors
/// The archive has no rows of this kind.
pub fn check_entities<'a>(
    option: &str,
    archive: &Archive,
    mut names: impl Iterator<Item = &'a str>,
) -> Result<(), Error> {
    let Some(unknown) = names.find(|name| !name.trim().is_empty() && !archive.has_entity(name.trim())) else {
        return Ok(());
    };
    let message = format!(
        "{option}: the archive {} has no entities {}, only `{}` (or `all`).",
        archive.name,
        quoted(unknown.trim()),
        archive.entity
    );
    Err(Error::InvalidArgument(message))
}

/// The value of an option; `None` when it is blank.
fn text(option: &Option<String>) -> Option<&str> {
    option.as_deref().filter(|text| !text.trim().is_empty())
}

fn list_error(error: ListError) -> Error {
    match error {
        ListError::Parse { part, error } => {
            let option = match part {
                ListPart::Columns => "$select",
                ListPart::Filter => "$filter",
                ListPart::Order => "$orderBy",
            };
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
