//! Places for large bodies: few, so that the bodies of many clients fit into memory, and shared by address.
//!
//! When all places are taken, or those of an address, the body that comes slowest gives way, be it a new one or an old one.
//! A body that is complete keeps its place until its request is answered.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::auth::Address;

/// How many places there are, and how many of them one address may take.
const PLACES: usize = 64;
const PLACES_PER_ADDRESS: usize = PLACES / 4;

#[derive(Clone, Debug, Default)]
pub struct LargeBodies(Arc<Mutex<Vec<Holder>>>);

/// A body that has a place.
#[derive(Debug)]
struct Holder {
    progress: Progress,
    evicted: Arc<Notify>,
}

/// How far a body is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub address: Address,
    pub began: Instant,
    pub received: usize,
    pub is_complete: bool,
}

impl Progress {
    fn bytes_per_second(&self, now: Instant) -> f64 {
        // A body that has just begun has been as fast as can be.
        self.received as f64 / now.duration_since(self.began).max(Duration::from_millis(1)).as_secs_f64()
    }
}

/// What becomes of a new body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Admit,
    /// Admit it in the place of the holder with this index.
    Replace(usize),
    Refuse,
}

fn decide(holders: &[Progress], new: &Progress, now: Instant) -> Decision {
    let is_of_address = |holder: &Progress| holder.address == new.address;
    let is_share_full = holders.iter().filter(|holder| is_of_address(holder)).count() >= PLACES_PER_ADDRESS;
    if !is_share_full && holders.len() < PLACES {
        return Decision::Admit;
    }
    let rivals = holders.iter().enumerate().filter(|(_, holder)| !is_share_full || is_of_address(holder));
    let speeds = rivals.filter(|(_, holder)| !holder.is_complete);
    let speeds = speeds.map(|(index, holder)| (index, holder.bytes_per_second(now)));
    match speeds.min_by(|(_, one), (_, other)| one.total_cmp(other)) {
        Some((index, slowest)) if slowest < new.bytes_per_second(now) => Decision::Replace(index),
        _ => Decision::Refuse,
    }
}

impl LargeBodies {
    /// A place for a body, if it gets one.
    pub fn admit(&self, progress: Progress) -> Option<LargeBody> {
        let mut holders = self.holders();
        let known: Vec<_> = holders.iter().map(|holder| holder.progress).collect();
        match decide(&known, &progress, Instant::now()) {
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

/// The place of a body, until it is dropped.
#[derive(Debug)]
pub struct LargeBody {
    bodies: LargeBodies,
    evicted: Arc<Notify>,
}

impl LargeBody {
    /// Notes how far the body is. False when it has lost its place.
    pub fn note(&self, received: usize, is_complete: bool) -> bool {
        let mut holders = self.bodies.holders();
        let own = holders.iter_mut().find(|holder| Arc::ptr_eq(&holder.evicted, &self.evicted));
        let Some(own) = own else { return false };
        own.progress = Progress { received, is_complete, ..own.progress };
        true
    }

    /// Ready when the body has lost its place.
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

    /// A body from the address with this number that has been coming for a second.
    fn body(address: u8, received: usize, now: Instant) -> Progress {
        let address = Address::from(&RemoteAddr(SocketAddr::from(([192, 0, 2, address], 4711)).into()));
        Progress { address, began: now - Duration::from_secs(1), received, is_complete: false }
    }

    #[test]
    fn the_slowest_body_gives_way() {
        let now = Instant::now();
        let mut holders: Vec<_> = (0..PLACES).map(|index| body(index as u8, 100_000 + index, now)).collect();
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
    fn an_address_has_a_share_and_takes_no_place_of_others() {
        let now = Instant::now();
        let mut holders = vec![body(1, 70_000, now)];
        holders.extend((0..PLACES_PER_ADDRESS).map(|index| body(9, 100_000 - index, now)));
        let last = PLACES_PER_ADDRESS;
        assert_eq!(
            decide(&holders, &body(9, 200_000, now), now),
            Decision::Replace(last),
            "not the other's, which is slower"
        );
        assert_eq!(decide(&holders, &body(9, 1000, now), now), Decision::Refuse);
        assert_eq!(decide(&holders, &body(1, 1000, now), now), Decision::Admit);
    }

    #[tokio::test]
    async fn a_body_that_has_lost_its_place_is_told() {
        let (bodies, now) = (LargeBodies::default(), Instant::now());
        let admit = |address, received| bodies.admit(body(address, received, now));
        let mut held: Vec<_> = (0..PLACES).filter_map(|index| admit(index as u8, 100_000 + index)).collect();
        assert_eq!(held.len(), PLACES);
        assert!(held[3].note(65_000, false) && held[0].note(65_001, true));
        let new = admit(200, 900_000).expect("a place");
        held[3].evicted().await;
        assert!(!held[3].note(66_000, true) && held[1].note(100_000, false) && new.note(900_001, false));
        held.clear();
        assert_eq!(bodies.holders().len(), 1);
        drop(new);
        assert!(bodies.holders().is_empty());
    }
}
