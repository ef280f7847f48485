//! The log of deliveries.

use domain::DeliveryId;
use domain::log::DeliveryStatus;
use store::LogFilter;
use store::deliveries::{
    ClearDeliveries, GetDelivery, ListDeliveries, ReplayDeliveries, Replayed, Retried, RetryDelivery,
};
use store::queue::Claim;
use store::record::AttemptRow;

use crate::samples::{attempt, leased, record, webhook};
use crate::support::{Database, NOW};

conformance!(looked_up_with_all_attempts, listed_in_pages_and_filtered, retried_by_hand, replayed, cleared);

/// A delivery to webhook a that ended so after so many attempts.
async fn ended(database: &Database, attempts: u32, status: DeliveryStatus) -> DeliveryId {
    let id = leased(database, &webhook('a'), "n1").await;
    for number in 1..=attempts {
        if number > 1 {
            claim(database, "n1").await;
        }
        let status = if number == attempts { status } else { DeliveryStatus::Retrying };
        let due_at = (status == DeliveryStatus::Retrying).then_some(NOW);
        let row = AttemptRow { due_at, ..attempt(id, webhook('a'), number, status) };
        record(database, "n1", vec![row]).await;
    }
    id
}

async fn claim(database: &Database, node: &str) -> Vec<store::queue::DueDelivery> {
    let claim = Claim { webhook_id: webhook('a'), node: node.into(), now: NOW, limit: 10 };
    database.store.write(claim).await.unwrap()
}

