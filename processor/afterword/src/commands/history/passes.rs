//! As many passes over a partition as memory asks for, each over a share of its conversations.

use afterword_log::Partition;

use super::reader::{Bucket, Trouble};
use super::walk::Extent;
use crate::terminal::Progress;

/// More buckets than this mean that a few conversations are larger than the memory.
const MOST: u64 = 4_096;

/// How many passes a partition takes, as far as is known, and how much of all is done.
pub struct Passes {
    /// Passes of the partition at hand, and of those after it.
    pub of: u64,
    progress: Progress,
    done: u64,
    whole: u64,
}

impl Passes {
    /// Over so many offsets of all partitions together; `what` is said in the line of progress.
    #[must_use]
    pub fn new(what: &'static str, whole: u64) -> Passes {
        Passes {
            of: 1,
            progress: Progress::new(what),
            done: 0,
            whole,
        }
    }

    /// Calls `pass` for each bucket of a partition; begins anew with more buckets when one takes too much memory.
    ///
    /// # Errors
    /// That of a pass, or [`Trouble::Memory`] when no number of buckets helps.
    pub fn over<T>(
        &mut self,
        partition: Partition,
        extent: &Extent,
        mut pass: impl FnMut(Bucket, &mut dyn FnMut(u64)) -> Result<T, Trouble>,
    ) -> Result<Vec<T>, Trouble> {
        loop {
            match self.all(partition, extent, &mut pass) {
                Err(Trouble::Memory { done }) => self.take_more(done)?,
                other => return other,
            }
        }
    }

    fn all<T>(
        &mut self,
        partition: Partition,
        extent: &Extent,
        pass: &mut impl FnMut(Bucket, &mut dyn FnMut(u64)) -> Result<T, Trouble>,
    ) -> Result<Vec<T>, Trouble> {
        let (of, before, size) = (self.of, self.done, extent.size());
        let mut parts = Vec::new();
        for index in 0..of {
            let (progress, whole) = (&mut self.progress, self.whole * of);
            let detail = match of {
                1 => format!("partition {partition}"),
                of => format!("partition {partition}, pass {} of {of}", index + 1),
            };
            let mut told = |gone: u64| {
                let done = before * of + index * size + gone;
                progress.show(done, Some(whole), &detail);
            };
            parts.push(pass(Bucket { index, of }, &mut told)?);
        }
        self.done += size;
        Ok(parts)
    }

    /// So many more that each has room to spare, if the rest of the partition is like its beginning.
    fn take_more(&mut self, done: f64) -> Result<(), Trouble> {
        let needed = self.of as f64 / done.max(1e-4) * 1.2;
        self.of = (needed.ceil() as u64).max(self.of + 1);
        match self.of > MOST {
            true => Err(Trouble::Memory { done }),
            false => Ok(()),
        }
    }
}
