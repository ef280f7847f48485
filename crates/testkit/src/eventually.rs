//! Waiting for what gives no signal: the one place in the tests that sleeps.

use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

/// Short enough to add nothing to a test that anyone would notice, long enough to leave the machine to the program
/// under test.
const INTERVAL: Duration = Duration::from_millis(10);

/// Asks `probe` until it answers `Some`, and gives that answer.
///
/// Use it only where nothing tells when the time has come, as with a row that another process writes; a
/// [`Receiver`](crate::Receiver) does tell.
///
/// # Errors
/// When `timeout` passes first; the error names `what` was waited for. The probe is asked once more when the time is
/// up, since the machine may have stood still until then. One that takes longer than `timeout` is abandoned.
pub async fn eventually<T>(
    what: &str,
    timeout: Duration,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + timeout;
    loop {
        let is_last = Instant::now() >= deadline;
        if let Ok(Some(found)) = tokio::time::timeout(timeout, probe()).await {
            return Ok(found);
        }
        if is_last {
            bail!("waited {timeout:?} in vain for {what}");
        }
        sleep(INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn gives_the_first_answer() {
        let mut asked = 0;
        let found = eventually("the third time", Duration::from_secs(60), async || {
            asked += 1;
            (asked == 3).then_some("here")
        })
        .await;
        assert_eq!(found.unwrap(), "here");
        assert_eq!(asked, 3);
    }

    #[tokio::test]
    async fn asks_at_least_once() {
        let found = eventually("what is there", Duration::ZERO, async || Some(1)).await;
        assert_eq!(found.unwrap(), 1);
    }

    #[tokio::test]
    async fn asks_once_more_when_the_time_is_up() {
        let mut asked = 0;
        let found = eventually("what comes late", Duration::from_millis(30), async || {
            asked += 1;
            if asked == 1 { pending().await } else { Some(asked) }
        })
        .await;
        assert_eq!(found.unwrap(), 2);
    }

    #[tokio::test]
    async fn says_what_was_waited_for() {
        let error = eventually("the moon", Duration::from_millis(30), async || None::<()>)
            .await
            .unwrap_err()
            .to_string();
        assert_eq!(error, "waited 30ms in vain for the moon");
    }

    #[tokio::test]
    async fn abandons_a_probe_that_hangs() {
        let probe = async || pending::<Option<()>>().await;
        assert!(eventually("a hanging probe", Duration::from_millis(30), probe).await.is_err());
    }
}
