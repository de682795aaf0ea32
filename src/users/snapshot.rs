//! A snapshot of the users that a transaction has read, and the effects decided on it.
//!
//! After the snapshot is read, the code here does not access the database or the clock.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use sea_orm::{ActiveEnum, ConnectionTrait, DbErr, Value, prelude::DateTimeUtc};

use super::{
    Caller, Effect, Impossible, Presence, ProviderNames, User, UserCache, UserColumn, UserGroup, UserWrites,
    audited::effect_fields,
    field_limits,
    last_administrator::{Login, UserAccess, can_lower, keeps_an_administrator},
    role,
    shared_person::{is_retired_with, may_change_person},
    user, user_access, user_group,
};
use crate::executions::audit::ChangedFields;

/// The rows that a snapshot must contain.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Users that may be changed.
    pub users: BTreeSet<i32>,
    /// Callers.
    pub callers: BTreeSet<i32>,
    /// Users to read together with all users who share their person.
    pub sharers_of: BTreeSet<i32>,
    /// Roles by name.
    pub roles: BTreeSet<String>,
    /// Groups by name.
    pub groups: BTreeSet<String>,
    /// Whether the access of the active administrators is needed.
    pub administrators: bool,
}

impl Needs {
    /// Adds other needs.
    pub fn extend(&mut self, more: Self) {
        self.users.extend(more.users);
        self.callers.extend(more.callers);
        self.sharers_of.extend(more.sharers_of);
        self.roles.extend(more.roles);
        self.groups.extend(more.groups);
        self.administrators |= more.administrators;
    }

    /// Adds the needs of an effect on this user.
    pub fn add_effect(&mut self, effect: &Effect, user_id: i32) {
        match effect {
            Effect::SetRole(name) => drop(self.roles.insert(name.clone())),
            Effect::SetGroup(name) => drop(self.groups.insert(name.clone())),
            Effect::SetRetired(_) => drop(self.sharers_of.insert(user_id)),
            Effect::UpdateUser(_)
            | Effect::SetPresence { .. }
            | Effect::SetTemporaryPassword { .. }
            | Effect::RevokeTickets => {}
        }
        self.administrators |= effect.affects_administrators();
    }
}

/// The users and callers at one point in time.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The time of all decisions, in whole microseconds, the precision of the databases.
    pub time: DateTimeUtc,
    provider: ProviderNames,
    users: HashMap<i32, Arc<User>>,
    roles: HashMap<String, role::Model>,
    groups: HashMap<String, UserGroup>,
    /// The access of the active administrators and of the read users.
    access: BTreeMap<i32, UserAccess>,
    changed: BTreeSet<i32>,
}

impl Snapshot {
    /// Reads the needed rows: the users with one statement, and one more each for roles, groups and administrators if
    /// needed. Uses cached users if a cache is given; its rows must be current.
    pub async fn read(
        db: &impl ConnectionTrait,
        needs: &Needs,
        time: DateTimeUtc,
        provider: ProviderNames,
        cache: Option<&UserCache>,
    ) -> Result<Self, DbErr> {
        let mut users = HashMap::new();
        let mut missing = Vec::new();
        for id in needs.users.union(&needs.callers) {
            match cache.and_then(|cache| cache.current_user(*id)) {
                Some(user) => drop(users.insert(*id, user)),
                None => missing.push(*id),
            }
        }
        let sharers_of: Vec<_> = needs.sharers_of.iter().copied().collect();
        if !missing.is_empty() || !sharers_of.is_empty() {
            let found = user::list_with_sharers(db, &missing, &sharers_of).await?;
            users.extend(found.into_iter().map(|user| (user.user.id, Arc::new(user))));
        }
        let roles = role::list_named(db, &needs.roles).await?;
        let groups = user_group::list_named(db, &needs.groups).await?;
        let access = match needs.administrators {
            true => user_access::read(db, provider, &users.keys().copied().collect::<Vec<_>>()).await?,
            false => Vec::new(),
        };
        Ok(Self {
            time,
            provider,
            users,
            roles: roles.into_iter().map(|role| (role.name.clone(), role)).collect(),
            groups: groups.into_iter().map(|group| (group.name.clone(), group)).collect(),
            access: access.into_iter().map(|access| (access.user_id, access)).collect(),
            changed: BTreeSet::new(),
        })
    }

