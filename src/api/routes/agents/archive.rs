//! The Archive agent: archives as procedures (docs/upstream.md §7.3).

use poem_openapi::{Object, OpenApi};

use crate::{
    api::{
        extract::{
            json_body::{JsonBody, PartialUpdate},
            request::NoBody,
        },
        models::{
            ArchiveColumnInfo, ArchiveListItem, ArchiveOrderByInfo, InterRestrictionOperator, MdoListItem,
            OrderBySortType,
        },
        openapi::{
            error_responses::{CommonErrors, ErrorResponse},
            tags::Tag,
        },
        respond::{
            format::{Formatted, ResponseFormat},
            large_response::LongListPermit,
        },
        routes::{
            archive::{ReadArchiveError, named},
            odata_page::check_entities,
        },
    },
    error::Error,
    store::Store,
    users::{
        Caller,
        mdo_list::ListItem,
        query::{self, ARCHIVES, Archive, ListError, ListPart, ListQuery, OrderBy, QueryContext, Restriction},
    },
};

/// The number of rows on a page when the request does not say it.
const DEFAULT_PAGE_SIZE: u32 = 1000;
/// The maximum number of cells in a response. A request for more is refused when there are more.
const MAX_CELLS: usize = 100_000;

#[derive(Default)]
pub struct ArchiveAgent;

/// An archive by name.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetAvailableColumnsRequest {
    /// The name of the archive, such as `InternalUsers`.
    provider_name: String,
    /// Nothing: these archives have no context.
    #[oai(nullable)]
    context: Option<String>,
}

/// An archive by name.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetAvailableEntitiesRequest {
    /// The name of the archive, such as `InternalUsers`.
    provider_name: String,
    /// Nothing: these archives have no context.
    #[oai(nullable)]
    context: Option<String>,
}

/// A page of an archive.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetArchiveListByColumnsRequest {
    /// The name of the archive, such as `InternalUsers`.
    provider_name: String,
    /// The names of the columns; all columns when omitted.
    #[oai(nullable)]
    columns: Option<Vec<String>>,
    /// The columns to sort by; by id when omitted.
    #[oai(nullable)]
    sort_order: Option<Vec<ArchiveOrderByInfo>>,
    /// The conditions for rows; all rows when omitted.
    #[oai(nullable)]
    restriction: Option<Vec<ArchiveRestrictionInfo>>,
    /// The kinds of rows. Each archive has one, so that `all` is enough.
    #[oai(nullable)]
    entities: Option<Vec<String>>,
    /// The number of the page, from 0.
    #[oai(nullable)]
    page: Option<i32>,
    /// The maximum number of rows; 1000 when omitted. When the rows have more than 100,000 cells, the request is refused.
    #[oai(nullable)]
    page_size: Option<i32>,
}

/// A page of an archive, with lists as texts.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetArchiveListByColumns2Request {
    /// The name of the archive, such as `InternalUsers`.
    provider_name: String,
    /// The names of the columns, separated by commas; all columns when omitted.
    #[oai(nullable)]
    columns: Option<String>,
    /// The columns to sort by, such as `lastName, firstName desc`; by id when omitted.
    #[oai(nullable)]
    sort_order: Option<String>,
    /// The condition for rows, as in `$filter`: `associateDbId gt 0`; all rows when omitted.
    #[oai(nullable)]
    restrictions: Option<String>,
    /// The kinds of rows, separated by commas. Each archive has one, so that `all` is enough.
    #[oai(nullable)]
    entities: Option<String>,
    /// The number of the page, from 0.
    #[oai(nullable)]
    page: Option<i32>,
    /// The maximum number of rows; 1000 when omitted. When the rows have more than 100,000 cells, the request is refused.
    #[oai(nullable)]
    page_size: Option<i32>,
}

/// A condition for rows.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct ArchiveRestrictionInfo {
    /// The name of the column.
    name: String,
    /// The operator, as in `$filter`, or a sign such as `>`.
    operator: String,
    /// The values to compare with.
    #[oai(nullable)]
    values: Option<Vec<String>>,
    /// Accepted, but has no effect.
    #[oai(nullable)]
    display_values: Option<Vec<String>>,
    /// Accepted, but has no effect.
    #[oai(nullable)]
    column_info: Option<PartialUpdate<ArchiveColumnInfo>>,
    /// Whether the condition counts; true when omitted.
    #[oai(nullable)]
    is_active: Option<bool>,
    /// Must be empty: these columns have no conditions of their own.
    #[oai(nullable)]
    sub_restrictions: Option<Vec<ArchiveRestrictionInfo>>,
    /// The number of parentheses that open before the condition, or as a negative number, close after it.
    #[oai(nullable)]
    inter_parenthesis: Option<i32>,
    /// How the next condition is joined; `And` when omitted.
    #[oai(nullable)]
    inter_operator: Option<InterRestrictionOperator>,
    /// Accepted, but has no effect.
    #[oai(nullable)]
    unique_hash: Option<i32>,
}

