//! What a transaction has read of users before it decides, and what becomes of it with each effect that is decided.
//!
//! Nothing here writes, waits or looks at the clock once a snapshot is read.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use sea_orm::{ActiveEnum, ConnectionTrait, DbErr, Value, prelude::DateTimeUtc};

use super::{
    Caller, Effect, Impossible, Presence, ProviderNames, User, UserCache, UserColumn, UserGroup, UserWrites,
    last_administrator::{Login, UserAccess, can_lower, keeps_an_administrator},
    limits, role,
    shared_person::{is_retired_with, may_change_person},
    user, user_access, user_group,
};

/// What is to be read.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Users who may be changed.
    pub users: BTreeSet<i32>,
    /// Users who call.
    pub callers: BTreeSet<i32>,
    /// Users to be read with their sharers: those who have the same person.
    pub sharers_of: BTreeSet<i32>,
    /// Roles and groups, by name.
    pub roles: BTreeSet<String>,
    pub groups: BTreeSet<String>,
    /// Who can log in as an administrator.
    pub administrators: bool,
}

impl Needs {
    /// Adds what others need.
    pub fn extend(&mut self, more: Self) {
        self.users.extend(more.users);
        self.callers.extend(more.callers);
        self.sharers_of.extend(more.sharers_of);
        self.roles.extend(more.roles);
        self.groups.extend(more.groups);
        self.administrators |= more.administrators;
    }

    /// What an effect on this user needs.
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

/// Users, callers among them, as they are at one time.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The time at which everything is decided, in microseconds, which is what every database keeps.
    pub time: DateTimeUtc,
    provider: ProviderNames,
    users: HashMap<i32, Arc<User>>,
    roles: HashMap<String, role::Model>,
    groups: HashMap<String, UserGroup>,
    /// How the active administrators, and those who may become one, can log in.
    access: BTreeMap<i32, UserAccess>,
    changed: BTreeSet<i32>,
}

impl Snapshot {
    /// Reads users with what they need: in one statement, and one each for roles, groups and administrators where these
    /// are needed. Rows of the cache are taken where one is given, which must hold what the database has.
    ///
    /// # Errors
    /// The database does not answer.
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

    /// The caller that the user with this id is, unless retired.
    pub fn caller(&self, id: i32) -> Option<Caller> {
        self.users.get(&id).and_then(|user| Caller::of(user))
    }

    /// The user is an administrator, and no other one can log in as well.
    pub fn is_last_administrator(&self, user: &User) -> bool {
        let retired = |access| UserAccess { is_deleted: true, ..access };
        !keeps_administrators(&self.administrators(&BTreeMap::new()), user_access::of(user, self.provider), retired)
    }

    /// The active administrators, after changes.
    fn administrators(&self, changed: &BTreeMap<i32, UserAccess>) -> Vec<UserAccess> {
        let unchanged = self.access.values().filter(|access| !changed.contains_key(&access.user_id));
        let all = unchanged.chain(changed.values());
        all.filter(|access| access.administrator_login().is_some()).copied().collect()
    }

    /// Begins to decide the effects of one run on this user.
    pub fn plan_for(&self, caller: Caller, user_id: i32) -> EffectPlan<'_> {
        EffectPlan { snapshot: self, caller, user_id, changes: Changes::default() }
    }

    /// Takes over what a run changes, so that the next one sees it.
    pub fn apply(&mut self, changes: Changes) -> UserWrites {
        self.changed.extend(changes.users.keys());
        self.users.extend(changes.users);
        self.access.extend(changes.access);
        changes.writes
    }

    /// Has the cache hold the users who were changed, once that is committed. `versions` are those that locked users had before
    /// they were read.
    pub fn store_changed(mut self, cache: &UserCache, versions: &HashMap<i32, u64>) {
        for id in self.changed {
            if let (Some(user), Some(before)) = (self.users.remove(&id), versions.get(&id)) {
                cache.store_written(user, *before);
            }
        }
    }
}

