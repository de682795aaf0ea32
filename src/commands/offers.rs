//! Lists of commands that were made before, for as long as all they were made of is the same.

use std::{fmt, sync::Arc};

use moka::sync::Cache;

use super::{Catalog, Commands, run::Offer};
use crate::{
    error::Error,
    store::Topic,
    users::{Caller, User},
};

/// How much memory the lists take at most, in bytes: some 4,000 of the usual size.
const CAPACITY: u64 = 16 * 1024 * 1024;
/// What a list takes besides its texts and its user, and what each command of it takes.
const OVERHEAD: usize = 512;
const COMMAND: usize = 64;

/// Lists by the ids of caller and user.
#[derive(Clone)]
pub struct Offers(Cache<(i32, i32), Arc<Made>>);

/// A list, and what it was made of.
struct Made {
    caller: Caller,
    user: Arc<User>,
    catalog: Arc<Catalog>,
    /// Where it matters whether the user is the last administrator: the marks of all users, and of what lets them in, at
    /// that time.
    others: Option<[u64; 2]>,
    offers: Arc<[Offer]>,
}

impl Made {
    /// About how much memory it takes.
    fn bytes(&self) -> usize {
        let questions = self.offers.iter().map(|offer| COMMAND + offer.question.bytes());
        OVERHEAD + self.user.bytes() + questions.sum::<usize>()
    }
}

impl Default for Offers {
    fn default() -> Self {
        let weight = |_: &(i32, i32), made: &Arc<Made>| u32::try_from(made.bytes()).unwrap_or(u32::MAX);
        Self(Cache::builder().weigher(weight).max_capacity(CAPACITY).build())
    }
}

impl fmt::Debug for Offers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Offers")
    }
}

impl Offers {
    /// The list for this caller and this user: the one that was made before, when nothing it was made of changed.
    ///
    /// # Errors
    /// The database does not answer.
    pub(super) async fn list(
        &self,
        commands: &Commands,
        caller: &Caller,
        user: Arc<User>,
    ) -> Result<Arc<[Offer]>, Error> {
        let (catalog, changes) = (commands.catalog(), commands.store.changes());
        // Read before the database is: what changes in between makes the list one of yesterday.
        let mark = [Topic::Users, Topic::Access].map(|topic| changes.mark_of_all(topic));
        let is_current = |made: &Arc<Made>| {
            let is_same = Arc::ptr_eq(&made.user, &user) && Arc::ptr_eq(&made.catalog, &catalog);
            let are_others = made.others.is_none_or(|others| others == mark && changes.is_fresh());
            is_same && are_others && made.caller == *caller
        };
        let key = (caller.user_id, user.user.id);
        if let Some(made) = self.0.get(&key).filter(is_current) {
            return Ok(Arc::clone(&made.offers));
        }
        let is_last = commands.is_last_administrator(&catalog, &user).await?;
        let others = is_last.map(|_| mark);
        let offers = commands.permitted(&catalog, caller, &user, is_last.unwrap_or_default());
        let made = Made { caller: caller.clone(), user, catalog, others, offers: Arc::clone(&offers) };
        self.0.insert(key, Arc::new(made));
        Ok(offers)
    }
}
