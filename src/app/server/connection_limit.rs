//! How many connections may be open, in all and from one address, and which one is closed to make room for a new one.
//!
//! A connection waits while its client owes the server something: a complete head, the rest of a body, or the reading of
//! an answer. At a limit, the connection that has waited longest is closed in favour of the new one. When the
//! server works for all of them, the new one is refused. A client that pipelines requests without reading answers waits even
//! while the server works on its next request.

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
    places: Arc<Mutex<Places<AbortHandle>>>,
    /// Counts the connections that were closed to make room.
    evicted: Counter,
}

impl ConnectionLimiter {
    pub fn new(most: usize, most_per_address: usize, evicted: Counter) -> Self {
        Self { places: Arc::new(Mutex::new(Places::new(most, most_per_address))), evicted }
    }

    /// How many connections are open.
    pub fn count(&self) -> usize {
        self.places().open
    }

    /// A place for a new connection. Without an address, only the limit of all connections holds.
    pub fn admit(&self, address: Option<Address>) -> Option<ConnectionPermit> {
        let admitted = self.places().admit(address)?;
        if let Some(task) = admitted.evicted {
            self.evicted.increment(1);
            task.abort();
        }
        Some(ConnectionPermit { place: admitted.place, limiter: self.clone() })
    }

    /// Closes up to so many connections that wait, the longest first; how many there were.
    pub fn evict(&self, most: usize) -> usize {
        let tasks: Vec<_> = {
            let mut places = self.places();
            std::iter::from_fn(|| places.evict()).take(most).collect()
        };
        self.evicted.increment(tasks.len() as u64);
        tasks.iter().for_each(AbortHandle::abort);
        tasks.len()
    }

    /// Names the task that serves a connection; to evict the connection is to abort the task.
    pub fn serve_by(&self, place: Place, task: AbortHandle) {
        self.places().serve_by(place, task);
    }

    fn places(&self) -> MutexGuard<'_, Places<AbortHandle>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of an open connection, until it is dropped.
#[derive(Debug)]
pub struct ConnectionPermit {
    pub place: Place,
    limiter: ConnectionLimiter,
}

impl ConnectionPermit {
    /// The connection waits for its client, from now on.
    pub fn wait(&self) {
        self.limiter.places().wait(self.place);
    }

    /// The server works for the connection. False when the connection has been evicted: then it must not begin.
    pub fn work(&self) -> bool {
        self.limiter.places().work(self.place)
    }

    /// Whether the connection has not been evicted.
    pub fn is_open(&self) -> bool {
        self.limiter.places().connection(self.place).is_some()
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.limiter.places().leave(self.place);
    }
}

/// Names a connection. Slots are used again; the serial number tells their users apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    slot: usize,
    serial: u64,
}

/// The decisions, without sockets: `T` is what serves a connection.
#[derive(Debug)]
struct Places<T> {
    most: usize,
    most_per_address: usize,
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
    place: Place,
    evicted: Option<T>,
}

impl<T> Places<T> {
    fn new(most: usize, most_per_address: usize) -> Self {
        Self {
            most,
            most_per_address,
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

    /// Admits a connection, which waits. At the limit of its address, another connection of that address gives way.
    fn admit(&mut self, address: Option<Address>) -> Option<Admitted<T>> {
        let share = address.and_then(|address| self.shares.get(&address));
        let evicted = match share {
            Some(share) if share.open >= self.most_per_address => Some(share.waiting.first()?),
            _ if self.open >= self.most => Some(self.waiting.first()?),
            _ => None,
        };
        let evicted = evicted.and_then(|slot| self.remove(slot)).and_then(|connection| connection.task);
        Some(Admitted { place: self.insert(address), evicted })
    }

    /// Removes the connection that has waited longest.
    fn evict(&mut self) -> Option<T> {
        let slot = self.waiting.first()?;
        self.remove(slot)?.task
    }

    fn serve_by(&mut self, place: Place, task: T) {
        if let Some(connection) = self.connection(place) {
            connection.task = Some(task);
        }
    }

    /// Puts a connection at the end of those that wait.
    fn wait(&mut self, place: Place) {
        if self.work(place) {
            self.enqueue(place.slot);
        }
    }

    /// Takes a connection out of those that wait. False when it has been evicted.
    fn work(&mut self, place: Place) -> bool {
        let Some(connection) = self.connection(place) else { return false };
        if connection.is_waiting {
            self.dequeue(place.slot);
        }
        true
    }

    fn leave(&mut self, place: Place) {
        if self.connection(place).is_some() {
            self.remove(place.slot);
        }
    }

    fn connection(&mut self, place: Place) -> Option<&mut Connection<T>> {
        self.slots.get_mut(place.slot)?.as_mut().filter(|connection| connection.serial == place.serial)
    }

    fn insert(&mut self, address: Option<Address>) -> Place {
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
        Place { slot, serial }
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
