//! The commands that a caller can run on a user, and lists of them that are kept for as long as all they were made of is
//! the same.

use std::{fmt, sync::Arc};

use moka::sync::Cache;

use super::{
    Catalog, Definition,
    authorize::{Authorization, authorize},
    catalog::LoadedCommand,
    decide::question,
};
use crate::{
    localization::MultiLanguage,
    store::{CacheScope, Invalidations},
    users::{Caller, User},
};

/// How much memory the lists take at most, in bytes: some 4,000 of the usual size.
const CAPACITY: u64 = 16 * 1024 * 1024;
/// What a list takes besides its texts and its user, and what each command of it takes.
const OVERHEAD: usize = 512;
const COMMAND: usize = 64;

/// A command that the caller can run on the user now.
#[derive(Debug)]
pub struct AvailableCommand {
    pub definition: Arc<Definition>,
    /// What is asked of this user; empty where nothing is.
    pub question: MultiLanguage,
}

/// The commands that the caller can run on this user, when this is or is not the last administrator.
pub fn available(catalog: &Catalog, caller: &Caller, user: &User, is_last: bool) -> Arc<[AvailableCommand]> {
    let is_permitted = |command: &&Arc<LoadedCommand>| {
        authorize(caller, &command.definition, user, is_last) == Authorization::Permitted
    };
    let available = |command: &Arc<LoadedCommand>| match question(command, caller, user) {
        Ok(question) => Some(AvailableCommand { definition: Arc::clone(&command.definition), question }),
        // One question that cannot be asked does not hide the other commands.
        Err(error) => {
            tracing::error!(command = command.definition.name.as_str(), cause = error.chain(), "left out");
            None
        }
    };
    catalog.entries().iter().filter(is_permitted).filter_map(available).collect()
}

/// Lists by the ids of caller and user.
#[derive(Clone)]
pub struct AvailableLists(Cache<(i32, i32), Arc<List>>);

/// A list, and what it was made of.
struct List {
    caller: Caller,
    user: Arc<User>,
    catalog: Arc<Catalog>,
    /// Where it matters whether the user is the last administrator: the versions of all users, in both scopes.
    administrators: Option<[u64; 2]>,
    commands: Arc<[AvailableCommand]>,
}

/// What a list is made of, and the versions from before that was read.
pub struct ListKey {
    pub caller: Caller,
    pub user: Arc<User>,
    pub catalog: Arc<Catalog>,
    versions: [u64; 2],
}

impl ListKey {
    pub fn new(caller: &Caller, user: Arc<User>, catalog: Arc<Catalog>, invalidations: &Invalidations) -> Self {
        let versions = [CacheScope::Users, CacheScope::Access].map(|scope| invalidations.version_of_all(scope));
        Self { caller: caller.clone(), user, catalog, versions }
    }

    fn ids(&self) -> (i32, i32) {
        (self.caller.user_id, self.user.user.id)
    }
}

impl List {
    /// About how much memory it takes.
    fn bytes(&self) -> usize {
        let questions = self.commands.iter().map(|command| COMMAND + command.question.bytes());
        OVERHEAD + self.user.bytes() + questions.sum::<usize>()
    }
}

impl Default for AvailableLists {
    fn default() -> Self {
        let weight = |_: &(i32, i32), list: &Arc<List>| u32::try_from(list.bytes()).unwrap_or(u32::MAX);
        Self(Cache::builder().weigher(weight).max_capacity(CAPACITY).build())
    }
}

impl fmt::Debug for AvailableLists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AvailableLists")
    }
}

impl AvailableLists {
    /// The list that was made before of the same.
    pub fn get(&self, key: &ListKey, invalidations: &Invalidations) -> Option<Arc<[AvailableCommand]>> {
        let list = self.0.get(&key.ids())?;
        let is_same = Arc::ptr_eq(&list.user, &key.user) && Arc::ptr_eq(&list.catalog, &key.catalog);
        let has_same_administrators =
            list.administrators.is_none_or(|versions| versions == key.versions && invalidations.is_synced());
        let is_current = is_same && has_same_administrators && list.caller == key.caller;
        is_current.then(|| Arc::clone(&list.commands))
    }

    /// Makes a list and keeps it. `is_last` is nothing where no definition asks whether the user is the last administrator.
    pub fn make(&self, key: ListKey, is_last: Option<bool>) -> Arc<[AvailableCommand]> {
        let commands = available(&key.catalog, &key.caller, &key.user, is_last.unwrap_or_default());
        let (ids, administrators) = (key.ids(), is_last.map(|_| key.versions));
        let ListKey { caller, user, catalog, .. } = key;
        let list = List { caller, user, catalog, administrators, commands: Arc::clone(&commands) };
        self.0.insert(ids, Arc::new(list));
        commands
    }
}
