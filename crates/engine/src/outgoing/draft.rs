//! A request on its way to a destination, before it is signed.

use bytes::Bytes;
use domain::outgoing::BodyFormat;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use url::Url;

use super::{rendering, untouched};
use crate::headers;

/// As much of an address as the log keeps: more than servers take.
const MAX_TARGET_BYTES: usize = 8 * 1_024;

/// What is sent, but for what the program itself adds: its own headers, authentication and signatures.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// The user's headers, and the type of the body.
    pub headers: HeaderMap,
    /// What.
    pub body: Bytes,
    /// Whether the body is something else than the event's envelope, so that the log has to keep it.
    pub is_own_body: bool,
    /// What a form was made of, for a script to change.
    pub form: Option<Value>,
    /// Whether method and address are not just those of the webhook, so that the log has to keep them.
    pub is_own_target: bool,
}

/// What a `transform` returns: the request with what it changed, or `cancel` with a reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    method: Option<String>,
    url: Option<String>,
    headers: Option<Map<String, Value>>,
    /// `null` is a body, the empty one: only a member that is left out leaves it as it was.
    #[serde(default, deserialize_with = "given")]
    body: Option<Value>,
    cancel: Option<String>,
}

/// A value that is there, `null` as well.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// What became of a draft in a `transform`.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It is sent.
    Sent(Box<Draft>),
    /// It is not: why.
    Cancelled(String),
}

impl Draft {
    /// As a script sees it.
    pub(crate) fn shown(&self) -> Value {
        let headers: Map<String, Value> = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), headers::text(value.as_bytes(), usize::MAX).into()))
            .collect();
        json!({"method": self.method.as_str(), "url": self.url.as_str(), "headers": headers, "body": self.shown_body()})
    }

    fn shown_body(&self) -> Value {
        if let Some(form) = &self.form {
            return form.clone();
        }
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&self.body).into_owned()))
    }

    /// What a script made of it.
    ///
    /// # Errors
    /// Says what of it can't be sent.
    pub(crate) fn changed(mut self, returned: Value) -> Result<Fate, String> {
        let changed: Changed = serde_json::from_value(returned)
            .map_err(|error| format!("transform must return the request, or {{cancel}}: {error}"))?;
        if let Some(reason) = changed.cancel {
            return Ok(Fate::Cancelled(reason));
        }
        let before = (self.method.clone(), self.url.clone());
        if let Some(method) = changed.method {
            self.method = match method.as_str() {
                "POST" => Method::POST,
                "PUT" => Method::PUT,
                "PATCH" => Method::PATCH,
                _ => return Err("transform returned a method that is not POST, PUT or PATCH".to_owned()),
            };
        }
        if let Some(url) = changed.url {
            self.url = Url::parse(&url).map_err(|_| "transform returned a URL that is none".to_owned())?;
        }
        self.is_own_target |= before != (self.method.clone(), self.url.clone());
        if let Some(headers) = changed.headers {
            self.headers = own_headers(headers, &self.headers)?;
        }
        let before = self.shown_body();
        match changed
            .body
            .filter(|body| !untouched::is_same(&before, body))
            .map(|body| untouched::restored(&before, body))
        {
            Some(Value::Null) => self.body = Bytes::new(),
            Some(Value::String(text)) => self.body = text.into(),
            Some(body) if self.is_form() => self.body = rendering::form(&body).into(),
            Some(body) => self.body = body.to_string().into(),
            None => {}
        }
        self.is_own_body = true;
        Ok(Fate::Sent(Box::new(self)))
    }

    /// Method and address, as the log may show them: of the query, only that there is one.
    pub(crate) fn target(&self) -> String {
        let mut url = self.url.clone();
        url.set_fragment(None);
        let query = if url.query().is_some() { "?••••" } else { "" };
        url.set_query(None);
        // A URL without a host has neither, and is not sent.
        let _ = (url.set_username(""), url.set_password(None));
        let mut target = format!("{} {url}", self.method);
        target.truncate(target.floor_char_boundary(MAX_TARGET_BYTES));
        target + query
    }

    /// Whether the receiver is told that the body is a form.
    fn is_form(&self) -> bool {
        let kind = self.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        kind.to_ascii_lowercase().starts_with(BodyFormat::Form.content_type().as_bytes())
    }
}

