//! Limits the number of large request bodies in memory, in total and per client address.
//!
//! When all slots are taken, or all slots of an address, the slowest body is evicted or, if it is the new one, refused.
//! A complete body keeps its slot until its request is answered.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::auth::Address;

const SLOTS: usize = 64;
const SLOTS_PER_ADDRESS: usize = SLOTS / 4;

/// The slots of one server.
#[derive(Clone, Debug, Default)]
pub struct LargeBodies(Arc<Mutex<Vec<Holder>>>);

/// A body that has a slot.
#[derive(Debug)]
struct Holder {
    progress: Progress,
    evicted: Arc<Notify>,
}

/// How much of a body has arrived.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub address: Address,
    pub began: Instant,
    pub received: usize,
    pub is_complete: bool,
}

impl Progress {
    fn bytes_per_second(&self, now: Instant) -> f64 {
        // At least one millisecond, so that a body that has just begun counts as fast.
        self.received as f64 / now.duration_since(self.began).max(Duration::from_millis(1)).as_secs_f64()
    }
}

/// What to do with a new body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Admit,
    /// Evict the holder with this index, and admit the new body.
    Replace(usize),
    Refuse,
}

fn decide(holders: &[Progress], new: &Progress, now: Instant) -> Decision {
    let is_of_address = |holder: &Progress| holder.address == new.address;
    let is_share_full = holders.iter().filter(|holder| is_of_address(holder)).count() >= SLOTS_PER_ADDRESS;
    if !is_share_full && holders.len() < SLOTS {
        return Decision::Admit;
    }
    let candidates = holders.iter().enumerate().filter(|(_, holder)| !is_share_full || is_of_address(holder));
    let speeds = candidates.filter(|(_, holder)| !holder.is_complete);
    let speeds = speeds.map(|(index, holder)| (index, holder.bytes_per_second(now)));
    match speeds.min_by(|(_, one), (_, other)| one.total_cmp(other)) {
        Some((index, slowest)) if slowest < new.bytes_per_second(now) => Decision::Replace(index),
        _ => Decision::Refuse,
    }
}

impl LargeBodies {
    /// Takes a slot for a body; `None` when the body is refused.
    pub fn admit(&self, progress: Progress) -> Option<LargeBody> {
        let mut holders = self.holders();
        let present: Vec<_> = holders.iter().map(|holder| holder.progress).collect();
        match decide(&present, &progress, Instant::now()) {
            Decision::Admit => {}
            Decision::Replace(index) => holders.swap_remove(index).evicted.notify_one(),
            Decision::Refuse => return None,
        }
        let evicted = Arc::new(Notify::new());
        holders.push(Holder { progress, evicted: Arc::clone(&evicted) });
        Some(LargeBody { bodies: self.clone(), evicted })
    }

    fn holders(&self) -> MutexGuard<'_, Vec<Holder>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The slot of a body. Dropping it frees the slot.
#[derive(Debug)]
pub struct LargeBody {
    bodies: LargeBodies,
    evicted: Arc<Notify>,
}

impl LargeBody {
    /// Records the progress of the body. False when the body was evicted.
    pub fn note(&self, received: usize, is_complete: bool) -> bool {
        let mut holders = self.bodies.holders();
        let holder = holders.iter_mut().find(|holder| Arc::ptr_eq(&holder.evicted, &self.evicted));
        let Some(holder) = holder else { return false };
        holder.progress = Progress { received, is_complete, ..holder.progress };
        true
    }

    /// Waits until the body is evicted.
    pub async fn evicted(&self) {
        self.evicted.notified().await;
    }
}

impl Drop for LargeBody {
    fn drop(&mut self) {
        self.bodies.holders().retain(|holder| !Arc::ptr_eq(&holder.evicted, &self.evicted));
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use poem::web::RemoteAddr;

    use super::*;

    /// A body from the address `192.0.2.{address}` that began a second ago.
    fn body(address: u8, received: usize, now: Instant) -> Progress {
        let address = Address::from(&RemoteAddr(SocketAddr::from(([192, 0, 2, address], 4711)).into()));
        Progress { address, began: now - Duration::from_secs(1), received, is_complete: false }
    }

    #[test]
    fn the_slowest_body_is_evicted_or_refused() {
        let now = Instant::now();
        let mut holders: Vec<_> = (0..SLOTS).map(|index| body(index as u8, 100_000 + index, now)).collect();
        assert_eq!(decide(&holders[1..], &body(200, 1, now), now), Decision::Admit, "there is room");
        assert_eq!(decide(&holders, &body(200, 200_000, now), now), Decision::Replace(0));
        holders[7].received = 70_000;
        assert_eq!(decide(&holders, &body(200, 200_000, now), now), Decision::Replace(7));
        assert_eq!(decide(&holders, &body(200, 69_000, now), now), Decision::Refuse, "the new one is the slowest");
        holders[7].is_complete = true;
        assert_eq!(decide(&holders, &body(200, 200_000, now), now), Decision::Replace(0));
        for holder in &mut holders {
            holder.is_complete = true;
        }
        assert_eq!(decide(&holders, &body(200, 200_000, now), now), Decision::Refuse);
    }

    #[test]
    fn an_address_over_its_share_evicts_only_its_own_bodies() {
        let now = Instant::now();
        let mut holders = vec![body(1, 70_000, now)];
        holders.extend((0..SLOTS_PER_ADDRESS).map(|index| body(9, 100_000 - index, now)));
        let last = SLOTS_PER_ADDRESS;
        assert_eq!(
            decide(&holders, &body(9, 200_000, now), now),
            Decision::Replace(last),
            "not the slower body of address 1"
        );
        assert_eq!(decide(&holders, &body(9, 1000, now), now), Decision::Refuse);
        assert_eq!(decide(&holders, &body(1, 1000, now), now), Decision::Admit);
    }

    #[tokio::test]
    async fn an_evicted_body_is_notified() {
        let (bodies, now) = (LargeBodies::default(), Instant::now());
        let admit = |address, received| bodies.admit(body(address, received, now));
        let mut held: Vec<_> = (0..SLOTS).filter_map(|index| admit(index as u8, 100_000 + index)).collect();
        assert_eq!(held.len(), SLOTS);
        assert!(held[3].note(65_000, false) && held[0].note(65_001, true));
        let new = admit(200, 900_000).expect("a slot");
        held[3].evicted().await;
        assert!(!held[3].note(66_000, true) && held[1].note(100_000, false) && new.note(900_001, false));
        held.clear();
        assert_eq!(bodies.holders().len(), 1);
        drop(new);
        assert!(bodies.holders().is_empty());
    }
}
