//! The lists from which users choose users, groups, roles and rights: upstream's MDO lists (docs/upstream.md §9).

use std::collections::HashMap;

use sea_orm::{DerivePartialModel, entity::prelude::*, sea_query::ExprTrait};

use super::{
    Caller,
    folded::fold,
    person,
    role::{self, FunctionRight, RoleType},
    user::{self, UserType},
    user_group,
};
use crate::error::{Error, quoted};

/// The type of an item that is a user.
pub const ASSOCIATE_ITEM: &str = "associate";
/// The type of an item that is a group of users, or a heading above its users.
pub const GROUP_ITEM: &str = "usergroup";

/// A list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MdoList {
    /// The active users, without external ones.
    Associate,
    FunctionRights,
    Roles,
    UserGroup,
}

/// The names of the lists, as upstream has them. `role` is another name of `roles`.
pub const NAMES: [&str; 4] = ["associate", "functionrights", "roles", "usergroup"];

/// What is wanted of a list.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListRequest<'a> {
    /// Users side by side, not below their groups. A search is flat, too.
    pub is_flat: bool,
    /// Additional information, specific to the list, such as `role=2` for the rights of a role.
    pub additional: Option<&'a str>,
    /// Only items with this text in their name, ignoring case.
    pub search: Option<&'a str>,
}

/// An item of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListItem {
    pub id: i32,
    pub name: String,
    pub tooltip: String,
    pub rank: i32,
    pub item_type: &'static str,
    pub is_selected: bool,
    /// A deleted group is a heading as long as it has users.
    pub is_deleted: bool,
    pub children: Vec<Self>,
}

/// The columns of a user in a list.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "user::Entity")]
struct AssociateRow {
    id: i32,
    name: String,
    tooltip: String,
    rank: i32,
    user_group_id: i32,
    #[sea_orm(nested)]
    person: Option<PersonName>,
}

#[derive(DerivePartialModel)]
#[sea_orm(entity = "person::Entity")]
struct PersonName {
    firstname: String,
    middle_name: String,
    lastname: String,
}

impl MdoList {
    /// The list with this name, ignoring case.
    ///
    /// # Errors
    /// [`Error::ListNotServed`].
    pub fn named(name: &str) -> Result<Self, Error> {
        Ok(match name.trim().to_ascii_lowercase().as_str() {
            "associate" => Self::Associate,
            "functionrights" => Self::FunctionRights,
            "role" | "roles" => Self::Roles,
            "usergroup" => Self::UserGroup,
            _ => return Err(Error::ListNotServed(name.trim().to_owned())),
        })
    }

    /// The items of the list. A caller who may not see other users finds only the own user in the list of users.
    ///
    /// # Errors
    /// The additional information cannot be understood.
    pub async fn items(
        self,
        db: &impl ConnectionTrait,
        caller: &Caller,
        request: ListRequest<'_>,
    ) -> Result<Vec<ListItem>, Error> {
        let additional = Additional(request.additional.map(str::trim).filter(|text| !text.is_empty()));
        let items = match self {
            Self::Associate => {
                additional.none("associate")?;
                return associates(db, caller, request).await;
            }
            Self::FunctionRights => match additional.role_id()? {
                Some(role_id) => rights_of_role(db, role_id).await?,
                None => all_rights(),
            },
            Self::Roles => roles(db, additional.role_type()?).await?,
            Self::UserGroup => {
                let excluded = additional.excluded_groups()?;
                let groups = user_group::list(db).await?.into_iter();
                groups.filter(|group| !group.deleted && !excluded.contains(&group.id)).map(Into::into).collect()
            }
        };
        Ok(found_in(items, request.search))
    }

