//! Deliveries that wait: leases, in the order in which they are due.

use std::collections::HashSet;
use std::sync::Arc;

use domain::log::{CancelReason, DeliveryStatus};
use domain::{DeliveryId, SubscriberId, Timestamp, WebhookId};
use store::LogFilter;
use store::commit::{NewDelivery, Writes};
use store::deliveries::{DeliveriesOf, RetryDelivery};
use store::look::{Order, Piece};
use store::queue::{
    CancelWaiting, Claim, DueDelivery, GiveBack, Heartbeat, LeasedTo, Leave, ReleaseDead, Waiting,
};
use store::record::AttemptRow;
use store::recovery::CancelOpen;

use crate::samples::{attempt, delivery, event, record, webhook};
use crate::support::{Database, NOW};

conformance!(
    what_is_due_first_is_claimed_first,
    many_are_claimed_at_once,
    a_claim_takes_no_more_than_it_asks_for,
    of_one_subscriber_one_follows_the_other,
    what_failed_holds_back_what_follows,
    what_is_retried_at_once_takes_along_what_follows,
    a_delivery_has_one_holder,
    a_dead_node_gives_back,
    a_node_that_leaves_gives_back,
    single_deliveries_are_given_back,
    waiting_tells_who_and_since_when,
    cancelling_takes_what_waits,
);

/// Deliveries that wait in the table, due so many milliseconds from now.
async fn enqueue(database: &Database, to: &WebhookId, due: &[i64]) -> Vec<DeliveryId> {
    enqueue_for(database, to, due, None).await
}

async fn enqueue_for(
    database: &Database,
    to: &WebhookId,
    due: &[i64],
    node: Option<Arc<str>>,
) -> Vec<DeliveryId> {
    let told = event(database.id(), "order_paid");
    let deliveries: Vec<NewDelivery> = due
        .iter()
        .map(|due| NewDelivery {
            node: node.clone(),
            ..delivery(database, &told, to.clone(), NOW.plus_millis(*due))
        })
        .collect();
    let ids = deliveries.iter().map(|delivery| delivery.id).collect();
    database
        .put(move || Writes {
            events: vec![told.clone()],
            deliveries: deliveries.clone(),
            ..Writes::default()
        })
        .await;
    ids
}

async fn claim(database: &Database, node: &str, to: &WebhookId, limit: usize) -> Vec<DueDelivery> {
    claim_of(database, node, &[(to, limit)]).await
}

async fn claim_of(database: &Database, node: &str, wants: &[(&WebhookId, usize)]) -> Vec<DueDelivery> {
    let wants = wants.iter().map(|(webhook, limit)| ((*webhook).clone(), *limit)).collect();
    database.store.write(Claim { wants, node: node.into(), now: NOW }).await.unwrap()
}

fn ids(claimed: &[DueDelivery]) -> Vec<DeliveryId> {
    claimed.iter().map(|delivery| delivery.id).collect()
}

async fn beat(database: &Database, node: &str, expires_at: Timestamp) -> Option<Timestamp> {
    database.store.write(Heartbeat { node: node.into(), expires_at }).await.unwrap()
}

/// Whatever plan the database makes of it, in a table that it knows nothing of or everything.
async fn a_claim_takes_no_more_than_it_asks_for(database: &Database) {
    let all = [webhook('a'), webhook('b'), webhook('c')];
    for to in &all {
        enqueue(database, to, &[-1; 100]).await;
    }
    let wants: Vec<_> = all.iter().map(|to| (to, 2)).collect();
    for round in 0..40 {
        if round == 20 {
            database.run("ANALYZE deliveries", vec![]).await;
        }
        let claimed = claim_of(database, "node-1", &wants).await;
        for to in &all {
            let count = claimed.iter().filter(|delivery| delivery.webhook_id == *to).count();
            assert_eq!(count, 2, "{round}");
        }
    }
}

