//! Tests which connection is evicted, and when the new one is refused.

use std::net::SocketAddr;

use poem::web::RemoteAddr;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;

fn at(address: &str) -> Option<Address> {
    let address = SocketAddr::new(address.parse().expect("an address"), 4711);
    Some(Address::from(&RemoteAddr(address.into())))
}

/// A table with numbers as tasks, in the order of admission.
struct Numbered(ConnectionTable<usize>, Vec<ConnectionId>);

impl Numbered {
    fn new(most: usize, max_per_address: usize) -> Self {
        Self(ConnectionTable::new(most, max_per_address), Vec::new())
    }

    /// Whether the connection was admitted, and which connection was evicted.
    fn admit(&mut self, address: Option<Address>) -> Option<Option<usize>> {
        let Admitted { id, evicted } = self.0.admit(address)?;
        self.0.serve_by(id, self.1.len());
        self.1.push(id);
        Some(evicted)
    }
}

#[test]
fn at_the_limit_the_longest_waiting_connection_is_evicted() {
    let mut table = Numbered::new(3, 3);
    for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        assert_eq!(table.admit(at(address)), Some(None));
    }
    // After an answer, the first waits again: now the second has been waiting longest, then the third.
    assert!(table.0.work(table.1[0]));
    table.0.wait(table.1[0]);
    assert_eq!(table.admit(at("192.0.2.4")), Some(Some(1)));
    assert_eq!(table.admit(at("192.0.2.4")), Some(Some(2)));
    assert_eq!(table.admit(at("192.0.2.4")), Some(Some(0)));
    assert_eq!(table.0.open, 3);
}

#[test]
fn a_connection_that_is_worked_for_is_never_evicted() {
    let mut table = Numbered::new(2, 2);
    table.admit(at("192.0.2.1"));
    table.admit(at("192.0.2.2"));
    assert!(table.0.work(table.1[0]));
    assert_eq!(table.admit(at("192.0.2.3")), Some(Some(1)));
    assert!(table.0.work(table.1[2]));
    assert_eq!(table.admit(at("192.0.2.4")), None, "both are worked for");
    table.0.leave(table.1[0]);
    assert_eq!(table.admit(at("192.0.2.4")), Some(None));
}

#[test]
fn only_waiting_connections_can_be_evicted() {
    let mut table = Numbered::new(9, 9);
    for _ in 0..3 {
        table.admit(at("192.0.2.1"));
    }
    assert!(table.0.work(table.1[0]));
    assert_eq!([table.0.evict(), table.0.evict(), table.0.evict()], [Some(1), Some(2), None]);
    assert_eq!(table.0.open, 1);
}

#[test]
fn at_an_address_limit_a_connection_of_it_is_evicted() {
    let mut table = Numbered::new(10, 2);
    table.admit(at("192.0.2.1"));
    for _ in 0..2 {
        table.admit(at("192.0.2.9"));
    }
    assert_eq!(table.admit(at("192.0.2.9")), Some(Some(1)), "not the one of another address, which has waited longer");
    assert!(table.0.work(table.1[2]) && table.0.work(table.1[3]));
    assert_eq!(table.admit(at("192.0.2.9")), None);
    assert_eq!(table.admit(at("192.0.2.1")), Some(None));
}

#[test]
fn an_ipv6_network_has_one_limit_and_a_proxy_none() {
    let mut table = Numbered::new(10, 1);
    table.admit(at("2001:db8::1"));
    assert_eq!(table.admit(at("2001:db8::ffff:1")), Some(Some(0)), "the same /64");
    assert_eq!(table.admit(at("2001:db8:0:1::1")), Some(None));
    assert_eq!(table.admit(at("::ffff:192.0.2.1")), Some(None));
    assert_eq!(table.admit(at("192.0.2.1")), Some(Some(3)), "the same IPv4 address");
    for _ in 0..5 {
        assert_eq!(table.admit(None), Some(None));
    }
}

#[test]
fn an_evicted_connection_frees_no_slot() {
    let mut table = Numbered::new(1, 1);
    table.admit(at("192.0.2.1"));
    assert_eq!(table.admit(at("192.0.2.2")), Some(Some(0)));
    let evicted = table.1[0];
    assert!(!table.0.work(evicted));
    table.0.wait(evicted);
    table.0.leave(evicted);
    assert_eq!(table.0.open, 1, "the slot belongs to the new connection");
    assert!(table.0.work(table.1[1]));
    assert_eq!(table.admit(at("192.0.2.3")), None);
}

/// A simple model with the same rules: plain lists, in the order of waiting.
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
fn the_table_agrees_with_a_simple_model() {
    let mut random = StdRng::seed_from_u64(19);
    for _ in 0..50 {
        let (most, share) = (random.random_range(1..12), random.random_range(1..6));
        let (mut table, mut model) = (Numbered::new(most, share), Model::default());
        for _ in 0..400 {
            let open = |model: &Model| model.waiting.iter().chain(&model.working).copied().collect::<Vec<_>>();
            let known = open(&model);
            let chosen = (!known.is_empty()).then(|| known[random.random_range(0..known.len())]);
            match (random.random_range(0..5), chosen) {
                (0..2, _) | (_, None) => {
                    let address =
                        [None, at("192.0.2.1"), at("192.0.2.2"), at("2001:db8::1")][random.random_range(0..4)];
                    let number = table.1.len();
                    assert_eq!(table.admit(address), model.admit(number, address, most, share));
                }
                (action, Some(connection)) => {
                    model.waiting.retain(|other| *other != connection);
                    model.working.retain(|other| *other != connection);
                    let id = table.1[connection.0];
                    match action {
                        2 => {
                            assert!(table.0.work(id));
                            model.working.push(connection);
                        }
                        3 => {
                            table.0.wait(id);
                            model.waiting.push(connection);
                        }
                        _ => table.0.leave(id),
                    }
                }
            }
            assert_eq!(table.0.open, open(&model).len());
        }
    }
}
