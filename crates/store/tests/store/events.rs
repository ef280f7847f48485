//! Events, looked up and listed.

use domain::log::DeliveryStatus;
use domain::{Event, EventId, SubscriberId};
use store::LogFilter;
use store::commit::{NewDelivery, Skipped, Skips, Writes};
use store::deliveries::GetDelivery;
use store::events::{EventDelivery, EventLog, EventsAbout, EventsById, GetEvent};
use store::look::{Look, Order, Piece, fit};
use store::queue::Claim;
use store::resend::Resent;

use crate::samples::{delivery, event, webhook};
use crate::support::{Database, NOW};

conformance!(
    looked_up_with_its_deliveries,
    what_is_known_of_a_subscriber_stays_beside_it,
    who_was_skipped_is_told_and_counted,
    listed_in_pages,
    filtered,
    large_ones_make_short_pages,
    of_a_subscriber,
    what_made_the_subscriber_is_found,
    known_of_before
);

async fn put(database: &Database, events: Vec<Event>, deliveries: Vec<NewDelivery>) {
    database
        .put(move || Writes { events: events.clone(), deliveries: deliveries.clone(), ..Writes::default() })
        .await;
}

async fn looked_up_with_its_deliveries(database: &Database) {
    let (told, other) = (event(database.id(), "order_paid"), event(database.id(), "order_paid"));
    let deliveries = vec![
        delivery(database, &told, webhook('b'), NOW),
        delivery(database, &other, webhook('b'), NOW),
        delivery(database, &told, webhook('a'), NOW),
    ];
    put(database, vec![told.clone(), other], deliveries.clone()).await;
    let found = database.store.read(GetEvent { id: told.id }).await.unwrap().unwrap();
    assert_eq!(found.event, told);
    let shown = |made: &NewDelivery| EventDelivery {
        id: made.id,
        webhook_id: made.webhook_id.clone(),
        status: DeliveryStatus::Pending,
        due_at: Some(NOW),
        error: None,
    };
    assert_eq!(found.deliveries, [shown(&deliveries[0]), shown(&deliveries[2])]);
    assert_eq!(found.skipped, Skips::default());
    let nothing = database.store.read(GetEvent { id: EventId::lowest_at(NOW) }).await.unwrap();
    assert_eq!(nothing, None);
}