async fn what_is_due_first_is_claimed_first(database: &Database) {
    let (a, b) = (webhook('a'), webhook('b'));
    let of_a = enqueue(database, &a, &[-1, -30, 0, 1, -20]).await;
    let of_b = enqueue(database, &b, &[-99]).await;
    let first = claim(database, "n1", &a, 2).await;
    assert_eq!(ids(&first), [of_a[1], of_a[4]]);
    assert_eq!(first[0].webhook_id, a);
    assert_eq!((first[0].attempts, first[0].first_attempt_at), (0, None));
    assert_eq!(first[0].event.event_type.as_str(), "order_paid");
    assert_eq!(first[0].event.data.as_ref(), r#"{"email":"ada@example.com"}"#);
    // The one that is due in a millisecond is not due.
    assert_eq!(ids(&claim(database, "n2", &a, 10).await), [of_a[0], of_a[2]]);
    assert!(claim(database, "n2", &a, 10).await.is_empty());
    assert_eq!(ids(&claim(database, "n2", &b, 10).await), of_b);
}

async fn many_are_claimed_at_once(database: &Database) {
    let (a, b, c, d) = (webhook('a'), webhook('b'), webhook('c'), webhook('d'));
    let of_a = enqueue(database, &a, &[-1, -30, 0]).await;
    let of_b = enqueue(database, &b, &[-5, -99]).await;
    enqueue(database, &d, &[-5]).await;
    let claimed = claim_of(database, "n1", &[(&b, 1), (&c, 9), (&a, 2)]).await;
    assert_eq!(ids(&claimed), [of_a[1], of_a[0], of_b[1]], "one webhook after the other");
    assert!(Arc::ptr_eq(&claimed[0].event, &claimed[1].event), "an event is in memory once");
    assert!(claim_of(database, "n1", &[]).await.is_empty());
    assert_eq!(claim_of(database, "n1", &[(&a, 9), (&b, 9), (&d, 0)]).await.len(), 2);
}

/// Deliveries that follow each other by subscriber, all due.
async fn enqueue_in_order(database: &Database, to: &WebhookId, subjects: &[i64]) -> Vec<DeliveryId> {
    let told = event(database.id(), "order_paid");
    let deliveries: Vec<NewDelivery> = subjects
        .iter()
        .map(|subject| NewDelivery {
            subject: Some(SubscriberId(*subject)),
            ..delivery(database, &told, to.clone(), NOW)
        })
        .collect();
    let ids = deliveries.iter().map(|delivery| delivery.id).collect();
    database
        .put(move || Writes {
            events: vec![told.clone()],
            deliveries: deliveries.clone(),
            ..Writes::default()
        })
        .await;
    ids
}

async fn done(database: &Database, node: &'static str, delivery: &DueDelivery, status: DeliveryStatus) {
    let made = attempt(delivery.id, delivery.webhook_id.clone(), delivery.attempts + 1, status);
    record(database, node, vec![AttemptRow { subject: delivery.subject, ..made }]).await;
}

async fn of_one_subscriber_one_follows_the_other(database: &Database) {
    let (a, b) = (webhook('a'), webhook('b'));
    let of_a = enqueue_in_order(database, &a, &[1, 1, 2, 1]).await;
    let of_b = enqueue_in_order(database, &b, &[1]).await;
    let free = enqueue(database, &a, &[0, 0]).await;
    let first = claim(database, "n1", &a, 10).await;
    assert_eq!(ids(&first), [of_a[0], of_a[2], free[0], free[1]]);
    assert_eq!((first[0].subject, first[2].subject), (Some(SubscriberId(1)), None));
    assert_eq!(ids(&claim(database, "n2", &b, 10).await), of_b, "another webhook has its own order");
    assert!(claim(database, "n2", &a, 10).await.is_empty(), "also what another node holds is not done");
    done(database, "n1", &first[0], DeliveryStatus::Delivered).await;
    let second = claim(database, "n2", &a, 10).await;
    assert_eq!(ids(&second), [of_a[1]]);
    // What was given up holds back nothing.
    done(database, "n2", &second[0], DeliveryStatus::Failed).await;
    let third = claim(database, "n1", &a, 10).await;
    assert_eq!(ids(&third), [of_a[3]]);
    // What is given back has its turn again, and before what came later.
    let later = enqueue_in_order(database, &a, &[1]).await;
    database.store.write(GiveBack { node: "n1".into(), deliveries: vec![of_a[3]] }).await.unwrap();
    assert_eq!(ids(&claim(database, "n1", &a, 10).await), [of_a[3]]);
    // An older one that is put back meanwhile waits for what is under way, and is the next.
    let put_back = "UPDATE deliveries SET status = 'pending', due_at = 0 WHERE id = ?1";
    database.run(put_back, store::params![of_a[0].to_string()]).await;
    assert!(claim(database, "n2", &a, 10).await.is_empty());
    done(database, "n1", &third[0], DeliveryStatus::Delivered).await;
    let first = claim(database, "n1", &a, 10).await;
    assert_eq!(ids(&first), [of_a[0]]);
    done(database, "n1", &first[0], DeliveryStatus::Delivered).await;
    assert_eq!(ids(&claim(database, "n1", &a, 10).await), later);
}

async fn what_failed_holds_back_what_follows(database: &Database) {
    let a = webhook('a');
    let of_a = enqueue_in_order(database, &a, &[1, 2, 1, 1]).await;
    let first = claim(database, "n1", &a, 10).await;
    assert_eq!(ids(&first), of_a[..2]);
    done(database, "n1", &first[0], DeliveryStatus::Retrying).await;
    done(database, "n1", &first[1], DeliveryStatus::Delivered).await;
    assert!(claim(database, "n1", &a, 10).await.is_empty());
    let waiting = async || database.store.read(Waiting).await.unwrap();
    let again = NOW.plus_millis(300_000);
    assert_eq!(waiting().await, [(a.clone(), again)], "there is nothing to look for until then");
    // A new one waits as well, though it is due.
    enqueue_in_order(database, &a, &[1]).await;
    assert!(claim(database, "n1", &a, 10).await.is_empty());
    let claim_later = Claim { wants: vec![(a.clone(), 10)], node: "n1".into(), now: again };
    assert_eq!(ids(&database.store.write(claim_later).await.unwrap()), [of_a[0]]);
    // If it is cancelled instead, what follows waits no longer.
    database.store.write(GiveBack { node: "n1".into(), deliveries: vec![of_a[0]] }).await.unwrap();
    let log = DeliveriesOf {
        webhook_id: a.clone(),
        filter: LogFilter { ids: Some(vec![of_a[0]]), ..LogFilter::default() },
        test: None,
        http_statuses: Vec::new(),
        error_code: None,
        finished: None,
        undelivered: false,
    };
    let piece = Piece { from: None, order: Order::OldestFirst, limit: 10, rows: 100 };
    let cancel = CancelOpen { log, piece, node: "n1".into(), withdrawn: Vec::new(), now: NOW };
    assert_eq!(database.store.write(cancel).await.unwrap().done, 1);
    assert_eq!(ids(&claim(database, "n1", &a, 10).await), [of_a[2]]);
}

async fn what_is_retried_at_once_takes_along_what_follows(database: &Database) {
    let a = webhook('a');
    let of_a = enqueue_in_order(database, &a, &[1, 1]).await;
    let first = claim(database, "n1", &a, 10).await;
    done(database, "n1", &first[0], DeliveryStatus::Retrying).await;
    assert!(claim(database, "n1", &a, 10).await.is_empty());
    database.store.write(RetryDelivery { id: of_a[0], now: NOW }).await.unwrap();
    let again = claim(database, "n1", &a, 10).await;
    assert_eq!(ids(&again), of_a[..1], "one after the other");
    done(database, "n1", &again[0], DeliveryStatus::Delivered).await;
    assert_eq!(ids(&claim(database, "n1", &a, 10).await), of_a[1..], "and not minutes later");
}

async fn a_delivery_has_one_holder(database: &Database) {
    let a = webhook('a');
    let all = enqueue(database, &a, &[-1; 200]).await;
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let claim = Claim { wants: vec![(a.clone(), 10)], node: format!("n{number}").into(), now: NOW };
            let store = database.store.clone();
            tokio::spawn(async move { store.write(claim).await.unwrap() })
        })
        .collect();
    let mut claimed = Vec::new();
    for task in tasks {
        claimed.extend(ids(&task.await.unwrap()));
    }
    assert_eq!(claimed.len(), 160);
    claimed.extend(ids(&claim(database, "last", &a, 1_000).await));
    assert_eq!(claimed.len(), all.len());
    assert_eq!(HashSet::<DeliveryId>::from_iter(claimed), HashSet::from_iter(all));
}

