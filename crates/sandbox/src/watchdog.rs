//! The child's own deadline, so that a script ends even when nobody is left to kill its process.

use std::{
    io, process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

use crate::limits::{GRACE, Limits};

/// The watchdog's thread only waits.
const STACK: usize = 64 * 1024;

/// The least that the watchdog waits: it must not take from the script what it measures.
const LOOK: Duration = Duration::from_millis(1);

/// A thread that tells a script when its time is over, and ends the process if that doesn't help.
#[derive(Debug)]
pub(crate) struct Watchdog {
    watches: Sender<Watched>,
}

/// A script under watch, until this is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    expired: Arc<AtomicBool>,
    _running: Sender<()>,
}

struct Watched {
    /// The processor time that the process had used before.
    begun: Duration,
    limits: Limits,
    expired: Arc<AtomicBool>,
    running: Receiver<()>,
}

impl Watchdog {
    /// Starts the thread, and waits until it runs and has allocated: an allocator reserves address space for each
    /// thread (tens of mebibytes), which must not be missing once the process is confined.
    pub fn start() -> io::Result<Self> {
        let (watches, queue) = channel::<Watched>();
        let (started, start) = channel();
        thread::Builder::new().name("watchdog".into()).stack_size(STACK).spawn(move || {
            if started.send(vec![0_u8]).is_err() {
                return;
            }
            for watched in queue {
                watched.wait();
            }
        })?;
        start.recv().map_err(io::Error::other)?;
        Ok(Self { watches })
    }

    /// Gives what runs now its time.
    pub fn watch(&self, limits: Limits) -> io::Result<Watch> {
        let (running, ended) = channel();
        let expired = Arc::new(AtomicBool::new(false));
        let begun = processor_time();
        let watched = Watched { begun, limits, expired: Arc::clone(&expired), running: ended };
        self.watches.send(watched).map_err(|_| io::Error::other("the watchdog is gone"))?;
        Ok(Watch { expired, _running: running })
    }
}

impl Watch {
    /// True from the deadline on.
    pub fn expired(&self) -> bool {
        self.expired.load(Ordering::Relaxed)
    }

    /// The same, for who outlives a borrow.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.expired)
    }
}

impl Watched {
    fn wait(&self) {
        let Limits { time, .. } = self.limits;
        let (mut waited, mut left) = (Duration::ZERO, time);
        while !left.is_zero() {
            left = left.max(LOOK);
            if self.ends_within(left) {
                return;
            }
            waited += left;
            let used = processor_time().saturating_sub(self.begun);
            left = time.saturating_sub(used).min(self.limits.by_the_clock().saturating_sub(waited));
        }
        self.expired.store(true, Ordering::Relaxed);
        // A native loop asks nobody. Neither does it need a parent that kills.
        if !self.ends_within(GRACE) {
            process::abort();
        }
    }

    fn ends_within(&self, time: Duration) -> bool {
        self.running.recv_timeout(time) != Err(RecvTimeoutError::Timeout)
    }
}

/// What the process has used so far.
fn processor_time() -> Duration {
    // No process is older than the 292 billion years of the clock.
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}
