//! The log of incoming requests.

use domain::RequestId;
use domain::log::RequestStatus;
use store::LogFilter;
use store::commit::{RequestRow, Writes};
use store::look::{Count, Look, Order, Piece};
use store::recovery::ClearRequests;
use store::requests::{GetRequest, RequestsById, RequestsOf};

use crate::samples::{request, webhook};
use crate::support::{Database, NOW};

conformance!(looked_up, listed_in_pages, looked_through_in_pieces, filtered, cleared);

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

fn log(filter: Filter) -> RequestsOf {
    RequestsOf { webhook_id: webhook('a'), filter, sender: None, done: false }
}

/// What is found, and behind which the next piece begins.
async fn look(
    database: &Database,
    log: RequestsOf,
    piece: Piece<RequestId>,
) -> (Vec<RequestId>, Option<RequestId>) {
    let found = database.store.read(Look { log, piece }).await.unwrap();
    (found.entries.into_iter().map(|(id, _)| id).collect(), found.next)
}

fn newest(from: Option<RequestId>, limit: usize, rows: usize) -> Piece<RequestId> {
    Piece { from, order: Order::NewestFirst, limit, rows }
}

async fn ids(database: &Database, filter: Filter) -> Vec<RequestId> {
    ids_of(database, log(filter)).await
}

async fn ids_of(database: &Database, log: RequestsOf) -> Vec<RequestId> {
    let (found, next) = look(database, log.clone(), newest(None, 10, 100)).await;
    assert_eq!(next, None);
    let count = Count { log, from: None, rows: 100 };
    assert_eq!(database.store.read(count).await.unwrap(), (i64::try_from(found.len()).unwrap(), None));
    found
}

async fn listed_in_pages(database: &Database) {
    let mut all: Vec<RequestRow> = (0..5).map(|_| request(database, webhook('a'), "{}")).collect();
    put(database, &all).await;
    put(database, &[request(database, webhook('b'), "{}")]).await;
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let (mut from, mut seen) = (None, Vec::new());
        loop {
            let piece = Piece { from, order, limit: 2, rows: 100 };
            let (ids, next) = look(database, log(Filter::default()), piece).await;
            let by_id = RequestsById { webhook_id: webhook('a'), ids: ids.clone() };
            let mut rows = database.store.read(by_id).await.unwrap();
            rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
            seen.extend(rows);
            from = next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
        all.reverse();
    }
}

