//! Custom kinds of events.

use store::event_types::{Declared, EventTypeRow, EventTypes, InsertEventType};

use crate::support::{Database, NOW};

conformance!(declared_once_and_listed);

async fn declared_once_and_listed(database: &Database) {
    let row = |name: &str, millis, schema: Option<&str>| EventTypeRow {
        name: name.parse().unwrap(),
        description: "An order was paid.".into(),
        schema: schema.map(Into::into),
        example: schema.map(|_| r#"{"total":"ü"}"#.into()),
        created_at: NOW.plus_millis(millis),
    };
    let declare = |row: EventTypeRow| database.store.write(InsertEventType { row, most: 2 });
    let (paid, sent) = (row("order_paid", 0, Some(r#"{"type":"object"}"#)), row("order_sent", 1, None));
    assert_eq!(declare(paid.clone()).await.unwrap(), Declared::Declared);
    assert_eq!(declare(row("order_paid", 9, None)).await.unwrap(), Declared::Exists);
    assert_eq!(declare(sent.clone()).await.unwrap(), Declared::Declared);
    assert_eq!(declare(row("order_lost", 2, None)).await.unwrap(), Declared::TooMany);
    assert_eq!(database.store.read(EventTypes).await.unwrap(), [sent, paid]);
}
