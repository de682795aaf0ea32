//! Which attempts count towards which limit, and which are still admitted.

use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use poem::{Addr, web::RemoteAddr};

use super::{buckets::WINDOW, *};

const LIMITS: GuessLimits = GuessLimits { pair: 3, address: 6, account: 5 };
const KEY: [u8; 32] = [7; 32];

fn login_limiter() -> LoginRateLimiter {
    LoginRateLimiter::new(LIMITS, KEY)
}

/// A limiter with at most `max` exclusive buckets.
fn small(max: usize) -> LoginRateLimiter {
    LoginRateLimiter { buckets: Arc::new(Buckets::with_max(max)), ..login_limiter() }
}

fn at(address: &str) -> Address {
    let socket: SocketAddr = format!("{address}:4711").parse().expect("an address");
    Address::from(&RemoteAddr(Addr::SocketAddr(socket)))
}

fn nth(number: u32) -> Address {
    Address(Some(IpAddr::V4(number.into())))
}

/// Makes failing attempts and returns how many were admitted.
async fn fail(login_limiter: &LoginRateLimiter, name: &str, address: &str, times: usize) -> usize {
    fail_as(login_limiter, name, address, times, Known::No).await
}

async fn fail_as(login_limiter: &LoginRateLimiter, name: &str, address: &str, times: usize, known: Known) -> usize {
    let mut admitted = 0;
    for _ in 0..times {
        admitted += usize::from(login_limiter.enter(name, at(address), known).await.is_ok());
    }
    admitted
}

async fn succeed(login_limiter: &LoginRateLimiter, name: &str, address: &str, known: Known) -> bool {
    login_limiter.enter(name, at(address), known).await.map(LoginAttempt::void).is_ok()
}

#[tokio::test]
async fn the_pair_limit_ignores_the_case_of_the_name() {
    let login_limiter = login_limiter();
    assert_eq!(fail(&login_limiter, "anna", "10.0.0.1", 2).await, 2);
    assert_eq!(fail(&login_limiter, "ANNA", "10.0.0.1", 9).await, 1);
    let refused = login_limiter.enter("anna", at("10.0.0.1"), Known::No).await.err().expect("a refusal");
    assert!((50..=61).contains(&refused.retry_after_seconds));
}

#[tokio::test]
async fn the_address_limit_counts_all_accounts() {
    let login_limiter = login_limiter();
    let mut admitted = 0;
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        admitted += fail(&login_limiter, name, "10.0.0.1", 1).await;
    }
    assert_eq!(admitted, 6);
    assert_eq!(fail(&login_limiter, "a", "10.0.0.2", 1).await, 1);
}

#[tokio::test]
async fn the_account_limit_counts_all_unfamiliar_addresses() {
    let login_limiter = login_limiter();
    let mut admitted = 0;
    for last in 1..=20 {
        admitted += fail(&login_limiter, "admin", &format!("10.0.0.{last}"), 1).await;
    }
    assert_eq!(admitted, 5);
    let home = "10.9.9.9";
    assert!(
        succeed(&login_limiter, "admin", home, Known::Yes).await,
        "the user is not locked out from a known address"
    );
    assert_eq!(fail_as(&login_limiter, "admin", home, 9, Known::Yes).await, 3, "the known address has its own limit");
}

#[tokio::test]
async fn successful_attempts_do_not_count() {
    let login_limiter = login_limiter();
    for _ in 0..50 {
        assert!(succeed(&login_limiter, "anna", "10.0.0.1", Known::No).await);
    }
    assert_eq!(fail(&login_limiter, "anna", "10.0.0.1", 9).await, 3);
}

/// Number of names to try: `NAMES`, by default more than the small tables have exclusive buckets.
fn names() -> u32 {
    std::env::var("NAMES").ok().and_then(|names| names.parse().ok()).unwrap_or(11_000)
}

#[tokio::test]
async fn other_names_do_not_evict_the_failures_of_an_account() {
    for login_limiter in [login_limiter(), small(2000)] {
        assert_eq!(fail(&login_limiter, "anna", "10.0.0.1", 9).await, 3);
        // Each from its own address, because the limit per address would stop them.
        for number in 0..names() {
            let _ = login_limiter.enter(&format!("name {number}"), nth(number), Known::No).await;
        }
        assert_eq!(fail(&login_limiter, "anna", "10.0.0.1", 9).await, 0, "its failures are remembered");
        assert!(login_limiter.buckets.len() <= login_limiter.buckets.max(), "{}", login_limiter.buckets.len());
    }
}