/// However little of a log is wanted, one look at it is bounded, and the looks together miss nothing.
async fn looked_through_in_pieces(database: &Database) {
    let statuses = [RequestStatus::Processed, RequestStatus::Failed, RequestStatus::Rejected];
    let row = |number: usize| RequestRow {
        status: statuses[number % 3],
        event_type: if number.is_multiple_of(7) { "rare".into() } else { "common".into() },
        ..request(database, webhook('a'), "{}")
    };
    let all: Vec<RequestRow> = (0..50).map(row).collect();
    put(database, &all).await;
    for wanted in [
        vec![],
        vec![RequestStatus::Failed],
        vec![RequestStatus::Failed, RequestStatus::Rejected, RequestStatus::Failed],
        vec![RequestStatus::Processed, RequestStatus::Rejected],
    ] {
        let is_wanted = |row: &&RequestRow| {
            row.event_type == "rare" && (wanted.is_empty() || wanted.contains(&row.status))
        };
        let mut expected: Vec<RequestId> = all.iter().filter(is_wanted).map(|row| row.id).collect();
        let filter =
            Filter { statuses: wanted.clone(), event_type: Some("rare".into()), ..Filter::default() };
        for order in [Order::OldestFirst, Order::NewestFirst] {
            for rows in [1, 3, 10, 100] {
                let (mut from, mut seen, mut looks, mut counted) = (None, Vec::new(), 0, 0);
                loop {
                    let piece = Piece { from, order, limit: 2, rows };
                    let (ids, next) = look(database, log(filter.clone()), piece).await;
                    seen.extend(ids);
                    (from, looks) = (next, looks + 1);
                    if next.is_none() {
                        break;
                    }
                }
                assert_eq!(seen, expected, "{wanted:?} {order:?} {rows}");
                assert!(looks <= 50 / rows + 50 / 2, "{looks} looks at {rows} each");
                let mut from = None;
                loop {
                    let count = Count { log: log(filter.clone()), from, rows };
                    let (count, next) = database.store.read(count).await.unwrap();
                    (from, counted) = (next, counted + count);
                    if next.is_none() {
                        break;
                    }
                }
                assert_eq!(counted, i64::try_from(expected.len()).unwrap());
            }
            expected.reverse();
        }
    }
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
    assert_eq!(ids(database, Filter { statuses: vec![RequestStatus::Failed], ..by() }).await, [odd.id]);
    assert_eq!(ids(database, Filter { statuses: vec![RequestStatus::Processed], ..by() }).await, [old.id]);
    assert_eq!(
        ids(database, Filter { event_type: Some("order_paid".into()), ..by() }).await,
        [odd.id, old.id]
    );
    assert_eq!(ids(database, Filter { since: moment(2_000), until: moment(3_000), ..by() }).await, [odd.id]);
    assert_eq!(ids(database, Filter { contains: Some("ada_l@".into()), ..by() }).await, [old.id]);
    assert_eq!(look(database, log(by()), newest(Some(odd.id), 9, 9)).await, (vec![old.id], None));
    let several = vec![RequestStatus::Failed, RequestStatus::Ignored];
    assert_eq!(ids(database, Filter { statuses: several, ..by() }).await, [new.id, odd.id]);
    assert_eq!(ids(database, Filter { ids: Some(vec![odd.id, old.id]), ..by() }).await, [odd.id, old.id]);
    for (sender, expected) in [
        ("203.0.113.7", vec![new.id, odd.id, old.id]),
        ("203.0.113.0/24", vec![new.id, odd.id, old.id]),
        ("203.0.113.8", vec![]),
        ("2001:db8::/32", vec![]),
    ] {
        let log = RequestsOf { sender: Some(sender.parse().unwrap()), ..log(by()) };
        assert_eq!(ids_of(database, log).await, expected, "{sender}");
    }
    assert_eq!(ids_of(database, RequestsOf { done: true, ..log(by()) }).await, [new.id, odd.id, old.id]);
    let all = Filter {
        statuses: vec![RequestStatus::Failed],
        event_type: Some("order_paid".into()),
        since: moment(0),
        until: moment(9_000),
        contains: Some("ADA".into()),
        ids: None,
    };
    assert_eq!(ids(database, all).await, [odd.id]);
}

async fn cleared(database: &Database) {
    let at = |letter, millis| RequestRow {
        id: database.id_at(NOW.plus_millis(millis)),
        ..request(database, webhook(letter), "{}")
    };
    let waiting = RequestRow { status: RequestStatus::Accepted, ..at('a', 0) };
    let rows = [at('a', 0), at('a', 1), at('b', 1), at('a', 2), at('a', 3)];
    put(database, &rows).await;
    put(database, std::slice::from_ref(&waiting)).await;
    let older = Filter { until: Some(NOW.plus_millis(3)), ..Filter::default() };
    let clear = async |from: Option<RequestId>| {
        let log = RequestsOf { done: true, ..log(older.clone()) };
        let piece = Piece { from, order: Order::OldestFirst, limit: 2, rows: 100 };
        let progress = database.store.write(ClearRequests { log, piece }).await.unwrap();
        (progress.done, progress.next.map(|next| next.parse().unwrap()))
    };
    let (first, next) = clear(None).await;
    assert_eq!((first, next), (2, Some(rows[1].id)));
    assert_eq!(clear(next).await, (1, None));
    assert_eq!(ids(database, Filter::default()).await, [rows[4].id, waiting.id]);
    assert_eq!(database.int("SELECT COUNT(*) FROM requests").await, 3);
}
