//! Limits the number of open connections, in total and per address, and evicts a waiting connection to admit a new one.
//!
//! A connection is waiting while the server waits for its client: for a complete head, the rest of a body, or the
//! reading of an answer. At a limit, the connection that has been waiting longest is closed, and the new one is
//! admitted. If no connection is waiting, the new one is refused. A client that pipelines requests without reading
//! answers is waiting even while the server works on its next request.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use metrics::Counter;
use tokio::task::AbortHandle;

use super::queue::{Link, Queue};
use crate::auth::Address;

/// The limits of one listener, and its open connections.
#[derive(Clone, Debug)]
pub struct ConnectionLimiter {
    table: Arc<Mutex<ConnectionTable<AbortHandle>>>,
    /// Counts the connections that were closed to make room.
    evicted: Counter,
}

impl ConnectionLimiter {
    pub fn new(max: usize, max_per_address: usize, evicted: Counter) -> Self {
        Self { table: Arc::new(Mutex::new(ConnectionTable::new(max, max_per_address))), evicted }
    }

    /// The number of open connections.
    pub fn count(&self) -> usize {
        self.table().open
    }

    /// Admits a new connection, or returns `None` at the limit. Without an address, only the total limit applies.
    pub fn admit(&self, address: Option<Address>) -> Option<ConnectionPermit> {
        let admitted = self.table().admit(address)?;
        if let Some(task) = admitted.evicted {
            self.evicted.increment(1);
            task.abort();
        }
        Some(ConnectionPermit { id: admitted.id, limiter: self.clone() })
    }

    /// Closes up to `max` waiting connections, the longest waiting first. Returns how many were closed.
    pub fn evict(&self, max: usize) -> usize {
        let tasks: Vec<_> = {
            let mut table = self.table();
            std::iter::from_fn(|| table.evict()).take(max).collect()
        };
        self.evicted.increment(tasks.len() as u64);
        tasks.iter().for_each(AbortHandle::abort);
        tasks.len()
    }

    /// Sets the task that serves a connection. Eviction aborts this task.
    pub fn serve_by(&self, id: ConnectionId, task: AbortHandle) {
        self.table().serve_by(id, task);
    }

    fn table(&self) -> MutexGuard<'_, ConnectionTable<AbortHandle>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a connection as open until it is dropped.
#[derive(Debug)]
pub struct ConnectionPermit {
    pub id: ConnectionId,
    limiter: ConnectionLimiter,
}

impl ConnectionPermit {
    /// Marks the connection as waiting for its client.
    pub fn wait(&self) {
        self.limiter.table().wait(self.id);
    }

    /// Marks the connection as being worked for. Returns false if it has been evicted; then the server must not begin.
    pub fn work(&self) -> bool {
        self.limiter.table().work(self.id)
    }

    /// Whether the connection has not been evicted.
    pub fn is_open(&self) -> bool {
        self.limiter.table().connection(self.id).is_some()
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.limiter.table().leave(self.id);
    }
}

/// Identifies a connection. Slots are reused; the serial number tells their connections apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionId {
    slot: usize,
    serial: u64,
}

/// The state and the decisions, without sockets. `T` is the task that serves a connection.
#[derive(Debug)]
struct ConnectionTable<T> {
    max: usize,
    max_per_address: usize,
    open: usize,
    serial: u64,
    slots: Vec<Option<Connection<T>>>,
    free: Vec<usize>,
    shares: HashMap<Address, Share>,
    waiting: Queue,
    links: Vec<Link>,
    links_in_share: Vec<Link>,
}

#[derive(Debug)]
struct Connection<T> {
    serial: u64,
    address: Option<Address>,
    is_waiting: bool,
    task: Option<T>,
}

/// The connections of one address.
#[derive(Debug, Default)]
struct Share {
    open: usize,
    waiting: Queue,
}

struct Admitted<T> {
    id: ConnectionId,
    evicted: Option<T>,
}

