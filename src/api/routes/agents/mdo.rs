//! The MDO agent: the lists from which users choose, as procedures (docs/upstream.md §9).

use std::collections::HashMap;

use poem_openapi::{Object, OpenApi};

use crate::{
    api::{
        extract::{json_body::JsonBody, request::NoBody},
        models::{MdoListItem, Nullable, SelectableMdoListItem},
        openapi::{
            error_responses::{CommonErrors, ErrorResponse},
            tags::Tag,
        },
        respond::{
            format::{Formatted, ResponseFormat},
            large_response::LongListPermit,
        },
        routes::mdo_list::GetListError,
    },
    store::Store,
    users::{
        Caller,
        mdo_list::{ListItem, ListRequest, MdoList, NAMES},
    },
};

#[derive(Default)]
pub struct MdoAgent;

/// A list by name.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetSimpleListRequest {
    /// The name of the list, such as `associate`.
    name: String,
}

/// A list, and how it is wanted.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetListRequest {
    /// The name of the list, such as `associate`.
    name: String,
    /// Whether users stand side by side; false or omitted: below their groups.
    #[oai(nullable)]
    force_flat_list: Option<bool>,
    /// Additional information, specific to the list, such as `2` for a type of role.
    #[oai(nullable)]
    additional_info: Option<String>,
    /// Whether only items of the caller's history are wanted. This server keeps no history: the answer is empty.
    #[oai(nullable)]
    only_history: Option<bool>,
}

/// A list, and the items of its history.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetListWithHistoryRequest {
    /// The name of the list, such as `associate`.
    name: String,
    /// Whether users stand side by side; false or omitted: below their groups.
    #[oai(nullable)]
    force_flat_list: Option<bool>,
    /// Additional information, specific to the list, such as `2` for a type of role.
    #[oai(nullable)]
    additional_info: Option<String>,
    /// The ids of the items that the caller used last.
    #[oai(nullable)]
    history_items: Option<Vec<i32>>,
    /// Whether only the items of `HistoryItems` are wanted, in their order.
    #[oai(nullable)]
    only_history: Option<bool>,
}

/// A list, and a text to find in it.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetListWithRestrictionRequest {
    /// The name of the list, such as `associate`.
    name: String,
    /// Additional information, specific to the list, such as `2` for a type of role.
    #[oai(nullable)]
    additional_info: Option<String>,
    /// A part of the names that are wanted, in any case; all items when omitted.
    #[oai(nullable)]
    search_value: Option<String>,
}

/// An item of a list.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetListItemRequest {
    /// The name of the list, such as `associate`.
    list_name: String,
    /// The id of the item.
    id: i32,
}

#[OpenApi(prefix_path = "/api/v1/Agents/MDO", tag = "Tag::MdoAgent", ignore_case = true)]
impl MdoAgent {
    /// Get a list
    ///
    /// Returns the items of a list. Without `ForceFlatList`, users stand below their groups.
    #[oai(path = "/GetList", method = "post", operation_id = "v1MDOAgent_GetList")]
    async fn get_list(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetListRequest>,
    ) -> Result<Formatted<Vec<MdoListItem>>, ErrorResponse<GetListError>> {
        answer_list(format, store, &caller, body.0.into()).await
    }

    /// Get a list with its history
    ///
    /// Returns the items of a list, or on request only those of the given history.
    #[oai(path = "/GetListWithHistory", method = "post", operation_id = "v1MDOAgent_GetListWithHistory")]
    async fn get_list_with_history(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetListWithHistoryRequest>,
    ) -> Result<Formatted<Vec<MdoListItem>>, ErrorResponse<GetListError>> {
        answer_list(format, store, &caller, body.0.into()).await
    }

    /// Search a list
    ///
    /// Returns the items with a text in their name, side by side.
    #[oai(path = "/GetListWithRestriction", method = "post", operation_id = "v1MDOAgent_GetListWithRestriction")]
    async fn get_list_with_restriction(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetListWithRestrictionRequest>,
    ) -> Result<Formatted<Vec<MdoListItem>>, ErrorResponse<GetListError>> {
        answer_list(format, store, &caller, body.0.into()).await
    }

    /// Get a flat list
    ///
    /// Returns the items of a list, side by side.
    #[oai(path = "/GetSimpleList", method = "post", operation_id = "v1MDOAgent_GetSimpleList")]
    async fn get_simple_list(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetSimpleListRequest>,
    ) -> Result<Formatted<Vec<MdoListItem>>, ErrorResponse<GetListError>> {
        answer_list(format, store, &caller, body.0.into()).await
    }

    /// Get an item of a list
    ///
    /// Returns an item by id; null if the list does not have it.
    #[oai(path = "/GetListItem", method = "post", operation_id = "v1MDOAgent_GetListItem")]
    async fn get_list_item(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetListItemRequest>,
    ) -> Result<Formatted<Nullable<MdoListItem>>, ErrorResponse<GetListError>> {
        let JsonBody(GetListItemRequest { list_name, id }) = body;
        let list = MdoList::named(&list_name)?;
        Ok(format.answer(Nullable(list.item(store.reader(), &caller, id).await?.map(Into::into))))
    }