async fn a_dead_node_gives_back(database: &Database) {
    let a = webhook('a');
    let first = enqueue(database, &a, &[-2]).await;
    assert_eq!(beat(database, "dead", NOW.plus_millis(-1)).await, None);
    beat(database, "alive", NOW.plus_millis(-1)).await;
    assert_eq!(beat(database, "alive", NOW.plus_millis(1)).await, Some(NOW.plus_millis(-1)));
    claim(database, "dead", &a, 1).await;
    enqueue_for(database, &a, &[-1], Some("dead".into())).await;
    enqueue_for(database, &a, &[-1], Some("alive".into())).await;
    assert!(claim(database, "alive", &a, 10).await.is_empty());
    let release = |now| database.store.write(ReleaseDead { now });
    assert_eq!(release(NOW).await.unwrap(), 2);
    assert_eq!(release(NOW).await.unwrap(), 0);
    assert_eq!(beat(database, "dead", NOW).await, None, "it is told that it was taken for dead");
    let again = claim(database, "alive", &a, 10).await;
    let leased = async |node: &str| database.store.read(LeasedTo { node: node.into() }).await.unwrap().len();
    assert_eq!((leased("alive").await, leased("dead").await), (3, 0));
    assert_eq!((again.len(), again[0].id), (2, first[0]));
    assert_eq!(release(Timestamp::from_millis(i64::MAX)).await.unwrap(), 3);
    assert_eq!(database.int("SELECT COUNT(*) FROM nodes").await, 0);
}

