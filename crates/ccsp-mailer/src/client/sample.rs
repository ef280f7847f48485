//! A request to try a webhook with: that of its sender if it is a known one, else one that its mapping would find
//! everything in, else one in the specification's own form.

use std::fmt::Write;
use std::path::Path;

use http::{HeaderMap, HeaderName, header};
use serde_json::{Map, Value, json};

use super::send::Posted;
use super::table::text;
use super::webhooks::bytes_of;
use super::{Client, fault};

/// A request's body.
#[derive(Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its type.
    pub content_type: String,
    /// Other headers that matter.
    pub headers: Vec<(String, String)>,
    /// It.
    pub body: String,
}

impl Sample {
    /// One for a webhook.
    ///
    /// # Errors
    /// What the server says against telling what it knows of the sender.
    pub async fn of(client: &Client, webhook: &Value) -> anyhow::Result<Self> {
        if webhook["preset"].is_string() {
            let presets = client.get("/presets", &[]).await?;
            let mut presets = presets["data"].as_array().into_iter().flatten();
            let preset = presets.find(|preset| preset["id"] == webhook["preset"]);
            if let Some(sample) =
                preset.map(|preset| &preset["samples"][0]).filter(|sample| sample.is_object())
            {
                let headers = sample["headers"].as_object().into_iter().flatten();
                return Ok(Self {
                    content_type: text(&sample["content_type"]),
                    headers: headers.map(|(name, value)| (name.clone(), text(value))).collect(),
                    body: sample["body"].as_str().unwrap_or_default().to_owned(),
                });
            }
        }
        Ok(Self {
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
            body: payload(webhook).to_string(),
        })
    }
}

impl Sample {
    /// JSON that a user has.
    ///
    /// # Errors
    /// If the file can't be read, or is not text.
    pub fn from_file(file: &Path) -> anyhow::Result<Self> {
        let body = String::from_utf8(bytes_of(file, "--file")?)
            .map_err(|_| fault("--file is not text: post it with the command send"))?;
        Ok(Self { content_type: "application/json".to_owned(), headers: Vec::new(), body })
    }

    /// What is posted of it, signed.
    ///
    /// # Errors
    /// If the server described headers that can't be.
    pub fn posted(self) -> anyhow::Result<Posted> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, self.content_type.parse()?);
        for (name, value) in self.headers {
            headers.insert(name.parse::<HeaderName>()?, value.parse()?);
        }
        Ok(Posted { headers, body: self.body.into_bytes(), signature: "right" })
    }
}

/// A payload that fits the webhook's mapping.
fn payload(webhook: &Value) -> Value {
    let rules = webhook["mapping"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut payload = json!({ "event": webhook["event_type"] });
    if rules.is_empty() {
        payload["data"] = json!({"email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace"});
    }
    for rule in rules {
        for path in paths(rule) {
            put(&mut payload, path, value_for(rule["to"].as_str().unwrap_or_default()));
        }
    }
    payload
}

/// The paths that a rule looks at: that of its value, or those in the braces of its template.
fn paths(rule: &Value) -> Vec<&str> {
    let template = rule["template"].as_str().unwrap_or_default();
    let in_braces = template.split('{').skip(1).filter_map(|part| part.split(['}', '|', ' ']).next());
    rule["from"].as_str().into_iter().chain(in_braces).collect()
}

fn value_for(target: &str) -> &'static str {
    match target {
        "email" => "ada@example.com",
        "first_name" => "Ada",
        "last_name" => "Lovelace",
        "name" => "Ada Lovelace",
        "phone" => "+15550100",
        "status" => "subscribed",
        _ => "example",
    }
}

/// Puts a value at a path of members. A path with places of lists is left out: what else a list holds can't be guessed.
fn put(payload: &mut Value, path: &str, value: &str) {
    let is_name = |step: &str| !step.is_empty() && step.parse::<u64>().is_err() && !step.contains('[');
    if !path.split('.').all(is_name) {
        return;
    }
    let mut target = payload;
    for step in path.split('.') {
        let Value::Object(members) = target else { return };
        target = members.entry(step).or_insert_with(|| Value::Object(Map::new()));
    }
    *target = value.into();
}

