//! Webhooks, as nodes get to know of them.

use domain::{IncomingWebhook, OutgoingWebhook, WebhookId};
use store::StoreError;
use store::commit::{Needs, Writes};
use store::config::{Config, LoadConfig};
use store::health::Disabled;
use store::webhooks::{
    DeleteWebhook, Direction, InsertIncoming, InsertOutgoing, UpdateIncoming, UpdateOutgoing,
};

use crate::samples::webhook;
use crate::support::{Database, NOW, commit, plan};

conformance!(only_what_has_changed_is_loaded, a_change_by_an_old_version_is_refused);

fn incoming(letter: char) -> IncomingWebhook {
    let settings = serde_json::from_str(r#"{"name":"Form","event_type":"order_paid"}"#).unwrap();
    IncomingWebhook { id: webhook(letter), settings, created_at: NOW, updated_at: NOW }
}

fn outgoing(letter: char) -> OutgoingWebhook {
    let settings =
        serde_json::from_str(r#"{"name":"Shop","url":"https://example.com/","events":["order_paid"]}"#)
            .unwrap();
    OutgoingWebhook { id: webhook(letter), settings, disabled_reason: None, created_at: NOW, updated_at: NOW }
}

async fn load(database: &Database, known: i64) -> Option<Config> {
    database.store.read(LoadConfig { known }).await.unwrap()
}

/// The version of the configuration.
async fn version(database: &Database) -> i64 {
    load(database, 0).await.unwrap().version
}

/// What there is, and of that what has changed since a version; first the incoming ones, then the outgoing ones.
async fn known(database: &Database, since: i64) -> [Vec<WebhookId>; 4] {
    let config = load(database, since).await.unwrap();
    let mut found = [
        config.incoming.ids,
        config.incoming.changed.into_iter().map(|(webhook, _)| webhook.id).collect(),
        config.outgoing.ids,
        config.outgoing.changed.into_iter().map(|(webhook, _)| webhook.id).collect(),
    ];
    found.iter_mut().for_each(|ids| ids.sort_unstable());
    found
}

fn ids(letters: &str) -> Vec<WebhookId> {
    letters.chars().map(webhook).collect()
}

async fn only_what_has_changed_is_loaded(database: &Database) {
    let store = &database.store;
    let secrets = || vec![1];
    for letter in ['a', 'b'] {
        let (before, webhook) = (version(database).await, incoming(letter));
        store.write(InsertIncoming { version: before, webhook, secrets: secrets() }).await.unwrap();
        assert_eq!(known(database, before).await[1], ids(&letter.to_string()));
    }
    for letter in ['c', 'd'] {
        let (before, webhook) = (version(database).await, outgoing(letter));
        store.write(InsertOutgoing { version: before, webhook, secrets: secrets() }).await.unwrap();
        assert_eq!(known(database, before).await[3], ids(&letter.to_string()));
    }
    assert_eq!(known(database, 0).await, [ids("ab"), ids("ab"), ids("cd"), ids("cd")]);

    let made = version(database).await;
    assert!(load(database, made).await.is_none());
    let change = UpdateIncoming { version: made, webhook: incoming('b'), secrets: secrets() };
    assert!(store.write(change).await.unwrap());
    let change = UpdateOutgoing { version: made + 1, webhook: outgoing('c'), secrets: secrets() };
    assert!(store.write(change).await.unwrap());
    assert_eq!(known(database, made).await, [ids("ab"), ids("b"), ids("cd"), ids("c")]);
    assert_eq!(known(database, made + 1).await, [ids("ab"), ids(""), ids("cd"), ids("c")]);

    let needs = move || Needs { config_version: made + 2, ..Needs::default() };
    let disabled = move || Disabled { version: made + 2, webhook: outgoing('d') };
    let batch = plan(needs, move |_| Ok((Writes { disabled: vec![disabled()], ..Writes::default() }, ())));
    commit(store, batch).await.unwrap();
    assert_eq!(known(database, made + 2).await, [ids("ab"), ids(""), ids("cd"), ids("d")]);

    let gone = DeleteWebhook { version: made + 3, direction: Direction::Incoming, id: webhook('a') };
    assert!(store.write(gone).await.unwrap());
    let gone = DeleteWebhook { version: made + 4, direction: Direction::Outgoing, id: webhook('c') };
    assert!(store.write(gone).await.unwrap());
    assert_eq!(known(database, made + 3).await, [ids("b"), ids(""), ids("d"), ids("")]);
}

async fn a_change_by_an_old_version_is_refused(database: &Database) {
    let store = &database.store;
    let before = version(database).await;
    let make = |letter| InsertOutgoing { version: before, webhook: outgoing(letter), secrets: vec![1] };
    store.write(make('a')).await.unwrap();
    assert!(matches!(store.write(make('b')).await, Err(StoreError::StaleConfig)));
    assert_eq!(version(database).await, before + 1);
    assert_eq!(known(database, 0).await[2], ids("a"));
}
