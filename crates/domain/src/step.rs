//! One step of what an incoming webhook does: an action, on which condition, and what follows if it fails.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::action::Action;

/// What follows when an action fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// Those behind it are not done for this record, which counts as failed.
    #[default]
    Stop,
    /// Those behind it are done; the failure is a warning.
    Continue,
}

/// An action, with what every action takes: `when`, an expression without which it is skipped, and `on_error`. In JSON the
/// three are one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What to do.
    #[serde(flatten)]
    pub action: Action,
    /// On which condition, if on any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What follows if it fails.
    #[serde(skip_serializing_if = "is_stop")]
    pub on_error: OnError,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it by reference")]
fn is_stop(on_error: &OnError) -> bool {
    *on_error == OnError::Stop
}

impl From<Action> for Step {
    fn from(action: Action) -> Self {
        Self { action, when: None, on_error: OnError::Stop }
    }
}

impl<'de> Deserialize<'de> for Step {
    /// By hand: serde can't refuse unknown members beside `flatten`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = Map::deserialize(deserializer)?;
        let when = members.remove("when").unwrap_or_default();
        let on_error = members.remove("on_error");
        Ok(Self {
            when: Option::deserialize(when).map_err(|error| D::Error::custom(format!("when: {error}")))?,
            on_error: on_error
                .map_or(Ok(OnError::Stop), OnError::deserialize)
                .map_err(|error| D::Error::custom(format!("on_error: {error}")))?,
            action: Action::deserialize(Value::Object(members)).map_err(D::Error::custom)?,
        })
    }
}

impl PartialSchema for Step {
    /// That of [`Action`], with two members more in each branch.
    fn schema() -> RefOr<Schema> {
        let mut schema = Action::schema();
        if let RefOr::T(Schema::OneOf(branches)) = &mut schema {
            for branch in &mut branches.items {
                if let RefOr::T(Schema::Object(branch)) = branch {
                    add_members(branch);
                }
            }
        }
        schema
    }
}

impl ToSchema for Step {
    fn name() -> std::borrow::Cow<'static, str> {
        "Action".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Action::schemas(schemas);
        schemas.push((OnError::name().into(), OnError::schema()));
    }
}

fn add_members(branch: &mut Object) {
    let when = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some("On which condition: an expression over the record. Otherwise it is skipped."))
        .min_length(Some(1))
        .max_length(Some(4_096))
        .examples(["data.plan == 'pro'"]);
    branch.properties.insert("when".into(), when.into());
    let on_error = utoipa::openapi::schema::Ref::from_schema_name(OnError::name());
    branch.properties.insert("on_error".into(), on_error.into());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_object_in_json() {
        for json in [
            json!({"type": "apply_tag", "tags": ["a"]}),
            json!({"type": "change_status", "status": "pending", "when": "data.a", "on_error": "continue"}),
        ] {
            let step: Step = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(serde_json::to_value(&step).unwrap(), json);
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (json, expected) in [
            (json!({"type": "apply_tag", "tags": [], "whn": "a"}), "unknown field `whn`"),
            (json!({"type": "apply_tag", "tags": [], "on_error": "explode"}), "on_error: unknown variant"),
            (json!({"type": "apply_tag", "tags": [], "when": 1}), "when: invalid type"),
        ] {
            let error = serde_json::from_value::<Step>(json).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