impl<T> ConnectionTable<T> {
    fn new(max: usize, max_per_address: usize) -> Self {
        Self {
            max,
            max_per_address,
            open: 0,
            serial: 0,
            slots: Vec::new(),
            free: Vec::new(),
            shares: HashMap::new(),
            waiting: Queue::default(),
            links: Vec::new(),
            links_in_share: Vec::new(),
        }
    }

    /// Admits a connection as waiting. At the limit of its address, a connection of the same address is evicted.
    fn admit(&mut self, address: Option<Address>) -> Option<Admitted<T>> {
        let share = address.and_then(|address| self.shares.get(&address));
        let evicted = match share {
            Some(share) if share.open >= self.max_per_address => Some(share.waiting.first()?),
            _ if self.open >= self.max => Some(self.waiting.first()?),
            _ => None,
        };
        let evicted = evicted.and_then(|slot| self.remove(slot)).and_then(|connection| connection.task);
        Some(Admitted { id: self.insert(address), evicted })
    }

    /// Removes the connection that has been waiting longest.
    fn evict(&mut self) -> Option<T> {
        let slot = self.waiting.first()?;
        self.remove(slot)?.task
    }

    fn serve_by(&mut self, id: ConnectionId, task: T) {
        if let Some(connection) = self.connection(id) {
            connection.task = Some(task);
        }
    }

    /// Moves a connection to the end of the waiting queue.
    fn wait(&mut self, id: ConnectionId) {
        if self.work(id) {
            self.enqueue(id.slot);
        }
    }

    /// Removes a connection from the waiting queue. Returns false if it has been evicted.
    fn work(&mut self, id: ConnectionId) -> bool {
        let Some(connection) = self.connection(id) else { return false };
        if connection.is_waiting {
            self.dequeue(id.slot);
        }
        true
    }

    fn leave(&mut self, id: ConnectionId) {
        if self.connection(id).is_some() {
            self.remove(id.slot);
        }
    }

    fn connection(&mut self, id: ConnectionId) -> Option<&mut Connection<T>> {
        self.slots.get_mut(id.slot)?.as_mut().filter(|connection| connection.serial == id.serial)
    }

    fn insert(&mut self, address: Option<Address>) -> ConnectionId {
        self.open += 1;
        self.serial += 1;
        let serial = self.serial;
        let connection = Connection { serial, address, is_waiting: false, task: None };
        let slot = self.free.pop().unwrap_or(self.slots.len());
        if slot == self.slots.len() {
            self.slots.push(None);
            self.links.push(Link::default());
            self.links_in_share.push(Link::default());
        }
        self.slots[slot] = Some(connection);
        if let Some(address) = address {
            self.shares.entry(address).or_default().open += 1;
        }
        self.enqueue(slot);
        ConnectionId { slot, serial }
    }

    fn remove(&mut self, slot: usize) -> Option<Connection<T>> {
        if self.slots[slot].as_ref()?.is_waiting {
            self.dequeue(slot);
        }
        let connection = self.slots[slot].take()?;
        self.free.push(slot);
        self.open -= 1;
        if let Some((address, share)) =
            connection.address.and_then(|address| Some((address, self.shares.get_mut(&address)?)))
        {
            share.open -= 1;
            if share.open == 0 {
                self.shares.remove(&address);
            }
        }
        Some(connection)
    }

    fn enqueue(&mut self, slot: usize) {
        let Some(connection) = &mut self.slots[slot] else { return };
        connection.is_waiting = true;
        self.waiting.push(&mut self.links, slot);
        if let Some(share) = connection.address.and_then(|address| self.shares.get_mut(&address)) {
            share.waiting.push(&mut self.links_in_share, slot);
        }
    }

    fn dequeue(&mut self, slot: usize) {
        let Some(connection) = &mut self.slots[slot] else { return };
        connection.is_waiting = false;
        self.waiting.remove(&mut self.links, slot);
        if let Some(share) = connection.address.and_then(|address| self.shares.get_mut(&address)) {
            share.waiting.remove(&mut self.links_in_share, slot);
        }
    }
}

#[cfg(test)]
mod tests;
