//! Custom fields: declared, changed, taken back, each of which is another configuration.

use domain::custom_field::CustomField;
use store::StoreError;
use store::config::LoadConfig;
use store::custom_fields::{DeleteCustomField, InsertCustomField, UpdateCustomField};

use crate::support::{Database, NOW};

conformance!(declared_changed_and_taken_back);

fn field(label: &str) -> CustomField {
    let settings = serde_json::json!({"label": label, "type": "choice", "options": ["free", "pro"]});
    CustomField {
        name: "plan".to_owned(),
        settings: serde_json::from_value(settings).unwrap(),
        created_at: NOW,
        updated_at: NOW,
    }
}

async fn declared_changed_and_taken_back(database: &Database) {
    let store = &database.store;
    let config = || async { store.read(LoadConfig { known: 0 }).await.unwrap().unwrap() };
    let first = config().await;
    assert_eq!(first.custom_fields, []);
    let insert = || InsertCustomField { version: first.version, field: field("Plan") };
    store.write(insert()).await.unwrap();
    assert!(matches!(store.write(insert()).await, Err(StoreError::StaleConfig)));
    let second = config().await;
    assert!(second.version > first.version);
    assert_eq!(second.custom_fields, [field("Plan")]);

    let update = |version, name: &str| {
        let field = CustomField { name: name.to_owned(), updated_at: NOW.plus_millis(1), ..field("Tariff") };
        store.write(UpdateCustomField { version, field })
    };
    assert!(matches!(update(first.version, "plan").await, Err(StoreError::StaleConfig)));
    assert!(update(second.version, "plan").await.unwrap());
    let third = config().await;
    assert_eq!(third.custom_fields, [CustomField { updated_at: NOW.plus_millis(1), ..field("Tariff") }]);
    assert!(!update(third.version, "nothing").await.unwrap());

    let delete = || store.write(DeleteCustomField { name: "plan".to_owned() });
    assert!(delete().await.unwrap());
    assert!(!delete().await.unwrap());
    assert_eq!(config().await.custom_fields, []);
}