    /// The user with this id.
    pub fn user(&self, id: i32) -> Option<&Arc<User>> {
        self.users.get(&id)
    }

    /// The user with this id as a caller; `None` for a retired user.
    pub fn caller(&self, id: i32) -> Option<Caller> {
        self.users.get(&id).and_then(|user| Caller::of(user))
    }

    /// The rank of a role that an effect gives.
    pub fn role_rank(&self, name: &str) -> Option<i32> {
        self.roles.get(name).map(|role| role.rank)
    }

    /// Whether the user is an administrator and no other administrator can log in equally well.
    pub fn is_last_administrator(&self, user: &User) -> bool {
        let retired = |access| UserAccess { is_deleted: true, ..access };
        !keeps_administrators(&self.administrators(&BTreeMap::new()), user_access::of(user, self.provider), retired)
    }

    /// The active administrators after these changes.
    fn administrators(&self, changed: &BTreeMap<i32, UserAccess>) -> Vec<UserAccess> {
        let unchanged = self.access.values().filter(|access| !changed.contains_key(&access.user_id));
        let all = unchanged.chain(changed.values());
        all.filter(|access| access.administrator_login().is_some()).copied().collect()
    }

    /// Starts a plan for the effects of one run on this user.
    pub fn plan_for(&self, caller: Caller, user_id: i32) -> EffectPlan<'_> {
        EffectPlan { snapshot: self, caller, user_id, changes: Changes::default() }
    }

    /// Applies the changes of a run, so that the next run sees them.
    pub fn apply(&mut self, changes: Changes) -> UserWrites {
        self.changed.extend(changes.users.keys());
        self.users.extend(changes.users);
        self.access.extend(changes.access);
        changes.writes
    }

    /// Caches the changed users. Call it after the commit. `versions` are the versions of the locked users from before
    /// they were read.
    pub fn store_changed(mut self, cache: &UserCache, versions: &HashMap<i32, u64>) {
        for id in self.changed {
            if let (Some(user), Some(before)) = (self.users.remove(&id), versions.get(&id)) {
                cache.store_written(user, *before);
            }
        }
    }
}

/// Whether administrators can log in as well as before after a change of a user's access. `administrators` are the
/// active administrators.
pub(super) fn keeps_administrators(
    administrators: &[UserAccess],
    assumed: UserAccess,
    change: impl Fn(UserAccess) -> UserAccess,
) -> bool {
    if !can_lower(assumed, &change) {
        return true;
    }
    let present = administrators.iter().find(|access| access.user_id == assumed.user_id).copied();
    keeps_an_administrator(administrators, &change(present.unwrap_or(assumed)))
}

/// The changes of a run: the changed users, and the rows to write.
#[derive(Clone, Default)]
pub struct Changes {
    users: BTreeMap<i32, Arc<User>>,
    access: BTreeMap<i32, UserAccess>,
    writes: UserWrites,
}

/// Decides the effects of one run in order. Each effect sees the earlier ones.
pub struct EffectPlan<'a> {
    snapshot: &'a Snapshot,
    caller: Caller,
    user_id: i32,
    changes: Changes,
}

