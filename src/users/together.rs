//! What pieces of work that share a transaction have together of users: who is held and was read for all of them at once,
//! and what changes. Each piece would otherwise ask for its own, and write its own.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, DbErr};

use super::{Memory, User, lock, user};
use crate::store::{Companion, Gather, Values, WriteTransaction, Written, update_all};

/// What they have together.
pub struct Together {
    memory: Memory,
    /// The users whom nobody else changes before the transaction ends, where there are others.
    held: HashSet<i32>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Their marks, from before they were read; where nobody else writes, these are known at the end as well.
    marks: HashMap<i32, u64>,
    /// Those who are held as they are, and the callers as they were when they were read.
    read: HashMap<i32, Arc<User>>,
    /// How many changes were left so far, with those that wait.
    left: u64,
    waiting: Vec<Waiting>,
    renewed: HashMap<i32, Renewed>,
}

/// Columns of a user that are to change.
#[derive(Clone)]
struct Waiting {
    /// As the piece of work found them.
    user: Arc<User>,
    values: Values,
}

/// A user whose row was written, as it is now.
struct Renewed {
    user: User,
    times: u64,
}

impl Together {
    fn new(memory: &Memory, held: HashSet<i32>, state: State) -> Self {
        Self { memory: memory.clone(), held, state: Mutex::new(state) }
    }

    /// What goes along with this transaction.
    pub fn of(transaction: &WriteTransaction) -> Option<&Self> {
        transaction.companion()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody else changes the user before the transaction ends.
    pub fn holds(&self, id: i32) -> bool {
        self.held.contains(&id)
    }

    /// A caller, and a user whom a piece of work is about to change: whoever asks for that one later reads anew.
    pub fn take(&self, [caller_id, user_id]: [i32; 2]) -> [Option<Arc<User>>; 2] {
        let mut state = self.state();
        [state.read.get(&caller_id).cloned(), state.read.remove(&user_id)]
    }

    /// The user is changed by what waits.
    pub fn changes(&self, id: i32) -> bool {
        self.state().waiting.iter().any(|change| change.user.user.id == id)
    }

    /// Leaves a change to be written with others.
    pub(super) fn change(&self, user: &Arc<User>, values: Values) {
        let mut state = self.state();
        state.waiting.push(Waiting { user: Arc::clone(user), values });
        state.left += 1;
    }
}

#[async_trait]
impl Companion for Together {
    async fn write(&self, transaction: &DatabaseTransaction) -> Result<(), DbErr> {
        // They go on waiting until they are written.
        let waiting = self.state().waiting.clone();
        let count = waiting.len();
        let (mut rows, mut users) = (BTreeMap::<_, Values>::new(), HashMap::new());
        for Waiting { user, values } in waiting {
            rows.entry(user.user.id).or_default().extend(values);
            users.insert(user.user.id, user);
        }
        let updated = update_all::<user::Entity>(transaction, rows).await?;
        let mut state = self.state();
        state.waiting.drain(..count);
        for row in updated {
            if let Some(user) = users.get(&row.id) {
                state.note(user, row);
            }
        }
        Ok(())
    }

    fn left(&self) -> u64 {
        self.state().left
    }

    fn waiting(&self) -> u64 {
        self.state().waiting.len() as u64
    }

    fn take_back(&self, left: u64) -> bool {
        let mut state = self.state();
        let written = state.left - state.waiting.len() as u64;
        let Some(waiting) = left.checked_sub(written) else { return false };
        state.waiting.truncate(waiting as usize);
        state.left = left;
        true
    }

    fn undo(&self) {
        let mut state = self.state();
        state.waiting.clear();
        state.renewed.clear();
    }

    fn written(&self) -> Vec<Written> {
        let state = self.state();
        let written = |(user_id, renewed): (&i32, &Renewed)| {
            let mark = state.marks.get(user_id).copied();
            Written { user_id: *user_id, times: renewed.times, mark }
        };
        state.renewed.iter().map(written).collect()
    }

    fn forget_written(&self) {
        self.state().renewed.clear();
    }

    fn remember(&self, marks: Vec<(i32, u64)>) {
        let mut renewed = mem::take(&mut self.state().renewed);
        for (id, mark) in marks {
            if let Some(Renewed { user, .. }) = renewed.remove(&id) {
                self.memory.remember(Arc::new(user), mark);
            }
        }
    }
}

impl State {
    /// Notes a row that was written, with what else makes the user, unless that is another one's now.
    fn note(&mut self, before: &User, row: user::Model) {
        let times = self.renewed.get(&row.id).map_or(0, |renewed| renewed.times) + 1;
        let links = |row: &user::Model| (row.role_id, row.user_group_id, row.person_id);
        if links(&row) == links(&before.user) {
            self.renewed.insert(row.id, Renewed { user: User { user: row, ..before.clone() }, times });
        } else {
            self.renewed.remove(&row.id);
        }
    }
}

#[async_trait]
impl Gather for Memory {
    fn join(&self, transaction: &mut WriteTransaction) {
        transaction.accompany(Together::new(self, HashSet::new(), State::default()));
    }

    async fn gather(
        &self,
        transaction: &mut WriteTransaction,
        user_ids: Vec<i32>,
        caller_ids: Vec<i32>,
    ) -> Result<HashSet<i32>, DbErr> {
        let held = HashSet::from_iter(lock::lock_free(&*transaction, &user_ids).await?);
        let marks = held.iter().map(|id| (*id, self.mark(*id))).collect();
        let ids = held.iter().copied().chain(caller_ids).collect();
        let users = user::list_some(&*transaction, ids).await?;
        let read = users.into_iter().map(|user| (user.user.id, Arc::new(user))).collect();
        let state = State { marks, read, ..State::default() };
        transaction.accompany(Together::new(self, held.clone(), state));
        Ok(held)
    }
}
