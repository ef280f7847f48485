//! The secrets in the headers of calls: kept sealed beside a webhook's configuration, where they stand masked.

use std::collections::BTreeMap;

use domain::log::FieldError;
use domain::{Action, Step};
use engine::headers::is_secret;
use signature::Secret;

use crate::secret;

/// What to call the header of an action, as the sealed secrets do.
fn key(step: usize, header: &str) -> String {
    engine::actions::header_key(step, header)
}

/// Masks them.
pub fn masked(mut actions: Vec<Step>) -> Vec<Step> {
    for value in actions.iter_mut().flat_map(secrets_of).map(|(_, value)| value) {
        if !secret::is_mask(value) {
            *value = Secret::new(value.as_str()).masked();
        }
    }
    actions
}

/// The secrets that are to hold: those that are given, and where the masked form is given, the current one of that header.
///
/// # Errors
/// A masked form is that of no secret that there is.
pub fn chosen(
    actions: &[Step],
    current: &BTreeMap<String, Secret>,
) -> Result<BTreeMap<String, Secret>, FieldError> {
    let mut chosen = BTreeMap::new();
    for (step, action) in actions.iter().enumerate() {
        let mut action = action.clone();
        for (header, value) in secrets_of(&mut action) {
            // Actions may have been put into another order.
            let suffix = key(0, header).split_off(1);
            let known = current.iter().filter(|(name, _)| name.ends_with(&suffix));
            let kept = known.map(|(_, secret)| secret).find(|secret| secret.is_masked_as(value));
            let secret = match kept {
                Some(secret) => secret.clone(),
                None if secret::is_mask(value) => {
                    let field = format!("actions.{step}.headers.{header}");
                    let message = "is the masked form of another secret: send the secret itself".to_owned();
                    return Err(FieldError { field, message });
                }
                None => Secret::new(value.as_str()),
            };
            chosen.insert(key(step, header), secret);
        }
    }
    Ok(chosen)
}

fn secrets_of(step: &mut Step) -> impl Iterator<Item = (&String, &mut String)> {
    let headers = match &mut step.action {
        Action::CallApi { headers, .. } => Some(headers),
        _ => None,
    };
    headers.into_iter().flatten().filter(|(name, _)| is_secret(&name.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn actions(authorization: &[&str]) -> Vec<Step> {
        let call = |value| json!({"type": "call_api", "url": "https://a.b", "headers": {"Authorization": value, "X-Env": "prod"}});
        serde_json::from_value(authorization.iter().map(call).collect()).unwrap()
    }

    #[test]
    fn secrets_move_out_and_stay_when_given_masked_in_another_order() {
        let given = actions(&["Bearer one-1111", "Bearer two-2222"]);
        let secrets = chosen(&given, &BTreeMap::new()).unwrap();
        let shown = masked(given);
        let text = serde_json::to_string(&shown).unwrap();
        assert!(!text.contains("one-") && text.contains("••••1111") && text.contains("prod"), "{text}");
        let again = chosen(&actions(&["••••2222", "••••1111"]), &secrets).unwrap();
        let values: Vec<&str> = again.values().map(Secret::expose).collect();
        assert_eq!(values, ["Bearer two-2222", "Bearer one-1111"]);
        let error = chosen(&actions(&["••••3333"]), &secrets).unwrap_err();
        assert_eq!(error.field, "actions.0.headers.Authorization");
    }
}
