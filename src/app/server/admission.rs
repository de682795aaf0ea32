//! How many connections are open at once: in all, and from one address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

#[derive(Clone, Debug)]
pub struct Admission {
    most: usize,
    most_per_address: usize,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection's place, until it is dropped.
#[derive(Debug)]
pub struct Ticket {
    address: IpAddr,
    admission: Admission,
}

impl Admission {
    /// How many connections are open.
    pub fn count(&self) -> usize {
        self.open().all
    }

    pub fn new(most: usize, most_per_address: Option<usize>) -> Self {
        Self { most, most_per_address: most_per_address.unwrap_or(usize::MAX), open: Arc::default() }
    }

    /// A place for a connection from this address, if there is one.
    pub fn admit(&self, address: IpAddr) -> Option<Ticket> {
        let mut open = self.open();
        let from_there = open.by_address.get(&address).copied().unwrap_or_default();
        if open.all >= self.most || from_there >= self.most_per_address {
            return None;
        }
        open.all += 1;
        open.by_address.insert(address, from_there + 1);
        Some(Ticket { address, admission: self.clone() })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut open = self.admission.open();
        open.all -= 1;
        if let Some(count) = open.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_up_and_given_again() {
        let admission = Admission::new(3, Some(2));
        let [here, there] = ["127.0.0.1", "127.0.0.2"].map(|address| address.parse().expect("an address"));
        let first = admission.admit(here).expect("a place");
        let _second = admission.admit(here).expect("a place");
        assert!(admission.admit(here).is_none(), "too many from there");
        let _third = admission.admit(there).expect("a place");
        assert!(admission.admit(there).is_none(), "too many in all");
        drop(first);
        assert!(admission.admit(here).is_some());
    }
}
