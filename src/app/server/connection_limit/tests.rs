//! Which connection gives way, and when the new one is refused.

use std::net::SocketAddr;

use poem::web::RemoteAddr;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;

fn at(address: &str) -> Option<Address> {
    let address = SocketAddr::new(address.parse().expect("an address"), 4711);
    Some(Address::from(&RemoteAddr(address.into())))
}

/// Places whose connections are served by their numbers, in the order of their beginning.
struct Numbered(Places<usize>, Vec<Place>);

impl Numbered {
    fn new(most: usize, most_per_address: usize) -> Self {
        Self(Places::new(most, most_per_address), Vec::new())
    }

    /// Whether there was a place, and which connection gave way.
    fn admit(&mut self, address: Option<Address>) -> Option<Option<usize>> {
        let Admitted { place, evicted } = self.0.admit(address)?;
        self.0.serve_by(place, self.1.len());
        self.1.push(place);
        Some(evicted)
    }
}

#[test]
fn at_the_limit_the_connection_that_waits_longest_goes() {
    let mut places = Numbered::new(3, 3);
    for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        assert_eq!(places.admit(at(address)), Some(None));
    }
    // The first has been answered since: now the second waits longest, then the third.
    assert!(places.0.work(places.1[0]));
    places.0.wait(places.1[0]);
    assert_eq!(places.admit(at("192.0.2.4")), Some(Some(1)));
    assert_eq!(places.admit(at("192.0.2.4")), Some(Some(2)));
    assert_eq!(places.admit(at("192.0.2.4")), Some(Some(0)));
    assert_eq!(places.0.open, 3);
}

#[test]
fn a_connection_that_is_worked_for_never_goes() {
    let mut places = Numbered::new(2, 2);
    places.admit(at("192.0.2.1"));
    places.admit(at("192.0.2.2"));
    assert!(places.0.work(places.1[0]));
    assert_eq!(places.admit(at("192.0.2.3")), Some(Some(1)));
    assert!(places.0.work(places.1[2]));
    assert_eq!(places.admit(at("192.0.2.4")), None, "both are worked for");
    places.0.leave(places.1[0]);
    assert_eq!(places.admit(at("192.0.2.4")), Some(None));
}

#[test]
fn below_the_limits_only_those_that_wait_can_be_evicted() {
    let mut places = Numbered::new(9, 9);
    for _ in 0..3 {
        places.admit(at("192.0.2.1"));
    }
    assert!(places.0.work(places.1[0]));
    assert_eq!([places.0.evict(), places.0.evict(), places.0.evict()], [Some(1), Some(2), None]);
    assert_eq!(places.0.open, 1);
}

#[test]
fn at_the_limit_of_an_address_its_own_connection_goes() {
    let mut places = Numbered::new(10, 2);
    places.admit(at("192.0.2.1"));
    for _ in 0..2 {
        places.admit(at("192.0.2.9"));
    }
    assert_eq!(places.admit(at("192.0.2.9")), Some(Some(1)), "not that of another address, which waits longer");
    assert!(places.0.work(places.1[2]) && places.0.work(places.1[3]));
    assert_eq!(places.admit(at("192.0.2.9")), None);
    assert_eq!(places.admit(at("192.0.2.1")), Some(None));
}

#[test]
fn an_ipv6_network_has_one_share_and_a_proxy_none() {
    let mut places = Numbered::new(10, 1);
    places.admit(at("2001:db8::1"));
    assert_eq!(places.admit(at("2001:db8::ffff:1")), Some(Some(0)), "the same /64");
    assert_eq!(places.admit(at("2001:db8:0:1::1")), Some(None));
    assert_eq!(places.admit(at("::ffff:192.0.2.1")), Some(None));
    assert_eq!(places.admit(at("192.0.2.1")), Some(Some(3)), "the same IPv4 address");
    for _ in 0..5 {
        assert_eq!(places.admit(None), Some(None));
    }
}

#[test]
fn an_evicted_connection_does_not_begin_and_frees_nothing() {
    let mut places = Numbered::new(1, 1);
    places.admit(at("192.0.2.1"));
    assert_eq!(places.admit(at("192.0.2.2")), Some(Some(0)));
    let evicted = places.1[0];
    assert!(!places.0.work(evicted));
    places.0.wait(evicted);
    places.0.leave(evicted);
    assert_eq!(places.0.open, 1, "the place belongs to the new connection");
    assert!(places.0.work(places.1[1]));
    assert_eq!(places.admit(at("192.0.2.3")), None);
}

/// The same rules over a plain list, in the order of waiting.
#[derive(Default)]
struct Model {
    waiting: Vec<(usize, Option<Address>)>,
    working: Vec<(usize, Option<Address>)>,
}

impl Model {
    fn admit(&mut self, number: usize, address: Option<Address>, most: usize, share: usize) -> Option<Option<usize>> {
        let open = || self.waiting.iter().chain(&self.working);
        let in_share = address.is_some() && open().filter(|(_, other)| *other == address).count() >= share;
        let candidate = match (in_share, open().count() >= most) {
            (true, _) => Some(self.waiting.iter().position(|(_, other)| *other == address)?),
            (false, true) => Some(if self.waiting.is_empty() { return None } else { 0 }),
            (false, false) => None,
        };
        let evicted = candidate.map(|index| self.waiting.remove(index).0);
        self.waiting.push((number, address));
        Some(evicted)
    }
}

#[test]
fn whatever_happens_the_queues_agree_with_a_plain_list() {
    let mut random = StdRng::seed_from_u64(19);
    for _ in 0..50 {
        let (most, share) = (random.random_range(1..12), random.random_range(1..6));
        let (mut places, mut model) = (Numbered::new(most, share), Model::default());
        for _ in 0..400 {
            let open = |model: &Model| model.waiting.iter().chain(&model.working).copied().collect::<Vec<_>>();
            let known = open(&model);
            let chosen = (!known.is_empty()).then(|| known[random.random_range(0..known.len())]);
            match (random.random_range(0..5), chosen) {
                (0..2, _) | (_, None) => {
                    let address =
                        [None, at("192.0.2.1"), at("192.0.2.2"), at("2001:db8::1")][random.random_range(0..4)];
                    let number = places.1.len();
                    assert_eq!(places.admit(address), model.admit(number, address, most, share));
                }
                (action, Some(connection)) => {
                    model.waiting.retain(|other| *other != connection);
                    model.working.retain(|other| *other != connection);
                    let place = places.1[connection.0];
                    match action {
                        2 => {
                            assert!(places.0.work(place));
                            model.working.push(connection);
                        }
                        3 => {
                            places.0.wait(place);
                            model.waiting.push(connection);
                        }
                        _ => places.0.leave(place),
                    }
                }
            }
            assert_eq!(places.0.open, open(&model).len());
        }
    }
}