async fn looked_up_with_all_attempts(database: &Database) {
    let id = ended(database, 3, DeliveryStatus::Failed).await;
    ended(database, 1, DeliveryStatus::Delivered).await;
    let found = database.store.read(GetDelivery { id }).await.unwrap().unwrap();
    assert_eq!((found.id, &found.webhook_id, found.status), (id, &webhook('a'), DeliveryStatus::Failed));
    assert_eq!((found.created_at, found.due_at), (NOW, None));
    assert_eq!(found.event.event_type.as_str(), "order_paid");
    let numbers: Vec<i64> = found.attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    let last = &found.attempts[2];
    assert_eq!((last.attempted_at, last.duration_ms, last.http_status), (NOW, 100, Some(200)));
    assert_eq!((last.response_headers.as_str(), last.response_body.as_str()), (r#"{"x":"ü"}"#, "ok"));
    assert_eq!(database.store.read(GetDelivery { id: DeliveryId::lowest_at(NOW) }).await.unwrap(), None);
}

type Filter = LogFilter<DeliveryId, DeliveryStatus>;

async fn page(database: &Database, filter: Filter, limit: usize) -> (Vec<DeliveryId>, bool) {
    let work = ListDeliveries { webhook_id: webhook('a'), filter, limit };
    let slice = database.store.read(work).await.unwrap();
    (slice.entries.iter().map(|delivery| delivery.id).collect(), slice.more)
}

async fn listed_in_pages_and_filtered(database: &Database) {
    let delivered = ended(database, 1, DeliveryStatus::Delivered).await;
    let failed = ended(database, 2, DeliveryStatus::Failed).await;
    let retrying = ended(database, 1, DeliveryStatus::Retrying).await;
    let pending = leased(database, &webhook('a'), "n1").await;
    leased(database, &webhook('b'), "n1").await;
    let by = Filter::default;
    assert_eq!(page(database, by(), 2).await, (vec![pending, retrying], true));
    let rest = Filter { before: Some(retrying), ..by() };
    assert_eq!(page(database, rest, 2).await, (vec![failed, delivered], false));
    for (status, expected) in [
        (DeliveryStatus::Delivered, vec![delivered]),
        (DeliveryStatus::Failed, vec![failed]),
        (DeliveryStatus::Retrying, vec![retrying]),
        (DeliveryStatus::Pending, vec![pending]),
        (DeliveryStatus::Cancelled, vec![]),
    ] {
        let found = page(database, Filter { status: Some(status), ..by() }, 9).await;
        assert_eq!(found, (expected, false), "{status:?}");
    }
    let all = Filter {
        status: Some(DeliveryStatus::Failed),
        event_type: Some("order_paid".into()),
        since: Some(NOW),
        until: Some(NOW.plus_millis(1)),
        contains: Some("ADA@example".into()),
        before: Some(pending),
    };
    assert_eq!(page(database, all.clone(), 9).await, (vec![failed], false));
    for none in [
        Filter { event_type: Some("order_sent".into()), ..all.clone() },
        Filter { contains: Some("bob".into()), ..all.clone() },
        Filter { until: Some(NOW), ..all.clone() },
        Filter { since: Some(NOW.plus_millis(1)), ..all },
    ] {
        assert_eq!(page(database, none, 9).await, (vec![], false));
    }
}

async fn retried_by_hand(database: &Database) {
    let failed = ended(database, 4, DeliveryStatus::Failed).await;
    let open = leased(database, &webhook('a'), "n1").await;
    let later = NOW.plus_millis(-1);
    let retry = async |id| database.store.write(RetryDelivery { id, now: later }).await.unwrap();
    assert_eq!(retry(open).await, Retried::StillOpen);
    assert_eq!(retry(DeliveryId::lowest_at(NOW)).await, Retried::NotFound);
    let queued = Retried::Queued(webhook('a'));
    assert_eq!(retry(failed).await, queued);
    assert_eq!(retry(failed).await, Retried::StillOpen);
    let claimed = claim(database, "n2").await;
    assert_eq!(claimed.len(), 1);
    assert_eq!((claimed[0].id, claimed[0].attempts, claimed[0].first_attempt_at), (failed, 4, None));
    let row = attempt(failed, webhook('a'), 5, DeliveryStatus::Delivered);
    record(database, "n2", vec![row]).await;
    let found = database.store.read(GetDelivery { id: failed }).await.unwrap().unwrap();
    assert_eq!((found.status, found.attempts.len()), (DeliveryStatus::Delivered, 5));
    assert_eq!(retry(failed).await, queued);
}

async fn replayed(database: &Database) {
    let failed = ended(database, 4, DeliveryStatus::Failed).await;
    let delivered = ended(database, 1, DeliveryStatus::Delivered).await;
    let retrying = ended(database, 1, DeliveryStatus::Retrying).await;
    let another = ended(database, 4, DeliveryStatus::Failed).await;
    let replay = async |which, after, within| {
        let work = ReplayDeliveries {
            webhook_id: webhook('a'),
            which,
            after,
            within,
            now: NOW.plus_millis(-1),
            limit: 1,
        };
        database.store.write(work).await.unwrap()
    };
    let all = (None, NOW.plus_millis(1));
    assert_eq!(replay(Replayed::Failed, None, (None, NOW)).await, None);
    assert_eq!(replay(Replayed::Failed, None, (Some(NOW.plus_millis(1)), NOW.plus_millis(2))).await, None);
    assert_eq!(replay(Replayed::Failed, None, all).await, Some((failed, 1)));
    assert_eq!(replay(Replayed::Failed, Some(failed), all).await, Some((another, 1)));
    assert_eq!(replay(Replayed::Failed, Some(another), all).await, None);
    assert_eq!(replay(Replayed::All, None, all).await, Some((delivered, 1)));
    assert_eq!(replay(Replayed::All, Some(delivered), all).await, None);
    let mut claimed: Vec<DeliveryId> = claim(database, "n1").await.iter().map(|due| due.id).collect();
    claimed.sort_unstable();
    assert_eq!(claimed, [failed, delivered, another], "and not {retrying}, which is due later");
}

async fn cleared(database: &Database) {
    for _ in 0..3 {
        ended(database, 2, DeliveryStatus::Failed).await;
    }
    let open = ended(database, 1, DeliveryStatus::Retrying).await;
    let delivered = ended(database, 1, DeliveryStatus::Delivered).await;
    let mut clears = 0;
    let mut after = None;
    loop {
        let until = NOW.plus_millis(1);
        let work = ClearDeliveries { webhook_id: webhook('a'), after, until, limit: 2 };
        let Some(last) = database.store.write(work).await.unwrap() else { break };
        after = Some(last);
        clears += 1;
    }
    assert_eq!((clears, after), (2, Some(delivered)));
    assert_eq!(page(database, Filter::default(), 9).await, (vec![open], false));
    assert_eq!(database.int("SELECT COUNT(*) FROM attempts").await, 1);
    let before = ClearDeliveries { webhook_id: webhook('a'), after: None, until: NOW, limit: 9 };
    assert_eq!(database.store.write(before).await.unwrap(), None);
}
