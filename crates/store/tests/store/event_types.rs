//! Custom kinds of events.

use store::StoreError;
use store::config::LoadConfig;
use store::event_types::{EventTypeRow, InsertEventType, UpdateEventType};

use crate::support::{Database, NOW};

conformance!(declared_and_changed_as_configuration);

async fn declared_and_changed_as_configuration(database: &Database) {
    let store = &database.store;
    let row = |name: &str, millis, schema: Option<&str>| EventTypeRow {
        name: name.parse().unwrap(),
        version: 1,
        description: "An order was paid.".into(),
        schema: schema.map(Into::into),
        example: schema.map(|_| r#"{"total":"ü"}"#.into()),
        created_at: NOW.plus_millis(millis),
        updated_at: NOW.plus_millis(millis),
    };
    let load = async || store.read(LoadConfig { known: 0 }).await.unwrap().unwrap();
    let (paid, sent) = (row("order_paid", 0, Some(r#"{"type":"object"}"#)), row("order_sent", 1, None));
    let version = load().await.version;
    store.write(InsertEventType { version, row: paid.clone() }).await.unwrap();
    let late = store.write(InsertEventType { version, row: sent.clone() }).await;
    assert!(matches!(late, Err(StoreError::StaleConfig)), "decided by another configuration");
    store.write(InsertEventType { version: version + 1, row: sent.clone() }).await.unwrap();
    assert_eq!(load().await.event_types, [sent.clone(), paid.clone()]);

    let changed = EventTypeRow { version: 2, schema: None, updated_at: NOW.plus_millis(5), ..paid };
    assert!(store.write(UpdateEventType { version: version + 2, row: changed.clone() }).await.unwrap());
    let unknown = row("order_lost", 2, None);
    assert!(!store.write(UpdateEventType { version: version + 3, row: unknown }).await.unwrap());
    assert_eq!(load().await.event_types, [sent, changed]);
}
