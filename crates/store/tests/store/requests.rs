//! The log of incoming requests.

use domain::RequestId;
use domain::log::RequestStatus;
use store::LogFilter;
use store::commit::{RequestRow, Writes};
use store::requests::{ClearRequests, GetRequest, ListRequests};

use crate::samples::{request, webhook};
use crate::support::{Database, NOW};

conformance!(looked_up, listed_in_pages, filtered, cleared);

async fn put(database: &Database, requests: &[RequestRow]) {
    let requests = requests.to_vec();
    database.put(move || Writes { requests: requests.clone(), ..Writes::default() }).await;
}

async fn looked_up(database: &Database) {
    let row = RequestRow {
        status: RequestStatus::Failed,
        outcome: r#"{"actions":[],"errors":[{"field":"email","message":"ü"}],"warnings":[],"events":[]}"#
            .into(),
        response_status: 422,
        ..request(database, webhook('a'), r#"{"data":{"x":"é\n"}}"#)
    };
    put(database, std::slice::from_ref(&row)).await;
    assert_eq!(database.store.read(GetRequest { id: row.id }).await.unwrap(), Some(row));
    assert_eq!(database.store.read(GetRequest { id: RequestId::lowest_at(NOW) }).await.unwrap(), None);
}

type Filter = LogFilter<RequestId, RequestStatus>;

async fn ids(database: &Database, filter: Filter) -> Vec<RequestId> {
    let work = ListRequests { webhook_id: webhook('a'), filter, limit: 10 };
    let slice = database.store.read(work).await.unwrap();
    assert!(!slice.more);
    slice.entries.iter().map(|row| row.id).collect()
}

async fn listed_in_pages(database: &Database) {
    let mut all: Vec<RequestRow> = (0..5).map(|_| request(database, webhook('a'), "{}")).collect();
    put(database, &all).await;
    put(database, &[request(database, webhook('b'), "{}")]).await;
    all.reverse();
    let (mut before, mut seen) = (None, Vec::new());
    loop {
        let filter = Filter { before, ..Filter::default() };
        let work = ListRequests { webhook_id: webhook('a'), filter, limit: 2 };
        let slice = database.store.read(work).await.unwrap();
        seen.extend(slice.entries);
        if !slice.more {
            break;
        }
        before = seen.last().map(|row| row.id);
    }
    assert_eq!(seen, all);
}

async fn filtered(database: &Database) {
    let row = |millis, status, event_type: &str, payload| RequestRow {
        id: database.id_at(NOW.plus_millis(millis)),
        status,
        event_type: event_type.into(),
        ..request(database, webhook('a'), payload)
    };
    let old = row(1_000, RequestStatus::Processed, "order_paid", r#"{"email":"Ada_L@example.com"}"#);
    let odd = row(2_000, RequestStatus::Failed, "order_paid", r#"{"email":"adaXl@example.com"}"#);
    let new = row(3_000, RequestStatus::Ignored, "order_sent", "{}");
    put(database, &[old.clone(), odd.clone(), new.clone()]).await;
    let by = Filter::default;
    let moment = |millis| Some(NOW.plus_millis(millis));
    assert_eq!(ids(database, by()).await, [new.id, odd.id, old.id]);
    assert_eq!(ids(database, Filter { status: Some(RequestStatus::Failed), ..by() }).await, [odd.id]);
    assert_eq!(ids(database, Filter { status: Some(RequestStatus::Processed), ..by() }).await, [old.id]);
    assert_eq!(
        ids(database, Filter { event_type: Some("order_paid".into()), ..by() }).await,
        [odd.id, old.id]
    );
    assert_eq!(ids(database, Filter { since: moment(2_000), until: moment(3_000), ..by() }).await, [odd.id]);
    assert_eq!(ids(database, Filter { contains: Some("ada_l@".into()), ..by() }).await, [old.id]);
    assert_eq!(ids(database, Filter { before: Some(odd.id), ..by() }).await, [old.id]);
    let all = Filter {
        status: Some(RequestStatus::Failed),
        event_type: Some("order_paid".into()),
        since: moment(0),
        until: moment(9_000),
        contains: Some("ADA".into()),
        before: Some(new.id),
    };
    assert_eq!(ids(database, all).await, [odd.id]);
}

async fn cleared(database: &Database) {
    let at = |letter, millis| RequestRow {
        id: database.id_at(NOW.plus_millis(millis)),
        ..request(database, webhook(letter), "{}")
    };
    let rows = [at('a', 0), at('a', 1), at('b', 1), at('a', 2), at('a', 3)];
    put(database, &rows).await;
    let clear = async |until| {
        let until = NOW.plus_millis(until);
        database.store.write(ClearRequests { webhook_id: webhook('a'), until, limit: 2 }).await.unwrap()
    };
    assert_eq!((clear(3).await, clear(3).await, clear(3).await), (2, 1, 0));
    assert_eq!(ids(database, Filter::default()).await, [rows[4].id]);
    assert_eq!(database.int("SELECT COUNT(*) FROM requests").await, 2);
}