impl EffectPlan<'_> {
    /// The changes of all effects.
    pub fn into_changes(self) -> Changes {
        self.changes
    }

    /// Decides the next effect. Returns the changed fields before and after it.
    ///
    /// # Errors
    /// The effect is impossible. Drop the whole plan then.
    pub fn add(&mut self, effect: &Effect) -> Result<(ChangedFields, ChangedFields), Impossible> {
        let before = self.fields_of(effect);
        self.apply(effect)?;
        Ok(ChangedFields::difference(before, self.fields_of(effect)))
    }

    fn fields_of(&self, effect: &Effect) -> ChangedFields {
        self.user(self.user_id).map(|user| effect_fields(effect, user)).unwrap_or_default()
    }

    fn apply(&mut self, effect: &Effect) -> Result<(), Impossible> {
        match effect {
            Effect::UpdateUser(values) => self.update(values),
            Effect::SetPresence { status, message } => return self.set_presence(*status, message),
            Effect::SetGroup(name) => {
                let group = self.snapshot.groups.get(name).filter(|group| !group.deleted);
                let group = group.ok_or_else(|| Impossible::NoSuchGroup(name.clone()))?;
                self.update(&[(UserColumn::UserGroupId, group.id.into())]);
                self.change_user(self.user_id, |user| user.group = group.clone());
            }
            Effect::SetRole(name) => {
                let role = self.snapshot.roles.get(name).ok_or_else(|| Impossible::NoSuchRole(name.clone()))?;
                let is_administrator = role.name == role::ADMINISTRATOR;
                self.change_access(|access| UserAccess { is_administrator, ..access })?;
                self.update(&[(UserColumn::RoleId, role.id.into())]);
                self.change_user(self.user_id, |user| user.role = role.clone());
            }
            Effect::SetRetired(is_retired) => return self.set_retired(*is_retired),
            Effect::SetTemporaryPassword { hash, expires_at } => {
                self.change_access(|access| UserAccess { password: Login::Temporary, ..access })?;
                if let Some(hash) = hash {
                    self.changes.writes.set_password(self.user_id, hash.clone(), Some(*expires_at));
                }
            }
            Effect::RevokeTickets => self.changes.writes.revoke_tickets(self.user_id),
        }
        Ok(())
    }

    fn user(&self, id: i32) -> Option<&Arc<User>> {
        self.changes.users.get(&id).or_else(|| self.snapshot.user(id))
    }

    fn update(&mut self, values: &[(UserColumn, Value)]) {
        self.update_user(self.user_id, values);
    }

    fn update_user(&mut self, id: i32, values: &[(UserColumn, Value)]) {
        let time = self.snapshot.time;
        self.change_user(id, |user| user.user.set_columns(values, time));
        self.changes.writes.update(id, values, time);
    }

    /// Sets the time of a user's last change, after a change in another table.
    fn touch(&mut self, id: i32) {
        self.update_user(id, &[]);
    }

    fn change_user(&mut self, id: i32, change: impl FnOnce(&mut User)) {
        if let Some(user) = self.snapshot.user(id) {
            change(Arc::make_mut(self.changes.users.entry(id).or_insert_with(|| Arc::clone(user))));
        }
    }

    fn set_presence(&mut self, status: Presence, message: &str) -> Result<(), Impossible> {
        field_limits::check("message", message, field_limits::PRESENCE_MESSAGE)
            .map_err(|_| Impossible::PresenceTooLong)?;
        self.update(&[
            (UserColumn::PresenceStatus, status.to_value().into()),
            (UserColumn::PresenceMessage, message.into()),
        ]);
        Ok(())
    }

    /// The person is active as long as one of its users is.
    fn set_retired(&mut self, is_retired: bool) -> Result<(), Impossible> {
        let Some(user) = self.user(self.user_id).cloned() else { return Ok(()) };
        let sharers = self.sharers(&user);
        let is_person_retired =
            user.person.as_ref().is_some_and(|person| is_retired_with(is_retired, person, &sharers));
        let person = user.person.as_ref().filter(|person| person.retired != is_person_retired);
        if person.is_some() && !may_change_person(&self.caller, &sharers) {
            return Err(Impossible::SharedPerson);
        }
        self.change_access(|access| UserAccess { is_deleted: is_retired, is_person_retired, ..access })?;
        if let Some(person) = person {
            self.changes.writes.set_person_retired(person.id, is_person_retired);
            for id in sharers.iter().map(|sharer| sharer.user.id).chain([self.user_id]) {
                self.touch(id);
                self.change_user(id, |user| {
                    if let Some(person) = &mut user.person {
                        person.retired = is_person_retired;
                    }
                });
                self.set_access(id, |access| UserAccess { is_person_retired, ..access });
            }
        }
        self.update(&[(UserColumn::Deleted, is_retired.into())]);
        if is_retired {
            self.changes.writes.revoke_tickets(self.user_id);
        }
        Ok(())
    }

    /// The other users with the same person.
    fn sharers(&self, user: &User) -> Vec<User> {
        let Some(person_id) = user.user.person_id else { return Vec::new() };
        let others = self.snapshot.users.keys().filter(|id| **id != user.user.id);
        let others = others.filter_map(|id| self.user(*id));
        others.filter(|other| other.user.person_id == Some(person_id)).map(|other| User::clone(other)).collect()
    }

    /// Changes the user's access. Fails if administrators could log in less well than before.
    fn change_access(&mut self, change: impl Fn(UserAccess) -> UserAccess) -> Result<(), Impossible> {
        let Some(user) = self.user(self.user_id) else { return Ok(()) };
        let administrators = self.snapshot.administrators(&self.changes.access);
        if !keeps_administrators(&administrators, user_access::of(user, self.snapshot.provider), &change) {
            return Err(Impossible::LastAdministrator);
        }
        self.set_access(self.user_id, change);
        Ok(())
    }

    fn set_access(&mut self, id: i32, change: impl Fn(UserAccess) -> UserAccess) {
        if let Some(present) = self.changes.access.get(&id).or_else(|| self.snapshot.access.get(&id)).copied() {
            self.changes.access.insert(id, change(present));
        }
    }
}