#[OpenApi(prefix_path = "/api/v1/Agents/Archive", tag = "Tag::ArchiveAgent", ignore_case = true)]
impl ArchiveAgent {
    /// Get the names of the archives
    ///
    /// Returns the names of all archives that this server has.
    #[oai(path = "/GetProviderNames", method = "post", operation_id = "v1ArchiveAgent_GetProviderNames")]
    async fn get_provider_names(
        &self,
        _caller: Caller,
        format: ResponseFormat,
        _body: NoBody,
    ) -> Result<Formatted<Vec<String>>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(ARCHIVES.iter().map(|archive| archive.name.to_owned()).collect()))
    }

    /// Get the columns of an archive
    ///
    /// Describes each column of an archive: its type, and whether conditions and sort orders accept it.
    #[oai(path = "/GetAvailableColumns", method = "post", operation_id = "v1ArchiveAgent_GetAvailableColumns")]
    async fn get_available_columns(
        &self,
        _caller: Caller,
        format: ResponseFormat,
        body: JsonBody<GetAvailableColumnsRequest>,
    ) -> Result<Formatted<Vec<ArchiveColumnInfo>>, ErrorResponse<ReadArchiveError>> {
        check_context(body.0.context.as_deref())?;
        let archive = named(&body.0.provider_name)?;
        Ok(format.answer(archive.columns.iter().map(Into::into).collect()))
    }

    /// Get the kinds of rows of an archive
    ///
    /// Returns the only kind of rows that an archive has.
    #[oai(path = "/GetAvailableEntities", method = "post", operation_id = "v1ArchiveAgent_GetAvailableEntities")]
    async fn get_available_entities(
        &self,
        _caller: Caller,
        format: ResponseFormat,
        body: JsonBody<GetAvailableEntitiesRequest>,
    ) -> Result<Formatted<Vec<MdoListItem>>, ErrorResponse<ReadArchiveError>> {
        check_context(body.0.context.as_deref())?;
        let name = named(&body.0.provider_name)?.entity.to_owned();
        Ok(format.answer(vec![ListItem { name, ..ListItem::default() }.into()]))
    }

    /// Read an archive
    ///
    /// Returns a page of an archive. A caller who may not see other users gets only the calling user.
    #[oai(path = "/GetArchiveListByColumns", method = "post", operation_id = "v1ArchiveAgent_GetArchiveListByColumns")]
    async fn get_archive_list_by_columns(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetArchiveListByColumnsRequest>,
    ) -> Result<Formatted<Vec<ArchiveListItem>>, ErrorResponse<ReadArchiveError>> {
        let JsonBody(request) = body;
        let archive = named(&request.provider_name)?;
        let entities = request.entities.unwrap_or_default();
        check_entities("Entities", archive, entities.iter().map(String::as_str))?;
        let page = Page::new(request.page, request.page_size)?;
        let restrictions = request.restriction.unwrap_or_default().into_iter();
        let restrictions = restrictions.map(ArchiveRestrictionInfo::into_restriction).collect::<Result<_, _>>()?;
        let order = request.sort_order.unwrap_or_default().into_iter().map(order_by).collect();
        let list_query = ListQuery::of_lists(request.columns.unwrap_or_default(), restrictions, order)
            .map_err(|error| list_error(error, BY_NUMBER))?;
        Ok(rows_of(archive, &caller, format, store, page, list_query, BY_NUMBER).await?)
    }

    /// Read an archive, with lists as texts
    ///
    /// As `GetArchiveListByColumns`, with columns, sort order and conditions as texts.
    #[oai(
        path = "/GetArchiveListByColumns2",
        method = "post",
        operation_id = "v1ArchiveAgent_GetArchiveListByColumns2"
    )]
    async fn get_archive_list_by_columns2(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetArchiveListByColumns2Request>,
    ) -> Result<Formatted<Vec<ArchiveListItem>>, ErrorResponse<ReadArchiveError>> {
        let JsonBody(request) = body;
        let archive = named(&request.provider_name)?;
        check_entities("Entities", archive, request.entities.as_deref().unwrap_or_default().split(','))?;
        let page = Page::new(request.page, request.page_size)?;
        let [columns, filter, order] = [&request.columns, &request.restrictions, &request.sort_order]
            .map(|text| text.as_deref().filter(|text| !text.trim().is_empty()));
        let list_query = ListQuery::parse(columns, filter, order).map_err(|error| list_error(error, BY_CHARACTER))?;
        Ok(rows_of(archive, &caller, format, store, page, list_query, BY_CHARACTER).await?)
    }
}

