//! Which job is next, which one is evicted, and that no permit is lost.

use std::{net::Ipv4Addr, time::Duration};

use futures_util::FutureExt;

use super::*;

fn stranger(number: u8) -> Requester {
    Requester::Address(Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, number))))
}

const USER: Requester = Requester::User(1);
const OTHER: Requester = Requester::User(2);

/// The order in which these jobs are done, by their index.
fn order(waiting: &[Requester]) -> Vec<usize> {
    let mut jobs = Jobs::new();
    for (index, requester) in waiting.iter().enumerate() {
        assert!(jobs.push(*requester, index).is_none());
    }
    std::iter::from_fn(|| jobs.pop()).collect()
}

#[test]
fn one_requester_is_served_in_the_order_of_arrival() {
    assert_eq!(order(&[USER; 4]), [0, 1, 2, 3]);
}

#[test]
fn the_requester_that_was_served_least_is_next() {
    assert_eq!(order(&[USER, USER, USER, OTHER, OTHER]), [0, 3, 1, 4, 2]);
}

#[test]
fn users_and_strangers_take_turns() {
    let strangers = (1..=4).map(stranger);
    let waiting: Vec<_> = strangers.chain([USER, OTHER]).collect();
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
fn strangers_cannot_evict_users() {
    let mut jobs = Jobs::new();
    for id in 0..10 {
        assert_eq!(jobs.push(Requester::User(id), u32::MAX), None);
    }
    for index in 0..1000 {
        let evicted = jobs.push(stranger((index % 250) as u8), index);
        assert_ne!(evicted, Some(u32::MAX), "after {index}");
    }
    assert_eq!(jobs.requesters.iter().filter(|requester| !requester.is_stranger()).count(), 10);
}

#[test]
fn a_new_address_comes_before_those_that_were_served_lately() {
    let mut jobs = Jobs::new();
    // A hundred addresses ask again as soon as they are served.
    for round in 0..1000 {
        jobs.push(stranger((round % 100) as u8), "attack");
        if round % 2 == 0 {
            jobs.pop();
        }
    }
    assert_eq!(jobs.push(stranger(200), "new"), Some("attack"), "the queue was full");
    assert_eq!(jobs.pop(), Some("new"));
}

#[test]
fn what_was_counted_long_ago_is_forgotten() {
    let mut usage = Usage::default();
    (0..100).for_each(|_| usage.add(USER));
    (0..20 * JOBS_PER_HALF_LIFE).for_each(|_| usage.add(OTHER));
    assert_eq!((usage.of(USER), usage.counts.len()), (0.0, 1));
}

#[test]
fn any_number_of_requesters_takes_little_memory() {
    let mut usage = Usage::default();
    for id in 0..100_000 {
        usage.add(Requester::User(id));
    }
    assert!(usage.counts.len() <= 5 * JOBS_PER_HALF_LIFE, "{}", usage.counts.len());
}

#[test]
fn a_job_that_ends_while_it_is_looked_at_goes_whole() {
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
async fn a_permit_goes_to_the_next_caller_who_still_waits() {
    let queue = HashQueue::new(1);
    let first = queue.acquire(USER).await.expect("a permit");
    let mut gone = Box::pin(queue.acquire(USER));
    let mut waiting = Box::pin(queue.acquire(OTHER));
    assert!(gone.as_mut().now_or_never().is_none() && waiting.as_mut().now_or_never().is_none());
    assert_eq!(queue.load(), (2, 1));
    drop(gone);
    drop(first);
    let permit = tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("a turn").expect("a permit");
    assert_eq!(queue.load(), (0, 1));
    drop(permit);
    assert_eq!(queue.load(), (0, 0));
}

#[tokio::test]
async fn a_permit_that_was_given_to_a_caller_who_left_is_not_lost() {
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
async fn an_evicted_job_is_told_at_once() {
    let queue = HashQueue::new(1);
    let _working = queue.acquire(USER).await.expect("a permit");
    let mut attack: Vec<_> = (0..MAX_WAITING).map(|_| Box::pin(queue.acquire(stranger(1)))).collect();
    for job in &mut attack {
        assert!(job.as_mut().now_or_never().is_none());
    }
    let mut user = Box::pin(queue.acquire(USER));
    assert!(user.as_mut().now_or_never().is_none(), "it waits");
    let evicted = attack.last_mut().expect("a job").as_mut().now_or_never();
    assert!(matches!(evicted, Some(Err(Evicted))));
    assert_eq!(queue.load(), (MAX_WAITING, 1));
}