/// Whether administrators can log in as well as before, once a user's access is changed. `administrators` are the active ones.
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

/// What the effects of a run change: the users as they are afterwards, and the rows to write.
#[derive(Clone, Default)]
pub struct Changes {
    users: BTreeMap<i32, Arc<User>>,
    access: BTreeMap<i32, UserAccess>,
    writes: UserWrites,
}

/// The effects of one run, decided one after the other. Each sees those before it.
pub struct EffectPlan<'a> {
    snapshot: &'a Snapshot,
    caller: Caller,
    user_id: i32,
    changes: Changes,
}

impl EffectPlan<'_> {
    /// What all effects change.
    pub fn into_changes(self) -> Changes {
        self.changes
    }

    /// Decides one more effect.
    ///
    /// # Errors
    /// It is impossible. What was decided before is to be dropped, too.
    pub fn add(&mut self, effect: &Effect) -> Result<(), Impossible> {
        match effect {
            Effect::UpdateUser(values) => self.update(values),
            Effect::SetPresence { status, message } => return self.set_presence(*status, message),
            Effect::SetGroup(name) => {
                let group = self.snapshot.groups.get(name).ok_or_else(|| Impossible::NoSuchGroup(name.clone()))?;
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

    /// Notes that something of a user changed that stands in another table.
    fn touch(&mut self, id: i32) {
        self.update_user(id, &[]);
    }

    fn change_user(&mut self, id: i32, change: impl FnOnce(&mut User)) {
        if let Some(user) = self.snapshot.user(id) {
            change(Arc::make_mut(self.changes.users.entry(id).or_insert_with(|| Arc::clone(user))));
        }
    }

    fn set_presence(&mut self, status: Presence, message: &str) -> Result<(), Impossible> {
        limits::check("message", message, limits::PRESENCE_MESSAGE).map_err(|_| Impossible::PresenceTooLong)?;
        self.update(&[
            (UserColumn::PresenceStatus, status.to_value().into()),
            (UserColumn::PresenceMessage, message.into()),
        ]);
        Ok(())
    }

    /// The person is retired with the last of its users, and active with each of them.
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
                self.note_access(id, |access| UserAccess { is_person_retired, ..access });
            }
        }
        self.update(&[(UserColumn::Deleted, is_retired.into())]);
        if is_retired {
            self.changes.writes.revoke_tickets(self.user_id);
        }
        Ok(())
    }

    /// The other users who have the same person.
    fn sharers(&self, user: &User) -> Vec<User> {
        let Some(person_id) = user.user.person_id else { return Vec::new() };
        let others = self.snapshot.users.keys().filter(|id| **id != user.user.id);
        let others = others.filter_map(|id| self.user(*id));
        others.filter(|other| other.user.person_id == Some(person_id)).map(|other| User::clone(other)).collect()
    }

    /// Changes how the user can log in, unless administrators could log in less well than before.
    fn change_access(&mut self, change: impl Fn(UserAccess) -> UserAccess) -> Result<(), Impossible> {
        let Some(user) = self.user(self.user_id) else { return Ok(()) };
        let administrators = self.snapshot.administrators(&self.changes.access);
        if !keeps_administrators(&administrators, user_access::of(user, self.snapshot.provider), &change) {
            return Err(Impossible::LastAdministrator);
        }
        self.note_access(self.user_id, change);
        Ok(())
    }

    fn note_access(&mut self, id: i32, change: impl Fn(UserAccess) -> UserAccess) {
        if let Some(present) = self.changes.access.get(&id).or_else(|| self.snapshot.access.get(&id)).copied() {
            self.changes.access.insert(id, change(present));
        }
    }
}

#[cfg(test)]
impl Snapshot {
    /// A whole installation: all users, roles and groups, and the access of each user.
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

    /// What is read of it for these needs.
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

    /// The users who are in it, by id.
    pub fn all_users(&self) -> BTreeMap<i32, User> {
        self.users.iter().map(|(id, user)| (*id, User::clone(user))).collect()
    }
}
