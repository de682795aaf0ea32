//! The lists from which users choose users, groups, roles and rights (docs/upstream.md §9).

use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

use crate::{
    api::{
        extract::{examples, parameters::Boolean},
        models::{MdoListItem, SelectableMdoListItem},
        openapi::{
            error_responses::{CommonErrors, ErrorResponse, error_responses},
            tags::Tag,
        },
        respond::{
            format::{Formatted, ResponseFormat},
            large_response::LongListPermit,
        },
    },
    store::Store,
    users::{
        Caller,
        mdo_list::{ListRequest, MdoList, NAMES},
    },
};

#[derive(Default)]
pub struct MdoListOperations;

error_responses! {
    /// The errors of reading a list.
    pub enum GetListError {
        /// Bad request. The additional information cannot be understood; the message says what the list takes.
        400 BadRequest,
        /// This server does not have this list; the message says where those are named.
        501 NotImplemented,
    }
}

#[OpenApi(prefix_path = "/api/v1/MDOList", tag = "Tag::MdoList", ignore_case = true)]
impl MdoListOperations {
    /// Get the names of the lists
    ///
    /// Returns the names of all lists that this server has.
    #[oai(path = "/", method = "get", operation_id = "v1MDOList_GetListOfLists")]
    async fn get_list_of_lists(
        &self,
        _caller: Caller,
        format: ResponseFormat,
    ) -> Result<Formatted<Vec<String>>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(NAMES.map(str::to_owned).into()))
    }

    /// Get a list
    ///
    /// Returns the items of a list. `associate` has the active users without external ones, below their groups unless
    /// `flat` is true; a caller who may not see other users gets only the calling user. `usergroup` has the groups in
    /// use, `roles` the roles for employees or of another type, `functionrights` all rights or those of a role.
    #[oai(path = "/:listname", method = "get", operation_id = "v1MDOList_GetList")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn get_list(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        /// The name of the list.
        #[oai(example = "examples::list_name")]
        listname: Path<String>,
        /// Whether users stand side by side; false or omitted: below their groups.
        flat: Query<Option<Boolean>>,
        /// Additional information, specific to the list: for `roles` a type of role (0 to 3), for `functionrights` `role=` with an
        /// id, for `usergroup` `exclude_ids=` with ids.
        additional: Query<Option<String>>,
        /// A part of the names that are wanted, in any case. The answer is flat.
        query: Query<Option<String>>,
    ) -> Result<Formatted<Vec<MdoListItem>>, ErrorResponse<GetListError>> {
        let list = MdoList::named(&listname.0)?;
        let request = ListRequest {
            is_flat: flat.0.is_some_and(|Boolean(is_flat)| is_flat),
            additional: additional.0.as_deref(),
            search: query.0.as_deref().filter(|search| !search.trim().is_empty()),
        };
        let permit = LongListPermit::for_list(list, &caller).await?;
        let items = list.items(store.reader(), &caller, request).await?;
        Ok(format.answer_with(items.into_iter().map(Into::into).collect(), permit))
    }

    /// Get a selectable list
    ///
    /// As the list itself, with whether each item is selected: only rights of a role are.
    #[oai(path = "/:listname/selectable", method = "get", operation_id = "v1MDOList_GetSelectableList")]
    async fn get_selectable_list(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        /// The name of the list.
        #[oai(example = "examples::list_name")]
        listname: Path<String>,
        /// Additional information, as for the list itself.
        additional: Query<Option<String>>,
        /// Whether users stand side by side; false or omitted: below their groups.
        flat: Query<Option<Boolean>>,
    ) -> Result<Formatted<Vec<SelectableMdoListItem>>, ErrorResponse<GetListError>> {
        let list = MdoList::named(&listname.0)?;
        let is_flat = flat.0.is_some_and(|Boolean(is_flat)| is_flat);
        let request = ListRequest { is_flat, additional: additional.0.as_deref(), search: None };
        let permit = LongListPermit::for_list(list, &caller).await?;
        let items = list.items(store.reader(), &caller, request).await?;
        Ok(format.answer_with(items.into_iter().map(Into::into).collect(), permit))
    }
}
