//! Archives: users and roles in rows, with a filter and selected columns (docs/upstream.md §7).

use std::collections::BTreeMap;

use poem::http::Uri;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

use super::odata_page::{self, ListAddress, ListOptions};
use crate::{
    api::{
        extract::{
            examples,
            parameters::{Boolean, CaseInsensitive, Int32, RowCount},
            request::BaseUrl,
        },
        models::{ArchiveColumnInfo, ListFormat, ODataSlimResponse, SafeNames},
        openapi::{
            error_responses::{CommonErrors, ErrorResponse, error_responses},
            tags::Tag,
        },
        respond::format::{Formatted, ResponseFormat},
    },
    error::Error,
    store::Store,
    users::{
        Caller,
        query::{ARCHIVES, Archive},
    },
};

#[derive(Default)]
pub struct ArchiveOperations;

error_responses! {
    /// The errors of reading an archive.
    pub enum ReadArchiveError {
        /// Bad request. An option cannot be understood; the message names it, and the place in it.
        400 BadRequest,
        /// This server does not have this archive; the message says where those are named.
        501 NotImplemented,
    }
}

/// The archive with this name.
///
/// # Errors
/// [`Error::ArchiveNotServed`].
pub fn named(name: &str) -> Result<&'static Archive, Error> {
    Archive::named(name.trim()).ok_or_else(|| Error::ArchiveNotServed(name.trim().to_owned()))
}

#[OpenApi(prefix_path = "/api/v1/Archive", tag = "Tag::Archive", ignore_case = true)]
impl ArchiveOperations {
    /// Get the names of the archives
    ///
    /// Returns the URL of each archive by name.
    #[oai(path = "/", method = "get", operation_id = "v1Archive_GetArchive")]
    async fn get_names(
        &self,
        _caller: Caller,
        format: ResponseFormat,
        base: BaseUrl,
    ) -> Result<Formatted<BTreeMap<String, String>>, ErrorResponse<CommonErrors>> {
        let url = |archive: &Archive| format!("{}/api/v1/Archive/{}", base.0, archive.name);
        Ok(format.answer(ARCHIVES.iter().map(|archive| (archive.name.to_owned(), url(archive))).collect()))
    }

    /// Read an archive
    ///
    /// Lists the rows of an archive page by page, as OData. `AllUsers` has all users, `InternalUsers` the employees,
    /// `Role` the roles, and `Dynamic` the users of upstream's table `associate`, with columns such as
    /// `associate.associate_id`. A caller who may not see other users gets only the calling user. The filter is written
    /// as for the list of users.
    #[oai(path = "/:archiveProviderName", method = "get", operation_id = "v1Archive_GetArchive_GET")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn get_archive(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        base: BaseUrl,
        uri: &Uri,
        /// The name of the archive.
        #[oai(name = "archiveProviderName", example = "examples::archive_name")]
        name: Path<String>,
        /// The columns, separated by commas; all columns when omitted.
        #[oai(name = "$select")]
        select: Query<Option<String>>,
        /// The condition for rows, such as `isActive eq true`. It may use `and`, `or`, `not` and parentheses.
        #[oai(name = "$filter")]
        filter: Query<Option<String>>,
        /// The sort order, such as `lastName, firstName desc`; by id when omitted.
        #[oai(name = "$orderBy")]
        order_by: Query<Option<String>>,
        /// The kinds of rows. Each archive has one, so that `all` is enough.
        #[oai(name = "$entities")]
        entities: Query<Option<String>>,
        /// The maximum number of rows over all pages.
        #[oai(name = "$top")]
        top: Query<Option<RowCount>>,
        /// The number of rows to skip.
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
    ) -> Result<Formatted<SafeNames<ODataSlimResponse>>, ErrorResponse<ReadArchiveError>> {
        let archive = named(&name.0)?;
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
        let address = ListAddress { url: format!("{}/api/v1/Archive/{}", base.0, archive.name), request: uri };
        Ok(odata_page::answer(archive, &caller, format, store, address, options).await?)
    }

    /// Describe the columns of an archive
    ///
    /// Describes each column of an archive by name: its type, and whether `$filter` and `$orderBy` accept it. The archive
    /// links here with `odata.metadata`.
    #[oai(path = "/:archiveProviderName/$metadata", method = "get", operation_id = "v1Archive_GetArchiveMetadata")]
    async fn get_metadata(
        &self,
        _caller: Caller,
        format: ResponseFormat,
        /// The name of the archive.
        #[oai(name = "archiveProviderName", example = "examples::archive_name")]
        name: Path<String>,
    ) -> Result<Formatted<BTreeMap<String, ArchiveColumnInfo>>, ErrorResponse<ReadArchiveError>> {
        Ok(format.answer(ArchiveColumnInfo::by_name(named(&name.0)?)))
    }
}