async fn what_is_known_of_a_subscriber_stays_beside_it(database: &Database) {
    let told =
        Event { subscriber: Some(r#"{"first_name":"Ada"}"#.into()), ..event(database.id(), "email_opened") };
    let made = delivery(database, &told, webhook('b'), NOW);
    put(database, vec![told.clone()], vec![made.clone()]).await;
    let store = &database.store;
    assert_eq!(store.read(GetEvent { id: told.id }).await.unwrap().unwrap().event, told);
    assert_eq!(store.read(EventsById { ids: vec![told.id] }).await.unwrap(), std::slice::from_ref(&told));
    assert_eq!(store.read(GetDelivery { id: made.id }).await.unwrap().unwrap().event, told);
    let claim = Claim { wants: vec![(webhook('b'), 1)], node: "n1".into(), now: NOW };
    assert_eq!(*store.write(claim).await.unwrap()[0].event, told);
    let edited = Event { id: database.id(), ..told.clone() };
    let resent = Resent { event: edited.clone(), from: made.id, delivery: database.id() };
    database.put(move || Writes { resent: Some(resent.clone()), ..Writes::default() }).await;
    assert_eq!(store.read(GetEvent { id: edited.id }).await.unwrap().unwrap().event, edited);
}

async fn who_was_skipped_is_told_and_counted(database: &Database) {
    let event = event(database.id(), "order_paid");
    let first = vec![Skipped { webhook_id: webhook('a'), reason: "the webhook is inactive".to_owned() }];
    let skips = Skips { first: first.clone(), more: 7 };
    let (told, left_out) = (event.clone(), skips.clone());
    let writes = move || Writes {
        events: vec![told.clone()],
        skipped: [(told.id, left_out.clone())].into(),
        ..Writes::default()
    };
    database.put(writes).await;
    let found = async || database.store.read(GetEvent { id: event.id }).await.unwrap().unwrap().skipped;
    assert_eq!(found().await, skips);
    // As versions before this one wrote it.
    let formerly =
        r#"UPDATE events SET skipped = '[{"webhook_id":"aaaaaaaaaaaa","reason":"the webhook is inactive"}]'"#;
    database.run(formerly, Vec::new()).await;
    assert_eq!(found().await, Skips { first, more: 0 });
}

/// A page of events, and behind which the next begins.
async fn page(
    database: &Database,
    filter: LogFilter<EventId, store::events::NoStatus>,
    from: Option<EventId>,
    limit: usize,
) -> (Vec<Event>, Option<EventId>) {
    let piece = Piece { from, order: Order::NewestFirst, limit, rows: 100 };
    let found = database.store.read(Look { log: EventLog(filter), piece }).await.unwrap();
    let (ids, is_cut) = fit(found.entries, limit);
    let next = if is_cut { ids.last().copied() } else { found.next };
    (database.store.read(EventsById { ids }).await.unwrap(), next)
}

async fn ids(database: &Database, filter: LogFilter<EventId, store::events::NoStatus>) -> Vec<EventId> {
    let (events, next) = page(database, filter, None, 10).await;
    assert_eq!(next, None);
    events.iter().map(|event| event.id).collect()
}

async fn listed_in_pages(database: &Database) {
    let mut all: Vec<Event> = (0..5).map(|_| event(database.id(), "order_paid")).collect();
    put(database, all.clone(), vec![]).await;
    all.reverse();
    let page = async |from| page(database, LogFilter::default(), from, 2).await;
    assert_eq!(page(None).await, (all[..2].to_vec(), Some(all[1].id)));
    assert_eq!(page(Some(all[1].id)).await, (all[2..4].to_vec(), Some(all[3].id)));
    assert_eq!(page(Some(all[3].id)).await, (all[4..].to_vec(), None));
}

async fn filtered(database: &Database) {
    let at = |millis| database.id_at(NOW.plus_millis(millis));
    let (old, odd, new) =
        (event(at(0), "order_paid"), event(at(10), "order_sent"), event(at(20), "order_paid"));
    let odd = Event { data: r#"{"note":"100% Sure"}"#.into(), ..odd };
    put(database, vec![old.clone(), odd.clone(), new.clone()], vec![]).await;
    let by = LogFilter::default;
    let moment = |millis| Some(NOW.plus_millis(millis));
    assert_eq!(ids(database, by()).await, [new.id, odd.id, old.id]);
    assert_eq!(
        ids(database, LogFilter { event_type: Some("order_paid".into()), ..by() }).await,
        [new.id, old.id]
    );
    assert_eq!(ids(database, LogFilter { since: moment(10), ..by() }).await, [new.id, odd.id]);
    assert_eq!(ids(database, LogFilter { until: moment(10), ..by() }).await, [old.id]);
    assert_eq!(ids(database, LogFilter { since: moment(1), until: moment(20), ..by() }).await, [odd.id]);
    assert_eq!(ids(database, LogFilter { contains: Some("0% s".into()), ..by() }).await, [odd.id]);
}

async fn large_ones_make_short_pages(database: &Database) {
    let large = || Event {
        data: format!(r#"{{"x":"{}"}}"#, "x".repeat(1_500_000)).into(),
        ..event(database.id(), "a")
    };
    let all = vec![large(), large(), large(), large()];
    put(database, all.clone(), vec![]).await;
    let (found, next) = page(database, LogFilter::default(), None, 10).await;
    assert_eq!((found, next), (vec![all[3].clone(), all[2].clone()], Some(all[2].id)));
    let (found, next) = page(database, LogFilter::default(), next, 10).await;
    assert_eq!((found, next), (vec![all[1].clone(), all[0].clone()], None));
}

async fn of_a_subscriber(database: &Database) {
    let all: Vec<Event> = (0..4).map(|_| event(database.id(), "order_paid")).collect();
    let subjects = [(0, 7), (2, 7), (3, 8)].map(|(at, id): (usize, i64)| (all[at].id, SubscriberId(id)));
    let events = all.clone();
    database
        .put(move || Writes { events: events.clone(), subjects: subjects.into(), ..Writes::default() })
        .await;
    assert_eq!(about(database, 7, None).await, (vec![all[2].id], Some(all[2].id)));
    assert_eq!(about(database, 7, Some(all[2].id)).await, (vec![all[0].id], None));
    assert_eq!(about(database, 9, None).await, (vec![], None));
}

/// The first event of a subscriber behind another one, and behind which there are more.
async fn about(database: &Database, id: i64, from: Option<EventId>) -> (Vec<EventId>, Option<EventId>) {
    let piece = Piece { from, order: Order::NewestFirst, limit: 1, rows: 100 };
    let log = EventsAbout { subscriber: SubscriberId(id), since: None };
    let found = database.store.read(Look { log, piece }).await.unwrap();
    (found.entries.into_iter().map(|(id, _)| id).collect(), found.next)
}

/// A transaction names its events first, and makes the subscriber a moment later.
async fn what_made_the_subscriber_is_found(database: &Database) {
    let about = |ago: i64| Event {
        data: r#"{"subscriber_id":12,"email":"ada@example.com"}"#.into(),
        ..event(database.id_at(NOW.plus_millis(-ago)), "subscriber_added")
    };
    // Ids never step back.
    let (long_ago, added) = (about(3_600_000), about(5));
    put(database, vec![added.clone(), long_ago], vec![]).await;
    let piece = Piece { from: None, order: Order::NewestFirst, limit: 10, rows: 100 };
    let log = EventsAbout { subscriber: SubscriberId(12), since: Some(NOW) };
    let found = database.store.read(Look { log, piece }).await.unwrap();
    assert_eq!(found.entries.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [added.id]);
}

/// What was told before it was written down whom an event is about is found by its data.
async fn known_of_before(database: &Database) {
    let with = |data: &str| Event { data: data.into(), ..event(database.id(), "order_paid") };
    let own = with(r#"{"subscriber_id":12,"email":"ada@example.com"}"#);
    let others = [
        with(r#"{"subscriber_id":"x12","email":"ada@example.com"}"#),
        with(r#"{"id":1,"subscriber_id":12}"#),
        with(r#"{"subscriber_id":null,"email":"\u0000"}"#),
    ];
    put(database, [vec![own.clone()], others.to_vec()].concat(), vec![]).await;
    assert_eq!(about(database, 12, None).await, (vec![own.id], None));
    assert_eq!(about(database, 1, None).await, (vec![], None));
}