    /// The item with this id, if the list has it and the caller may see it.
    pub async fn item(self, db: &impl ConnectionTrait, caller: &Caller, id: i32) -> Result<Option<ListItem>, Error> {
        let mut items = match self {
            Self::Associate if caller.may_read(id) => {
                let rows = associate_rows(db, Some(id)).await?.into_iter();
                rows.map(|row| row.into_sortable().item).collect()
            }
            Self::Associate => Vec::new(),
            // Roles of every type: an id says enough.
            Self::Roles => role::find(db, id).await?.into_iter().map(Into::into).collect(),
            _ => self.items(db, caller, ListRequest::default()).await?,
        };
        items.retain(|item: &ListItem| item.id == id);
        Ok(items.pop())
    }
}

/// The roles of a type, the highest rank first.
pub async fn roles(db: &impl ConnectionTrait, role_type: RoleType) -> Result<Vec<ListItem>, DbErr> {
    let roles = role::list(db).await?.into_iter();
    Ok(roles.filter(|role| role.role_type == role_type).map(Into::into).collect())
}

/// The roles that have a right, the highest rank first; none for an unknown name.
pub async fn roles_with_right(db: &impl ConnectionTrait, right: &str) -> Result<Vec<ListItem>, DbErr> {
    let Some(right) = FunctionRight::named(right) else { return Ok(Vec::new()) };
    let roles = role::list(db).await?.into_iter();
    Ok(roles.filter(|role| role.has(right)).map(Into::into).collect())
}

/// All rights that a role can have. They are the same for all types of roles.
pub fn all_rights() -> Vec<ListItem> {
    FunctionRight::all().map(|right| right_item(right, false)).collect()
}

/// The rights of a role; none for a role that does not exist.
pub async fn rights_of_role(db: &impl ConnectionTrait, role_id: i32) -> Result<Vec<ListItem>, DbErr> {
    let rights = role::find(db, role_id).await?.map(|role| role.function_rights.0).unwrap_or_default();
    Ok(rights.into_iter().map(|right| right_item(right, true)).collect())
}

fn right_item(right: FunctionRight, is_selected: bool) -> ListItem {
    ListItem { id: right.id(), name: right.name().to_owned(), is_selected, ..ListItem::default() }
}

fn found_in(mut items: Vec<ListItem>, search: Option<&str>) -> Vec<ListItem> {
    if let Some(search) = search {
        let wanted = fold(search);
        items.retain(|item| fold(&item.name).contains(&wanted));
    }
    items
}

/// The active users that the caller may see, without external ones: by rank and name, side by side or below their groups.
async fn associates(
    db: &impl ConnectionTrait,
    caller: &Caller,
    request: ListRequest<'_>,
) -> Result<Vec<ListItem>, Error> {
    let only = (!caller.may_read_others()).then_some(caller.user_id);
    let mut users: Vec<_> = associate_rows(db, only).await?.into_iter().map(AssociateRow::into_sortable).collect();
    if let Some(search) = request.search.map(fold) {
        users.retain(|user| user.folded_name.contains(&search));
    }
    users.sort_by(|one, other| one.sort_key().cmp(&other.sort_key()));
    if request.is_flat || request.search.is_some() {
        return Ok(users.into_iter().map(|user| user.item).collect());
    }
    let mut headings: Vec<ListItem> = user_group::list(db).await?.into_iter().map(Into::into).collect();
    let places: HashMap<i32, usize> = headings.iter().enumerate().map(|(place, item)| (item.id, place)).collect();
    for user in users {
        if let Some(place) = places.get(&user.group_id) {
            headings[*place].children.push(user.item);
        }
    }
    headings.retain(|heading| !heading.children.is_empty());
    Ok(headings)
}

async fn associate_rows(db: &impl ConnectionTrait, only: Option<i32>) -> Result<Vec<AssociateRow>, DbErr> {
    let is_active = user::Column::Deleted.eq(false);
    let has_active_person = person::Column::Retired.eq(false).or(person::Column::Id.is_null());
    let mut query = user::Entity::find()
        .left_join(person::Entity)
        .filter(user::Column::UserType.ne(UserType::ExternalAssociate))
        .filter(is_active.and(has_active_person));
    if let Some(id) = only {
        query = query.filter(user::Column::Id.eq(id));
    }
    query.into_partial_model().all(db).await
}