/// Which rows are wanted.
#[derive(Clone, Copy)]
struct Page {
    skip: u64,
    size: u32,
}

impl Page {
    fn new(page: Option<i32>, size: Option<i32>) -> Result<Self, Error> {
        let count = |name: &str, given: i32| {
            let invalid = |_| Error::InvalidArgument(format!("Body: {name} must not be negative."));
            u32::try_from(given).map_err(invalid)
        };
        let page = count("Page", page.unwrap_or_default())?;
        let size = match count("PageSize", size.unwrap_or_default())? {
            0 => DEFAULT_PAGE_SIZE,
            size => size,
        };
        Ok(Self { skip: u64::from(page) * u64::from(size), size })
    }
}

/// What the parts of a query are called in a request, and what the position in an error counts.
#[derive(Clone, Copy)]
struct Wording {
    filter: &'static str,
    counted: &'static str,
}

const BY_NUMBER: Wording = Wording { filter: "Restriction", counted: "item" };
const BY_CHARACTER: Wording = Wording { filter: "Restrictions", counted: "character" };

async fn rows_of(
    archive: &'static Archive,
    caller: &Caller,
    format: ResponseFormat,
    store: &Store,
    page: Page,
    list_query: ListQuery,
    wording: Wording,
) -> Result<Formatted<Vec<ArchiveListItem>>, Error> {
    let context = QueryContext { user_id: caller.user_id, clock: format.clock() };
    let columns = if list_query.columns.is_empty() { archive.columns.len() } else { list_query.columns.len() };
    let max_rows = MAX_CELLS / columns;
    let list_query = ListQuery {
        skip: page.skip,
        // The additional row shows whether there are too many.
        limit: u64::from(page.size).min(max_rows as u64 + 1),
        only: (!caller.may_read_others()).then_some(caller.user_id),
        ..list_query
    };
    let permit = LongListPermit::for_rows(list_query.limit, caller).await?;
    let found = query::page(store.reader(), archive, context, &list_query).await;
    let found = found.map_err(|error| list_error(error, wording))?;
    if found.rows.len() > max_rows {
        let message = format!(
            "Body: there are more than {max_rows} rows, the maximum for {columns} columns. Ask for pages with a PageSize up \
             to {max_rows}."
        );
        return Err(Error::InvalidArgument(message));
    }
    let clock = format.clock();
    let row = |row| ArchiveListItem::new(archive, row, &found.columns, clock);
    let items = found.rows.into_iter().map(row).collect();
    Ok(format.answer_with(items, permit))
}

fn list_error(error: ListError, wording: Wording) -> Error {
    match error {
        ListError::Parse { part, error } => {
            let name = match part {
                ListPart::Columns => "Columns",
                ListPart::Filter => wording.filter,
                ListPart::Order => "SortOrder",
            };
            Error::InvalidArgument(format!("Body: {name}, {} {}: {}.", wording.counted, error.at, error.message))
        }
        ListError::Database(error) => error.into(),
    }
}

fn check_context(context: Option<&str>) -> Result<(), Error> {
    match context.filter(|context| !context.trim().is_empty()) {
        None => Ok(()),
        Some(_) => Err(Error::InvalidArgument("Body: Context is not supported; leave it out.".to_owned())),
    }
}

fn order_by(ArchiveOrderByInfo { name, direction }: ArchiveOrderByInfo) -> OrderBy {
    (name, direction == Some(OrderBySortType::Descending))
}

impl ArchiveRestrictionInfo {
    fn into_restriction(self) -> Result<Restriction, Error> {
        if self.sub_restrictions.is_some_and(|restrictions| !restrictions.is_empty()) {
            let message = "Body: Restriction: SubRestrictions are not supported; use InterParenthesis instead.";
            return Err(Error::InvalidArgument(message.to_owned()));
        }
        Ok(Restriction {
            column: self.name,
            operator: self.operator,
            values: self.values.unwrap_or_default(),
            is_active: self.is_active.unwrap_or(true),
            parentheses: self.inter_parenthesis.unwrap_or_default(),
            is_or: self.inter_operator == Some(InterRestrictionOperator::Or),
        })
    }
}