fn own_headers(given: Map<String, Value>, before: &HeaderMap) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // What a script leaves as it was is as good as without a script.
        let unchanged = before.get(&name).filter(|value| headers::text(value.as_bytes(), usize::MAX) == text);
        if let (Some(value), Ok(name)) = (unchanged, HeaderName::try_from(name.as_str())) {
            headers.insert(name, value.clone());
            continue;
        }
        let is_content_type = name.eq_ignore_ascii_case("content-type");
        if let Some(fault) = domain::outgoing::header_fault(&name, &text).filter(|_| !is_content_type) {
            return Err(format!("transform returned the header {name}, which can't be set: it {fault}"));
        }
        let parsed = HeaderName::try_from(name.as_str()).ok().zip(HeaderValue::try_from(text).ok());
        let (name, value) =
            parsed.ok_or_else(|| format!("transform returned the header {name}, which is none"))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        Draft {
            method: Method::POST,
            url: "https://a.b/c".parse().unwrap(),
            headers,
            body: r#"{"a":1}"#.into(),
            is_own_body: false,
            form: None,
            is_own_target: false,
        }
    }

    #[test]
    fn a_script_changes_what_it_returns() {
        let mut shown = draft().shown();
        assert_eq!(shown["body"], json!({"a": 1}));
        shown["body"]["b"] = json!(2);
        shown["headers"]["x-env"] = json!("prod");
        shown["url"] = json!("https://a.b/d");
        let Ok(Fate::Sent(changed)) = draft().changed(shown) else { panic!() };
        assert_eq!((&changed.body[..], changed.url.path()), (&br#"{"a":1,"b":2}"#[..], "/d"));
        assert_eq!(changed.headers["x-env"], "prod");
        assert!(changed.is_own_target);
        assert!(
            matches!(draft().changed(json!({"cancel": "no"})), Ok(Fate::Cancelled(reason)) if reason == "no")
        );
    }

    #[test]
    fn its_target_is_kept_where_it_is_its_own_and_without_what_is_secret() {
        for (returned, expected) in [
            (json!({"headers": {}}), None),
            (json!({"method": "POST", "url": "https://a.b/c"}), None),
            (json!({"method": "PUT"}), Some("PUT https://a.b/c")),
            (json!({"url": "https://me:sekret@a.b/d/7?key=sekret#x"}), Some("POST https://a.b/d/7?••••")),
        ] {
            let Ok(Fate::Sent(changed)) = draft().changed(returned.clone()) else { panic!("{returned}") };
            let target = changed.is_own_target.then(|| changed.target());
            assert_eq!(target.as_deref(), expected, "{returned}");
        }
    }

    #[test]
    fn what_a_script_does_not_touch_stays_as_it_was() {
        let body = r#"{"id":9007199254740993,"n":1.0,"in":[{"id":9223372036854775807}],"plan":"free"}"#;
        let mut headers = draft().headers;
        headers.insert("x-name", HeaderValue::from_str("José").unwrap());
        let draft = Draft { body: body.into(), headers, ..draft() };
        // As JavaScript gives numbers back.
        let mut seen = draft.shown();
        seen["body"] = json!({"id": 9007199254740992_i64, "n": 1, "in": [{"id": 9223372036854776000_u64}], "plan": "free"});
        let Ok(Fate::Sent(same)) = draft.clone().changed(seen.clone()) else { panic!() };
        assert_eq!(same.body, body);
        assert_eq!(same.headers["x-name"].as_bytes(), "José".as_bytes());
        seen["body"]["plan"] = json!("pro");
        let Ok(Fate::Sent(changed)) = draft.clone().changed(seen.clone()) else { panic!() };
        assert_eq!(changed.body, body.replace("free", "pro"));
        seen["headers"]["x-name"] = json!("Zoë");
        let Err(fault) = draft.changed(seen) else { panic!() };
        assert!(fault.contains("visible ASCII"), "{fault}");
    }

    #[test]
    fn a_form_is_shown_as_what_it_was_made_of() {
        let form = Draft { form: Some(json!({"a": "1 2"})), body: "a=1+2".into(), ..draft() };
        let mut shown = form.shown();
        shown["body"]["q"] = json!(1);
        shown["headers"]["content-type"] = json!("application/x-www-form-urlencoded");
        let Ok(Fate::Sent(changed)) = form.changed(shown) else { panic!() };
        assert_eq!(changed.body, "a=1+2&q=1");
    }

    #[test]
    fn a_body_is_what_its_type_says() {
        let changed = |kind: &str| {
            let returned = json!({"headers": {"Content-Type": kind}, "body": {"a": 1, "b": ["x y", null]}});
            let Ok(Fate::Sent(changed)) = draft().changed(returned) else { panic!() };
            String::from_utf8(changed.body.to_vec()).unwrap()
        };
        assert_eq!(changed("application/x-www-form-urlencoded"), "a=1&b%5B%5D=x+y&b%5B%5D=");
        assert_eq!(changed("application/json"), r#"{"a":1,"b":["x y",null]}"#);
    }

    #[test]
    fn a_body_of_null_is_empty_and_one_left_out_is_unchanged() {
        for (returned, expected) in [
            (json!({"body": null}), ""),
            (json!({"headers": {"Content-Type": "application/x-www-form-urlencoded"}, "body": null}), ""),
            (json!({"body": ""}), ""),
            (json!({}), r#"{"a":1}"#),
        ] {
            let Ok(Fate::Sent(changed)) = draft().changed(returned.clone()) else { panic!("{returned}") };
            assert_eq!((&changed.body[..], changed.is_own_body), (expected.as_bytes(), true), "{returned}");
        }
    }

    #[test]
    fn what_can_not_be_sent_is_refused() {
        for returned in [
            json!(null),
            json!({"method": "GET"}),
            json!({"url": "nowhere"}),
            json!({"headers": {"Host": "x"}}),
            json!({"headers": {"X": "a\r\nb"}}),
            json!({"webhook-signature": "x"}),
            json!({"headers": {"Webhook-Signature": "v1,x"}}),
        ] {
            assert!(draft().changed(returned.clone()).is_err(), "{returned}");
        }
    }
}
