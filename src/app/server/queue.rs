//! A first-in, first-out queue of slots from which any slot can be removed. Each operation takes constant time.

/// The neighbours of a slot in a queue. Several queues can share a table of links if each slot is in at most one of
/// them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Link {
    before: Option<usize>,
    after: Option<usize>,
}

#[derive(Debug, Default)]
pub struct Queue {
    first: Option<usize>,
    last: Option<usize>,
}

impl Queue {
    /// The slot that has been in the queue longest.
    pub fn first(&self) -> Option<usize> {
        self.first
    }

    /// Adds a slot at the end. It must not be in the queue.
    pub fn push(&mut self, links: &mut [Link], slot: usize) {
        links[slot] = Link { before: self.last, after: None };
        match self.last {
            Some(last) => links[last].after = Some(slot),
            None => self.first = Some(slot),
        }
        self.last = Some(slot);
    }

    /// Removes a slot. It must be in the queue.
    pub fn remove(&mut self, links: &mut [Link], slot: usize) {
        let Link { before, after } = links[slot];
        match before {
            Some(before) => links[before].after = after,
            None => self.first = after,
        }
        match after {
            Some(after) => links[after].before = before,
            None => self.last = before,
        }
    }
}
