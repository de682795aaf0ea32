//! The commands that a caller can run on a user, and a cache of these lists. A cached list is valid as long as the
//! caller, the user, the catalog and, where it matters, the set of administrators are unchanged.

use std::{fmt, sync::Arc};

use moka::sync::Cache;

use super::{
    Catalog, Definition,
    authorize::{Authorization, authorize},
    catalog::LoadedCommand,
    decide::question,
    inputs::ShownInputs,
};
use crate::{
    error::with_causes,
    localization::MultiLanguage,
    store::{CacheScope, Invalidations},
    users::{Caller, User},
};

/// Memory limit of the cache, in bytes: about 4,000 lists of the usual size.
const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// Estimated bytes of a list without its user and its commands.
const BYTES_PER_LIST: usize = 512;
/// Estimated bytes of a command in a list, without the text of its question.
const BYTES_PER_COMMAND: usize = 64;

/// A command that the caller can run on the user now.
#[derive(Debug)]
pub struct AvailableCommand {
    pub definition: Arc<Definition>,
    /// The confirmation question, rendered for this user; empty for a command without one.
    pub question: MultiLanguage,
}

/// The commands that the caller can run on the user. `is_last`: the user is the last administrator.
pub fn available(catalog: &Catalog, caller: &Caller, user: &User, is_last: bool) -> Arc<[AvailableCommand]> {
    let is_permitted = |command: &&Arc<LoadedCommand>| {
        authorize(caller, &command.definition, user, is_last) == Authorization::Permitted
    };
    let available = |command: &Arc<LoadedCommand>| match question(
        command,
        caller,
        user,
        ShownInputs::Placeholders(&command.definition.inputs),
    ) {
        Ok(question) => Some(AvailableCommand { definition: Arc::clone(&command.definition), question }),
        // A question that cannot be rendered must not hide the other commands.
        Err(error) => {
            tracing::error!(
                command = command.definition.name.as_str(),
                cause = with_causes(&error),
                "left a command out of the list: its question could not be rendered"
            );
            None
        }
    };
    catalog.entries().iter().filter(is_permitted).filter_map(available).collect()
}

/// Cached lists by the ids of caller and user.
#[derive(Clone)]
pub struct AvailableLists(Cache<(i32, i32), Arc<List>>);

/// A cached list with the values that it was made from.
struct List {
    caller: Caller,
    user: Arc<User>,
    catalog: Arc<Catalog>,
    /// The versions of all users, in both cache scopes. Present if the list depends on who is the last administrator.
    administrators: Option<[u64; 2]>,
    commands: Arc<[AvailableCommand]>,
}

/// The values that a list is made from, and the cache versions from before they were read.
pub struct ListKey<'a> {
    pub caller: &'a Caller,
    pub user: Arc<User>,
    pub catalog: Arc<Catalog>,
    versions: [u64; 2],
}

impl<'a> ListKey<'a> {
    pub fn new(caller: &'a Caller, user: Arc<User>, catalog: Arc<Catalog>, invalidations: &Invalidations) -> Self {
        let versions = [CacheScope::Users, CacheScope::Access].map(|scope| invalidations.version_of_all(scope));
        Self { caller, user, catalog, versions }
    }

    fn ids(&self) -> (i32, i32) {
        (self.caller.user_id, self.user.user.id)
    }
}

impl List {
    /// Estimated memory of the list, in bytes.
    fn bytes(&self) -> usize {
        let commands = self.commands.iter().map(|command| BYTES_PER_COMMAND + command.question.bytes());
        BYTES_PER_LIST + self.user.bytes() + commands.sum::<usize>()
    }
}

impl Default for AvailableLists {
    fn default() -> Self {
        let weight = |_: &(i32, i32), list: &Arc<List>| u32::try_from(list.bytes()).unwrap_or(u32::MAX);
        Self(Cache::builder().weigher(weight).max_capacity(MAX_BYTES).build())
    }
}

impl fmt::Debug for AvailableLists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AvailableLists")
    }
}

impl AvailableLists {
    /// The cached list, if everything that it was made from is unchanged.
    pub fn get(&self, key: &ListKey<'_>, invalidations: &Invalidations) -> Option<Arc<[AvailableCommand]>> {
        let list = self.0.get(&key.ids())?;
        let is_same = Arc::ptr_eq(&list.user, &key.user) && Arc::ptr_eq(&list.catalog, &key.catalog);
        let has_same_administrators =
            list.administrators.is_none_or(|versions| versions == key.versions && invalidations.is_synced());
        let is_current = is_same && has_same_administrators && list.caller.has_same_rights(key.caller);
        is_current.then(|| Arc::clone(&list.commands))
    }

    /// Makes a list and caches it. `is_last` is `None` if no definition depends on who is the last administrator.
    pub fn make(&self, key: ListKey<'_>, is_last: Option<bool>) -> Arc<[AvailableCommand]> {
        let commands = available(&key.catalog, key.caller, &key.user, is_last.unwrap_or_default());
        let (ids, administrators) = (key.ids(), is_last.map(|_| key.versions));
        let ListKey { caller, user, catalog, .. } = key;
        let list = List { caller: caller.clone(), user, catalog, administrators, commands: Arc::clone(&commands) };
        self.0.insert(ids, Arc::new(list));
        commands
    }
}
