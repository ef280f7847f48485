//! Users' JavaScript: the action `custom_code`, and `transform` before the mapping.

use domain::incoming::IncomingSettings;
use domain::log::{ActionStatus, FieldError};
use domain::{Action, RequestId, Timestamp};
use sandbox::{Call, Limits, Sandbox, SandboxError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::Context;

/// The most actions that a script may ask for.
const MAX_PARTS: usize = 50;
/// The most bytes of a record that a script returns: it is kept in the log, for the actions behind it to be run again.
const MAX_RECORD_BYTES: usize = 256 * 1_024;

/// What a script of `custom_code` returned.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Returned {
    /// The record, changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payload: Option<Value>,
    /// Actions to be done in the script's place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) actions: Vec<Action>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

impl Returned {
    /// Reads what a script returned.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(crate) fn read(value: Value) -> Result<Self, String> {
        if value.is_null() {
            return Ok(Self::default());
        }
        let read: Self = serde_json::from_value(value)
            .map_err(|error| format!("handle must return nothing or {{payload, actions, error}}: {error}"))?;
        if read.payload.as_ref().is_some_and(|payload| !payload.is_object()) {
            return Err("handle returned a payload that is not an object".to_owned());
        }
        if read.payload.as_ref().is_some_and(|payload| payload.to_string().len() > MAX_RECORD_BYTES) {
            return Err(format!("handle returned a payload of more than {MAX_RECORD_BYTES} bytes"));
        }
        if read.actions.len() > MAX_PARTS {
            return Err(format!("handle returned more than {MAX_PARTS} actions"));
        }
        if let Some(slow) = read.actions.iter().find(|action| action.is_slow()) {
            return Err(format!("handle returned the action {}, which leaves the process", slow.name()));
        }
        if let Some((member, message)) = read.actions.iter().flat_map(Action::check).next() {
            return Err(format!("handle returned an action whose {member} {message}"));
        }
        Ok(read)
    }
}

/// How a run of an action that left the process ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: ActionStatus,
    pub(crate) detail: String,
    pub(crate) output: Option<Value>,
    /// Whether the same may go better later, and when at the earliest, in seconds.
    pub(crate) passing: Option<u32>,
}

impl Ran {
    pub(crate) fn failed(detail: impl Into<String>) -> Self {
        Self { status: ActionStatus::Failed, detail: detail.into(), output: None, passing: None }
    }
}

/// All places for scripts are taken, and so are those in line.
#[derive(Debug)]
pub(crate) struct Busy;

/// Runs `custom_code`.
///
/// # Errors
/// If it can't be run now, which is no failure of anything.
pub(crate) async fn run(
    sandbox: &Sandbox,
    code: &str,
    context: &Context,
    now: Timestamp,
) -> Result<Ran, Busy> {
    // A function that returns nothing is a fine one, but no JSON.
    let code = format!(
        "{code}\nasync function ccsp_handle(payload, context) {{ const result = await handle(payload, context); \
         return result === undefined ? null : result; }}"
    );
    let arguments = [context.record.as_ref().clone(), Value::Object(context.for_script())];
    let call = Call {
        code: &code,
        function: "ccsp_handle",
        arguments: &arguments,
        now: now.millis(),
        seed: seed_of(context.request_id()),
        limits: Limits::CUSTOM_CODE,
    };
    let returned = match sandbox.call(call).await {
        Ok(value) => Returned::read(value),
        Err(SandboxError::Busy) => return Err(Busy),
        Err(error) if is_passing(&error) => {
            return Ok(Ran { passing: Some(0), ..Ran::failed(error.to_string()) });
        }
        Err(error) => Err(error.to_string()),
    };
    Ok(match returned {
        Err(fault) | Ok(Returned { error: Some(fault), .. }) => Ran::failed(fault),
        Ok(returned) => {
            let detail = match (returned.payload.is_some(), returned.actions.len()) {
                (false, 0) => "done".to_owned(),
                (true, 0) => "changed the payload".to_owned(),
                (changed, count) => {
                    let changed = if changed { "changed the payload and " } else { "" };
                    let actions = if count == 1 { "action" } else { "actions" };
                    format!("{changed}asked for {count} {actions}")
                }
            };
            let output = serde_json::to_value(&returned).ok();
            Ran { status: ActionStatus::Done, detail, output, passing: None }
        }
    })
}