#[tokio::test]
async fn names_without_failures_take_no_memory() {
    let login_limiter = small(2000);
    for number in 0..20_000_u32 {
        let attempt = login_limiter.enter(&format!("name {number}"), nth(number), Known::No).await;
        attempt.expect("a place").void();
    }
    assert!(login_limiter.buckets.len() < 2000, "{}", login_limiter.buckets.len());
    assert_eq!(fail(&login_limiter, "anna", "10.0.0.1", 9).await, 3, "there is still room for failures");
}

#[tokio::test]
async fn a_full_table_counts_new_names_in_shared_buckets() {
    let login_limiter = small(0);
    assert_eq!(fail(&login_limiter, "anna", "10.0.0.1", 9).await, 3);
    assert_eq!(login_limiter.buckets.len(), 0);
}

#[tokio::test]
async fn an_attempt_does_not_wait_for_itself_in_shared_buckets() {
    let login_limiter = small(0);
    // Enough names and addresses that each shared bucket gets several of them.
    let all = async {
        for number in 0..names() {
            let _ = login_limiter.enter(&format!("name {number}"), nth(number), Known::No).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(300), all).await.expect("an end");
}

#[tokio::test]
async fn failures_are_saved_once_and_survive_a_restart() {
    let before = login_limiter();
    assert_eq!(fail(&before, "anna", "10.0.0.1", 2).await, 2);
    let unsaved = before.buckets.unsaved(100);
    assert_eq!(unsaved.len(), 3, "the address, the account and both together");
    let after = login_limiter();
    for bucket in unsaved {
        after.buckets.restore(bucket.key, bucket.count, bucket.age());
        bucket.set_saved();
    }
    assert!(before.buckets.unsaved(100).is_empty() && after.buckets.unsaved(100).is_empty());
    assert_eq!(fail(&after, "anna", "10.0.0.1", 9).await, 1);
    assert_eq!(after.buckets.unsaved(100).len(), 3, "there is a new failure");
    assert_eq!(after.buckets.unsaved(1)[0].count, 3, "most failures first");
}

#[tokio::test]
async fn a_failure_during_a_save_is_saved_next() {
    let login_limiter = login_limiter();
    assert_eq!(fail(&login_limiter, "anna", "10.0.0.1", 1).await, 1);
    let saving = login_limiter.buckets.unsaved(100);
    assert_eq!(fail(&login_limiter, "anna", "10.0.0.1", 1).await, 1);
    saving.into_iter().for_each(buckets::UnsavedBucket::set_saved);
    assert_eq!(login_limiter.buckets.unsaved(100).len(), 3);
}

#[tokio::test]
async fn restored_failures_expire_like_new_ones() {
    let login_limiter = login_limiter();
    let key = login_limiter.digest(Kind::Bucket(BucketGroup::Pair), "anna", Some(at("10.0.0.1")));
    // `Instant` cannot be earlier than the start of the machine.
    if Instant::now().checked_sub(WINDOW).is_some() {
        login_limiter.buckets.restore(key, 3, WINDOW + Duration::from_secs(1));
        assert_eq!(fail(&login_limiter, "anna", "10.0.0.1", 1).await, 1);
    }
}

#[test]
fn a_digest_depends_on_kind_and_key() {
    let (one, other) = (login_limiter(), LoginRateLimiter::new(LIMITS, [8; 32]));
    let digest = |login_limiter: &LoginRateLimiter, kind| login_limiter.digest(kind, "anna", Some(at("10.0.0.1")));
    assert_eq!(
        digest(&one, Kind::Bucket(BucketGroup::Pair)),
        digest(&login_limiter(), Kind::Bucket(BucketGroup::Pair))
    );
    assert_ne!(digest(&one, Kind::Bucket(BucketGroup::Pair)), digest(&one, Kind::Bucket(BucketGroup::Account)));
    assert_ne!(digest(&one, Kind::Bucket(BucketGroup::Pair)), digest(&other, Kind::Bucket(BucketGroup::Pair)));
}

#[tokio::test]
async fn parallel_attempts_cannot_exceed_the_limit() {
    let login_limiter = login_limiter();
    let fail_slowly = async || match login_limiter.enter("anna", at("10.0.0.1"), Known::No).await {
        Ok(attempt) => {
            tokio::task::yield_now().await;
            drop(attempt);
            true
        }
        Err(_) => false,
    };
    let admitted = join_all((0..40).map(|_| fail_slowly())).await;
    assert_eq!(admitted.iter().filter(|one| **one).count(), 3);

    let succeed_slowly = async || {
        let attempt = login_limiter.enter("bjorn", at("10.0.0.2"), Known::No).await.expect("a place");
        tokio::task::yield_now().await;
        attempt.void();
    };
    join_all((0..40).map(|_| succeed_slowly())).await;
}

#[test]
fn an_ipv6_address_stands_for_its_network() {
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
