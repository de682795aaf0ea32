//! Users who are held and read for all the pieces of work of a transaction at once. Where several write, each piece would
//! otherwise ask for its own.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use sea_orm::DbErr;

use super::{Memory, User, lock, user};
use crate::store::{Gather, WriteTransaction};

/// What was gathered.
#[derive(Debug)]
pub struct Gathered {
    held: HashSet<i32>,
    /// Those who are held as they are, and the callers as they were when they were read.
    users: Mutex<HashMap<i32, Arc<User>>>,
}

impl Gathered {
    /// What was gathered for this transaction.
    pub fn of(transaction: &WriteTransaction) -> Option<&Self> {
        transaction.gathered()
    }

    /// Nobody else changes the user before the transaction ends.
    pub fn holds(&self, id: i32) -> bool {
        self.held.contains(&id)
    }

    /// A caller, and a user whom a piece of work is about to change: whoever asks for that one later reads anew.
    pub fn take(&self, [caller_id, user_id]: [i32; 2]) -> [Option<Arc<User>>; 2] {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        [users.get(&caller_id).cloned(), users.remove(&user_id)]
    }
}

#[async_trait]
impl Gather for Memory {
    async fn gather(
        &self,
        transaction: &mut WriteTransaction,
        user_ids: Vec<i32>,
        caller_ids: Vec<i32>,
    ) -> Result<HashSet<i32>, DbErr> {
        let held = HashSet::from_iter(lock::lock_free(&*transaction, &user_ids).await?);
        let ids = held.iter().copied().chain(caller_ids).collect();
        let read = user::list_some(&*transaction, ids).await?;
        let users = read.into_iter().map(|user| (user.user.id, Arc::new(user))).collect();
        transaction.set_gathered(Gathered { held: held.clone(), users: Mutex::new(users) });
        Ok(held)
    }
}