    /// Get the names of the lists
    ///
    /// Returns the names of all lists that this server has.
    #[oai(path = "/GetListNames", method = "post", operation_id = "v1MDOAgent_GetListNames")]
    async fn get_list_names(
        &self,
        _caller: Caller,
        format: ResponseFormat,
        _body: NoBody,
    ) -> Result<Formatted<Vec<String>>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(NAMES.map(str::to_owned).into()))
    }

    /// Get a selectable list
    ///
    /// As `GetList`, with whether each item is selected.
    #[oai(path = "/GetSelectableList", method = "post", operation_id = "v1MDOAgent_GetSelectableList")]
    async fn get_selectable_list(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetListRequest>,
    ) -> Result<Formatted<Vec<SelectableMdoListItem>>, ErrorResponse<GetListError>> {
        answer_list(format, store, &caller, body.0.into()).await
    }

    /// Get a selectable list with its history
    ///
    /// As `GetListWithHistory`, with whether each item is selected.
    #[oai(
        path = "/GetSelectableListWithHistory",
        method = "post",
        operation_id = "v1MDOAgent_GetSelectableListWithHistory"
    )]
    async fn get_selectable_list_with_history(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetListWithHistoryRequest>,
    ) -> Result<Formatted<Vec<SelectableMdoListItem>>, ErrorResponse<GetListError>> {
        answer_list(format, store, &caller, body.0.into()).await
    }

    /// Search a selectable list
    ///
    /// As `GetListWithRestriction`, with whether each item is selected.
    #[oai(
        path = "/GetSelectableListWithRestriction",
        method = "post",
        operation_id = "v1MDOAgent_GetSelectableListWithRestriction"
    )]
    async fn get_selectable_list_with_restriction(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetListWithRestrictionRequest>,
    ) -> Result<Formatted<Vec<SelectableMdoListItem>>, ErrorResponse<GetListError>> {
        answer_list(format, store, &caller, body.0.into()).await
    }

    /// Get a flat selectable list
    ///
    /// As `GetSimpleList`, with whether each item is selected.
    #[oai(path = "/GetSelectableSimpleList", method = "post", operation_id = "v1MDOAgent_GetSelectableSimpleList")]
    async fn get_selectable_simple_list(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetSimpleListRequest>,
    ) -> Result<Formatted<Vec<SelectableMdoListItem>>, ErrorResponse<GetListError>> {
        answer_list(format, store, &caller, body.0.into()).await
    }
}

/// What the requests for a list have in common.
struct Wanted {
    name: String,
    is_flat: bool,
    additional: Option<String>,
    search: Option<String>,
    /// The ids of the items that are wanted, in their order; `None` for all items.
    ids: Option<Vec<i32>>,
}

async fn answer_list<T: From<ListItem>>(
    format: ResponseFormat,
    store: &Store,
    caller: &Caller,
    wanted: Wanted,
) -> Result<Formatted<Vec<T>>, ErrorResponse<GetListError>> {
    let list = MdoList::named(&wanted.name)?;
    if wanted.ids.as_ref().is_some_and(Vec::is_empty) {
        return Ok(format.answer(Vec::new()));
    }
    let permit = LongListPermit::for_list(list, caller).await?;
    let request = ListRequest {
        is_flat: wanted.is_flat || wanted.ids.is_some(),
        additional: wanted.additional.as_deref(),
        search: wanted.search.as_deref().filter(|search| !search.trim().is_empty()),
    };
    let items = list.items(store.reader(), caller, request).await?;
    let items = match wanted.ids {
        None => items,
        Some(ids) => {
            let mut by_id: HashMap<i32, ListItem> = items.into_iter().map(|item| (item.id, item)).collect();
            ids.iter().filter_map(|id| by_id.remove(id)).collect()
        }
    };
    Ok(format.answer_with(items.into_iter().map(Into::into).collect(), permit))
}

impl From<GetSimpleListRequest> for Wanted {
    fn from(request: GetSimpleListRequest) -> Self {
        Self { name: request.name, is_flat: true, additional: None, search: None, ids: None }
    }
}

impl From<GetListRequest> for Wanted {
    fn from(request: GetListRequest) -> Self {
        Self {
            name: request.name,
            is_flat: request.force_flat_list.unwrap_or_default(),
            additional: request.additional_info,
            search: None,
            ids: request.only_history.unwrap_or_default().then(Vec::new),
        }
    }
}

impl From<GetListWithHistoryRequest> for Wanted {
    fn from(request: GetListWithHistoryRequest) -> Self {
        let history = request.history_items.unwrap_or_default();
        Self {
            name: request.name,
            is_flat: request.force_flat_list.unwrap_or_default(),
            additional: request.additional_info,
            search: None,
            ids: request.only_history.unwrap_or_default().then_some(history),
        }
    }
}

impl From<GetListWithRestrictionRequest> for Wanted {
    fn from(request: GetListWithRestrictionRequest) -> Self {
        Self {
            name: request.name,
            is_flat: true,
            additional: request.additional_info,
            search: request.search_value,
            ids: None,
        }
    }
}
