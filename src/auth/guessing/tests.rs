//! What is counted, against whom, and who is let in all the same.

use std::net::SocketAddr;

use futures_util::future::join_all;

use super::*;

const LIMITS: GuessLimits = GuessLimits { pair: 3, address: 6, account: 5 };

fn at(address: &str) -> Address {
    let socket: SocketAddr = format!("{address}:4711").parse().expect("an address");
    Address::from(&RemoteAddr(Addr::SocketAddr(socket)))
}

/// How many of so many attempts are let in, all of which fail.
async fn fail(guessing: &Guessing, name: &str, address: &str, times: usize) -> usize {
    let mut let_in = 0;
    for _ in 0..times {
        let_in += usize::from(guessing.enter(name, at(address)).await.is_ok());
    }
    let_in
}

async fn succeed(guessing: &Guessing, name: &str, address: &str) -> bool {
    match guessing.enter(name, at(address)).await {
        Ok(attempt) => {
            attempt.succeed();
            true
        }
        Err(_) => false,
    }
}

#[tokio::test]
async fn an_account_is_tried_so_often_from_one_address_and_in_any_spelling() {
    let guessing = Guessing::new(LIMITS);
    assert_eq!(fail(&guessing, "anna", "10.0.0.1", 2).await, 2);
    assert_eq!(fail(&guessing, "ANNA", "10.0.0.1", 9).await, 1);
    let refused = guessing.enter("anna", at("10.0.0.1")).await.err().expect("a refusal");
    assert!((50..=61).contains(&refused.retry_after_seconds));
}

#[tokio::test]
async fn an_address_tries_so_often_whatever_the_accounts() {
    let guessing = Guessing::new(LIMITS);
    let mut let_in = 0;
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        let_in += fail(&guessing, name, "10.0.0.1", 1).await;
    }
    assert_eq!(let_in, 6);
    assert_eq!(fail(&guessing, "a", "10.0.0.2", 1).await, 1);
}

#[tokio::test]
async fn an_account_is_tried_so_often_from_all_strange_addresses_together() {
    let guessing = Guessing::new(LIMITS);
    assert!(succeed(&guessing, "admin", "10.9.9.9").await);
    let mut let_in = 0;
    for last in 1..=20 {
        let_in += fail(&guessing, "admin", &format!("10.0.0.{last}"), 1).await;
    }
    assert_eq!(let_in, 5);
    assert!(succeed(&guessing, "admin", "10.9.9.9").await, "nobody is locked out from somewhere else");
    assert_eq!(fail(&guessing, "admin", "10.9.9.9", 9).await, 3, "and that place has a limit of its own");
}

#[tokio::test]
async fn successes_and_void_attempts_do_not_count_however_many_there_are() {
    let guessing = Guessing::new(LIMITS);
    for _ in 0..50 {
        assert!(succeed(&guessing, "anna", "10.0.0.1").await);
        guessing.enter("anna", at("10.0.0.1")).await.expect("a place").void();
    }
    assert_eq!(fail(&guessing, "anna", "10.0.0.1", 9).await, 3);
}

#[tokio::test]
async fn many_at_once_are_no_way_around_and_right_ones_wait_for_their_turn() {
    let guessing = Guessing::new(LIMITS);
    let fail_slowly = async || match guessing.enter("anna", at("10.0.0.1")).await {
        Ok(attempt) => {
            tokio::task::yield_now().await;
            drop(attempt);
            true
        }
        Err(_) => false,
    };
    let let_in = join_all((0..40).map(|_| fail_slowly())).await;
    assert_eq!(let_in.iter().filter(|one| **one).count(), 3);

    let succeed_slowly = async || {
        let attempt = guessing.enter("bjorn", at("10.0.0.2")).await.expect("a place");
        tokio::task::yield_now().await;
        attempt.succeed();
    };
    join_all((0..40).map(|_| succeed_slowly())).await;
}

#[test]
fn an_address_of_the_newer_kind_stands_for_its_network() {
    assert!(at("[2001:db8:1:2::1]") == at("[2001:db8:1:2:3:4:5:6]"));
    assert!(at("[2001:db8:1:2::1]") != at("[2001:db8:1:3::1]"));
    assert!(at("[::ffff:10.0.0.1]") == at("10.0.0.1"));
}

#[test]
fn limits_are_three_numbers() {
    assert_eq!("3,6,5".parse(), Ok(LIMITS));
    for wrong in ["", "1", "1,2", "1,2,0", "1,2,3,4", "a,b,c", "1,2,-3", "1,2,3,x"] {
        assert!(wrong.parse::<GuessLimits>().is_err(), "{wrong}");
    }
}
