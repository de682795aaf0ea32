//! What is counted, against whom, and who is let in all the same.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::future::join_all;

use super::{buckets::WINDOW, *};

const LIMITS: GuessLimits = GuessLimits { pair: 3, address: 6, account: 5 };
const KEY: [u8; 32] = [7; 32];

fn guessing() -> Guessing {
    Guessing::new(LIMITS, KEY)
}

/// With so many buckets of their own.
fn small(max: usize) -> Guessing {
    Guessing { buckets: Arc::new(Buckets::with_max(max)), ..guessing() }
}

fn at(address: &str) -> Address {
    let socket: SocketAddr = format!("{address}:4711").parse().expect("an address");
    Address::from(&RemoteAddr(Addr::SocketAddr(socket)))
}

fn nth(number: u32) -> Address {
    Address(Some(IpAddr::V4(number.into())))
}

/// How many of so many attempts are let in, all of which fail.
async fn fail(guessing: &Guessing, name: &str, address: &str, times: usize) -> usize {
    fail_as(guessing, name, address, times, Known::No).await
}

async fn fail_as(guessing: &Guessing, name: &str, address: &str, times: usize, known: Known) -> usize {
    let mut let_in = 0;
    for _ in 0..times {
        let_in += usize::from(guessing.enter(name, at(address), known).await.is_ok());
    }
    let_in
}

async fn succeed(guessing: &Guessing, name: &str, address: &str, known: Known) -> bool {
    guessing.enter(name, at(address), known).await.map(Attempt::void).is_ok()
}

#[tokio::test]
async fn an_account_is_tried_so_often_from_one_address_and_in_any_spelling() {
    let guessing = guessing();
    assert_eq!(fail(&guessing, "anna", "10.0.0.1", 2).await, 2);
    assert_eq!(fail(&guessing, "ANNA", "10.0.0.1", 9).await, 1);
    let refused = guessing.enter("anna", at("10.0.0.1"), Known::No).await.err().expect("a refusal");
    assert!((50..=61).contains(&refused.retry_after_seconds));
}

#[tokio::test]
async fn an_address_tries_so_often_whatever_the_accounts() {
    let guessing = guessing();
    let mut let_in = 0;
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        let_in += fail(&guessing, name, "10.0.0.1", 1).await;
    }
    assert_eq!(let_in, 6);
    assert_eq!(fail(&guessing, "a", "10.0.0.2", 1).await, 1);
}

#[tokio::test]
async fn an_account_is_tried_so_often_from_all_strange_addresses_together() {
    let guessing = guessing();
    let mut let_in = 0;
    for last in 1..=20 {
        let_in += fail(&guessing, "admin", &format!("10.0.0.{last}"), 1).await;
    }
    assert_eq!(let_in, 5);
    let home = "10.9.9.9";
    assert!(succeed(&guessing, "admin", home, Known::Yes).await, "the user is not locked out from a known address");
    assert_eq!(fail_as(&guessing, "admin", home, 9, Known::Yes).await, 3, "and that address has a limit of its own");
}

#[tokio::test]
async fn successes_and_void_attempts_do_not_count_however_many_there_are() {
    let guessing = guessing();
    for _ in 0..50 {
        assert!(succeed(&guessing, "anna", "10.0.0.1", Known::No).await);
    }
    assert_eq!(fail(&guessing, "anna", "10.0.0.1", 9).await, 3);
}

/// How many names are tried: `NAMES`, or more than are counted one by one in small tables.
fn names() -> u32 {
    std::env::var("NAMES").ok().and_then(|names| names.parse().ok()).unwrap_or(11_000)
}

#[tokio::test]
async fn other_names_do_not_push_out_the_failures_of_an_account() {
    for guessing in [guessing(), small(2000)] {
        assert_eq!(fail(&guessing, "anna", "10.0.0.1", 9).await, 3);
        // From addresses enough to try them all.
        for number in 0..names() {
            let _ = guessing.enter(&format!("name {number}"), nth(number), Known::No).await;
        }
        assert_eq!(fail(&guessing, "anna", "10.0.0.1", 9).await, 0, "its failures are remembered");
        assert!(guessing.buckets.len() <= guessing.buckets.max(), "{}", guessing.buckets.len());
    }
}

