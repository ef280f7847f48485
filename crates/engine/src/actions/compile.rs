//! The actions of a webhook, compiled once: conditions, templates, headers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use domain::log::FieldError;
use domain::mapping::Rule;
use domain::{Action, Step};
use expression::{CustomFields, Expression, JsonTemplate, Mapping, Template};
use http::{HeaderName, HeaderValue};
use serde_json::Value;
use signature::Secret;
use url::Url;

use crate::mapping::Mapper;

/// The actions of a webhook.
#[derive(Debug, Default)]
pub(crate) struct Actions(Vec<Compiled>);

/// An action.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) step: Step,
    /// What is made ready, or why what is stored is not valid: saving checks it, so only another version of the program can have
    /// stored that.
    pub(crate) ready: Result<Ready, String>,
}

#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) when: Option<Expression>,
    pub(crate) work: Work,
}

/// What an action needs to be done.
#[derive(Debug)]
pub(crate) enum Work {
    /// Nothing more: it changes a subscriber.
    Change,
    /// The data of the event; without it, that of the record.
    Tell(Option<JsonTemplate>),
    /// A call.
    Call(Box<Call>),
    /// A script.
    Script,
}

/// The templates of a call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) url: Template,
    pub(crate) headers: Vec<(HeaderName, Template)>,
    pub(crate) body: Option<JsonTemplate>,
    pub(crate) save: Option<Mapper>,
}

impl Actions {
    /// `secrets` are the headers of calls that are kept sealed, by [`header_key`].
    pub(crate) fn compile(
        steps: &[Step],
        secrets: &BTreeMap<String, Secret>,
        field_types: &Arc<CustomFields>,
    ) -> Self {
        let compiled = steps.iter().enumerate().map(|(index, step)| Compiled {
            ready: Ready::compile(&with_secrets(index, step, secrets), field_types).map_err(|faults| {
                let first = faults.into_iter().next();
                first.map_or_else(String::new, |fault| format!("{}: {}", fault.field, fault.message))
            }),
            step: step.clone(),
        });
        Self(compiled.collect())
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Compiled> {
        self.0.iter()
    }

    pub(crate) fn get(&self, step: u32) -> Option<&Compiled> {
        self.0.get(usize::try_from(step).ok()?)
    }
}

/// What the header of a call is called among the sealed secrets of its webhook.
pub fn header_key(step: usize, header: &str) -> String {
    format!("{step}/{}", header.to_ascii_lowercase())
}

fn with_secrets<'a>(index: usize, step: &'a Step, secrets: &BTreeMap<String, Secret>) -> Cow<'a, Step> {
    if secrets.is_empty() || !matches!(step.action, Action::CallApi { .. }) {
        return Cow::Borrowed(step);
    }
    let mut step = step.clone();
    if let Action::CallApi { headers, .. } = &mut step.action {
        for (name, value) in headers {
            if let Some(secret) = secrets.get(&header_key(index, name)) {
                *value = secret.expose().to_owned();
            }
        }
    }
    Cow::Owned(step)
}

/// Everything that is wrong with expressions and templates of actions, by dotted path.
pub fn check(steps: &[Step]) -> Vec<FieldError> {
    let faults = steps.iter().enumerate().flat_map(|(index, step)| {
        let faults = Ready::compile(step, &Arc::default()).err().unwrap_or_default();
        faults.into_iter().map(move |fault| FieldError {
            field: format!("actions.{index}.{}", fault.field),
            message: fault.message,
        })
    });
    faults.collect()
}

/// Collects faults, so that all of them are told at once.
#[derive(Default)]
struct Faults(Vec<FieldError>);

impl Faults {
    fn add(&mut self, field: &str, message: impl ToString) {
        self.0.push(FieldError { field: field.to_owned(), message: message.to_string() });
    }

    fn take<T, E: ToString>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(field, error)).ok()
    }

    fn json(&mut self, field: &str, source: &Value) -> Option<JsonTemplate> {
        let compiled = JsonTemplate::compile(source);
        compiled.map_err(|error| self.add(&join(field, &error.at), error.problem)).ok()
    }

    fn mapping(&mut self, field: &str, rules: &[Rule]) -> Option<Mapping> {
        let compiled = Mapping::compile(rules).map_err(|errors| {
            for error in errors {
                self.add(&format!("{field}.{}.{}", error.index, error.member), error.problem);
            }
        });
        compiled.ok().filter(|_| !rules.is_empty())
    }
}

