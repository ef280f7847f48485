//! What the unit tests share: a configuration, requests, and a batch without a database.

#![expect(clippy::unwrap_used, reason = "tests and fuzzing end where what they stand on is wrong")]

use std::sync::Arc;

use bytes::Bytes;
use domain::subscriber::Subscriber;
use domain::{Ids, IncomingWebhook, ListId, OutgoingWebhook, SubscriberId, Timestamp, WebhookId};
use http::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::Mutex;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use signature::{MasterKey, Secret};
use store::commit::{Decide, Found, Writes};
use store::config::{Config, Webhooks};

use crate::batch::Batch;
use crate::clock::Clock;
use crate::health::Operations;
use crate::item::{Decided, Item, Shared};
use crate::receive::Received;
use crate::room::Room;
use crate::rotating::Rotating;
use crate::snapshot::Snapshot;
use crate::vault::{IncomingSecrets, OutgoingSecrets, Vault};

/// The moment at which everything happens.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_792_000_000_123);
/// The incoming webhook.
pub(crate) const ID: &str = "a1b2c3d4e5f6";
/// Its token.
pub(crate) const TOKEN: &str = "a-token-of-more-than-32-characters-as-it-should-be";
/// The token before it, valid until a millisecond after [`NOW`].
pub(crate) const OLD_TOKEN: &str = "the-token-before-of-more-than-32-characters-too";
/// Its API key.
pub(crate) const API_KEY: &str = "ccsp_key";
/// Its signing secret.
pub(crate) const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

pub(crate) fn vault() -> Vault {
    let mut random = StdRng::seed_from_u64(1);
    Vault::new(MasterKey::generate(&mut random), random)
}

/// The configuration: the incoming webhook with these settings over its defaults, outgoing webhooks `destination0`,
/// `destination1`, … with these events, and list 1.
pub(crate) fn snapshot(settings: Value, destinations: &[&[&str]]) -> Arc<Snapshot> {
    let vault = vault();
    Arc::new(Snapshot::new(config(&vault, settings, destinations), &vault).unwrap())
}

/// The same as it is loaded.
pub(crate) fn config(vault: &Vault, settings: Value, destinations: &[&[&str]]) -> Config {
    let mut whole =
        json!({"name": "Form", "event_type": "subscriber_added", "actions": [{"type": "add_subscriber"}]});
    for (name, value) in settings.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let id: WebhookId = ID.parse().unwrap();
    let secrets = IncomingSecrets {
        token: Rotating {
            current: Secret::new(TOKEN),
            old: Some((Secret::new(OLD_TOKEN), NOW.plus_millis(1))),
        },
        api_key: Rotating::new(Secret::new(API_KEY)),
        signing: Rotating::new(Secret::new(SECRET)),
        learns: false,
        call_headers: Default::default(),
    };
    let sealed = vault.seal_incoming(&id, &secrets);
    let incoming = IncomingWebhook {
        id,
        settings: serde_json::from_value(whole).unwrap(),
        created_at: NOW,
        updated_at: NOW,
    };
    let outgoing: Vec<_> =
        destinations.iter().enumerate().map(|(i, events)| outgoing(vault, i, events)).collect();
    Config {
        version: 1,
        incoming: Webhooks { ids: vec![incoming.id.clone()], changed: vec![(incoming, sealed)] },
        outgoing: Webhooks {
            ids: outgoing.iter().map(|(webhook, _)| webhook.id.clone()).collect(),
            changed: outgoing,
        },
        api_keys: vec![],
        lists: vec![ListId(1)],
        presets: vec![],
        custom_fields: vec![],
        event_types: vec![],
    }
}

fn outgoing(vault: &Vault, number: usize, events: &[&str]) -> (OutgoingWebhook, Vec<u8>) {
    let id = destination(number);
    let settings = json!({"name": "Out", "url": "https://example.com/hook", "events": events});
    let secrets = OutgoingSecrets::new(Secret::new(SECRET));
    let sealed = vault.seal_outgoing(&id, &secrets);
    let settings = serde_json::from_value(settings).unwrap();
    (OutgoingWebhook { id, settings, disabled_reason: None, created_at: NOW, updated_at: NOW }, sealed)
}

pub(crate) fn destination(number: usize) -> WebhookId {
    format!("destination{number}").parse().unwrap()
}

/// A request as it should be.
pub(crate) fn request(body: impl Into<Bytes>) -> Received {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    Received {
        webhook_id: ID.to_owned(),
        token: Some(TOKEN.to_owned()),
        method: "POST",
        url: format!("https://mail.example.com/webhooks/{ID}?token={TOKEN}"),
        sender_ip: [203, 0, 113, 7].into(),
        headers,
        body: body.into(),
        sender_key: None,
        max_body: 1_048_576,
    }
}

impl Received {
    /// The same with this header.
    pub(crate) fn with(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        let value = HeaderValue::from_bytes(value.as_ref()).unwrap();
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// The same without this header.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }
}

/// A body in the specification's own form.
pub(crate) fn signup(email: &str) -> String {
    json!({"event": "subscriber_added", "data": {"email": email, "first_name": "Ada"}}).to_string()
}

/// A dispatcher's memory with so many places for each webhook, and what was given back.
pub(crate) struct Places {
    pub(crate) each: usize,
    pub(crate) given_back: Mutex<Vec<(WebhookId, usize)>>,
}

impl Room for Places {
    fn reserve(&self, _: &WebhookId, want: usize) -> usize {
        want.min(self.each)
    }

    fn release(&self, webhook: &WebhookId, count: usize) {
        self.given_back.lock().push((webhook.clone(), count));
    }
}

/// A batch of these items, with so many places for each webhook.
pub(crate) fn batch(snapshot: &Arc<Snapshot>, items: Vec<Item>, each: usize) -> (Batch, Arc<Places>) {
    let places = Arc::new(Places { each, given_back: Mutex::default() });
    let shared = Shared {
        clock: Clock::Virtual(Arc::new(NOW.millis().into())),
        ids: Mutex::new(Ids::new(StdRng::seed_from_u64(2))),
        node: "node".into(),
        room: places.clone(),
        feed: Arc::default(),
        gate: Arc::default(),
        operations: Operations::default(),
    };
    (Batch { shared: Arc::new(shared), snapshot: snapshot.clone(), items: items.into() }, places)
}

/// Decides items in one batch, with room for all, where these subscribers are stored.
pub(crate) fn decide(
    snapshot: &Arc<Snapshot>,
    items: Vec<Item>,
    subscribers: Vec<Subscriber>,
) -> (Writes, Decided) {
    let (batch, _) = batch(snapshot, items, 1_000);
    let free_ids = (100..200).map(SubscriberId).collect();
    batch.decide(Found { subscribers, free_ids, ..Found::default() }).unwrap()
}
