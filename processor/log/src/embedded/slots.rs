//! What every partition holds, as readers may know it: published after it is durable, never before.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::record::{Offset, Partition};
use crate::topic::{Bounds, Topic};

/// The bounds of every partition of every topic, each with those who wait for its growth.
#[derive(Debug)]
pub(super) struct Slots {
    partitions: u32,
    slots: Vec<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    bounds: Mutex<Bounds>,
    grown: Condvar,
}

/// A wait has a limit, whatever was asked for.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// A partition's place in lists over all partitions of all topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SlotIndex(usize);

impl SlotIndex {
    pub(super) fn get(self) -> usize {
        self.0
    }
}

impl Slots {
    pub(super) fn new(partitions: u32) -> Slots {
        let count = Topic::ALL.len() * partitions as usize;
        Slots {
            partitions,
            slots: (0..count).map(|_| Slot::default()).collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// How many partitions conversations have.
    pub(super) fn partitions(&self) -> u32 {
        self.partitions
    }

    /// Where this partition stands, if there is such a one.
    pub(super) fn index(&self, topic: Topic, partition: Partition) -> Option<SlotIndex> {
        let exists = partition.0 < topic.partitions(self.partitions);
        let index = (topic as usize - 1) * self.partitions as usize + partition.0 as usize;
        exists.then_some(SlotIndex(index))
    }

    /// Every partition there is.
    pub(super) fn all(&self) -> impl Iterator<Item = (Topic, Partition, SlotIndex)> + '_ {
        Topic::ALL.into_iter().flat_map(move |topic| {
            (0..topic.partitions(self.partitions)).filter_map(move |number| {
                let partition = Partition(number);
                let index = self.index(topic, partition)?;
                Some((topic, partition, index))
            })
        })
    }

    pub(super) fn bounds(&self, slot: SlotIndex) -> Bounds {
        *self.slots[slot.0].bounds.lock()
    }

    /// Lets readers see what is durable now. Bounds only grow.
    pub(super) fn publish(&self, slot: SlotIndex, start: Offset, end: Offset) {
        let slot = &self.slots[slot.0];
        let mut bounds = slot.bounds.lock();
        bounds.start = bounds.start.max(start);
        if end > bounds.end {
            bounds.end = end;
            slot.grown.notify_all();
        }
    }

    /// Waits until there is something at or after `from`, at most this long; says whether there is.
    pub(super) fn wait(&self, slot: SlotIndex, from: Offset, at_most: Duration) -> bool {
        let slot = &self.slots[slot.0];
        let mut bounds = slot.bounds.lock();
        if bounds.end > from || at_most.is_zero() {
            return bounds.end > from;
        }
        let at_most = at_most.min(LONGEST_WAIT);
        slot.grown
            .wait_while_for(&mut bounds, |bounds| bounds.end <= from, at_most);
        bounds.end > from
    }
}
