//! What the expressions of an action see: the members of the record, what was mapped, and what came back so far.

use std::sync::{Arc, OnceLock};

use domain::mapping::Mapped;
use domain::{RequestId, Timestamp};
use expression::Payload;
use serde_json::{Map, Value, json};

use super::plan::Prepared;

/// A record on its way through the actions.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) record: Arc<Value>,
    pub(crate) mapped: Arc<Mapped>,
    /// The name of the event and the headers, if anything asks for them.
    beside: Option<Arc<Value>>,
    facts: Facts,
    responses: Map<String, Value>,
    last: Option<Value>,
    payload: OnceLock<Payload>,
}

/// What is known of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// Its id.
    pub(crate) request_id: RequestId,
    /// When it came in.
    pub(crate) received_at: Timestamp,
}

impl Context {
    pub(crate) fn new(record: &Prepared, facts: Facts) -> Self {
        Self {
            record: record.value.clone(),
            mapped: record.mapped.clone(),
            beside: record.beside.clone(),
            facts,
            responses: Map::new(),
            last: None,
            payload: OnceLock::new(),
        }
    }

    /// The request that it came in with.
    pub(crate) fn request_id(&self) -> RequestId {
        self.facts.request_id
    }

    /// For expressions. What stands here wins over members of the record that have the same name, so that no sender can pass
    /// off an answer of its own.
    pub(crate) fn payload(&self) -> &Payload {
        self.payload.get_or_init(|| {
            let mut root = self.record.as_object().cloned().unwrap_or_default();
            for (name, value) in self.own() {
                root.insert(name, value);
            }
            let root = Value::Object(root);
            self.beside.as_ref().map_or_else(|| Payload::new(&root), |beside| Payload::beside(&root, beside))
        })
    }

    /// For scripts: what is known beside the record.
    pub(crate) fn for_script(&self) -> Map<String, Value> {
        let mut known = self.own();
        known.extend(self.beside.iter().filter_map(|beside| beside.as_object().cloned()).flatten());
        known
    }

    fn own(&self) -> Map<String, Value> {
        let mut own = Map::new();
        own.insert("mapped".to_owned(), shown(&self.mapped));
        own.insert(
            "request".to_owned(),
            json!({"id": self.facts.request_id, "received_at": self.facts.received_at}),
        );
        own.insert("responses".to_owned(), Value::Object(self.responses.clone()));
        own.insert("response".to_owned(), self.last.clone().unwrap_or_default());
        own
    }

    /// A call was answered.
    pub(crate) fn answered(&mut self, name: Option<&str>, answer: &Value) {
        if let Some(name) = name {
            self.responses.insert(name.to_owned(), answer.clone());
        }
        self.last = Some(answer.clone());
        self.payload.take();
    }

    /// A script changed the record.
    pub(crate) fn replace(&mut self, record: Value, mapped: Mapped) {
        self.record = Arc::new(record);
        self.mapped = Arc::new(mapped);
        self.payload.take();
    }
}

/// What was mapped, as a subscriber is shown.
fn shown(mapped: &Mapped) -> Value {
    let fields = &mapped.fields;
    let mut shown = Map::new();
    shown.insert("email".to_owned(), json!(fields.email.as_ref().map(ToString::to_string)));
    for (field, text) in &fields.texts {
        shown.insert(field.as_str().to_owned(), json!(text));
    }
    if let Some(status) = fields.status {
        shown.insert("status".to_owned(), json!(status));
    }
    let custom =
        fields.custom_fields.iter().map(|(name, value)| (name.clone(), value.clone().unwrap_or_default()));
    shown.insert("custom_fields".to_owned(), Value::Object(custom.collect()));
    Value::Object(shown)
}