#[tokio::test]
async fn names_that_failed_nowhere_take_no_memory() {
    let guessing = small(2000);
    for number in 0..20_000_u32 {
        let attempt = guessing.enter(&format!("name {number}"), nth(number), Known::No).await;
        attempt.expect("a place").void();
    }
    assert!(guessing.buckets.len() < 2000, "{}", guessing.buckets.len());
    assert_eq!(fail(&guessing, "anna", "10.0.0.1", 9).await, 3, "there is still room for failures");
}

#[tokio::test]
async fn a_full_table_counts_new_names_in_shared_buckets() {
    let guessing = small(0);
    assert_eq!(fail(&guessing, "anna", "10.0.0.1", 9).await, 3);
    assert_eq!(guessing.buckets.len(), 0);
}

#[tokio::test]
async fn an_attempt_does_not_wait_for_itself_in_shared_buckets() {
    let guessing = small(0);
    // So many names and addresses that each shared bucket counts several of them.
    let all = async {
        for number in 0..names() {
            let _ = guessing.enter(&format!("name {number}"), nth(number), Known::No).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(300), all).await.expect("an end");
}

#[tokio::test]
async fn failures_are_saved_once_and_go_on_after_a_restart() {
    let before = guessing();
    assert_eq!(fail(&before, "anna", "10.0.0.1", 2).await, 2);
    let unsaved = before.buckets.unsaved(100);
    assert_eq!(unsaved.len(), 3, "the address, the account and both together");
    let after = guessing();
    for bucket in unsaved {
        after.buckets.restore(bucket.key, bucket.count, bucket.age());
        bucket.set_saved();
    }
    assert!(before.buckets.unsaved(100).is_empty() && after.buckets.unsaved(100).is_empty());
    assert_eq!(fail(&after, "anna", "10.0.0.1", 9).await, 1);
    assert_eq!(after.buckets.unsaved(100).len(), 3, "there is a new failure");
    assert_eq!(after.buckets.unsaved(1)[0].count, 3, "those with most failures come first");
}

#[tokio::test]
async fn a_failure_while_others_are_saved_is_saved_next() {
    let guessing = guessing();
    assert_eq!(fail(&guessing, "anna", "10.0.0.1", 1).await, 1);
    let saving = guessing.buckets.unsaved(100);
    assert_eq!(fail(&guessing, "anna", "10.0.0.1", 1).await, 1);
    saving.into_iter().for_each(buckets::UnsavedBucket::set_saved);
    assert_eq!(guessing.buckets.unsaved(100).len(), 3);
}

#[tokio::test]
async fn failures_of_an_earlier_process_end_as_its_own_would() {
    let guessing = guessing();
    let key = guessing.digest(Kind::Bucket(Group::Pair), "anna", Some(at("10.0.0.1")));
    // A machine that started a moment ago knows no time before that.
    if Instant::now().checked_sub(WINDOW).is_some() {
        guessing.buckets.restore(key, 3, WINDOW + Duration::from_secs(1));
        assert_eq!(fail(&guessing, "anna", "10.0.0.1", 1).await, 1);
    }
}

#[test]
fn a_digest_is_of_its_kind_and_key_alone() {
    let (one, other) = (guessing(), Guessing::new(LIMITS, [8; 32]));
    let digest = |guessing: &Guessing, kind| guessing.digest(kind, "anna", Some(at("10.0.0.1")));
    assert_eq!(digest(&one, Kind::Bucket(Group::Pair)), digest(&guessing(), Kind::Bucket(Group::Pair)));
    assert_ne!(digest(&one, Kind::Bucket(Group::Pair)), digest(&one, Kind::Bucket(Group::Account)));
    assert_ne!(digest(&one, Kind::Bucket(Group::Pair)), digest(&other, Kind::Bucket(Group::Pair)));
}

#[tokio::test]
async fn many_at_once_are_no_way_around_and_right_ones_wait_for_their_turn() {
    let guessing = guessing();
    let fail_slowly = async || match guessing.enter("anna", at("10.0.0.1"), Known::No).await {
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
        let attempt = guessing.enter("bjorn", at("10.0.0.2"), Known::No).await.expect("a place");
        tokio::task::yield_now().await;
        attempt.void();
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
