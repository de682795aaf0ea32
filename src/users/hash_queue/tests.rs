//! The order of jobs, the eviction, and permits of cancelled callers.

use std::{net::Ipv4Addr, time::Duration};

use futures_util::FutureExt;

use super::*;

fn unfamiliar(number: u8) -> Requester {
    Requester::Address(Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, number))))
}

const USER: Requester = Requester::User(1);
const OTHER: Requester = Requester::User(2);

/// The order in which these jobs are served, by index.
fn order(waiting: &[Requester]) -> Vec<usize> {
    let mut jobs = Jobs::new();
    for (index, requester) in waiting.iter().enumerate() {
        assert!(jobs.push(*requester, index).is_none());
    }
    std::iter::from_fn(|| jobs.pop()).collect()
}

#[test]
fn jobs_of_one_requester_keep_their_order() {
    assert_eq!(order(&[USER; 4]), [0, 1, 2, 3]);
}

#[test]
fn the_requester_that_was_served_least_is_next() {
    assert_eq!(order(&[USER, USER, USER, OTHER, OTHER]), [0, 3, 1, 4, 2]);
}

#[test]
fn users_and_unfamiliar_addresses_alternate() {
    let addresses = (1..=4).map(unfamiliar);
    let waiting: Vec<_> = addresses.chain([USER, OTHER]).collect();
    assert_eq!(order(&waiting), [0, 4, 1, 5, 2, 3]);
}

#[test]
fn a_full_queue_evicts_the_newest_job_of_the_largest_requester() {
    let mut jobs = Jobs::new();
    for index in 0..MAX_WAITING - 1 {
        assert_eq!(jobs.push(USER, index), None);
    }
    assert_eq!(jobs.push(OTHER, 1000), None);
    assert_eq!(jobs.push(OTHER, 1001), Some(MAX_WAITING - 2), "it evicts a job of the other requester");
    assert_eq!(jobs.push(USER, 1002), Some(1002), "a job of the largest requester is refused");
    assert_eq!(jobs.jobs.len(), MAX_WAITING);
}

#[test]
fn unfamiliar_addresses_cannot_evict_users() {
    let mut jobs = Jobs::new();
    for id in 0..10 {
        assert_eq!(jobs.push(Requester::User(id), u32::MAX), None);
    }
    for index in 0..1000 {
        let evicted = jobs.push(unfamiliar((index % 250) as u8), index);
        assert_ne!(evicted, Some(u32::MAX), "after {index}");
    }
    assert_eq!(jobs.requesters.iter().filter(|requester| !requester.is_unfamiliar()).count(), 10);
}

#[test]
fn a_new_address_is_served_before_recent_ones() {
    let mut jobs = Jobs::new();
    // A hundred addresses send a new job as soon as they are served.
    for round in 0..1000 {
        jobs.push(unfamiliar((round % 100) as u8), "attack");
        if round % 2 == 0 {
            jobs.pop();
        }
    }
    assert_eq!(jobs.push(unfamiliar(200), "new"), Some("attack"), "the queue was full");
    assert_eq!(jobs.pop(), Some("new"));
}

#[test]
fn old_usage_is_forgotten() {
    let mut usage = Usage::default();
    (0..100).for_each(|_| usage.add(USER));
    (0..20 * JOBS_PER_HALF_LIFE).for_each(|_| usage.add(OTHER));
    assert_eq!((usage.of(USER), usage.counts.len()), (0.0, 1));
}

#[test]
fn usage_counts_take_bounded_memory() {
    let mut usage = Usage::default();
    for id in 0..100_000 {
        usage.add(Requester::User(id));
    }
    assert!(usage.counts.len() <= 5 * JOBS_PER_HALF_LIFE, "{}", usage.counts.len());
}

#[test]
fn a_job_that_is_cancelled_during_a_check_is_removed_whole() {
    let mut jobs = Jobs::new();
    (0..3).for_each(|index| assert!(jobs.push(USER, index).is_none()));
    let asked = std::cell::Cell::new(0);
    jobs.retain(|_| {
        asked.set(asked.get() + 1);
        asked.get() <= 3
    });
    assert_eq!((jobs.requesters.len(), jobs.jobs.len()), (3, 3));
}

#[tokio::test]
async fn a_permit_goes_to_the_next_waiting_caller() {
    let queue = HashQueue::new(1);
    let first = queue.acquire(USER).await.expect("a permit");
    let mut gone = Box::pin(queue.acquire(USER));
    let mut waiting = Box::pin(queue.acquire(OTHER));
    assert!(gone.as_mut().now_or_never().is_none() && waiting.as_mut().now_or_never().is_none());
    assert_eq!(queue.load(), (2, 1));
    drop(gone);
    drop(first);
    let permit = tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("in time").expect("a permit");
    assert_eq!(queue.load(), (0, 1));
    drop(permit);
    assert_eq!(queue.load(), (0, 0));
}

#[tokio::test]
async fn a_permit_sent_to_a_cancelled_caller_is_not_lost() {
    let queue = HashQueue::new(1);
    let first = queue.acquire(USER).await.expect("a permit");
    let mut leaves = Box::pin(queue.acquire(OTHER));
    assert!(leaves.as_mut().now_or_never().is_none());
    drop(first);
    assert_eq!(queue.load(), (0, 1), "the permit is on its way");
    drop(leaves);
    assert_eq!(queue.load(), (0, 0));
}

#[tokio::test]
async fn an_evicted_job_fails_at_once() {
    let queue = HashQueue::new(1);
    let _working = queue.acquire(USER).await.expect("a permit");
    let mut attack: Vec<_> = (0..MAX_WAITING).map(|_| Box::pin(queue.acquire(unfamiliar(1)))).collect();
    for job in &mut attack {
        assert!(job.as_mut().now_or_never().is_none());
    }
    let mut user = Box::pin(queue.acquire(USER));
    assert!(user.as_mut().now_or_never().is_none(), "it waits");
    let evicted = attack.last_mut().expect("a job").as_mut().now_or_never();
    assert!(matches!(evicted, Some(Err(Evicted))));
    assert_eq!(queue.load(), (MAX_WAITING, 1));
}