/// A user of the list, with what it is sorted by.
struct SortableUser {
    folded_name: String,
    group_id: i32,
    item: ListItem,
}

impl SortableUser {
    fn sort_key(&self) -> (i32, &str, i32) {
        (self.item.rank, &self.folded_name, self.item.id)
    }
}

impl AssociateRow {
    fn into_sortable(self) -> SortableUser {
        let item = ListItem {
            id: self.id,
            name: self.person.map_or(self.name, PersonName::full_name),
            tooltip: self.tooltip,
            rank: self.rank,
            item_type: ASSOCIATE_ITEM,
            ..ListItem::default()
        };
        SortableUser { folded_name: fold(&item.name), group_id: self.user_group_id, item }
    }
}

impl PersonName {
    fn full_name(self) -> String {
        let parts = [self.firstname, self.middle_name, self.lastname];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

impl From<role::Model> for ListItem {
    fn from(role: role::Model) -> Self {
        Self { id: role.id, name: role.name, tooltip: role.tooltip, rank: role.rank, ..Self::default() }
    }
}

impl From<user_group::Model> for ListItem {
    fn from(group: user_group::Model) -> Self {
        let user_group::Model { id, name, tooltip, rank, deleted: is_deleted } = group;
        Self { id, name, tooltip, rank, item_type: GROUP_ITEM, is_deleted, ..Self::default() }
    }
}

/// The additional information of a request for a list.
#[derive(Clone, Copy)]
struct Additional<'a>(Option<&'a str>);

impl Additional<'_> {
    fn invalid<T>(self, takes: &str) -> Result<T, Error> {
        let given = quoted(self.0.unwrap_or_default());
        Err(Error::InvalidArgument(format!("Additional information {given}: {takes}.")))
    }

    fn none(self, list: &str) -> Result<(), Error> {
        match self.0 {
            None => Ok(()),
            Some(_) => self.invalid(&format!("the list `{list}` takes none")),
        }
    }

    /// The number of a type of role.
    fn role_type(self) -> Result<RoleType, Error> {
        match self.0 {
            None | Some("0") => Ok(RoleType::Employee),
            Some("1") => Ok(RoleType::ExternalUser),
            Some("2") => Ok(RoleType::Anonymous),
            Some("3") => Ok(RoleType::System),
            Some(_) => self.invalid(
                "the list `roles` takes a type of role: 0 (employees), 1 (external users), 2 \
                (anonymous users) or 3 (system users)",
            ),
        }
    }

    /// The id of the role that the rights are of; `None` for the rights that a role of any type can have.
    fn role_id(self) -> Result<Option<i32>, Error> {
        let Some(text) = self.0 else { return Ok(None) };
        let value = |name: &str| {
            let (given, value) = text.split_once('=')?;
            given.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        };
        if let Some(Ok(id)) = value("role").map(str::parse) {
            return Ok(Some(id));
        }
        match value("roleType") {
            Some("0" | "1" | "2" | "3") => Ok(None),
            _ => self.invalid("the list `functionrights` takes `role=` with an id, or `roleType=` with 0 to 3"),
        }
    }

    /// The ids of groups to leave out.
    fn excluded_groups(self) -> Result<Vec<i32>, Error> {
        let Some(text) = self.0 else { return Ok(Vec::new()) };
        let takes = "the list `usergroup` takes `exclude_id=` or `exclude_ids=` with ids, separated by commas";
        let Some((name, ids)) = text.split_once('=') else { return self.invalid(takes) };
        if !["exclude_id", "exclude_ids"].iter().any(|known| known.eq_ignore_ascii_case(name.trim())) {
            return self.invalid(takes);
        }
        ids.split(',').map(|id| id.trim().parse().or_else(|_| self.invalid(takes))).collect()
    }
}