fn join(field: &str, inside: &str) -> String {
    if inside.is_empty() { field.to_owned() } else { format!("{field}.{inside}") }
}

impl Ready {
    fn compile(step: &Step, field_types: &Arc<CustomFields>) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::default();
        let when = step.when.as_deref().and_then(|when| faults.take("when", Expression::compile(when)));
        let work = match &step.action {
            Action::PublishEvent { data, .. } => {
                let data = data.clone().map(Value::Object);
                Work::Tell(data.as_ref().and_then(|data| faults.json("data", data)))
            }
            Action::CallApi { url, headers, body, save_response, .. } => {
                let mapping = faults.mapping("save_response", save_response);
                let save = mapping.map(|mapping| Mapper::by(mapping, field_types));
                let call = Call::compile(url, headers, body.as_ref(), save, &mut faults);
                call.map_or(Work::Change, |call| Work::Call(Box::new(call)))
            }
            Action::CustomCode { .. } => Work::Script,
            _ => Work::Change,
        };
        if faults.0.is_empty() { Ok(Self { when, work }) } else { Err(faults.0) }
    }
}

impl Call {
    fn compile(
        url: &str,
        headers: &BTreeMap<String, String>,
        body: Option<&Value>,
        save: Option<Mapper>,
        faults: &mut Faults,
    ) -> Option<Self> {
        let url_template = faults.take("url", Template::compile(url));
        if let Err(message) = check_url(url) {
            faults.add("url", message);
        }
        let mut compiled = Vec::with_capacity(headers.len());
        for (name, value) in headers {
            let field = format!("headers.{name}");
            let name = faults.take(&field, HeaderName::try_from(name));
            let template = faults.take(&field, Template::compile(value));
            if HeaderValue::try_from(value).is_err() {
                faults.add(&field, "must be visible ASCII characters");
            }
            compiled.extend(name.zip(template));
        }
        let body = body.map(|body| faults.json("body", body));
        Some(Self { url: url_template?, headers: compiled, body: body.flatten(), save })
    }
}

/// Scheme and host may not come from a payload: who posts must not choose where our secrets go.
pub(crate) fn check_url(url: &str) -> Result<(), &'static str> {
    const FIXED: &str = "must begin with http:// or https:// and a host without placeholders";
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).ok_or(FIXED)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains(['{', '}', '@', '\\']) {
        return Err(FIXED);
    }
    let scheme = &url[..url.len() - rest.len()];
    Url::parse(&format!("{scheme}{authority}")).map(|_| ()).map_err(|_| FIXED)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(step: Value) -> Vec<String> {
        let steps: Vec<Step> = serde_json::from_value(json!([step])).unwrap();
        check(&steps).into_iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect()
    }

    #[test]
    fn faults_say_where() {
        for (step, expected) in [
            (json!({"type": "apply_tag", "tags": ["a"], "when": "a =="}), "actions.0.when: "),
            (
                json!({"type": "publish_event", "event_type": "a", "data": {"x": ["{a|nope}"]}}),
                "actions.0.data.x.0: at character 4: there is no filter nope",
            ),
            (json!({"type": "call_api", "url": "https://a.b/{x"}), "actions.0.url: "),
            (
                json!({"type": "call_api", "url": "https://a.b", "headers": {"X": "{x|nope}"}}),
                "actions.0.headers.X: ",
            ),
            (
                json!({"type": "call_api", "url": "https://a.b", "body": {"a": "{x|nope}"}}),
                "actions.0.body.a: ",
            ),
        ] {
            let faults = faults(step.clone());
            assert_eq!(faults.len(), 1, "{faults:?}");
            assert!(faults[0].starts_with(expected), "{step}: {faults:?}");
        }
    }

    #[test]
    fn the_host_of_a_call_is_fixed() {
        for url in
            ["https://api.example.com/{data.id}?q={data.q}", "http://127.0.0.1:8025/x", "https://[::1]/a"]
        {
            assert_eq!(faults(json!({"type": "call_api", "url": url})), Vec::<String>::new(), "{url}");
        }
        for url in [
            "https://{data.host}/",
            "ftp://a.b/",
            "https://a@{x}/",
            "https:///x",
            "https://a b/",
            "{data.url}",
            "https://a{x}.b",
        ] {
            assert!(!faults(json!({"type": "call_api", "url": url})).is_empty(), "{url}");
        }
    }
}