async fn a_node_that_leaves_gives_back(database: &Database) {
    let a = webhook('a');
    enqueue_for(database, &a, &[-1, 5], Some("n1".into())).await;
    enqueue_for(database, &a, &[-1], Some("n2".into())).await;
    beat(database, "n1", NOW).await;
    database.store.write(Leave { node: "n1".into() }).await.unwrap();
    assert_eq!(claim(database, "n3", &a, 10).await.len(), 1);
    assert_eq!(database.texts("SELECT COALESCE(node, '-') FROM deliveries ORDER BY node").await.len(), 3);
    assert_eq!(database.int("SELECT COUNT(*) FROM deliveries WHERE node IS NULL").await, 1);
    assert_eq!(database.int("SELECT COUNT(*) FROM nodes").await, 0);
}

async fn single_deliveries_are_given_back(database: &Database) {
    let a = webhook('a');
    let mine = enqueue_for(database, &a, &[-1, -1], Some("n1".into())).await;
    let other = enqueue_for(database, &a, &[-1], Some("n2".into())).await;
    let back = GiveBack { node: "n1".into(), deliveries: vec![mine[1], other[0]] };
    database.store.write(back).await.unwrap();
    assert_eq!(ids(&claim(database, "n3", &a, 10).await), [mine[1]]);
}

async fn waiting_tells_who_and_since_when(database: &Database) {
    let waiting = async || database.store.read(Waiting).await.unwrap();
    assert!(waiting().await.is_empty());
    enqueue(database, &webhook('b'), &[50, 7, 90]).await;
    enqueue(database, &webhook('a'), &[-4]).await;
    enqueue_for(database, &webhook('c'), &[-4], Some("n1".into())).await;
    let moment = |millis| NOW.plus_millis(millis);
    assert_eq!(waiting().await, [(webhook('a'), moment(-4)), (webhook('b'), moment(7))]);
    claim(database, "n1", &webhook('a'), 10).await;
    assert_eq!(waiting().await, [(webhook('b'), moment(7))]);
}

async fn cancelling_takes_what_waits(database: &Database) {
    let a = webhook('a');
    enqueue(database, &a, &[-1, 0, 1]).await;
    enqueue(database, &webhook('b'), &[-1]).await;
    enqueue_for(database, &a, &[-1], Some("n1".into())).await;
    let cancel = async || {
        database
            .store
            .write(CancelWaiting {
                webhook_id: a.clone(),
                seen: None,
                reason: CancelReason::WebhookDeleted,
                limit: 2,
            })
            .await
            .unwrap()
    };
    assert_eq!((cancel().await, cancel().await, cancel().await), (2, 1, 0));
    assert_eq!(
        database.int("SELECT COUNT(*) FROM deliveries WHERE status = 'cancelled' AND due_at IS NULL").await,
        3
    );
    assert_eq!(database.int("SELECT COUNT(*) FROM deliveries WHERE status = 'pending'").await, 2);
}
