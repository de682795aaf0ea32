//! The user list: OData queries over users.

use std::collections::BTreeMap;

use poem::http::Uri;
use poem_openapi::{OpenApi, param::Query};

use super::odata_page::{self, ListAddress, ListOptions};
use crate::{
    api::{
        extract::{
            parameters::{Boolean, CaseInsensitive, Int32, RowCount},
            request::BaseUrl,
        },
        models::{ArchiveColumnInfo, ListFormat, ODataSlimResponse, SafeNames},
        openapi::error_responses::{CommonErrors, ErrorResponse, error_responses},
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
    },
    store::Store,
    users::{Caller, query::ALL_USERS},
};

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
        format: ResponseFormat,
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
        /// The kinds of rows: `all`, the only one.
        #[oai(name = "$entities")]
        entities: Query<Option<String>>,
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
        list_format: Query<Option<CaseInsensitive<ListFormat>>>,
        /// Whether dots in names are replaced by underscores: `odata_nextLink`.
        #[oai(name = "$jsonSafe")]
        json_safe: Query<Option<Boolean>>,
    ) -> Result<Formatted<SafeNames<ODataSlimResponse>>, ErrorResponse<ListUsersError>> {
        let options = ListOptions {
            select: select.0,
            filter: filter.0,
            order_by: order_by.0,
            entities: entities.0,
            top: top.0,
            skip: skip.0,
            skip_token: skip_token.0,
            format: list_format.0,
            json_safe: json_safe.0,
        };
        let address = ListAddress { url: format!("{}/api/v1/User", base.0), request: uri };
        Ok(odata_page::answer(&ALL_USERS, &caller, format, store, address, options).await?)
    }

    /// Describe the columns of the user list
    ///
    /// Describes each column of the user list by name: its type, and whether `$filter` and `$orderBy` accept it. The
    /// list links here with `odata.metadata`.
    #[oai(path = "/User/$metadata", method = "get", operation_id = "v1User_GetMetadata")]
    async fn get_metadata(
        &self,
        _caller: Caller,
        format: ResponseFormat,
    ) -> Result<Formatted<BTreeMap<String, ArchiveColumnInfo>>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(ArchiveColumnInfo::by_name(&ALL_USERS)))
    }
}
