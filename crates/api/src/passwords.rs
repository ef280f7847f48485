//! Passwords, where they are checked: beside the runtime, few at a time, and not too often.

use std::net::IpAddr;
use std::sync::LazyLock;

use delivery::{Buckets, Rate};
use domain::Timestamp;
use domain::network::network_of;
use parking_lot::Mutex;
use signature::password::{self, SALT_BYTES};
use tokio::sync::Semaphore;

use crate::problem::{Code, Problem};

/// Hashes at once: each takes a core for some 20 ms, and 19 MiB.
const AT_ONCE: usize = 2;
/// Log-ins from one network: enough for an office that comes back from lunch.
const OF_NETWORK: Rate = Rate { count: 20, seconds: 60 };
/// Log-ins as one person, from wherever: 480 guesses a day.
const OF_PERSON: Rate = Rate { count: 20, seconds: 3_600 };
/// Log-ins that failed and are noted in the audit log: enough to see that someone guesses, and no way to fill the disk.
const NOTED: Rate = Rate { count: 60, seconds: 60 };
/// Networks and persons that are remembered.
const REMEMBERED: usize = 65_536;
/// What a caller is told who was too often here, in seconds.
const COME_AGAIN: &str = "60";

/// The hash of a password that nobody has: for those who have none, so that their log-ins take as long as others'.
static NOBODYS: LazyLock<String> = LazyLock::new(|| password::hash("nobody's password", [0; SALT_BYTES]));

/// What hashes them.
pub(crate) struct Passwords {
    turn: Semaphore,
    networks: Mutex<Buckets<IpAddr>>,
    persons: Mutex<Buckets<String>>,
    failures: Mutex<Buckets<()>>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            turn: Semaphore::new(AT_ONCE),
            networks: Mutex::new(Buckets::new(REMEMBERED)),
            persons: Mutex::new(Buckets::new(REMEMBERED)),
            failures: Mutex::new(Buckets::new(1)),
        }
    }
}

impl Passwords {
    /// Counts a log-in.
    ///
    /// # Errors
    /// If there were too many.
    pub(crate) fn count(&self, sender: IpAddr, email: &str, now: Timestamp) -> Result<(), Problem> {
        let network = self.networks.lock().take_share(network_of(sender), OF_NETWORK, 1, now.millis());
        let person = self.persons.lock().take_share(email.to_lowercase(), OF_PERSON, 1, now.millis());
        network.and(person).map_err(|_| {
            let detail = "There were too many log-ins from this address, or as this person.";
            Problem::new(Code::TooManyRequests, detail).with_header("retry-after", COME_AGAIN)
        })
    }

    /// Whether a log-in that failed is to be noted.
    pub(crate) fn notes_failure(&self, now: Timestamp) -> bool {
        self.failures.lock().take_share((), NOTED, 1, now.millis()).is_ok()
    }

    /// A hash to be stored.
    ///
    /// # Errors
    /// If the program stops.
    pub(crate) async fn hash(&self, password: String, salt: [u8; SALT_BYTES]) -> Result<String, Problem> {
        self.beside(move || password::hash(&password, salt)).await
    }

    /// Whether a password fits; as long as it takes, also where there is no hash.
    ///
    /// # Errors
    /// If the program stops.
    pub(crate) async fn fits(&self, password: String, hash: Option<String>) -> Result<bool, Problem> {
        self.beside(move || {
            let known = hash.is_some();
            password::verify(&password, hash.as_deref().unwrap_or(&NOBODYS)) && known
        })
        .await
    }

    async fn beside<A: Send + 'static>(
        &self,
        work: impl FnOnce() -> A + Send + 'static,
    ) -> Result<A, Problem> {
        let _turn = self.turn.acquire().await.map_err(|error| Problem::internal(&error))?;
        tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))
    }
}
