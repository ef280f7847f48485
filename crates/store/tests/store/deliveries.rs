//! The log of deliveries.

use domain::DeliveryId;
use domain::log::DeliveryStatus;
use store::LogFilter;
use store::deliveries::{DeliveriesById, DeliveriesOf, GetDelivery, Retried, RetryDelivery};
use store::look::{Look, Order, Piece};
use store::queue::{Claim, Heartbeat};
use store::record::AttemptRow;
use store::recovery::{CancelOpen, ClearDeliveries, Progress, PutBack};

use crate::samples::{attempt, leased, record, webhook};
use crate::support::{Database, NOW};

conformance!(
    looked_up_with_all_attempts,
    listed_in_pages_and_filtered,
    retried_by_hand,
    what_waits_for_its_next_try_is_retried_at_once,
    put_back_in_pieces,
    cancelled,
    cleared,
);

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
    let claim = Claim { wants: vec![(webhook('a'), 10)], node: node.into(), now: NOW };
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

pub fn log(filter: Filter) -> DeliveriesOf {
    DeliveriesOf {
        webhook_id: webhook('a'),
        filter,
        test: None,
        http_statuses: Vec::new(),
        error_code: None,
        finished: None,
        undelivered: false,
    }
}

async fn page(database: &Database, log: DeliveriesOf, limit: usize) -> (Vec<DeliveryId>, bool) {
    let piece = Piece { from: None, order: Order::NewestFirst, limit, rows: 100 };
    let found = database.store.read(Look { log, piece }).await.unwrap();
    let ids: Vec<DeliveryId> = found.entries.iter().map(|(id, _)| *id).collect();
    let by_id = DeliveriesById { webhook_id: webhook('a'), ids: ids.clone() };
    let loaded = database.store.read(by_id).await.unwrap();
    assert_eq!(loaded.iter().map(|delivery| delivery.id).collect::<Vec<_>>(), ids);
    (ids, found.next.is_some())
}

/// Says that the nodes are alive that hold deliveries in these cases.
async fn alive(database: &Database) {
    for node in ["n1", "n2"] {
        let expires_at = NOW.plus_millis(60_000);
        database.store.write(Heartbeat { node: node.into(), expires_at }).await.unwrap();
    }
}