/// The line for a shell that sends a sample to a webhook that was just made, with its secrets as they were answered.
/// Where only its sender can sign by hand, it is this program's own.
pub fn shell_line(webhook: &Value, sample: &Sample) -> String {
    let scheme = webhook["signature"]["scheme"].as_str().unwrap_or_default();
    let secret = text(&webhook["signature"]["secret"]);
    let mut curl =
        format!("curl -X POST {} \\\n  -H {}", quoted(&text(&webhook["url"])), content_type(sample));
    if webhook["require_api_key"] == true {
        let _ = write!(curl, " \\\n  -H {}", quoted(&format!("X-API-Key: {}", text(&webhook["api_key"]))));
    }
    let body = quoted(&sample.body);
    match scheme {
        "none" => {}
        "basic" if secret.contains(':') => {
            let _ = write!(curl, " \\\n  -u {}", quoted(&secret));
        }
        "basic" => {
            let _ = write!(curl, " \\\n  -u {}", quoted(&format!("webhook:{secret}")));
        }
        "hmac_sha256" => {
            let header = text(&webhook["signature"]["header"]);
            let key = quoted(&secret);
            return format!(
                "BODY={body}\n{curl} \\\n  -H \"{header}: sha256=$(printf %s \"$BODY\" | openssl dgst -sha256 -hmac {key} | sed 's/^.*= //')\" \\\n  -d \"$BODY\""
            );
        }
        _ => return format!("ccsp-mailer incoming test {} --send", text(&webhook["id"])),
    }
    format!("{curl} \\\n  -d {body}")
}

fn content_type(sample: &Sample) -> String {
    quoted(&format!("Content-Type: {}", sample.content_type))
}

/// A word for the shell, as it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_what_the_mapping_looks_for() {
        let webhook = json!({"event_type": "subscriber_added", "mapping": [
            {"to": "email", "from": "data.contact.mail"}, {"to": "custom_field.plan", "from": "data.plan"},
            {"to": "phone", "from": "phones.0"}, {"to": "name", "from": "data.plan.name"}, {"to": "tier", "value": "x"},
            {"to": "first_name", "template": "{data.first|title} {data.middle}"},
        ]});
        let contact = json!({"mail": "ada@example.com"});
        let data = json!({"contact": contact, "plan": "example", "first": "Ada", "middle": "Ada"});
        assert_eq!(payload(&webhook), json!({"event": "subscriber_added", "data": data}));
        let plain = payload(&json!({"event_type": "contact_made", "mapping": null}));
        assert_eq!(
            (&plain["event"], &plain["data"]["email"]),
            (&json!("contact_made"), &json!("ada@example.com"))
        );
    }

    #[test]
    fn the_line_for_a_shell_signs_as_the_webhook_asks() {
        let sample = Sample {
            content_type: "application/json".into(),
            headers: vec![],
            body: r#"{"name":"O'Hara"}"#.into(),
        };
        let line = |scheme: &str| {
            let webhook = json!({
                "id": "a1b2c3d4e5f6", "url": "http://localhost/webhooks/a?token=b", "require_api_key": scheme == "none", "api_key": "ccsp_1",
                "signature": {"scheme": scheme, "secret": "whsec_x", "header": "X-Sig"},
            });
            shell_line(&webhook, &sample)
        };
        assert!(line("none").starts_with("curl -X POST 'http://localhost/webhooks/a?token=b' \\\n"));
        assert!(
            line("none").ends_with(r#"-d '{"name":"O'\''Hara"}'"#)
                && line("none").contains("-H 'X-API-Key: ccsp_1'")
        );
        assert!(line("basic").contains("-u 'webhook:whsec_x'"));
        assert!(
            line("hmac_sha256").contains("X-Sig: sha256=$(")
                && line("hmac_sha256").contains("-hmac 'whsec_x'")
        );
        assert_eq!(line("standard_webhooks"), "ccsp-mailer incoming test a1b2c3d4e5f6 --send");
    }
}
