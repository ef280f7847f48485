//! What the log keeps of what came in: all of it, but for the values that it must not hold.

use std::sync::Arc;

use domain::redact::{MASK, Masked};
use serde_json::Value;

use crate::snapshot::Incoming;
use crate::{body, headers};

/// How many bytes of a request that was not let in are kept.
pub(crate) const MAX_REJECTED_BYTES: usize = 4 * 1_024;

/// A payload as the log keeps it.
pub(crate) struct Kept {
    pub(crate) text: String,
    /// As it came, if that is another.
    pub(crate) original: Option<String>,
    /// What is masked in it.
    pub(crate) masked: Option<Arc<Masked>>,
}

impl Kept {
    pub(crate) fn new(incoming: &Incoming, payload: &Value, text: String) -> Self {
        if incoming.redact.is_empty() {
            return Self { text, original: None, masked: None };
        }
        let mut shown = payload.clone();
        let masked = Masked::mask(&incoming.redact, &mut shown);
        if masked.is_empty() {
            return Self { text, original: None, masked: None };
        }
        Self { text: shown.to_string(), original: Some(text), masked: Some(Arc::new(masked)) }
    }

    /// Headers may repeat what the payload must not show.
    pub(crate) fn headers(&self, mut headers: String) -> String {
        if let Some(masked) = &self.masked {
            masked.hide_json(&mut headers);
        }
        headers
    }
}

/// What is kept of a body that was not let in. Nobody looked into it: all of it may be what the log must not hold.
pub(crate) fn of_rejected(incoming: &Incoming, body: &[u8]) -> String {
    if incoming.redact.is_empty() {
        headers::text(body, MAX_REJECTED_BYTES).into_owned()
    } else {
        MASK.to_owned()
    }
}

/// How much of a body that was not let in is missing from the log, if not all of it is there.
pub(crate) fn missing_of_rejected(text: &str, body: &[u8]) -> Option<String> {
    let bytes = body.len();
    match text == MASK {
        true if bytes > 0 => Some(format!("the body had {bytes} bytes, of which none are kept")),
        false if bytes > MAX_REJECTED_BYTES => {
            Some(format!("the body had {bytes} bytes, of which {MAX_REJECTED_BYTES} are kept"))
        }
        _ => None,
    }
}

/// What is kept of the body of a question that was answered.
pub(crate) fn of_question(incoming: &Incoming, body: &[u8]) -> String {
    let asked = (!incoming.redact.is_empty() && !body.is_empty()).then(|| body::json(body));
    match asked {
        None => headers::text(body, MAX_REJECTED_BYTES).into_owned(),
        Some(Ok(payload)) => {
            let text = Kept::new(incoming, &payload, payload.to_string()).text;
            headers::text(text.as_bytes(), MAX_REJECTED_BYTES).into_owned()
        }
        Some(Err(_)) => of_rejected(incoming, body),
    }
}
