//! Events, looked up and listed.

use domain::log::DeliveryStatus;
use domain::{Event, EventId};
use store::LogFilter;
use store::commit::{NewDelivery, Writes};
use store::events::{EventDelivery, GetEvent, ListEvents};

use crate::samples::{delivery, event, webhook};
use crate::support::{Database, NOW};

conformance!(looked_up_with_its_deliveries, listed_in_pages, filtered, large_ones_make_short_pages);

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
    };
    assert_eq!(found.deliveries, [shown(&deliveries[0]), shown(&deliveries[2])]);
    let nothing = database.store.read(GetEvent { id: EventId::lowest_at(NOW) }).await.unwrap();
    assert_eq!(nothing, None);
}

async fn ids(database: &Database, filter: LogFilter<EventId, store::events::NoStatus>) -> Vec<EventId> {
    let slice = database.store.read(ListEvents { filter, limit: 10 }).await.unwrap();
    assert!(!slice.more);
    slice.entries.iter().map(|event| event.id).collect()
}

async fn listed_in_pages(database: &Database) {
    let mut all: Vec<Event> = (0..5).map(|_| event(database.id(), "order_paid")).collect();
    put(database, all.clone(), vec![]).await;
    all.reverse();
    let page = async |before| {
        let filter = LogFilter { before, ..LogFilter::default() };
        database.store.read(ListEvents { filter, limit: 2 }).await.unwrap()
    };
    let first = page(None).await;
    assert_eq!((first.entries.as_slice(), first.more), (&all[..2], true));
    let second = page(Some(all[1].id)).await;
    assert_eq!((second.entries.as_slice(), second.more), (&all[2..4], true));
    let last = page(Some(all[3].id)).await;
    assert_eq!((last.entries.as_slice(), last.more), (&all[4..], false));
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
    let filter = LogFilter::default();
    let slice = database.store.read(ListEvents { filter, limit: 10 }).await.unwrap();
    let found: Vec<EventId> = slice.entries.iter().map(|event| event.id).collect();
    assert_eq!((found, slice.more), (vec![all[3].id, all[2].id], true));
    assert_eq!(
        ids(database, LogFilter { before: Some(all[2].id), ..LogFilter::default() }).await,
        [all[1].id, all[0].id]
    );
}
