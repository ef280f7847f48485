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

use crate::limits::GRACE;

/// The watchdog's thread only waits.
const STACK: usize = 64 * 1024;

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
    time: Duration,
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

    /// Gives what runs now this much time.
    pub fn watch(&self, time: Duration) -> io::Result<Watch> {
        let (running, ended) = channel();
        let expired = Arc::new(AtomicBool::new(false));
        let watched = Watched { time, expired: Arc::clone(&expired), running: ended };
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
        if self.running.recv_timeout(self.time) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        self.expired.store(true, Ordering::Relaxed);
        // The parent kills after the first grace; past the second there is no parent.
        if self.running.recv_timeout(2 * GRACE) == Err(RecvTimeoutError::Timeout) {
            process::abort();
        }
    }
}