/// Runs a `transform`.
///
/// # Errors
/// What went wrong, and whether it may go better later.
pub(crate) async fn transform(
    sandbox: &Sandbox,
    code: &str,
    payload: &Value,
    headers: Value,
    now: Timestamp,
) -> Result<Value, SandboxError> {
    let arguments = [payload.clone(), headers];
    // The same request is changed in the same way each time that it is run.
    let seed = u64::try_from(now.millis()).unwrap_or_default();
    let call = Call {
        code,
        function: "transform",
        arguments: &arguments,
        now: now.millis(),
        seed,
        limits: Limits::TRANSFORM,
    };
    sandbox.call(call).await
}

/// Whether it is not the script's fault.
pub(crate) fn is_passing(error: &SandboxError) -> bool {
    matches!(error, SandboxError::Busy | SandboxError::Gone | SandboxError::Start(_))
}

fn seed_of(id: RequestId) -> u64 {
    // Any number that follows from the id.
    id.to_string().bytes().fold(0, |seed, byte| seed * 31 % 0xffff_ffff_ffff + u64::from(byte))
}

/// What is wrong with a script, if there is one.
///
/// # Errors
/// If it can't be checked now.
pub(crate) async fn check_one(
    sandbox: &Sandbox,
    field: &str,
    code: Option<&str>,
    function: &str,
) -> Result<Vec<FieldError>, SandboxError> {
    let Some(code) = code else { return Ok(Vec::new()) };
    match sandbox.check(code, function).await {
        Ok(()) => Ok(Vec::new()),
        Err(error) if is_passing(&error) => Err(error),
        Err(error) => Ok(vec![FieldError { field: field.to_owned(), message: error.to_string() }]),
    }
}

/// What is wrong with the scripts of a webhook, by dotted path.
///
/// # Errors
/// If they can't be checked now.
pub(crate) async fn check(
    sandbox: &Sandbox,
    settings: &IncomingSettings,
) -> Result<Vec<FieldError>, SandboxError> {
    let mut faults = Vec::new();
    let of_actions = settings.actions.iter().enumerate().filter_map(|(index, step)| match &step.action {
        Action::CustomCode { code } => Some((format!("actions.{index}.code"), code, "handle")),
        _ => None,
    });
    let transform = settings.transform.iter().map(|code| ("transform".to_owned(), code, "transform"));
    for (field, code, function) in transform.chain(of_actions) {
        faults.extend(check_one(sandbox, &field, Some(code), function).await?);
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_script_returns_is_checked() {
        let good = json!({"payload": {"a": 1}, "actions": [{"type": "apply_tag", "tags": ["a"]}]});
        let read = Returned::read(good.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), good, "as the log keeps it");
        assert!(Returned::read(Value::Null).unwrap().payload.is_none());
        for (value, expected) in [
            (json!(1), "must return nothing or"),
            (json!({"payload": [1]}), "not an object"),
            (json!({"payload": {"a": "x".repeat(MAX_RECORD_BYTES)}}), "more than 262144 bytes"),
            (json!({"action": []}), "unknown field"),
            (json!({"actions": [{"type": "call_api", "url": "https://a.b"}]}), "leaves the process"),
            (json!({"actions": [{"type": "apply_tag", "tags": [" a"]}]}), "white space"),
            (
                json!({"actions": vec![json!({"type": "apply_tag", "tags": []}); MAX_PARTS + 1]}),
                "more than 50",
            ),
        ] {
            let fault = Returned::read(value).unwrap_err();
            assert!(fault.contains(expected), "{fault}");
        }
    }
}