#[cfg(test)]
impl Snapshot {
    /// A snapshot of a whole installation.
    pub fn of_all(time: DateTimeUtc, users: Vec<User>, roles: Vec<role::Model>, groups: Vec<UserGroup>) -> Self {
        let access = users.iter().map(|user| user_access::of(user, ProviderNames::None));
        Self {
            time,
            provider: ProviderNames::None,
            access: access.map(|access| (access.user_id, access)).collect(),
            users: users.into_iter().map(|user| (user.user.id, Arc::new(user))).collect(),
            roles: roles.into_iter().map(|role| (role.name.clone(), role)).collect(),
            groups: groups.into_iter().map(|group| (group.name.clone(), group)).collect(),
            changed: BTreeSet::new(),
        }
    }

    /// The part of this snapshot that these needs would read.
    pub fn read_for(&self, needs: &Needs) -> Self {
        let persons: BTreeSet<_> =
            needs.sharers_of.iter().filter_map(|id| self.users.get(id)?.user.person_id).collect();
        let is_read = |user: &User| {
            let (id, person) = (user.user.id, user.user.person_id);
            let shares = person.is_some_and(|person| persons.contains(&person));
            needs.users.contains(&id) || needs.callers.contains(&id) || shares
        };
        let mut read = self.clone();
        read.users.retain(|_, user| is_read(user));
        read.roles.retain(|name, _| needs.roles.contains(name));
        read.groups.retain(|name, _| needs.groups.contains(name));
        let users = read.users.clone();
        read.access.retain(|id, access| {
            needs.administrators && (access.administrator_login().is_some() || users.contains_key(id))
        });
        read.changed.clear();
        read
    }

    /// All users of the snapshot by id.
    pub fn all_users(&self) -> BTreeMap<i32, User> {
        self.users.iter().map(|(id, user)| (*id, User::clone(user))).collect()
    }
}