async fn listed_in_pages_and_filtered(database: &Database) {
    alive(database).await;
    let delivered = ended(database, 1, DeliveryStatus::Delivered).await;
    let failed = ended(database, 2, DeliveryStatus::Failed).await;
    let retrying = ended(database, 1, DeliveryStatus::Retrying).await;
    let pending = leased(database, &webhook('a'), "n1").await;
    leased(database, &webhook('b'), "n1").await;
    let by = Filter::default;
    assert_eq!(page(database, log(by()), 2).await, (vec![pending, retrying], true));
    let behind = Piece { from: Some(retrying), order: Order::NewestFirst, limit: 2, rows: 100 };
    let rest = database.store.read(Look { log: log(by()), piece: behind }).await.unwrap();
    assert_eq!(rest.entries.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [failed, delivered]);
    assert_eq!(rest.next, None);
    for (status, expected) in [
        (DeliveryStatus::Delivered, vec![delivered]),
        (DeliveryStatus::Failed, vec![failed]),
        (DeliveryStatus::Retrying, vec![retrying]),
        (DeliveryStatus::Pending, vec![pending]),
        (DeliveryStatus::Cancelled, vec![]),
    ] {
        let found = page(database, log(Filter { statuses: vec![status], ..by() }), 9).await;
        assert_eq!(found, (expected, false), "{status:?}");
    }
    let several = vec![DeliveryStatus::Failed, DeliveryStatus::Pending];
    assert_eq!(
        page(database, log(Filter { statuses: several, ..by() }), 9).await,
        (vec![pending, failed], false)
    );
    let several = vec![DeliveryStatus::Failed, DeliveryStatus::Delivered];
    assert_eq!(
        page(database, log(Filter { statuses: several, ..by() }), 9).await,
        (vec![failed, delivered], false)
    );
    for (narrowed, expected) in [
        (DeliveriesOf { finished: Some(true), ..log(by()) }, vec![failed, delivered]),
        (DeliveriesOf { finished: Some(false), ..log(by()) }, vec![pending, retrying]),
        (DeliveriesOf { test: Some(true), ..log(by()) }, vec![]),
        (DeliveriesOf { test: Some(false), ..log(by()) }, vec![pending, retrying, failed, delivered]),
        (DeliveriesOf { error_code: Some("timeout".into()), ..log(by()) }, vec![]),
        (
            DeliveriesOf { http_statuses: vec!["2xx".to_owned().try_into().unwrap()], ..log(by()) },
            vec![retrying, failed, delivered],
        ),
        (DeliveriesOf { http_statuses: vec!["404".to_owned().try_into().unwrap()], ..log(by()) }, vec![]),
    ] {
        assert_eq!(page(database, narrowed.clone(), 9).await, (expected, false), "{narrowed:?}");
    }
    let all = Filter {
        statuses: vec![DeliveryStatus::Failed],
        event_type: Some("order_paid".into()),
        since: Some(NOW),
        until: Some(NOW.plus_millis(1)),
        contains: Some("ADA@example".into()),
        ids: Some(vec![failed, delivered]),
    };
    assert_eq!(page(database, log(all.clone()), 9).await, (vec![failed], false));
    for none in [
        Filter { event_type: Some("order_sent".into()), ..all.clone() },
        Filter { contains: Some("bob".into()), ..all.clone() },
        Filter { until: Some(NOW), ..all.clone() },
        Filter { since: Some(NOW.plus_millis(1)), ..all },
    ] {
        assert_eq!(page(database, log(none), 9).await, (vec![], false));
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

async fn what_waits_for_its_next_try_is_retried_at_once(database: &Database) {
    let waiting = async || {
        let id = leased(database, &webhook('a'), "n1").await;
        record(database, "n1", vec![attempt(id, webhook('a'), 1, DeliveryStatus::Retrying)]).await;
        assert!(claim(database, "n1").await.is_empty(), "it is due later");
        id
    };
    let now = NOW.plus_millis(-1);
    let alone = waiting().await;
    let retry = async || database.store.write(RetryDelivery { id: alone, now }).await.unwrap();
    assert_eq!(retry().await, Retried::Queued(webhook('a')));
    let claimed = claim(database, "n1").await;
    assert_eq!((claimed.len(), claimed[0].id, claimed[0].attempts_before), (1, alone, 1));
    assert_eq!(retry().await, Retried::StillOpen, "a node has it");

    let selected = waiting().await;
    let filter = Filter { statuses: vec![DeliveryStatus::Retrying], ..Filter::default() };
    let piece = Piece { from: None, order: Order::OldestFirst, limit: 9, rows: 100 };
    let work = PutBack { log: log(filter), piece, now };
    assert_eq!(database.store.write(work).await.unwrap().done, 1);
    assert_eq!(claim(database, "n1").await[0].id, selected);
}

async fn put_back_in_pieces(database: &Database) {
    let failed = ended(database, 4, DeliveryStatus::Failed).await;
    let delivered = ended(database, 1, DeliveryStatus::Delivered).await;
    let retrying = ended(database, 1, DeliveryStatus::Retrying).await;
    let another = ended(database, 4, DeliveryStatus::Failed).await;
    let put_back = async |statuses: &[DeliveryStatus], from, until| {
        let filter = Filter { statuses: statuses.to_vec(), until: Some(until), ..Filter::default() };
        let log = DeliveriesOf { finished: Some(true), test: Some(false), ..log(filter) };
        let piece = Piece { from, order: Order::OldestFirst, limit: 1, rows: 100 };
        let progress = database.store.write(PutBack { log, piece, now: NOW.plus_millis(-1) }).await.unwrap();
        (progress.done, progress.next.map(|next| next.parse::<DeliveryId>().unwrap()))
    };
    let only_failed = [DeliveryStatus::Failed];
    let finished = [DeliveryStatus::Failed, DeliveryStatus::Delivered, DeliveryStatus::Cancelled];
    let later = NOW.plus_millis(1);
    assert_eq!(put_back(&only_failed, None, NOW).await, (0, None));
    assert_eq!(put_back(&only_failed, None, later).await, (1, Some(failed)));
    assert_eq!(put_back(&only_failed, Some(failed), later).await, (1, None));
    assert_eq!(put_back(&finished, None, later).await, (1, None), "the others are not finished any more");
    assert_eq!(put_back(&finished, None, later).await, (0, None));
    let claimed = claim(database, "n1").await;
    let mut ids: Vec<DeliveryId> = claimed.iter().map(|due| due.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, [failed, delivered, another], "and not {retrying}, which is due later");
    // Each begins its schedule anew.
    assert!(claimed.iter().all(|due| due.attempts == due.attempts_before && due.first_attempt_at.is_none()));
}

async fn cancelled(database: &Database) {
    alive(database).await;
    let delivered = ended(database, 1, DeliveryStatus::Delivered).await;
    let retrying = ended(database, 1, DeliveryStatus::Retrying).await;
    let withdrawn = leased(database, &webhook('a'), "n1").await;
    let under_way = leased(database, &webhook('a'), "n1").await;
    let elsewhere = leased(database, &webhook('a'), "n2").await;
    let log_of_open = DeliveriesOf { finished: Some(false), ..log(Filter::default()) };
    let work = CancelOpen {
        log: log_of_open,
        piece: Piece { from: None, order: Order::OldestFirst, limit: 10, rows: 100 },
        node: "n1".into(),
        withdrawn: vec![withdrawn, elsewhere],
        now: NOW,
    };
    assert_eq!(database.store.write(work).await.unwrap(), Progress { done: 2, next: None });
    let with = |status| log(Filter { statuses: vec![status], ..Filter::default() });
    assert_eq!(page(database, with(DeliveryStatus::Cancelled), 9).await, (vec![withdrawn, retrying], false));
    assert_eq!(page(database, with(DeliveryStatus::Pending), 9).await, (vec![elsewhere, under_way], false));
    assert_eq!(page(database, with(DeliveryStatus::Delivered), 9).await, (vec![delivered], false));
    assert_eq!(claim(database, "n1").await.len(), 0);
}

async fn cleared(database: &Database) {
    for _ in 0..3 {
        ended(database, 2, DeliveryStatus::Failed).await;
    }
    let open = ended(database, 1, DeliveryStatus::Retrying).await;
    ended(database, 1, DeliveryStatus::Delivered).await;
    let clear = async |until, from: Option<DeliveryId>| {
        let filter = Filter { until: Some(until), ..Filter::default() };
        let log = DeliveriesOf { finished: Some(true), ..log(filter) };
        let piece = Piece { from, order: Order::OldestFirst, limit: 2, rows: 100 };
        let progress = database.store.write(ClearDeliveries { log, piece }).await.unwrap();
        (progress.done, progress.next.map(|next| next.parse().unwrap()))
    };
    assert_eq!(clear(NOW, None).await, (0, None));
    let (first, next) = clear(NOW.plus_millis(1), None).await;
    assert_eq!((first, clear(NOW.plus_millis(1), next).await), (2, (2, None)));
    assert_eq!(page(database, log(Filter::default()), 9).await, (vec![open], false));
    assert_eq!(database.int("SELECT COUNT(*) FROM attempts").await, 1);
}
