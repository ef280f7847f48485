//! Deliveries of events that were edited by hand.

use std::sync::Arc;

use domain::{DeliveryId, Event, EventId, SubscriberId};
use store::LogFilter;
use store::commit::Writes;
use store::deliveries::GetDelivery;
use store::events::{EventLog, EventsAbout, GetEvent};
use store::look::{Log, Look, Order, Piece};
use store::missed::Missed;
use store::queue::Claim;
use store::recovery::ClearDeliveries;
use store::resend::{MAX_SHOWN, ResendsOf, Resent};

use crate::deliveries::log;
use crate::samples::{attempt, delivery, event, leased, record, webhook};
use crate::support::{Database, NOW};

conformance!(
    sent_like_any_other_and_is_no_new_fact,
    named_beside_the_first_as_long_as_they_are_kept,
    many_are_named_in_part,
);

const EDITED: &str = r#"{"subscriber_id":12,"email":"edited@example.com"}"#;

/// Makes an edited event of a delivery to webhook a, and its delivery.
async fn resend(database: &Database, from: DeliveryId) -> (EventId, DeliveryId) {
    let edited = Event { data: EDITED.into(), ..event(database.id(), "order_paid") };
    let new = delivery(database, &edited, webhook('a'), NOW);
    let made = (edited.id, new.id);
    database
        .put(move || Writes {
            resent: Some(Resent { event: edited.clone(), from, delivery: new.id }),
            deliveries: vec![new.clone()],
            ..Writes::default()
        })
        .await;
    made
}

async fn all<L: Log>(database: &Database, log: L) -> Vec<L::Id> {
    let piece = Piece { from: None, order: Order::NewestFirst, limit: 100, rows: 100 };
    let found = database.store.read(Look { log, piece }).await.unwrap();
    found.entries.into_iter().map(|(id, _)| id).collect()
}

async fn sent_like_any_other_and_is_no_new_fact(database: &Database) {
    let told = Event { data: r#"{"subscriber_id":12,"n":1}"#.into(), ..event(database.id(), "order_paid") };
    let first = delivery(database, &told, webhook('a'), NOW.plus_millis(60_000));
    let (event, from) = (told.clone(), first.id);
    database
        .put(move || Writes {
            events: vec![event.clone()],
            deliveries: vec![first.clone()],
            ..Writes::default()
        })
        .await;
    let (edited, id) = resend(database, from).await;

    let claim = Claim { wants: vec![(webhook('a'), 10)], node: "n1".into(), now: NOW };
    let claimed = database.store.write(claim).await.unwrap();
    let [due] = &claimed[..] else { panic!("{claimed:?}") };
    assert_eq!((due.id, due.event.id, due.event.data.as_ref()), (id, edited, EDITED));

    // Neither the log of events, nor the history of a subscriber, nor what others missed has it.
    assert_eq!(all(database, EventLog(LogFilter::default())).await, [told.id]);
    assert_eq!(all(database, EventsAbout { subscriber: SubscriberId(12), since: None }).await, [told.id]);
    let narrowed = LogFilter {
        event_type: Some("order_paid".into()),
        contains: Some("12".into()),
        ..LogFilter::default()
    };
    assert_eq!(all(database, EventLog(narrowed)).await, [told.id]);
    let ids = Some(vec![edited]);
    assert_eq!(all(database, EventLog(LogFilter { ids, ..LogFilter::default() })).await, []);
    let missed = Missed {
        webhook_id: webhook('b'),
        log: EventLog(LogFilter::default()),
        piece: Piece { from: None, order: Order::OldestFirst, limit: 100, rows: 100 },
        choose: {
            let any = delivery(database, &told, webhook('b'), NOW);
            Arc::new(move |_| Some(any.clone()))
        },
        most: 100,
        sends: false,
    };
    assert_eq!(database.store.read(missed).await.unwrap().done, 1);

    // By its id it is found, and says what it is.
    let shown = database.store.read(GetEvent { id: edited }).await.unwrap().unwrap();
    assert_eq!((shown.resent_from, shown.event.data.as_ref()), (Some(from), EDITED));
    assert_eq!(shown.deliveries.iter().map(|delivery| delivery.id).collect::<Vec<_>>(), [id]);
    assert_eq!(database.store.read(GetEvent { id: told.id }).await.unwrap().unwrap().resent_from, None);
}

async fn named_beside_the_first_as_long_as_they_are_kept(database: &Database) {
    let from = leased(database, &webhook('a'), "n1").await;
    let (_, one) = resend(database, from).await;
    let (_, other) = resend(database, from).await;
    let (_, of_other) = resend(database, other).await;
    let resends = async |delivery| database.store.read(ResendsOf { delivery }).await.unwrap();
    assert_eq!((resends(from).await, resends(other).await), (vec![other, one], vec![of_other]));
    assert_eq!(resends(one).await, []);
    let resent_from = async |id| database.store.read(GetDelivery { id }).await.unwrap().unwrap().resent_from;
    assert_eq!((resent_from(from).await, resent_from(one).await), (None, Some(from)));
    assert_eq!(resent_from(of_other).await, Some(other));

    let claim = Claim { wants: vec![(webhook('a'), 1)], node: "n1".into(), now: NOW };
    assert_eq!(database.store.write(claim).await.unwrap()[0].id, one);
    let row = attempt(one, webhook('a'), 1, domain::log::DeliveryStatus::Delivered);
    record(database, "n1", vec![row]).await;
    let piece = Piece { from: None, order: Order::OldestFirst, limit: 10, rows: 10 };
    let cleared = ClearDeliveries { log: log(LogFilter::default()), piece };
    assert_eq!(database.store.write(cleared).await.unwrap().done, 1);
    assert_eq!(resends(from).await, [other]);
}

async fn many_are_named_in_part(database: &Database) {
    let from = leased(database, &webhook('a'), "n1").await;
    let mut made = Vec::new();
    for _ in 0..=MAX_SHOWN {
        made.push(resend(database, from).await.1);
    }
    made.reverse();
    made.pop();
    assert_eq!(database.store.read(ResendsOf { delivery: from }).await.unwrap(), made);
}
